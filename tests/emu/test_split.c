/* SPDX-License-Identifier: Apache-2.0 */
/* Frames split between two regions on receive, and gathered from two on send. */
#include <errno.h>

#include "dq_kit.h"

#define REGIONS(heads, rest)                                                                       \
	"[region heads]\nkind = host\n" heads "[region rest]\nkind = host\n" rest                  \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
#define FLOW "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

/* A queue of 64 with 8 spares: its slots of headers and of payloads have odd strides. */
#define SPLIT(keys)                                                                                \
	REGIONS("num_bufs = 72\nbuf_size = 100\nalign = 4\n",                                      \
		"num_bufs = 80\nbuf_size = 1434\nalign = 2\n")                                     \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = heads, rest\ndepth = 64\n" keys FLOW

/* The same with strides of a power of two, which AVX2 takes. */
#define SPLIT_EVEN(keys)                                                                           \
	REGIONS("num_bufs = 72\nbuf_size = 128\n", "num_bufs = 80\nbuf_size = 1434\n")             \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = heads, rest\ndepth = 64\n" keys FLOW

enum { AT = 84, LONGEST = 1514 };

struct parts {
	struct daqiri_pkt heads[64], payloads[64];
};

static int receive(struct daqiri_rxq *q, struct parts *p, int n)
{
	int64_t end = kit_deadline();
	int got = 0, ret;

	while (got < n && !kit_is_late(end)) {
		ret = daqiri_rx_poll_split(q, p->heads + got, p->payloads + got, NULL, n - got);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		got += ret;
	}
	return got;
}

/* Puts the i-th packet together; returns its length. */
static uint32_t join(const struct parts *p, int i, uint8_t *frame)
{
	const struct daqiri_pkt *head = &p->heads[i], *payload = &p->payloads[i];

	cr_assert_leq(head->len + payload->len, LONGEST);
	memcpy(frame, (void *)(uintptr_t)head->addr, head->len);
	memcpy(frame + head->len, (void *)(uintptr_t)payload->addr, payload->len);
	return head->len + payload->len;
}

/* The i-th packet is that of this number, cut at the right place. */
static void check(const struct parts *p, int i, uint32_t number, uint32_t at)
{
	uint8_t frame[LONGEST];
	uint32_t len = join(p, i, frame), found;

	cr_assert_eq(p->heads[i].len, len < at ? len : at, "%u of %u", p->heads[i].len, len);
	cr_assert(kit_check(frame, len, &found), "frame %u of %u bytes", number, len);
	cr_assert_eq(found, number);
	cr_assert_eq(daqiri_key_flow(p->heads[i].key), 77u);
	cr_assert_eq(p->payloads[i].key, p->heads[i].key);
}

/* Receives the burst, which a sends, and gives it back; numbers go on. */
static void pass(const struct link *l, struct kit_burst *burst, uint32_t at)
{
	struct parts p;

	kit_send(l->tx, burst);
	cr_assert_eq(receive(l->rx, &p, (int)burst->n), (int)burst->n);
	for (int i = 0; i < (int)burst->n; i++)
		check(&p, i, burst->first + (uint32_t)i, at);
	daqiri_rx_release(l->rx, (int)burst->n);
	burst->first += burst->n;
}

static void around(const char *text, uint32_t at)
{
	struct link l = kit_open_link(text);
	struct kit_burst near = {.n = 50, .min = at - 5, .max = at + 5, .dst = MAC_B};
	struct kit_burst all = {.n = 64, .min = 60, .max = LONGEST, .dst = MAC_B};

	for (int round = 0; round < 20; round++) {
		all.first = near.first;
		pass(&l, &near, at);
		all.first = near.first;
		pass(&l, &all, at);
		near.first = all.first;
	}
	daqiri_close(l.dq);
}

Test(split, frames_are_cut_where_they_are_to_be)
{
	around(SPLIT("split = 84\n"), AT);
	around("[daqiri]\nsimd = portable\n" SPLIT("split = 84\n"), AT);
	around("[daqiri]\nsimd = sse42\n" SPLIT("split = 84\n"), AT);
	around(SPLIT_EVEN("split = 84\n"), AT);
	around("[daqiri]\nsimd = portable\n" SPLIT_EVEN("split = 84\n"), AT);
	around(SPLIT("split = 100\n"), 100);
	around(SPLIT(""), 100);
}

