/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mlx5_core counts of an interface: drivers/net/ethernet/mellanox/mlx5/core/en_stats.c. Its
 * own packets, those of the function (vport), those of the cable (phy). Whatever cannot happen here
 * stays 0; per-channel and per-priority counters are left out, but for pauses of priority 0.
 */
#include "ethtool.h"
#include "uverbs.h"

#include <stddef.h>

/* A counter is the sum of some of ours less others; offsets count from 1, 0 is none. */
struct stat {
	const char *name;
	uint16_t add[3], sub[3];
	uint16_t fcs; /* bytes of the cable have four more for each of these packets */
};

#define C(member) (uint16_t)(offsetof(struct emu_counters, member) + 1)

static const struct stat stats[] = {
	/* the interface: what no rule took */
	{"rx_packets", {C(rx_kernel)}, {0}, 0},
	{"rx_bytes", {0}, {0}, 0},
	{"tx_packets", {0}, {0}, 0},
	{"tx_bytes", {0}, {0}, 0},
	/* its own counter set, which other queues have not */
	{"rx_out_of_buffer", {0}, {0}, 0},
	{"rx_if_down_packets", {0}, {0}, 0},
	{"rx_steer_missed_packets", {0}, {0}, 0},
	{"rx_vport_unicast_packets",
	 {C(rx_packets), C(loop_unicast)},
	 {C(rx_multicast), C(rx_broadcast)},
	 0},
	{"rx_vport_unicast_bytes",
	 {C(rx_bytes), C(loop_unicast_bytes)},
	 {C(rx_multicast_bytes), C(rx_broadcast_bytes)},
	 0},
	{"tx_vport_unicast_packets",
	 {C(tx_packets), C(loop_unicast), C(tx_unplugged)},
	 {C(tx_multicast), C(tx_broadcast)},
	 0},
	{"tx_vport_unicast_bytes",
	 {C(tx_bytes), C(loop_unicast_bytes), C(tx_unplugged_bytes)},
	 {C(tx_multicast_bytes), C(tx_broadcast_bytes)},
	 0},
	{"rx_vport_multicast_packets", {C(rx_multicast), C(loop_multicast)}, {0}, 0},
	{"rx_vport_multicast_bytes", {C(rx_multicast_bytes), C(loop_multicast_bytes)}, {0}, 0},
	{"tx_vport_multicast_packets", {C(tx_multicast)}, {0}, 0},
	{"tx_vport_multicast_bytes", {C(tx_multicast_bytes)}, {0}, 0},
	{"rx_vport_broadcast_packets", {C(rx_broadcast), C(loop_broadcast)}, {0}, 0},
	{"rx_vport_broadcast_bytes", {C(rx_broadcast_bytes), C(loop_broadcast_bytes)}, {0}, 0},
	{"tx_vport_broadcast_packets", {C(tx_broadcast)}, {0}, 0},
	{"tx_vport_broadcast_bytes", {C(tx_broadcast_bytes)}, {0}, 0},
	{"rx_vport_rdma_unicast_packets", {0}, {0}, 0},
	{"rx_vport_rdma_unicast_bytes", {0}, {0}, 0},
	{"tx_vport_rdma_unicast_packets", {0}, {0}, 0},
	{"tx_vport_rdma_unicast_bytes", {0}, {0}, 0},
	{"rx_vport_rdma_multicast_packets", {0}, {0}, 0},
	{"rx_vport_rdma_multicast_bytes", {0}, {0}, 0},
	{"tx_vport_rdma_multicast_packets", {0}, {0}, 0},
	{"tx_vport_rdma_multicast_bytes", {0}, {0}, 0},
	{"tx_packets_phy", {C(tx_packets)}, {0}, 0},
	{"rx_packets_phy", {C(rx_packets)}, {0}, 0},
	{"rx_crc_errors_phy", {0}, {0}, 0},
	{"tx_bytes_phy", {C(tx_bytes)}, {0}, C(tx_packets)},
	{"rx_bytes_phy", {C(rx_bytes)}, {0}, C(rx_packets)},
	{"tx_multicast_phy", {C(tx_multicast)}, {0}, 0},
	{"tx_broadcast_phy", {C(tx_broadcast)}, {0}, 0},
	{"rx_multicast_phy", {C(rx_multicast)}, {0}, 0},
	{"rx_broadcast_phy", {C(rx_broadcast)}, {0}, 0},
	{"rx_in_range_len_errors_phy", {0}, {0}, 0},
	{"rx_out_of_range_len_phy", {0}, {0}, 0},
	{"rx_oversize_pkts_phy", {C(rx_over_mtu)}, {0}, 0},
	{"rx_symbol_err_phy", {0}, {0}, 0},
	{"tx_mac_control_phy", {0}, {0}, 0},
	{"rx_mac_control_phy", {0}, {0}, 0},
	{"rx_unsupported_op_phy", {0}, {0}, 0},
	{"rx_pause_ctrl_phy", {0}, {0}, 0},
	{"tx_pause_ctrl_phy", {0}, {0}, 0},
	{"rx_discards_phy", {C(rx_discards)}, {0}, 0},
	{"tx_discards_phy", {C(tx_unplugged)}, {0}, 0},
	{"tx_errors_phy", {0}, {0}, 0},
	{"rx_undersize_pkts_phy", {0}, {0}, 0},
	{"rx_fragments_phy", {0}, {0}, 0},
	{"rx_jabbers_phy", {0}, {0}, 0},
	{"link_down_events_phy", {C(link_downs)}, {0}, 0},
	{"rx_pcs_symbol_err_phy", {0}, {0}, 0},
	{"rx_corrected_bits_phy", {0}, {0}, 0},
	{"rx_buffer_passed_thres_phy", {0}, {0}, 0},
	{"rx_pci_signal_integrity", {0}, {0}, 0},
	{"tx_pci_signal_integrity", {0}, {0}, 0},
	{"outbound_pci_buffer_overflow", {0}, {0}, 0},
	{"outbound_pci_stalled_rd", {0}, {0}, 0},
	{"outbound_pci_stalled_wr", {0}, {0}, 0},
	{"outbound_pci_stalled_rd_events", {0}, {0}, 0},
	{"outbound_pci_stalled_wr_events", {0}, {0}, 0},
	{"rx_prio0_bytes", {C(rx_bytes)}, {0}, C(rx_packets)},
	{"rx_prio0_packets", {C(rx_packets)}, {0}, 0},
	{"tx_prio0_bytes", {C(tx_bytes)}, {0}, C(tx_packets)},
	{"tx_prio0_packets", {C(tx_packets)}, {0}, 0},
	{"rx_global_pause", {0}, {0}, 0},
	{"rx_global_pause_duration", {0}, {0}, 0},
	{"tx_global_pause", {0}, {0}, 0},
	{"tx_global_pause_duration", {0}, {0}, 0},
	{"rx_global_pause_transition", {0}, {0}, 0},
	{"tx_pause_storm_warning_events", {0}, {0}, 0},
	{"tx_pause_storm_error_events", {0}, {0}, 0},
	/* a channel's, which there are as many of as the machine has cores */
	{"ch_events", {0}, {0}, 0},
	{"ch0_events", {0}, {0}, 0},
	{"rx0_packets", {C(rx_kernel)}, {0}, 0},
	{"tx0_packets", {0}, {0}, 0},
};

unsigned emu_ethtool_n_stats(void)
{
	return EMU_COUNT(stats);
}

const char *emu_ethtool_stat_name(unsigned i)
{
	return i < EMU_COUNT(stats) ? stats[i].name : NULL;
}

static uint64_t value(const struct emu_dev *dev, uint16_t at)
{
	const uint8_t *base = (const uint8_t *)&dev->wire->count;

	return at ? __atomic_load_n((const uint64_t *)(const void *)(base + at - 1),
				    __ATOMIC_RELAXED)
		  : 0;
}

uint64_t emu_ethtool_stat(const struct emu_dev *dev, unsigned i)
{
	const struct stat *s = &stats[i];
	uint64_t sum = 4 * value(dev, s->fcs);

	for (unsigned k = 0; k < 3; k++)
		sum += value(dev, s->add[k]) - value(dev, s->sub[k]);
	return sum;
}
