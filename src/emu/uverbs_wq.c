/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_wq.h"
#include "caps.h"
#include "uverbs_cq.h"
#include "uverbs_event.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>

struct wq_object {
	struct emu_rq rq;
	struct emu_object *pd, *cq;
	struct emu_pin buf_pin, db_pin;
	bool attached;
};

struct emu_rq *emu_wq_rq(struct emu_object *wq)
{
	return &((struct wq_object *)wq->impl)->rq;
}

/* ---- create --------------------------------------------------------------------------------- */

uint32_t emu_min_log_strides(void)
{
	return emu_settings.stride_min;
}

static struct emu_rq_shape shape_of(const struct mlx5_ib_create_wq *req)
{
	bool striding = req->comp_mask & MLX5_IB_CREATE_WQ_STRIDING_RQ;

	return (struct emu_rq_shape){
		.type = striding ? EMU_WQ_CYCLIC_STRIDING : EMU_WQ_CYCLIC,
		.n_wqe = req->rq_wqe_count,
		.log_wqe = req->rq_wqe_shift,
		.log_stride = req->single_stride_log_num_of_bytes,
		.log_strides = req->single_wqe_log_num_of_strides,
		.two_byte_shift = striding && req->two_byte_shift_en,
	};
}

/* As mlx5_ib's prepare_user_rq, for a card without signatures. */
static int check_provider(const struct emu_call *call, const struct mlx5_ib_create_wq *req)
{
	if (call->uhw_in_len < offsetof(struct mlx5_ib_create_wq, single_stride_log_num_of_bytes))
		return -EINVAL;
	if ((req->comp_mask & ~(uint32_t)MLX5_IB_CREATE_WQ_STRIDING_RQ) || req->flags)
		return -EOPNOTSUPP;
	if ((req->comp_mask & MLX5_IB_CREATE_WQ_STRIDING_RQ) &&
	    req->single_wqe_log_num_of_strides < emu_min_log_strides())
		return -EINVAL;
	if (req->buf_addr % 64 || req->db_addr % 8 || req->user_index > 0xffffff)
		return -EINVAL;
	return 0;
}

static int check_attrs(const struct emu_call *call)
{
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_FLAGS);

	if (emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_TYPE)) /* IB_WQT_RQ = 0 is the only one */
		return -EINVAL;
	/* no scatter-FCS and no delayed drops on this card: raw_packet_caps says so */
	if (flags & ~(uint64_t)(IB_UVERBS_WQ_FLAGS_CVLAN_STRIPPING |
				IB_UVERBS_WQ_FLAGS_PCI_WRITE_END_PADDING))
		return -EOPNOTSUPP;
	return 0;
}

static void wq_detach(struct wq_object *o)
{
	if (!o->attached)
		return;
	emu_engine_pause();
	LIST_REMOVE(&o->rq, link);
	emu_engine_resume();
	o->attached = false;
}

static void wq_destroy(struct emu_object *obj)
{
	struct wq_object *o = obj->impl;

	wq_detach(o);
	emu_object_put(o->pd);
	emu_object_put(o->cq);
	emu_unpin(&o->buf_pin);
	emu_unpin(&o->db_pin);
	free(o);
}

static int wq_parts(struct emu_call *call, const struct mlx5_ib_create_wq *req, struct wq_object *o)
{
	uint64_t size = (uint64_t)req->rq_wqe_count << req->rq_wqe_shift;
	struct emu_rq_shape shape = shape_of(req);
	int ret = emu_rq_set_shape(&o->rq, &shape);

	if (!ret)
		ret = emu_attr_object(call, UVERBS_ATTR_CREATE_WQ_PD_HANDLE, EMU_TYPE_PD, &o->pd);
	if (!ret)
		ret = emu_attr_object(call, UVERBS_ATTR_CREATE_WQ_CQ_HANDLE, EMU_TYPE_CQ, &o->cq);
	if (!ret)
		ret = emu_cq_check_clock(o->cq);
	if (!ret)
		ret = emu_pin(&o->buf_pin, req->buf_addr, size, true);
	if (ret)
		return ret;
	ret = emu_pin(&o->db_pin, req->db_addr, 8, true);
	if (ret)
		emu_unpin(&o->buf_pin);
	return ret;
}

