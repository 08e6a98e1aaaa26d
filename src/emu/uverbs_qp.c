/* SPDX-License-Identifier: Apache-2.0 */
/* Raw packet queue pairs: creation and end. Other types do not exist on this card. */
#include "uverbs_qp.h"
#include "caps.h"
#include "fault.h"
#include "uverbs_cq.h"
#include "uverbs_event.h"
#include "uverbs_rate.h"
#include "uverbs_uar.h"
#include "uverbs_wq.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>

#define INVALID_BFREG (1u << 31) /* MLX5_IB_INVALID_BFREG: the page was the program's choice */

/* ---- the common end ------------------------------------------------------------------------- */

static void attach(struct emu_qp_object *o)
{
	struct emu_dev *dev = o->qp.dev;

	emu_engine_pause();
	if (o->qp.sq) {
		emu_sq_reset(&o->sq);
		LIST_INSERT_HEAD(&dev->sqs, &o->sq, link);
		LIST_INSERT_HEAD(&o->sq.uar->sqs, &o->sq, uar_link);
	}
	if (o->qp.rq) {
		emu_rq_reset(&o->rq);
		LIST_INSERT_HEAD(&dev->rqs, &o->rq, link);
	}
	if (o->qp.tir)
		LIST_INSERT_HEAD(&dev->tirs, &o->tir, link);
	emu_engine_resume();
	o->attached = true;
}

static void detach(struct emu_qp_object *o)
{
	if (!o->attached)
		return;
	emu_engine_pause();
	if (o->qp.sq) {
		LIST_REMOVE(&o->sq, link);
		LIST_REMOVE(&o->sq, uar_link);
	}
	if (o->qp.rq)
		LIST_REMOVE(&o->rq, link);
	if (o->qp.tir)
		LIST_REMOVE(&o->tir, link);
	emu_engine_resume();
	o->attached = false;
}

static void use_parts(struct emu_qp *qp)
{
	emu_object_get(qp->pd);
	emu_object_get(qp->send_cq);
	emu_object_get(qp->recv_cq);
	emu_object_get(qp->ind_table);
	if (qp->sq)
		emu_uar_get(qp->sq->uar);
}

static void qp_free(struct emu_qp_object *o)
{
	emu_unpin(&o->pins.sq);
	emu_unpin(&o->pins.rq);
	emu_unpin(&o->pins.db);
	if (o->qp.rss)
		free(o->tir.rqs);
	free(o);
}

static void qp_destroy(struct emu_object *obj)
{
	struct emu_qp_object *o = obj->impl;

	detach(o);
	emu_rate_put(o->qp.dev, o->qp.rate_index);
	emu_object_put(o->qp.pd);
	emu_object_put(o->qp.send_cq);
	emu_object_put(o->qp.recv_cq);
	emu_object_put(o->qp.ind_table);
	if (o->qp.sq)
		emu_uar_put(o->qp.sq->uar);
	qp_free(o);
}

int emu_qp_finish(struct emu_call *call, struct emu_qp_object *o, struct emu_object **obj)
{
	*obj = emu_object_new(call->ctx, EMU_TYPE_QP, o, qp_destroy);
	if (!*obj) {
		qp_free(o);
		return -ENOMEM;
	}
	o->qp.obj = *obj;
	use_parts(&o->qp);
	attach(o);
	return 0;
}

/* ---- raw packet ----------------------------------------------------------------------------- */

/* As mlx5_ib checks what libmlx5 has laid out. */
static int check_provider(const struct emu_call *call, const struct mlx5_ib_create_qp *req)
{
	const uint32_t known = MLX5_QP_FLAG_SCATTER_CQE | MLX5_QP_FLAG_BFREG_INDEX |
			       MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC |
			       MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC | MLX5_QP_FLAG_ALLOW_SCATTER_CQE |
			       MLX5_QP_FLAG_UAR_PAGE_INDEX | MLX5_QP_FLAG_TUNNEL_OFFLOADS;

	if (call->uhw_in_len < offsetof(struct mlx5_ib_create_qp, ece_options))
		return -EINVAL;
	if (req->flags & ~known) /* signatures: not on this card */
		return -EOPNOTSUPP;
	if (req->sq_wqe_count &&
	    ((req->sq_wqe_count & (req->sq_wqe_count - 1)) || req->sq_wqe_count > EMU_MAX_SQ_WQEBB))
		return -EINVAL;
	if (!req->sq_wqe_count && !req->rq_wqe_count)
		return -EINVAL;
	if (req->buf_addr % 64 || req->sq_buf_addr % 64 || req->db_addr % 8 || req->uidx > 0xffffff)
		return -EINVAL;
	return 0;
}