Test(split, several_queues_in_one_region)
{
	around("[region heads]\nkind = host\nnum_bufs = 256\nbuf_size = 128\n"
	       "[region rest]\nkind = host\nnum_bufs = 300\nbuf_size = 2K\n"
	       "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
	       "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
	       "[txq a 0]\nregions = tx\n[rxq b 1]\nregions = heads, rest\ndepth = 64\n"
	       "[rxq b 0]\nregions = heads, rest\n" FLOW,
	       128);
}

Test(split, payloads_on_huge_pages)
{
	static const char text[] = "[region heads]\nkind = host\nnum_bufs = 64\nbuf_size = 128\n"
				   "[region rest]\nkind = huge\nnum_bufs = 64\nbuf_size = 2K\n"
				   "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
				   "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B
				   "\n[txq a 0]\nregions = tx\n"
				   "[rxq b 0]\nregions = heads, rest\n" FLOW;
	struct daqiri_config *cfg = NULL;
	struct daqiri *dq = NULL;
	int ret;

	cr_assert_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "huge"), 0);
	ret = daqiri_open_config(&dq, cfg);
	daqiri_config_destroy(cfg);
	daqiri_close(dq);
	if (ret == -ENOMEM)
		cr_skip("no huge pages are free here");
	around(text, 128);
}

/* Header first, the first byte of a payload right behind it: nothing is between them. */
Test(split, a_frame_of_one_byte_more_and_one_of_one_less)
{
	struct link l = kit_open_link(SPLIT("split = 84\n"));
	struct kit_burst burst = {.n = 3, .min = AT - 1, .max = AT + 1, .dst = MAC_B};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct parts p;

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_expect_eq(info.split, (uint32_t)AT);
	cr_expect_eq(info.buf_size, AT + 1434u);
	cr_expect_eq(info.spares, 8u);
	cr_expect_eq(info.region, daqiri_region_find(l.dq, "heads"));
	cr_expect_eq(info.payload_region, daqiri_region_find(l.dq, "rest"));
	kit_send(l.tx, &burst);
	cr_assert_eq(receive(l.rx, &p, 3), 3);
	cr_assert_eq(p.heads[0].len, AT - 1u);
	cr_assert_eq(p.payloads[0].len, 0u);
	cr_assert_eq(p.heads[1].len, (uint32_t)AT);
	cr_assert_eq(p.payloads[1].len, 0u);
	cr_assert_eq(p.heads[2].len, (uint32_t)AT);
	cr_assert_eq(p.payloads[2].len, 1u);
	cr_assert_eq(p.heads[2].addr - p.heads[0].addr, 2 * 100u);
	cr_assert_eq(p.payloads[2].addr - p.payloads[0].addr, 2 * 1434u);
	daqiri_close(l.dq);
}

/* The whole ring is held: what comes then waits for a place, and no slot is given twice. */
Test(split, packets_that_are_held_stay)
{
	struct link l = kit_open_link(SPLIT("split = 84\n"));
	struct kit_burst burst = {.n = 64, .min = 60, .max = LONGEST, .dst = MAC_B};
	struct parts p;

	for (int round = 0; round < 10; round++) {
		kit_send(l.tx, &burst);
		cr_assert_eq(receive(l.rx, &p, 64), 64);
		for (int i = 0; i < 64; i++)
			check(&p, i, burst.first + (uint32_t)i, AT);
		for (int i = 0; i < 64; i += 16)
			daqiri_rx_release(l.rx, 16);
		burst.first += 64;
	}
	daqiri_close(l.dq);
}

static void keep(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.n = 8, .min = 90, .max = LONGEST, .dst = MAC_B};
	struct parts kept;

	kit_send(l.tx, &burst);
	cr_assert_eq(receive(l.rx, &kept, 8), 8);
	cr_assert_eq(daqiri_rx_keep(l.rx, kept.payloads, 1), -EINVAL);
	assert_detail("is none that was polled from this queue");
	cr_assert_eq(daqiri_rx_keep(l.rx, kept.heads, 8), 8);
	daqiri_rx_release(l.rx, 8);
	burst.first = 8;
	for (burst.n = 50; burst.first < 2000;)
		pass(&l, &burst, AT);
	for (int i = 0; i < 8; i++)
		check(&kept, i, (uint32_t)i, AT);
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept.heads, 8), 8);
	for (int i = 0; i < 10; i++)
		pass(&l, &burst, AT);
	daqiri_close(l.dq);
}

