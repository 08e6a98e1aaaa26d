/* SPDX-License-Identifier: Apache-2.0 */
/* Send queues that copy frames into the ring, or into the doorbell, through the public API. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <infiniband/mlx5dv.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* A sender of a depth, with more keys, and a receiver that gets all. */
#define LINK(depth, more)                                                                          \
	PORTS "[txq a 0]\nregions = tx\ndepth = " depth "\n" more                                  \
	      "[rxq b 0]\nregions = rx\ndepth = 1024\n"                                            \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

static struct daqiri_txq_info info_of(const struct daqiri_txq *q)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(q, &info), 0);
	return info;
}

static uint32_t wqebbs(struct daqiri_txq *q)
{
	struct mlx5dv_qp qp = {0};
	struct mlx5dv_obj obj = {.qp = {.in = daqiri_txq_ibv_qp(q), .out = &qp}};

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), 0);
	return qp.sq.wqe_cnt;
}

/* Bursts of every size, and of frames short, long and mixed, arrive complete and in order. */
static void traffic(struct link *l)
{
	static const struct {
		uint32_t min, max;
	} sizes[] = {{60, 60}, {60, 128}, {14, 300}, {1000, 1514}, {60, 1514}};
	struct kit_burst burst = {.dst = MAC_B};
	uint64_t sent = 0;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		/* The cable pads what is shorter, and the kit looks at all. */
		burst.min = sizes[i].min < 60 ? 60 : sizes[i].min;
		burst.max = sizes[i].max;
		for (burst.n = 1; burst.n <= 64; burst.n++) {
			kit_send(l->tx, &burst);
			kit_expect(l->rx, &burst);
			burst.first += burst.n;
			sent += burst.n;
		}
	}
	kit_wait_sent(l->tx, sent);
	cr_assert_eq(kit_port_stat(l->a, "tx_bytes"), kit_port_stat(l->b, "rx_bytes"));
	cr_assert_eq(kit_port_stat(l->a, "tx_errors"), 0u);
}

Test(tx, short_frames_are_copied_into_the_ring)
{
	struct link l = kit_open_link(LINK("64", "tx_inline = 128\n"));
	struct daqiri_txq_info info = info_of(l.tx);

	cr_assert_str_eq(info.tx_mode, "empw-inline");
	cr_assert_eq(info.tx_inline, 128u);
	cr_assert_eq(info.latency, 0u);
	cr_assert_eq(info.depth, 64u);
	cr_assert_str_eq(info.why, "tx_inline=128 was asked for");
	/* Nine segments and the head's two are three WQEBBs; 192 of them are not a power of two. */
	cr_assert_eq(wqebbs(l.tx), 256u);
	traffic(&l);
	daqiri_close(l.dq);
}

Test(tx, the_longest_frame_that_a_wqe_holds_is_copied)
{
	struct link l = kit_open_link(LINK("64", "tx_inline = 924\n"));

	cr_assert_eq(wqebbs(l.tx), 1024u);
	traffic(&l);
	daqiri_close(l.dq);
}

Test(tx, the_portable_way_copies_too)
{
	struct link l = kit_open_link("[daqiri]\nsimd = portable\n" LINK("64", "tx_inline = 64\n"));

	traffic(&l);
	daqiri_close(l.dq);
}

/* Frames that are copied need not be registered: their key is not looked at. */
Test(tx, a_copied_frame_is_read_by_the_cpu_alone)
{
	struct link l = kit_open_link(LINK("64", "tx_inline = 128\n"));
	uint8_t frame[100];
	struct daqiri_pkt pkt = {.addr = (uintptr_t)frame, .len = sizeof(frame)}, got;
	uint32_t number;

	kit_fill(frame, sizeof(frame), MAC_B, 5);
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	memset(frame, 0, sizeof(frame));
	cr_assert_eq(kit_receive(l.rx, &got, 1), 1);
	cr_assert(kit_check((void *)(uintptr_t)got.addr, got.len, &number) && number == 5);
	daqiri_rx_release(l.rx, 1);
	daqiri_close(l.dq);
}