static int check_attrs(const struct emu_call *call)
{
	const uint64_t known =
		IB_UVERBS_QP_CREATE_BLOCK_MULTICAST_LOOPBACK | IB_UVERBS_QP_CREATE_SCATTER_FCS |
		IB_UVERBS_QP_CREATE_CVLAN_STRIPPING | IB_UVERBS_QP_CREATE_PCI_WRITE_END_PADDING |
		IB_UVERBS_QP_CREATE_SQ_SIG_ALL;
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_QP_FLAGS);

	if (flags & ~known)
		return -EINVAL;
	if (flags & IB_UVERBS_QP_CREATE_SCATTER_FCS)
		return -EOPNOTSUPP;
	if (emu_attr_value(call, UVERBS_ATTR_CREATE_QP_TYPE) != IB_UVERBS_QPT_RAW_PACKET)
		return -EOPNOTSUPP;
	/* no such object can have been made */
	if (emu_attr(call, UVERBS_ATTR_CREATE_QP_SRQ_HANDLE) ||
	    emu_attr(call, UVERBS_ATTR_CREATE_QP_XRCD_HANDLE))
		return -ENOENT;
	return 0;
}

static int check_caps(const struct ib_uverbs_qp_cap *cap)
{
	if (cap->max_send_wr > EMU_MAX_SQ_WQEBB || cap->max_recv_wr > EMU_MAX_RQ_WQE)
		return -EINVAL;
	return cap->max_inline_data > EMU_MAX_SQ_DESC ? -EINVAL : 0;
}

static int find_parts(struct emu_call *call, const struct mlx5_ib_create_qp *req,
		      struct emu_qp_object *o)
{
	int ret = emu_attr_object(call, UVERBS_ATTR_CREATE_QP_PD_HANDLE, EMU_TYPE_PD, &o->qp.pd);

	if (!ret)
		ret = emu_attr_object(call, UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE, EMU_TYPE_CQ,
				      &o->qp.send_cq);
	if (!ret)
		ret = emu_attr_object(call, UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE, EMU_TYPE_CQ,
				      &o->qp.recv_cq);
	if (!ret && req->sq_wqe_count)
		ret = emu_cq_check_clock(o->qp.send_cq);
	if (!ret && req->rq_wqe_count)
		ret = emu_cq_check_clock(o->qp.recv_cq);
	if (ret || !req->sq_wqe_count)
		return ret;
	/* doorbell pages are objects here: the old numbering within the context is not offered */
	if (!(req->flags & MLX5_QP_FLAG_UAR_PAGE_INDEX))
		return -EINVAL;
	o->sq.uar = emu_uar_find(call->ctx, req->bfreg_index);
	return o->sq.uar ? 0 : -EINVAL;
}

static int pin_buffers(struct emu_qp_pins *pins, const struct mlx5_ib_create_qp *req)
{
	uint64_t rq_size = (uint64_t)req->rq_wqe_count << req->rq_wqe_shift;
	int ret = emu_pin(&pins->db, req->db_addr, 8, true);

	if (!ret && req->sq_wqe_count)
		ret = emu_pin(&pins->sq, req->sq_buf_addr, req->sq_wqe_count * 64ULL, true);
	if (!ret && req->rq_wqe_count)
		ret = emu_pin(&pins->rq, req->buf_addr, rq_size, true);
	if (ret) {
		emu_unpin(&pins->db);
		emu_unpin(&pins->sq);
	}
	return ret;
}

static void fill_sq(struct emu_call *call, const struct mlx5_ib_create_qp *req,
		    struct emu_qp_object *o)
{
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_QP_FLAGS);
	struct emu_sq *sq = &o->sq;

	sq->dev = o->qp.dev;
	sq->ctx = call->ctx;
	sq->qpn = o->qp.qpn;
	o->qp.tisn = emu_number(sq->dev);
	sq->user_index = req->uidx;
	sq->pdn = emu_pdn(o->qp.pd);
	sq->buf = (uint8_t *)(uintptr_t)req->sq_buf_addr;
	sq->n_wqebb = req->sq_wqe_count;
	sq->dbrec = (__be32 *)(uintptr_t)req->db_addr + 1; /* MLX5_SND_DBR */
	sq->cq = emu_cq_of(o->qp.send_cq);
	sq->block_loopback_mc = flags & IB_UVERBS_QP_CREATE_BLOCK_MULTICAST_LOOPBACK;
	sq->sig_all = flags & IB_UVERBS_QP_CREATE_SQ_SIG_ALL;
	sq->qp_handle = emu_attr_value(call, UVERBS_ATTR_CREATE_QP_USER_HANDLE);
	o->qp.sq = sq;
}