Test(split, kept_packets_stay_in_both_regions)
{
	keep(SPLIT("split = 84\n"));
	keep(SPLIT_EVEN("split = 84\n"));
}

/* At every place of the ring, with kept packets whose buffers are not where they began. */
static void reset(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.min = 60, .max = LONGEST, .dst = MAC_B};
	struct parts kept, p;

	burst.n = 6;
	kit_send(l.tx, &burst);
	cr_assert_eq(receive(l.rx, &kept, 6), 6);
	cr_assert_eq(daqiri_rx_keep(l.rx, kept.heads, 6), 6);
	daqiri_rx_release(l.rx, 6);
	burst.first = 6;
	for (int round = 1; round < 30; round++) {
		burst.n = (uint32_t)(round * 7 % 50) + 1;
		pass(&l, &burst, AT);
		kit_send(l.tx, &burst);
		cr_assert_eq(receive(l.rx, &p, (int)burst.n), (int)burst.n);
		burst.first += burst.n;
		cr_assert_eq(daqiri_rxq_reset(l.rx, 0), -EBUSY);
		cr_assert_eq(daqiri_rxq_reset(l.rx, DAQIRI_RESET_INVALIDATE), 0);
		pass(&l, &burst, AT);
	}
	for (int i = 0; i < 6; i++)
		check(&kept, i, (uint32_t)i, AT);
	cr_assert_eq(kit_port_stat(l.b, "rx_resets"), 29u);
	daqiri_close(l.dq);
}

Test(split, a_reset_in_the_middle)
{
	reset(SPLIT("split = 84\n"));
	reset(SPLIT_EVEN("split = 84\n"));
}

/* a sends to queue 0 of b; both parts go out of a again, by a queue that gathers, to queue 1. */
#define MAC_OUT "02:da:01:00:00:77"
#define FORWARD                                                                                    \
	REGIONS("num_bufs = 64\nbuf_size = 128\n", "num_bufs = 64\nbuf_size = 1434\n")             \
	"[region own]\nkind = host\nnum_bufs = 64\nbuf_size = 64\n"                                \
	"[region out]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                            \
	"[txq a 0]\nregions = tx\n[txq a 1]\nregions = own, out\ndepth = 64\n"                     \
	"[rxq b 0]\nregions = heads, rest\nsplit = 84\nkey = forward a\n"                          \
	"[rxq b 1]\nregions = out\ndepth = 512\n"                                                  \
	"[flow b in]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 5\n"                                   \
	"[flow b out]\ndst_mac = " MAC_OUT "\nqueue = 1\ntag = 77\n"

Test(split, both_parts_are_sent_on_from_where_they_lie)
{
	static const uint8_t out[6] = {0x02, 0xda, 0x01, 0x00, 0x00, 0x77};
	struct link l = kit_open_link(FORWARD);
	struct daqiri_rxq *back = daqiri_rxq_get(l.b, 1);
	struct daqiri_txq *tx = daqiri_txq_get(l.a, 1);
	struct kit_burst burst = {.n = 50, .min = 60, .max = LONGEST, .dst = MAC_B};
	struct parts p;

	for (; burst.first < 1000; burst.first += 50) {
		kit_send(l.tx, &burst);
		cr_assert_eq(receive(l.rx, &p, 50), 50);
		cr_assert_neq(p.heads[0].key, p.payloads[0].key, "two regions have two keys");
		for (int i = 0; i < 50; i++)
			memcpy((void *)(uintptr_t)p.heads[i].addr, out, sizeof(out));
		cr_assert_eq(daqiri_tx_post_split(tx, p.heads, p.payloads, 50), 50, "%s",
			     daqiri_error_detail());
		kit_expect(back, &burst);
		kit_wait_sent(tx, burst.first + 50);
		daqiri_rx_release(l.rx, 50);
	}
	daqiri_close(l.dq);
}

/* Port b takes frames longer than both slots once a second context has raised its MTU. */
#define SMALL                                                                                      \
	"[region heads]\nkind = host\nnum_bufs = 64\nbuf_size = 64\n"                              \
	"[region rest]\nkind = host\nnum_bufs = 64\nbuf_size = 200\n"                              \
	"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                               \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\nmtu = 246\n"                \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = heads, rest\n" FLOW
