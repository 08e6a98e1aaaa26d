/* SPDX-License-Identifier: Apache-2.0 */
/* Flow handles, and the verbs commands that make and destroy flows. Control path. */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <string.h>

#include "broken.h"
#include "flow.h"

/* ---- handles ------------------------------------------------------------------------------- */

void emu_flow_hold(struct emu_flow *flow, struct emu_object *obj)
{
	flow->held[flow->n_held++] = obj;
}

static const uint8_t other_key[EMU_RSS_KEY] = {0x5a, 0x5a, 0xa5, 0x11}; /* --break rss-key */

static void set_destination(struct emu_rule_def *def, struct emu_tir *tir)
{
	def->tir = (uint64_t)(uintptr_t)tir;
	def->ctx = (uint64_t)(uintptr_t)tir->ctx;
	if (tir->self_loopback_uc)
		def->flags |= EMU_RULE_LB_UC;
	if (tir->self_loopback_mc)
		def->flags |= EMU_RULE_LB_MC;
	if (!tir->rss_ready)
		emu_rss_table_init(&tir->rss, emu_broken(RSS_KEY) ? other_key : tir->key);
	tir->rss_ready = true;
}

int emu_flow_add(struct emu_flow *flow, const struct emu_flow_ask *ask)
{
	struct emu_rule_def def = {.level = (uint16_t)ask->level,
				   .flags = ask->flags,
				   .tag = ask->tag,
				   .counter = ask->counter,
				   .reformat = ask->reformat,
				   .modify = ask->modify};
	int rc = emu_flow_pack(ask, &def);

	if (rc || (emu_settings.broken && emu_flow_spoil(&def)))
		return rc;
	emu_engine_pause();
	if (flow->tir)
		set_destination(&def, flow->tir);
	rc = emu_wire_rule_add(flow->dev->index, &def, &flow->slots[flow->n_slots]);
	emu_engine_resume();
	if (rc == -EEXIST && emu_broken(EXISTS))
		return 0;
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
	unsigned i;

	emu_flow_remove(flow);
	if (flow->tir)
		flow->tir->rules--;
	for (i = 0; i < flow->n_held; i++) {
		if (flow->held[i]->type == EMU_TYPE_COUNTERS)
			emu_counters_unbind(flow->held[i]);
		emu_object_put(flow->held[i]);
	}
	free(flow);
}

struct emu_object *emu_flow_publish(struct emu_ctx *ctx, const struct emu_flow *flow)
{
	struct emu_flow *impl = malloc(sizeof(*impl));
	struct emu_object *obj = NULL;
	unsigned i;

	if (impl) {
		*impl = *flow;
		obj = emu_object_new(ctx, EMU_TYPE_FLOW, impl, destroy_flow);
	}
	if (!obj) {
		emu_flow_remove(flow);
		free(impl);
		return NULL;
	}
	if (flow->tir)
		flow->tir->rules++;
	for (i = 0; i < flow->n_held; i++)
		emu_object_get(flow->held[i]);
	return obj;
}

/* ---- DESTROY_FLOW ---------------------------------------------------------------------------- */

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
	{IB_USER_VERBS_EX_CMD_CREATE_FLOW, true, true, sizeof(struct ib_uverbs_create_flow),
	 EMU_END(struct ib_uverbs_create_flow_resp, flow_handle), 0, emu_flow_create},
	EMU_CMD_EX(IB_USER_VERBS_EX_CMD_DESTROY_FLOW, struct ib_uverbs_destroy_flow, flow_handle, 0,
		   destroy_flow_cmd),
};

const struct emu_table emu_flow_table = {methods, EMU_COUNT(methods), writes, EMU_COUNT(writes)};