static void wq_fill(struct emu_call *call, const struct mlx5_ib_create_wq *req, struct wq_object *o)
{
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_FLAGS);
	struct emu_rq *rq = &o->rq;

	rq->dev = call->ctx->dev;
	rq->ctx = call->ctx;
	rq->rqn = emu_number(rq->dev);
	rq->user_index = req->user_index;
	rq->pdn = emu_pdn(o->pd);
	rq->buf = (uint8_t *)(uintptr_t)req->buf_addr;
	rq->dbrec = (__be32 *)(uintptr_t)req->db_addr; /* MLX5_RCV_DBR */
	rq->cq = emu_cq_of(o->cq);
	rq->vlan_strip = flags & IB_UVERBS_WQ_FLAGS_CVLAN_STRIPPING;
	rq->end_padding = flags & IB_UVERBS_WQ_FLAGS_PCI_WRITE_END_PADDING;
	rq->wq_handle = emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_USER_HANDLE);
}

static int wq_new(struct emu_call *call, const struct mlx5_ib_create_wq *req,
		  struct emu_object **obj)
{
	struct wq_object *o = calloc(1, sizeof(*o));
	int ret = -ENOMEM;

	if (!o)
		return ret;
	ret = wq_parts(call, req, o);
	if (ret)
		goto err_free;
	wq_fill(call, req, o);
	ret = -ENOMEM;
	*obj = emu_object_new(call->ctx, EMU_TYPE_WQ, o, wq_destroy);
	if (!*obj)
		goto err_unpin;
	emu_object_get(o->pd);
	emu_object_get(o->cq);
	emu_engine_pause();
	emu_rq_reset(&o->rq);
	LIST_INSERT_HEAD(&o->rq.dev->rqs, &o->rq, link);
	emu_engine_resume();
	o->attached = true;
	return 0;

err_unpin:
	emu_unpin(&o->buf_pin);
	emu_unpin(&o->db_pin);
err_free:
	free(o);
	return ret;
}

static int create_wq(struct emu_call *call)
{
	struct mlx5_ib_create_wq_resp provider = { .response_length = sizeof(provider) };
	uint32_t max_wr = (uint32_t)emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_MAX_WR);
	uint32_t max_sge = (uint32_t)emu_attr_value(call, UVERBS_ATTR_CREATE_WQ_MAX_SGE);
	struct mlx5_ib_create_wq req;
	struct emu_object *obj;
	int ret = emu_uhw_in(call, &req, sizeof(req));

	if (!ret)
		ret = check_attrs(call);
	if (!ret)
		ret = check_provider(call, &req);
	if (!ret)
		ret = wq_new(call, &req, &obj);
	if (ret)
		return ret;
	emu_uhw_out(call, &provider, sizeof(provider));
	emu_attr_put_new(call, UVERBS_ATTR_CREATE_WQ_HANDLE, obj->handle);
	emu_attr_put(call, UVERBS_ATTR_CREATE_WQ_RESP_MAX_WR, &max_wr, sizeof(max_wr));
	emu_attr_put(call, UVERBS_ATTR_CREATE_WQ_RESP_MAX_SGE, &max_sge, sizeof(max_sge));
	emu_attr_put(call, UVERBS_ATTR_CREATE_WQ_RESP_WQ_NUM, &emu_wq_rq(obj)->rqn,
		     sizeof(uint32_t));
	return 0;
}

/* ---- modify, destroy ------------------------------------------------------------------------ */

enum { MODIFY_STATE = 1, MODIFY_CUR_STATE = 2, MODIFY_FLAGS = 4 }; /* enum ib_wq_attr_mask */

/* PRM "RQ state machine": reset from anywhere, ready from reset, error from ready. */
static bool transition_ok(enum emu_queue_state from, uint32_t to)
{
	if (to == EMU_QUEUE_RST || to == (uint32_t)from)
		return true;
	return (from == EMU_QUEUE_RST && to == EMU_QUEUE_RDY) ||
	       (from == EMU_QUEUE_RDY && to == EMU_QUEUE_ERR);
}

