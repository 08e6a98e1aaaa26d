/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Striding receive queues driven at random against a model: all that comes is polled once, in
 * order, and no memory is used twice. DAQIRI_MODEL_PACKETS: how many each gets (10^5).
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "noise.h"
#include "striding_device.h"

enum { N_SPARES = N_BUFS - N_WQES, MOST = N_BUFS * STRIDES };

/* Polled and not released, in order; and kept. A packet may be both. */
static struct daqiri_pkt held[2 * PENDING + 1], kept[MOST]; /* a poll may ask for PENDING more */
static uint32_t n_held, n_kept;
static uint64_t noise;

static uint32_t random32(void)
{
	return noise32(&noise);
}

static uint32_t random_length(void)
{
	if (random32() % 3 == 0)
		return 1 + random32() % STRIDE; /* one stride each */
	if (random32() % 2)
		return 1 + random32() % FRAME_MAX;
	return random32() % 8 ? 60 : FRAME_MAX;
}

/* ---- the model ------------------------------------------------------------------------------- */

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

static bool overlaps(const struct sent *s, const struct daqiri_pkt *pkts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (s->addr < pkts[i].addr + pkts[i].len && pkts[i].addr < s->addr + s->len)
			return true;
	return false;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void receive_some(void)
{
	uint32_t n = random32() % 40;

	while (n--) {
		const struct sent *s = &d.sent[d.n_sent];

		if (random32() % 200 == 0 && device_room()) {
			device_fail(1, random32() & 1);
			continue;
		}
		if (!device_receive(random_length()))
			break;
		cr_assert_lt(buf_of(s->addr), (uint32_t)N_BUFS);
		cr_assert_eq(buf_of(s->addr), buf_of(s->addr + s->len - 1));
		cr_assert(!overlaps(s, held, n_held), "the memory of a packet that is held");
		cr_assert(!overlaps(s, kept, n_kept), "the memory of a packet that is kept");
	}
	device_settle();
}

static void poll_some(uint32_t max)
{
	n_held += device_expect(held + n_held, max);
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

/* The device stops at an error; then what daqiri_rxq_reset() does, without a work queue. */
static void stop_and_restart(void)
{
	uint8_t syndrome = MLX5_CQE_SYNDROME_LOCAL_PROT_ERR;

	if (!device_room())
		return;
	for (; device_room(); syndrome = MLX5_CQE_SYNDROME_WR_FLUSH_ERR)
		device_fail(syndrome, true);
	device_settle();
	if (random32() & 1) {
		if (d.n_sent)
			poll_some(PENDING);
		cr_assert_eq(daqiri_rx_poll(&d.q, (struct daqiri_pkt[1]){{0}}, 1), -EIO);
		release_some(random32() % 50);
	}
	dq_rx_restart_striding(&d.q);
	device_restart();
	n_held = 0;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void step(bool keeps)
{
	receive_some();
	poll_some(random32() % (PENDING + 1));
	for (uint32_t n = keeps ? random32() % 4 : 0; n; n--)
		keep_one();
	if (random32() % 3)
		release_some(random32() % 60);
	for (uint32_t n = keeps ? random32() % 4 : 0; n; n--)
		give_back_one();
	if (random32() % 200 == 0)
		stop_and_restart();
	cr_assert_eq(d.q.count.kept_out, n_kept);
}

static void play(uint32_t start, uint64_t packets, bool keeps)
{
	n_held = n_kept = 0;
	device_init(start);
	while (d.number < packets)
		step(keeps);
	poll_some(PENDING);
	release_some(PENDING);
	poll_some(PENDING); /* what errors took comes back */
	while (n_kept)
		give_back_one();
	cr_assert_eq(n_held, 0u);
	cr_assert_eq(d.n_sent, 0u);
	cr_assert_eq(device_room(), N_WQES);
	cr_assert_eq(d.st.bufs.n_spares, (uint32_t)N_SPARES);
	if (keeps) {
		cr_assert_gt(d.q.count.kept, packets / 1000);
		cr_assert_gt(d.q.count.no_spare, packets / 10000);
	}
}

static void play_at_every_limit(bool keeps, bool compresses)
{
	static const uint32_t limits[] = {0, 0xfff0, 0xffffe0, 0xffffffe0};
	const char *packets = getenv("DAQIRI_MODEL_PACKETS");

	noise = 0x2545f4914f6cdd1d;
	device_compresses = compresses;
	FOR_EACH_TAKER
	for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		play(limits[i], packets ? strtoull(packets, NULL, 0) : 100000, keeps);
}

Test(striding_model, released_in_order)
{
	play_at_every_limit(false, false);
}

Test(striding_model, released_in_order_and_compressed)
{
	play_at_every_limit(false, true);
}

Test(striding_model, kept)
{
	play_at_every_limit(true, false);
}

Test(striding_model, kept_and_compressed)
{
	play_at_every_limit(true, true);
}