static int shape_rq(const struct mlx5_ib_create_qp *req, struct emu_rq *rq)
{
	const struct emu_rq_shape shape = {
		.type = EMU_WQ_CYCLIC,
		.n_wqe = req->rq_wqe_count,
		.log_wqe = req->rq_wqe_shift,
	};

	return req->rq_wqe_count ? emu_rq_set_shape(rq, &shape) : 0;
}

static void fill_rq(struct emu_call *call, const struct mlx5_ib_create_qp *req,
		    struct emu_qp_object *o)
{
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_QP_FLAGS);
	struct emu_rq *rq = &o->rq;
	struct emu_tir *tir = &o->tir;

	rq->dev = tir->dev = o->qp.dev;
	rq->ctx = tir->ctx = call->ctx;
	rq->rqn = tir->qpn = o->qp.qpn;
	rq->user_index = req->uidx;
	rq->pdn = emu_pdn(o->qp.pd);
	rq->buf = (uint8_t *)(uintptr_t)req->buf_addr;
	rq->dbrec = (__be32 *)(uintptr_t)req->db_addr; /* MLX5_RCV_DBR */
	rq->cq = emu_cq_of(o->qp.recv_cq);
	rq->vlan_strip = flags & IB_UVERBS_QP_CREATE_CVLAN_STRIPPING;
	rq->end_padding = flags & IB_UVERBS_QP_CREATE_PCI_WRITE_END_PADDING;
	rq->wq_handle = emu_attr_value(call, UVERBS_ATTR_CREATE_QP_USER_HANDLE);
	rq->of_qp = true;
	o->qp.rq = rq;
	o->qp.single[0] = rq;
	tir->rqs = o->qp.single;
	tir->n_rqs = 1;
	tir->tunnel = req->flags & MLX5_QP_FLAG_TUNNEL_OFFLOADS;
	tir->self_loopback_uc = req->flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC;
	tir->self_loopback_mc = req->flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC;
	o->qp.tir = tir;
}

static void fill_qp(struct emu_call *call, const struct mlx5_ib_create_qp *req,
		    const struct ib_uverbs_qp_cap *cap, struct emu_qp_object *o)
{
	o->qp.dev = call->ctx->dev;
	o->qp.qpn = emu_number(o->qp.dev);
	o->qp.state = EMU_QPS_RESET;
	o->qp.max_send_wr = cap->max_send_wr;
	o->qp.max_recv_wr = cap->max_recv_wr;
	o->qp.max_send_sge = cap->max_send_sge;
	o->qp.max_recv_sge = cap->max_recv_sge;
	o->qp.max_inline = cap->max_inline_data;
	if (req->sq_wqe_count)
		fill_sq(call, req, o);
	if (req->rq_wqe_count)
		fill_rq(call, req, o);
}

static int raw_new(struct emu_call *call, const struct mlx5_ib_create_qp *req,
		   struct emu_object **obj)
{
	struct emu_qp_object *o = calloc(1, sizeof(*o));
	struct ib_uverbs_qp_cap cap;
	int ret = -ENOMEM;

	if (!o)
		return ret;
	emu_attr_copy(call, UVERBS_ATTR_CREATE_QP_CAP, &cap, sizeof(cap));
	ret = check_caps(&cap);
	if (!ret)
		ret = shape_rq(req, &o->rq);
	if (!ret)
		ret = find_parts(call, req, o);
	if (!ret)
		ret = pin_buffers(&o->pins, req);
	if (ret) {
		free(o);
		return ret;
	}
	fill_qp(call, req, &cap, o);
	return emu_qp_finish(call, o, obj);
}

static int raw_create(struct emu_call *call, struct emu_object **obj)
{
	struct mlx5_ib_create_qp_resp provider = {.bfreg_index = INVALID_BFREG};
	struct mlx5_ib_create_qp req;
	int ret = emu_uhw_in(call, &req, sizeof(req));
	struct emu_qp *qp;

	if (!ret)
		ret = check_provider(call, &req);
	if (!ret)
		ret = raw_new(call, &req, obj);
	if (ret)
		return ret;
	qp = (*obj)->impl;
	if (call->ctx->devx && qp->sq) {
		provider.comp_mask |=
			MLX5_IB_CREATE_QP_RESP_MASK_SQN | MLX5_IB_CREATE_QP_RESP_MASK_TISN;
		provider.sqn = qp->sq->qpn;
		provider.tisn = qp->tisn;
	}
	if (call->ctx->devx && qp->rq) {
		provider.comp_mask |=
			MLX5_IB_CREATE_QP_RESP_MASK_RQN | MLX5_IB_CREATE_QP_RESP_MASK_TIRN;
		provider.rqn = qp->rq->rqn;
		provider.tirn = qp->tir->qpn;
	}
	emu_uhw_out(call, &provider, sizeof(provider));
	return 0;
}

