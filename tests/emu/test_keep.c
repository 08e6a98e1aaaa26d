/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that are kept beyond their release, on the emulated device. */
#include <errno.h>

#include "dq_kit.h"

/* A receive queue of 64 with 8 spares; port b can send too. */
#define KEEPING                                                                                    \
	"[region rx]\nkind = host\nnum_bufs = 72\nbuf_size = 2048\n"                               \
	"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                               \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n[txq b 0]\ndepth = 64\n"                \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

static void check_kept(const struct daqiri_pkt *pkts, uint32_t n, uint32_t first)
{
	uint32_t number;

	for (uint32_t i = 0; i < n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, first + i);
	}
}

static void receive(const struct link *l, struct daqiri_pkt *pkts, struct kit_burst *burst)
{
	kit_send(l->tx, burst);
	cr_assert_eq(kit_receive(l->rx, pkts, (int)burst->n), (int)burst->n);
	burst->first += burst->n;
}

Test(keep, kept_packets_stay_while_the_ring_goes_round)
{
	struct link l = kit_open_link(KEEPING);
	struct kit_burst burst = {.n = 8, .min = 60, .max = 900, .dst = MAC_B};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct daqiri_pkt kept[8];

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_assert_eq(info.depth, 64);
	cr_assert_eq(info.spares, 8);
	receive(&l, kept, &burst);
	cr_assert_eq(daqiri_rx_keep(l.rx, kept, 8), 8);
	daqiri_rx_release(l.rx, 8);
	for (burst.n = 50; burst.first < 3000; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	check_kept(kept, 8, 0);
	cr_assert_eq(kit_port_stat(l.b, "rx_kept"), 8u);
	cr_assert_eq(kit_port_stat(l.b, "rx_kept_out"), 8u);
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept, 8), 8);
	cr_assert_eq(kit_port_stat(l.b, "rx_kept_out"), 0u);
	daqiri_close(l.dq);
}

Test(keep, without_a_spare_nothing_changes_and_the_packet_is_released_as_usual)
{
	struct link l = kit_open_link(KEEPING);
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[10], more[64];

	receive(&l, pkts, &burst);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 10), 8, "there are 8 spares");
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 8, 2), -ENOBUFS);
	assert_detail("[rxq b 0]: no packet can be kept, all 8 spare buffers are in use");
	cr_assert_eq(kit_port_stat(l.b, "rx_no_spare"), 4u);
	daqiri_rx_release(l.rx, 10);
	burst.n = 64;
	receive(&l, more, &burst);
	check_kept(pkts, 8, 0);
	daqiri_close(l.dq);
}

Test(keep, packets_are_given_back_in_any_order)
{
	struct link l = kit_open_link(KEEPING);
	struct kit_burst burst = {.n = 8, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[8], swapped;

	for (int round = 0; round < 100; round++) {
		receive(&l, pkts, &burst);
		cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 8), 8);
		daqiri_rx_release(l.rx, 8);
		for (int i = 0; i < 8; i++) {
			swapped = pkts[(i * 5 + round) % 8];
			check_kept(&swapped, 1, burst.first - 8 + (uint32_t)((i * 5 + round) % 8));
			cr_assert_eq(daqiri_rx_give_back(l.rx, &swapped, 1), 1);
		}
	}
	cr_assert_eq(kit_port_stat(l.b, "rx_kept"), 800u);
	daqiri_close(l.dq);
}

Test(keep, only_what_is_held_can_be_kept_and_only_what_is_kept_given_back)
{
	struct link l = kit_open_link(KEEPING);
	struct kit_burst burst = {.n = 3, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[3], outside = {.addr = (uintptr_t)&burst};

	receive(&l, pkts, &burst);
	cr_assert_eq(daqiri_rx_give_back(l.rx, pkts, 1), -EINVAL, "it is not kept");
	assert_detail("[rxq b 0]: the packet at 0x");
	cr_assert_eq(daqiri_rx_keep(l.rx, &outside, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_give_back(l.rx, &outside, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 1, 1), 1);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 3), 1, "the second is kept already");
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 1, 1), -EINVAL);
	daqiri_rx_release(l.rx, 3);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 2, 1), -EINVAL, "it is released");
	cr_assert_eq(daqiri_rx_give_back(l.rx, pkts, 3), 2);
	cr_assert_eq(daqiri_rx_give_back(l.rx, pkts, 1), -EINVAL, "given back twice");
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 0), 0);
	cr_assert_eq(daqiri_rx_give_back(l.rx, pkts, 0), 0);
	daqiri_close(l.dq);
}

Test(keep, a_queue_without_spares_keeps_nothing)
{
	struct link l =
		kit_open_link("[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			      "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			      "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
			      "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
			      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n");
	struct kit_burst burst = {.n = 64, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[64];

	receive(&l, pkts, &burst);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 1), -ENOBUFS);
	daqiri_rx_release(l.rx, 64);
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

Test(keep, kept_packets_are_sent_from_where_they_lie)
{
	struct link l =
		kit_open_link(KEEPING "[region back]\nkind = host\nnum_bufs = 64\n"
				      "buf_size = 2048\n[rxq a 0]\nregions = back\n"
				      "[flow a back]\nsrc_mac = " MAC_A "\nqueue = 0\ntag = 77\n");
	struct kit_burst burst = {.n = 8, .min = 60, .max = 500, .dst = MAC_B};
	struct daqiri_txq *back = daqiri_txq_get(l.b, 0);
	struct daqiri_pkt kept[8];
	daqiri_key key;

	cr_assert_eq(daqiri_region_key(daqiri_region_find(l.dq, "rx"), l.b, &key), 0);
	receive(&l, kept, &burst);
	cr_assert_eq(daqiri_rx_keep(l.rx, kept, 8), 8);
	daqiri_rx_release(l.rx, 8);
	for (burst.n = 50; burst.first < 500; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	for (int i = 0; i < 8; i++)
		kept[i].key = key;
	kit_post_all(back, kept, 8);
	kit_wait_sent(back, 8);
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept, 8), 8);
	burst = (struct kit_burst){.n = 8, .min = 60, .max = 500};
	kit_expect(daqiri_rxq_get(l.a, 0), &burst);
	daqiri_close(l.dq);
}
