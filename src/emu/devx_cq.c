/* SPDX-License-Identifier: Apache-2.0 */
/* Completion queues made by commands of the firmware. */
#include "caps.h"
#include "devx_prm.h"
#include "uverbs_devx.h"
#include "uverbs_mem.h"
#include "uverbs_uar.h"

#define EMU_DEVX_FILE 0x40000u
#define CREATE_SIZE   272u /* mlx5_ifc_create_cq_in_bits without its list of pages */
#define CQC_SIZE      64u

struct devx_cq {
	struct emu_devx_obj o;
	struct emu_cq cq;
	uint32_t eqn, uar_page;
};

struct emu_cq *emu_devx_cq(struct emu_object *obj)
{
	return &((struct devx_cq *)obj->impl)->cq;
}

static void cq_release(struct emu_devx_obj *o)
{
	struct devx_cq *c = (struct devx_cq *)o;

	emu_engine_pause();
	LIST_REMOVE(&c->cq, link);
	emu_engine_resume();
	emu_uar_put(c->cq.uar);
}

/*
 * What this card's capabilities leave out: collapsed queues (use of one entry for all), ignored
 * overrun (cq_oi is 0), the enhanced compression layout, 128-byte entries with padding.
 */
static bool cqc_ok(const uint8_t *context)
{
	return !emu_get(context, F_CQC_CC) && !emu_get(context, F_CQC_OI) &&
	       !emu_get(context, F_CQC_STATUS) && !emu_get(context, F_CQC_ST) &&
	       !emu_get(context, F_CQC_COMP_LAYOUT) && !emu_get(context, F_CQC_PAGE_OFFSET) &&
	       emu_get(context, F_CQC_CQE_SZ) <= 1 &&
	       emu_get(context, F_CQC_LOG_SIZE) <= EMU_LOG_MAX_CQ_SZ &&
	       emu_devx_eqn_ok(emu_get(context, F_CQC_EQN));
}

/* Formats beyond the three plain ones have no capability here. */
static bool compress(const uint8_t *context, struct emu_cq *cq)
{
	if (!emu_get(context, F_CQC_COMP_EN))
		return true;
	return !emu_get(context, F_CQC_MINI_EXT) &&
	       !emu_cq_compress(cq, (unsigned)emu_get(context, F_CQC_MINI_FORMAT));
}

static bool cq_memory(struct emu_devx_cmd *cmd, struct devx_cq *c)
{
	const uint8_t *context = cmd->in + EMU_CQC_AT;
	struct emu_umem_ask ring = {
		.id = (uint32_t)emu_get(cmd->in, F_CREATE_CQ_UMEM),
		.writable = true,
		.offset = emu_get(cmd->in, F_CREATE_CQ_OFFSET),
		.size = (uint64_t)c->cq.n_cqe * c->cq.cqe_size,
		.align = 64,
	};
	struct emu_umem_ask record = {
		.id = (uint32_t)emu_get(context, F_CQC_DBR_UMEM),
		.writable = true,
		.offset = emu_get(context, F_CQC_DBR_ADDR),
		.size = 8,
		.align = 8,
	};
	struct emu_object *ring_umem, *record_umem;

	c->cq.buf = emu_umem_at(cmd->ctx, &ring, &ring_umem);
	c->cq.dbrec = (__be32 *)(void *)emu_umem_at(cmd->ctx, &record, &record_umem);
	if (!c->cq.buf || !c->cq.dbrec)
		return false;
	emu_devx_use(&c->o, ring_umem);
	emu_devx_use(&c->o, record_umem);
	return true;
}

static void cq_fill(struct emu_devx_cmd *cmd, struct devx_cq *c)
{
	const uint8_t *context = cmd->in + EMU_CQC_AT;
	struct emu_cq *cq = &c->cq;

	cq->dev = cmd->ctx->dev;
	cq->ctx = cmd->ctx;
	cq->n_cqe = 1u << emu_get(context, F_CQC_LOG_SIZE);
	cq->cqe_size = emu_get(context, F_CQC_CQE_SZ) ? 128 : 64;
	cq->comp_fd = -1;
	cq->devx = &c->o;
	c->eqn = (uint32_t)emu_get(context, F_CQC_EQN);
	c->uar_page = (uint32_t)emu_get(context, F_CQC_UAR_PAGE);
	cq->uar = emu_uar_find(cmd->ctx, c->uar_page);
}

static enum emu_status create_cq(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CQC_AT;
	struct devx_cq *c;

	if (!cqc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	c = emu_devx_new(cmd, sizeof(*c));
	if (!c)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	cq_fill(cmd, c);
	if (!c->cq.uar)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	if (!cq_memory(cmd, c) || !compress(context, &c->cq))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	c->cq.cqn = c->o.id = emu_number(cmd->ctx->dev);
	c->o.release = cq_release;
	emu_uar_get(c->cq.uar);
	emu_engine_pause();
	emu_cq_init(&c->cq);
	LIST_INSERT_HEAD(&c->cq.dev->cqs, &c->cq, link);
	emu_engine_resume();
	emu_set(cmd->out, F_NUMBER, c->o.id);
	return EMU_ST_OK;
}

/* Moderation may be asked for and is not felt; nothing else of a queue can be changed. */
enum { MODIFY_PERIOD = 1, MODIFY_COUNT = 2 }; /* MLX5_CQ_MODIFY_PERIOD, MLX5_CQ_MODIFY_COUNT */
#define F_MODIFY_CQ_SELECT EMU_F(0x60, 32)

static enum emu_status modify_cq(struct emu_devx_cmd *cmd)
{
	uint64_t select = emu_get(cmd->in, F_MODIFY_CQ_SELECT);

	if (cmd->op_mod || (select & ~(uint64_t)(MODIFY_PERIOD | MODIFY_COUNT)))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	return EMU_ST_OK;
}

static enum emu_status query_cq(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_CQC_AT;
	struct emu_cq *cq = NULL;

	emu_devx_find_cq(cmd->ctx, (uint32_t)emu_get(cmd->in, F_NUMBER), &cq);
	if (!cq)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	emu_engine_pause();
	emu_set(context, F_CQC_STATUS, cq->overrun ? 0x9 : 0); /* CQ_OVERFLOW */
	emu_set(context, F_CQC_PRODUCER, cq->pi);
	emu_set(context, F_CQC_CONSUMER, emu_from_be32(cq->dbrec[0]));
	emu_engine_resume();
	emu_set(context, F_CQC_CQE_SZ, cq->cqe_size == 128);
	emu_set(context, F_CQC_LOG_SIZE, (uint32_t)__builtin_ctz(cq->n_cqe));
	emu_set(context, F_CQC_UAR_PAGE, cq->uar->index);
	if (cmd->target->type == EMU_TYPE_DEVX_OBJ)
		emu_set(context, F_CQC_EQN, ((struct devx_cq *)cmd->target->impl)->eqn);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_CREATE_CQ,
	 .min_in = CREATE_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_cq},
	{.opcode = EMU_CMD_MODIFY_CQ,
	 .min_in = EMU_CQC_AT + CQC_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_CQ,
	 .run = modify_cq},
	{.opcode = EMU_CMD_QUERY_CQ,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CQC_AT + CQC_SIZE,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_CQ,
	 .run = query_cq},
};

const struct emu_devx_table emu_devx_cq_ops = {ops, EMU_COUNT(ops)};
