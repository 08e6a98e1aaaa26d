/* SPDX-License-Identifier: Apache-2.0 */
/* Packets through the public API, from one emulated port to the other. */
#include <errno.h>
#include <stdlib.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

Test(datapath, frames_arrive_complete_and_in_order)
{
	struct link l = kit_open_link(ONE_WAY("256"));
	struct kit_burst burst = {.n = 200, .min = 60, .max = 1514, .dst = MAC_B};

	for (; burst.first < 20000; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	kit_wait_sent(l.tx, 20000);
	cr_assert_eq(daqiri_tx_completed(l.tx), 20000u);
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), 20000u);
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), 20000u);
	cr_assert_eq(kit_port_stat(l.a, "tx_bytes"), kit_port_stat(l.b, "rx_bytes"));
	daqiri_close(l.dq);
}

/* Bursts of every size leave the WQEs, and the ring's end, at every offset. */
Test(datapath, bursts_of_every_size_go_round_the_smallest_ring)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.min = 60, .max = 99, .dst = MAC_B};
	uint64_t total = 0;

	for (int round = 0; round < 20; round++) {
		for (burst.n = 1; burst.n <= 64; burst.n++) {
			kit_send(l.tx, &burst);
			kit_expect(l.rx, &burst);
			burst.first += burst.n;
			total += burst.n;
		}
	}
	kit_wait_sent(l.tx, total);
	daqiri_close(l.dq);
}

Test(datapath, reserve_shows_the_same_slots_until_they_are_posted)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt first[4], again[4], next[1];

	cr_assert_eq(daqiri_tx_reserve(l.tx, first, 4), 4);
	cr_assert_eq(daqiri_tx_reserve(l.tx, again, 4), 4);
	cr_assert_arr_eq(first, again, sizeof(first));
	cr_assert_eq(first[1].addr - first[0].addr, 2048u);
	cr_assert_eq(first[0].len, 2048u);
	for (int i = 0; i < 3; i++) {
		first[i].len = 60;
		kit_fill((void *)(uintptr_t)first[i].addr, 60, MAC_B, (uint32_t)i);
	}
	cr_assert_eq(daqiri_tx_post(l.tx, first, 3), 3);
	cr_assert_eq(daqiri_tx_reserve(l.tx, next, 1), 1);
	cr_assert_eq(next[0].addr, first[3].addr);
	daqiri_close(l.dq);
}

Test(datapath, reserve_and_post_of_nothing_do_nothing)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 0), 0);
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 0), 0);
	cr_assert_eq(daqiri_rx_poll(l.rx, &pkt, 0), 0);
	daqiri_rx_release(l.rx, 5);
	daqiri_rx_release(l.rx, -1);
	cr_assert_eq(daqiri_tx_completed(l.tx), 0u);
	daqiri_close(l.dq);
}

Test(datapath, slots_come_back_in_ring_order_when_completed)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 64, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[65];
	uint64_t base;

	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 65), 64, "a queue has depth slots");
	base = pkts[0].addr;
	for (int i = 0; i < 64; i++)
		cr_assert_eq(pkts[i].addr, base + (uint64_t)i * 2048);
	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 64);
	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 65), 64);
	cr_assert_eq(pkts[0].addr, base);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

/* ---- memory of others ------------------------------------------------------------------------ */

Test(datapath, memory_that_the_program_registered_is_sent_by_its_lkey)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	uint8_t *mem = calloc(1, 8192);
	struct ibv_mr *mr = ibv_reg_mr(daqiri_port_ibv_pd(l.a), mem, 8192, 0);
	struct daqiri_pkt before, after, pkts[4];
	struct kit_burst burst = {.n = 4, .min = 100, .max = 100};

	cr_assert_not_null(mr);
	cr_assert_eq(daqiri_tx_reserve(l.tx, &before, 1), 1);
	for (uint32_t i = 0; i < 4; i++) {
		kit_fill(mem + i * 2000 + 1, 100, MAC_B, i);
		pkts[i] = (struct daqiri_pkt){.addr = (uintptr_t)(mem + i * 2000 + 1),
					      .len = 100,
					      .key = daqiri_key_from_lkey(mr->lkey)};
	}
	kit_post_all(l.tx, pkts, 4);
	kit_expect(l.rx, &burst);
	cr_assert_eq(daqiri_tx_reserve(l.tx, &after, 1), 1);
	cr_assert_eq(before.addr, after.addr, "memory of others took a slot");
	kit_wait_sent(l.tx, 4);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	free(mem);
	daqiri_close(l.dq);
}

