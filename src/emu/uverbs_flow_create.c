/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE_FLOW by verbs specs, as the IB core and mlx5_ib do it. Control path. */
#include <errno.h>
#include <rdma/mlx5-abi.h>
#include <string.h>

#include "fault.h"
#include "flow_spec.h"

/* ib_verbs.h, enum ib_flow_flags */
#define FLAG_DONT_TRAP 2u
#define FLAG_EGRESS    4u
#define FLAG_RESERVED  8u

#define SPEC_MAX 88u /* IB core: sizeof(struct ib_uverbs_flow_spec) */

/* What CREATE_FLOW is at work on. */
struct creation {
	struct emu_call *call;
	const struct ib_uverbs_flow_attr *attr;
	struct emu_flow flow;
	struct emu_qp *qp;
	struct emu_specs specs;
	struct emu_flow_ask ask;
	/* the provider's part */
	uint64_t desc; /* struct mlx5_ib_flow_counters_desc, in the program's memory */
	uint32_t n_desc;
};

/* ib_uverbs_ex_create_flow() */
static int check_attr(const struct ib_uverbs_create_flow *cmd, size_t len)
{
	const struct ib_uverbs_flow_attr *attr = &cmd->flow_attr;
	int rc;

	if (cmd->comp_mask)
		return -EINVAL;
	rc = emu_fault_net_raw();
	if (rc)
		return rc;
	if (attr->flags >= FLAG_RESERVED || attr->num_of_specs > EMU_MAX_SPECS)
		return -EINVAL;
	if ((attr->flags & FLAG_DONT_TRAP) &&
	    (attr->type == EMU_FLOW_ALL_DEFAULT || attr->type == EMU_FLOW_MC_DEFAULT))
		return -EINVAL;
	if (attr->size > len - sizeof(*cmd) || attr->size > attr->num_of_specs * SPEC_MAX)
		return -EINVAL;
	if (attr->reserved[0] || attr->reserved[1] || attr->port != 1)
		return -EINVAL;
	return 0;
}

static int find_qp(struct creation *c, uint32_t handle)
{
	struct emu_object *obj = emu_object_find(c->call->ctx, EMU_TYPE_QP, handle);

	if (!obj)
		return -EINVAL;
	c->qp = obj->impl;
	emu_flow_hold(&c->flow, obj);
	return 0;
}

/* The objects that specs name are busy as long as the flow, whatever its type. */
static int find_objects(struct creation *c)
{
	struct emu_object *obj;
	unsigned i;

	for (i = 0; i < c->specs.n; i++) {
		const union emu_spec *spec = &c->specs.spec[i];
		enum emu_type type = EMU_TYPE_COUNTERS;
		uint32_t handle = spec->count.handle;

		if (spec->hdr.type == EMU_SPEC_ACTION_HANDLE) {
			type = EMU_TYPE_FLOW_ACTION;
			handle = spec->handle.handle;
		} else if (spec->hdr.type != EMU_SPEC_ACTION_COUNT) {
			continue;
		}
		obj = emu_object_find(c->call->ctx, type, handle);
		if (!obj)
			return -EINVAL;
		emu_flow_hold(&c->flow, obj);
	}
	return 0;
}

/* struct mlx5_ib_create_flow: what counters are to count. */
static int read_provider(struct creation *c)
{
	const size_t head = sizeof(struct mlx5_ib_create_flow);
	const struct emu_call *call = c->call;
	struct mlx5_ib_flow_counters_data data;
	struct mlx5_ib_create_flow cmd;
	size_t need, i;

	if (!call->uhw_in_len)
		return 0;
	if (call->uhw_in_len < head)
		return -EOPNOTSUPP;
	memcpy(&cmd, call->uhw_in, head);
	if (cmd.ncounters_data > 1)
		return -EINVAL;
	need = head + cmd.ncounters_data * sizeof(data);
	if (call->uhw_in_len < need)
		return -EFAULT;
	for (i = need; i < call->uhw_in_len; i++)
		if (((const uint8_t *)call->uhw_in)[i])
			return -EOPNOTSUPP;
	if (!cmd.ncounters_data)
		return 0;
	memcpy(&data, (const uint8_t *)call->uhw_in + head, sizeof(data));
	c->desc = data.counters_data;
	c->n_desc = data.ncounters;
	return c->n_desc && !c->desc ? -EFAULT : 0;
}

/* mlx5_ib_create_flow() */
static int check_mlx5(const struct ib_uverbs_flow_attr *attr)
{
	if (attr->priority > EMU_FLOW_LAST_PRIO)
		return -ENOMEM;
	if ((attr->flags & FLAG_EGRESS) &&
	    (attr->type == EMU_FLOW_ALL_DEFAULT || attr->type == EMU_FLOW_MC_DEFAULT))
		return -EINVAL;
	return attr->type > EMU_FLOW_SNIFFER ? -EOPNOTSUPP : 0; /* there is no such namespace */
}

