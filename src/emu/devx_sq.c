/* SPDX-License-Identifier: Apache-2.0 */
/* Send queues made by commands of the firmware. */
#include "caps.h"
#include "devx_prm.h"
#include "emu_hw.h"
#include "fault.h"
#include "uverbs_mem.h"
#include "uverbs_rate.h"
#include "uverbs_uar.h"

#include <string.h>

#define EMU_DEVX_FILE 0x50000u
#define LOG_WQEBB     6u

struct devx_sq {
	struct emu_devx_obj o;
	struct emu_sq sq;
	uint8_t context[EMU_CTX_SIZE]; /* as it was made */
};

struct emu_sq *emu_devx_sq(struct emu_object *obj)
{
	return &((struct devx_sq *)obj->impl)->sq;
}

static void sq_release(struct emu_devx_obj *o)
{
	struct devx_sq *s = (struct devx_sq *)o;

	emu_engine_pause();
	LIST_REMOVE(&s->sq, link);
	LIST_REMOVE(&s->sq, uar_link);
	emu_engine_resume();
	emu_uar_put(s->sq.uar);
}

/*
 * What the capabilities leave out: reserved lkeys, cross channel, fast registration and UMRs,
 * hairpins. Queues that do not flush in error are not offered.
 */
static bool sqc_ok(const uint8_t *context)
{
	return !emu_get(context, F_SQC_RLKY) && !emu_get(context, F_SQC_CD_MASTER) &&
	       !emu_get(context, F_SQC_FRE) && emu_get(context, F_SQC_FLUSH) &&
	       !emu_get(context, F_SQC_REG_UMR) && !emu_get(context, F_SQC_HAIRPIN) &&
	       !emu_get(context, F_SQC_NON_WIRE) && !emu_get(context, F_SQC_STATIC) &&
	       emu_get(context, F_SQC_STATE) == EMU_QUEUE_RST &&
	       emu_get(context, F_SQC_TIS_LST_SZ) == 1;
}

/* eMPW and less inlining than the port wants are the firmware's to refuse. */
static bool modes_ok(const uint8_t *context)
{
	if (emu_get(context, F_SQC_EMPW) && emu_fault(EMU_FAULT_NO_EMPW))
		return false;
	return !emu_fault(EMU_FAULT_INLINE_L2) || emu_get(context, F_SQC_MIN_INLINE) >= 1;
}

static bool wq_ok(const struct emu_devx_wq *wq)
{
	return wq->type == EMU_WQ_CYCLIC && wq->log_stride == LOG_WQEBB &&
	       wq->log_size <= EMU_LOG_MAX_QP_SZ;
}

static void sq_fill(struct emu_devx_cmd *cmd, const struct emu_devx_wq *wq, struct devx_sq *s)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	struct emu_sq *sq = &s->sq;

	memcpy(s->context, context, sizeof(s->context));
	sq->dev = cmd->ctx->dev;
	sq->ctx = cmd->ctx;
	sq->devx = &s->o;
	sq->qpn = s->o.id = emu_number(cmd->ctx->dev);
	sq->user_index = (uint32_t)emu_get(context, F_SQC_USER_INDEX);
	sq->pdn = wq->pdn;
	sq->buf = wq->buf;
	sq->n_wqebb = 1u << wq->log_size;
	sq->dbrec = wq->dbrec + 1; /* the second word, as of a QP's record */
	sq->state = EMU_QUEUE_RST;
	emu_devx_use(&s->o, wq->pd);
	emu_devx_use(&s->o, wq->buf_umem);
	emu_devx_use(&s->o, wq->dbr_umem);
}

