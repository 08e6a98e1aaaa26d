/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout that programs were compiled with, of every public structure, on 64-bit machines. A
 * structure that begins with its size may grow at the end: then the last row of it changes, and
 * nothing above. Any other difference breaks programs that are out there.
 */
#include <criterion/criterion.h>
#include <stddef.h>

#include "daqiri.h"
#include "daqiri_verbs.h"

/* clang-format off */
#define AT(type, member, offset) { #type "." #member, offsetof(struct type, member), offset }
#define SIZE(type, bytes)        { "sizeof " #type, sizeof(struct type), bytes }
/* clang-format on */

static const struct {
	const char *what;
	size_t is, agreed;
} layout[] = {
	AT(daqiri_pkt, addr, 0),
	AT(daqiri_pkt, len, 8),
	AT(daqiri_pkt, key, 12),
	SIZE(daqiri_pkt, 16),

	AT(daqiri_rx_meta, time_ns, 0),
	AT(daqiri_rx_meta, hash, 8),
	AT(daqiri_rx_meta, flow, 12),
	AT(daqiri_rx_meta, vlan_tci, 16),
	AT(daqiri_rx_meta, checksum, 18),
	AT(daqiri_rx_meta, type, 19),
	AT(daqiri_rx_meta, reserved, 20),
	SIZE(daqiri_rx_meta, 24),

	AT(daqiri_key_info, size, 0),
	AT(daqiri_key_info, section, 8),
	AT(daqiri_key_info, key, 16),
	AT(daqiri_key_info, allowed, 24),
	AT(daqiri_key_info, def, 32),
	AT(daqiri_key_info, doc, 40),
	AT(daqiri_key_info, supported, 48),
	SIZE(daqiri_key_info, 56),

	AT(daqiri_event, size, 0),
	AT(daqiri_event, type, 8),
	AT(daqiri_event, code, 12),
	AT(daqiri_event, port, 16),
	AT(daqiri_event, rxq, 24),
	AT(daqiri_event, txq, 32),
	SIZE(daqiri_event, 40),

	AT(daqiri_port_info, size, 0),
	AT(daqiri_port_info, rdma, 8),
	AT(daqiri_port_info, pci, 72),
	AT(daqiri_port_info, netdev, 88),
	AT(daqiri_port_info, phys_port, 104),
	AT(daqiri_port_info, firmware, 136),
	AT(daqiri_port_info, port_num, 200),
	AT(daqiri_port_info, mac, 204),
	AT(daqiri_port_info, link_up, 210),
	AT(daqiri_port_info, emulated, 211),
	AT(daqiri_port_info, ethernet, 212),
	AT(daqiri_port_info, mtu, 216),
	AT(daqiri_port_info, numa_node, 220),
	AT(daqiri_port_info, speed_bps, 224),
	AT(daqiri_port_info, rx_pause, 232),
	AT(daqiri_port_info, tx_pause, 236),
	SIZE(daqiri_port_info, 240),

	AT(daqiri_stat, name, 0),
	AT(daqiri_stat, value, 8),
	SIZE(daqiri_stat, 16),

	AT(daqiri_flow_text, name, 0),
	AT(daqiri_flow_text, keys, 8),
	SIZE(daqiri_flow_text, 16),

	AT(daqiri_region_info, size, 0),
	AT(daqiri_region_info, addr, 8),
	AT(daqiri_region_info, length, 16),
	AT(daqiri_region_info, num_bufs, 24),
	AT(daqiri_region_info, buf_size, 32),
	AT(daqiri_region_info, stride, 40),
	AT(daqiri_region_info, page_size, 48),
	AT(daqiri_region_info, numa_node, 56),
	AT(daqiri_region_info, kind, 64),
	AT(daqiri_region_info, access, 72),
	AT(daqiri_region_info, why, 80),
	AT(daqiri_region_info, gpu, 88),
	AT(daqiri_region_info, gpu_addr, 96),
	AT(daqiri_region_info, relaxed_ordering, 104),
	SIZE(daqiri_region_info, 112),

	AT(daqiri_memory, size, 0),
	AT(daqiri_memory, addr, 8),
	AT(daqiri_memory, length, 16),
	AT(daqiri_memory, dmabuf_fd, 24),
	AT(daqiri_memory, dmabuf_offset, 32),
	SIZE(daqiri_memory, 40),

	AT(daqiri_gpu_info, size, 0),
	AT(daqiri_gpu_info, index, 8),
	AT(daqiri_gpu_info, name, 12),
	AT(daqiri_gpu_info, pci, 76),
	AT(daqiri_gpu_info, uuid, 92),
	AT(daqiri_gpu_info, numa_node, 140),
	AT(daqiri_gpu_info, integrated, 144),
	AT(daqiri_gpu_info, dmabuf, 145),
	AT(daqiri_gpu_info, peermem, 146),
	AT(daqiri_gpu_info, memory, 152),
	AT(daqiri_gpu_info, bar1, 160),
	SIZE(daqiri_gpu_info, 168),

	AT(daqiri_queue_error, size, 0),
	AT(daqiri_queue_error, rebuild, 8),
	AT(daqiri_queue_error, syndrome, 12),
	AT(daqiri_queue_error, vendor_syndrome, 13),
	AT(daqiri_queue_error, wqe_index, 14),
	AT(daqiri_queue_error, errors, 16),
	AT(daqiri_queue_error, text, 24),
	SIZE(daqiri_queue_error, 32),

	AT(daqiri_rxq_info, size, 0),
	AT(daqiri_rxq_info, id, 8),
	AT(daqiri_rxq_info, depth, 12),
	AT(daqiri_rxq_info, buf_size, 16),
	AT(daqiri_rxq_info, cpu_core, 20),
	AT(daqiri_rxq_info, port, 24),
	AT(daqiri_rxq_info, region, 32),
	AT(daqiri_rxq_info, simd, 40),
	AT(daqiri_rxq_info, spares, 48),
	AT(daqiri_rxq_info, forward, 56),
	AT(daqiri_rxq_info, rx_mode, 64),
	AT(daqiri_rxq_info, cqe_compression, 72),
	AT(daqiri_rxq_info, why, 80),
	AT(daqiri_rxq_info, split, 88),
	AT(daqiri_rxq_info, payload_region, 96),
	AT(daqiri_rxq_info, clock, 104),
	AT(daqiri_rxq_info, clock_why, 112),
	AT(daqiri_rxq_info, metadata, 120),
	AT(daqiri_rxq_info, vlan_strip, 124),
	SIZE(daqiri_rxq_info, 128),

	AT(daqiri_txq_info, size, 0),
	AT(daqiri_txq_info, id, 8),
	AT(daqiri_txq_info, depth, 12),
	AT(daqiri_txq_info, buf_size, 16),
	AT(daqiri_txq_info, cpu_core, 20),
	AT(daqiri_txq_info, port, 24),
	AT(daqiri_txq_info, region, 32),
	AT(daqiri_txq_info, simd, 40),
	AT(daqiri_txq_info, tx_mode, 48),
	AT(daqiri_txq_info, why, 56),
	AT(daqiri_txq_info, tx_inline, 64),
	AT(daqiri_txq_info, latency, 68),
	AT(daqiri_txq_info, payload_size, 72),
	AT(daqiri_txq_info, payload_region, 80),
	AT(daqiri_txq_info, checksum, 88),
	AT(daqiri_txq_info, src_mac, 96),
	AT(daqiri_txq_info, pacing_mbps, 100),
	AT(daqiri_txq_info, pacing_burst, 104),
	AT(daqiri_txq_info, pacing_size, 108),
	AT(daqiri_txq_info, pacing_min_kbps, 112),
	AT(daqiri_txq_info, pacing_max_kbps, 116),
	AT(daqiri_txq_info, vlan_push, 120),
	AT(daqiri_txq_info, vlan_push_tci, 124),
	AT(daqiri_txq_info, vlan_push_tpid, 126),
	AT(daqiri_txq_info, clock, 128),
	AT(daqiri_txq_info, tso_mss, 136),
	AT(daqiri_txq_info, tso_max, 140),
	SIZE(daqiri_txq_info, 144),

	AT(daqiri_attach_port, size, 0),
	AT(daqiri_attach_port, name, 8),
	AT(daqiri_attach_port, context, 16),
	AT(daqiri_attach_port, pd, 24),
	AT(daqiri_attach_port, port_num, 32),
	SIZE(daqiri_attach_port, 40),
};

