/* SPDX-License-Identifier: Apache-2.0 */
/* Counter sets of queues. */
#include "devx_prm.h"

#define EMU_DEVX_FILE 0x70000u
#define MAX_SETS      255u /* 8 bits, and 0 is the port's own */
#define QUERY_SIZE    32u

static bool taken[EMU_MAX_PORTS][MAX_SETS + 1];

static void counter_release(struct emu_devx_obj *o)
{
	taken[o->obj->ctx->dev->index][o->id] = false;
}

struct emu_q_counter *emu_devx_counter(struct emu_ctx *ctx, uint32_t id)
{
	return (struct emu_q_counter *)emu_devx_find(ctx, EMU_CMD_ALLOC_Q_COUNTER, id);
}

static enum emu_status alloc_counter(struct emu_devx_cmd *cmd)
{
	bool *sets = taken[cmd->ctx->dev->index];
	struct emu_q_counter *set;
	uint32_t id = 1;

	while (id <= MAX_SETS && sets[id])
		id++;
	if (id > MAX_SETS)
		return EMU_REFUSE(cmd, EMU_ST_NO_RES);
	set = emu_devx_new(cmd, sizeof(*set));
	if (!set)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	sets[id] = true;
	set->o.id = id;
	set->o.release = counter_release;
	emu_set(cmd->out, F_COUNTER_SET, id);
	return EMU_ST_OK;
}

static enum emu_status query_counter(struct emu_devx_cmd *cmd)
{
	struct emu_q_counter *set = cmd->target->impl;

	emu_engine_pause();
	emu_set(cmd->out, F_OUT_OF_BUFFER, set->out_of_buffer);
	if (emu_get(cmd->in, F_QUERY_CLEAR))
		set->out_of_buffer = 0;
	emu_engine_resume();
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_ALLOC_Q_COUNTER,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER,
	 .run = alloc_counter},
	{.opcode = EMU_CMD_QUERY_Q_COUNTER,
	 .min_in = QUERY_SIZE,
	 .min_out = EMU_Q_COUNTER_OUT,
	 .id = {0xf8, 8},
	 .maker = EMU_CMD_ALLOC_Q_COUNTER,
	 .run = query_counter},
};

const struct emu_devx_table emu_devx_counter_ops = {ops, EMU_COUNT(ops)};