static enum emu_status sq_parts(struct emu_devx_cmd *cmd, uint32_t uar_page, struct devx_sq *s)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint32_t cqn = (uint32_t)emu_get(context, F_SQC_CQN);
	uint32_t tisn = (uint32_t)emu_get(context, F_SQC_TIS);
	struct emu_devx_obj *tis = emu_devx_find(cmd->ctx, EMU_CMD_CREATE_TIS, tisn);
	struct emu_object *cq = emu_devx_find_cq(cmd->ctx, cqn, &s->sq.cq);

	s->sq.uar = emu_uar_find(cmd->ctx, uar_page);
	if (!tis || !cq || !s->sq.uar)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	if (!emu_devx_clock(emu_get(context, F_SQC_TS_FORMAT), s->sq.cq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	emu_devx_use(&s->o, tis->obj);
	emu_devx_use(&s->o, cq);
	emu_uar_get(s->sq.uar);
	return EMU_ST_OK;
}

/*
 * packet_pacing_rate_limit_index: an entry of the card's table, shared or of this program
 * (packet_pacing_uid). The queue keeps to it when the entry goes.
 */
static bool set_rate(struct emu_ctx *ctx, const uint8_t *context, struct devx_sq *s)
{
	uint16_t index = (uint16_t)emu_get(context, F_SQC_RATE_INDEX);
	struct emu_rate rate = emu_rate_at(ctx->dev, index);

	if (index && !emu_rate_usable(ctx, index))
		return false;
	emu_rate_apply(&s->sq, &rate);
	emu_set(s->context, F_SQC_RATE_INDEX, index);
	return true;
}

static enum emu_status sq_new(struct emu_devx_cmd *cmd, const struct emu_devx_wq *wq)
{
	struct devx_sq *s = emu_devx_new(cmd, sizeof(*s));
	enum emu_status status;

	if (!s)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	status = sq_parts(cmd, wq->uar_page, s);
	if (status != EMU_ST_OK)
		return status;
	sq_fill(cmd, wq, s);
	if (!set_rate(cmd->ctx, cmd->in + EMU_CMD_CONTEXT, s)) {
		emu_uar_put(s->sq.uar);
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	}
	s->o.release = sq_release;
	emu_engine_pause();
	emu_sq_reset(&s->sq);
	LIST_INSERT_HEAD(&s->sq.dev->sqs, &s->sq, link);
	LIST_INSERT_HEAD(&s->sq.uar->sqs, &s->sq, uar_link);
	emu_engine_resume();
	emu_set(cmd->out, F_NUMBER, s->o.id);
	return EMU_ST_OK;
}

static enum emu_status create_sq(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	enum emu_status status;
	struct emu_devx_wq wq;

	if (emu_fault_net_raw()) /* MLX5_UCTX_CAP_RAW_TX goes with CAP_NET_RAW */
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (!sqc_ok(context) || !modes_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	status = emu_devx_wq_read(cmd, context + EMU_WQ_AT, &wq);
	if (status != EMU_ST_OK)
		return status;
	if (!wq_ok(&wq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	return sq_new(cmd, &wq);
}

static void to_state(struct emu_sq *sq, enum emu_queue_state state)
{
	emu_engine_pause();
	if (state == EMU_QUEUE_ERR && sq->state != EMU_QUEUE_ERR) {
		emu_sq_to_error(sq);
	} else if (state != sq->state) {
		sq->state = state;
		emu_sq_reset(sq);
	}
	emu_engine_resume();
}

enum { MODIFY_RATE = 1 }; /* modify_sq_in: MODIFY_BITMASK_PACKET_PACING_RATE_LIMIT_INDEX */

/* mlx5_ib sets a rate in state ready only: modify_raw_packet_qp_sq() */
static bool modify_rate(struct emu_devx_cmd *cmd, enum emu_queue_state state)
{
	bool good;

	if (!emu_get(cmd->in, F_MODIFY_BITMASK))
		return true;
	emu_engine_pause();
	good = state == EMU_QUEUE_RDY &&
	       set_rate(cmd->ctx, cmd->in + EMU_CMD_CONTEXT, cmd->target->impl);
	emu_engine_resume();
	return good;
}

static enum emu_status modify_sq(struct emu_devx_cmd *cmd)
{
	enum emu_queue_state state, current;
	struct emu_sq *sq;

	/* a queue pair's send queue: the kernel's own commands change it */
	if (cmd->target->type != EMU_TYPE_DEVX_OBJ ||
	    emu_get(cmd->in, F_MODIFY_BITMASK) > MODIFY_RATE ||
	    !emu_devx_state(emu_get(cmd->in + EMU_CMD_CONTEXT, F_SQC_STATE), &state) ||
	    !emu_devx_state(emu_get(cmd->in, F_CURRENT_STATE), &current))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	sq = emu_devx_sq(cmd->target);
	if (current != sq->state || !emu_devx_transition(sq->state, state))
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES_STATE);
	if (!modify_rate(cmd, state))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	to_state(sq, state);
	return EMU_ST_OK;
}

static const struct emu_sq *target_sq(const struct emu_devx_cmd *cmd)
{
	return cmd->target->type == EMU_TYPE_DEVX_OBJ
		       ? emu_devx_sq(cmd->target)
		       : ((const struct emu_qp *)cmd->target->impl)->sq;
}

static enum emu_status query_sq(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_OUT_CONTEXT;
	const struct emu_sq *sq = target_sq(cmd);

	if (cmd->target->type == EMU_TYPE_DEVX_OBJ)
		memcpy(context, ((struct devx_sq *)cmd->target->impl)->context, EMU_CTX_SIZE);
	emu_engine_pause();
	emu_set(context, F_SQC_STATE, emu_devx_state_prm(sq->state));
	emu_set(context + EMU_WQ_AT, F_WQ_HW_COUNTER, sq->ci);
	emu_set(context + EMU_WQ_AT, F_WQ_SW_COUNTER, sq->pi);
	emu_engine_resume();
	emu_set(context, F_SQC_CQN, sq->cq->cqn);
	emu_set(context, F_SQC_USER_INDEX, sq->user_index);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_CREATE_SQ,
	 .min_in = EMU_CMD_CONTEXT + EMU_CTX_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_sq},
	{.opcode = EMU_CMD_MODIFY_SQ,
	 .min_in = EMU_CMD_CONTEXT + EMU_CTX_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_SQ,
	 .run = modify_sq},
	{.opcode = EMU_CMD_QUERY_SQ,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_OUT_CONTEXT + EMU_CTX_SIZE,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_SQ,
	 .run = query_sq},
};

const struct emu_devx_table emu_devx_sq_ops = {ops, EMU_COUNT(ops)};
