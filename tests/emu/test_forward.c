/* SPDX-License-Identifier: Apache-2.0 */
/* Received packets sent on from where they lie, by the key that they come with. */
#include <errno.h>

#include "dq_kit.h"

#define MAC_OUT "02:da:01:00:00:77" /* where forwarded frames go: queue 1 of b */

/* a sends to queue 0 of b; those packets go out of a again, by another queue, to queue 1 of b. */
#define FORWARD(mode)                                                                              \
	"[region in]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region out]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                              \
	"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                               \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\n[txq a 1]\ndepth = 64\n"                                         \
	"[rxq b 0]\nregions = in\nkey = forward a\n" mode "[rxq b 1]\nregions = out\n"             \
	"[flow b in]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 5\n"                                   \
	"[flow b out]\ndst_mac = " MAC_OUT "\nqueue = 1\ntag = 77\n"

static const uint8_t out[6] = {0x02, 0xda, 0x01, 0x00, 0x00, 0x77};

struct forwarder {
	struct daqiri_rxq *rx;
	struct daqiri_txq *tx;
	uint64_t posted, released;
};

/* Polls, posts and releases what was sent, as a program would. */
static void forward_some(struct forwarder *f)
{
	struct daqiri_pkt pkts[16];
	int n = daqiri_rx_poll(f->rx, pkts, 16);
	uint64_t done;

	cr_assert_geq(n, 0);
	for (int i = 0; i < n; i++)
		memcpy((void *)(uintptr_t)pkts[i].addr, out, sizeof(out));
	kit_post_all(f->tx, pkts, n);
	f->posted += (uint64_t)n;
	done = daqiri_tx_completed(f->tx);
	daqiri_rx_release(f->rx, (int)(done - f->released));
	f->released = done;
}

static void forward_all(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.n = 50, .min = 60, .max = 1514, .dst = MAC_B};
	struct forwarder f = {l.rx, daqiri_txq_get(l.a, 1), 0, 0};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	int64_t end;

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_assert_eq(info.forward, l.a);
	for (; burst.first < 5000; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		end = kit_deadline();
		while (f.released < burst.first + burst.n) {
			forward_some(&f);
			cr_assert(!kit_is_late(end), "%llu of %u were forwarded",
				  (unsigned long long)f.released, burst.first + burst.n);
		}
		kit_expect(daqiri_rxq_get(l.b, 1), &burst);
	}
	cr_assert_eq(f.posted, 5000u);
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), 10000u);
	cr_assert_eq(kit_port_stat(l.a, "tx_errors"), 0u);
	daqiri_close(l.dq);
}

Test(forward, packets_go_out_of_another_port_byte_for_byte)
{
	forward_all(FORWARD(""));
}

Test(forward, so_they_do_with_each_set_of_instructions)
{
	forward_all("[daqiri]\nsimd = portable\n" FORWARD(""));
}

Test(forward, so_they_do_from_a_striding_queue)
{
	forward_all(FORWARD("rx_mode = striding\n"));
}

Test(forward, keys_are_those_of_the_region_on_that_port)
{
	struct link l = kit_open_link(FORWARD(""));
	struct kit_burst burst = {.n = 30, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[30];
	daqiri_key key, own;

	cr_assert_eq(daqiri_region_key(daqiri_region_find(l.dq, "in"), l.a, &key), 0);
	cr_assert_eq(daqiri_region_key(daqiri_region_find(l.dq, "in"), l.b, &own), 0);
	cr_assert_neq(key, own);
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 30), 30);
	for (int i = 0; i < 30; i++)
		cr_assert_eq(pkts[i].key, key);
	daqiri_close(l.dq);
}

Test(forward, kept_packets_go_out_by_their_key_as_well)
{
	struct link l = kit_open_link(FORWARD("depth = 64\n"));
	struct kit_burst burst = {.n = 60, .min = 60, .max = 300, .dst = MAC_B};
	struct daqiri_txq *tx = daqiri_txq_get(l.a, 1);
	struct daqiri_pkt kept[60], pkts[60];

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, kept, 60), 60);
	cr_assert_eq(daqiri_rx_keep(l.rx, kept, 60), 60);
	daqiri_rx_release(l.rx, 60);
	for (int round = 0; round < 5; round++) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(l.rx, pkts, 60), 60);
		cr_assert_eq(pkts[59].key, kept[0].key);
		daqiri_rx_release(l.rx, 60);
	}
	for (int i = 0; i < 60; i++)
		memcpy((void *)(uintptr_t)kept[i].addr, out, sizeof(out));
	kit_post_all(tx, kept, 60);
	kit_wait_sent(tx, 60);
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept, 60), 60);
	kit_expect(daqiri_rxq_get(l.b, 1), &burst);
	daqiri_close(l.dq);
}
