/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commands the kernel lets through to the firmware, by method: mlx5_ib's devx_is_obj_*_cmd()
 * and devx_is_general_cmd().
 */
#include "devx_prm.h"
#include "fault.h"
#include "uverbs_devx.h"

#include <errno.h>

static const uint16_t creating[] = {
	EMU_CMD_CREATE_GENERAL_OBJECT,
	EMU_CMD_CREATE_MKEY,
	EMU_CMD_CREATE_CQ,
	EMU_CMD_ALLOC_PD,
	EMU_CMD_ALLOC_TRANSPORT_DOMAIN,
	EMU_CMD_CREATE_RMP,
	EMU_CMD_CREATE_SQ,
	EMU_CMD_CREATE_RQ,
	EMU_CMD_CREATE_RQT,
	EMU_CMD_CREATE_TIR,
	EMU_CMD_CREATE_TIS,
	EMU_CMD_ALLOC_Q_COUNTER,
	EMU_CMD_CREATE_FLOW_TABLE,
	EMU_CMD_CREATE_FLOW_GROUP,
	EMU_CMD_ALLOC_FLOW_COUNTER,
	EMU_CMD_ALLOC_PACKET_REFORMAT_CONTEXT,
	EMU_CMD_ALLOC_MODIFY_HEADER_CONTEXT,
	EMU_CMD_CREATE_SCHEDULING_ELEMENT,
	EMU_CMD_ADD_VXLAN_UDP_DPORT,
	EMU_CMD_SET_L2_TABLE_ENTRY,
	EMU_CMD_CREATE_QP,
	EMU_CMD_CREATE_SRQ,
	EMU_CMD_CREATE_XRC_SRQ,
	EMU_CMD_CREATE_DCT,
	EMU_CMD_CREATE_XRQ,
	EMU_CMD_ATTACH_TO_MCG,
	EMU_CMD_ALLOC_XRCD,
	EMU_CMD_SET_FLOW_TABLE_ENTRY,
	EMU_CMD_CREATE_PSV,
};

static const uint16_t modifying[] = {
	EMU_CMD_MODIFY_GENERAL_OBJECT,
	EMU_CMD_MODIFY_CQ,
	EMU_CMD_MODIFY_RMP,
	EMU_CMD_MODIFY_SQ,
	EMU_CMD_MODIFY_RQ,
	EMU_CMD_MODIFY_RQT,
	EMU_CMD_MODIFY_TIR,
	EMU_CMD_MODIFY_TIS,
	EMU_CMD_MODIFY_FLOW_TABLE,
	EMU_CMD_MODIFY_SCHEDULING_ELEMENT,
	EMU_CMD_ADD_VXLAN_UDP_DPORT,
	EMU_CMD_SET_L2_TABLE_ENTRY,
	EMU_CMD_RST2INIT_QP,
	EMU_CMD_INIT2RTR_QP,
	EMU_CMD_INIT2INIT_QP,
	EMU_CMD_RTR2RTS_QP,
	EMU_CMD_RTS2RTS_QP,
	EMU_CMD_SQERR2RTS_QP,
	EMU_CMD_2ERR_QP,
	EMU_CMD_2RST_QP,
	EMU_CMD_ARM_XRC_SRQ,
	EMU_CMD_ARM_RQ,
	EMU_CMD_SET_FLOW_TABLE_ENTRY,
};

static const uint16_t querying[] = {
	EMU_CMD_QUERY_GENERAL_OBJECT,
	EMU_CMD_QUERY_MKEY,
	EMU_CMD_QUERY_CQ,
	EMU_CMD_QUERY_RMP,
	EMU_CMD_QUERY_SQ,
	EMU_CMD_QUERY_RQ,
	EMU_CMD_QUERY_RQT,
	EMU_CMD_QUERY_TIR,
	EMU_CMD_QUERY_TIS,
	EMU_CMD_QUERY_Q_COUNTER,
	EMU_CMD_QUERY_FLOW_TABLE,
	EMU_CMD_QUERY_FLOW_GROUP,
	EMU_CMD_QUERY_FLOW_TABLE_ENTRY,
	EMU_CMD_QUERY_FLOW_COUNTER,
	EMU_CMD_QUERY_MODIFY_HEADER_CONTEXT,
	EMU_CMD_QUERY_SCHEDULING_ELEMENT,
	EMU_CMD_QUERY_L2_TABLE_ENTRY,
	EMU_CMD_QUERY_QP,
	EMU_CMD_QUERY_SRQ,
	EMU_CMD_QUERY_XRC_SRQ,
	EMU_CMD_QUERY_DCT,
	EMU_CMD_QUERY_XRQ,
	EMU_CMD_QUERY_PACKET_REFORMAT_CONTEXT,
};

static const uint16_t general[] = {
	EMU_CMD_QUERY_HCA_CAP,
	EMU_CMD_QUERY_HCA_VPORT_CONTEXT,
	EMU_CMD_QUERY_ESW_VPORT_CONTEXT,
	EMU_CMD_QUERY_VPORT_STATE,
	EMU_CMD_QUERY_ADAPTER,
	EMU_CMD_QUERY_ISSI,
	EMU_CMD_QUERY_NIC_VPORT_CONTEXT,
	EMU_CMD_QUERY_ROCE_ADDRESS,
	EMU_CMD_QUERY_VNIC_ENV,
	EMU_CMD_QUERY_VPORT_COUNTER,
	EMU_CMD_NOP,
	EMU_CMD_QUERY_CONG_STATUS,
	EMU_CMD_QUERY_LAG,
};

/* devx_is_whitelist_cmd(): also for contexts without DevX, under the kernel's own uid */
static const uint16_t for_all[] = {
	EMU_CMD_QUERY_HCA_CAP,
	EMU_CMD_QUERY_HCA_VPORT_CONTEXT,
	EMU_CMD_QUERY_ESW_VPORT_CONTEXT,
};

static bool among(uint16_t opcode, const uint16_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (list[i] == opcode)
			return true;
	}
	return false;
}

#define AMONG(opcode, list) among(opcode, list, EMU_COUNT(list))

static bool kernel_knows(const struct emu_devx_cmd *cmd, enum emu_devx_class class)
{
	bool fte = cmd->opcode == EMU_CMD_SET_FLOW_TABLE_ENTRY;

	switch (class) {
	case EMU_DEVX_CREATE: /* CREATE_PSV: num_psv is 1 */
		if (cmd->opcode == EMU_CMD_CREATE_PSV && cmd->in[8] >> 4 != 1)
			return false;
		return AMONG(cmd->opcode, creating) && !(fte && cmd->op_mod);
	case EMU_DEVX_MODIFY:
		return AMONG(cmd->opcode, modifying) && !(fte && cmd->op_mod != 1);
	case EMU_DEVX_QUERY:
		return AMONG(cmd->opcode, querying);
	default:
		return AMONG(cmd->opcode, general) ||
		       (cmd->opcode >= EMU_CMD_GENERAL_START && cmd->opcode < EMU_CMD_GENERAL_END);
	}
}

/* devx_get_uid() and the checks that follow it */
int emu_devx_admit(const struct emu_devx_cmd *cmd, enum emu_devx_class class)
{
	if (!cmd->ctx->devx && !AMONG(cmd->opcode, for_all))
		return -EINVAL;
	/* the kernel's own uid serves them, and it has none where there is no DevX at all */
	if (!cmd->ctx->devx && emu_fault(EMU_FAULT_NO_DEVX))
		return -EOPNOTSUPP;
	return kernel_knows(cmd, class) ? 0 : -EINVAL;
}
