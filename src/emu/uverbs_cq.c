/* SPDX-License-Identifier: Apache-2.0 */
/* Completion channels and completion queues. */
#include "caps.h"
#include "fault.h"
#include "uverbs.h"
#include "uverbs_cq.h"
#include "uverbs_event.h"
#include "uverbs_mem.h"
#include "uverbs_uar.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>
#include <unistd.h>

struct cq_object {
	struct emu_cq cq; /* first: the object's impl is both */
	struct emu_object *channel;
	struct emu_pin buf_pin, db_pin;
	bool attached; /* on the device's list */
};

struct emu_cq *emu_cq_of(struct emu_object *obj)
{
	return &((struct cq_object *)obj->impl)->cq;
}

static void cq_detach(struct cq_object *o)
{
	if (!o->attached)
		return;
	emu_engine_pause();
	LIST_REMOVE(&o->cq, link);
	emu_engine_resume();
	o->attached = false;
}

static void cq_destroy(struct emu_object *obj)
{
	struct cq_object *o = obj->impl;

	cq_detach(o);
	emu_uar_put(o->cq.uar);
	emu_channel_put(o->channel);
	emu_unpin(&o->buf_pin);
	emu_unpin(&o->db_pin);
	free(o);
}

/* What the program asks for, checked as mlx5_ib's create_cq_user does. */
static int check_provider(const struct emu_call *call, const struct mlx5_ib_create_cq *req)
{
	if (call->uhw_in_len < offsetof(struct mlx5_ib_create_cq, flags))
		return -EINVAL;
	if (req->cqe_size != 64 && req->cqe_size != 128)
		return -EINVAL;
	if (req->reserved0 || req->reserved1 ||
	    (req->flags & ~(MLX5_IB_CREATE_CQ_FLAGS_CQE_128B_PAD |
			    MLX5_IB_CREATE_CQ_FLAGS_UAR_PAGE_INDEX | EMU_CQ_FLAGS_REAL_TIME_TS)))
		return -EINVAL;
	if ((req->flags & MLX5_IB_CREATE_CQ_FLAGS_CQE_128B_PAD) && req->cqe_size != 128)
		return -EOPNOTSUPP;
	if (!(req->flags & MLX5_IB_CREATE_CQ_FLAGS_UAR_PAGE_INDEX) || req->buf_addr % 64 ||
	    req->db_addr % 8)
		return -EINVAL;
	return 0;
}

/*
 * As create_cq_user has it: anything but 1 is off. A CQ that was made for timestamps is left as it
 * is: of a session only the first would have one.
 */
static int set_compression(const struct emu_call *call, const struct mlx5_ib_create_cq *req,
		    struct emu_cq *cq)
{
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_FLAGS);

	if (req->cqe_comp_en != 1)
		return 0;
	if (emu_fault(EMU_FAULT_NO_COMPRESSION))
		return -EOPNOTSUPP;
	if (flags & IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION)
		return 0;
	switch (req->cqe_comp_res_format) {
	case MLX5_IB_CQE_RES_FORMAT_HASH:
		return emu_cq_compress(cq, EMU_MINI_HASH);
	case MLX5_IB_CQE_RES_FORMAT_CSUM:
		return emu_cq_compress(cq, EMU_MINI_CSUM);
	case MLX5_IB_CQE_RES_FORMAT_CSUM_STRIDX:
		return emu_cq_compress(cq, EMU_MINI_CSUM_STRIDX);
	default:
		return -EINVAL;
	}
}

static int check_attrs(const struct emu_call *call, uint32_t *n_cqe)
{
	uint64_t cqe = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_CQE);
	uint64_t flags = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_FLAGS);
	uint64_t vector = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_COMP_VECTOR);

	if (flags & ~(uint64_t)(IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION |
				IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN))
		return -EINVAL;
	if (flags & IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN)
		return -EOPNOTSUPP;
	if (!cqe || cqe > EMU_MAX_CQE || vector >= (uint64_t)sysconf(_SC_NPROCESSORS_ONLN))
		return -EINVAL;
	for (*n_cqe = 1; *n_cqe < cqe + 1; *n_cqe *= 2)
		;
	return 0;
}

/* mlx5_ib's get_ts_format: what its queues would ask the firmware for. */
int emu_cq_check_clock(struct emu_object *obj)
{
	const struct emu_cq *cq = emu_cq_of(obj);

	if (cq->ts_real)
		return emu_settings.clock == EMU_CLOCK_FREE ? -EOPNOTSUPP : 0;
	return cq->ts_asked && emu_settings.clock == EMU_CLOCK_REAL ? -EOPNOTSUPP : 0;
}

static int pin_buffers(struct cq_object *o, const struct mlx5_ib_create_cq *req)
{
	int ret = emu_pin(&o->buf_pin, req->buf_addr, (uint64_t)o->cq.n_cqe * req->cqe_size, true);

	if (ret)
		return ret;
	ret = emu_pin(&o->db_pin, req->db_addr, 8, true);
	if (ret)
		emu_unpin(&o->buf_pin);
	return ret;
}

static int find_parts(struct emu_call *call, const struct mlx5_ib_create_cq *req,
		      struct cq_object *o)
{
	struct ib_uverbs_attr *fd = emu_attr(call, UVERBS_ATTR_CREATE_CQ_COMP_CHANNEL);
	int ret;

	o->cq.comp_fd = -1;
	o->cq.uar = emu_uar_find(call->ctx, req->uar_page_index);
	if (!o->cq.uar)
		return -EINVAL;
	if (!fd)
		return 0;
	ret = emu_channel_find(call->ctx, (int)fd->data_s64, &o->channel);
	if (!ret)
		o->cq.comp_fd = ((struct emu_channel *)o->channel->impl)->write_fd;
	return ret;
}

