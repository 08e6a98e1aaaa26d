/* SPDX-License-Identifier: Apache-2.0 */
/* Flows on the emulated device: who gets which frame, and which flows are refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../frames.h"
#include "dq_kit.h"

/* ---- flows ----------------------------------------------------------------------------------- */

#define GROUP "01:00:5e:01:02:03"

Test(flow, a_multicast_flow_and_the_unmatched_queue_get_their_own_frames_once)
{
	struct link l = kit_open_link("[region rx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"
				      "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
				      "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B
				      "\nunmatched = queue 0\n[txq a 0]\nregions = tx\n"
				      "[rxq b 0-1]\nregions = rx\ndepth = 256\n"
				      "[flow b group]\ndst_mac = " GROUP "\nqueue = 1\n");
	struct kit_burst group = {.n = 50, .min = 60, .max = 60, .dst = GROUP};
	struct kit_burst rest = {.first = 1000, .n = 50, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_rxq *one = daqiri_rxq_get(l.b, 1);
	struct daqiri_pkt pkts[50];
	uint32_t number, id;

	cr_assert_eq(daqiri_flow_id(l.b, "group", &id), 0);
	cr_assert_eq(daqiri_flow_id(l.b, "none", &id), -ENOENT);
	kit_send(l.tx, &group);
	kit_send(l.tx, &rest);
	kit_wait_sent(l.tx, 100);
	cr_assert_eq(kit_receive(one, pkts, 50), 50);
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, i);
		cr_assert_eq(daqiri_key_flow(pkts[i].key), id);
	}
	cr_assert_eq(kit_receive(l.rx, pkts, 50), 50);
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, 1000 + i);
		cr_assert_eq(daqiri_key_flow(pkts[i].key), 0u, "unmatched packets have no flow id");
	}
	cr_assert_eq(kit_receive_none(one) + kit_receive_none(l.rx), 0, "a frame came twice");
	daqiri_close(l.dq);
}

#define FOUR_QUEUES                                                                                \
	"[region rx]\nkind = host\nnum_bufs = 4096\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\ndepth = 1024\n[rxq b 0-3]\nregions = rx\ndepth = 1024\n"

/* Sends n UDP packets of different source ports, n of another protocol of IP, and n of no IP. */
static void send_mix(struct daqiri_txq *tx, int n)
{
	static struct frame f;
	struct daqiri_pkt pkt;
	char src[32];

	for (int i = 0; i < 3 * n; i++) {
		fr_ether(&f, MAC_B, MAC_A, i < 2 * n ? 0x0800 : 0x88b5);
		snprintf(src, sizeof(src), "10.0.%d.%d", i / 200, i % 200 + 1);
		if (i < 2 * n)
			fr_ipv4(&f, i < n ? 17 : 47, src, "10.1.0.1");
		if (i < n)
			fr_udp(&f, 1000 + (unsigned)i, 4000);
		fr_payload(&f, 40);
		fr_finish(&f);
		cr_assert_eq(daqiri_tx_reserve(tx, &pkt, 1), 1);
		memcpy((void *)(uintptr_t)pkt.addr, f.b, f.len);
		pkt.len = f.len;
		cr_assert_eq(daqiri_tx_post(tx, &pkt, 1), 1);
	}
}

/* What a queue got of send_mix(): UDP, other IP, no IP. */
static void count_mix(struct daqiri_rxq *q, unsigned count[3])
{
	struct daqiri_pkt pkts[1024];
	int n = daqiri_rx_poll(q, pkts, 1024);

	cr_assert_geq(n, 0);
	for (int i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)(uintptr_t)pkts[i].addr;

		count[p[12] == 0x08 ? p[23] != 17 : 2]++;
	}
	daqiri_rx_release(q, n);
}

static void check_spread(const char *text)
{
	struct link l = kit_open_link(text);
	int64_t deadline = kit_deadline();
	unsigned count[4][3] = {{0}};

	send_mix(l.tx, 200);
	while (kit_port_stat(l.b, "rx_packets") < 600 && !kit_is_late(deadline))
		for (unsigned i = 0; i < 4; i++)
			count_mix(daqiri_rxq_get(l.b, i), count[i]);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert(count[i][0] > 20 && count[i][0] < 100, "queue %u: %u UDP", i,
			  count[i][0]);
		cr_assert(count[i][1] > 20 && count[i][1] < 100, "queue %u: %u GRE", i,
			  count[i][1]);
		cr_assert_eq(count[i][2], i ? 0u : 200u, "what is no IP goes to the first queue");
	}
	for (unsigned k = 0; k < 2; k++)
		cr_assert_eq(count[0][k] + count[1][k] + count[2][k] + count[3][k], 200u);
	daqiri_close(l.dq);
}

Test(flow, a_flow_over_four_queues_spreads_ip_and_loses_nothing)
{
	check_spread(FOUR_QUEUES "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0,1,2,3\n");
}

