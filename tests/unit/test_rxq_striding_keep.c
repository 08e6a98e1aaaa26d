/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of striding queues that are kept, against a model: no memory is used twice. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "noise.h"
#include "striding_device.h"

enum { N_SPARES = N_BUFS - N_WQES, MOST = N_BUFS * STRIDES };

/* Polled and not released, in order; and kept. A packet may be both. */
static struct daqiri_pkt held[MOST], kept[MOST];
static uint32_t n_held, n_kept;
static uint64_t noise;

static uint32_t random32(void)
{
	return noise32(&noise);
}

static uint32_t buf_of(uint64_t addr)
{
	return (uint32_t)((addr - BASE) / WQE_BYTES);
}

static bool is_pinned(uint32_t buf)
{
	for (uint32_t i = 0; i < n_kept; i++)
		if (buf_of(kept[i].addr) == buf)
			return true;
	return false;
}

static uint32_t n_pinned(void)
{
	uint32_t n = 0;

	for (uint32_t buf = 0; buf < N_BUFS; buf++)
		n += is_pinned(buf);
	return n;
}

static bool is_kept(uint64_t addr)
{
	for (uint32_t i = 0; i < n_kept; i++)
		if (kept[i].addr == addr)
			return true;
	return false;
}

static void check_apart(const struct sent *s, const struct daqiri_pkt *pkts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cr_assert(s->addr + s->len <= pkts[i].addr || pkts[i].addr + pkts[i].len <= s->addr,
			  "a packet's memory is used again");
}

static void receive_some(void)
{
	uint32_t n = random32() % 40;

	while (n-- && device_receive(1 + random32() % (random32() % 2 ? FRAME_MAX : STRIDE))) {
		const struct sent *s = &d.sent[d.n_sent - 1];

		cr_assert_lt(buf_of(s->addr), (uint32_t)N_BUFS);
		cr_assert_eq(buf_of(s->addr), buf_of(s->addr + s->len - 1));
		check_apart(s, held, n_held);
		check_apart(s, kept, n_kept);
	}
}

static void poll_some(void)
{
	int n = daqiri_rx_poll(&d.q, held + n_held, (int)(random32() % 50));

	cr_assert(n >= 0 && (uint32_t)n <= d.n_sent);
	for (int i = 0; i < n; i++, n_held++) {
		cr_assert_eq(held[n_held].addr, d.sent[i].addr);
		cr_assert_eq(held[n_held].len, d.sent[i].len);
	}
	d.n_sent -= (uint32_t)n;
	memmove(d.sent, d.sent + n, d.n_sent * sizeof(d.sent[0]));
}

static void release_some(uint32_t n)
{
	n = n < n_held ? n : n_held;
	daqiri_rx_release(&d.q, (int)n);
	n_held -= n;
	memmove(held, held + n, n_held * sizeof(held[0]));
}

static void keep_one(void)
{
	struct daqiri_pkt pkt;
	int want;

	if (!n_held)
		return;
	pkt = held[random32() % n_held];
	if (is_kept(pkt.addr))
		want = -EINVAL;
	else
		want = is_pinned(buf_of(pkt.addr)) || n_pinned() < N_SPARES ? 1 : -ENOBUFS;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), want);
	if (want == 1)
		kept[n_kept++] = pkt;
}

static void give_back_one(void)
{
	uint32_t i;

	if (!n_kept)
		return;
	i = random32() % n_kept;
	cr_assert_eq(daqiri_rx_give_back(&d.q, &kept[i], 1), 1);
	cr_assert_eq(daqiri_rx_give_back(&d.q, &kept[i], 1), -EINVAL);
	kept[i] = kept[--n_kept];
}

static void play(uint32_t start)
{
	n_held = n_kept = 0;
	device_init(start);
	for (unsigned step = 0; step < 5000; step++) {
		receive_some();
		device_settle();
		poll_some();
		for (uint32_t n = random32() % 4; n; n--)
			keep_one();
		if (random32() % 3)
			release_some(random32() % 60);
		for (uint32_t n = random32() % 4; n; n--)
			give_back_one();
		cr_assert_eq(d.q.count.kept_out, n_kept);
	}
	while (n_kept)
		give_back_one();
	release_some(MOST);
	cr_assert_eq(d.st.bufs.n_spares, (uint32_t)N_SPARES);
	cr_assert_gt(d.q.count.kept, 1000u);
	cr_assert_gt(d.q.count.no_spare, 100u);
}

Test(rxq_striding_keep, no_memory_is_used_twice)
{
	static const uint32_t starts[] = {0, 0xfff0, 0xffffffe0, 0x7fffffff};

	noise = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < 2 * sizeof(starts) / sizeof(starts[0]); i++) {
		device_compresses = i & 1;
		play(starts[i / 2]);
	}
}

/* The device fills buffer 0, which one packet of it keeps, and goes on in a spare. */
Test(rxq_striding_keep, a_kept_packet_takes_its_buffer_out_of_the_ring)
{
	struct daqiri_pkt pkts[N_WQES * STRIDES], one;

	device_init(0);
	for (int i = 0; i < N_WQES * STRIDES; i++)
		cr_assert(device_receive(STRIDE));
	cr_assert_eq(daqiri_rx_poll(&d.q, pkts, N_WQES * STRIDES), N_WQES * STRIDES);
	cr_assert_eq(daqiri_rx_keep(&d.q, pkts + 3, 2), 2);
	one = pkts[3];
	one.addr += STRIDE - 1; /* moved on, but still in the stride */
	cr_assert_eq(daqiri_rx_keep(&d.q, &one, 1), -EINVAL);
	daqiri_rx_release(&d.q, N_WQES * STRIDES);
	d.n_sent = 0;
	cr_assert(device_receive(STRIDE));
	cr_assert_eq(d.sent[0].addr, BASE + N_WQES * WQE_BYTES, "the first spare");
	cr_assert_eq(daqiri_rx_keep(&d.q, &(struct daqiri_pkt){.addr = d.sent[0].addr}, 1), -EINVAL,
		     "it was not polled");
	cr_assert_eq(daqiri_rx_give_back(&d.q, &one, 1), 1);
	cr_assert_eq(d.st.bufs.n_spares, 1u, "another packet of it is kept");
	cr_assert_eq(daqiri_rx_give_back(&d.q, pkts + 4, 1), 1);
	cr_assert_eq(d.st.bufs.n_spares, 2u);
}

Test(rxq_striding_keep, only_packets_that_were_polled_can_be_kept)
{
	struct daqiri_pkt pkt = {.addr = BASE};

	device_init(7);
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "none has come");
	device_receive(3 * STRIDE);
	device_receive(STRIDE);
	cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), 1);
	pkt.addr += 3 * STRIDE;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "it was not polled");
	cr_assert_eq(daqiri_rx_give_back(&d.q, &pkt, 1), -EINVAL);
	pkt.addr = BASE + WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "the device has it");
	pkt.addr = BASE + N_WQES * WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "a spare");
	pkt.addr = BASE + N_BUFS * WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "behind the memory");
	pkt.addr = BASE - 1;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "before it");
}
