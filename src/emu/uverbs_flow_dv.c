/* SPDX-License-Identifier: Apache-2.0 */
/* mlx5dv flow matchers, and flows made from them. Control path. */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <stdlib.h>
#include <string.h>

#include "devx.h"
#include "fault.h"
#include "flow.h"
#include "packet_deep.h"

#define FLAG_EGRESS 4u /* ib_verbs.h: IB_FLOW_ATTR_FLAGS_EGRESS */

/* mlx5_ib's own numbers for flow types (MLX5_IB_FLOW_TYPE_*) differ from the IB core's. */

struct matcher {
	uint8_t mask[EMU_MATCH_SIZE];
	uint8_t enable; /* match_criteria_enable */
	uint8_t type;	/* MLX5_IB_FLOW_TYPE_* */
	uint16_t priority;
	uint32_t table; /* enum mlx5_ib_uapi_flow_table_type */
};

/* Copies a match buffer; what lies behind the sections that we know must be zero. */
static int copy_match(const struct emu_call *call, uint16_t id, uint8_t match[EMU_MATCH_SIZE])
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);
	const uint8_t *bytes = emu_attr_bytes(attr);
	size_t len = emu_attr_len(attr), i;

	for (i = EMU_MATCH_SIZE; i < len; i++)
		if (bytes[i])
			return -EOPNOTSUPP;
	memset(match, 0, EMU_MATCH_SIZE);
	memcpy(match, bytes, len < EMU_MATCH_SIZE ? len : EMU_MATCH_SIZE);
	return 0;
}

/*
 * Sections of fte_match_param: a byte that is set asks for its section's enable bit. The kernel
 * does not look; the firmware does when a rule is made (CREATE_FLOW_GROUP: BAD_PARAM).
 */
static bool enable_covers(const struct matcher *m)
{
	size_t i;

	for (i = 0; i < EMU_MATCH_SIZE; i++)
		if (m->mask[i] && !(m->enable & (1u << i / 64)))
			return false;
	return true;
}

/* mlx5_ib_matcher_ns() */
static int read_table(const struct emu_call *call, struct matcher *m)
{
	bool has_flags = emu_attr(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS);
	bool has_type = emu_attr(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE);
	uint64_t flags = emu_attr_value(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS);
	uint64_t type = emu_attr_value(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE);

	if (has_flags && has_type)
		return -EINVAL;
	if (type > MLX5_IB_UAPI_FLOW_TABLE_TYPE_RDMA_TX || (flags & ~(uint64_t)FLAG_EGRESS))
		return -EINVAL;
	m->table = flags ? MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX : (uint32_t)type;
	return 0;
}

static int read_matcher(const struct emu_call *call, struct matcher *m)
{
	struct ib_uverbs_attr *type = emu_attr(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_TYPE);
	int rc = copy_match(call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_MASK, m->mask);

	if (rc)
		return rc;
	m->type = type->attr_data.enum_data.elem_id;
	if (m->type > MLX5_IB_FLOW_TYPE_MC_DEFAULT)
		return -EOPNOTSUPP;
	if (m->type == MLX5_IB_FLOW_TYPE_NORMAL) {
		if (emu_attr_len(type) != sizeof(m->priority))
			return -EINVAL;
		memcpy(&m->priority, emu_attr_bytes(type), sizeof(m->priority));
	}
	m->enable = (uint8_t)emu_attr_value(call, MLX5_IB_ATTR_FLOW_MATCHER_MATCH_CRITERIA);
	return read_table(call, m);
}

static void destroy_matcher(struct emu_object *obj)
{
	free(obj->impl);
}

int emu_flow_matcher_create(struct emu_call *call)
{
	struct matcher *m = calloc(1, sizeof(*m));
	struct emu_object *obj;
	int rc;

	if (!m)
		return -ENOMEM;
	rc = read_matcher(call, m);
	if (rc)
		goto err_free;
	obj = emu_object_new(call->ctx, EMU_TYPE_MATCHER, m, destroy_matcher);
	if (!obj) {
		rc = -ENOMEM;
		goto err_free;
	}
	emu_attr_put_new(call, MLX5_IB_ATTR_FLOW_MATCHER_CREATE_HANDLE, obj->handle);
	return 0;

err_free:
	free(m);
	return rc;
}

int emu_flow_matcher_destroy(struct emu_call *call)
{
	struct emu_object *obj;
	int rc = emu_attr_object(call, MLX5_IB_ATTR_FLOW_MATCHER_DESTROY_HANDLE, EMU_TYPE_MATCHER,
				 &obj);

	return rc ? rc : emu_object_destroy(obj);
}