/* The objects of specs were found in this order, behind the QP. */
static int apply_specs(struct creation *c)
{
	unsigned i, held = 1;
	int rc = 0;

	for (i = 0; i < c->specs.n && !rc; i++) {
		const union emu_spec *spec = &c->specs.spec[i];

		rc = emu_flow_spec(spec, &c->ask);
		if (rc)
			return rc;
		if (spec->hdr.type == EMU_SPEC_ACTION_HANDLE) {
			rc = emu_flow_action_apply(c->flow.held[held++], &c->ask);
		} else if (spec->hdr.type == EMU_SPEC_ACTION_COUNT) {
			if (c->ask.counter)
				return -EINVAL; /* one spec of counters a flow */
			rc = emu_counters_bind(c->flow.held[held++], c->desc, c->n_desc,
					       &c->ask.counter);
		}
	}
	return rc;
}

static unsigned level_of(const struct creation *c)
{
	bool next = c->attr->flags & FLAG_DONT_TRAP;
	unsigned base = c->ask.egress ? EMU_LEVEL_EGRESS : 0;

	if (emu_specs_multicast(&c->specs) && !next)
		return base + EMU_LEVEL_MCAST;
	return base + EMU_LEVEL(c->attr->priority, next);
}

/* _create_flow_rule(): where to, unless it is nowhere. */
static int set_target(struct creation *c)
{
	if (c->ask.flags & EMU_RULE_DROP)
		return 0;
	if (c->attr->flags & FLAG_DONT_TRAP) {
		if (c->ask.egress)
			return -EOPNOTSUPP; /* mlx5_core: fwd_next_prio_supported() */
		c->ask.flags |= EMU_RULE_NEXT;
	}
	if (c->ask.egress) {
		c->ask.flags |= EMU_RULE_SEND;
		return 0;
	}
	c->flow.tir = c->qp->tir;
	return c->flow.tir ? 0 : -EINVAL; /* TIR number 0: the firmware */
}

static int add_normal(struct creation *c)
{
	int rc;

	c->ask.egress = c->attr->flags & FLAG_EGRESS;
	if (!emu_specs_agree(&c->specs))
		return -EINVAL;
	rc = apply_specs(c);
	if (!rc)
		rc = set_target(c);
	if (rc)
		return rc;
	c->ask.level = level_of(c);
	return emu_flow_add(&c->flow, &c->ask);
}

/* Two rules of one level each, the second where the first has been made. */
static int add_pair(struct creation *c, struct emu_flow_ask *second)
{
	int rc;

	c->flow.tir = c->qp->tir;
	if (!c->flow.tir)
		return -EINVAL;
	rc = emu_flow_add(&c->flow, &c->ask);
	if (rc || !second)
		return rc;
	rc = emu_flow_add(&c->flow, second);
	if (rc)
		emu_flow_remove(&c->flow);
	return rc;
}

/* Leftovers: one rule for multicast and, for ALL_DEFAULT, one for unicast. Specs are not read. */
static int add_leftovers(struct creation *c)
{
	const size_t dmac = 8; /* fte_match_set_lyr_2_4.dmac_47_16 */
	struct emu_flow_ask unicast;

	c->ask.level = EMU_LEVEL_LEFTOVER;
	c->ask.mask[dmac] = 1;
	unicast = c->ask;
	c->ask.value[dmac] = 1;
	return add_pair(c, c->attr->type == EMU_FLOW_ALL_DEFAULT ? &unicast : NULL);
}

static int add_sniffer(struct creation *c)
{
	struct emu_flow_ask sent = c->ask;

	c->ask.level = EMU_LEVEL_SNIFF_RX;
	sent.level = EMU_LEVEL_SNIFF_TX;
	return add_pair(c, &sent);
}

static int add_rules(struct creation *c)
{
	switch (c->attr->type) {
	case EMU_FLOW_NORMAL:
		return add_normal(c);
	case EMU_FLOW_SNIFFER:
		return add_sniffer(c);
	default:
		return add_leftovers(c);
	}
}

/* Counters of a flow that came to nothing lose their description, if it was the first. */
static void unbind(const struct emu_flow *flow)
{
	unsigned i;

	for (i = 0; i < flow->n_held; i++)
		if (flow->held[i]->type == EMU_TYPE_COUNTERS && !flow->held[i]->users)
			emu_counters_unbind(flow->held[i]);
}

static int run_creation(struct creation *c, const struct ib_uverbs_create_flow *cmd)
{
	int rc = check_attr(cmd, c->call->in_len);

	if (!rc)
		rc = find_qp(c, cmd->qp_handle);
	if (!rc)
		rc = emu_specs_read(c->attr, &c->specs);
	if (!rc)
		rc = find_objects(c);
	if (!rc)
		rc = read_provider(c);
	if (!rc)
		rc = check_mlx5(c->attr);
	return rc ? rc : add_rules(c);
}

int emu_flow_create(struct emu_call *call)
{
	/* The command is a structure of 8-byte alignment in the program's memory. */
	const struct ib_uverbs_create_flow *cmd = call->in;
	struct creation c = {.call = call, .attr = &cmd->flow_attr, .flow.dev = call->ctx->dev};
	struct ib_uverbs_create_flow_resp resp = {0};
	struct emu_object *obj = NULL;
	int rc = run_creation(&c, cmd);

	if (!rc) {
		obj = emu_flow_publish(call->ctx, &c.flow);
		rc = obj ? 0 : -ENOMEM;
	}
	if (rc) {
		unbind(&c.flow);
		return rc;
	}
	resp.flow_handle = obj->handle;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}
