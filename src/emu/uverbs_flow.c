/* SPDX-License-Identifier: Apache-2.0 */
/* Flow handles, and the verbs commands that make and destroy flows. Control path. */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "flow.h"

#define LAST_PRIORITY 15u /* mlx5_ib: MLX5_IB_FLOW_LAST_PRIO */
#define MAX_SPECS     10u /* IB core: IB_FLOW_SPEC_SUPPORT_LAYERS */

/* ib_verbs.h, enum ib_flow_flags */
#define FLAG_DONT_TRAP 2u
#define FLAG_EGRESS    4u
#define FLAG_RESERVED  8u

/* What the parser fills in: bits of fte_match_param's outer headers and misc_parameters. */
static const uint32_t matchable[EMU_PKT_WORDS] = {
	[0] = 0xffffffff,  [1] = 0xffffffff,  [2] = 0xffffffff,	 [3] = 0xffffffff,
	[4] = 0xffffffff,  [5] = 0xffffffff,  [6] = 0x0000f0ff,	 [7] = 0xffffffff,
	[8] = 0xffffffff,  [9] = 0xffffffff,  [10] = 0xffffffff, [11] = 0xffffffff,
	[12] = 0xffffffff, [13] = 0xffffffff, [14] = 0xffffffff, [15] = 0xffffffff,
	[18] = 0xffff0000, [19] = 0xa0000000, [21] = 0xffffff00, [23] = 0x000fffff,
};

int emu_flow_pack(const struct emu_flow_ask *ask, struct emu_rule_def *def)
{
	uint32_t mask, value;
	unsigned i;

	def->n_words = 0;
	for (i = 0; i < EMU_MATCH_SIZE / 4; i++) {
		memcpy(&mask, ask->mask + (size_t)i * 4, 4);
		memcpy(&value, ask->value + (size_t)i * 4, 4);
		if (value & ~mask)
			return -EINVAL;
		if (!mask)
			continue;
		if (i >= EMU_PKT_WORDS || (be32toh(mask) & ~matchable[i]) ||
		    def->n_words == EMU_RULE_WORDS)
			return -EOPNOTSUPP;
		def->index[def->n_words] = (uint8_t)i;
		def->mask[def->n_words] = mask;
		def->value[def->n_words++] = value;
	}
	return 0;
}

/* ---- handles ------------------------------------------------------------------------------- */

static void set_destination(struct emu_rule_def *def, struct emu_tir *tir)
{
	def->tir = (uint64_t)(uintptr_t)tir;
	def->ctx = (uint64_t)(uintptr_t)tir->ctx;
	if (tir->self_loopback_uc)
		def->flags |= EMU_RULE_LB_UC;
	if (tir->self_loopback_mc)
		def->flags |= EMU_RULE_LB_MC;
	if (!tir->rss_ready)
		emu_rss_table_init(&tir->rss, tir->key);
	tir->rss_ready = true;
}

int emu_flow_add(struct emu_flow *flow, const struct emu_flow_ask *ask)
{
	struct emu_rule_def def = {
		.level = (uint16_t)ask->level, .flags = ask->flags, .tag = ask->tag};
	int rc = emu_flow_pack(ask, &def);

	if (rc)
		return rc;
	emu_engine_pause();
	if (flow->tir)
		set_destination(&def, flow->tir);
	rc = emu_wire_rule_add(flow->dev->index, &def, &flow->slots[flow->n_slots]);
	emu_engine_resume();
	if (!rc)
		flow->n_slots++;
	return rc;
}

void emu_flow_remove(const struct emu_flow *flow)
{
	unsigned i;

	emu_engine_pause();
	for (i = 0; i < flow->n_slots; i++)
		emu_wire_rule_del(flow->dev->index, flow->slots[i]);
	emu_engine_resume();
}

static void destroy_flow(struct emu_object *obj)
{
	struct emu_flow *flow = obj->impl;

	emu_flow_remove(flow);
	if (flow->tir) {
		flow->tir->rules--;
		emu_object_put(flow->dest);
	}
	emu_object_put(flow->matcher);
	free(flow);
}

struct emu_object *emu_flow_publish(struct emu_ctx *ctx, const struct emu_flow *flow)
{
	struct emu_flow *impl = malloc(sizeof(*impl));
	struct emu_object *obj;

	if (!impl)
		return NULL;
	*impl = *flow;
	obj = emu_object_new(ctx, EMU_TYPE_FLOW, impl, destroy_flow);
	if (!obj) {
		free(impl);
		return NULL;
	}
	if (flow->tir) {
		flow->tir->rules++;
		emu_object_get(flow->dest);
	}
	if (flow->matcher)
		emu_object_get(flow->matcher);
	return obj;
}

/* ---- CREATE_FLOW by verbs specs ------------------------------------------------------------ */