static void rq_to_state(struct emu_rq *rq, uint32_t state)
{
	emu_engine_pause();
	if (state == EMU_QUEUE_ERR && rq->state != EMU_QUEUE_ERR) {
		emu_rq_to_error(rq);
	} else if (state != rq->state) {
		rq->state = (enum emu_queue_state)state;
		emu_rq_reset(rq);
	}
	emu_engine_resume();
}

static int modify_wq(struct emu_call *call)
{
	struct ib_uverbs_ex_modify_wq req;
	struct emu_object *obj;
	struct emu_rq *rq;

	emu_write_in(call, &req, sizeof(req));
	if (!req.attr_mask ||
	    (req.attr_mask & ~(uint32_t)(MODIFY_STATE | MODIFY_CUR_STATE | MODIFY_FLAGS)))
		return -EINVAL;
	obj = emu_object_find(call->ctx, EMU_TYPE_WQ, req.wq_handle);
	if (!obj)
		return -EINVAL;
	rq = emu_wq_rq(obj);
	if ((req.attr_mask & MODIFY_CUR_STATE) && req.curr_wq_state != rq->state)
		return -EINVAL;
	if (req.attr_mask & MODIFY_FLAGS) {
		if (req.flags_mask & ~(uint32_t)IB_UVERBS_WQ_FLAGS_CVLAN_STRIPPING)
			return -EOPNOTSUPP;
	}
	if (req.attr_mask & MODIFY_STATE) {
		if (req.wq_state > EMU_QUEUE_ERR || !transition_ok(rq->state, req.wq_state))
			return -EINVAL;
		rq_to_state(rq, req.wq_state);
	}
	if ((req.attr_mask & MODIFY_FLAGS) && req.flags_mask) {
		emu_engine_pause();
		rq->vlan_strip = req.flags & IB_UVERBS_WQ_FLAGS_CVLAN_STRIPPING;
		emu_engine_resume();
	}
	return 0;
}

static int destroy_wq(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	struct wq_object *o;
	uint32_t events;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_WQ_HANDLE, EMU_TYPE_WQ, &obj);

	if (ret)
		return ret;
	if (obj->users)
		return -EBUSY;
	o = obj->impl;
	wq_detach(o);
	events = o->rq.async_events_reported - emu_async_take_back(call->ctx, o->rq.wq_handle);
	emu_attr_put(call, UVERBS_ATTR_DESTROY_WQ_RESP, &events, sizeof(events));
	return emu_object_destroy(obj);
}

/* ---- indirection tables --------------------------------------------------------------------- */

static void table_destroy(struct emu_object *obj)
{
	struct emu_ind_table *table = obj->impl;

	for (uint32_t i = 0; i < table->n; i++)
		emu_object_put(table->wqs[i]);
	free(table->wqs);
	free(table);
}

static struct emu_ind_table *table_new(uint32_t n)
{
	struct emu_ind_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->wqs = calloc(n, sizeof(struct emu_object *));
	table->n = n;
	if (table->wqs)
		return table;
	free(table);
	return NULL;
}

static int table_fill(struct emu_call *call, struct emu_ind_table *table)
{
	const struct ib_uverbs_ex_create_rwq_ind_table *req = call->in;

	for (uint32_t i = 0; i < table->n; i++) {
		table->wqs[i] = emu_object_find(call->ctx, EMU_TYPE_WQ, req->wq_handles[i]);
		if (!table->wqs[i])
			return -EINVAL;
	}
	table->number = emu_number(call->ctx->dev);
	return 0;
}

