/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues made by commands of the firmware. */
#include "caps.h"
#include "devx_prm.h"
#include "fault.h"
#include "uverbs_mem.h"
#include "uverbs_wq.h"

#include <string.h>

#define EMU_DEVX_FILE 0x60000u

struct devx_rq {
	struct emu_devx_obj o;
	struct emu_rq rq;
	struct emu_object *counter;    /* its set; NULL: the port's own */
	uint8_t context[EMU_CTX_SIZE]; /* as it was made and modified */
};

struct emu_rq *emu_devx_rq(struct emu_object *obj)
{
	return &((struct devx_rq *)obj->impl)->rq;
}

static void rq_release(struct emu_devx_obj *o)
{
	struct devx_rq *r = (struct devx_rq *)o;

	emu_engine_pause();
	LIST_REMOVE(&r->rq, link);
	emu_engine_resume();
}

/* What the capabilities leave out: reserved lkeys, delayed drop, scattered FCS, RMPs, hairpins. */
static bool rqc_ok(const uint8_t *context)
{
	return !emu_get(context, F_RQC_RLKY) && !emu_get(context, F_RQC_DELAY_DROP) &&
	       !emu_get(context, F_RQC_SCATTER_FCS) && !emu_get(context, F_RQC_MEM_TYPE) &&
	       emu_get(context, F_RQC_FLUSH) && !emu_get(context, F_RQC_HAIRPIN) &&
	       !emu_get(context, F_RQC_RMPN) && emu_get(context, F_RQC_STATE) == EMU_QUEUE_RST;
}

/* The number of strides is told less 9, in 4 bits: 10 to 15 are -6 to -1 (ext_stride_num_range). */
static uint32_t log_strides(const uint8_t *context)
{
	uint32_t code = (uint32_t)emu_get(context, F_WQ_NUM_STRIDES);

	return code < 10 ? code + 9 : code - 7;
}

enum { END_PAD_NONE, END_PAD_ALIGN }; /* MLX5_WQ_END_PADDING_MODE_* */

static bool set_shape(const uint8_t *context, const struct emu_devx_wq *wq, struct emu_rq *rq)
{
	bool striding = wq->type == EMU_WQ_LINKED_STRIDING || wq->type == EMU_WQ_CYCLIC_STRIDING;
	const struct emu_rq_shape shape = {
		.type = (enum emu_wq_type)wq->type,
		.n_wqe = 1u << wq->log_size,
		.log_wqe = wq->log_stride,
		.log_stride = (uint32_t)emu_get(context, F_WQ_STRIDE_BYTES) + 6,
		.log_strides = log_strides(context),
		.two_byte_shift = emu_get(context, F_WQ_TWO_BYTE),
	};

	if (wq->type > EMU_WQ_CYCLIC_STRIDING || emu_get(context, F_WQ_END_PADDING) > END_PAD_ALIGN)
		return false;
	if (striding && shape.log_strides < emu_min_log_strides())
		return false;
	rq->end_padding = emu_get(context, F_WQ_END_PADDING) == END_PAD_ALIGN;
	return !emu_rq_set_shape(rq, &shape);
}

static void rq_fill(struct emu_devx_cmd *cmd, const struct emu_devx_wq *wq, struct devx_rq *r)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	struct emu_rq *rq = &r->rq;

	memcpy(r->context, context, sizeof(r->context));
	rq->dev = cmd->ctx->dev;
	rq->ctx = cmd->ctx;
	rq->devx = &r->o;
	rq->rqn = r->o.id = emu_number(cmd->ctx->dev);
	rq->user_index = (uint32_t)emu_get(context, F_RQC_USER_INDEX);
	rq->pdn = wq->pdn;
	rq->buf = wq->buf;
	rq->dbrec = wq->dbrec; /* the first word, as of a QP's record */
	rq->state = EMU_QUEUE_RST;
	rq->vlan_strip = !emu_get(context, F_RQC_VSD);
	emu_devx_use(&r->o, wq->pd);
	emu_devx_use(&r->o, wq->buf_umem);
	emu_devx_use(&r->o, wq->dbr_umem);
}

/* counter set 0 is the port's own */
static enum emu_status set_counter(struct emu_devx_cmd *cmd, uint32_t id, struct devx_rq *r)
{
	struct emu_q_counter *set = id ? emu_devx_counter(cmd->ctx, id) : NULL;

	if (id && !set)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	r->rq.out_of_buffer = set ? &set->out_of_buffer : NULL;
	if (r->counter)
		emu_devx_drop(&r->o, r->counter);
	r->counter = set ? set->o.obj : NULL;
	emu_devx_use(&r->o, r->counter);
	return EMU_ST_OK;
}

