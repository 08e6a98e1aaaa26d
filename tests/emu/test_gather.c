/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of two pieces, sent from two regions. */
#include <errno.h>

#include "dq_kit.h"

/* Depth is that of the send queue: 64, of as many slots in both regions. */
#define GATHER_BY(keys)                                                                            \
	"[region heads]\nkind = host\nnum_bufs = 64\nbuf_size = 100\nalign = 4\n"                  \
	"[region rest]\nkind = host\nnum_bufs = 70\nbuf_size = 1434\nalign = 2\n"                  \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = heads, rest\n" keys "[rxq b 0]\nregions = rx\n"                      \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"
#define GATHER	   GATHER_BY("")
#define SIMD(name) "[daqiri]\nsimd = " name "\n"

struct parts {
	struct daqiri_pkt heads[64], payloads[64];
};

/* Lays frame number of len bytes out in two places, head bytes in the first. */
static void fill(struct parts *p, int i, const struct kit_burst *one, uint32_t head)
{
	uint8_t frame[2048];

	kit_fill(frame, one->min, one->dst, one->first);
	p->heads[i].len = head < one->min ? head : one->min;
	p->payloads[i].len = one->min - p->heads[i].len;
	memcpy((void *)(uintptr_t)p->heads[i].addr, frame, p->heads[i].len);
	memcpy((void *)(uintptr_t)p->payloads[i].addr, frame + p->heads[i].len, p->payloads[i].len);
}

static int reserve(struct daqiri_txq *q, struct parts *p, int n)
{
	int64_t end = kit_deadline();
	int got;

	while (!(got = daqiri_tx_reserve_split(q, p->heads, p->payloads, n)))
		cr_assert(!kit_is_late(end), "no slot comes free");
	cr_assert_geq(got, 0, "%s", daqiri_error_detail());
	return got;
}

/* Posts all, in as many calls as it takes. */
static void post_all(struct daqiri_txq *q, const struct parts *p, int n)
{
	int64_t end = kit_deadline();

	for (int done = 0, ret; done < n; done += ret) {
		ret = daqiri_tx_post_split(q, p->heads + done, p->payloads + done, n - done);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		cr_assert(ret || !kit_is_late(end), "the ring stays full");
	}
}

/* Sends the burst with headers of any length from 14 to 100, and expects it. */
static void pass(const struct link *l, struct kit_burst *burst)
{
	uint32_t range = burst->max - burst->min + 1;
	struct parts p;

	for (uint32_t sent = 0; sent < burst->n;) {
		int n = reserve(l->tx, &p, burst->n - sent < 64 ? (int)(burst->n - sent) : 64);

		for (int i = 0; i < n; i++, sent++) {
			struct kit_burst one = {.first = burst->first + sent, .dst = burst->dst};

			one.min = burst->min + one.first % range;
			fill(&p, i, &one, 14 + one.first % 87);
		}
		post_all(l->tx, &p, n);
	}
	kit_expect(l->rx, burst);
	burst->first += burst->n;
}

static void frames(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.n = 300, .min = 60, .max = 1448, .dst = MAC_B};

	for (int i = 0; i < 5; i++)
		pass(&l, &burst);
	for (burst.n = 1; burst.n < 64; burst.n++)
		pass(&l, &burst);
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), burst.first);
	cr_assert_eq(kit_port_stat(l.a, "tx_bytes"), kit_port_stat(l.b, "rx_bytes"));
	daqiri_close(l.dq);
}

Test(gather, frames_are_whole_again)
{
	frames(GATHER);
	frames(SIMD("portable") GATHER);
	frames(SIMD("sse42") GATHER);
	frames(GATHER_BY("tx_latency = on\n"));
}

/* Each goes out with the doorbell, by either half of the register. */
Test(gather, lone_packets_of_a_queue_for_latency)
{
	struct link l = kit_open_link(GATHER_BY("tx_latency = on\n"));
	struct kit_burst burst = {.n = 1, .min = 90, .max = 110, .dst = MAC_B};

	for (int i = 0; i < 200; i++)
		pass(&l, &burst);
	kit_wait_sent(l.tx, 200);
	daqiri_close(l.dq);
}

