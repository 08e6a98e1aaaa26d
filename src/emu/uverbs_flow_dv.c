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

#define LAST_PRIORITY 15u /* mlx5_ib: MLX5_IB_FLOW_LAST_PRIO */

/* mlx5_ib's own numbers for flow types (MLX5_IB_FLOW_TYPE_*) differ from the IB core's. */

struct matcher {
	uint8_t mask[EMU_MATCH_SIZE];
	uint8_t enable; /* match_criteria_enable */
	uint8_t type;	/* MLX5_IB_FLOW_TYPE_* */
	uint16_t priority;
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

/* Sections of fte_match_param: a byte that is set asks for its section's enable bit. */
static bool enable_covers(const struct matcher *m)
{
	static const unsigned section[EMU_MATCH_SIZE / 64] = {0, 1, 2, 3, 4, 5, 6, 6};
	size_t i;

	for (i = 0; i < EMU_MATCH_SIZE; i++)
		if (m->mask[i] && !(m->enable & (1u << section[i / 64])))
			return false;
	return true;
}

static int check_table(const struct emu_call *call)
{
	uint64_t flags = emu_attr_value(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS);
	uint64_t type = emu_attr_value(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE);

	if (emu_attr(call, MLX5_IB_ATTR_FLOW_MATCHER_FLOW_FLAGS) &&
	    emu_attr(call, MLX5_IB_ATTR_FLOW_MATCHER_FT_TYPE))
		return -EINVAL;
	if (type > MLX5_IB_UAPI_FLOW_TABLE_TYPE_RDMA_TX || (flags & ~4u))
		return -EINVAL;
	/* Other tables than NIC_RX are not offered by this device. */
	return type != MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_RX || flags ? -EOPNOTSUPP : 0;
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
	if (!enable_covers(m))
		return -EINVAL;
	return check_table(call);
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

static int qp_destination(struct emu_call *call, struct emu_flow_ask *ask)
{
	int rc = emu_attr_object(call, MLX5_IB_ATTR_CREATE_FLOW_DEST_QP, EMU_TYPE_QP, &ask->dest);

	if (rc)
		return rc;
	ask->tir = ((struct emu_qp *)ask->dest->impl)->tir;
	return ask->tir ? 0 : -EINVAL;
}

/* mlx5_ib_devx_is_flow_dest(): a TIR, or a flow table, of which this device has none */
static int devx_destination(struct emu_call *call, struct emu_flow_ask *ask)
{
	int rc = emu_attr_object(call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX, EMU_TYPE_DEVX_OBJ,
				 &ask->dest);

	if (rc)
		return rc;
	ask->tir = emu_devx_tir(ask->dest);
	return ask->tir ? 0 : -EINVAL;
}

/* Destination: a queue pair, a DevX object, or DROP, or DEFAULT_MISS; exactly one. */
static int read_destination(struct emu_call *call, struct emu_flow_ask *ask)
{
	uint64_t flags = emu_attr_value(call, MLX5_IB_ATTR_CREATE_FLOW_FLAGS);
	bool has_qp = emu_attr(call, MLX5_IB_ATTR_CREATE_FLOW_DEST_QP);
	bool has_devx = emu_attr(call, MLX5_IB_ATTR_CREATE_FLOW_DEST_DEVX);

	if (flags & ~(uint64_t)(MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS |
				MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP))
		return -EINVAL;
	if (has_qp + has_devx + !!(flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS) +
		    !!(flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP) !=
	    1)
		return -EINVAL;
	if (flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DEFAULT_MISS)
		ask->flags |= EMU_RULE_MISS;
	if (flags & MLX5_IB_ATTR_CREATE_FLOW_FLAGS_DROP)
		ask->flags |= EMU_RULE_DROP;
	if (has_devx)
		return devx_destination(call, ask);
	return has_qp ? qp_destination(call, ask) : 0;
}

static int read_actions(const struct emu_call *call, struct emu_flow_ask *ask)
{
	if (emu_attr(call, MLX5_IB_ATTR_CREATE_FLOW_ARR_FLOW_ACTIONS) ||
	    emu_attr(call, MLX5_IB_ATTR_CREATE_FLOW_ARR_COUNTERS_DEVX))
		return -EOPNOTSUPP; /* the device offers neither yet */
	if (!emu_attr(call, MLX5_IB_ATTR_CREATE_FLOW_TAG))
		return 0;
	emu_attr_copy(call, MLX5_IB_ATTR_CREATE_FLOW_TAG, &ask->tag, sizeof(ask->tag));
	ask->flags |= EMU_RULE_HAS_TAG;
	return ask->tag >= 1u << 24 ? -EINVAL : 0;
}

static int read_ask(struct emu_call *call, struct emu_flow_ask *ask)
{
	const struct matcher *m;
	int rc = emu_attr_object(call, MLX5_IB_ATTR_CREATE_FLOW_MATCHER, EMU_TYPE_MATCHER,
				 &ask->matcher);

	if (rc)
		return rc;
	rc = read_destination(call, ask);
	if (!rc)
		rc = read_actions(call, ask);
	if (!rc)
		rc = copy_match(call, MLX5_IB_ATTR_CREATE_FLOW_MATCH_VALUE, ask->value);
	if (rc)
		return rc;
	m = ask->matcher->impl;
	if (m->type != MLX5_IB_FLOW_TYPE_NORMAL)
		return -EOPNOTSUPP; /* mlx5_ib makes such matchers, but no rule of them */
	if (m->priority > LAST_PRIORITY)
		return -ENOMEM;
	memcpy(ask->mask, m->mask, sizeof(ask->mask));
	ask->level = is_multicast(m, ask->value) ? EMU_LEVEL_MCAST : m->priority;
	return 0;
}

int emu_flow_dv_create(struct emu_call *call)
{
	struct emu_flow flow = {.dev = call->ctx->dev};
	struct emu_flow_ask ask;
	struct emu_object *obj;
	int rc;

	memset(&ask, 0, sizeof(ask));
	rc = emu_fault_net_raw();
	if (!rc)
		rc = read_ask(call, &ask);
	if (rc)
		return rc;
	flow.tir = ask.tir;
	flow.dest = ask.dest;
	flow.matcher = ask.matcher;
	rc = emu_flow_add(&flow, &ask);
	if (rc)
		return rc;
	obj = emu_flow_publish(call->ctx, &flow);
	if (!obj) {
		emu_flow_remove(&flow);
		return -ENOMEM;
	}
	emu_attr_put_new(call, MLX5_IB_ATTR_CREATE_FLOW_HANDLE, obj->handle);
	return 0;
}