static int check_attr(const struct ib_uverbs_create_flow *cmd, size_t len)
{
	const struct ib_uverbs_flow_attr *attr = &cmd->flow_attr;

	if (cmd->comp_mask || attr->flags >= FLAG_RESERVED || attr->num_of_specs > MAX_SPECS)
		return -EINVAL;
	if ((attr->flags & FLAG_DONT_TRAP) &&
	    (attr->type == EMU_FLOW_ALL_DEFAULT || attr->type == EMU_FLOW_MC_DEFAULT))
		return -EINVAL;
	if (attr->size > len - sizeof(*cmd) || attr->reserved[0] || attr->reserved[1])
		return -EINVAL;
	if (attr->priority > LAST_PRIORITY)
		return -ENOMEM;
	if (attr->port > 1 || attr->type > EMU_FLOW_SNIFFER)
		return -EINVAL;
	if (attr->flags & (FLAG_DONT_TRAP | FLAG_EGRESS) || attr->type == EMU_FLOW_SNIFFER)
		return -EOPNOTSUPP; /* not offered by this device */
	return 0;
}

/* The sizes of the specs add up to what the attribute says, as the IB core wants it. */
static int check_sizes(const struct ib_uverbs_flow_attr *attr)
{
	const uint8_t *at = (const uint8_t *)attr->flow_specs;
	struct ib_uverbs_flow_spec_hdr hdr;
	size_t left = attr->size;
	unsigned i;

	for (i = 0; i < attr->num_of_specs; i++) {
		if (left < sizeof(hdr))
			return -EINVAL;
		memcpy(&hdr, at, sizeof(hdr));
		if (hdr.size < sizeof(hdr) || hdr.size > left || hdr.reserved)
			return -EINVAL;
		at += hdr.size;
		left -= hdr.size;
	}
	return left ? -EINVAL : 0;
}

static int read_specs(const struct ib_uverbs_flow_attr *attr, struct emu_flow_ask *ask)
{
	const uint8_t *at = (const uint8_t *)attr->flow_specs;
	const struct ib_uverbs_flow_spec_hdr *hdr;
	unsigned i;
	int rc;

	if (!emu_flow_specs_agree(attr))
		return -EINVAL;
	for (i = 0; i < attr->num_of_specs; i++) {
		hdr = (const struct ib_uverbs_flow_spec_hdr *)(const void *)at;
		rc = emu_flow_spec(hdr, ask);
		if (rc)
			return rc;
		at += hdr->size;
	}
	return 0;
}

static int add_normal(struct emu_flow *flow, const struct ib_uverbs_flow_attr *attr)
{
	struct emu_flow_ask ask;
	int rc;

	memset(&ask, 0, sizeof(ask));
	ask.level = emu_flow_specs_multicast(attr) ? EMU_LEVEL_MCAST : attr->priority;
	rc = read_specs(attr, &ask);
	if (rc)
		return rc;
	if (ask.flags & EMU_RULE_DROP)
		flow->tir = NULL; /* mlx5_ib: the queue pair of a drop rule is not used */
	return emu_flow_add(flow, &ask);
}

/* Leftovers: one rule for multicast and, for ALL_DEFAULT, one for unicast. Specs are not read. */
static int add_leftovers(struct emu_flow *flow, bool all)
{
	const size_t dmac = 8; /* fte_match_set_lyr_2_4.dmac_47_16 */
	struct emu_flow_ask ask;
	int rc;

	memset(&ask, 0, sizeof(ask));
	ask.level = EMU_LEVEL_LEFTOVER;
	ask.mask[dmac] = 1;
	ask.value[dmac] = 1;
	rc = emu_flow_add(flow, &ask);
	if (rc || !all)
		return rc;
	ask.value[dmac] = 0;
	rc = emu_flow_add(flow, &ask);
	if (rc)
		emu_flow_remove(flow);
	return rc;
}

static int find_qp(struct emu_call *call, uint32_t handle, struct emu_flow *flow)
{
	flow->dest = emu_object_find(call->ctx, EMU_TYPE_QP, handle);
	if (!flow->dest)
		return -EINVAL;
	flow->tir = ((struct emu_qp *)flow->dest->impl)->tir;
	return flow->tir ? 0 : -EINVAL;
}