static enum emu_status rq_new(struct emu_devx_cmd *cmd, const struct emu_devx_wq *wq)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	struct devx_rq *r = emu_devx_new(cmd, sizeof(*r));
	enum emu_status status;
	struct emu_object *cq;

	if (!r)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	if (!set_shape(context + EMU_WQ_AT, wq, &r->rq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	cq = emu_devx_find_cq(cmd->ctx, (uint32_t)emu_get(context, F_RQC_CQN), &r->rq.cq);
	if (!cq)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	if (!emu_devx_clock(emu_get(context, F_RQC_TS_FORMAT), r->rq.cq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	status = set_counter(cmd, (uint32_t)emu_get(context, F_RQC_COUNTER), r);
	if (status != EMU_ST_OK)
		return status;
	emu_devx_use(&r->o, cq);
	rq_fill(cmd, wq, r);
	r->o.release = rq_release;
	emu_engine_pause();
	emu_rq_reset(&r->rq);
	LIST_INSERT_HEAD(&r->rq.dev->rqs, &r->rq, link);
	emu_engine_resume();
	emu_set(cmd->out, F_NUMBER, r->o.id);
	return EMU_ST_OK;
}

static enum emu_status create_rq(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	enum emu_status status;
	struct emu_devx_wq wq;

	if (!rqc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	status = emu_devx_wq_read(cmd, context + EMU_WQ_AT, &wq);
	return status == EMU_ST_OK ? rq_new(cmd, &wq) : status;
}

static void to_state(struct emu_rq *rq, enum emu_queue_state state)
{
	emu_engine_pause();
	if (state == EMU_QUEUE_ERR && rq->state != EMU_QUEUE_ERR) {
		emu_rq_to_error(rq);
	} else if (state != rq->state) {
		rq->state = state;
		emu_rq_reset(rq);
	}
	emu_engine_resume();
}

/* What the bitmask names; the limit watermark has no events here and is refused. */
static enum emu_status change(struct emu_devx_cmd *cmd, struct devx_rq *r, uint64_t mask)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	enum emu_status status = EMU_ST_OK;

	emu_engine_pause();
	if (mask & EMU_RQ_MODIFY_VSD) {
		emu_set(r->context, F_RQC_VSD, emu_get(context, F_RQC_VSD));
		r->rq.vlan_strip = !emu_get(context, F_RQC_VSD);
	}
	if (mask & EMU_RQ_MODIFY_CNT)
		status = set_counter(cmd, (uint32_t)emu_get(context, F_RQC_COUNTER), r);
	emu_engine_resume();
	if (status == EMU_ST_OK && (mask & EMU_RQ_MODIFY_CNT))
		emu_set(r->context, F_RQC_COUNTER, emu_get(context, F_RQC_COUNTER));
	return status;
}

static enum emu_status modify_rq(struct emu_devx_cmd *cmd)
{
	uint64_t mask = emu_get(cmd->in, F_MODIFY_BITMASK);
	enum emu_queue_state state, current;
	enum emu_status status;
	struct devx_rq *r;

	/* a work queue of verbs: the kernel's own commands change it */
	if (cmd->target->type != EMU_TYPE_DEVX_OBJ ||
	    (mask & ~(uint64_t)(EMU_RQ_MODIFY_VSD | EMU_RQ_MODIFY_CNT)) ||
	    !emu_devx_state(emu_get(cmd->in + EMU_CMD_CONTEXT, F_RQC_STATE), &state) ||
	    !emu_devx_state(emu_get(cmd->in, F_CURRENT_STATE), &current))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	r = cmd->target->impl;
	if (current != r->rq.state || !emu_devx_transition(r->rq.state, state))
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES_STATE);
	status = change(cmd, r, mask);
	if (status == EMU_ST_OK)
		to_state(&r->rq, state);
	return status;
}

static enum emu_status query_rq(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_OUT_CONTEXT;
	struct emu_rq *rq = NULL;

	emu_devx_find_rq(cmd->ctx, (uint32_t)emu_get(cmd->in, F_NUMBER), &rq);
	if (!rq)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	if (cmd->target->type == EMU_TYPE_DEVX_OBJ)
		memcpy(context, ((struct devx_rq *)cmd->target->impl)->context, EMU_CTX_SIZE);
	emu_engine_pause();
	emu_set(context, F_RQC_STATE, emu_devx_state_prm(rq->state));
	emu_set(context + EMU_WQ_AT, F_WQ_HW_COUNTER, rq->ci);
	emu_set(context + EMU_WQ_AT, F_WQ_SW_COUNTER, rq->pi);
	emu_engine_resume();
	emu_set(context, F_RQC_VSD, !rq->vlan_strip);
	emu_set(context, F_RQC_CQN, rq->cq->cqn);
	emu_set(context, F_RQC_USER_INDEX, rq->user_index);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_CREATE_RQ,
	 .min_in = EMU_CMD_CONTEXT + EMU_CTX_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_rq},
	{.opcode = EMU_CMD_MODIFY_RQ,
	 .min_in = EMU_CMD_CONTEXT + EMU_CTX_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_RQ,
	 .run = modify_rq},
	{.opcode = EMU_CMD_QUERY_RQ,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_OUT_CONTEXT + EMU_CTX_SIZE,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_RQ,
	 .run = query_rq},
};

const struct emu_devx_table emu_devx_rq_ops = {ops, EMU_COUNT(ops)};
