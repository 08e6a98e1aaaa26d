/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DevX: the kernel's side, mlx5_ib's devx.c. It looks at a command's opcode, lets a context touch
 * its own objects only, and otherwise hands the command to the firmware: devx_*.c.
 */
#include "uverbs_devx.h"
#include "devx_prm.h"

#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <string.h>

#define EMU_DEVX_FILE 0x20000u

/* ---- the firmware's commands ---------------------------------------------------------------- */

static const struct emu_devx_table *const tables[] = {
	&emu_devx_caps_ops,	    &emu_devx_domain_ops, &emu_devx_cq_ops,	 &emu_devx_sq_ops,
	&emu_devx_rq_ops,	    &emu_devx_tir_ops,	  &emu_devx_counter_ops, &emu_devx_mkey_ops,
	&emu_devx_flow_counter_ops, &emu_devx_flex_ops,
};

static const struct emu_devx_op *find_op(uint16_t opcode)
{
	for (unsigned t = 0; t < EMU_COUNT(tables); t++) {
		for (unsigned i = 0; i < tables[t]->n; i++) {
			if (tables[t]->ops[i].opcode == opcode)
				return &tables[t]->ops[i];
		}
	}
	return NULL;
}

static enum emu_status execute(struct emu_devx_cmd *cmd)
{
	const struct emu_devx_op *op = find_op(cmd->opcode);

	if (!op)
		return EMU_REFUSE(cmd, EMU_ST_BAD_OP);
	if (cmd->in_len < op->min_in)
		return EMU_REFUSE(cmd, EMU_ST_BAD_INPUT_LEN);
	if (cmd->out_len < op->min_out)
		return EMU_REFUSE(cmd, EMU_ST_BAD_OUTPUT_LEN);
	return op->run(cmd);
}

/* An object that run has begun and not made. */
static void drop(struct emu_devx_obj *o)
{
	for (unsigned i = 0; o && i < EMU_DEVX_PARTS; i++)
		emu_object_put(o->parts[i]);
	free(o);
}

/* The kernel's answer where the firmware's status is not 0: the output tells it. */
static int run(struct emu_devx_cmd *cmd)
{
	enum emu_status status = execute(cmd);

	if (status == EMU_ST_OK)
		return 0;
	drop(cmd->made);
	cmd->made = NULL;
	memset(cmd->out, 0, cmd->out_len);
	emu_set(cmd->out, F_STATUS, status);
	emu_set(cmd->out, F_SYNDROME, cmd->syndrome);
	return -EREMOTEIO;
}

/* ---- ioctls --------------------------------------------------------------------------------- */

void emu_devx_head(struct emu_devx_cmd *cmd)
{
	cmd->opcode = (uint16_t)emu_get(cmd->in, F_OPCODE);
	cmd->op_mod = (uint16_t)emu_get(cmd->in, F_OP_MOD);
}

/* Decodes CMD_IN and CMD_OUT, which have neighbouring numbers in every method. */
static void read_cmd(struct emu_call *call, uint16_t in_id, struct emu_devx_cmd *cmd)
{
	struct ib_uverbs_attr *in = emu_attr(call, in_id);
	struct ib_uverbs_attr *out = emu_attr(call, (uint16_t)(in_id + 1));

	*cmd = (struct emu_devx_cmd){
		.ctx = call->ctx,
		.in = emu_attr_bytes(in),
		.in_len = emu_attr_len(in),
	};
	if (out) {
		cmd->out = (uint8_t *)(uintptr_t)out->data;
		cmd->out_len = out->len;
	}
	emu_devx_head(cmd);
}

static int finish(struct emu_call *call, uint16_t out_id, int ret)
{
	emu_attr(call, out_id)->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	return ret;
}

static int devx_other(struct emu_call *call)
{
	struct emu_devx_cmd cmd;
	int ret;

	read_cmd(call, MLX5_IB_ATTR_DEVX_OTHER_CMD_IN, &cmd);
	ret = emu_devx_admit(&cmd, EMU_DEVX_GENERAL);
	if (ret)
		return ret;
	if (!cmd.out)
		return -EFAULT;
	memset(cmd.out, 0, cmd.out_len);
	return finish(call, MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT, run(&cmd));
}

static void obj_destroy(struct emu_object *obj)
{
	struct emu_devx_obj *o = obj->impl;

	emu_devx_unsubscribe(o);
	if (o->release)
		o->release(o);
	drop(o);
}

/* Undoes what run has made of an object that gets no handle. */
static int no_handle(struct emu_devx_obj *o)
{
	struct emu_object obj = {.impl = o};

	obj_destroy(&obj);
	return -ENOMEM;
}

