/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues: from a TIR to an RQ, into the buffers of its next WQE, and the CQE for it. */
#include <string.h>

#include "emu_dev.h"

void emu_rq_reset(struct emu_rq *rq)
{
	rq->ci = 0;
	rq->pi = 0;
	rq->dry = false;
}

static void to_error(struct emu_rq *rq)
{
	rq->state = EMU_QUEUE_ERR;
	emu_rq_flush(rq);
}

void emu_rq_to_error(struct emu_rq *rq)
{
	to_error(rq);
}

/* The queue's CQ is dead: the queue cannot go on. */
static void cq_lost(struct emu_rq *rq)
{
	rq->state = EMU_QUEUE_ERR;
	emu_async_event(rq->ctx, rq->of_qp ? EMU_ASYNC_QP_FATAL : EMU_ASYNC_WQ_FATAL,
			rq->wq_handle);
	rq->async_events_reported++;
}

static bool write_error(struct emu_rq *rq, enum emu_syndrome syndrome)
{
	struct emu_error err = {
		.syndrome = syndrome,
		.cqe_opcode = EMU_CQE_RESP_ERR,
		.wqe_counter = rq->ci,
		.qpn = rq->rqn,
		.user_index = rq->user_index,
	};

	rq->ci++;
	if (emu_cq_write_error(rq->cq, &err))
		return true;
	cq_lost(rq);
	return false;
}

/* Reads the RQ counter. False: nothing posted. */
static bool refresh(struct emu_rq *rq)
{
	/* pairs with the program's barrier between its WQEs and its counter */
	uint16_t pi = (uint16_t)emu_read_dbrec(rq->dbrec);

	if ((uint16_t)(pi - rq->ci) > rq->n_wqe) {
		if (rq->pi != pi)
			emu_complain("%s: receive queue 0x%x: its counter is %u, the next WQE %u, "
				     "the ring holds %u: more was posted than fits",
				     rq->dev->rdma, rq->rqn, pi, rq->ci, rq->n_wqe);
		rq->pi = pi;
		return false;
	}
	rq->pi = pi;
	return rq->pi != rq->ci;
}

/* Is there a WQE for a frame? A queue that nobody fills is not waited for twice. */
static bool has_wqe(struct emu_rq *rq)
{
	if (rq->ci != rq->pi || refresh(rq)) {
		rq->dry = false;
		return true;
	}
	if (rq->dry)
		return false;
	rq->dry = !emu_engine_grace(refresh, rq);
	return !rq->dry;
}

void emu_rq_flush(struct emu_rq *rq)
{
	if (!refresh(rq))
		return;
	while (rq->ci != rq->pi)
		if (!write_error(rq, EMU_SYN_FLUSHED))
			return;
}

/* What is left to copy: a frame is one piece, or two around a stripped tag. */
struct source {
	const uint8_t *ptr[2];
	uint32_t len[2];
};

static void copy_out(struct source *src, uint8_t *dst, uint32_t room)
{
	uint32_t n;
	int i;

	for (i = 0; i < 2 && room; i++) {
		n = src->len[i] < room ? src->len[i] : room;
		if (!n)
			continue;
		memcpy(dst, src->ptr[i], n);
		src->ptr[i] += n;
		src->len[i] -= n;
		dst += n;
		room -= n;
	}
}

static inline const struct emu_wqe_data *wqe_segs(const struct emu_rq *rq, uint16_t index)
{
	size_t slot = index & (rq->n_wqe - 1);

	return (const struct emu_wqe_data *)(const void *)(rq->buf + slot * rq->stride);
}

static enum emu_syndrome scatter(struct emu_rq *rq, struct source *src)
{
	const struct emu_wqe_data *seg = wqe_segs(rq, rq->ci);
	const struct emu_wqe_data *end = seg + rq->stride / EMU_DS;
	uint32_t left = src->len[0] + src->len[1], room;
	uint8_t *dst;

