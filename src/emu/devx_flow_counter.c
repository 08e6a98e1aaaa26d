/* SPDX-License-Identifier: Apache-2.0 */
/* Flow counters made by commands of the firmware, singly or in bulk: numbers of the wire's. */
#include "devx_prm.h"
#include "emu_be.h"
#include "gpu.h"
#include "wire.h"

#include <string.h>

#define EMU_DEVX_FILE 0xb0000u
#define BULK_UNIT     128u /* mlx5_ifc.h: MLX5_FC_BULK_SIZE_FACTOR */
#define QUERY_SIZE    32u
#define COUNTER_SIZE  16u /* traffic_counter */
/* mlx5_core, fs_counters.c: where counters are queried in bulk, the first id and their number are
 * multiples of it. */
#define BULK_ALIGN 4u

struct flow_counter {
	struct emu_devx_obj o; /* id: the first one */
	uint32_t n;
};

static void counter_release(struct emu_devx_obj *o)
{
	emu_wire_counter_free(o->id, ((struct flow_counter *)o)->n);
}

/* devx_is_flow_counter(): an offset of a single counter is 0 */
uint32_t emu_devx_flow_counter(const struct emu_object *obj, uint32_t offset)
{
	const struct flow_counter *c = obj->impl;

	if (c->o.opcode != EMU_CMD_ALLOC_FLOW_COUNTER || offset >= c->n)
		return 0;
	return c->o.id + offset;
}

/* 0: not a size of this card. */
static uint32_t size_of(const struct emu_devx_cmd *cmd)
{
	uint32_t units = (uint32_t)emu_get(cmd->in, F_COUNTER_BULK);

	/* a PD (alloc_flow_counter_pd) and log sizes (of cmd_hca_cap_2) are not offered */
	if (emu_get(cmd->in, F_COUNTER_PD) || emu_get(cmd->in, F_COUNTER_LOG_BULK) ||
	    (units & (units - 1)))
		return 0;
	return units ? units * BULK_UNIT : 1;
}

static enum emu_status alloc_counter(struct emu_devx_cmd *cmd)
{
	uint32_t n = size_of(cmd);
	struct flow_counter *c;

	if (!n)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	c = emu_devx_new(cmd, sizeof(*c));
	if (!c)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	if (emu_wire_counter_new(n, n > 1 ? BULK_ALIGN : 1, &c->o.id))
		return EMU_REFUSE(cmd, EMU_ST_NO_RES);
	c->n = n;
	c->o.release = counter_release;
	emu_set(cmd->out, F_GENERAL_ID, c->o.id);
	return EMU_ST_OK;
}

/* Where n counters go: to the answer, or to memory that the program names by a key of its own. */
static uint8_t *place(struct emu_devx_cmd *cmd, uint32_t n)
{
	uint32_t key = (uint32_t)emu_get(cmd->in, F_QUERY_MKEY);
	struct emu_wqe_data seg = {
		.byte_count = emu_to_be32(n * COUNTER_SIZE),
		.lkey = emu_to_be32(key),
		.addr = emu_to_be64(emu_get(cmd->in, F_QUERY_ADDRESS)),
	};
	const struct emu_dev *dev = cmd->ctx->dev;
	const struct emu_mkey *mkey;
	uint8_t *at;

	if (!emu_get(cmd->in, F_QUERY_DUMP))
		return cmd->out_len >= EMU_CMD_HEADER + (size_t)n * COUNTER_SIZE
			       ? cmd->out + EMU_CMD_HEADER
			       : NULL;
	mkey = emu_mkey_at(dev, key);
	if (!mkey || !emu_devx_find_pd(cmd->ctx, mkey->pdn))
		return NULL;
	at = emu_mem(dev, &seg, mkey->pdn, EMU_ACCESS_LOCAL_WRITE);
	return emu_gpu_holds(at) ? NULL : at;
}

static void put_counter(uint8_t *to, uint32_t number, bool clear)
{
	uint64_t packets, bytes;
	__be64 words[2];

	if (clear)
		emu_wire_counter_take(number, &packets, &bytes);
	else
		emu_wire_counter_read(number, &packets, &bytes);
	words[0] = emu_to_be64(packets);
	words[1] = emu_to_be64(bytes);
	memcpy(to, words, COUNTER_SIZE);
}

static enum emu_status query_counter(struct emu_devx_cmd *cmd)
{
	uint32_t n = (uint32_t)emu_get(cmd->in, F_QUERY_COUNTERS), i;
	const struct flow_counter *c = cmd->target->impl;
	uint8_t *to;

	if (n > c->n || n % BULK_ALIGN)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	n = n ? n : 1; /* one counter is asked for by none */
	to = place(cmd, n);
	if (!to)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	for (i = 0; i < n; i++)
		put_counter(to + (size_t)i * COUNTER_SIZE, c->o.id + i,
			    emu_get(cmd->in, F_QUERY_CLEAR));
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_ALLOC_FLOW_COUNTER,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER,
	 .run = alloc_counter},
	{.opcode = EMU_CMD_QUERY_FLOW_COUNTER,
	 .min_in = QUERY_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .id = {0xe0, 32},
	 .maker = EMU_CMD_ALLOC_FLOW_COUNTER,
	 .run = query_counter},
};

const struct emu_devx_table emu_devx_flow_counter_ops = {ops, EMU_COUNT(ops)};