static void fill_cq(struct emu_call *call, const struct mlx5_ib_create_cq *req, struct emu_cq *cq)
{
	cq->dev = call->ctx->dev;
	cq->ctx = call->ctx;
	cq->cqn = emu_number(cq->dev);
	cq->buf = (uint8_t *)(uintptr_t)req->buf_addr;
	cq->cqe_size = req->cqe_size;
	cq->pad = req->flags & MLX5_IB_CREATE_CQ_FLAGS_CQE_128B_PAD;
	cq->dbrec = (__be32 *)(uintptr_t)req->db_addr;
	cq->ts_real = req->flags & EMU_CQ_FLAGS_REAL_TIME_TS;
	cq->ts_asked = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_FLAGS) &
		       IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION;
	cq->realtime = cq->ts_real || emu_settings.clock == EMU_CLOCK_REAL;
	cq->user_handle = emu_attr_value(call, UVERBS_ATTR_CREATE_CQ_USER_HANDLE);
}

static int cq_new(struct emu_call *call, const struct mlx5_ib_create_cq *req,
		  struct emu_object **obj)
{
	struct cq_object *o = calloc(1, sizeof(*o));
	int ret = -ENOMEM;

	if (!o)
		return ret;
	ret = check_attrs(call, &o->cq.n_cqe);
	if (!ret)
		ret = set_compression(call, req, &o->cq);
	if (!ret)
		ret = find_parts(call, req, o);
	if (!ret)
		ret = pin_buffers(o, req);
	if (ret)
		goto err_free;
	fill_cq(call, req, &o->cq);
	*obj = emu_object_new(call->ctx, EMU_TYPE_CQ, o, cq_destroy);
	ret = -ENOMEM;
	if (!*obj)
		goto err_unpin;
	emu_uar_get(o->cq.uar);
	emu_object_get(o->channel);
	emu_engine_pause();
	emu_cq_init(&o->cq);
	LIST_INSERT_HEAD(&o->cq.dev->cqs, &o->cq, link);
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

static int create_cq(struct emu_call *call)
{
	struct mlx5_ib_create_cq_resp provider = { 0 };
	struct mlx5_ib_create_cq req;
	struct emu_object *obj;
	uint32_t cqe;
	int ret;

	ret = emu_uhw_in(call, &req, sizeof(req));
	if (!ret)
		ret = check_provider(call, &req);
	if (!ret)
		ret = cq_new(call, &req, &obj);
	if (ret)
		return ret;
	provider.cqn = emu_cq_of(obj)->cqn;
	emu_uhw_out(call, &provider, sizeof(provider));
	cqe = emu_cq_of(obj)->n_cqe - 1;
	emu_attr_put(call, UVERBS_ATTR_CREATE_CQ_RESP_CQE, &cqe, sizeof(cqe));
	emu_attr_put_new(call, UVERBS_ATTR_CREATE_CQ_HANDLE, obj->handle);
	return 0;
}

static int destroy_cq(struct emu_call *call)
{
	struct ib_uverbs_destroy_cq_resp resp = { 0 };
	struct emu_object *obj = NULL;
	struct cq_object *o;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_CQ_HANDLE, EMU_TYPE_CQ, &obj);

	if (ret)
		return ret;
	if (obj->users)
		return -EBUSY;
	o = obj->impl;
	cq_detach(o); /* no event comes after this */
	resp.comp_events_reported = o->cq.comp_events_reported -
				    emu_comp_take_back(o->channel, o->cq.user_handle);
	resp.async_events_reported = o->cq.async_events_reported -
				     emu_async_take_back(call->ctx, o->cq.user_handle);
	emu_attr_put(call, UVERBS_ATTR_DESTROY_CQ_RESP, &resp, sizeof(resp));
	return emu_object_destroy(obj);
}

static const struct emu_attr_spec create_specs[] = {
	{ UVERBS_ATTR_CREATE_CQ_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_CREATE_CQ_CQE, EMU_ATTR_IN, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_CQ_USER_HANDLE, EMU_ATTR_IN, EMU_MUST, 8, 8 },
	{ UVERBS_ATTR_CREATE_CQ_COMP_CHANNEL, EMU_ATTR_FD, EMU_MAY, 0, 0 },
	{ UVERBS_ATTR_CREATE_CQ_COMP_VECTOR, EMU_ATTR_IN, EMU_MUST, 4, 4 },
	{ UVERBS_ATTR_CREATE_CQ_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8 },
	{ UVERBS_ATTR_CREATE_CQ_RESP_CQE, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
	{ EMU_ATTR_CREATE_CQ_EVENT_FD, EMU_ATTR_FD, EMU_MAY, 0, 0 },
};

static const struct emu_attr_spec destroy_specs[] = {
	{ UVERBS_ATTR_DESTROY_CQ_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
	{ UVERBS_ATTR_DESTROY_CQ_RESP, EMU_ATTR_OUT, EMU_MUST,
	  sizeof(struct ib_uverbs_destroy_cq_resp), sizeof(struct ib_uverbs_destroy_cq_resp) },
};

static const struct emu_method methods[] = {
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE, true, create_cq, EMU_SPECS(create_specs) },
	{ UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_DESTROY, false, destroy_cq, EMU_SPECS(destroy_specs) },
};

static const struct emu_write writes[] = {
	EMU_CMD(IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, struct ib_uverbs_create_comp_channel,
		sizeof(struct ib_uverbs_create_comp_channel_resp), emu_channel_create),
};

const struct emu_table emu_cq_table = { methods, EMU_COUNT(methods), writes, EMU_COUNT(writes) };
