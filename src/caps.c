/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device can do: from verbs, from mlx5dv, and, where the context has DevX, from the firmware
 * itself (PRM: QUERY_HCA_CAP, QUERY_NIC_VPORT_CONTEXT).
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "caps.h"
#include "error.h"
#include "log.h"
#include "mlx5_wqe.h"

enum {
	CMD_QUERY_HCA_CAP = 0x100,	     /* MLX5_CMD_OP_QUERY_HCA_CAP */
	CMD_QUERY_NIC_VPORT_CONTEXT = 0x754, /* MLX5_CMD_OP_QUERY_NIC_VPORT_CONTEXT */
	CMD_IN = 16,			     /* bytes of both commands' input */
	CMD_OUT_HEAD = 16,		     /* status, syndrome, reserved; then the answer */
	HCA_CAP = 4096,			     /* bytes of query_hca_cap_out.capability */
	NIC_VPORT_CONTEXT = 256,	     /* bytes of nic_vport_context */

	/* op_mod of QUERY_HCA_CAP: group << 1 | MLX5_HCA_CAP_OPMOD_GET_CUR */
	CAP_GENERAL = 0 << 1 | 1,
	CAP_ETHERNET_OFFLOAD = 1 << 1 | 1,

	/* Bit offsets, counted from a structure's first, most significant bit. */
	CAP_PARSE_GRAPH = 0x400 + 63 - 0x22, /* cmd_hca_cap.general_obj_types, a bit for each:
						MLX5_GENERAL_OBJ_TYPE_FLEX_PARSE_GRAPH */
	CAP_WAIT_ON_TIME = 0x68c,	     /* cmd_hca_cap.wait_on_time */
	CAP_MAX_WQE_SZ_SQ = 0x290,	     /* cmd_hca_cap.max_wqe_sz_sq, 16 bits, bytes */
	CAP_WQE_VLAN_INSERT = 0x7,  /* per_protocol_networking_offload_caps.wqe_vlan_insert */
	CAP_WQE_INLINE_MODE = 0x12, /* per_protocol_networking_offload_caps.wqe_inline_mode, 2 */
	VPORT_MIN_INLINE = 0x5,	    /* nic_vport_context.min_wqe_inline_mode, 3 bits */

	/* wqe_inline_mode: MLX5_CAP_INLINE_MODE_* */
	INLINE_MODE_L2 = 0,
	INLINE_MODE_VPORT = 1,

	/* min_wqe_inline_mode: MLX5_INLINE_MODE_* */
	VPORT_INLINE_NONE = 0,
	VPORT_INLINE_L2 = 1,

	/* PCI device ids: ConnectX-4 and -4 Lx with their VFs want the L2 header inline. */
	PCI_CONNECTX4 = 0x1013,
	PCI_CONNECTX4_LX_VF = 0x1016,
};

/* A field of at most 16 bits that crosses no 32-bit word. */
static unsigned get_bits(const uint8_t *bytes, unsigned offset, unsigned width)
{
	uint32_t word;

	memcpy(&word, bytes + (size_t)offset / 32 * 4, sizeof(word));
	return be32toh(word) >> (32 - width - offset % 32) & ((1u << width) - 1);
}

/* Runs a query command. answer: size bytes, at most HCA_CAP. */
static int query(struct ibv_context *ctx, const uint32_t in[CMD_IN / 4], uint8_t *answer,
		 size_t size)
{
	uint8_t out[CMD_OUT_HEAD + HCA_CAP] = {0};

	/* The first byte of the output is the firmware's status. */
	if (mlx5dv_devx_general_cmd(ctx, in, CMD_IN, out, CMD_OUT_HEAD + size) || out[0])
		return -EIO;
	memcpy(answer, out + CMD_OUT_HEAD, size);
	return 0;
}

static int query_cap(struct ibv_context *ctx, uint32_t op_mod, uint8_t cap[HCA_CAP])
{
	const uint32_t in[CMD_IN / 4] = {htobe32(CMD_QUERY_HCA_CAP << 16), htobe32(op_mod)};

	return query(ctx, in, cap, HCA_CAP);
}

static void query_sends(struct dq_device *dev, uint8_t *cap)
{
	struct dq_caps *caps = &dev->caps;
	uint32_t ptrs;

	if (query_cap(dev->ctx, CAP_GENERAL, cap))
		return;
	caps->firmware = true;
	caps->parse_graph = get_bits(cap, CAP_PARSE_GRAPH, 1);
	caps->wait_on_time = get_bits(cap, CAP_WAIT_ON_TIME, 1);
	ptrs = get_bits(cap, CAP_MAX_WQE_SZ_SQ, 16) / DQ_SEG;
	/* 0: not told. */
	if (ptrs > DQ_EMPW_HEAD_SEGS && ptrs - DQ_EMPW_HEAD_SEGS < caps->empw_ptrs)
		caps->empw_ptrs = ptrs - DQ_EMPW_HEAD_SEGS;
}

/* The vport's inline mode: set by its administrator with devlink. */
static int query_vport_inline(struct dq_device *dev)
{
	const uint32_t in[CMD_IN / 4] = {htobe32(CMD_QUERY_NIC_VPORT_CONTEXT << 16)};
	uint8_t answer[NIC_VPORT_CONTEXT];
	unsigned mode;

	if (query(dev->ctx, in, answer, sizeof(answer)))
		return -EIO;
	mode = get_bits(answer, VPORT_MIN_INLINE, 3);
	if (mode > VPORT_INLINE_L2)
		return dq_error(EOPNOTSUPP,
				"%s: its e-switch wants the IP header inline in each send WQE: "
				"devlink dev eswitch set pci/%s inline-mode none",
				dev->info.rdma, dev->info.pci);
	dev->caps.min_inline = mode == VPORT_INLINE_NONE ? 0 : DQ_INLINE_L2;
	return 0;
}

