/* SPDX-License-Identifier: Apache-2.0 */
/* The device's context and what it says of itself. */
#include "caps.h"
#include "card.h"
#include "emu_hw.h"
#include "fault.h"
#include "pages.h"
#include "preload.h"
#include "sysfs.h"
#include "uverbs.h"
#include "uverbs_clock.h"
#include "uverbs_event.h"
#include "uverbs_legacy.h"
#include "uverbs_wq.h"
#include "uverbs_mem.h"

#include <endian.h>
#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <string.h>
#include <unistd.h>

/* MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_REAL_TIME_TS, which Linux 5.10's header lacks */
#define EMU_UCONTEXT_RESP_REAL_TIME_TS (1u << 4)

#define RAW_PACKET (1u << IB_UVERBS_QPT_RAW_PACKET)

/* ---- GET_CONTEXT ---------------------------------------------------------------------------- */

static int check_request(const struct mlx5_ib_alloc_ucontext_req_v2 *req)
{
	if (!req->total_num_bfregs || req->num_low_latency_bfregs > req->total_num_bfregs - 1)
		return -EINVAL;
	if (req->comp_mask || req->reserved0 || req->reserved1 || req->reserved2)
		return -EOPNOTSUPP;
	if (req->flags & ~(__u32)MLX5_IB_ALLOC_UCTX_DEVX)
		return -EINVAL;
	/* libmlx5 before rdma-core 30 has no doorbell pages as objects, and we have no others */
	return req->lib_caps & MLX5_LIB_CAP_DYN_UAR ? 0 : -EOPNOTSUPP;
}

static void fill_context(struct mlx5_ib_alloc_ucontext_resp *resp)
{
	*resp = (struct mlx5_ib_alloc_ucontext_resp){
		.qp_tab_size = 1u << EMU_LOG_MAX_OBJ,
		.bf_reg_size = emu_settings.wc ? EMU_BF_REG : 0, /* mlx5_ib: wc_support */
		.tot_bfregs = 0,				 /* doorbell pages are objects */
		.cache_line_size = 64,
		.max_sq_desc_sz = EMU_MAX_SQ_DESC,
		.max_rq_desc_sz = EMU_MAX_RQ_DESC,
		.max_send_wqebb = emu_fault(EMU_FAULT_SMALL) ? EMU_SMALL_WR : EMU_MAX_SQ_WQEBB,
		.max_recv_wr = emu_fault(EMU_FAULT_SMALL) ? EMU_SMALL_WR : EMU_MAX_RQ_WQE,
		/* as the card's; to make one is refused by us, and not by libmlx5 as too long */
		.max_srq_recv_wr = EMU_MAX_RQ_WQE,
		.num_ports = 1,
		.response_length = sizeof(*resp),
		.cqe_version =
			!emu_fault(EMU_FAULT_NO_CQE_V1), /* completions carry the user index */
		.cmds_supp_uhw =
			MLX5_USER_CMDS_SUPP_UHW_QUERY_DEVICE | MLX5_USER_CMDS_SUPP_UHW_CREATE_AH,
		.eth_min_inline = emu_fault(EMU_FAULT_INLINE_L2) ? MLX5_USER_INLINE_MODE_L2
								 : MLX5_USER_INLINE_MODE_NONE,
		.log_uar_size = 12,
		.num_uars_per_page = emu_uars_in((uint64_t)sysconf(_SC_PAGESIZE)),
		.clock_info_versions = 1u << MLX5_IB_CLOCK_INFO_V1,
	};
	if (emu_ctx_has_core_clock())
		resp->comp_mask |= MLX5_IB_ALLOC_UCONTEXT_RESP_MASK_CORE_CLOCK_OFFSET;
	if (emu_settings.clock != EMU_CLOCK_FREE)
		resp->comp_mask |= EMU_UCONTEXT_RESP_REAL_TIME_TS;
}

static int get_context(struct emu_call *call)
{
	struct mlx5_ib_alloc_ucontext_req_v2 req;
	struct mlx5_ib_alloc_ucontext_resp resp;
	__u32 vectors = (__u32)sysconf(_SC_NPROCESSORS_ONLN);
	__u64 support = IB_UVERBS_CORE_SUPPORT_OPTIONAL_MR_ACCESS;
	int ret;

	if (call->ctx->allocated)
		return -EINVAL;
	ret = emu_uhw_in(call, &req, sizeof(req));
	if (!ret)
		ret = check_request(&req);
	if (ret)
		return ret;
	if ((req.flags & MLX5_IB_ALLOC_UCTX_DEVX) && emu_fault(EMU_FAULT_NO_DEVX))
		return -EPERM;
	ret = emu_ctx_clock_open(call->ctx);
	if (ret)
		return ret;
	fill_context(&resp);
	emu_uhw_out(call, &resp, sizeof(resp));
	emu_attr_put(call, UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS, &vectors, sizeof(vectors));
	emu_attr_put(call, UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT, &support, sizeof(support));
	call->ctx->devx = req.flags & MLX5_IB_ALLOC_UCTX_DEVX;
	call->ctx->tdn = emu_number(call->ctx->dev);
	call->ctx->allocated = true;
	emu_wire_resource(call->ctx->dev->index, EMU_RES_CTX, true);
	return 0;
}

