/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write commands for what libibverbs asks for by methods of objects: each is put as the method has
 * it, and answered from what that returns. Their own rules are those of uverbs_cmd.c of Linux.
 */
#include "uverbs_event.h"
#include "uverbs_legacy.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <stdlib.h>
#include <string.h>

/* ---- a method's call ------------------------------------------------------------------------ */

#define MAX_ATTRS 16

struct inner {
	struct emu_call call;
	uint64_t room[(sizeof(struct ib_uverbs_ioctl_hdr) +
		       MAX_ATTRS * sizeof(struct ib_uverbs_attr)) /
		      sizeof(uint64_t)];
};

static void begin(struct inner *i, const struct emu_call *outer)
{
	memset(i, 0, sizeof(*i));
	i->call = *outer;
	i->call.hdr = (void *)i->room;
}

static struct ib_uverbs_attr *add(struct inner *i, uint16_t id, size_t len)
{
	struct ib_uverbs_attr *attr = &i->call.hdr->attrs[i->call.hdr->num_attrs++];

	*attr = (struct ib_uverbs_attr){.attr_id = id, .len = (uint16_t)len};
	return attr;
}

/* An object's handle, a file's descriptor, or place for one. */
static void add_handle(struct inner *i, uint16_t id, uint32_t handle)
{
	add(i, id, 0)->data = handle;
}

static void add_value(struct inner *i, uint16_t id, uint64_t value)
{
	add(i, id, sizeof(value))->data = value;
}

static void add_word(struct inner *i, uint16_t id, uint32_t value)
{
	memcpy(&add(i, id, sizeof(value))->data, &value, sizeof(value));
}

/* Bytes to be read, more than eight, or to be filled. */
static void add_bytes(struct inner *i, uint16_t id, const void *bytes, size_t len)
{
	add(i, id, len)->data = (uintptr_t)bytes;
}

static uint32_t new_handle(const struct inner *i, uint16_t id)
{
	return (uint32_t)emu_attr(&i->call, id)->data;
}

static bool exists(const struct emu_call *call, enum emu_type type, uint32_t handle)
{
	return emu_object_find(call->ctx, type, handle);
}

/* uverbs_response_length() */
static uint32_t response_length(const struct emu_call *call, size_t size)
{
	return (uint32_t)(call->out_len < size ? call->out_len : size);
}

/* ---- the device ----------------------------------------------------------------------------- */

static int get_context(struct emu_call *call)
{
	struct ib_uverbs_get_context_resp resp = {0};
	struct inner i;
	int ret;

	begin(&i, call);
	add_bytes(&i, UVERBS_ATTR_GET_CONTEXT_NUM_COMP_VECTORS, &resp.num_comp_vectors,
		  sizeof(resp.num_comp_vectors));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT);
	if (ret)
		return ret;
	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE, 0);
	ret = emu_async_alloc(&i.call);
	if (ret) {
		emu_context_undo(call->ctx);
		return ret;
	}
	resp.async_fd = new_handle(&i, UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE);
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static int query_port(struct emu_call *call)
{
	struct ib_uverbs_query_port_resp resp = {0};
	struct ib_uverbs_query_port req;
	struct inner i;
	int ret;

	if (!call->ctx->allocated)
		return -EINVAL;
	emu_write_in(call, &req, sizeof(req));
	begin(&i, call);
	add_value(&i, UVERBS_ATTR_QUERY_PORT_PORT_NUM, req.port_num);
	add_bytes(&i, UVERBS_ATTR_QUERY_PORT_RESP, &resp, sizeof(resp));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

/* ---- completion queues ---------------------------------------------------------------------- */

static int make_cq(struct emu_call *call, const struct ib_uverbs_ex_create_cq *req,
		   struct ib_uverbs_create_cq_resp *resp)
{
	struct inner i;
	int ret;

	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_CREATE_CQ_HANDLE, 0);
	add_word(&i, UVERBS_ATTR_CREATE_CQ_CQE, req->cqe);
	add_value(&i, UVERBS_ATTR_CREATE_CQ_USER_HANDLE, req->user_handle);
	add_word(&i, UVERBS_ATTR_CREATE_CQ_COMP_VECTOR, req->comp_vector);
	add_word(&i, UVERBS_ATTR_CREATE_CQ_FLAGS, req->flags);
	add_bytes(&i, UVERBS_ATTR_CREATE_CQ_RESP_CQE, &resp->cqe, sizeof(resp->cqe));
	if (req->comp_channel >= 0)
		add_handle(&i, UVERBS_ATTR_CREATE_CQ_COMP_CHANNEL, (uint32_t)req->comp_channel);
	ret = emu_method_run(&i.call, UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE);
	if (!ret)
		resp->cq_handle = new_handle(&i, UVERBS_ATTR_CREATE_CQ_HANDLE);
	return ret;
}

