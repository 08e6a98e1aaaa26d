/* SPDX-License-Identifier: Apache-2.0 */
/* What a port tells of itself: counters of the cable and of the function, pause, link. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dq_kit.h"

#define LOOP                                                                                       \
	"[region rx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\nloopback = hw\n[port b]\naddress = " MAC_B "\n"            \
	"[txq a 0]\nregions = tx\n[rxq a 0]\nregions = rx\n"                                       \
	"[flow a all]\ndst_mac = " MAC_A "\nqueue = 0\ntag = 77\n"

static bool has_stat(struct daqiri_port *port, const char *name)
{
	struct daqiri_stat stats[512];
	int n = daqiri_port_stats(port, stats, 512);

	for (int i = 0; i < n && i < 512; i++)
		if (!strcmp(stats[i].name, name))
			return true;
	return false;
}

static struct daqiri_port_info info_of(const struct daqiri_port *port)
{
	struct daqiri_port_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_port_info(port, &info), 0, "%s", daqiri_error_detail());
	return info;
}

/* Counters of the kernel's: they are the wire's, which other tests used before. */
static uint64_t since(struct daqiri_port *port, const char *name, uint64_t before)
{
	return kit_port_stat(port, name) - before;
}

Test(port, counters_of_cable_and_function_tell_what_passed)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 40, .min = 100, .max = 100, .dst = MAC_B};
	uint64_t tx = kit_port_stat(l.a, "eth_tx_packets_phy");
	uint64_t bytes = kit_port_stat(l.a, "eth_tx_bytes_phy");
	uint64_t rx = kit_port_stat(l.b, "eth_rx_packets_phy");
	uint64_t vport = kit_port_stat(l.b, "eth_rx_vport_unicast_packets");
	uint64_t octets = kit_port_stat(l.b, "eth_rx_vport_unicast_bytes");

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	kit_wait_stat(l.b, "eth_rx_packets_phy", rx + 40);
	cr_assert_eq(since(l.a, "eth_tx_packets_phy", tx), 40u);
	cr_assert_eq(since(l.a, "eth_tx_bytes_phy", bytes), 40u * 104, "with the FCS");
	cr_assert_eq(since(l.b, "eth_rx_packets_phy", rx), 40u);
	cr_assert_eq(since(l.b, "eth_rx_vport_unicast_packets", vport), 40u);
	cr_assert_eq(since(l.b, "eth_rx_vport_unicast_bytes", octets), 4000u);
	daqiri_close(l.dq);
}

Test(port, pauses_and_drops_are_counted_and_channels_are_not)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	static const char *const there[] = {"eth_rx_pause_ctrl_phy", "eth_tx_pause_ctrl_phy",
					    "eth_rx_global_pause",   "eth_rx_discards_phy",
					    "eth_rx_out_of_buffer",  "eth_outbound_pci_stalled_wr",
					    "hw_out_of_buffer"};

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		cr_assert(has_stat(l.b, there[i]), "%s", there[i]);
	cr_assert(!has_stat(l.b, "eth_rx0_packets"));
	cr_assert(!has_stat(l.b, "eth_ch_events"));
	daqiri_close(l.dq);
}

/* The cable sees nothing of frames that the port sends to itself, its function does. */
Test(port, looped_frames_are_the_functions_alone)
{
	struct daqiri *dq = kit_open_text(LOOP);
	struct link l = {.dq = dq, .a = daqiri_port_find(dq, "a")};
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_A};
	uint64_t phy = kit_port_stat(l.a, "eth_tx_packets_phy");
	uint64_t out = kit_port_stat(l.a, "eth_tx_vport_unicast_packets");
	uint64_t in = kit_port_stat(l.a, "eth_rx_vport_unicast_packets");

	l.rx = daqiri_rxq_get(l.a, 0);
	l.tx = daqiri_txq_get(l.a, 0);
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	kit_wait_stat(l.a, "eth_rx_vport_unicast_packets", in + 20);
	cr_assert_eq(since(l.a, "eth_tx_vport_unicast_packets", out), 20u);
	cr_assert_eq(since(l.a, "eth_rx_vport_unicast_packets", in), 20u);
	cr_assert_eq(since(l.a, "eth_tx_packets_phy", phy), 0u);
	daqiri_close(l.dq);
}

static void set_pause(const char *netdev, unsigned rx, unsigned tx)
{
	struct ethtool_pauseparam pause = {
		.cmd = ETHTOOL_SPAUSEPARAM, .rx_pause = rx, .tx_pause = tx};
	struct ifreq ifr = {.ifr_data = (void *)&pause};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, netdev, strnlen(netdev, sizeof(ifr.ifr_name) - 1));
	cr_assert_eq(ioctl(fd, SIOCETHTOOL, &ifr), 0, "%s", strerror(errno));
	close(fd);
}

Test(port, pause_is_told_as_it_is_now)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_port_info info = info_of(l.a);

	cr_assert(info.rx_pause == 1 && info.tx_pause == 1);
	set_pause(info.netdev, 0, 1);
	info = info_of(l.a);
	cr_assert(info.rx_pause == 0 && info.tx_pause == 1);
	set_pause(info.netdev, 1, 0);
	info = info_of(l.a);
	cr_assert(info.rx_pause == 1 && info.tx_pause == 0);
	set_pause(info.netdev, 1, 1);
	daqiri_close(l.dq);
}

Test(port, a_link_that_goes_is_told_and_counted)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 5, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_port_info info = info_of(l.a);
	uint64_t downs = kit_port_stat(l.a, "eth_link_down_events_phy");
	uint64_t lost = kit_port_stat(l.a, "eth_tx_discards_phy");

	cr_assert(info.link_up && info.speed_bps);
	kit_cable(l.a, false);
	cr_assert(!info_of(l.a).link_up);
	cr_assert(!info_of(l.b).link_up);
	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 5);
	kit_wait_stat(l.a, "eth_tx_discards_phy", lost + 5);
	kit_cable(l.a, true);
	cr_assert(info_of(l.a).link_up);
	cr_assert_eq(since(l.a, "eth_link_down_events_phy", downs), 1u);
	cr_assert_eq(since(l.a, "eth_tx_discards_phy", lost), 5u);
	daqiri_close(l.dq);
}
