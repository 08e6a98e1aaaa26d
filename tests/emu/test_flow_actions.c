/* SPDX-License-Identifier: Apache-2.0 */
/* What flows do with their frames besides giving them to a queue: drop them, count them. */
#include <errno.h>
#include <stdio.h>

#include "../frames.h"
#include "dq_kit.h"

#define QUEUES                                                                                     \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\n[txq a 0]\nregions = tx\ndepth = 512\n"                    \
	"[rxq b 0-3]\nregions = rx\ndepth = 256\n[port b]\naddress = " MAC_B "\n"

#define OTHER "02:00:00:00:00:99"

struct count {
	uint64_t packets, bytes;
};

static struct count count_of(struct daqiri_port *port, const char *flow)
{
	struct daqiri_stat stats[2];

	cr_assert_eq(daqiri_flow_stats(port, flow, stats, 2), 2, "%s", daqiri_error_detail());
	cr_assert_str_eq(stats[0].name, "packets");
	cr_assert_str_eq(stats[1].name, "bytes");
	return (struct count){stats[0].value, stats[1].value};
}

/* Counters follow the frames, which a sender hears of before they are steered. */
static void expect_count(struct daqiri_port *port, const char *flow, uint64_t packets,
			 uint64_t bytes)
{
	int64_t deadline = kit_deadline();
	struct count c;

	do
		c = count_of(port, flow);
	while (c.packets < packets && !kit_is_late(deadline));
	cr_assert_eq(c.packets, packets);
	cr_assert_eq(c.bytes, bytes);
}

Test(flow_actions, a_flow_counts_packets_and_bytes_of_its_own)
{
	struct link l = kit_open_link(
		QUEUES "[flow b mine]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\ncount = on\n"
		       "[flow b other]\ndst_mac = " OTHER "\nqueue = 1\ncount = on\n");
	struct kit_burst mine = {.n = 30, .min = 60, .max = 69, .dst = MAC_B};
	struct kit_burst other = {.n = 7, .min = 100, .max = 100, .dst = OTHER};

	expect_count(l.b, "mine", 0, 0);
	kit_send(l.tx, &mine);
	kit_expect(l.rx, &mine);
	expect_count(l.b, "mine", 30, 3 * (60 + 69) * 5);
	kit_send(l.tx, &other);
	expect_count(l.b, "other", 7, 700);
	expect_count(l.b, "mine", 30, 3 * (60 + 69) * 5);
	daqiri_close(l.dq);
}

/* UDP, another protocol of IP, no IP: each takes another rule of the flow. */
Test(flow_actions, all_rules_of_a_flow_over_several_queues_count_together)
{
	struct link l = kit_open_link(QUEUES "[flow b all]\ndst_mac = " MAC_B
					     "\nqueue = 0-3\ncount = on\n");
	static struct frame f;
	struct daqiri_pkt pkt;
	uint64_t bytes = 0;

	for (int i = 0; i < 30; i++) {
		fr_ether(&f, MAC_B, MAC_A, i % 3 < 2 ? 0x0800 : 0x88b5);
		if (i % 3 < 2)
			fr_ipv4(&f, i % 3 ? 17 : 47, "10.0.0.1", "10.1.0.1");
		if (i % 3 == 1)
			fr_udp(&f, 1000 + (unsigned)i, 4000);
		fr_payload(&f, 60);
		fr_finish(&f);
		cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
		memcpy((void *)(uintptr_t)pkt.addr, f.b, f.len);
		pkt.len = f.len;
		bytes += f.len;
		cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	}
	expect_count(l.b, "all", 30, bytes);
	daqiri_close(l.dq);
}

/* Neither a queue nor the kernel nor `unmatched` gets them. */
Test(flow_actions, what_a_flow_drops_is_gone_and_counted)
{
	struct link l = kit_open_link(QUEUES "unmatched = queue 0\n[flow b no]\ndst_mac = " OTHER
					     "\ndrop = on\ncount = on\n");
	struct kit_burst other = {.n = 50, .min = 60, .max = 60, .dst = OTHER};
	struct kit_burst rest = {.first = 100, .n = 5, .min = 60, .max = 60, .dst = MAC_B};
	uint64_t before = kit_port_stat(l.b, "net_rx_packets");
	struct daqiri_pkt pkts[8];
	uint32_t number;

	kit_send(l.tx, &other);
	kit_send(l.tx, &rest);
	cr_assert_eq(kit_receive(l.rx, pkts, 5), 5);
	cr_assert(kit_check((void *)(uintptr_t)pkts[0].addr, pkts[0].len, &number));
	cr_assert_eq(number, 100u);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	expect_count(l.b, "no", 50, 3000);
	cr_assert_eq(kit_port_stat(l.b, "net_rx_packets"), before);
	daqiri_close(l.dq);
}