void emu_context_undo(struct emu_ctx *ctx)
{
	emu_ctx_clock_close(ctx);
	ctx->devx = false;
	ctx->allocated = false;
	emu_wire_resource(ctx->dev->index, EMU_RES_CTX, false);
}

/* ---- QUERY_DEVICE --------------------------------------------------------------------------- */

#define DEVICE_CAP_FLAGS                                                                           \
	(EMU_DEVICE_PORT_ACTIVE_EVENT | EMU_DEVICE_SYS_IMAGE_GUID | EMU_DEVICE_RAW_IP_CSUM |       \
	 EMU_DEVICE_MANAGED_FLOW_STEERING | EMU_DEVICE_PCI_WRITE_END_PADDING)

uint64_t emu_device_cap_flags(void)
{
	return emu_fault(EMU_FAULT_NO_OFFLOADS)
		       ? DEVICE_CAP_FLAGS & ~(uint64_t)EMU_DEVICE_RAW_IP_CSUM
		       : DEVICE_CAP_FLAGS;
}

static __be64 guid(const struct emu_dev *dev, unsigned index)
{
	const uint8_t *m = dev->mac;
	uint8_t last = (uint8_t)(m[5] - dev->index + index);
	uint8_t bytes[8] = {m[0], m[1], m[2], 0x03, 0, m[3], m[4], last};
	__be64 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* both ports of a card are one system: the first port's */
__be64 emu_device_guid(const struct emu_dev *dev, bool system)
{
	return guid(dev, system ? dev->index & ~1u : dev->index);
}

static void fill_device(const struct emu_dev *dev, struct ib_uverbs_query_device_resp *resp)
{
	const struct emu_card *card = emu_card();

	*resp = (struct ib_uverbs_query_device_resp){
		.fw_ver = (__u64)card->fw_major << 32 | card->fw_minor << 16 | card->fw_sub,
		.node_guid = emu_device_guid(dev, false),
		.sys_image_guid = emu_device_guid(dev, true),
		.max_mr_size = emu_fault(EMU_FAULT_SMALL_MR) ? EMU_SMALL_MR : ~0ULL,
		.page_size_cap = ~0xfffULL,
		.vendor_id = 0x02c9,
		.vendor_part_id = emu_card_function_id(),
		.max_qp = 1u << EMU_LOG_MAX_OBJ,
		.max_qp_wr = emu_fault(EMU_FAULT_SMALL) ? EMU_SMALL_WR : EMU_MAX_SQ_WQEBB,
		.device_cap_flags = emu_device_cap_flags() & UINT32_MAX,
		.max_sge = EMU_MAX_SGE,
		.max_cq = 1u << EMU_LOG_MAX_OBJ,
		.max_cqe = EMU_MAX_CQE,
		.max_mr = 1u << EMU_LOG_MAX_MKEY,
		.max_pd = 1u << EMU_LOG_MAX_OBJ,
		.max_raw_ethy_qp = 0,
		.max_pkeys = 1,
		.phys_port_cnt = 1,
	};
}

static int query_device(struct emu_call *call)
{
	struct ib_uverbs_query_device_resp resp;

	if (!call->ctx->allocated)
		return -EINVAL;
	fill_device(call->ctx->dev, &resp);
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static void fill_provider(struct mlx5_ib_query_device_resp *resp)
{
	*resp = (struct mlx5_ib_query_device_resp){
		.response_length = sizeof(*resp),
		.tso_caps = {.max_tso = 1u << EMU_LOG_MAX_LSO, .supported_qpts = RAW_PACKET},
		.packet_pacing_caps =
			{
				.qp_rate_limit_min = EMU_RATE_MIN,
				.qp_rate_limit_max = EMU_RATE_MAX,
				.supported_qpts = RAW_PACKET,
				.cap_flags = MLX5_IB_PP_SUPPORT_BURST,
			},
		.sw_parsing_caps =
			{
				.sw_parsing_offloads = EMU_SW_PARSING_ALL,
				.supported_qpts = RAW_PACKET,
			},
		.rss_caps =
			{
				.rx_hash_fields_mask =
					MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4 |
					MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6 |
					MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP |
					MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP |
					MLX5_RX_HASH_INNER,
				.rx_hash_function = MLX5_RX_HASH_FUNC_TOEPLITZ,
			},
		.tunnel_offloads_caps = MLX5_IB_TUNNELED_OFFLOADS_VXLAN |
					MLX5_IB_TUNNELED_OFFLOADS_GRE |
					MLX5_IB_TUNNELED_OFFLOADS_GENEVE,
		.cqe_comp_caps =
			{
				.max_num = EMU_MINI_MAX,
				.supported_format = MLX5_IB_CQE_RES_FORMAT_HASH |
						    MLX5_IB_CQE_RES_FORMAT_CSUM |
						    MLX5_IB_CQE_RES_FORMAT_CSUM_STRIDX,
			},
		.flags = MLX5_IB_QUERY_DEV_RESP_FLAGS_CQE_128B_COMP |
			 MLX5_IB_QUERY_DEV_RESP_FLAGS_CQE_128B_PAD,
		.striding_rq_caps =
			{
				.min_single_stride_log_num_of_bytes = EMU_LOG_STRIDE_MIN,
				.max_single_stride_log_num_of_bytes = EMU_LOG_STRIDE_MAX,
				.min_single_wqe_log_num_of_strides = emu_min_log_strides(),
				.max_single_wqe_log_num_of_strides = EMU_LOG_STRIDES_MAX,
				.supported_qpts = RAW_PACKET,
			},
		.mlx5_ib_support_multi_pkt_send_wqes =
			emu_fault(EMU_FAULT_NO_EMPW) ? 0 : MLX5_IB_ALLOW_MPW | MLX5_IB_SUPPORT_EMPW,
	};
	if (emu_fault(EMU_FAULT_NO_COMPRESSION))
		memset(&resp->cqe_comp_caps, 0, sizeof(resp->cqe_comp_caps));
	if (emu_fault(EMU_FAULT_NO_OFFLOADS)) {
		memset(&resp->tso_caps, 0, sizeof(resp->tso_caps));
		memset(&resp->packet_pacing_caps, 0, sizeof(resp->packet_pacing_caps));
	}
}

static int query_device_ex(struct emu_call *call)
{
	struct ib_uverbs_ex_query_device req;
	struct mlx5_ib_query_device_resp provider;
	struct ib_uverbs_ex_query_device_resp resp = {
		.response_length = sizeof(resp),
		.timestamp_mask = 0x7fffffffffffffffULL,
		.hca_core_clock = EMU_CLOCK_KHZ,
		.rss_caps =
			{
				.supported_qpts = emu_fault(EMU_FAULT_NO_RSS) ? 0 : RAW_PACKET,
				.max_rwq_indirection_tables = 1u << EMU_LOG_MAX_OBJ,
				.max_rwq_indirection_table_size = 1u << EMU_LOG_IND_TABLE,
			},
		.max_wq_type_rq = 1u << EMU_LOG_MAX_OBJ,
		.raw_packet_caps = EMU_RAW_PACKET_IP_CSUM | EMU_RAW_PACKET_CVLAN_STRIPPING,
	};

	if (!call->ctx->allocated)
		return -EINVAL;
	emu_write_in(call, &req, sizeof(req));
	if (req.comp_mask || req.reserved)
		return -EINVAL;
	fill_device(call->ctx->dev, &resp.base);
	resp.device_cap_flags_ex = emu_device_cap_flags();
	if (emu_fault(EMU_FAULT_NO_OFFLOADS))
		resp.raw_packet_caps &= ~EMU_RAW_PACKET_IP_CSUM;
	if (call->out_len < sizeof(resp))
		resp.response_length = (__u32)call->out_len;
	emu_write_out(call, &resp, sizeof(resp));
	fill_provider(&provider);
	if (call->uhw_out_len < sizeof(provider))
		provider.response_length = (__u32)call->uhw_out_len;
	emu_uhw_out(call, &provider, sizeof(provider));
	return 0;
}

/* ---- QUERY_PORT ----------------------------------------------------------------------------- */

/* What a RoCE packet may carry below the interface's MTU: IB_MTU_256 = 1 ... IB_MTU_4096 = 5. */
static uint8_t active_mtu(uint32_t netdev_mtu)
{
	uint32_t room = netdev_mtu > 82 ? netdev_mtu - 82 : 0; /* GRH, BTH, extensions, ICRC */
	uint8_t mtu = 5;

	while (mtu > 1 && room < 128u << mtu)
		mtu--;
	return mtu;
}

/* mlx5_ib: mlx5_query_port_roce(), which tells of GIDs where RoCE is enabled */
static int query_port(struct emu_call *call)
{
	const struct emu_wire_port *port = call->ctx->dev->wire;
	bool up = __atomic_load_n(&port->link_up, __ATOMIC_RELAXED);
	bool roce = emu_gids();
	struct ib_uverbs_query_port_resp_ex resp = {
		.legacy_resp =
			{
				.port_cap_flags = roce ? EMU_PORT_CAP_FLAGS : 0,
				.max_msg_sz = 1u << 30,
				.gid_tbl_len = emu_gids(),
				.pkey_tbl_len = 1,
				.state = up ? EMU_PORT_ACTIVE : EMU_PORT_DOWN,
				.max_mtu = 5,	   /* IB_MTU_4096 */
				.active_width = 2, /* IB_WIDTH_4X */
				.active_speed = emu_card()->speed,
				.phys_state = up ? EMU_PORT_PHYS_UP : EMU_PORT_PHYS_DISABLED,
				/* IB_LINK_LAYER_INFINIBAND, IB_LINK_LAYER_ETHERNET */
				.link_layer = emu_fault(EMU_FAULT_INFINIBAND) ? 1 : 2,
				.flags = roce ? IB_UVERBS_QPF_GRH_REQUIRED : 0,
			},
	};

	if (emu_attr_value(call, UVERBS_ATTR_QUERY_PORT_PORT_NUM) != 1)
		return -EINVAL;
	emu_netdev_look(call->ctx->dev);
	resp.legacy_resp.active_mtu = active_mtu(__atomic_load_n(&port->mtu, __ATOMIC_RELAXED));
	emu_attr_put(call, UVERBS_ATTR_QUERY_PORT_RESP, &resp, sizeof(resp));
	return 0;
}

/* ---- mlx5_ib's own QUERY_PORT ---------------------------------------------------------------- */

/* Of Linux 5.14; older headers lack them, and struct mlx5_ib_uapi_query_port. */
#define METHOD_MLX5_QUERY_PORT (1u << UVERBS_ID_NS_SHIFT)
#define ATTR_MLX5_PORT_NUM     (1u << UVERBS_ID_NS_SHIFT)
#define ATTR_MLX5_PORT	       (ATTR_MLX5_PORT_NUM + 1u)
#define MLX5_PORT_SIZE	       40u

/* std_types.c: whose vport it is, in switchdev mode; all of it is zero in any other. */
static int mlx5_query_port(struct emu_call *call)
{
	static const uint8_t info[MLX5_PORT_SIZE];

	if (emu_attr_value(call, ATTR_MLX5_PORT_NUM) != 1)
		return -EINVAL;
	emu_attr_put(call, ATTR_MLX5_PORT, info, sizeof(info));
	return 0;
}

/* ---- tables --------------------------------------------------------------------------------- */

static const struct emu_attr_spec context_specs[] = {
	{UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS, EMU_ATTR_OUT, EMU_MAY, 4, 0},
	{UVERBS_ATTR_GET_CONTEXT_CORE_SUPPORT, EMU_ATTR_OUT, EMU_MAY, 8, 0},
};

static const struct emu_attr_spec port_specs[] = {
	{UVERBS_ATTR_QUERY_PORT_PORT_NUM, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_QUERY_PORT_RESP, EMU_ATTR_OUT, EMU_MUST,
	 sizeof(struct ib_uverbs_query_port_resp), UINT16_MAX},
};

static const struct emu_attr_spec mlx5_port_specs[] = {
	{ATTR_MLX5_PORT_NUM, EMU_ATTR_IN, EMU_MUST, 4, 4},
	{ATTR_MLX5_PORT, EMU_ATTR_OUT, EMU_MUST, MLX5_PORT_SIZE, UINT16_MAX},
};

static const struct emu_attr_spec async_specs[] = {
	{UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT, true, get_context,
	 EMU_SPECS(context_specs)},
	{UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT, false, query_port, EMU_SPECS(port_specs)},
	{UVERBS_OBJECT_DEVICE, METHOD_MLX5_QUERY_PORT, false, mlx5_query_port,
	 EMU_SPECS(mlx5_port_specs)},
	{UVERBS_OBJECT_ASYNC_EVENT, UVERBS_METHOD_ASYNC_EVENT_ALLOC, false, emu_async_alloc,
	 EMU_SPECS(async_specs)},
};

static const struct emu_write writes[] = {
	EMU_CMD(IB_USER_VERBS_CMD_QUERY_DEVICE, struct ib_uverbs_query_device,
		sizeof(struct ib_uverbs_query_device_resp), query_device),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_QUERY_DEVICE, struct ib_uverbs_ex_query_device, reserved,
		   EMU_END(struct ib_uverbs_ex_query_device_resp, response_length),
		   query_device_ex),
};

const struct emu_table emu_device_table = {methods, EMU_COUNT(methods), writes, EMU_COUNT(writes)};