static int create_cq(struct emu_call *call)
{
	struct ib_uverbs_create_cq_resp resp = {0};
	struct ib_uverbs_create_cq req;
	struct ib_uverbs_ex_create_cq all;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	all = (struct ib_uverbs_ex_create_cq){
		.user_handle = req.user_handle,
		.cqe = req.cqe,
		.comp_vector = req.comp_vector,
		.comp_channel = req.comp_channel,
	};
	ret = make_cq(call, &all, &resp);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

static int create_cq_ex(struct emu_call *call)
{
	struct ib_uverbs_ex_create_cq_resp resp = {.response_length =
							   response_length(call, sizeof(resp))};
	struct ib_uverbs_ex_create_cq req;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if (req.comp_mask || req.reserved)
		return -EINVAL;
	ret = make_cq(call, &req, &resp.base);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

static int destroy_cq(struct emu_call *call)
{
	struct ib_uverbs_destroy_cq_resp resp = {0};
	struct ib_uverbs_destroy_cq req;
	struct inner i;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_DESTROY_CQ_HANDLE, req.cq_handle);
	add_bytes(&i, UVERBS_ATTR_DESTROY_CQ_RESP, &resp, sizeof(resp));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_DESTROY);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

/* This card does not moderate: cq_moderation_caps says so. */
static int modify_cq(struct emu_call *call)
{
	struct ib_uverbs_ex_modify_cq req;

	emu_write_in(call, &req, sizeof(req));
	if (!req.attr_mask || req.reserved)
		return -EINVAL;
	if (req.attr_mask > 1) /* IB_CQ_MODERATE */
		return -EOPNOTSUPP;
	return exists(call, EMU_TYPE_CQ, req.cq_handle) ? -EOPNOTSUPP : -EINVAL;
}

/* ---- receive queues ------------------------------------------------------------------------- */

static void put_wq(struct inner *i, const struct ib_uverbs_ex_create_wq *req,
		   struct ib_uverbs_ex_create_wq_resp *resp)
{
	add_handle(i, UVERBS_ATTR_CREATE_WQ_HANDLE, 0);
	add_handle(i, UVERBS_ATTR_CREATE_WQ_PD_HANDLE, req->pd_handle);
	add_handle(i, UVERBS_ATTR_CREATE_WQ_CQ_HANDLE, req->cq_handle);
	add_value(i, UVERBS_ATTR_CREATE_WQ_USER_HANDLE, req->user_handle);
	add_value(i, UVERBS_ATTR_CREATE_WQ_TYPE, req->wq_type);
	add_word(i, UVERBS_ATTR_CREATE_WQ_MAX_WR, req->max_wr);
	add_word(i, UVERBS_ATTR_CREATE_WQ_MAX_SGE, req->max_sge);
	add_word(i, UVERBS_ATTR_CREATE_WQ_FLAGS, req->create_flags);
	add_bytes(i, UVERBS_ATTR_CREATE_WQ_RESP_MAX_WR, &resp->max_wr, sizeof(resp->max_wr));
	add_bytes(i, UVERBS_ATTR_CREATE_WQ_RESP_MAX_SGE, &resp->max_sge, sizeof(resp->max_sge));
	add_bytes(i, UVERBS_ATTR_CREATE_WQ_RESP_WQ_NUM, &resp->wqn, sizeof(resp->wqn));
}

static int create_wq(struct emu_call *call)
{
	struct ib_uverbs_ex_create_wq_resp resp = {.response_length =
							   response_length(call, sizeof(resp))};
	struct ib_uverbs_ex_create_wq req;
	struct inner i;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if (req.comp_mask)
		return -EOPNOTSUPP;
	if (!exists(call, EMU_TYPE_PD, req.pd_handle) || !exists(call, EMU_TYPE_CQ, req.cq_handle))
		return -EINVAL;
	begin(&i, call);
	put_wq(&i, &req, &resp);
	ret = emu_method_run(&i.call, UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_CREATE);
	if (ret)
		return ret;
	resp.wq_handle = new_handle(&i, UVERBS_ATTR_CREATE_WQ_HANDLE);
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static int destroy_wq(struct emu_call *call)
{
	struct ib_uverbs_ex_destroy_wq_resp resp = {.response_length =
							    response_length(call, sizeof(resp))};
	struct ib_uverbs_ex_destroy_wq req;
	struct inner i;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if (req.comp_mask)
		return -EOPNOTSUPP;
	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_DESTROY_WQ_HANDLE, req.wq_handle);
	add_bytes(&i, UVERBS_ATTR_DESTROY_WQ_RESP, &resp.events_reported,
		  sizeof(resp.events_reported));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_DESTROY);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

/* ---- queue pairs ---------------------------------------------------------------------------- */

/* Types that the kernel knows: another is wrong, not missing. */
static bool is_type(uint8_t type)
{
	switch (type) {
	case IB_UVERBS_QPT_RC:
	case IB_UVERBS_QPT_UC:
	case IB_UVERBS_QPT_UD:
	case IB_UVERBS_QPT_RAW_PACKET:
	case IB_UVERBS_QPT_XRC_INI:
	case IB_UVERBS_QPT_XRC_TGT:
	case IB_UVERBS_QPT_DRIVER:
		return true;
	default:
		return false;
	}
}

/* create_qp(): what is named must be there, an indirection table or both completion queues. */
static int check_qp(const struct emu_call *call, const struct ib_uverbs_ex_create_qp *req)
{
	bool table = req->comp_mask & IB_UVERBS_CREATE_QP_MASK_IND_TABLE;

	if (!is_type(req->qp_type) || (req->create_flags & IB_UVERBS_QP_CREATE_SQ_SIG_ALL))
		return -EINVAL;
	if (table && (req->max_recv_wr || req->max_recv_sge || req->is_srq))
		return -EINVAL;
	if (table && !exists(call, EMU_TYPE_IND_TABLE, req->rwq_ind_tbl_handle))
		return -EINVAL;
	if (req->is_srq || !exists(call, EMU_TYPE_PD, req->pd_handle)) /* no such queue exists */
		return -EINVAL;
	if (!table && !exists(call, EMU_TYPE_CQ, req->recv_cq_handle))
		return -EINVAL;
	return (table && !req->max_send_wr) || exists(call, EMU_TYPE_CQ, req->send_cq_handle)
		       ? 0
		       : -EINVAL;
}

static void put_qp_parts(struct inner *i, const struct ib_uverbs_ex_create_qp *req)
{
	add_handle(i, UVERBS_ATTR_CREATE_QP_PD_HANDLE, req->pd_handle);
	if (req->comp_mask & IB_UVERBS_CREATE_QP_MASK_IND_TABLE) {
		add_handle(i, UVERBS_ATTR_CREATE_QP_IND_TABLE_HANDLE, req->rwq_ind_tbl_handle);
		return;
	}
	add_handle(i, UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE, req->send_cq_handle);
	add_handle(i, UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE, req->recv_cq_handle);
}

static int make_qp(struct emu_call *call, const struct ib_uverbs_ex_create_qp *req,
		   struct ib_uverbs_create_qp_resp *resp)
{
	struct ib_uverbs_qp_cap cap = {req->max_send_wr, req->max_recv_wr, req->max_send_sge,
				       req->max_recv_sge, req->max_inline_data};
	uint32_t all = req->sq_sig_all ? (uint32_t)IB_UVERBS_QP_CREATE_SQ_SIG_ALL : 0;
	struct inner i;
	int ret = check_qp(call, req);

	if (ret)
		return ret;
	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_CREATE_QP_HANDLE, 0);
	put_qp_parts(&i, req);
	add_value(&i, UVERBS_ATTR_CREATE_QP_USER_HANDLE, req->user_handle);
	add_bytes(&i, UVERBS_ATTR_CREATE_QP_CAP, &cap, sizeof(cap));
	add_value(&i, UVERBS_ATTR_CREATE_QP_TYPE, req->qp_type);
	add_word(&i, UVERBS_ATTR_CREATE_QP_FLAGS, req->create_flags | all);
	add_bytes(&i, UVERBS_ATTR_CREATE_QP_RESP_CAP, &cap, sizeof(cap));
	add_bytes(&i, UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, &resp->qpn, sizeof(resp->qpn));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE);
	if (ret)
		return ret;
	resp->qp_handle = new_handle(&i, UVERBS_ATTR_CREATE_QP_HANDLE);
	resp->max_send_wr = cap.max_send_wr;
	resp->max_recv_wr = cap.max_recv_wr;
	resp->max_send_sge = cap.max_send_sge;
	resp->max_recv_sge = cap.max_recv_sge;
	resp->max_inline_data = cap.max_inline_data;
	return 0;
}