Test(datapath, a_post_is_partial_when_the_ring_is_full)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	uint8_t *mem = calloc(200, 64);
	struct ibv_mr *mr = ibv_reg_mr(daqiri_port_ibv_pd(l.a), mem, 200 * 64, 0);
	struct kit_burst burst = {.n = 200, .min = 60, .max = 60};
	struct daqiri_pkt pkts[200];
	int first;

	cr_assert_not_null(mr);
	for (uint32_t i = 0; i < 200; i++) {
		kit_fill(mem + i * 64, 60, MAC_B, i);
		pkts[i] = (struct daqiri_pkt){.addr = (uintptr_t)(mem + i * 64),
					      .len = 60,
					      .key = daqiri_key_from_lkey(mr->lkey)};
	}
	first = daqiri_tx_post(l.tx, pkts, 200);
	cr_assert_eq(first, 64, "an empty ring takes depth packets");
	cr_assert_eq(kit_port_stat(l.a, "tx_full"), 1u);
	burst.n = 64;
	kit_expect(l.rx, &burst);
	kit_post_all(l.tx, pkts + 64, 64);
	burst.first = 64;
	kit_expect(l.rx, &burst);
	kit_wait_sent(l.tx, 128);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	free(mem);
	daqiri_close(l.dq);
}

/* Received packets are sent on without a copy, by the region's key on that port. */
Test(datapath, received_packets_are_sent_back_from_where_they_lie)
{
	struct link l =
		kit_open_link(ONE_WAY("64") "[txq b 0]\ndepth = 64\n[region back]\nkind = host\n"
					    "num_bufs = 64\nbuf_size = 2048\n[rxq a 0]\n"
					    "regions = back\n[flow a back]\nsrc_mac = " MAC_A
					    "\nqueue = 0\ntag = 77\n");
	struct kit_burst burst = {.n = 30, .min = 60, .max = 500, .dst = MAC_B};
	struct daqiri_txq *back = daqiri_txq_get(l.b, 0);
	struct daqiri_pkt pkts[30];
	daqiri_key key;

	cr_assert_eq(daqiri_region_key(daqiri_region_find(l.dq, "rx"), l.b, &key), 0);
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 30), 30);
	for (int i = 0; i < 30; i++)
		pkts[i].key = key;
	cr_assert_eq(daqiri_tx_reserve(back, pkts, 0), 0, "the queue has no slots");
	kit_post_all(back, pkts, 30);
	kit_wait_sent(back, 30);
	daqiri_rx_release(l.rx, 30);
	kit_expect(daqiri_rxq_get(l.a, 0), &burst);
	daqiri_close(l.dq);
}

/* ---- counters -------------------------------------------------------------------------------- */

Test(datapath, counters_have_names_and_a_short_list_is_filled_as_far_as_it_goes)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_stat stats[16], one[1] = {{NULL, 0}};
	struct kit_burst burst = {.n = 5, .min = 60, .max = 60, .dst = MAC_B};
	int n;

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	n = daqiri_rxq_stats(l.rx, stats, 16);
	cr_assert(n > 1 && n <= 16);
	cr_assert_str_eq(stats[0].name, "rx_q0_packets");
	cr_assert_eq(stats[0].value, 5u);
	cr_assert_str_eq(stats[1].name, "rx_q0_bytes");
	cr_assert_eq(stats[1].value, 300u);
	cr_assert_eq(daqiri_rxq_stats(l.rx, one, 1), n);
	cr_assert_str_eq(one[0].name, "rx_q0_packets");
	cr_assert_eq(daqiri_rxq_stats(l.rx, NULL, 0), n);
	n = daqiri_txq_stats(l.tx, stats, 16);
	cr_assert(n > 1 && n <= 16);
	cr_assert_str_eq(stats[0].name, "tx_q0_packets");
	cr_assert_eq(stats[0].value, 5u);
	cr_assert_eq(daqiri_txq_stats(l.tx, one, 1), n);
	cr_assert_gt(daqiri_port_stats(l.a, one, 1), n);
	cr_assert_eq(daqiri_port_stats(l.a, NULL, 1), -EINVAL);
	cr_assert_eq(daqiri_port_stats(NULL, one, 1), -EINVAL);
	cr_assert_eq(daqiri_rxq_stats(NULL, one, 1), -EINVAL);
	cr_assert_eq(daqiri_txq_stats(NULL, one, 1), -EINVAL);
	cr_assert_eq(daqiri_txq_stats(l.tx, one, -1), -EINVAL);
	daqiri_close(l.dq);
}