static int obj_create(struct emu_call *call)
{
	struct emu_devx_cmd cmd;
	struct emu_object *obj;
	int ret;

	read_cmd(call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN, &cmd);
	ret = emu_devx_admit(&cmd, EMU_DEVX_CREATE);
	if (ret)
		return ret;
	if (!cmd.out)
		return -EFAULT;
	memset(cmd.out, 0, cmd.out_len);
	ret = run(&cmd);
	if (ret)
		return finish(call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, ret);
	obj = emu_object_new(call->ctx, EMU_TYPE_DEVX_OBJ, cmd.made, obj_destroy);
	if (!obj)
		return no_handle(cmd.made);
	cmd.made->obj = obj;
	emu_attr_put_new(call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, obj->handle);
	return finish(call, MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT, 0);
}

/* The firmware destroys nothing that is in use: BAD_RES_STATE, which mlx5_core makes EINVAL. */
static int destroy_handle(const struct emu_call *call, uint16_t id, enum emu_type type)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, id, type, &obj);

	if (!ret)
		ret = emu_object_destroy(obj);
	return ret == -EBUSY ? -EINVAL : ret;
}

static int obj_destroy_ioctl(struct emu_call *call)
{
	return destroy_handle(call, MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE, EMU_TYPE_DEVX_OBJ);
}

static int umem_dereg(struct emu_call *call)
{
	return destroy_handle(call, MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE, EMU_TYPE_DEVX_UMEM);
}

/* Modify and query: handle, command, answer have three numbers in a row. */
int emu_devx_run_on(struct emu_call *call, struct emu_devx_cmd *cmd, enum emu_devx_class class)
{
	const struct emu_devx_op *op = find_op(cmd->opcode);
	int ret = emu_devx_admit(cmd, class);

	if (ret)
		return ret;
	cmd->target = emu_object_any(call->ctx, cmd->handle);
	if (!cmd->target)
		return -ENOENT;
	/* devx_is_valid_obj_id(): the command names what the handle stands for */
	if (!op || cmd->in_len < op->min_in || !emu_devx_names(cmd, op))
		return -EINVAL;
	memset(cmd->out, 0, cmd->out_len);
	return run(cmd);
}

static int obj_modify(struct emu_call *call)
{
	struct emu_devx_cmd cmd;
	int ret;

	read_cmd(call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN, &cmd);
	cmd.handle = emu_attr(call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE)->data;
	ret = emu_devx_run_on(call, &cmd, EMU_DEVX_MODIFY);
	if (ret && ret != -EREMOTEIO)
		return ret;
	return finish(call, MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT, ret);
}

static int obj_query(struct emu_call *call)
{
	struct emu_devx_cmd cmd;
	int ret;

	read_cmd(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_IN, &cmd);
	cmd.handle = emu_attr(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_HANDLE)->data;
	ret = emu_devx_run_on(call, &cmd, EMU_DEVX_QUERY);
	if (ret && ret != -EREMOTEIO)
		return ret;
	return finish(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_OUT, ret);
}

/* ---- tables --------------------------------------------------------------------------------- */

#define IN_CMD(id)                                                                                 \
	{                                                                                          \
		id, EMU_ATTR_IN, EMU_MUST, EMU_CMD_HEADER, UINT16_MAX                              \
	}
#define OUT_CMD(id)                                                                                \
	{                                                                                          \
		id, EMU_ATTR_OUT, EMU_MUST, EMU_CMD_HEADER, UINT16_MAX                             \
	}

static const struct emu_attr_spec other_specs[] = {
	IN_CMD(MLX5_IB_ATTR_DEVX_OTHER_CMD_IN),
	OUT_CMD(MLX5_IB_ATTR_DEVX_OTHER_CMD_OUT),
};