static int create_flow(struct emu_call *call)
{
	struct ib_uverbs_create_flow_resp resp = {0};
	struct emu_flow flow = {.dev = call->ctx->dev};
	/* The command is a structure of 8-byte alignment in the program's memory. */
	const struct ib_uverbs_create_flow *cmd = call->in;
	struct emu_object *obj;
	int rc = check_attr(cmd, call->in_len);

	if (!rc)
		rc = emu_fault_net_raw();
	if (!rc)
		rc = check_sizes(&cmd->flow_attr);
	if (!rc)
		rc = find_qp(call, cmd->qp_handle, &flow);
	if (rc)
		return rc;
	if (cmd->flow_attr.type == EMU_FLOW_NORMAL)
		rc = add_normal(&flow, &cmd->flow_attr);
	else
		rc = add_leftovers(&flow, cmd->flow_attr.type == EMU_FLOW_ALL_DEFAULT);
	if (rc)
		return rc;
	obj = emu_flow_publish(call->ctx, &flow);
	if (!obj) {
		emu_flow_remove(&flow);
		return -ENOMEM;
	}
	resp.flow_handle = obj->handle;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static int destroy_flow_cmd(struct emu_call *call)
{
	struct ib_uverbs_destroy_flow cmd;
	struct emu_object *obj;

	emu_write_in(call, &cmd, sizeof(cmd));
	if (cmd.comp_mask)
		return -EINVAL;
	obj = emu_object_find(call->ctx, EMU_TYPE_FLOW, cmd.flow_handle);
	return obj ? emu_object_destroy(obj) : -ENOENT;
}

/* ---- ioctl methods ------------------------------------------------------------------------- */

static int destroy_core(struct emu_call *call)
{
	struct emu_object *obj;
	int rc = emu_attr_object(call, UVERBS_ATTR_DESTROY_FLOW_HANDLE, EMU_TYPE_FLOW, &obj);

	return rc ? rc : emu_object_destroy(obj);
}

static int destroy_dv(struct emu_call *call)
{
	struct emu_object *obj;
	int rc = emu_attr_object(call, MLX5_IB_ATTR_DESTROY_FLOW_HANDLE, EMU_TYPE_FLOW, &obj);

	return rc ? rc : emu_object_destroy(obj);
}

static const struct emu_attr_spec core_destroy_attrs[] = {
	{UVERBS_ATTR_DESTROY_FLOW_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec dv_destroy_attrs[] = {
	{MLX5_IB_ATTR_DESTROY_FLOW_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec dv_create_attrs[] = {
	{MLX5_IB_ATTR_CREATE_FLOW_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE, EMU_ATTR_IN, EMU_MUST, 1,
	 sizeof(struct mlx5_ib_match_params)},
	{MLX5_IB_ATTR_CREATE_FLOW_DEST_QP, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{MLX5_IB_ATTR_CREATE_FLOW_MATCHER, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_CREATE_FLOW_ARR_FLOW_ACTIONS, EMU_ATTR_OBJECTS, EMU_MAY, 4, 8},
	{MLX5_IB_ATTR_CREATE_FLOW_TAG, EMU_ATTR_IN, EMU_MAY, 4, 4},
	{MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX, EMU_ATTR_OBJECTS, EMU_MAY, 4, 4},
	{MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX_OFFSET, EMU_ATTR_IN, EMU_MAY, 4, 4},
	{MLX5_IB_ATTR_CREATE_FLOW_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
};

static const struct emu_attr_spec matcher_create_attrs[] = {
	{MLX5_IB_ATTR_FLOW_MATCHER_CREATE_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_FLOW_MATCHER_MATCH_MASK, EMU_ATTR_IN, EMU_MUST, 1,
	 sizeof(struct mlx5_ib_match_params)},
	{MLX5_IB_ATTR_FLOW_MATCHER_FLOW_TYPE, EMU_ATTR_IN, EMU_MUST, 0, 2},
	{MLX5_IB_ATTR_FLOW_MATCHER_MATCH_CRITERIA, EMU_ATTR_IN, EMU_MUST, 1, 1},
	{MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
	{MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE, EMU_ATTR_IN, EMU_MAY, 4, 8},
};

static const struct emu_attr_spec matcher_destroy_attrs[] = {
	{MLX5_IB_ATTR_FLOW_MATCHER_DESTROY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_FLOW, UVERBS_METHOD_FLOW_DESTROY, false, destroy_core,
	 EMU_SPECS(core_destroy_attrs)},
	{UVERBS_OBJECT_FLOW, MLX5_IB_METHOD_CREATE_FLOW, false, emu_flow_dv_create,
	 EMU_SPECS(dv_create_attrs)},
	{UVERBS_OBJECT_FLOW, MLX5_IB_METHOD_DESTROY_FLOW, false, destroy_dv,
	 EMU_SPECS(dv_destroy_attrs)},
	{MLX5_IB_OBJECT_FLOW_MATCHER, MLX5_IB_METHOD_FLOW_MATCHER_CREATE, false,
	 emu_flow_matcher_create, EMU_SPECS(matcher_create_attrs)},
	{MLX5_IB_OBJECT_FLOW_MATCHER, MLX5_IB_METHOD_FLOW_MATCHER_DESTROY, false,
	 emu_flow_matcher_destroy, EMU_SPECS(matcher_destroy_attrs)},
};

static const struct emu_write writes[] = {
	{IB_USER_VERBS_EX_CMD_CREATE_FLOW, true, sizeof(struct ib_uverbs_create_flow),
	 sizeof(struct ib_uverbs_create_flow_resp), create_flow},
	{IB_USER_VERBS_EX_CMD_DESTROY_FLOW, true, sizeof(struct ib_uverbs_destroy_flow), 0,
	 destroy_flow_cmd},
};

const struct emu_table emu_flow_table = {methods, EMU_COUNT(methods), writes, EMU_COUNT(writes)};