/* ---- flows --------------------------------------------------------------------------------- */

/*
 * As mlx5_ib does for raw rules: multicast DMAC in value and mask, or multicast IPv4 destination in
 * value and mask.
 */
static bool is_multicast(const struct matcher *m, const uint8_t *value)
{
	const size_t dmac = 8, ipv4 = 60;

	if (!(m->enable & 1))
		return false;
	if ((m->mask[dmac] & 1) && (value[dmac] & 1))
		return true;
	return (m->mask[ipv4] & 0xf0) == 0xe0 && (value[ipv4] & 0xf0) == 0xe0;
}

/* What CREATE_FLOW is at work on. */
struct creation {
	struct emu_call *call;
	const struct matcher *matcher;
	struct emu_flow flow;
	struct emu_flow_ask ask;
};

/* get_dests(): which destinations go with which table. Whatever is wrong, it is EINVAL. */
static int check_destination(const struct creation *c, uint64_t flags)
{
	bool devx = emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX);
	bool qp = emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_QP);
	bool drop = flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP;
	bool miss = flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS;

	if (flags & ~(uint64_t)(MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS |
				MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP))
		return -EINVAL;
	if (drop && miss)
		return -EINVAL;
	switch (c->matcher->table) {
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_RX: /* none at all: the firmware */
		return devx + qp + drop + miss == 1 ? 0 : -EINVAL;
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX: /* a TIR is none here */
		return devx || qp ? -EINVAL : 0;
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_FDB:
		return devx || drop ? 0 : -EINVAL;
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_RDMA_RX:
		return devx != qp ? 0 : -EINVAL;
	default:
		return 0;
	}
}

static int find_tir(struct creation *c)
{
	bool devx = emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX);
	struct emu_object *obj;
	int rc;

	if (!devx && !emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_QP))
		return 0;
	if (devx)
		rc = emu_attr_object(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX, EMU_TYPE_DEVX_OBJ,
				     &obj);
	else
		rc = emu_attr_object(c->call, MLX5_IB_ATTR_CREATE_FLOW_DEST_QP, EMU_TYPE_QP, &obj);
	if (rc)
		return rc;
	/* is_flow_dest(): a TIR, or a flow table, of which this device gives none out */
	c->flow.tir = devx ? emu_devx_tir(obj) : ((struct emu_qp *)obj->impl)->tir;
	emu_flow_hold(&c->flow, obj);
	return c->flow.tir ? 0 : -EINVAL;
}

static int read_destination(struct creation *c)
{
	uint64_t flags = emu_attr_value(c->call, MLX5_IB_ATTR_CREATE_FLOW_FLAGS);
	int rc = check_destination(c, flags);

	if (rc)
		return rc;
	if (flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS)
		c->ask.flags |= EMU_RULE_MISS;
	if (flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP)
		c->ask.flags |= EMU_RULE_DROP;
	c->ask.egress = c->matcher->table == MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX;
	if (c->ask.egress)
		c->ask.flags |= EMU_RULE_SEND;
	return find_tir(c);
}

/* MLX5_IB_CREATE_FLOW_MAX_FLOW_ACTIONS: the attribute's length says that there are two at most. */
static int read_flow_actions(struct creation *c)
{
	struct ib_uverbs_attr *attr = emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_ARR_FLOW_ACTIONS);
	struct emu_object *obj;
	uint32_t handle;
	size_t i;
	int rc;

	for (i = 0; attr && i < attr->len / sizeof(handle); i++) {
		memcpy(&handle, (const uint8_t *)emu_attr_bytes(attr) + i * sizeof(handle),
		       sizeof(handle));
		obj = emu_object_find(c->call->ctx, EMU_TYPE_FLOW_ACTION, handle);
		if (!obj)
			return -ENOENT;
		rc = emu_flow_action_apply(obj, &c->ask);
		if (rc)
			return rc;
		emu_flow_hold(&c->flow, obj);
	}
	return 0;
}

