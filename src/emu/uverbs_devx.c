/* SPDX-License-Identifier: Apache-2.0 */
/* DevX: commands to the firmware itself. Every context has it, but only what the card can do. */
#include "caps.h"
#include "card.h"
#include "fault.h"
#include "uverbs.h"

#include <endian.h>
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <string.h>

#define OPCODE_QUERY_HCA_CAP 0x100 /* PRM "Command opcodes" */
#define CAP_GENERAL	     0	   /* op_mod 15:1: which capabilities; 0: maximum or current */
#define CAP_ETHERNET	     1
#define CAP_QOS		     12
#define STATUS_BAD_PARAM     0x03
#define OUT_HEADER	     16 /* status, syndrome */

/* Bits of a capability page, counted from its start, most significant first as in the PRM. */
struct field {
	uint16_t bit, bits;
	uint32_t value;
};

/* PRM "HCA capabilities": cmd_hca_cap */
static const struct field general[] = {
	{0x088, 8, EMU_LOG_MAX_QP_SZ}, /* log_max_qp_sz */
	{0x09b, 5, EMU_LOG_MAX_OBJ},   /* log_max_qp */
	{0x0c8, 8, EMU_LOG_MAX_CQ_SZ}, /* log_max_cq_sz */
	{0x0db, 5, EMU_LOG_MAX_OBJ},   /* log_max_cq */
	{0x1a6, 1, 1},		       /* nic_flow_table */
	{0x1b6, 2, 1},		       /* port_type: Ethernet */
	{0x1b8, 8, 1},		       /* num_ports */
	{0x1fc, 4, 1},		       /* cqe_version */
	{0x21b, 1, 1},		       /* qos */
	{0x21c, 1, 1},		       /* eth_net_offloads */
	{0x240, 1, 1},		       /* uar_4k */
	{0x258, 8, 12},		       /* log_pg_sz */
	{0x260, 1, 1},		       /* bf */
	{0x26b, 5, 9},		       /* log_bf_reg_size: EMU_BF_REG */
	{0x290, 16, EMU_MAX_SQ_DESC},  /* max_wqe_sz_sq */
	{0x2b0, 16, EMU_MAX_RQ_DESC},  /* max_wqe_sz_rq */
	{0x32b, 5, EMU_LOG_MAX_OBJ},   /* log_max_pd */
	{0x363, 5, EMU_LOG_MAX_OBJ},   /* log_max_rq */
	{0x36b, 5, EMU_LOG_MAX_OBJ},   /* log_max_sq */
	{0x373, 5, EMU_LOG_MAX_OBJ},   /* log_max_tir */
	{0x38b, 5, EMU_LOG_MAX_OBJ},   /* log_max_rqt */
	{0x393, 5, EMU_LOG_IND_TABLE}, /* log_max_rqt_size */
	{0x4e0, 32, EMU_CLOCK_KHZ},    /* device_frequency_khz */
};

/* PRM "Ethernet offload capabilities": per_protocol_networking_offload_caps */
static const struct field ethernet[] = {
	{0x00, 1, 1},		      /* csum_cap */
	{0x01, 1, 1},		      /* vlan_cap: a receive queue may strip the tag */
	{0x07, 1, 1},		      /* wqe_vlan_insert */
	{0x0b, 5, EMU_LOG_MAX_LSO},   /* max_lso_cap */
	{0x10, 2, 1},		      /* multi_pkt_send_wqe */
	{0x14, 4, EMU_LOG_IND_TABLE}, /* rss_ind_tbl_cap */
	{0x1a, 1, 1},		      /* enhanced_multi_pkt_send_wqe */
	{0x20, 3, 7},		      /* swp, swp_csum, swp_lso */
};

/* PRM "QoS capabilities": qos_cap */
static const struct field qos[] = {
	{0x00, 1, 1},		  /* packet_pacing */
	{0x05, 2, 3},		  /* packet_pacing_burst_bound, packet_pacing_typical_size */
	{0x0b, 1, 1},		  /* packet_pacing_uid */
	{0x40, 32, EMU_RATE_MAX}, /* packet_pacing_max_rate */
	{0x60, 32, EMU_RATE_MIN}, /* packet_pacing_min_rate */
	{0x90, 16, EMU_RATES + 1}, /* packet_pacing_rate_table_size */
};