/* ---- ioctls --------------------------------------------------------------------------------- */

static int create_qp(struct emu_call *call)
{
	struct emu_object *obj;
	struct ib_uverbs_qp_cap cap;
	struct emu_qp *qp;
	int ret = check_attrs(call);

	if (!ret)
		ret = emu_fault_net_raw();
	if (ret)
		return ret;
	if (emu_attr(call, UVERBS_ATTR_CREATE_QP_IND_TABLE_HANDLE))
		ret = emu_rss_create(call, &obj);
	else
		ret = raw_create(call, &obj);
	if (ret)
		return ret;
	qp = obj->impl;
	emu_attr_copy(call, UVERBS_ATTR_CREATE_QP_CAP, &cap, sizeof(cap));
	emu_attr_put(call, UVERBS_ATTR_CREATE_QP_RESP_CAP, &cap, sizeof(cap));
	emu_attr_put(call, UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, &qp->qpn, sizeof(qp->qpn));
	emu_attr_put_new(call, UVERBS_ATTR_CREATE_QP_HANDLE, obj->handle);
	return 0;
}

static int destroy_qp(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	struct emu_qp_object *o;
	uint64_t handle;
	uint32_t events = 0;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_QP_HANDLE, EMU_TYPE_QP, &obj);

	if (ret)
		return ret;
	if (obj->users)
		return -EBUSY;
	o = obj->impl;
	detach(o);
	if (o->qp.sq || o->qp.rq) {
		handle = o->qp.sq ? o->sq.qp_handle : o->rq.wq_handle;
		events = o->sq.async_events_reported + o->rq.async_events_reported -
			 emu_async_take_back(call->ctx, handle);
	}
	emu_attr_put(call, UVERBS_ATTR_DESTROY_QP_RESP, &events, sizeof(events));
	return emu_object_destroy(obj);
}

#define ATTR_CREATE_QP_EVENT_FD 12

static const struct emu_attr_spec create_specs[] = {
	{UVERBS_ATTR_CREATE_QP_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{UVERBS_ATTR_CREATE_QP_XRCD_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_PD_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_SRQ_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_IND_TABLE_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_USER_HANDLE, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_CREATE_QP_CAP, EMU_ATTR_IN, EMU_MUST, sizeof(struct ib_uverbs_qp_cap), 0},
	{UVERBS_ATTR_CREATE_QP_TYPE, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_CREATE_QP_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
	{UVERBS_ATTR_CREATE_QP_SOURCE_QPN, EMU_ATTR_IN, EMU_MAY, 4, 4},
	{ATTR_CREATE_QP_EVENT_FD, EMU_ATTR_FD, EMU_MAY, 0, 0},
	{UVERBS_ATTR_CREATE_QP_RESP_CAP, EMU_ATTR_OUT, EMU_MUST, sizeof(struct ib_uverbs_qp_cap),
	 UINT16_MAX},
	{UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, EMU_ATTR_OUT, EMU_MUST, 4, 4},
};

static const struct emu_attr_spec destroy_specs[] = {
	{UVERBS_ATTR_DESTROY_QP_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	{UVERBS_ATTR_DESTROY_QP_RESP, EMU_ATTR_OUT, EMU_MUST, 4, 4},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE, true, create_qp, EMU_SPECS(create_specs)},
	{UVERBS_OBJECT_QP, UVERBS_METHOD_QP_DESTROY, false, destroy_qp, EMU_SPECS(destroy_specs)},
};

static const struct emu_write writes[] = {
	EMU_CMD(IB_USER_VERBS_CMD_MODIFY_QP, struct ib_uverbs_modify_qp, 0, emu_qp_modify),
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_MODIFY_QP, struct ib_uverbs_ex_modify_qp, base,
		   EMU_END(struct ib_uverbs_ex_modify_qp_resp, response_length), emu_qp_modify_ex),
	EMU_CMD(IB_USER_VERBS_CMD_QUERY_QP, struct ib_uverbs_query_qp,
		sizeof(struct ib_uverbs_query_qp_resp), emu_qp_query),
};

const struct emu_table emu_qp_table = {methods, EMU_COUNT(methods), writes, EMU_COUNT(writes)};
