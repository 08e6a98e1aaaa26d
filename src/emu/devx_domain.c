/* SPDX-License-Identifier: Apache-2.0 */
/* Protection and transport domains, and TISes: what sends from a domain. */
#include "devx_prm.h"
#include "uverbs_mem.h"

#define EMU_DEVX_FILE 0x30000u
#define LAST_PRIO     15u /* eight priorities, times two: tisc.prio is shifted left by one */
#define TISC_SIZE     160u

/* PDs and transport domains are numbers and nothing else. */
static enum emu_status alloc_number(struct emu_devx_cmd *cmd)
{
	struct emu_devx_obj *o = emu_devx_new(cmd, sizeof(*o));

	if (!o)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	o->id = emu_number(cmd->ctx->dev);
	emu_set(cmd->out, F_NUMBER, o->id);
	return EMU_ST_OK;
}

struct tis {
	struct emu_devx_obj o;
	uint32_t td, prio;
};

/* Link aggregation and underlay QPs: this card has neither. */
static bool tisc_ok(const uint8_t *context)
{
	return !emu_get(context, F_TISC_STRICT_LAG) && !emu_get(context, F_TISC_LAG_PORT) &&
	       !emu_get(context, F_TISC_UNDERLAY) && emu_get(context, F_TISC_PRIO) <= LAST_PRIO;
}

static enum emu_status create_tis(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint32_t td = (uint32_t)emu_get(context, F_TISC_TD);
	struct emu_object *domain = emu_devx_find_td(cmd->ctx, td);
	struct tis *tis;

	if (!tisc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (!domain)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	tis = emu_devx_new(cmd, sizeof(*tis));
	if (!tis)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	tis->o.id = emu_number(cmd->ctx->dev);
	tis->td = td;
	tis->prio = (uint32_t)emu_get(context, F_TISC_PRIO);
	emu_devx_use(&tis->o, domain);
	emu_set(cmd->out, F_NUMBER, tis->o.id);
	return EMU_ST_OK;
}

enum { MODIFY_PRIO = 1 }; /* mlx5_ifc.h: modify_tis_bitmask.prio */

static enum emu_status modify_tis(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_CMD_CONTEXT;
	uint64_t mask = emu_get(cmd->in, F_MODIFY_BITMASK);
	struct tis *tis = cmd->target->impl;

	if (cmd->target->type != EMU_TYPE_DEVX_OBJ || (mask & ~(uint64_t)MODIFY_PRIO) ||
	    !tisc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (mask & MODIFY_PRIO)
		tis->prio = (uint32_t)emu_get(context, F_TISC_PRIO);
	return EMU_ST_OK;
}

/* Of a queue pair of verbs too: its TIS lies in the context's own domain. */
static enum emu_status query_tis(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_CMD_HEADER;
	const struct tis *tis = cmd->target->impl;

	if (cmd->target->type != EMU_TYPE_DEVX_OBJ) {
		emu_set(context, F_TISC_TD, cmd->ctx->tdn);
		return EMU_ST_OK;
	}
	emu_set(context, F_TISC_TD, tis->td);
	emu_set(context, F_TISC_PRIO, tis->prio);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_ALLOC_PD,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER,
	 .run = alloc_number},
	{.opcode = EMU_CMD_ALLOC_TRANSPORT_DOMAIN,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER,
	 .run = alloc_number},
	{.opcode = EMU_CMD_CREATE_TIS,
	 .min_in = EMU_CMD_CONTEXT + TISC_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_tis},
	{.opcode = EMU_CMD_MODIFY_TIS,
	 .min_in = EMU_CMD_CONTEXT + TISC_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_TIS,
	 .run = modify_tis},
	{.opcode = EMU_CMD_QUERY_TIS,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_CMD_HEADER + TISC_SIZE,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_TIS,
	 .run = query_tis},
};

const struct emu_devx_table emu_devx_domain_ops = {ops, EMU_COUNT(ops)};
