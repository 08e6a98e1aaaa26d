/* SPDX-License-Identifier: Apache-2.0 */
/* Indirection tables (RQT) and destinations (TIR) made by commands of the firmware. */
#include "caps.h"
#include "devx_prm.h"
#include "emu_be.h"
#include "uverbs_mem.h"
#include "uverbs_wq.h"

#include <rdma/mlx5-abi.h>
#include <stdlib.h>
#include <string.h>

#define EMU_DEVX_FILE 0x90000u

/* ---- tables --------------------------------------------------------------------------------- */

struct rqt {
	struct emu_devx_obj o;
	uint32_t max, n;
	struct emu_rq **rqs;
	struct emu_object **queues; /* whose they are: held */
};

static void drop_queues(struct rqt *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		emu_object_put(t->queues[i]);
	t->n = 0;
}

static void rqt_release(struct emu_devx_obj *o)
{
	struct rqt *t = (struct rqt *)o;

	drop_queues(t);
	free(t->rqs);
	free(t->queues);
}

/* A list of n queues out of the command; NULL: one of them does not exist, or no memory. */
static bool find_queues(struct emu_devx_cmd *cmd, uint32_t n, struct rqt *t)
{
	const uint8_t *list = cmd->in + EMU_CMD_CONTEXT + EMU_CTX_SIZE;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rqn = (uint32_t)emu_get(list + 4ul * i, EMU_F(8, 24));

		t->queues[i] = emu_devx_find_rq(cmd->ctx, rqn, &t->rqs[i]);
		if (!t->queues[i])
			return false;
	}
	return true;
}

static bool rqt_alloc(struct rqt *t, uint32_t max)
{
	t->max = max;
	t->rqs = calloc(max, sizeof(struct emu_rq *));
	t->queues = calloc(max, sizeof(struct emu_object *));
	return t->rqs && t->queues;
}

static void hold_queues(struct rqt *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		emu_object_get(t->queues[i]);
	t->n = n;
}

/* list_q_type other than RQs: virtio queues, which this card has not */
static bool size_ok(const struct emu_devx_cmd *cmd, uint32_t actual, uint32_t max)
{
	return !emu_get(cmd->in + EMU_CMD_CONTEXT, F_RQTC_LIST_TYPE) && actual &&
	       !(actual & (actual - 1)) && actual <= max && max <= 1u << EMU_LOG_IND_TABLE &&
	       cmd->in_len >= EMU_CMD_CONTEXT + EMU_CTX_SIZE + 4ul * actual;
}

static enum emu_status create_rqt(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint32_t max = (uint32_t)emu_get(context, F_RQTC_MAX);
	uint32_t actual = (uint32_t)emu_get(context, F_RQTC_ACTUAL);
	struct rqt *t;

	if (!size_ok(cmd, actual, max))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	t = emu_devx_new(cmd, sizeof(*t));
	if (!t)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	if (!rqt_alloc(t, max) || !find_queues(cmd, actual, t)) {
		rqt_release(&t->o);
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	}
	hold_queues(t, actual);
	t->o.id = emu_number(cmd->ctx->dev);
	t->o.release = rqt_release;
	emu_set(cmd->out, F_NUMBER, t->o.id);
	return EMU_ST_OK;
}

/* Every TIR of the table sees the new queues from the next frame on. */
static void swap_queues(struct emu_dev *dev, struct rqt *t, struct rqt *fresh, uint32_t n)
{
	struct emu_tir *tir;

	emu_engine_pause();
	LIST_FOREACH (tir, &dev->tirs, link) {
		if (tir->rqs == t->rqs) {
			tir->rqs = fresh->rqs;
			tir->n_rqs = n;
		}
	}
	emu_engine_resume();
	hold_queues(fresh, n);
	rqt_release(&t->o);
	t->rqs = fresh->rqs;
	t->queues = fresh->queues;
	t->n = n;
}

enum { MODIFY_LIST = 1 }; /* mlx5_ifc.h: rqt_bitmask.rqn_list */

static enum emu_status modify_rqt(struct emu_devx_cmd *cmd)
{
	uint32_t actual = (uint32_t)emu_get(cmd->in + EMU_CMD_CONTEXT, F_RQTC_ACTUAL);
	struct rqt *t = cmd->target->impl, fresh = {.max = t->max};