#define RAISE_MTU "[port b]\naddress = " MAC_B "\nmtu = 1500\n"

Test(split, a_frame_that_is_too_long_costs_its_wqe_and_nothing_else)
{
	struct link l = kit_open_link(SMALL);
	struct daqiri *raised = kit_open_text(RAISE_MTU);
	struct kit_burst good = {.n = 10, .min = 60, .max = 264, .dst = MAC_B};
	struct kit_burst bad = {.n = 1, .min = 265, .max = 265, .dst = MAC_B};
	struct parts p;

	for (uint32_t round = 1; round <= 50; round++) {
		kit_send(l.tx, &bad);
		kit_send(l.tx, &good);
		cr_assert_eq(receive(l.rx, &p, 10), 10);
		for (int i = 0; i < 10; i++)
			check(&p, i, good.first + (uint32_t)i, 64);
		daqiri_rx_release(l.rx, 10);
		good.first += 10;
		cr_assert_eq(kit_port_stat(l.b, "rx_length_errors"), round);
	}
	daqiri_close(raised);
	daqiri_close(l.dq);
}

Test(split, metadata_is_told_as_well)
{
	struct link l = kit_open_link(SPLIT("metadata = type, timestamp\n"));
	struct kit_burst burst = {.n = 20, .min = 60, .max = 300, .dst = MAC_B};
	struct daqiri_rx_meta meta[20];
	int64_t end = kit_deadline();
	struct parts p;
	int got = 0;

	memset(meta, 0xa5, sizeof(meta));
	kit_send(l.tx, &burst);
	while (got < 20 && !kit_is_late(end))
		got += daqiri_rx_poll_split(l.rx, p.heads + got, p.payloads + got, meta + got,
					    20 - got);
	cr_assert_eq(got, 20);
	for (int i = 0; i < 20; i++) {
		check(&p, i, (uint32_t)i, 100);
		cr_assert_eq(meta[i].flow, 77u);
		cr_assert_eq(meta[i].type, 0);
		cr_assert_gt(meta[i].time_ns, i ? meta[i - 1].time_ns - 1 : 0);
	}
	daqiri_close(l.dq);
}

Test(split, a_worker_hands_over_what_is_split_then)
{
	struct link l = kit_open_link(SPLIT("mode = worker\ncpu_core = 0\nbatch = 1\n"));
	struct kit_burst burst = {.n = 40, .min = 60, .max = LONGEST, .dst = MAC_B};
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_rx_poll(l.rx, &pkt, 1), -EOPNOTSUPP);
	for (int i = 0; i < 20; i++)
		pass(&l, &burst, 100);
	daqiri_close(l.dq);
}

Test(split, wrong_use_is_refused)
{
	struct link l = kit_open_link(SPLIT(""));
	struct daqiri_rx_meta meta;
	struct daqiri_pkt pkt, rest;

	cr_assert_eq(daqiri_rx_poll(l.rx, &pkt, 1), -EOPNOTSUPP);
	assert_detail("[rxq b 0]: its frames are split between two regions");
	cr_assert_eq(daqiri_rx_poll_split(NULL, &pkt, &rest, NULL, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_split(l.rx, NULL, &rest, NULL, 1), -EINVAL);
	assert_detail("daqiri_rx_poll_split for 1 packets: NULL array");
	cr_assert_eq(daqiri_rx_poll_split(l.rx, &pkt, NULL, NULL, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_split(l.rx, &pkt, &rest, NULL, -1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_split(l.rx, &pkt, &rest, &meta, 1), -EINVAL);
	assert_detail("[rxq b 0] metadata=none: daqiri_rx_poll_split");
	cr_assert_eq(daqiri_rx_poll_split(l.rx, NULL, NULL, NULL, 0), 0);
	daqiri_close(l.dq);
	l = kit_open_link(ONE_WAY("64"));
	cr_assert_eq(daqiri_rx_poll_split(l.rx, &pkt, &rest, NULL, 1), -EINVAL);
	assert_detail("[rxq b 0]: has one region");
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, &pkt, &rest, 1), -EINVAL);
	assert_detail("[txq a 0]: daqiri_tx_reserve_split wants a queue of two regions");
	cr_assert_eq(daqiri_tx_post_split(l.tx, &pkt, &rest, 1), -EINVAL);
	daqiri_close(l.dq);
}