static const struct emu_attr_spec create_specs[] = {
	{MLX5_IB_ATTR_DEVX_OBJ_CREATE_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	IN_CMD(MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_IN),
	OUT_CMD(MLX5_IB_ATTR_DEVX_OBJ_CREATE_CMD_OUT),
};

static const struct emu_attr_spec destroy_specs[] = {
	{MLX5_IB_ATTR_DEVX_OBJ_DESTROY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec modify_specs[] = {
	{MLX5_IB_ATTR_DEVX_OBJ_MODIFY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	IN_CMD(MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_IN),
	OUT_CMD(MLX5_IB_ATTR_DEVX_OBJ_MODIFY_CMD_OUT),
};

static const struct emu_attr_spec query_specs[] = {
	{MLX5_IB_ATTR_DEVX_OBJ_QUERY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	IN_CMD(MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_IN),
	OUT_CMD(MLX5_IB_ATTR_DEVX_OBJ_QUERY_CMD_OUT),
};

static const struct emu_attr_spec async_specs[] = {
	{MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	IN_CMD(MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_CMD_IN),
	{MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_FD, EMU_ATTR_FD, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_WR_ID, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_OUT_LEN, EMU_ATTR_IN, EMU_MUST, 2, 8},
};

static const struct emu_attr_spec reg_specs[] = {
	{MLX5_IB_ATTR_DEVX_UMEM_REG_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{MLX5_IB_ATTR_DEVX_UMEM_REG_LEN, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS, EMU_ATTR_IN, EMU_MAY, 4, 8},
	{MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, EMU_ATTR_OUT, EMU_MUST, 4, 4},
	{EMU_ATTR_UMEM_REG_PGSZ_BITMAP, EMU_ATTR_IN, EMU_MAY, 8, 8},
	{EMU_ATTR_UMEM_REG_DMABUF_FD, EMU_ATTR_RAW_FD, EMU_MAY, 0, 0},
};

static const struct emu_attr_spec dereg_specs[] = {
	{MLX5_IB_ATTR_DEVX_UMEM_DEREG_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec eqn_specs[] = {
	{MLX5_IB_ATTR_DEVX_QUERY_EQN_USER_VEC, EMU_ATTR_IN, EMU_MUST, 4, 4},
	{MLX5_IB_ATTR_DEVX_QUERY_EQN_DEV_EQN, EMU_ATTR_OUT, EMU_MUST, 4, 4},
};

static const struct emu_attr_spec cmd_fd_specs[] = {
	{MLX5_IB_ATTR_DEVX_ASYNC_CMD_FD_ALLOC_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec event_fd_specs[] = {
	{MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS, EMU_ATTR_IN, EMU_MUST, 4, 8},
};

static const struct emu_attr_spec subscribe_specs[] = {
	{MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE, EMU_ATTR_FD, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE, EMU_ATTR_OBJECT, EMU_MAY, 0, 0},
	{MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST, EMU_ATTR_IN, EMU_MUST, 2, UINT16_MAX},
	{MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM, EMU_ATTR_IN, EMU_MAY, 4, 4},
	{MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE, EMU_ATTR_IN, EMU_MAY, 8, 8},
};

#define OBJ(method, fn, specs)                                                                     \
	{                                                                                          \
		MLX5_IB_OBJECT_DEVX_OBJ, MLX5_IB_METHOD_DEVX_OBJ_##method, false, fn,              \
			EMU_SPECS(specs)                                                           \
	}

static const struct emu_method methods[] = {
	{MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_OTHER, false, devx_other, EMU_SPECS(other_specs)},
	{MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_QUERY_EQN, false, emu_devx_query_eqn,
	 EMU_SPECS(eqn_specs)},
	{MLX5_IB_OBJECT_DEVX, MLX5_IB_METHOD_DEVX_SUBSCRIBE_EVENT, false, emu_devx_subscribe,
	 EMU_SPECS(subscribe_specs)},
	OBJ(CREATE, obj_create, create_specs),
	OBJ(DESTROY, obj_destroy_ioctl, destroy_specs),
	OBJ(MODIFY, obj_modify, modify_specs),
	OBJ(QUERY, obj_query, query_specs),
	OBJ(ASYNC_QUERY, emu_devx_query_async, async_specs),
	{MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_REG, false, emu_devx_umem_reg,
	 EMU_SPECS(reg_specs)},
	{MLX5_IB_OBJECT_DEVX_UMEM, MLX5_IB_METHOD_DEVX_UMEM_DEREG, false, umem_dereg,
	 EMU_SPECS(dereg_specs)},
	{MLX5_IB_OBJECT_DEVX_ASYNC_CMD_FD, MLX5_IB_METHOD_DEVX_ASYNC_CMD_FD_ALLOC, false,
	 emu_devx_cmd_fd_alloc, EMU_SPECS(cmd_fd_specs)},
	{MLX5_IB_OBJECT_DEVX_ASYNC_EVENT_FD, MLX5_IB_METHOD_DEVX_ASYNC_EVENT_FD_ALLOC, false,
	 emu_devx_event_fd_alloc, EMU_SPECS(event_fd_specs)},
};

const struct emu_table emu_devx_table = {methods, EMU_COUNT(methods), NULL, 0};
