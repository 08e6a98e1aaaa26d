/* SPDX-License-Identifier: Apache-2.0 */
/* Flow actions of root tables: packet reformat and modify header. mlx5_ib's fs.c. Control path. */
#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "flow.h"
#include "rewrite.h"

#define MODIFY_SIZE 8u /* set_add_copy_action_in_auto */
#define MAX_MODIFY                                                                                 \
	16u /* max_modify_header_actions of NIC_RX and NIC_TX; DPDK counts on as many              \
	     */

/* What the firmware answers with BAD_PARAM */
#define MIN_L2 14u

struct action {
	bool decap; /* a flag of the rule; else number names data in the wire's memory */
	enum emu_action kind;
	uint16_t number;
	uint32_t table; /* enum mlx5_ib_uapi_flow_table_type */
};

static void destroy_action(struct emu_object *obj)
{
	struct action *a = obj->impl;

	emu_wire_action_free(a->number);
	free(a);
}

int emu_flow_action_apply(const struct emu_object *obj, struct emu_flow_ask *ask)
{
	const struct action *a = obj->impl;
	bool tx = a->table == MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX;

	/* _get_flow_table(): no MLX5_FLOW_TABLE_TUNNEL_EN_…, so that the firmware refuses */
	if (a->kind != EMU_ACTION_MODIFY && emu_fault(EMU_FAULT_ESWITCH_ENCAP))
		return -EINVAL;
	if (a->decap) {
		if (ask->flags & EMU_RULE_DECAP)
			return -EINVAL;
		ask->flags |= EMU_RULE_DECAP;
	} else if (a->kind == EMU_ACTION_MODIFY) {
		if (ask->modify)
			return -EINVAL;
		ask->modify = a->number;
	} else {
		if (ask->reformat)
			return -EINVAL;
		ask->reformat = a->number;
	}
	return tx == ask->egress ? 0 : -EINVAL; /* an action of another table: the firmware */
}

static int publish(struct emu_call *call, uint16_t id, const struct action *from)
{
	struct action *a = malloc(sizeof(*a));
	struct emu_object *obj = NULL;

	if (a) {
		*a = *from;
		obj = emu_object_new(call->ctx, EMU_TYPE_FLOW_ACTION, a, destroy_action);
	}
	if (!obj) {
		emu_wire_action_free(from->number);
		free(a);
		return -ENOMEM;
	}
	emu_attr_put_new(call, id, obj->handle);
	return 0;
}

/* ---- packet reformat ------------------------------------------------------------------------ */

/* mlx5_ib_flow_action_packet_reformat_valid(): which table has which */
static bool reformat_valid(uint64_t type, uint64_t table)
{
	switch (type) {
	case MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L2_TUNNEL:
	case MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L3_TUNNEL:
		return table == MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX;
	case MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L3_TUNNEL_TO_L2:
	case MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TUNNEL_TO_L2:
		return table == MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_RX;
	default:
		return false;
	}
}

static int reformat_data(const struct emu_call *call, uint64_t type, struct action *a)
{
	static const enum emu_action kinds[] = {
		[MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L2_TUNNEL] =
			EMU_ACTION_L2_TO_L2_TUNNEL,
		[MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L3_TUNNEL_TO_L2] =
			EMU_ACTION_L3_TUNNEL_TO_L2,
		[MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L3_TUNNEL] =
			EMU_ACTION_L2_TO_L3_TUNNEL,
	};
	struct ib_uverbs_attr *attr = emu_attr(call, MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_DATA_BUF);

	if (!attr) /* uverbs_attr_get_alloced_ptr() */
		return -ENOENT;
	/* mlx5_cmd_packet_reformat_alloc(): max_encap_header_size; an L2 header is the least */
	if (attr->len > EMU_ACTION_DATA || attr->len < MIN_L2)
		return -EINVAL;
	a->kind = kinds[type];
	return emu_wire_action_new(a->kind, emu_attr_bytes(attr), attr->len, &a->number);
}

static int create_reformat(struct emu_call *call)
{
	uint64_t type = emu_attr_value(call, MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_TYPE);
	uint64_t table = emu_attr_value(call, MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_FT_TYPE);
	struct action a = {.decap = true};
	int rc = 0;

	if (!reformat_valid(type, table))
		return -EOPNOTSUPP;
	a.table = (uint32_t)table;
	if (type != MLX5_IB_UAPI_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TUNNEL_TO_L2) {
		a.decap = false;
		rc = reformat_data(call, type, &a);
	}
	return rc ? rc : publish(call, MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_HANDLE, &a);
}