Test(abi, structures_are_laid_out_as_agreed)
{
	for (size_t i = 0; i < sizeof(layout) / sizeof(*layout); i++)
		cr_expect_eq(layout[i].is, layout[i].agreed, "%s: %zu, agreed %zu", layout[i].what,
			     layout[i].is, layout[i].agreed);
}

Test(abi, numbers_that_programs_hold_do_not_move)
{
	cr_expect_eq(DAQIRI_EVENT_LINK_UP, 1);
	cr_expect_eq(DAQIRI_EVENT_LINK_DOWN, 2);
	cr_expect_eq(DAQIRI_EVENT_DEVICE_FATAL, 3);
	cr_expect_eq(DAQIRI_EVENT_QUEUE_ERROR, 4);
	cr_expect_eq(DAQIRI_EVENT_OTHER, 5);
	cr_expect_eq(DAQIRI_META_TIMESTAMP, 1);
	cr_expect_eq(DAQIRI_META_HASH, 2);
	cr_expect_eq(DAQIRI_META_CHECKSUM, 4);
	cr_expect_eq(DAQIRI_META_VLAN, 8);
	cr_expect_eq(DAQIRI_META_TYPE, 16);
	cr_expect_eq(DAQIRI_CSUM_L3_KNOWN, 1);
	cr_expect_eq(DAQIRI_CSUM_L3_OK, 2);
	cr_expect_eq(DAQIRI_CSUM_L4_OK, 4);
	cr_expect_eq(DAQIRI_CSUM_L4_KNOWN, 8);
	cr_expect_eq(DAQIRI_TYPE_IP_OPTIONS, 2);
	cr_expect_eq(DAQIRI_TYPE_IPV6, 4);
	cr_expect_eq(DAQIRI_TYPE_IPV4, 8);
	cr_expect_eq(DAQIRI_TYPE_L3, 12);
	cr_expect_eq(DAQIRI_TYPE_TCP, 16);
	cr_expect_eq(DAQIRI_TYPE_UDP, 32);
	cr_expect_eq(DAQIRI_TYPE_L4, 48);
	cr_expect_eq(DAQIRI_TYPE_FRAGMENT, 128);
	cr_expect_eq(DAQIRI_REBUILD_NONE, 0);
	cr_expect_eq(DAQIRI_REBUILD_QUEUE, 1);
	cr_expect_eq(DAQIRI_REBUILD_PORT, 2);
	cr_expect_eq(DAQIRI_REBUILD_DEVICE, 3);
}