	for (; left && seg < end; seg++) {
		if (emu_from_be32(seg->lkey) == EMU_LKEY_END)
			break;
		room = emu_from_be32(seg->byte_count);
		dst = emu_mem(rq->dev, seg, rq->pdn, EMU_ACCESS_LOCAL_WRITE);
		if (!dst || room == 0 || room >= EMU_2GB)
			return EMU_SYN_LOCAL_PROT;
		if (room > left)
			room = left;
		copy_out(src, dst, room);
		left -= room;
	}
	return left ? EMU_SYN_LOCAL_LENGTH : EMU_SYN_NONE;
}

/* The buffer that a frame will go to soon: its first line comes from the program's core. */
static void prefetch_ahead(struct emu_rq *rq)
{
	const struct emu_wqe_data *seg = wqe_segs(rq, (uint16_t)(rq->ci + 4));
	const uint8_t *dst;

	__builtin_prefetch(wqe_segs(rq, (uint16_t)(rq->ci + 12)));
	dst = emu_mem(rq->dev, seg, rq->pdn, EMU_ACCESS_LOCAL_WRITE);
	if (dst)
		__builtin_prefetch(dst, 1);
}

static void write_cqe(struct emu_rq *rq, const struct emu_frame *f, uint32_t tag,
		      struct emu_rss_result rss)
{
	bool strip = rq->vlan_strip && f->pkt.vlan;
	struct emu_cqe cqe = {
		.rx_hash_result = emu_to_be32(rss.hash),
		.rx_hash_type = rss.type,
		.hds_ip_ext = f->status.ok,
		.l4_hdr_type_etc = (uint8_t)(f->status.type | (strip ? EMU_CQE_CV : 0)),
		.vlan_info = strip ? emu_to_be16(f->pkt.vlan_tci) : 0,
		.srqn_uidx = emu_to_be32(rq->user_index),
		.byte_cnt = emu_to_be32(strip ? f->len - 4 : f->len),
		.timestamp = emu_to_be64(emu_time_cqe(rq->cq->realtime)),
		.sop_drop_qpn = emu_to_be32(tag & 0xffffff),
		.wqe_counter = emu_to_be16(rq->ci),
		.op_own = EMU_CQE_RESP_SEND << 4,
	};

	rq->ci++;
	if (!emu_cq_write(rq->cq, &cqe, EMU_CQE_PLAIN))
		cq_lost(rq);
}

static void verify(struct emu_frame *f)
{
	if (f->verified)
		return;
	f->status = emu_pkt_verify(&f->pkt, f->data);
	f->verified = true;
}

static void receive(struct emu_rq *rq, struct emu_frame *f, uint32_t tag, struct emu_rss_result rss)
{
	struct emu_counters *count = &emu_counted[rq->dev->index];
	struct source src = {{f->data, NULL}, {f->len, 0}};
	enum emu_syndrome syndrome;

	if (rq->state != EMU_QUEUE_RDY || !has_wqe(rq)) {
		count->out_of_buffer++;
		return;
	}
	if (rq->vlan_strip && f->pkt.vlan) {
		src.len[0] = 12;
		src.ptr[1] = f->data + 16;
		src.len[1] = f->len - 16;
	}
	prefetch_ahead(rq);
	syndrome = scatter(rq, &src);
	if (syndrome == EMU_SYN_NONE) {
		verify(f);
		write_cqe(rq, f, tag, rss);
		return;
	}
	count->rx_wqe_errors++;
	/* A frame that is too long costs its WQE; anything else stops the queue. */
	if (write_error(rq, syndrome) && syndrome != EMU_SYN_LOCAL_LENGTH)
		to_error(rq);
}

void emu_tir_receive(struct emu_tir *tir, struct emu_frame *frame, uint32_t tag)
{
	struct emu_rss_result rss = {0, 0};
	struct emu_rq *rq;

	if (tir->hash_fields)
		rss = emu_rss(&tir->rss, tir->hash_fields, &frame->pkt);
	rq = tir->rqs[rss.hash & (tir->n_rqs - 1)];
	if (rq)
		receive(rq, frame, tag, rss);
}