/* The narrower flow first, whether it drops or the wider one does. */
Test(flow_actions, a_hole_in_a_flow_and_a_flow_in_a_hole)
{
	struct link l =
		kit_open_link(QUEUES "[flow b wide]\nethertype = 0x88b5\ndrop = on\n"
				     "count = on\n[flow b narrow]\ndst_mac = " MAC_B
				     "\nqueue = 0\ntag = 77\n[flow b hole]\ndst_mac = " MAC_B
				     "\nsrc_mac = 02:00:00:00:00:01\ndrop = on\n"
				     "count = on\n");
	struct kit_burst mine = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst other = {.n = 20, .min = 60, .max = 60, .dst = OTHER};
	struct daqiri_pkt pkt;

	kit_send(l.tx, &other);
	kit_send(l.tx, &mine);
	kit_expect(l.rx, &mine);
	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
	kit_fill((void *)(uintptr_t)pkt.addr, 60, MAC_B, 1);
	memcpy((uint8_t *)(uintptr_t)pkt.addr + 6, "\x02\0\0\0\0\x01", 6);
	pkt.len = 60;
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	expect_count(l.b, "hole", 1, 60);
	expect_count(l.b, "wide", 20, 1200);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	daqiri_close(l.dq);
}

Test(flow_actions, counters_are_asked_of_flows_that_have_them)
{
	struct link l = kit_open_link(ONE_WAY("64") "[flow b counted]\nudp_dst = 5\ndrop = on\n"
						    "count = on\n");
	struct daqiri_stat stats[2] = {{.name = "untouched"}, {.name = "untouched"}};

	cr_assert_eq(daqiri_flow_stats(l.b, "all", stats, 2), -EINVAL);
	assert_detail("[flow b all]: has no counter");
	cr_assert_eq(daqiri_flow_stats(l.b, "none", stats, 2), -ENOENT);
	assert_detail("no flow named none");
	cr_assert_eq(daqiri_flow_stats(l.b, "counted", NULL, 0), 2);
	cr_assert_eq(daqiri_flow_stats(l.b, "counted", stats, 1), 2);
	cr_assert_str_eq(stats[0].name, "packets");
	cr_assert_str_eq(stats[1].name, "untouched");
	daqiri_close(l.dq);
}

/* ---- all frames of a port -------------------------------------------------------------------- */

/* A flow, a multicast flow, an RSS flow, unmatched frames: all of them, and all back again. */
static void check_gate(const char *unmatched)
{
	struct kit_burst mine = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst group = {.n = 10, .min = 60, .max = 60, .dst = "01:00:5e:01:02:03"};
	struct kit_burst other = {.n = 10, .min = 60, .max = 60, .dst = OTHER};
	char text[1024];
	struct link l;
	uint64_t before;

	snprintf(text, sizeof(text),
		 QUEUES "%s[flow b mine]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\npriority = 0\n"
			"[flow b group]\ndst_mac = 01:00:5e:01:02:03\nqueue = 1-3\ncount = on\n",
		 unmatched);
	l = kit_open_link(text);
	before = kit_port_stat(l.b, "net_rx_packets");
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(daqiri_port_drop_all(l.b), 0, "%s", daqiri_error_detail());
		cr_assert_eq(daqiri_port_drop_all(l.b), 0, "a second time");
		kit_send(l.tx, &mine);
		kit_send(l.tx, &group);
		kit_send(l.tx, &other);
		kit_wait_sent(l.tx, 50 * (uint64_t)i + 30);
		for (unsigned q = 0; q < 4; q++)
			cr_assert_eq(kit_receive_none(daqiri_rxq_get(l.b, q)), 0);
		cr_assert_eq(daqiri_port_allow_all(l.b), 0);
		cr_assert_eq(daqiri_port_allow_all(l.b), 0, "a second time");
		kit_send(l.tx, &mine);
		kit_send(l.tx, &group);
		kit_expect(l.rx, &mine);
		expect_count(l.b, "group", 10 * (uint64_t)(i + 1), 600 * (uint64_t)(i + 1));
		daqiri_rx_release(
			daqiri_rxq_get(l.b, 1),
			daqiri_rx_poll(daqiri_rxq_get(l.b, 1), (struct daqiri_pkt[10]){0}, 10));
	}
	cr_assert_eq(kit_port_stat(l.b, "net_rx_packets"), before);
	daqiri_close(l.dq);
}

Test(flow_actions, a_port_drops_all_and_allows_all_again)
{
	check_gate("");
	check_gate("unmatched = drop\n");
	check_gate("unmatched = queue 1-3\n");
}

/* The kernel's frames too, and they are back when the context is closed. */
Test(flow_actions, what_drop_all_took_from_the_kernel_comes_back_with_close)
{
	struct kit_burst other = {.n = 10, .min = 60, .max = 60, .dst = OTHER};

	for (int i = 0; i < 2; i++) {
		struct link l = kit_open_link(ONE_WAY("64"));
		uint64_t before = kit_port_stat(l.b, "net_rx_packets");

		kit_send(l.tx, &other);
		kit_wait_stat(l.b, "net_rx_packets", before + 10);
		cr_assert_eq(daqiri_port_drop_all(l.b), 0);
		kit_send(l.tx, &other);
		kit_wait_sent(l.tx, 20);
		cr_assert_eq(kit_receive_none(l.rx), 0);
		cr_assert_eq(kit_port_stat(l.b, "net_rx_packets"), before + 10);
		daqiri_close(l.dq);
	}
}