/* get_dests(), its end: one counter, which may be any of a bulk. */
static int read_counter(struct creation *c)
{
	struct ib_uverbs_attr *attr = emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX);
	struct emu_object *obj;
	uint32_t handle, offset = 0;

	if (!attr)
		return 0;
	memcpy(&handle, emu_attr_bytes(attr), sizeof(handle));
	obj = emu_object_find(c->call->ctx, EMU_TYPE_DEVX_OBJ, handle);
	if (!obj)
		return -ENOENT;
	if (emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX_OFFSET))
		emu_attr_copy(c->call, MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX_OFFSET, &offset,
			      sizeof(offset));
	c->ask.counter = emu_devx_flow_counter(obj, offset);
	emu_flow_hold(&c->flow, obj);
	return c->ask.counter ? 0 : -EINVAL;
}

static int read_actions(struct creation *c)
{
	int rc = read_counter(c);

	if (!rc)
		rc = read_flow_actions(c);
	if (rc)
		return rc;
	if (!emu_attr(c->call, MLX5_IB_ATTR_CREATE_FLOW_TAG))
		return 0;
	emu_attr_copy(c->call, MLX5_IB_ATTR_CREATE_FLOW_TAG, &c->ask.tag, sizeof(c->ask.tag));
	c->ask.flags |= EMU_RULE_HAS_TAG;
	return c->ask.tag >= 1u << 24 ? -EINVAL : 0;
}

/* What parses the words of misc_parameters_4 stays as long as the rule. */
static int hold_samples(struct creation *c)
{
	static const uint8_t whole[4] = {0xff, 0xff, 0xff, 0xff};
	struct emu_object *obj;
	__be32 id;
	const uint8_t *ids = c->ask.value + EMU_W_MISC4 * sizeof(id);
	const uint8_t *masks = c->matcher->mask + EMU_W_MISC4 * sizeof(id);
	unsigned i;

	c->ask.port = c->flow.dev->index;
	for (i = 0; i < EMU_DEEP_SAMPLES; i++) {
		memcpy(&id, ids + 8ul * i + 4, sizeof(id));
		if (!id)
			continue;
		obj = emu_devx_flex(c->call->ctx, emu_from_be32(id));
		if (!obj || (emu_fault(EMU_FAULT_WHOLE_WORDS) && memcmp(masks + 8ul * i, whole, 4)))
			return -EINVAL; /* the firmware */
		emu_flow_hold(&c->flow, obj);
	}
	return 0;
}

/* raw_fs_rule_add() and what it calls */
static int add_rule(struct creation *c)
{
	const struct matcher *m = c->matcher;
	unsigned base = c->ask.egress ? EMU_LEVEL_EGRESS : 0;

	if (m->type != MLX5_IB_FLOW_TYPE_NORMAL)
		return -EOPNOTSUPP; /* mlx5_ib makes such matchers, but no rule of them */
	if (m->priority > EMU_FLOW_LAST_PRIO)
		return -ENOMEM;
	/* A card without switch mode has no FDB, one without RoCE no RDMA tables. */
	if (m->table > MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX)
		return -EOPNOTSUPP;
	if (c->ask.egress && (c->ask.flags & EMU_RULE_MISS))
		return -EOPNOTSUPP; /* mlx5_core: fwd_next_prio_supported() */
	if (!enable_covers(m))
		return -EINVAL;
	memcpy(c->ask.mask, m->mask, sizeof(c->ask.mask));
	c->ask.level = base + (is_multicast(m, c->ask.value) ? EMU_LEVEL_MCAST
							     : EMU_LEVEL(m->priority, false));
	return emu_flow_add(&c->flow, &c->ask);
}

static int run_creation(struct creation *c)
{
	struct emu_object *matcher;
	int rc = emu_attr_object(c->call, MLX5_IB_ATTR_CREATE_FLOW_MATCHER, EMU_TYPE_MATCHER,
				 &matcher);

	if (rc)
		return rc;
	c->matcher = matcher->impl;
	emu_flow_hold(&c->flow, matcher);
	rc = read_destination(c);
	if (!rc)
		rc = read_actions(c);
	if (!rc)
		rc = copy_match(c->call, MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE, c->ask.value);
	if (!rc)
		rc = hold_samples(c);
	return rc ? rc : add_rule(c);
}

int emu_flow_dv_create(struct emu_call *call)
{
	struct creation c = {.call = call, .flow.dev = call->ctx->dev};
	struct emu_object *obj;
	int rc = emu_fault_net_raw();

	if (!rc)
		rc = run_creation(&c);
	if (rc)
		return rc;
	obj = emu_flow_publish(call->ctx, &c.flow);
	if (!obj)
		return -ENOMEM;
	emu_attr_put_new(call, MLX5_IB_ATTR_CREATE_FLOW_HANDLE, obj->handle);
	return 0;
}