/* wqe_inline_mode, of the same page: not required, or the L2 header */
static const struct field inline_mode[2] = {{0x12, 2, 2}, {0x12, 2, 0}};

/*
 * sq_ts_format and rq_ts_format, two bits each beside one another: 0 free running, 1 real time,
 * 2 both (MLX5_SQ_TIMESTAMP_FORMAT_CAP_*)
 */
static const struct field ts_formats[] = {
	[EMU_CLOCK_FREE] = {0x440, 4, 0x0},
	[EMU_CLOCK_REAL] = {0x440, 4, 0x5},
	[EMU_CLOCK_BOTH] = {0x440, 4, 0xa},
};

static const struct field wait_on_time[2] = {{0x68c, 1, 0}, {0x68c, 1, 1}};

static void set_field(uint8_t *page, size_t size, const struct field *f)
{
	for (unsigned i = 0; i < f->bits; i++) {
		unsigned bit = f->bit + i;

		if (bit / 8 < size && f->value >> (f->bits - 1 - i) & 1)
			page[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
}

/* The kernel's answer where the firmware's status is not 0: the output tells it. */
static int firmware_refuses(uint8_t *out)
{
	out[0] = STATUS_BAD_PARAM;
	return -EREMOTEIO;
}

static int query_hca_cap(const uint8_t *in, uint8_t *out, size_t out_len)
{
	unsigned which = (unsigned)(in[6] << 8 | in[7]) >> 1;
	const struct field *fields = general;
	unsigned n = EMU_COUNT(general), l2 = emu_fault(EMU_FAULT_INLINE_L2);

	if (which == CAP_ETHERNET) {
		fields = ethernet;
		n = EMU_COUNT(ethernet);
	} else if (which == CAP_QOS) {
		fields = qos;
		n = EMU_COUNT(qos);
	} else if (which != CAP_GENERAL) {
		return firmware_refuses(out);
	}
	if (which == CAP_GENERAL) {
		set_field(out + OUT_HEADER, out_len - OUT_HEADER, &ts_formats[emu_settings.clock]);
		set_field(out + OUT_HEADER, out_len - OUT_HEADER,
			  &wait_on_time[emu_card()->wait_on_time]);
	}
	for (unsigned i = 0; i < n; i++)
		set_field(out + OUT_HEADER, out_len - OUT_HEADER, &fields[i]);
	if (which == CAP_ETHERNET)
		set_field(out + OUT_HEADER, out_len - OUT_HEADER, &inline_mode[l2]);
	return 0;
}

static int devx_other(struct emu_call *call)
{
	struct ib_uverbs_attr *in = emu_attr(call, MLX5_IB_ATTR_DEVX_OTHER_CMD_IN);
	struct ib_uverbs_attr *out = emu_attr(call, MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT);
	const uint8_t *cmd = emu_attr_bytes(in);
	uint8_t *answer = (uint8_t *)(uintptr_t)out->data;

	if (!call->ctx->devx)
		return -EINVAL;
	if ((cmd[0] << 8 | cmd[1]) != OPCODE_QUERY_HCA_CAP)
		return -EOPNOTSUPP;
	memset(answer, 0, out->len);
	out->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	return query_hca_cap(cmd, answer, out->len);
}

static const struct emu_attr_spec other_specs[] = {
	{MLX5_IB_ATTR_DEVX_OTHER_CMD_IN, EMU_ATTR_IN, EMU_MUST, OUT_HEADER, UINT16_MAX},
	{MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, EMU_ATTR_OUT, EMU_MUST, OUT_HEADER, UINT16_MAX},
};

static const struct emu_method methods[] = {
	{MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER, false, devx_other, EMU_SPECS(other_specs)},
};

const struct emu_table emu_devx_table = {methods, EMU_COUNT(methods), NULL, 0};