/* ---- modify header -------------------------------------------------------------------------- */

/* mlx5_ib_ft_type_to_namespace() and mlx5_cmd_modify_header_alloc() */
static int check_table(uint64_t table)
{
	switch (table) {
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_RX:
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_NIC_TX:
		return 0;
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_FDB: /* no switch, and no RDMA tables, on this card */
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_RDMA_RX:
	case MLX5_IB_UAPI_FLOW_TABLE_TYPE_RDMA_TX:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int create_modify(struct emu_call *call)
{
	struct ib_uverbs_attr *attr = emu_attr(call, MLX5_IB_ATTR_CREATE_MODIFY_HEADER_ACTIONS_PRM);
	uint64_t table = emu_attr_value(call, MLX5_IB_ATTR_CREATE_MODIFY_HEADER_FT_TYPE);
	struct action a = {.kind = EMU_ACTION_MODIFY, .table = (uint32_t)table};
	const uint8_t *bytes = emu_attr_bytes(attr);
	int rc = check_table(table);
	size_t i;

	if (attr->len % MODIFY_SIZE)
		return -EINVAL;
	if (rc)
		return rc;
	if (attr->len / MODIFY_SIZE > MAX_MODIFY)
		return -EOPNOTSUPP;
	for (i = 0; i < attr->len; i += MODIFY_SIZE)
		if (!emu_modify_valid(bytes + i))
			return -EINVAL; /* the firmware: BAD_PARAM */
	rc = emu_wire_action_new(a.kind, bytes, attr->len, &a.number);
	return rc ? rc : publish(call, MLX5_IB_ATTR_CREATE_MODIFY_HEADER_HANDLE, &a);
}

/* ---- methods -------------------------------------------------------------------------------- */

static int destroy(struct emu_call *call)
{
	struct emu_object *obj;
	int rc = emu_attr_object(call, UVERBS_ATTR_DESTROY_FLOW_ACTION_HANDLE, EMU_TYPE_FLOW_ACTION,
				 &obj);

	return rc ? rc : emu_object_destroy(obj);
}

static const struct emu_attr_spec modify_attrs[] = {
	{MLX5_IB_ATTR_CREATE_MODIFY_HEADER_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_CREATE_MODIFY_HEADER_ACTIONS_PRM, EMU_ATTR_IN, EMU_MUST, MODIFY_SIZE,
	 UINT16_MAX},
	{MLX5_IB_ATTR_CREATE_MODIFY_HEADER_FT_TYPE, EMU_ATTR_IN, EMU_MUST, 4, 8},
};

static const struct emu_attr_spec reformat_attrs[] = {
	{MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_TYPE, EMU_ATTR_IN, EMU_MUST, 4, 8},
	{MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_FT_TYPE, EMU_ATTR_IN, EMU_MUST, 4, 8},
	{MLX5_IB_ATTR_CREATE_PACKET_REFORMAT_DATA_BUF, EMU_ATTR_IN, EMU_MAY, 1, UINT16_MAX},
};

static const struct emu_attr_spec destroy_attrs[] = {
	{UVERBS_ATTR_DESTROY_FLOW_ACTION_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

/* ESP actions have gone from Linux with the cards that had them. */
static const struct emu_method methods[] = {
	{UVERBS_OBJECT_FLOW_ACTION, MLX5_IB_METHOD_FLOW_ACTION_CREATE_MODIFY_HEADER, false,
	 create_modify, EMU_SPECS(modify_attrs)},
	{UVERBS_OBJECT_FLOW_ACTION, MLX5_IB_METHOD_FLOW_ACTION_CREATE_PACKET_REFORMAT, false,
	 create_reformat, EMU_SPECS(reformat_attrs)},
	{UVERBS_OBJECT_FLOW_ACTION, UVERBS_METHOD_FLOW_ACTION_DESTROY, false, destroy,
	 EMU_SPECS(destroy_attrs)},
};

const struct emu_table emu_flow_action_table = {methods, EMU_COUNT(methods), NULL, 0};