Test(flow, unmatched_over_four_queues_spreads_ip_and_loses_nothing)
{
	check_spread("[region rx]\nkind = host\nnum_bufs = 4096\nbuf_size = 2048\n"
		     "[region tx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"
		     "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B
		     "\nunmatched = queue 0,1,2,3\n[txq a 0]\nregions = tx\ndepth = 1024\n"
		     "[rxq b 0-3]\nregions = rx\ndepth = 1024\n");
}

Test(flow, the_narrower_flow_wins_and_the_rest_is_spread)
{
	struct link l =
		kit_open_link(FOUR_QUEUES "[flow b some]\nudp_dst = 4000\nipv4_src = 10.0.0.7\n"
					  "queue = 3\ntag = 5\n[flow b all]\ndst_mac = " MAC_B
					  "\nqueue = 0,1,2\ntag = 6\n");
	struct daqiri_pkt pkts[300];
	int64_t deadline = kit_deadline();
	unsigned got[2] = {0};

	send_mix(l.tx, 100);
	for (unsigned i = 0; got[0] + got[1] < 300 && !kit_is_late(deadline); i = (i + 1) % 4) {
		int n = daqiri_rx_poll(daqiri_rxq_get(l.b, i), pkts, 300);

		for (int k = 0; k < n; k++)
			cr_assert_eq(daqiri_key_flow(pkts[k].key), i == 3 ? 5u : 6u);
		got[i == 3] += (unsigned)n;
	}
	cr_assert_eq(got[1], 1u);
	cr_assert_eq(got[0], 299u);
	daqiri_close(l.dq);
}

/* What a drop rule takes does not reach the kernel; without it, it does. */
Test(flow, unmatched_frames_are_dropped_or_left_to_the_kernel)
{
	struct kit_burst mine = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst other = {.n = 10, .min = 60, .max = 60, .dst = "02:00:00:00:00:99"};
	static const char *const what[] = {"drop", "kernel"};

	for (int i = 0; i < 2; i++) {
		char text[1024];
		uint64_t before;
		struct link l;

		snprintf(text, sizeof(text),
			 "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			 "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			 "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B
			 "\nunmatched = %s\n[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
			 "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n",
			 what[i]);
		l = kit_open_link(text);
		before = kit_port_stat(l.b, "net_rx_packets");
		kit_send(l.tx, &other);
		kit_send(l.tx, &mine);
		kit_expect(l.rx, &mine);
		cr_assert_eq(kit_receive_none(l.rx), 0);
		kit_wait_stat(l.b, "net_rx_packets", before + (i ? 10 : 0));
		daqiri_close(l.dq);
	}
}

/* ---- refused -----------------------------------------------------------------------------------
 */

#define TWO_QUEUES PORTS "[rxq b 0-1]\nregions = rx\ndepth = 256\n"

Test(flow, the_same_match_onto_two_queues_is_refused)
{
	cr_assert_eq(kit_try_text(TWO_QUEUES "[flow b x]\nudp_dst = 4000\nqueue = 0\n"
					     "[flow b y]\nudp_dst = 4000\nqueue = 1\n"),
		     -EINVAL);
	assert_detail("[flow b y]");
	assert_detail("[flow b x]");
}

Test(flow, overlapping_flows_of_one_priority_are_refused)
{
	cr_assert_eq(kit_try_text(TWO_QUEUES "[flow b x]\nudp_dst = 4000\nqueue = 0\npriority = 3\n"
					     "[flow b y]\ndst_mac = " MAC_B
					     "\nqueue = 1\npriority = 3\n"),
		     -EINVAL);
	assert_detail("[flow b ");
	assert_detail("priority 3");
}

Test(flow, flows_that_no_packet_can_both_match_may_share_a_priority)
{
	daqiri_close(kit_open_text(TWO_QUEUES
				   "[flow b x]\nudp_dst = 4000\nqueue = 0\npriority = 3\n"
				   "[flow b y]\nudp_dst = 4001\nqueue = 1\npriority = 3\n"
				   "[flow b z]\nethertype = 0xaefe\nqueue = 1\n"
				   "priority = 3\n"));
}

Test(flow, packets_that_are_no_ip_cannot_be_spread)
{
	cr_assert_eq(kit_try_text(TWO_QUEUES "[flow b x]\nethertype = 0xaefe\nqueue = 0,1\n"),
		     -EINVAL);
	assert_detail("[flow b x]");
}

Test(flow, many_flows_on_one_port)
{
	size_t size = 200000, len;
	char *text = malloc(size);
	struct daqiri *dq;
	uint32_t id;

	len = (size_t)snprintf(text, size, "%s", TWO_QUEUES);
	for (int i = 0; i < 500; i++)
		len += (size_t)snprintf(text + len, size - len,
					"[flow b f%d]\nudp_dst = %d\nqueue = %d\n", i, 1000 + i,
					i & 1);
	dq = kit_open_text(text);
	cr_assert_eq(daqiri_flow_id(daqiri_port_find(dq, "b"), "f499", &id), 0);
	cr_assert(id >= 1 && id <= 0xfffffe);
	cr_assert_eq(daqiri_flow_id(NULL, "f499", &id), -EINVAL);
	daqiri_close(dq);
	free(text);
}
