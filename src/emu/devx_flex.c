/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FLEX_PARSE_GRAPH objects: a header that the program tells the card of, and words of it that rules
 * match by misc_parameters_4. Firmware has them where FLEX_PARSER_PROFILE_ENABLE is 4.
 */
#include "devx_prm.h"
#include "uverbs_mem.h"
#include "wire.h"

#include <string.h>

#define EMU_DEVX_FILE 0xc0000u
#define FLEX_SIZE     416u /* parse_graph_flex */
#define TABLE_ENTRY   16u  /* bytes of parse_graph_flow_match_sample, parse_graph_arc */
#define SAMPLES_AT    32u
#define ARCS_IN_AT    160u
#define ARCS_OUT_AT   288u

struct flex {
	struct emu_devx_obj o;
	uint8_t n, slots[EMU_DEEP_SAMPLES];
	uint32_t ids[EMU_DEEP_SAMPLES];
	uint8_t context[FLEX_SIZE]; /* with the ids */
};

static const uint8_t *entry(const uint8_t *flex, unsigned table, unsigned i)
{
	return flex + table + (size_t)i * TABLE_ENTRY;
}

static void free_samples(const struct emu_dev *dev, const struct flex *f)
{
	for (unsigned i = 0; i < f->n; i++)
		emu_wire_sample_free(dev->index, f->slots[i]);
}

static void flex_release(struct emu_devx_obj *o)
{
	free_samples(o->obj->ctx->dev, (const struct flex *)o);
}

struct emu_object *emu_devx_flex(struct emu_ctx *ctx, uint32_t id)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		const struct flex *f = obj->impl;

		if (obj->type != EMU_TYPE_DEVX_OBJ || f->o.type != EMU_OBJ_FLEX_PARSE_GRAPH)
			continue;
		for (unsigned i = 0; i < f->n; i++) {
			if (f->ids[i] == id)
				return obj;
		}
	}
	return NULL;
}

/* What parse_graph_node_cap does not offer: lengths that a field tells, headers behind this one. */
static bool flex_ok(const uint8_t *flex)
{
	unsigned i;

	for (i = 0; i < EMU_FLEX_ARCS; i++) {
		if (emu_get(entry(flex, ARCS_OUT_AT, i), F_ARC_NODE))
			return false;
	}
	return !emu_get(flex, F_FLEX_LENGTH_MODE) && !emu_get(flex, F_FLEX_NEXT_SIZE) &&
	       emu_get(flex, F_FLEX_LENGTH) <= EMU_FLEX_HEADER;
}

/* The arcs that lead to the header; 0: none, or one from what this card does not know. */
static unsigned read_arcs(const uint8_t *flex, struct emu_sample *s)
{
	unsigned i, n = 0;

	for (i = 0; i < EMU_FLEX_ARCS; i++) {
		const uint8_t *arc = entry(flex, ARCS_IN_AT, i);
		uint64_t node = emu_get(arc, F_ARC_NODE);

		if (!node)
			continue;
		if (node >= 32 || !(EMU_NODES_IN >> node & 1) || emu_get(arc, F_ARC_INNER))
			return 0;
		s->arcs[n++] = (struct emu_arc){(uint16_t)node,
						(uint16_t)emu_get(arc, F_ARC_VALUE)};
	}
	return n;
}

/* At a fixed place, of the outer headers or of those that come first. */
static bool sample_ok(const uint8_t *sample)
{
	return emu_get(sample, F_SAMPLE_MODE) == 0 && emu_get(sample, F_SAMPLE_TUNNEL) != 1;
}

static enum emu_status make_samples(struct emu_devx_cmd *cmd, const struct emu_sample *like,
				    struct flex *f)
{
	struct emu_dev *dev = cmd->ctx->dev;
	unsigned i;

	for (i = 0; i < EMU_DEEP_SAMPLES; i++) {
		uint8_t *sample = f->context + SAMPLES_AT + (size_t)i * TABLE_ENTRY;
		struct emu_sample s = *like;
		int slot;

		if (!emu_get(sample, F_SAMPLE_EN))
			continue;
		if (!sample_ok(sample))
			return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
		s.offset = (uint8_t)emu_get(sample, F_SAMPLE_BASE);
		s.id = emu_number(dev);
		slot = emu_wire_sample_new(dev->index, &s);
		if (slot < 0)
			return EMU_REFUSE(cmd, EMU_ST_NO_RES);
		f->slots[f->n] = (uint8_t)slot;
		f->ids[f->n++] = s.id;
		emu_set(sample, F_SAMPLE_ID, s.id);
	}
	return EMU_ST_OK;
}

static enum emu_status create_flex(struct emu_devx_cmd *cmd)
{
	const uint8_t *flex = cmd->in + EMU_CMD_HEADER;
	struct emu_sample like = {0};
	enum emu_status status;
	struct flex *f;

	if (cmd->op_mod != EMU_OBJ_FLEX_PARSE_GRAPH || !emu_settings.flex_parser)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (cmd->in_len < EMU_CMD_HEADER + FLEX_SIZE)
		return EMU_REFUSE(cmd, EMU_ST_BAD_INPUT_LEN);
	like.header = (uint8_t)emu_get(flex, F_FLEX_LENGTH);
	if (!flex_ok(flex) || !read_arcs(flex, &like))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	f = emu_devx_new(cmd, sizeof(*f));
	if (!f)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	memcpy(f->context, flex, FLEX_SIZE);
	status = make_samples(cmd, &like, f);
	if (status != EMU_ST_OK) {
		free_samples(cmd->ctx->dev, f);
		return status;
	}
	f->o.id = emu_number(cmd->ctx->dev);
	f->o.type = EMU_OBJ_FLEX_PARSE_GRAPH;
	f->o.release = flex_release;
	emu_set(cmd->out, F_GENERAL_ID, f->o.id);
	return EMU_ST_OK;
}

static enum emu_status query_flex(struct emu_devx_cmd *cmd)
{
	const struct flex *f = cmd->target->impl;

	memcpy(cmd->out + EMU_CMD_HEADER, f->context, FLEX_SIZE);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_CREATE_GENERAL_OBJECT,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_flex},
	{.opcode = EMU_CMD_QUERY_GENERAL_OBJECT,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER + FLEX_SIZE,
	 .id = {0x40, 32},
	 .maker = EMU_CMD_CREATE_GENERAL_OBJECT,
	 .run = query_flex},
};

const struct emu_devx_table emu_devx_flex_ops = {ops, EMU_COUNT(ops)};
