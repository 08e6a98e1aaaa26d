/* SPDX-License-Identifier: Apache-2.0 */
/* DevX objects of a context: numbers, what stands on what, memory of rings. Control path. */
#include "devx.h"
#include "devx_prm.h"
#include "uverbs_cq.h"
#include "uverbs_mem.h"
#include "uverbs_qp.h"
#include "uverbs_wq.h"

#include <stdlib.h>

#define EMU_DEVX_FILE 0x10000u

uint64_t emu_get(const uint8_t *base, struct emu_field f)
{
	uint64_t value = 0;

	for (unsigned i = f.bit; i < (unsigned)f.bit + f.bits; i++)
		value = value << 1 | (base[i / 8] >> (7 - i % 8) & 1);
	return value;
}

void emu_set(uint8_t *base, struct emu_field f, uint64_t value)
{
	for (unsigned i = 0; i < f.bits; i++) {
		unsigned bit = f.bit + f.bits - 1u - i;
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		base[bit / 8] = (uint8_t)((base[bit / 8] & ~mask) | (value >> i & 1 ? mask : 0));
	}
}

/* ---- objects -------------------------------------------------------------------------------- */

void *emu_devx_new(struct emu_devx_cmd *cmd, size_t size)
{
	cmd->made = calloc(1, size);
	if (cmd->made)
		cmd->made->opcode = cmd->opcode;
	return cmd->made;
}

void emu_devx_use(struct emu_devx_obj *o, struct emu_object *obj)
{
	for (unsigned i = 0; obj && i < EMU_DEVX_PARTS; i++) {
		if (o->parts[i] == obj)
			return;
		if (o->parts[i])
			continue;
		o->parts[i] = obj;
		emu_object_get(obj);
		return;
	}
}

void emu_devx_drop(struct emu_devx_obj *o, struct emu_object *obj)
{
	for (unsigned i = 0; obj && i < EMU_DEVX_PARTS; i++) {
		if (o->parts[i] != obj)
			continue;
		emu_object_put(obj);
		o->parts[i] = NULL;
		return;
	}
}

struct emu_devx_obj *emu_devx_find(struct emu_ctx *ctx, uint16_t opcode, uint32_t id)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		struct emu_devx_obj *o = obj->impl;

		if (obj->type == EMU_TYPE_DEVX_OBJ && o->opcode == opcode && o->id == id)
			return o;
	}
	return NULL;
}

static struct emu_object *devx_object(struct emu_ctx *ctx, uint16_t opcode, uint32_t id)
{
	struct emu_devx_obj *o = emu_devx_find(ctx, opcode, id);

	return o ? o->obj : NULL;
}

struct emu_object *emu_devx_find_pd(struct emu_ctx *ctx, uint32_t pdn)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		if (obj->type == EMU_TYPE_PD && emu_pdn(obj) == pdn)
			return obj;
	}
	return devx_object(ctx, EMU_CMD_ALLOC_PD, pdn);
}

struct emu_object *emu_devx_find_td(struct emu_ctx *ctx, uint32_t td)
{
	return devx_object(ctx, EMU_CMD_ALLOC_TRANSPORT_DOMAIN, td);
}

struct emu_object *emu_devx_find_cq(struct emu_ctx *ctx, uint32_t cqn, struct emu_cq **cq)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		if (obj->type == EMU_TYPE_CQ) {
			*cq = emu_cq_of(obj);
			if ((*cq)->cqn == cqn)
				return obj;
		}
	}
	obj = devx_object(ctx, EMU_CMD_CREATE_CQ, cqn);
	if (obj)
		*cq = emu_devx_cq(obj);
	return obj;
}

static struct emu_rq *rq_of(struct emu_object *obj)
{
	const struct emu_devx_obj *o = obj->impl;

	switch (obj->type) {
	case EMU_TYPE_WQ:
		return emu_wq_rq(obj);
	case EMU_TYPE_QP:
		return ((struct emu_qp *)obj->impl)->rq;
	case EMU_TYPE_DEVX_OBJ:
		return o->opcode == EMU_CMD_CREATE_RQ ? emu_devx_rq(obj) : NULL;
	default:
		return NULL;
	}
}

struct emu_object *emu_devx_find_rq(struct emu_ctx *ctx, uint32_t rqn, struct emu_rq **rq)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		*rq = rq_of(obj);
		if (*rq && (*rq)->rqn == rqn)
			return obj;
	}
	return NULL;
}

/* ---- work queues ---------------------------------------------------------------------------- */

static bool wq_memory(struct emu_devx_cmd *cmd, const uint8_t *context, struct emu_devx_wq *wq)
{
	struct emu_umem_ask ring = {
		.id = (uint32_t)emu_get(context, F_WQ_UMEM),
		.offset = emu_get(context, F_WQ_UMEM_OFFSET),
		.size = 1ull << (wq->log_stride + wq->log_size),
		.align = 64,
	};
	struct emu_umem_ask record = {
		.id = (uint32_t)emu_get(context, F_WQ_DBR_UMEM),
		.offset = emu_get(context, F_WQ_DBR_ADDR),
		.size = 8,
		.align = 8,
	};

	wq->buf = emu_umem_at(cmd->ctx, &ring, &wq->buf_umem);
	wq->dbrec = (__be32 *)(void *)emu_umem_at(cmd->ctx, &record, &wq->dbr_umem);
	return wq->buf && wq->dbrec;
}