	if (cmd->target->type != EMU_TYPE_DEVX_OBJ ||
	    emu_get(cmd->in, F_MODIFY_BITMASK) != MODIFY_LIST || !size_ok(cmd, actual, t->max))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (!rqt_alloc(&fresh, t->max) || !find_queues(cmd, actual, &fresh)) {
		rqt_release(&fresh.o);
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	}
	swap_queues(cmd->ctx->dev, t, &fresh, actual);
	return EMU_ST_OK;
}

static enum emu_status query_rqt(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_OUT_CONTEXT, *list = context + EMU_CTX_SIZE;
	const struct emu_ind_table *verbs = cmd->target->impl;
	const struct rqt *t = cmd->target->impl;
	bool devx = cmd->target->type == EMU_TYPE_DEVX_OBJ;
	uint32_t n = devx ? t->n : verbs->n;

	if (cmd->out_len < EMU_OUT_CONTEXT + EMU_CTX_SIZE + 4ul * n)
		return EMU_REFUSE(cmd, EMU_ST_BAD_OUTPUT_LEN);
	emu_set(context, F_RQTC_MAX, devx ? t->max : n);
	emu_set(context, F_RQTC_ACTUAL, n);
	for (uint32_t i = 0; i < n; i++)
		emu_set(list + 4ul * i, EMU_F(8, 24),
			devx ? t->rqs[i]->rqn : emu_wq_rq(verbs->wqs[i])->rqn);
	return EMU_ST_OK;
}

/* ---- destinations --------------------------------------------------------------------------- */

enum { DIRECT, INDIRECT };	       /* MLX5_TIRC_DISP_TYPE_* */
enum { HASH_NONE, HASH_TOEPLITZ = 2 }; /* MLX5_RX_HASH_FN_* */
enum { BLOCK_UC = 1, BLOCK_MC = 2 };   /* MLX5_TIRC_SELF_LB_BLOCK_BLOCK_* */

struct devx_tir {
	struct emu_devx_obj o;
	struct emu_tir tir;
	struct emu_rq *single[1];
	struct emu_object *queues; /* the RQT or, of a direct one, the RQ: held */
	uint8_t context[EMU_CTX_SIZE];
};

struct emu_tir *emu_devx_tir(struct emu_object *obj)
{
	struct devx_tir *t = obj->impl;

	return obj->type == EMU_TYPE_DEVX_OBJ && t->o.opcode == EMU_CMD_CREATE_TIR ? &t->tir : NULL;
}

static void tir_release(struct emu_devx_obj *o)
{
	struct devx_tir *t = (struct devx_tir *)o;

	emu_engine_pause();
	LIST_REMOVE(&t->tir, link);
	emu_engine_resume();
}

/* rx_hash_field_select as MLX5_RX_HASH_*; false: a field that this card does not hash */
static bool fields_of(uint32_t select, uint64_t *fields)
{
	bool v6 = select & EMU_SEL_IPV6, udp = select & EMU_SEL_UDP;

	*fields = 0;
	if (select & EMU_SEL_SRC_IP)
		*fields |= v6 ? MLX5_RX_HASH_SRC_IPV6 : MLX5_RX_HASH_SRC_IPV4;
	if (select & EMU_SEL_DST_IP)
		*fields |= v6 ? MLX5_RX_HASH_DST_IPV6 : MLX5_RX_HASH_DST_IPV4;
	if (select & EMU_SEL_SPORT)
		*fields |= udp ? MLX5_RX_HASH_SRC_PORT_UDP : MLX5_RX_HASH_SRC_PORT_TCP;
	if (select & EMU_SEL_DPORT)
		*fields |= udp ? MLX5_RX_HASH_DST_PORT_UDP : MLX5_RX_HASH_DST_PORT_TCP;
	return !(select & ~(EMU_SEL_IPV6 | EMU_SEL_UDP | EMU_SEL_SRC_IP | EMU_SEL_DST_IP |
			    EMU_SEL_SPORT | EMU_SEL_DPORT));
}

/* What is hashed: inner headers, outer ones, or none; never both. */
static uint32_t selected(const uint8_t *context)
{
	return (uint32_t)(emu_get(context, F_TIRC_INNER) | emu_get(context, F_TIRC_OUTER));
}

/* Inner headers are hashed where tunnels are looked into: mlx5_ib, create_rss_raw_qp_tir(). */
static bool selectors_ok(const uint8_t *context)
{
	uint64_t fields;

	if (emu_get(context, F_TIRC_INNER) &&
	    (emu_get(context, F_TIRC_OUTER) || !emu_get(context, F_TIRC_TUNNELED)))
		return false;
	return fields_of(selected(context), &fields);
}