Test(gather, the_queue_tells_what_it_is)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct link l = kit_open_link(GATHER);

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	cr_expect_eq(info.depth, 64u);
	cr_expect_eq(info.buf_size, 100u);
	cr_expect_eq(info.payload_size, 1434u);
	cr_expect_eq(info.region, daqiri_region_find(l.dq, "heads"));
	cr_expect_eq(info.payload_region, daqiri_region_find(l.dq, "rest"));
	cr_expect_str_eq(info.tx_mode, "send");
	cr_expect(strstr(info.why, "packets of two regions"));
	daqiri_close(l.dq);
	cr_assert_eq(kit_try_text(GATHER_BY("tx_inline = 64\n")), -EINVAL);
	assert_detail("tx_inline=64: a queue with two regions gathers frames");
}

/* A slot has both places, in ring order, and is shown again until a header in it is posted. */
Test(gather, slots_go_together)
{
	struct link l = kit_open_link(GATHER);
	uint64_t first[2];
	struct parts p;

	cr_assert_eq(daqiri_tx_reserve_split(l.tx, p.heads, p.payloads, 64), 64);
	first[0] = p.heads[0].addr;
	first[1] = p.payloads[0].addr;
	for (uint64_t i = 0; i < 64; i++) {
		cr_assert_eq(p.heads[i].addr - first[0], i * 100);
		cr_assert_eq(p.payloads[i].addr - first[1], i * 1434);
		cr_assert_eq(p.heads[i].len, 100u);
		cr_assert_eq(p.payloads[i].len, 1434u);
	}
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, p.heads, p.payloads, 5), 5);
	cr_assert_eq(p.heads[0].addr, first[0]);
	for (int i = 0; i < 40; i++)
		fill(&p, i % 5, &(struct kit_burst){.min = 100, .dst = MAC_B}, 50);
	post_all(l.tx, &p, 5);
	kit_wait_sent(l.tx, 5);
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, p.heads, p.payloads, 64), 64);
	for (uint64_t i = 0; i < 64; i++) {
		cr_assert_eq(p.heads[i].addr - first[0], (i + 5) % 64 * 100);
		cr_assert_eq(p.payloads[i].addr - first[1], (i + 5) % 64 * 1434);
	}
	daqiri_close(l.dq);
}

/* Without a payload the second pointer is left out: one of 0 bytes would mean 2 GB. */
Test(gather, a_payload_may_be_empty)
{
	struct link l = kit_open_link(GATHER);
	struct kit_burst burst = {.n = 50, .min = 60, .max = 100, .dst = MAC_B};
	struct parts p;

	for (int round = 0; round < 5; round++) {
		cr_assert_eq(reserve(l.tx, &p, 50), 50);
		for (int i = 0; i < 50; i++) {
			struct kit_burst one = {.first = burst.first + (uint32_t)i, .dst = MAC_B};

			one.min = 60 + one.first % 41;
			fill(&p, i, &one, 100);
			cr_assert_eq(p.payloads[i].len, 0u);
		}
		post_all(l.tx, &p, 50);
		kit_expect(l.rx, &burst);
		burst.first += 50;
		kit_wait_sent(l.tx, burst.first);
	}
	daqiri_close(l.dq);
}

/* Packets of one piece go by the same queue, and take their turn. */
Test(gather, packets_of_one_piece_take_a_slot_too)
{
	struct link l = kit_open_link(GATHER);
	struct kit_burst two = {.n = 50, .min = 60, .max = 1000, .dst = MAC_B};
	struct kit_burst one = {.n = 33, .min = 60, .max = 100, .dst = MAC_B};

	for (int i = 0; i < 20; i++) {
		pass(&l, &two);
		one.first = two.first;
		kit_send(l.tx, &one);
		kit_expect(l.rx, &one);
		two.first += one.n;
	}
	kit_wait_sent(l.tx, two.first);
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), two.first);
	daqiri_close(l.dq);
}

/* Payloads that were received go on from where they lie, behind headers of the sender's own. */
Test(gather, payloads_from_elsewhere)
{
	struct link l =
		kit_open_link(GATHER "[txq b 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\n"
				     "[rxq a 0]\nregions = far\n[region far]\nkind = host\n"
				     "num_bufs = 64\nbuf_size = 2K\n"
				     "[flow a all]\ndst_mac = " MAC_A "\nqueue = 0\n");
	struct daqiri_txq *back = daqiri_txq_get(l.b, 0);
	struct daqiri_rxq *in = daqiri_rxq_get(l.a, 0);
	struct kit_burst burst = {.n = 30, .min = 600, .max = 600, .dst = MAC_A};
	struct parts p;
	uint8_t head[18]; /* and a number */
	daqiri_key key;

	kit_fill(head, sizeof(head), MAC_B, 0);
	cr_assert_eq(daqiri_region_key(daqiri_region_find(l.dq, "far"), l.a, &key), 0);
	for (; burst.first < 600; burst.first += burst.n) {
		kit_send(back, &burst);
		cr_assert_eq(kit_receive(in, p.payloads, 30), 30);
		cr_assert_eq(daqiri_tx_reserve(l.tx, p.heads, 30), 30);
		for (int i = 0; i < 30; i++) {
			memcpy((void *)(uintptr_t)p.heads[i].addr, head, 14);
			p.heads[i].len = 14;
			p.payloads[i].addr += 14;
			p.payloads[i].len -= 14;
			p.payloads[i].key = key;
		}
		post_all(l.tx, &p, 30);
		burst.dst = MAC_B;
		kit_expect(l.rx, &burst);
		burst.dst = MAC_A;
		kit_wait_sent(l.tx, burst.first + 30);
		daqiri_rx_release(in, 30);
	}
	daqiri_close(l.dq);
}