Test(tx, what_does_not_fit_is_refused_with_both_numbers)
{
	cr_assert_eq(kit_try_text(LINK("64", "tx_inline = 925\n")), -EINVAL);
	assert_detail("[txq a 0] tx_inline=925: the WQEs of mlx5_0 hold at most 924 bytes");
	cr_assert_eq(kit_try_text("[port a]\naddress = " MAC_A "\n[txq a 0]\ndepth = 8192\n"
				  "tx_inline = 300\n"),
		     -EINVAL);
	assert_detail("[txq a 0] tx_inline=300: a depth of 8192 such frames takes a ring of 65536 "
		      "entries, and mlx5_0 takes at most 32768");
}

Test(tx, a_queue_that_gathers_copies_nothing)
{
	cr_assert_eq(kit_try_text("[region pay]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" PORTS
				  "[txq a 0]\nregions = tx,pay\ndepth = 64\ntx_inline = 64\n"),
		     -EINVAL);
	assert_detail("[txq a 0] tx_inline=64: a queue with two regions gathers frames");
}

/* ---- tx_latency ------------------------------------------------------------------------------ */

Test(tx, a_post_of_one_goes_out_with_its_doorbell)
{
	struct link l = kit_open_link(LINK("64", "tx_latency = on\n"));
	struct daqiri_txq_info info = info_of(l.tx);

	/* The machine's pages may be what they are: daqiri-emu --wc off. */
	cr_assert_str_eq(info.tx_mode, "empw");
	cr_assert(strstr(info.why, "; tx_latency=on: "), "%s", info.why);
	if (info.latency)
		cr_assert(strstr(info.why, "a post of one is copied to the doorbell"));
	else
		cr_assert(strstr(info.why, "8-byte doorbells only, as "));
	traffic(&l);
	daqiri_close(l.dq);
}

Test(tx, one_packet_after_the_other_goes_round_the_ring)
{
	struct link l = kit_open_link(LINK("64", "tx_latency = on\n"));
	struct kit_burst burst = {.n = 1, .min = 60, .max = 1514, .dst = MAC_B};

	for (; burst.first < 5000; burst.first++) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	kit_wait_sent(l.tx, 5000);
	daqiri_close(l.dq);
}

/* Without waiting for the one before: the halves of the register are not written too early. */
Test(tx, many_posts_of_one_in_a_row_lose_nothing)
{
	struct link l = kit_open_link(LINK("256", "tx_latency = on\n"));
	struct kit_burst burst = {.n = 256, .min = 60, .max = 200, .dst = MAC_B};
	struct daqiri_pkt pkts[256];

	for (int round = 0; round < 40; round++, burst.first += burst.n) {
		kit_wait_sent(l.tx, burst.first);
		cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 256), 256);
		for (uint32_t i = 0; i < burst.n; i++) {
			pkts[i].len = 60 + (burst.first + i) % 141;
			kit_fill((void *)(uintptr_t)pkts[i].addr, pkts[i].len, MAC_B,
				 burst.first + i);
			cr_assert_eq(daqiri_tx_post(l.tx, &pkts[i], 1), 1);
		}
		kit_expect(l.rx, &burst);
	}
	daqiri_close(l.dq);
}

Test(tx, latency_and_inline_go_together)
{
	struct link l = kit_open_link(LINK("64", "tx_latency = on\ntx_inline = 256\n"));

	cr_assert_str_eq(info_of(l.tx).tx_mode, "empw-inline");
	traffic(&l);
	daqiri_close(l.dq);
}

Test(tx, an_operator_may_forbid_to_write_more_than_eight_bytes)
{
	struct link l;

	setenv("MLX5_SHUT_UP_BF", "1", 1);
	l = kit_open_link(LINK("64", "tx_latency = on\n"));
	cr_assert_eq(info_of(l.tx).latency, 0u);
	cr_assert_str_eq(strstr(info_of(l.tx).why, "; "),
			 "; tx_latency=on: 8-byte doorbells only, as MLX5_SHUT_UP_BF is set");
	traffic(&l);
	daqiri_close(l.dq);
}

Test(tx, a_queue_that_is_reset_copies_again)
{
	struct link l = kit_open_link(LINK("64", "tx_latency = on\ntx_inline = 128\n"));
	struct kit_burst burst = {.n = 40, .min = 60, .max = 300, .dst = MAC_B};

	for (int i = 0; i < 20; i++, burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
		cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	}
	daqiri_close(l.dq);
}