/* LRO and symmetric hashes: not on this card. */
static bool tirc_ok(const uint8_t *context)
{
	uint64_t fn = emu_get(context, F_TIRC_HASH_FN);

	return emu_get(context, F_TIRC_DISP_TYPE) <= INDIRECT && !emu_get(context, F_TIRC_LRO) &&
	       !emu_get(context, F_TIRC_SYMMETRIC) && (fn == HASH_NONE || fn == HASH_TOEPLITZ) &&
	       selectors_ok(context);
}

static void set_hash(const uint8_t *context, struct emu_tir *tir)
{
	fields_of(selected(context), &tir->hash_fields);
	tir->inner = emu_get(context, F_TIRC_INNER);
	if (emu_get(context, F_TIRC_HASH_FN) == HASH_NONE)
		tir->hash_fields = 0;
	memcpy(tir->key, context + EMU_TIRC_KEY_AT, EMU_RSS_KEY);
	if (tir->rss_ready)
		emu_rss_table_init(&tir->rss, tir->key);
}

static struct emu_object *set_table(struct emu_devx_cmd *cmd, const uint8_t *context,
				    struct devx_tir *t)
{
	struct emu_devx_obj *o =
		emu_devx_find(cmd->ctx, EMU_CMD_CREATE_RQT, (uint32_t)emu_get(context, F_TIRC_RQT));
	const struct rqt *table = (const struct rqt *)o;

	if (!o)
		return NULL;
	t->tir.rqs = table->rqs;
	t->tir.n_rqs = table->n;
	return o->obj;
}

static struct emu_object *set_queue(struct emu_devx_cmd *cmd, const uint8_t *context,
				    struct devx_tir *t)
{
	struct emu_object *obj =
		emu_devx_find_rq(cmd->ctx, (uint32_t)emu_get(context, F_TIRC_RQN), &t->single[0]);

	t->tir.rqs = t->single;
	t->tir.n_rqs = 1;
	return obj;
}

static enum emu_status tir_parts(struct emu_devx_cmd *cmd, struct devx_tir *t)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint32_t number = (uint32_t)emu_get(context, F_TIRC_TD);
	struct emu_object *td = emu_devx_find_td(cmd->ctx, number);

	if (emu_get(context, F_TIRC_DISP_TYPE) == INDIRECT)
		t->queues = set_table(cmd, context, t);
	else
		t->queues = set_queue(cmd, context, t);
	if (!t->queues)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	/* 0 is the card's default domain; one of the context's own queue pairs has no object */
	if (!td && number && number != cmd->ctx->tdn)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	emu_devx_use(&t->o, td);
	emu_devx_use(&t->o, t->queues);
	return EMU_ST_OK;
}

/*
 * A vport's loopback is off until the kernel turns it on: mlx5_ib_enable_lb(), with the first queue
 * pair that asks for it. Then it is on for what does not block it.
 */
static bool loopback_on(const struct emu_dev *dev)
{
	const struct emu_tir *tir;

	LIST_FOREACH (tir, &dev->tirs, link) {
		if (tir->self_loopback_uc || tir->self_loopback_mc)
			return true;
	}
	return false;
}

static void tir_fill(struct emu_devx_cmd *cmd, struct devx_tir *t)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint64_t block = emu_get(context, F_TIRC_LB_BLOCK);
	bool loopback = loopback_on(cmd->ctx->dev);

	memcpy(t->context, context, sizeof(t->context));
	t->tir.dev = cmd->ctx->dev;
	t->tir.ctx = cmd->ctx;
	t->tir.qpn = t->o.id = emu_number(cmd->ctx->dev);
	t->tir.self_loopback_uc = loopback && !(block & BLOCK_UC);
	t->tir.self_loopback_mc = loopback && !(block & BLOCK_MC);
	t->tir.tunnel = emu_get(context, F_TIRC_TUNNELED);
	set_hash(context, &t->tir);
	if (emu_get(context, F_TIRC_DISP_TYPE) == DIRECT)
		t->tir.hash_fields = 0;
}

static enum emu_status create_tir(struct emu_devx_cmd *cmd)
{
	enum emu_status status;
	struct devx_tir *t;

	if (!tirc_ok(cmd->in + EMU_CMD_CONTEXT))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	t = emu_devx_new(cmd, sizeof(*t));
	if (!t)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	status = tir_parts(cmd, t);
	if (status != EMU_ST_OK)
		return status;
	tir_fill(cmd, t);
	t->o.release = tir_release;
	emu_engine_pause();
	LIST_INSERT_HEAD(&t->tir.dev->tirs, &t->tir, link);
	emu_engine_resume();
	emu_set(cmd->out, F_NUMBER, t->o.id);
	return EMU_ST_OK;
}