/* The reverse: headers of other memory take no slot. */
Test(gather, headers_from_elsewhere_take_no_slot)
{
	struct link l = kit_open_link(GATHER "[region own]\nkind = host\nnum_bufs = 1\n"
					     "buf_size = 4K\nports = a\n");
	struct daqiri_region_info info = {.size = sizeof(info)};
	struct daqiri_region *own = daqiri_region_find(l.dq, "own");
	struct parts p, q;

	cr_assert_eq(daqiri_region_info(own, &info), 0);
	cr_assert_eq(reserve(l.tx, &p, 2), 2);
	q = p;
	q.heads[0].addr = info.addr;
	cr_assert_eq(daqiri_region_key(own, l.a, &q.heads[0].key), 0);
	fill(&q, 0, &(struct kit_burst){.first = 0, .min = 200, .dst = MAC_B}, 40);
	fill(&q, 1, &(struct kit_burst){.first = 1, .min = 200, .dst = MAC_B}, 40);
	q.heads[1].addr = p.heads[0].addr;
	memcpy((void *)(uintptr_t)p.heads[0].addr, (void *)(uintptr_t)p.heads[1].addr, 40);
	post_all(l.tx, &q, 2);
	kit_expect(l.rx, &(struct kit_burst){.n = 2, .min = 200, .max = 200});
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, q.heads, q.payloads, 1), 1);
	cr_assert_eq(q.heads[0].addr, p.heads[1].addr, "one of the two took a slot");
	cr_assert_eq(q.payloads[0].addr, p.payloads[1].addr);
	daqiri_close(l.dq);
}

Test(gather, an_error_stops_the_queue_and_a_reset_starts_it)
{
	struct link l = kit_open_link(GATHER);
	struct kit_burst burst = {.n = 40, .min = 60, .max = 1000, .dst = MAC_B};
	struct parts p;

	for (int round = 0; round < 5; round++) {
		pass(&l, &burst);
		cr_assert_eq(reserve(l.tx, &p, 1), 1);
		fill(&p, 0, &(struct kit_burst){.min = 100, .dst = MAC_B}, 50);
		p.payloads[0].key = 0x11;
		post_all(l.tx, &p, 1);
		kit_wait_error(l.tx);
		cr_assert_eq(daqiri_tx_post_split(l.tx, p.heads, p.payloads, 1), -EIO);
		cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0, "%s", daqiri_error_detail());
	}
	pass(&l, &burst);
	daqiri_close(l.dq);
}

Test(gather, wrong_use_is_refused)
{
	struct link l = kit_open_link(GATHER);
	struct daqiri_pkt pkt, rest;

	cr_assert_eq(daqiri_tx_reserve_split(NULL, &pkt, &rest, 1), -EINVAL);
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, NULL, &rest, 1), -EINVAL);
	assert_detail("daqiri_tx_reserve_split for 1 packets: NULL array");
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, &pkt, NULL, 1), -EINVAL);
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, &pkt, &rest, -1), -EINVAL);
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, NULL, NULL, 0), 0);
	cr_assert_eq(daqiri_tx_post_split(NULL, &pkt, &rest, 1), -EINVAL);
	cr_assert_eq(daqiri_tx_post_split(l.tx, NULL, &rest, 1), -EINVAL);
	assert_detail("daqiri_tx_post_split for 1 packets: NULL array");
	cr_assert_eq(daqiri_tx_post_split(l.tx, &pkt, NULL, 1), -EINVAL);
	cr_assert_eq(daqiri_tx_post_split(l.tx, &pkt, &rest, -1), -EINVAL);
	cr_assert_eq(daqiri_tx_post_split(l.tx, NULL, NULL, 0), 0);
	daqiri_close(l.dq);
}