static int create_table(struct emu_call *call)
{
	struct ib_uverbs_ex_create_rwq_ind_table_resp resp = { .response_length = sizeof(resp) };
	struct ib_uverbs_ex_create_rwq_ind_table req;
	struct emu_ind_table *table;
	struct emu_object *obj = NULL;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if (req.comp_mask)
		return -EOPNOTSUPP;
	if (req.log_ind_tbl_size > EMU_LOG_IND_TABLE)
		return -EINVAL;
	if (call->in_len < sizeof(req) + (4ULL << req.log_ind_tbl_size))
		return -ENOSPC;
	table = table_new(1u << req.log_ind_tbl_size);
	if (!table)
		return -ENOMEM;
	ret = table_fill(call, table);
	if (!ret) {
		ret = -ENOMEM;
		obj = emu_object_new(call->ctx, EMU_TYPE_IND_TABLE, table, table_destroy);
	}
	if (!obj) {
		free(table->wqs);
		free(table);
		return ret;
	}
	for (uint32_t i = 0; i < table->n; i++)
		emu_object_get(table->wqs[i]);
	resp.ind_tbl_handle = obj->handle;
	resp.ind_tbl_num = table->number;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static int destroy_table(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_RWQ_IND_TBL_HANDLE, EMU_TYPE_IND_TABLE,
				  &obj);

	return ret ? ret : emu_object_destroy(obj);
}

static int destroy_table_write(struct emu_call *call)
{
	struct ib_uverbs_ex_destroy_rwq_ind_table req;
	struct emu_object *obj;

	emu_write_in(call, &req, sizeof(req));
	obj = emu_object_find(call->ctx, EMU_TYPE_IND_TABLE, req.ind_tbl_handle);
	return obj ? emu_object_destroy(obj) : -ENOENT;
}

/* ---- tables of handlers --------------------------------------------------------------------- */

#define ATTR_CREATE_WQ_EVENT_FD 5

static const struct emu_attr_spec create_specs[] = {
	{ UVERBS_ATTR_CREATE_WQ_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_CREATE_WQ_PD_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_CREATE_WQ_CQ_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_CREATE_WQ_USER_HANDLE, EMU_ATTR_IN, EMU_MUST, 8, 8 },
	{ UVERBS_ATTR_CREATE_WQ_TYPE, EMU_ATTR_IN, EMU_MUST, 8, 8 },
	{ ATTR_CREATE_WQ_EVENT_FD, EMU_ATTR_FD, EMU_MAY, 0, 0 },
	{ UVERBS_ATTR_CREATE_WQ_MAX_WR, EMU_ATTR_IN, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_WQ_MAX_SGE, EMU_ATTR_IN, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_WQ_FLAGS, EMU_ATTR_IN, EMU_MUST, 4, 8 },
	{ UVERBS_ATTR_CREATE_WQ_RESP_MAX_WR, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_WQ_RESP_MAX_SGE, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_WQ_RESP_WQ_NUM, EMU_ATTR_OUT, EMU_MAY, 4, 4 },
};

static const struct emu_attr_spec destroy_specs[] = {
	{ UVERBS_ATTR_DESTROY_WQ_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_DESTROY_WQ_RESP, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
};

static const struct emu_attr_spec table_specs[] = {
	{ UVERBS_ATTR_DESTROY_RWQ_IND_TBL_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
};

static const struct emu_method methods[] = {
	{ UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_CREATE, true, create_wq, EMU_SPECS(create_specs) },
	{ UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_DESTROY, false, destroy_wq, EMU_SPECS(destroy_specs) },
	{ UVERBS_OBJECT_RWQ_IND_TBL, UVERBS_METHOD_RWQ_IND_TBL_DESTROY, false, destroy_table,
	  EMU_SPECS(table_specs) },
};

static const struct emu_write writes[] = {
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_MODIFY_WQ, struct ib_uverbs_ex_modify_wq, curr_wq_state, 0,
		   modify_wq),
	{ IB_USER_VERBS_EX_CMD_CREATE_RWQ_IND_TBL, true, true,
	  EMU_END(struct ib_uverbs_ex_create_rwq_ind_table, log_ind_tbl_size),
	  EMU_END(struct ib_uverbs_ex_create_rwq_ind_table_resp, ind_tbl_num), 0, create_table },
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_DESTROY_RWQ_IND_TBL,
		   struct ib_uverbs_ex_destroy_rwq_ind_table, ind_tbl_handle, 0,
		   destroy_table_write),
};

const struct emu_table emu_wq_table = { methods, EMU_COUNT(methods), writes, EMU_COUNT(writes) };