/* Another table for an indirect one. */
static enum emu_status move_table(struct emu_devx_cmd *cmd, struct devx_tir *t)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	struct emu_object *old = t->queues, *table;

	if (emu_get(t->context, F_TIRC_DISP_TYPE) != INDIRECT)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	emu_engine_pause();
	table = set_table(cmd, context, t);
	emu_engine_resume();
	if (!table)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	emu_devx_drop(&t->o, old);
	emu_devx_use(&t->o, table);
	t->queues = table;
	emu_set(t->context, F_TIRC_RQT, emu_get(context, F_TIRC_RQT));
	return EMU_ST_OK;
}

static void change_hash(const uint8_t *context, struct devx_tir *t)
{
	emu_engine_pause();
	set_hash(context, &t->tir);
	emu_engine_resume();
	emu_set(t->context, F_TIRC_HASH_FN, emu_get(context, F_TIRC_HASH_FN));
	emu_set(t->context, F_TIRC_OUTER, emu_get(context, F_TIRC_OUTER));
	emu_set(t->context, F_TIRC_INNER, emu_get(context, F_TIRC_INNER));
	memcpy(t->context + EMU_TIRC_KEY_AT, context + EMU_TIRC_KEY_AT, EMU_RSS_KEY);
}

static enum emu_status modify_tir(struct emu_devx_cmd *cmd)
{
	const uint64_t known = EMU_TIR_MODIFY_RQT | EMU_TIR_MODIFY_HASH;
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint64_t mask = emu_get(cmd->in, F_MODIFY_BITMASK);
	enum emu_status status = EMU_ST_OK;
	struct devx_tir *t = cmd->target->impl;

	/* no LRO on this card, and self_lb_en_modifiable is 0 */
	if (cmd->target->type != EMU_TYPE_DEVX_OBJ || (mask & ~known) || !tirc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	/* whether tunnels are looked into stays as it is */
	if (emu_get(context, F_TIRC_INNER) && !t->tir.tunnel)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (mask & EMU_TIR_MODIFY_RQT)
		status = move_table(cmd, t);
	if (status == EMU_ST_OK && (mask & EMU_TIR_MODIFY_HASH))
		change_hash(context, t);
	return status;
}

static enum emu_status query_tir(struct emu_devx_cmd *cmd)
{
	const struct devx_tir *t = cmd->target->impl;

	/* of a queue pair: what the kernel has put there is not told */
	if (cmd->target->type != EMU_TYPE_DEVX_OBJ)
		return EMU_REFUSE(cmd, EMU_ST_BAD_OP);
	memcpy(cmd->out + EMU_OUT_CONTEXT, t->context, EMU_CTX_SIZE);
	return EMU_ST_OK;
}

#define MIN_IN	(EMU_CMD_CONTEXT + EMU_CTX_SIZE)
#define MIN_OUT (EMU_OUT_CONTEXT + EMU_CTX_SIZE)
#define ON(cmd, run_fn, in, out, by)                                                               \
	{                                                                                          \
		.opcode = (cmd), .min_in = (in), .min_out = (out), .id = {0x48, 24},               \
		.maker = (by), .run = (run_fn)                                                     \
	}

static const struct emu_devx_op ops[] = {
	ON(EMU_CMD_CREATE_RQT, create_rqt, MIN_IN, EMU_CMD_HEADER, 0),
	ON(EMU_CMD_MODIFY_RQT, modify_rqt, MIN_IN, EMU_CMD_HEADER, EMU_CMD_CREATE_RQT),
	ON(EMU_CMD_QUERY_RQT, query_rqt, EMU_CMD_HEADER, MIN_OUT, EMU_CMD_CREATE_RQT),
	ON(EMU_CMD_CREATE_TIR, create_tir, MIN_IN, EMU_CMD_HEADER, 0),
	ON(EMU_CMD_MODIFY_TIR, modify_tir, MIN_IN, EMU_CMD_HEADER, EMU_CMD_CREATE_TIR),
	ON(EMU_CMD_QUERY_TIR, query_tir, EMU_CMD_HEADER, MIN_OUT, EMU_CMD_CREATE_TIR),
};

const struct emu_devx_table emu_devx_tir_ops = {ops, EMU_COUNT(ops)};