enum emu_status emu_devx_wq_read(struct emu_devx_cmd *cmd, const uint8_t *context,
				 struct emu_devx_wq *wq)
{
	wq->type = (uint32_t)emu_get(context, F_WQ_TYPE);
	wq->log_stride = (uint32_t)emu_get(context, F_WQ_LOG_STRIDE);
	wq->log_size = (uint32_t)emu_get(context, F_WQ_LOG_SZ);
	wq->pdn = (uint32_t)emu_get(context, F_WQ_PD);
	wq->uar_page = (uint32_t)emu_get(context, F_WQ_UAR_PAGE);
	/* signatures, header-data split, cross channel: this card has none of them */
	if (emu_get(context, F_WQ_SIGNATURE) || emu_get(context, F_WQ_HDS) ||
	    emu_get(context, F_WQ_CD_SLAVE) || emu_get(context, F_WQ_PAGE_OFFSET) ||
	    emu_get(context, F_WQ_HW_COUNTER) || emu_get(context, F_WQ_SW_COUNTER))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	wq->pd = emu_devx_find_pd(cmd->ctx, wq->pdn);
	if (!wq->pd)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	if (!wq_memory(cmd, context, wq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	return EMU_ST_OK;
}

/* ---- what a handle stands for --------------------------------------------------------------- */

static bool qp_has(const struct emu_qp *qp, uint16_t maker, uint32_t id)
{
	switch (maker) {
	case EMU_CMD_CREATE_RQ:
		return qp->rq && qp->rq->rqn == id;
	case EMU_CMD_CREATE_SQ:
		return qp->sq && qp->sq->qpn == id;
	case EMU_CMD_CREATE_TIR:
		return qp->tir && !qp->rss && qp->tir->qpn == id;
	case EMU_CMD_CREATE_TIS:
		return qp->sq && qp->tisn == id;
	default:
		return false;
	}
}

bool emu_devx_names(const struct emu_devx_cmd *cmd, const struct emu_devx_op *op)
{
	uint32_t id = (uint32_t)emu_get(cmd->in, op->id);
	const struct emu_devx_obj *o = cmd->target->impl;

	switch (cmd->target->type) {
	case EMU_TYPE_CQ:
		return op->maker == EMU_CMD_CREATE_CQ && emu_cq_of(cmd->target)->cqn == id;
	case EMU_TYPE_QP:
		return qp_has(cmd->target->impl, op->maker, id);
	case EMU_TYPE_WQ:
		return op->maker == EMU_CMD_CREATE_RQ && emu_wq_rq(cmd->target)->rqn == id;
	case EMU_TYPE_IND_TABLE:
		return op->maker == EMU_CMD_CREATE_RQT &&
		       ((struct emu_ind_table *)cmd->target->impl)->number == id;
	case EMU_TYPE_DEVX_OBJ:
		/* general objects: op_mod is their type */
		return o->opcode == op->maker && o->id == id &&
		       (op->maker != EMU_CMD_CREATE_GENERAL_OBJECT || o->type == cmd->op_mod);
	default:
		return false;
	}
}

/* ---- states of queues ----------------------------------------------------------------------- */

enum { PRM_RST, PRM_RDY, PRM_ERR = 3 }; /* MLX5_SQC_STATE_*, MLX5_RQC_STATE_* */

bool emu_devx_state(uint64_t prm, enum emu_queue_state *state)
{
	*state = prm == PRM_RST ? EMU_QUEUE_RST : prm == PRM_RDY ? EMU_QUEUE_RDY : EMU_QUEUE_ERR;
	return prm == PRM_RST || prm == PRM_RDY || prm == PRM_ERR;
}

uint32_t emu_devx_state_prm(enum emu_queue_state state)
{
	return state == EMU_QUEUE_RST ? PRM_RST : state == EMU_QUEUE_RDY ? PRM_RDY : PRM_ERR;
}

/* PRM "SQ state machine", "RQ state machine": reset from anywhere, ready from reset, error from
 * ready. */
bool emu_devx_transition(enum emu_queue_state from, enum emu_queue_state to)
{
	if (to == EMU_QUEUE_RST || to == from)
		return true;
	return (from == EMU_QUEUE_RST && to == EMU_QUEUE_RDY) ||
	       (from == EMU_QUEUE_RDY && to == EMU_QUEUE_ERR);
}

bool emu_devx_clock(uint64_t format, struct emu_cq *cq)
{
	bool real = format == EMU_TS_REAL_TIME;

	if (real ? emu_settings.clock == EMU_CLOCK_FREE
		 : format == EMU_TS_FREE_RUNNING && emu_settings.clock == EMU_CLOCK_REAL)
		return false;
	/* the default is what the card has, the free-running one of two */
	cq->realtime = real || emu_settings.clock == EMU_CLOCK_REAL;
	return true;
}
