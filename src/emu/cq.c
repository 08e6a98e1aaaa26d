/* SPDX-License-Identifier: Apache-2.0 */
/* Completion queues: writing CQEs, overrun, arming. Runs on the engine's thread. */
#include <string.h>

#include "emu_dev.h"
#include "gpu.h"
#include "script.h"

#define ARM_POISON    0xffffffffu
#define PUBLISH_AHEAD 8u /* CQEs that are fetched before they are written */

void emu_cq_init(struct emu_cq *cq)
{
	cq->pi = 0;
	cq->overrun = false;
	cq->armed = false;
	cq->fired_sn = -1;
	cq->ci_seen = 0;
	/* A first arm word is then never what already stands there. */
	cq->arm_db = ARM_POISON;
	emu_poison_dbrec(&cq->dbrec[1], ARM_POISON);
}

static void fire(struct emu_cq *cq)
{
	cq->armed = false;
	cq->fired_sn = (int)EMU_ARM_SN(cq->arm_db);
	if (!emu_broken(EVENT_LOST))
		emu_comp_event(cq);
}

/*
 * The consumer writes its index modulo anything that keeps log2(n) + 1 bits (some write 16 bits
 * only), so that many are compared.
 */
bool emu_cq_full(struct emu_cq *cq, uint32_t n)
{
	uint32_t mask = 2 * cq->n_cqe - 1, pi = cq->pi + n;

	if (((pi - cq->ci_seen) & mask) < cq->n_cqe)
		return false;
	cq->ci_seen = emu_read_dbrec(&cq->dbrec[0]);
	return ((pi - cq->ci_seen) & mask) >= cq->n_cqe;
}

void emu_cq_overrun(struct emu_cq *cq)
{
	cq->overrun = true;
	emu_counted[cq->dev->index].cq_overruns++;
	if (emu_broken(OVERRUN))
		return;
	if (cq->devx) {
		emu_devx_event(cq->devx, EMU_ASYNC_CQ_ERR);
		return;
	}
	emu_async_event(cq->ctx, EMU_ASYNC_CQ_ERR, cq->user_handle);
	cq->async_events_reported++;
}

uint8_t *emu_cq_slot(const struct emu_cq *cq, uint32_t index)
{
	uint8_t *slot = cq->buf + (size_t)(index & (cq->n_cqe - 1)) * cq->cqe_size;

	return slot + cq->cqe_size - sizeof(struct emu_cqe); /* 128-byte entries: the second half */
}

/*
 * All but the owner byte. Field by field, as they were written: one load over several stores that
 * are still in the store buffer waits until all of it, other cores' cache lines too, is written.
 */
static void copy(uint8_t *slot, const struct emu_cqe *img)
{
	/* volatile: the compiler must not put the fields together again */
	volatile struct emu_cqe *dst = (volatile struct emu_cqe *)(void *)slot;

	memset(slot, 0, offsetof(struct emu_cqe, op_own)); /* the reserved fields */
#define COPY(field) dst->field = img->field
	COPY(tunnel);
	COPY(wqe_id);
	COPY(rx_hash_result);
	COPY(rx_hash_type);
	COPY(checksum);
	COPY(hds_ip_ext);
	COPY(l4_hdr_type_etc);
	COPY(vlan_info);
	COPY(srqn_uidx);
	COPY(byte_cnt);
	COPY(timestamp);
	COPY(sop_drop_qpn);
	COPY(wqe_counter);
	COPY(signature);
#undef COPY
}

void emu_cq_publish(struct emu_cq *cq, struct emu_cqe *img, uint32_t n)
{
	uint8_t *dst = emu_cq_slot(cq, cq->pi);

	img->op_own = (uint8_t)((img->op_own & 0xfe) |
				((cq->pi & cq->n_cqe) && !emu_broken(OWNER_BIT) ? 1 : 0));
	if (cq->pad)
		memset(dst - sizeof(*img), 0, sizeof(*img));
	emu_prefetch_write(emu_cq_slot(cq, cq->pi + PUBLISH_AHEAD));
	copy(dst, img);
	/* Owner bit last; pairs with the consumer's read barrier behind its look at op_own. */
	__atomic_store_n(dst + offsetof(struct emu_cqe, op_own), img->op_own, __ATOMIC_RELEASE);
	cq->pi += n;
}