static int create_qp(struct emu_call *call)
{
	const size_t same = EMU_END(struct ib_uverbs_create_qp, is_srq) -
			    offsetof(struct ib_uverbs_create_qp, user_handle);
	struct ib_uverbs_create_qp_resp resp = {0};
	struct ib_uverbs_ex_create_qp all = {0};
	struct ib_uverbs_create_qp req;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	memcpy(&all, &req.user_handle, same); /* the extended one begins with these */
	ret = make_qp(call, &all, &resp);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

static int create_qp_ex(struct emu_call *call)
{
	struct ib_uverbs_ex_create_qp_resp resp = {.response_length =
							   response_length(call, sizeof(resp))};
	struct ib_uverbs_ex_create_qp req;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if ((req.comp_mask & ~(uint32_t)IB_UVERBS_CREATE_QP_MASK_IND_TABLE) || req.reserved)
		return -EINVAL;
	ret = make_qp(call, &req, &resp.base);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

static int destroy_qp(struct emu_call *call)
{
	struct ib_uverbs_destroy_qp_resp resp = {0};
	struct ib_uverbs_destroy_qp req;
	struct inner i;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	begin(&i, call);
	add_handle(&i, UVERBS_ATTR_DESTROY_QP_HANDLE, req.qp_handle);
	add_bytes(&i, UVERBS_ATTR_DESTROY_QP_RESP, &resp, sizeof(resp));
	ret = emu_method_run(&i.call, UVERBS_OBJECT_QP, UVERBS_METHOD_QP_DESTROY);
	if (!ret)
		emu_write_out(call, &resp, sizeof(resp));
	return ret;
}

/* ---- table ---------------------------------------------------------------------------------- */

static const struct emu_write writes[] = {
	EMU_CMD_UHW(IB_USER_VERBS_CMD_GET_CONTEXT, struct ib_uverbs_get_context,
		    sizeof(struct ib_uverbs_get_context_resp), get_context),
	EMU_CMD(IB_USER_VERBS_CMD_QUERY_PORT, struct ib_uverbs_query_port,
		sizeof(struct ib_uverbs_query_port_resp), query_port),
	EMU_CMD_UHW(IB_USER_VERBS_CMD_CREATE_CQ, struct ib_uverbs_create_cq,
		    sizeof(struct ib_uverbs_create_cq_resp), create_cq),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_CREATE_CQ, struct ib_uverbs_ex_create_cq, reserved,
		   EMU_END(struct ib_uverbs_ex_create_cq_resp, response_length), create_cq_ex),
	EMU_CMD(IB_USER_VERBS_CMD_DESTROY_CQ, struct ib_uverbs_destroy_cq,
		sizeof(struct ib_uverbs_destroy_cq_resp), destroy_cq),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_MODIFY_CQ, struct ib_uverbs_ex_modify_cq, reserved, 0,
		   modify_cq),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_CREATE_WQ, struct ib_uverbs_ex_create_wq, max_sge,
		   EMU_END(struct ib_uverbs_ex_create_wq_resp, wqn), create_wq),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_DESTROY_WQ, struct ib_uverbs_ex_destroy_wq, wq_handle,
		   EMU_END(struct ib_uverbs_ex_destroy_wq_resp, reserved), destroy_wq),
	EMU_CMD_UHW(IB_USER_VERBS_CMD_CREATE_QP, struct ib_uverbs_create_qp,
		    sizeof(struct ib_uverbs_create_qp_resp), create_qp),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_CREATE_QP, struct ib_uverbs_ex_create_qp, comp_mask,
		   EMU_END(struct ib_uverbs_ex_create_qp_resp, response_length), create_qp_ex),
	EMU_CMD(IB_USER_VERBS_CMD_DESTROY_QP, struct ib_uverbs_destroy_qp,
		sizeof(struct ib_uverbs_destroy_qp_resp), destroy_qp),
};

const struct emu_table emu_legacy_table = {NULL, 0, writes, EMU_COUNT(writes)};