static int query_inline(struct dq_device *dev, uint8_t *cap)
{
	unsigned mode;

	if (query_cap(dev->ctx, CAP_ETHERNET_OFFLOAD, cap))
		return -EIO;
	dev->caps.vlan_insert = get_bits(cap, CAP_WQE_VLAN_INSERT, 1);
	mode = get_bits(cap, CAP_WQE_INLINE_MODE, 2);
	if (mode == INLINE_MODE_VPORT)
		return query_vport_inline(dev);
	dev->caps.min_inline = mode == INLINE_MODE_L2 ? DQ_INLINE_L2 : 0;
	return 0;
}

/*
 * Without DevX what the card wants inline is not to be read. Where eMPW is out of the question
 * anyway the L2 header goes inline, which every card takes.
 */
static int query_firmware(struct dq_device *dev, unsigned pci_id, bool empw)
{
	uint8_t cap[HCA_CAP];
	int ret;

	query_sends(dev, cap);
	ret = query_inline(dev, cap);
	if (ret != -EIO)
		return ret;
	dev->caps.min_inline = !empw || (pci_id >= PCI_CONNECTX4 && pci_id <= PCI_CONNECTX4_LX_VF)
				       ? DQ_INLINE_L2
				       : 0;
	dq_log(dev->log, DAQIRI_LOG_INFO,
	       "%s: firmware capabilities are not readable without DevX: %u bytes inline by its "
	       "flags and PCI id %04x",
	       dev->info.rdma, dev->caps.min_inline, pci_id);
	return 0;
}

static void keep_striding(struct dq_caps_striding *caps, const struct mlx5dv_context *dv)
{
	const struct mlx5dv_striding_rq_caps *rq = &dv->striding_rq_caps;

	if (!(dv->comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ))
		return;
	*caps = (struct dq_caps_striding){
		.raw_packet = rq->supported_qpts & 1u << IBV_QPT_RAW_PACKET,
		.log_stride_min = (uint8_t)rq->min_single_stride_log_num_of_bytes,
		.log_stride_max = (uint8_t)rq->max_single_stride_log_num_of_bytes,
		.log_strides_min = (uint8_t)rq->min_single_wqe_log_num_of_strides,
		.log_strides_max = (uint8_t)rq->max_single_wqe_log_num_of_strides};
}

static void keep_compression(struct dq_caps *caps, const struct mlx5dv_context *dv)
{
	if (dv->comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION && dv->cqe_comp_caps.max_num)
		caps->mini_cqes = dv->cqe_comp_caps.supported_format;
}

static void keep_pacing(struct dq_caps *caps, const struct ibv_device_attr_ex *attr)
{
	const struct ibv_packet_pacing_caps *pacing = &attr->packet_pacing_caps;

	if (!(pacing->supported_qpts & 1u << IBV_QPT_RAW_PACKET))
		return;
	caps->pacing_min_kbps = pacing->qp_rate_limit_min;
	caps->pacing_max_kbps = pacing->qp_rate_limit_max;
}

int dq_caps_query(struct dq_device *dev)
{
	struct mlx5dv_context dv = {.comp_mask = MLX5DV_CONTEXT_MASK_STRIDING_RQ |
						 MLX5DV_CONTEXT_MASK_CQE_COMPRESION};
	struct ibv_device_attr_ex attr = {0};
	struct dq_caps *caps = &dev->caps;
	int err = ibv_query_device_ex(dev->ctx, NULL, &attr);

	if (!err)
		err = mlx5dv_query_device(dev->ctx, &dv);
	if (err)
		return dq_error(err, "%s: cannot be queried: %s", dev->info.rdma, strerror(err));
	if (!(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_V1))
		return dq_error(EOPNOTSUPP,
				"%s: this device, or its kernel driver, has no version 1 "
				"completions: a ConnectX-4 or later is needed",
				dev->info.rdma);
	if (!(attr.rss_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET))
		return dq_error(EOPNOTSUPP,
				"%s: no receive hashing for raw packets: is it an Ethernet port?",
				dev->info.rdma);
	caps->empw_ptrs = DQ_EMPW_MAX_PTRS;
	caps->max_wr = (uint32_t)attr.orig_attr.max_qp_wr;
	caps->max_mr_size = attr.orig_attr.max_mr_size;
	caps->max_ind_table = attr.rss_caps.max_rwq_indirection_table_size;
	caps->rx_hash_fields = attr.rss_caps.rx_hash_fields_mask;
	caps->vlan_strip = attr.raw_packet_caps & IBV_RAW_PACKET_CAP_CVLAN_STRIPPING;
	caps->empw = dv.flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW;
	caps->tx_checksum = attr.raw_packet_caps & IBV_RAW_PACKET_CAP_IP_CSUM;
#if HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS
	caps->real_time = dv.flags & MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS;
#endif
	keep_striding(&caps->striding, &dv);
	keep_compression(caps, &dv);
	keep_pacing(caps, &attr);
	if (attr.tso_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET)
		caps->max_tso = attr.tso_caps.max_tso;
	err = query_firmware(dev, attr.orig_attr.vendor_part_id, caps->empw);
	/* eMPW has no place for inline headers. */
	caps->empw = caps->empw && !caps->min_inline;
	return err;
}