void emu_cq_notify(struct emu_cq *cq, enum emu_cqe_kind kind)
{
	if (emu_broken(EVENT_UNASKED))
		emu_comp_event(cq);
	if (cq->armed && (!cq->armed_solicited || kind == EMU_CQE_SOLICITED))
		fire(cq);
}

/* --faults: as if it were full. */
static bool scripted(const struct emu_cq *cq)
{
	return emu_script_has(EMU_ON_COMPLETION) &&
	       emu_script_hit(EMU_ON_COMPLETION, cq->dev->index, 0);
}

bool emu_cq_write(struct emu_cq *cq, struct emu_cqe *img, enum emu_cqe_kind kind)
{
	if (emu_gpu_n)
		emu_rq_settle();
	if (!cq->overrun && scripted(cq)) {
		emu_cq_overrun(cq);
		return false;
	}
	if (cq->session.on)
		return emu_session_write(cq, img, kind);
	if (cq->overrun)
		return false;
	if (emu_cq_full(cq, 0)) {
		emu_cq_overrun(cq);
		return false;
	}
	emu_cq_publish(cq, img, 1);
	emu_cq_notify(cq, kind);
	return true;
}

/* PRM: no public list of vendor syndromes exists; these are what ConnectX cards were seen to give.
 */
static uint8_t vendor_syndrome(enum emu_syndrome syndrome)
{
	switch (syndrome) {
	case EMU_SYN_LOCAL_LENGTH:
		return 0x32;
	case EMU_SYN_LOCAL_QP_OP:
		return 0x68;
	case EMU_SYN_LOCAL_PROT:
		return 0x51;
	case EMU_SYN_FLUSHED:
		return 0xf9;
	default:
		return 0;
	}
}

bool emu_cq_write_error(struct emu_cq *cq, const struct emu_error *err)
{
	struct emu_err_cqe cqe = {
		.srqn_uidx = emu_to_be32(err->user_index),
		.vendor_err_synd = vendor_syndrome(err->syndrome),
		.syndrome = (uint8_t)(emu_broken(SYNDROME) ? EMU_SYN_LOCAL_QP_OP : err->syndrome),
		.s_wqe_opcode_qpn = emu_to_be32((uint32_t)err->wqe_opcode << 24 | err->qpn),
		.wqe_counter = emu_to_be16(err->wqe_counter),
		.op_own = (uint8_t)(err->cqe_opcode << 4),
	};
	struct emu_cqe img;

	memcpy(&img, &cqe, sizeof(img));
	img.wqe_id = emu_to_be16(err->wqe_id);
	img.byte_cnt = emu_to_be32(err->strides << EMU_MPW_STRIDES_SHIFT);
	return emu_cq_write(cq, &img, EMU_CQE_SOLICITED);
}

/* CQEs that the program has not consumed when it arms ring at once. */
static void check_armed(struct emu_cq *cq)
{
	bool unread = ((cq->pi - EMU_ARM_CI(cq->arm_db)) & 0xffffff) != 0;

	if (unread && !cq->armed_solicited)
		fire(cq);
}

/*
 * Several CQs share a page's doorbell and the last writer's number alone is left in it, so every CQ
 * of the page is looked at. A word that has not changed, or whose sequence number has had its
 * event, arms nothing.
 */
void emu_cq_doorbell(struct emu_uar *uar, struct emu_dev *dev)
{
	struct emu_cq *cq;
	uint32_t word;

	LIST_FOREACH (cq, &dev->cqs, link) {
		if (cq->uar != uar)
			continue;
		word = emu_read_dbrec(&cq->dbrec[1]);
		if (word == cq->arm_db)
			continue;
		cq->arm_db = word;
		if ((int)EMU_ARM_SN(word) == cq->fired_sn)
			continue;
		cq->armed = true;
		cq->armed_solicited = EMU_ARM_SOLICITED(word);
		check_armed(cq);
	}
}
