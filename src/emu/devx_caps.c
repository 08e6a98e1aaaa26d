/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, and other questions to the card that are about no object. */
#include "caps.h"
#include "card.h"
#include "devx_prm.h"
#include "emu_be.h"
#include "fault.h"
#include "uverbs_wq.h"
#include "wire.h"

#include <string.h>

#define EMU_DEVX_FILE 0xa0000u

/* QUERY_HCA_CAP's op_mod: 15:1 which capabilities, 0 maximum or current. mlx5_ifc.h: MLX5_CAP_* */
enum {
	CAP_GENERAL = 0,
	CAP_ETHERNET = 1,
	CAP_FLOW_TABLE = 7,
	CAP_QOS = 12,
	CAP_DEVICE_MEMORY = 15,
	CAP_PARSE_GRAPH = 0x1c,
	CAP_GENERAL_2 = 0x20
};

struct cap {
	struct emu_field field;
	uint32_t value;
};

#define C(bit, bits, value)                                                                        \
	{                                                                                          \
		{bit, bits}, value                                                                 \
	}

/* PRM "HCA capabilities": cmd_hca_cap */
static const struct cap general[] = {
	C(0x088, 8, EMU_LOG_MAX_QP_SZ), /* log_max_qp_sz */
	C(0x09b, 5, EMU_LOG_MAX_OBJ),	/* log_max_qp */
	C(0x0c8, 8, EMU_LOG_MAX_CQ_SZ), /* log_max_cq_sz */
	C(0x0db, 5, EMU_LOG_MAX_OBJ),	/* log_max_cq */
	C(0x0ea, 6, EMU_LOG_MAX_MKEY),	/* log_max_mkey */
	C(0x109, 7, 48),		/* log_max_mrw_sz */
	C(0x11a, 6, EMU_LOG_MAX_KLM),	/* log_max_klm_list_size */
	C(0x181, 1, 1),			/* vport_counters */
	C(0x184, 1, 1),			/* modify_rq_counter_set_id */
	C(0x186, 10, 255),		/* max_qp_cnt: counter sets */
	C(0x1a3, 1, 1),			/* eth_virt */
	C(0x1a6, 1, 1),			/* nic_flow_table */
	C(0x1b6, 2, 1),			/* port_type: Ethernet */
	C(0x1b8, 8, 1),			/* num_ports */
	C(0x1fc, 4, 1),			/* cqe_version */
	C(0x201, 1, 1),			/* striding_rq */
	C(0x21b, 1, 1),			/* qos */
	C(0x21c, 1, 1),			/* eth_net_offloads */
	C(0x222, 1, 1),			/* cq_moderation */
	C(0x240, 1, 1),			/* uar_4k */
	C(0x258, 8, 12),		/* log_pg_sz */
	C(0x260, 1, 1),			/* bf */
	C(0x26b, 5, 9),			/* log_bf_reg_size: EMU_BF_REG */
	C(0x290, 16, EMU_MAX_SQ_DESC),	/* max_wqe_sz_sq */
	C(0x2b0, 16, EMU_MAX_RQ_DESC),	/* max_wqe_sz_rq */
	C(0x310, 8, 0xff),		/* flow_counter_bulk_alloc: 128 to 16384 */
	C(0x323, 5, EMU_LOG_MAX_OBJ),	/* log_max_transport_domain */
	C(0x32b, 5, EMU_LOG_MAX_OBJ),	/* log_max_pd */
	C(0x348, 8, 14),		/* log_max_flow_counter_bulk */
	C(0x360, 1, 1),			/* modify_tis */
	C(0x361, 1, 1),			/* flow_counters_dump */
	C(0x363, 5, EMU_LOG_MAX_OBJ),	/* log_max_rq */
	C(0x36b, 5, EMU_LOG_MAX_OBJ),	/* log_max_sq */
	C(0x373, 5, EMU_LOG_MAX_OBJ),	/* log_max_tir */
	C(0x37b, 5, EMU_LOG_MAX_OBJ),	/* log_max_tis */
	C(0x38b, 5, EMU_LOG_MAX_OBJ),	/* log_max_rqt */
	C(0x393, 5, EMU_LOG_IND_TABLE), /* log_max_rqt_size */
	C(0x3a3, 5, 9),			/* log_max_stride_sz_rq: EMU_MAX_RQ_DESC */
	C(0x3ab, 5, 4),			/* log_min_stride_sz_rq */
	C(0x3b3, 5, 6),			/* log_max_stride_sz_sq */
	C(0x3bb, 5, 6),			/* log_min_stride_sz_sq */
	C(0x3db, 5, EMU_LOG_MAX_QP_SZ), /* log_max_wq_sz */
	C(0x4e0, 32, EMU_CLOCK_KHZ),	/* device_frequency_khz */
	C(0x5bc, 1, 1),			/* mini_cqe_resp_stride_index */
	C(0x5be, 2, 3),			/* cqe_compression_128, cqe_compression */
};

