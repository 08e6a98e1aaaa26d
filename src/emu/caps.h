/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated card can do: told by the queries and kept by the create calls alike. */
#ifndef EMU_CAPS_H
#define EMU_CAPS_H

#define EMU_MAX_SQ_WQEBB  32768u /* 2^log_max_qp_sz, MLX5_CAP_GEN(log_max_qp_sz) = 15 */
#define EMU_MAX_RQ_WQE    32768u
#define EMU_LOG_MAX_QP_SZ 15u
#define EMU_MAX_CQE       4194303u /* 2^log_max_cq_sz - 1 */
#define EMU_LOG_MAX_CQ_SZ 22u
#define EMU_MAX_SQ_DESC   1024u /* bytes of the largest send WQE: max_wqe_sz_sq */
#define EMU_MAX_RQ_DESC   512u
#define EMU_MAX_SGE       30u
#define EMU_LOG_MAX_OBJ   18u /* QPs, CQs, RQs, SQs, TIRs */
#define EMU_LOG_MAX_MKEY  20u
#define EMU_LOG_MAX_KLM	  10u /* pieces of an indirect memory key */
#define EMU_LOG_IND_TABLE 11u /* log_max_rqt_size */
#define EMU_LOG_MAX_LSO   18u /* bytes of a large send's payload: max_lso_cap */
#define EMU_RATES         127u /* packet_pacing_rate_table_size, without the entry of no limit */
#define EMU_RATE_MIN      1u   /* kbps */
#define EMU_RATE_MAX      200000000u
#define EMU_RATE_BURST    16384u /* bytes that a queue may send at once where it asks for nothing else */
#define EMU_BF_REG        512u
#define EMU_CLOCK_KHZ     1000000u /* the free-running clock counts nanoseconds */

/*
 * Capability bits of the uverbs ABI whose names kernel headers before 5.12 lack: enum
 * ib_uverbs_device_cap_flags and ib_uverbs_raw_packet_caps.
 */
#define EMU_DEVICE_PORT_ACTIVE_EVENT     (1u << 10)
#define EMU_DEVICE_SYS_IMAGE_GUID        (1u << 11)
#define EMU_DEVICE_RAW_IP_CSUM           (1u << 26)
#define EMU_DEVICE_MANAGED_FLOW_STEERING (1u << 29)
#define EMU_DEVICE_PCI_WRITE_END_PADDING (1ULL << 36) /* in device_cap_flags_ex only */
#define EMU_RAW_PACKET_CVLAN_STRIPPING   (1u << 0)
#define EMU_RAW_PACKET_IP_CSUM           (1u << 2)

/* enum ib_port_state, enum ib_port_phys_state; CM and IP-based GIDs of ib_port_capability_mask_bits */
#define EMU_PORT_DOWN          1u
#define EMU_PORT_ACTIVE        4u
#define EMU_PORT_PHYS_DISABLED 3u
#define EMU_PORT_PHYS_UP       5u
#define EMU_PORT_CAP_FLAGS     0x04010000u

/* enum mlx5_ib_sw_parsing_offloads: the parser, checksums and large sends by it */
#define EMU_SW_PARSING_ALL 7u

#endif
