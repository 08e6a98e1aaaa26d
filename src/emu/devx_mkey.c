/* SPDX-License-Identifier: Apache-2.0 */
/* Memory keys over umems. Keys over other keys (KLM, KSM) are not offered by this card. */
#include "devx_prm.h"
#include "uverbs_mem.h"

#define EMU_DEVX_FILE 0x80000u
/* mlx5_ifc_create_mkey_in_bits up to its list; the kernel asks for no less than the mkc */
#define CREATE_SIZE 272u
#define NO_QP	    0xffffffu /* usable by every queue of the PD */

struct devx_mkey {
	struct emu_devx_obj o;
	struct emu_mkey *mkey;
};

static void mkey_release(struct emu_devx_obj *o)
{
	struct devx_mkey *k = (struct devx_mkey *)o;

	emu_engine_pause();
	k->mkey->live = false;
	emu_engine_resume();
}

static bool mkc_ok(const uint8_t *context)
{
	return !emu_get(context, F_MKC_MODE_HIGH) &&
	       emu_get(context, F_MKC_MODE_LOW) == EMU_MKEY_MTT && !emu_get(context, F_MKC_FREE) &&
	       !emu_get(context, F_MKC_BSF) && !emu_get(context, F_MKC_CRYPTO) &&
	       !emu_get(context, F_MKC_LENGTH64) && !emu_get(context, F_MKC_UMR_EN) &&
	       emu_get(context, F_MKC_QPN) == NO_QP && emu_get(context, F_MKC_LEN);
}

static void mkey_fill(struct emu_devx_cmd *cmd, struct emu_mkey *mkey, uint8_t *host)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;

	emu_engine_pause();
	mkey->iova = emu_get(context, F_MKC_START);
	mkey->length = emu_get(context, F_MKC_LEN);
	mkey->host = host;
	mkey->access = emu_get(context, F_MKC_LW) ? EMU_ACCESS_LOCAL_WRITE : 0;
	mkey->pdn = (uint32_t)emu_get(context, F_MKC_PD);
	mkey->live = true;
	emu_engine_resume();
}

static enum emu_status create_mkey(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;
	struct emu_umem_ask ask = {
		.id = (uint32_t)emu_get(cmd->in, F_MKEY_UMEM),
		.writable = emu_get(context, F_MKC_LW),
		.offset = emu_get(cmd->in, F_MKEY_UMEM_OFFSET),
		.size = emu_get(context, F_MKC_LEN),
		.align = 1,
	};
	struct emu_object *umem;
	struct emu_object *pd = emu_devx_find_pd(cmd->ctx, (uint32_t)emu_get(context, F_MKC_PD));
	uint8_t *host = emu_umem_at(cmd->ctx, &ask, &umem);
	struct devx_mkey *k;

	if (!mkc_ok(context) || !host)
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (!pd)
		return EMU_REFUSE(cmd, EMU_ST_BAD_RES);
	k = emu_devx_new(cmd, sizeof(*k));
	if (!k)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	k->mkey = emu_mkey_take(cmd->ctx->dev);
	if (!k->mkey)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	/* here the program chooses the variant */
	k->mkey->key = (k->mkey->key & ~0xffu) | (uint32_t)emu_get(context, F_MKC_VARIANT);
	emu_devx_use(&k->o, pd);
	emu_devx_use(&k->o, umem);
	k->o.id = k->mkey->key >> 8;
	k->o.release = mkey_release;
	mkey_fill(cmd, k->mkey, host);
	emu_set(cmd->out, F_NUMBER, k->o.id);
	return EMU_ST_OK;
}

static enum emu_status query_mkey(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_MKC_AT;
	const struct devx_mkey *k = cmd->target->impl;

	emu_set(context, F_MKC_LR, 1);
	emu_set(context, F_MKC_LW, k->mkey->access & EMU_ACCESS_LOCAL_WRITE);
	emu_set(context, F_MKC_MODE_LOW, EMU_MKEY_MTT);
	emu_set(context, F_MKC_QPN, NO_QP);
	emu_set(context, F_MKC_VARIANT, k->mkey->key & 0xff);
	emu_set(context, F_MKC_PD, k->mkey->pdn);
	emu_set(context, F_MKC_START, k->mkey->iova);
	emu_set(context, F_MKC_LEN, k->mkey->length);
	return EMU_ST_OK;
}

static const struct emu_devx_op ops[] = {
	{.opcode = EMU_CMD_CREATE_MKEY,
	 .min_in = CREATE_SIZE,
	 .min_out = EMU_CMD_HEADER,
	 .run = create_mkey},
	{.opcode = EMU_CMD_QUERY_MKEY,
	 .min_in = EMU_CMD_HEADER,
	 .min_out = EMU_MKC_AT + 64,
	 .id = {0x48, 24},
	 .maker = EMU_CMD_CREATE_MKEY,
	 .run = query_mkey},
};

const struct emu_devx_table emu_devx_mkey_ops = {ops, EMU_COUNT(ops)};