/* PRM "Ethernet offload capabilities": per_protocol_networking_offload_caps */
static const struct cap ethernet[] = {
	C(0x01, 1, 1),		       /* vlan_cap: a receive queue may strip the tag */
	C(0x10, 2, 1),		       /* multi_pkt_send_wqe */
	C(0x14, 4, EMU_LOG_IND_TABLE), /* rss_ind_tbl_cap */
	C(0x1e, 2, 3),		       /* tunnel_stateless_gre, tunnel_stateless_vxlan */
	C(0x20, 3, 7),		       /* swp, swp_csum, swp_lso */
	C(0x3f, 1, 1),		       /* tunnel_stateless_geneve_rx */
};

/* PRM "QoS capabilities": qos_cap */
static const struct cap qos[] = {
	C(0x00, 1, 1),		    /* packet_pacing */
	C(0x05, 2, 3),		    /* packet_pacing_burst_bound, packet_pacing_typical_size */
	C(0x0b, 1, 1),		    /* packet_pacing_uid */
	C(0x40, 32, EMU_RATE_MAX),  /* packet_pacing_max_rate */
	C(0x60, 32, EMU_RATE_MIN),  /* packet_pacing_min_rate */
	C(0x90, 16, EMU_RATES + 1), /* packet_pacing_rate_table_size */
};

/* PRM "Flow table capabilities": flow_table_nic_cap. sw_owner stays 0: no steering by the program
 */
static const struct cap flow_table[] = {
	C(0x200, 1, 1),	 /* flow_table_properties_nic_receive.ft_support */
	C(0x201, 1, 1),	 /* .flow_tag */
	C(0x202, 1, 1),	 /* .flow_counter */
	C(0x222, 6, 16), /* .log_max_ft_size */
	C(0x238, 8, 64), /* .max_ft_level */
	C(0x290, 8, 16), /* .log_max_flow_counter */
};

/* PRM "Parse graph node capabilities": parse_graph_node_cap. Nothing but fixed lengths and places
 */
static const struct cap parse_graph[] = {
	C(0x00, 32, EMU_NODES_IN),    /* node_in */
	C(0x40, 16, 1),		      /* header_length_mode: fixed */
	C(0x50, 16, 1),		      /* sample_offset_mode: fixed */
	C(0x60, 8, EMU_FLEX_ARCS),    /* max_num_arc_in */
	C(0x70, 8, EMU_DEEP_SAMPLES), /* max_num_sample */
	C(0x80, 16, EMU_FLEX_HEADER), /* max_base_header_length */
	C(0x98, 8, EMU_FLEX_HEADER),  /* max_sample_base_offset */
};

/* cmd_hca_cap_2 */
static const struct cap general_2[] = {
	C(0x83, 5, EMU_DEEP_SAMPLES), /* max_num_prog_sample_field: of all graphs */
};

/* The answer's room may be less than a page of capabilities: what fits. */
static void put_caps(struct emu_devx_cmd *cmd, const struct cap *caps, unsigned n)
{
	uint64_t room = (cmd->out_len - EMU_CMD_HEADER) * 8;

	for (unsigned i = 0; i < n; i++) {
		if (caps[i].field.bit + caps[i].field.bits <= room)
			emu_set(cmd->out + EMU_CMD_HEADER, caps[i].field, caps[i].value);
	}
}

/* What faults take away, and what differs between the ports of a card. */
static void put_general(struct emu_devx_cmd *cmd)
{
	/* 0 free running, 1 real time, 2 both (MLX5_SQ_TIMESTAMP_FORMAT_CAP_*) */
	static const uint32_t formats[] = {
		[EMU_CLOCK_FREE] = 0,
		[EMU_CLOCK_REAL] = 1,
		[EMU_CLOCK_BOTH] = 2,
	};
	static const struct cap flex[] = {
		C(0x020, 1, 1),					/* hca_cap_2 */
		C(0x400 + 63 - EMU_OBJ_FLEX_PARSE_GRAPH, 1, 1), /* general_obj_types */
	};
	const struct cap own[] = {
		C(0x68c, 1, emu_card()->wait_on_time),
		C(0x3a0, 1, emu_min_log_strides() < 9),	  /* ext_stride_num_range */
		C(0x440, 2, formats[emu_settings.clock]), /* sq_ts_format */
		C(0x442, 2, formats[emu_settings.clock]), /* rq_ts_format */
		C(0x030, 16, cmd->ctx->dev->index),	  /* vhca_id */
		C(0x2c0, 16, WIRE_COUNTERS >> 16),	  /* max_flow_counter_31_16 */
		C(0x350, 16, WIRE_COUNTERS & 0xffff),	  /* max_flow_counter_15_0 */
	};

	put_caps(cmd, general, EMU_COUNT(general));
	if (emu_settings.flex_parser)
		put_caps(cmd, flex, EMU_COUNT(flex));
	put_caps(cmd, own, EMU_COUNT(own));
}

