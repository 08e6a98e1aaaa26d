/* SPDX-License-Identifier: Apache-2.0 */
/* Memory keys over umems, and over pieces of other keys (KLM); KSM is not offered by this card. */
#include "caps.h"
#include "devx_prm.h"
#include "uverbs_mem.h"

#include <stdlib.h>

#define EMU_DEVX_FILE 0x80000u
/* mlx5_ifc_create_mkey_in_bits up to its list; the kernel asks for no less than the mkc */
#define CREATE_SIZE 272u
#define KLM_SIZE    16u
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
	free(k->mkey->klm);
	k->mkey->klm = NULL;
	k->mkey->n_klm = 0;
	emu_engine_resume();
}

static bool mkc_ok(const uint8_t *context)
{
	uint64_t mode = emu_get(context, F_MKC_MODE_LOW);

	return !emu_get(context, F_MKC_MODE_HIGH) &&
	       (mode == EMU_MKEY_MTT || mode == EMU_MKEY_KLM) && !emu_get(context, F_MKC_FREE) &&
	       !emu_get(context, F_MKC_BSF) && !emu_get(context, F_MKC_CRYPTO) &&
	       !emu_get(context, F_MKC_LENGTH64) && !emu_get(context, F_MKC_UMR_EN) &&
	       emu_get(context, F_MKC_QPN) == NO_QP && emu_get(context, F_MKC_LEN);
}

/* What a key stands for: memory of a umem, or pieces of other keys. */
struct target {
	struct emu_object *umem;
	uint8_t *host;
	struct emu_klm *klm;
	uint32_t n_klm;
};

static void mkey_fill(struct emu_devx_cmd *cmd, struct emu_mkey *mkey, const struct target *t)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;

	emu_engine_pause();
	mkey->iova = emu_get(context, F_MKC_START);
	mkey->length = emu_get(context, F_MKC_LEN);
	mkey->host = t->host;
	mkey->klm = t->klm;
	mkey->n_klm = t->n_klm;
	mkey->access = emu_get(context, F_MKC_LW) ? EMU_ACCESS_LOCAL_WRITE : 0;
	mkey->pdn = (uint32_t)emu_get(context, F_MKC_PD);
	mkey->live = true;
	emu_engine_resume();
}

static enum emu_status find_umem(struct emu_devx_cmd *cmd, struct target *t)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;
	struct emu_umem_ask ask = {
		.id = (uint32_t)emu_get(cmd->in, F_MKEY_UMEM),
		.writable = emu_get(context, F_MKC_LW),
		.offset = emu_get(cmd->in, F_MKEY_UMEM_OFFSET),
		.size = emu_get(context, F_MKC_LEN),
		.align = 1,
	};

	t->host = emu_umem_at(cmd->ctx, &ask, &t->umem);
	return t->host ? EMU_ST_OK : EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
}

/* The list is filled up to a multiple of four: mlx5_ib, mr.c, and DPDK. Keys in it are looked at
 * when they are used. */
static enum emu_status read_pieces(struct emu_devx_cmd *cmd, struct target *t)
{
	uint64_t n = emu_get(cmd->in, F_MKEY_OCTWORDS), i;
	const uint8_t *klm = cmd->in + CREATE_SIZE;

	if (!n || n % 4 || n > 1u << EMU_LOG_MAX_KLM ||
	    n != emu_get(cmd->in + EMU_MKC_AT, F_MKC_OCTWORDS))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (cmd->in_len < CREATE_SIZE + n * KLM_SIZE)
		return EMU_REFUSE(cmd, EMU_ST_BAD_INPUT_LEN);
	t->klm = calloc(n, sizeof(*t->klm));
	if (!t->klm)
		return EMU_REFUSE(cmd, EMU_ST_LIM);
	t->n_klm = (uint32_t)n;
	for (i = 0; i < n; i++, klm += KLM_SIZE)
		t->klm[i] = (struct emu_klm){
			.length = (uint32_t)emu_get(klm, F_KLM_LENGTH),
			.key = (uint32_t)emu_get(klm, F_KLM_KEY),
			.addr = emu_get(klm, F_KLM_ADDRESS),
		};
	return EMU_ST_OK;
}

static enum emu_status make_mkey(struct emu_devx_cmd *cmd, const struct target *t)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;
	struct emu_object *pd = emu_devx_find_pd(cmd->ctx, (uint32_t)emu_get(context, F_MKC_PD));
	struct devx_mkey *k;

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
	emu_devx_use(&k->o, t->umem);
	k->o.id = k->mkey->key >> 8;
	k->o.release = mkey_release;
	mkey_fill(cmd, k->mkey, t);
	emu_set(cmd->out, F_NUMBER, k->o.id);
	return EMU_ST_OK;
}

static enum emu_status create_mkey(struct emu_devx_cmd *cmd)
{
	const uint8_t *context = cmd->in + EMU_MKC_AT;
	struct target t = {0};
	enum emu_status status;

	if (!mkc_ok(context))
		return EMU_REFUSE(cmd, EMU_ST_BAD_PARAM);
	if (emu_get(context, F_MKC_MODE_LOW) == EMU_MKEY_KLM)
		status = read_pieces(cmd, &t);
	else
		status = find_umem(cmd, &t);
	if (status == EMU_ST_OK)
		status = make_mkey(cmd, &t);
	if (status != EMU_ST_OK)
		free(t.klm);
	return status;
}

static enum emu_status query_mkey(struct emu_devx_cmd *cmd)
{
	uint8_t *context = cmd->out + EMU_MKC_AT;
	const struct devx_mkey *k = cmd->target->impl;

	emu_set(context, F_MKC_LR, 1);
	emu_set(context, F_MKC_LW, k->mkey->access & EMU_ACCESS_LOCAL_WRITE);
	emu_set(context, F_MKC_MODE_LOW, k->mkey->n_klm ? EMU_MKEY_KLM : EMU_MKEY_MTT);
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
