/* SPDX-License-Identifier: Apache-2.0 */
/* loopback = hw: one port receives what it sends, and nothing of it is on the cable. */
#include <stdio.h>

#include "dq_kit.h"

#define ONE_PORT                                                                                   \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region other]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                           \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[port b]\naddress = " MAC_B "\n[rxq b 0]\nregions = other\n"                              \
	"[flow b all]\nethertype = 0x88b5\nqueue = 0\ncount = on\n"                                \
	"[txq a 0]\nregions = tx\n[rxq a 0-3]\nregions = rx\ndepth = 256\n"

#define GROUP "01:00:5e:01:02:03"

static uint64_t packets_of(struct daqiri_port *port, const char *flow)
{
	struct daqiri_stat stat;

	cr_assert_eq(daqiri_flow_stats(port, flow, &stat, 1), 2, "%s", daqiri_error_detail());
	return stat.value;
}

/* Of the four queues of a, together. */
static int take(struct daqiri_port *a, int want)
{
	int64_t deadline = kit_deadline();
	struct daqiri_pkt pkts[64];
	int got = 0;

	while (got < want && !kit_is_late(deadline)) {
		for (unsigned i = 0; i < 4; i++) {
			int n = daqiri_rx_poll(daqiri_rxq_get(a, i), pkts, 64);

			daqiri_rx_release(daqiri_rxq_get(a, i), n);
			got += n;
		}
	}
	return got + kit_receive_none(daqiri_rxq_get(a, 0));
}

Test(loopback, a_port_receives_what_it_sends_to_itself_and_the_cable_is_silent)
{
	static const char *const flows[] = {
		"[flow a own]\ndst_mac = " MAC_A "\nqueue = 0\n",
		"[flow a own]\ndst_mac = " MAC_A "\nqueue = 0-3\n",
		"unmatched = queue 1\n",
		"unmatched = queue 0-3\n",
	};
	struct kit_burst own = {.n = 100, .min = 60, .max = 1514, .dst = MAC_A};

	for (unsigned i = 0; i < 4; i++) {
		char text[1024];
		struct link l = {0};
		uint64_t before;

		snprintf(text, sizeof(text),
			 ONE_PORT "[port a]\naddress = " MAC_A "\nloopback = hw\n%s", flows[i]);
		l.dq = kit_open_text(text);
		l.a = daqiri_port_find(l.dq, "a");
		l.b = daqiri_port_find(l.dq, "b");
		before = kit_port_stat(l.b, "net_rx_packets");
		kit_send(daqiri_txq_get(l.a, 0), &own);
		cr_assert_eq(take(l.a, 100), 100, "%s", flows[i]);
		cr_assert_eq(packets_of(l.b, "all"), 0u);
		cr_assert_eq(kit_port_stat(l.b, "net_rx_packets"), before);
		daqiri_close(l.dq);
	}
}

/* Those to a group are for the port itself and for the cable. */
Test(loopback, frames_to_a_group_come_back_and_go_out)
{
	struct daqiri *dq = kit_open_text(
		ONE_PORT "[port a]\naddress = " MAC_A
			 "\nloopback = hw\n[flow a group]\ndst_mac = " GROUP "\nqueue = 2\n");
	struct kit_burst group = {.n = 50, .min = 60, .max = 60, .dst = GROUP};
	struct daqiri_port *a = daqiri_port_find(dq, "a");

	kit_send(daqiri_txq_get(a, 0), &group);
	cr_assert_eq(take(a, 50), 50);
	cr_assert_eq(packets_of(daqiri_port_find(dq, "b"), "all"), 50u);
	daqiri_close(dq);
}

Test(loopback, without_it_frames_to_the_own_address_leave_by_the_cable)
{
	struct daqiri *dq =
		kit_open_text(ONE_PORT "[port a]\naddress = " MAC_A
				       "\n[flow a own]\ndst_mac = " MAC_A "\nqueue = 0\n");
	struct kit_burst own = {.n = 50, .min = 60, .max = 60, .dst = MAC_A};
	struct daqiri_port *a = daqiri_port_find(dq, "a");
	int64_t deadline = kit_deadline();

	kit_send(daqiri_txq_get(a, 0), &own);
	while (packets_of(daqiri_port_find(dq, "b"), "all") < 50 && !kit_is_late(deadline))
		;
	cr_assert_eq(packets_of(daqiri_port_find(dq, "b"), "all"), 50u);
	cr_assert_eq(take(a, 0), 0);
	daqiri_close(dq);
}