static void put_ethernet(struct emu_devx_cmd *cmd)
{
	bool offloads = !emu_fault(EMU_FAULT_NO_OFFLOADS);
	const struct cap own[] = {
		C(0x00, 1, offloads),			    /* csum_cap */
		C(0x07, 1, offloads),			    /* wqe_vlan_insert */
		C(0x0b, 5, offloads ? EMU_LOG_MAX_LSO : 0), /* max_lso_cap */
		/* wqe_inline_mode: the L2 header, or not required */
		C(0x12, 2, emu_fault(EMU_FAULT_INLINE_L2) ? 0 : 2),
		C(0x1a, 1, !emu_fault(EMU_FAULT_NO_EMPW)), /* enhanced_multi_pkt_send_wqe */
	};

	put_caps(cmd, ethernet, EMU_COUNT(ethernet));
	put_caps(cmd, own, EMU_COUNT(own));
}

/* Of features that the firmware has not, it knows no capabilities. */
static enum emu_status put_flex(struct emu_devx_cmd *cmd, const struct cap *caps, unsigned n)
{
	if (!emu_settings.flex_parser)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	put_caps(cmd, caps, n);
	return EMU_ST_OK;
}

static enum emu_status query_hca_cap(struct emu_devx_cmd *cmd)
{
	switch (cmd->op_mod >> 1) {
	case CAP_GENERAL:
		put_general(cmd);
		return EMU_ST_OK;
	case CAP_ETHERNET:
		put_ethernet(cmd);
		return EMU_ST_OK;
	case CAP_FLOW_TABLE:
		put_caps(cmd, flow_table, EMU_COUNT(flow_table));
		return EMU_ST_OK;
	case CAP_QOS:
		if (!emu_fault(EMU_FAULT_NO_OFFLOADS))
			put_caps(cmd, qos, EMU_COUNT(qos));
		return EMU_ST_OK;
	case CAP_PARSE_GRAPH:
		return put_flex(cmd, parse_graph, EMU_COUNT(parse_graph));
	case CAP_GENERAL_2:
		return put_flex(cmd, general_2, EMU_COUNT(general_2));
	case CAP_DEVICE_MEMORY: /* known to the firmware, and there is none: nothing but zeros */
		return EMU_ST_OK;
	default: /* of features that this card has not */
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	}
}

/* ---- the port's own vport ------------------------------------------------------------------- */

#define OTHER_VPORT	 EMU_F(0x40, 1)
#define VPORT_NUMBER	 EMU_F(0x50, 16)
#define VPORT_OUT	 272u /* bytes of query_nic_vport_context_out */
#define VPORT_MIN_INLINE EMU_F(0x05, 3)
#define VPORT_MTU	 EMU_F(0x130, 16)
#define VPORT_MAC	 (EMU_CMD_HEADER + 246u) /* permanent_address: two bytes reserved, six */

/* Only the manager of an e-switch sees others. */
static bool own_vport(const struct emu_devx_cmd *cmd)
{
	return !emu_get(cmd->in, OTHER_VPORT) && !emu_get(cmd->in, VPORT_NUMBER);
}

static enum emu_status query_nic_vport(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_CMD_HEADER;
	const struct emu_dev *dev = cmd->ctx->dev;

	if (!own_vport(cmd))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	/* MLX5_INLINE_MODE_L2 = 1 */
	emu_set(context, VPORT_MIN_INLINE, emu_fault(EMU_FAULT_INLINE_L2) ? 1 : 0);
	emu_set(context, VPORT_MTU, __atomic_load_n(&dev->wire->mtu, __ATOMIC_RELAXED));
	memcpy(cmd->out + VPORT_MAC, dev->mac, sizeof(dev->mac));
	return EMU_ST_OK;
}

#define ADMIN_STATE EMU_F(0x78, 4) /* query_vport_state_out */
#define VPORT_STATE EMU_F(0x7c, 4)

static enum emu_status query_vport_state(struct emu_devx_cmd *cmd)
{
	bool up = __atomic_load_n(&cmd->ctx->dev->wire->link_up, __ATOMIC_RELAXED);

	if (!own_vport(cmd))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	emu_set(cmd->out, ADMIN_STATE, 1);
	emu_set(cmd->out, VPORT_STATE, up);
	return EMU_ST_OK;
}

static enum emu_status nop(struct emu_devx_cmd *cmd)
{
	(void)cmd;
	return EMU_ST_OK;
}

#define ON(cmd, run_fn, out)                                                                       \
	{                                                                                          \
		.opcode = (cmd), .min_in = EMU_CMD_HEADER, .min_out = (out), .run = (run_fn)       \
	}

static const struct emu_devx_op ops[] = {
	ON(EMU_CMD_QUERY_HCA_CAP, query_hca_cap, EMU_CMD_HEADER),
	ON(EMU_CMD_QUERY_NIC_VPORT_CONTEXT, query_nic_vport, VPORT_OUT),
	ON(EMU_CMD_QUERY_VPORT_STATE, query_vport_state, EMU_CMD_HEADER),
	ON(EMU_CMD_NOP, nop, EMU_CMD_HEADER),
};

const struct emu_devx_table emu_devx_caps_ops = {ops, EMU_COUNT(ops)};
