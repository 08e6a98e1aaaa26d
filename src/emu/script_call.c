/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted faults of calls: which of script.h's names a call of the kernel has. */
#include "script_call.h"
#include "script.h"
#include "uverbs_mem.h"

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <string.h>

static const struct {
	const char *name;
	uint16_t object, method;
} methods[] = {
	{"open", UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT},
	{"query_port", UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT},
	{"alloc_uar", MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC},
	{"reg_mr", UVERBS_OBJECT_MR, EMU_METHOD_REG_DMABUF_MR},
	{"create_cq", UVERBS_OBJECT_CQ, UVERBS_METHOD_CQ_CREATE},
	{"create_qp", UVERBS_OBJECT_QP, UVERBS_METHOD_QP_CREATE},
	{"create_wq", UVERBS_OBJECT_WQ, UVERBS_METHOD_WQ_CREATE},
	{"create_flow", UVERBS_OBJECT_FLOW, MLX5_IB_METHOD_CREATE_FLOW},
	{"create_matcher", MLX5_IB_OBJECT_FLOW_MATCHER, MLX5_IB_METHOD_FLOW_MATCHER_CREATE},
};

static const struct {
	const char *name;
	uint32_t cmd;
	bool extended;
} writes[] = {
	{"query_device", IB_USER_VERBS_CMD_QUERY_DEVICE, false},
	{"query_device", IB_USER_VERBS_EX_CMD_QUERY_DEVICE, true},
	{"alloc_pd", IB_USER_VERBS_CMD_ALLOC_PD, false},
	{"reg_mr", IB_USER_VERBS_CMD_REG_MR, false},
	{"create_channel", IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, false},
	{"modify_qp", IB_USER_VERBS_CMD_MODIFY_QP, false},
	{"modify_qp", IB_USER_VERBS_EX_CMD_MODIFY_QP, true},
	{"create_table", IB_USER_VERBS_EX_CMD_CREATE_RWQ_IND_TBL, true},
	{"create_flow", IB_USER_VERBS_EX_CMD_CREATE_FLOW, true},
};

static int judge(const char *name, unsigned port)
{
	struct emu_script_line *line = NULL;

	for (unsigned i = 0; emu_script_call_name(i); i++) {
		if (!strcmp(emu_script_call_name(i), name))
			line = emu_script_hit(EMU_ON_CALL, port, i);
	}
	return line ? -(int)line->arg : 0;
}

int emu_script_method(const struct emu_method *m, unsigned port)
{
	for (unsigned i = 0; i < EMU_COUNT(methods); i++) {
		if (methods[i].object == m->object && methods[i].method == m->method)
			return judge(methods[i].name, port);
	}
	return 0;
}

int emu_script_write(const struct emu_write *w, unsigned port)
{
	for (unsigned i = 0; i < EMU_COUNT(writes); i++) {
		if (writes[i].cmd == w->cmd && writes[i].extended == w->extended)
			return judge(writes[i].name, port);
	}
	return 0;
}
