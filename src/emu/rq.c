/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues: from a TIR to an RQ, into the buffers of its next WQE, and the CQE for it. */
#include <errno.h>
#include <string.h>

#include "caps.h"
#include "gpu.h"
#include "packet_deep.h"
#include "rq.h"
#include "script.h"

void emu_rq_reset(struct emu_rq *rq)
{
	rq->ci = emu_broken(RECV_RESET) ? rq->ci : 0;
	rq->pi = rq->ci;
	rq->dry = false;
	rq->head = 0;
	rq->follow = false;
	rq->used = 0;
}

static bool strides_ok(const struct emu_rq_shape *s)
{
	return s->log_stride >= EMU_LOG_STRIDE_MIN && s->log_stride <= EMU_LOG_STRIDE_MAX &&
	       s->log_strides >= EMU_LOG_STRIDES_MIN && s->log_strides <= EMU_LOG_STRIDES_MAX;
}

int emu_rq_set_shape(struct emu_rq *rq, const struct emu_rq_shape *s)
{
	bool striding = s->type == EMU_WQ_LINKED_STRIDING || s->type == EMU_WQ_CYCLIC_STRIDING;
	uint32_t segs = s->type == EMU_WQ_CYCLIC ? 0 : sizeof(struct emu_wqe_next);

	if (!s->n_wqe || (s->n_wqe & (s->n_wqe - 1)) || s->n_wqe > EMU_MAX_RQ_WQE)
		return -EINVAL;
	if (s->log_wqe > 31 || 1u << s->log_wqe > EMU_MAX_RQ_DESC ||
	    1u << s->log_wqe < segs + EMU_DS)
		return -EINVAL;
	if (striding ? !strides_ok(s) : s->two_byte_shift)
		return -EINVAL;
	rq->n_wqe = s->n_wqe;
	rq->stride = 1u << s->log_wqe;
	rq->segs = segs;
	rq->linked = s->type == EMU_WQ_LINKED || s->type == EMU_WQ_LINKED_STRIDING;
	rq->log_stride = striding ? (uint8_t)s->log_stride : 0;
	rq->log_strides = striding ? (uint8_t)s->log_strides : 0;
	rq->shift = s->two_byte_shift ? EMU_TWO_BYTE_SHIFT : 0;
	return 0;
}

void emu_rq_cq_lost(struct emu_rq *rq)
{
	rq->state = EMU_QUEUE_ERR;
	if (rq->devx) {
		emu_devx_event(rq->devx, EMU_ASYNC_WQ_FATAL);
		return;
	}
	emu_async_event(rq->ctx, rq->of_qp ? EMU_ASYNC_QP_FATAL : EMU_ASYNC_WQ_FATAL,
			rq->wq_handle);
	rq->async_events_reported++;
}

void emu_rq_advance(struct emu_rq *rq)
{
	rq->ci++;
	rq->follow = rq->linked;
	rq->used = 0;
}

bool emu_rq_complete(struct emu_rq *rq, struct emu_cqe *cqe)
{
	if (emu_settings.broken)
		emu_rq_spoil(rq, cqe);
	if (emu_gpu_n && emu_rq_is_late()) {
		emu_rq_put_off(rq, cqe);
		return true;
	}
	if (emu_cq_write(rq->cq, cqe, EMU_CQE_PLAIN))
		return true;
	emu_rq_cq_lost(rq);
	return false;
}

static bool write_error(struct emu_rq *rq, enum emu_syndrome syndrome)
{
	struct emu_error err = {
		.syndrome = syndrome,
		.cqe_opcode = EMU_CQE_RESP_ERR,
		.wqe_counter = rq->log_stride ? (uint16_t)rq->used : emu_rq_index(rq),
		.wqe_id = rq->log_stride ? emu_rq_index(rq) : 0,
		.strides = rq->log_stride ? (1u << rq->log_strides) - rq->used : 0,
		.qpn = rq->rqn,
		.user_index = rq->user_index,
	};

	emu_rq_advance(rq);
	if (emu_cq_write_error(rq->cq, &err))
		return true;
	emu_rq_cq_lost(rq);
	return false;
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

/* A frame that is too long costs its WQE; anything else stops the queue. */
void emu_rq_fail(struct emu_rq *rq, enum emu_syndrome syndrome)
{
	emu_counted[rq->dev->index].rx_wqe_errors++;
	if (write_error(rq, syndrome) && (syndrome != EMU_SYN_LOCAL_LENGTH || emu_broken(TOO_LONG)))
		to_error(rq);
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

static inline uint8_t *slot(const struct emu_rq *rq, uint16_t index)
{
	return rq->buf + (size_t)(index & (rq->n_wqe - 1)) * rq->stride;
}

/*
 * The WQE behind the one that is done. Its number is read when there is one only: the program links
 * a WQE to the last one's when it posts it.
 */
static void follow(struct emu_rq *rq)
{
	const struct emu_wqe_next *next = (const struct emu_wqe_next *)(void *)slot(rq, rq->head);

	rq->head = emu_from_be16(next->next_wqe_index) & (uint16_t)(rq->n_wqe - 1);
	rq->follow = false;
}

/* A queue that nobody fills is not waited for twice. */
bool emu_rq_has_wqe(struct emu_rq *rq)
{
	if (rq->ci == rq->pi && !refresh(rq)) {
		if (rq->dry)
			return false;
		rq->dry = !emu_engine_grace(refresh, rq);
		if (rq->dry)
			return false;
	}
	rq->dry = false;
	if (rq->follow)
		follow(rq);
	return true;
}

void emu_rq_flush(struct emu_rq *rq)
{
	if (!refresh(rq))
		return;
	while (rq->ci != rq->pi) {
		if (rq->follow)
			follow(rq);
		if (!write_error(rq, EMU_SYN_FLUSHED))
			return;
	}
}

static bool put(uint8_t *dst, const uint8_t *from, uint32_t n)
{
	if (emu_gpu_holds(dst))
		return emu_gpu_store(dst, from, n);
	memcpy(dst, from, n);
	return true;
}

/* False: memory that is not there any more. */
static bool copy_out(struct emu_source *src, uint8_t *dst, uint32_t room)
{
	uint32_t n;
	int i;

	for (i = 0; i < 2 && room; i++) {
		n = src->len[i] < room ? src->len[i] : room;
		if (!n)
			continue;
		if (!put(dst, src->ptr[i], n))
			return false;
		src->ptr[i] += n;
		src->len[i] -= n;
		dst += n;
		room -= n;
	}
	return true;
}

static inline const struct emu_wqe_data *wqe_segs(const struct emu_rq *rq, uint16_t index)
{
	return (const struct emu_wqe_data *)(const void *)(slot(rq, index) + rq->segs);
}

/* MLX5_WQ_END_PAD_MODE_ALIGN: the last write goes up to the end of a cache line, within the buffer.
 */
static void pad_end(uint8_t *dst, uint32_t room)
{
	static const uint8_t zeros[EMU_CACHE_LINE];
	uint32_t n = (uint32_t)(-(uintptr_t)dst & (EMU_CACHE_LINE - 1));

	n = n < room ? n : room;
	if (n)
		put(dst, zeros, n);
}

enum emu_syndrome emu_rq_scatter(struct emu_rq *rq, struct emu_rx *rx, uint32_t skip)
{
	const struct emu_wqe_data *seg = wqe_segs(rq, emu_rq_index(rq));
	const struct emu_wqe_data *end = seg + (rq->stride - rq->segs) / EMU_DS;
	uint32_t left = rx->len, room, n;
	uint8_t *dst;

	for (; left && seg < end; seg++) {
		if (emu_from_be32(seg->lkey) == EMU_LKEY_END)
			break;
		room = emu_from_be32(seg->byte_count);
		dst = emu_mem(rq->dev, seg, rq->pdn, EMU_ACCESS_LOCAL_WRITE);
		if (!dst || room == 0 || room >= EMU_2GB)
			return EMU_SYN_LOCAL_PROT;
		if (skip >= room) {
			skip -= room;
			continue;
		}
		n = room - skip < left ? room - skip : left;
		if (emu_broken(SCATTER) && left != rx->len)
			skip++;
		if (!copy_out(&rx->src, dst + skip, n))
			return EMU_SYN_LOCAL_PROT;
		left -= n;
		if (!left && rq->end_padding)
			pad_end(dst + skip + n, room - skip - n);
		skip = 0;
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
		emu_prefetch_write(dst);
}

static void verify(struct emu_frame *f)
{
	if (f->verified)
		return;
	f->status = emu_pkt_verify(&f->pkt, f->data);
	f->verified = true;
}

/*
 * The inner packet's types and checksums in place of the outer one's, as tunneled_offload_en has it
 * (mlx5e_handle_csum: L3 and L4 right means both levels); the outer header counts for L3.
 */
static void tell_inner(struct emu_rx *rx, struct emu_cqe *cqe)
{
	const struct emu_frame *f = rx->frame;
	struct emu_pkt_status in = emu_pkt_verify(&rx->inner->pkt, rx->inner->data);

	if (!(f->status.ok & EMU_CQE_L3_OK))
		in.ok &= (uint8_t)~EMU_CQE_L3_OK;
	cqe->tunnel = EMU_CQE_TUNNELED | (f->pkt.l3 == EMU_L3_IPV6 ? EMU_CQE_OUTER_IPV6 : 0);
	cqe->hds_ip_ext = in.ok | (emu_broken(INNER_STATUS) ? EMU_CQE_L3_OK | EMU_CQE_L4_OK : 0);
	if (emu_broken(INNER_TYPE))
		return;
	cqe->l4_hdr_type_etc = (uint8_t)(in.type | (cqe->l4_hdr_type_etc & EMU_CQE_CV));
}

void emu_rq_cqe(struct emu_rq *rq, struct emu_rx *rx, struct emu_cqe *cqe)
{
	struct emu_frame *f = rx->frame;
	uint16_t sum = 0;

	verify(f);
	*cqe = (struct emu_cqe){
		.rx_hash_result = emu_to_be32(rx->rss.hash),
		.rx_hash_type = rx->rss.type,
		.hds_ip_ext = f->status.ok,
		.l4_hdr_type_etc = (uint8_t)(f->status.type | (rx->strip ? EMU_CQE_CV : 0)),
		.vlan_info = rx->strip ? emu_to_be16(f->pkt.vlan_tci) : 0,
		.srqn_uidx = emu_to_be32(rq->user_index),
		.timestamp = emu_to_be64(emu_time_cqe(rq->cq->realtime)),
		.sop_drop_qpn = emu_to_be32(rx->tag & 0xffffff),
		.op_own = EMU_CQE_RESP_SEND << 4,
	};
	if (rx->inner)
		tell_inner(rx, cqe);
	/* Nobody else reads it, and it costs a walk over the frame. */
	if (rq->cq->session.on && rq->cq->session.format != EMU_MINI_HASH)
		sum = emu_pkt_sum(&f->pkt, f->data);
	memcpy(&cqe->checksum, &sum, sizeof(sum));
}

static void receive_one(struct emu_rq *rq, struct emu_rx *rx)
{
	enum emu_syndrome syndrome;
	struct emu_cqe cqe;

	if (!rq->linked)
		prefetch_ahead(rq);
	if (emu_broken(CQE_FIRST)) {
		emu_rq_completion_first(rq, rx);
		return;
	}
	syndrome = emu_rq_scatter(rq, rx, 0);
	if (syndrome != EMU_SYN_NONE) {
		emu_rq_fail(rq, syndrome);
		return;
	}
	emu_rq_cqe(rq, rx, &cqe);
	cqe.byte_cnt = emu_to_be32(rx->len);
	cqe.wqe_counter = emu_to_be16(emu_rq_index(rq));
	emu_rq_advance(rq);
	emu_rq_complete(rq, &cqe);
}

static void set_source(const struct emu_rq *rq, struct emu_rx *rx)
{
	const struct emu_frame *f = rx->frame;

	rx->strip = rq->vlan_strip && f->pkt.vlan;
	rx->src = (struct emu_source){{f->data, NULL}, {f->len, 0}};
	rx->len = f->len;
	if (!rx->strip)
		return;
	if (!emu_broken(VLAN_STRIP))
		rx->src = (struct emu_source){{f->data, f->data + 16}, {12, f->len - 16}};
	rx->len = f->len - 4;
}

static void receive(struct emu_rq *rq, struct emu_rx *rx)
{
	const struct emu_script_line *line;

	if (rq->state != EMU_QUEUE_RDY || !emu_rq_has_wqe(rq)) {
		emu_counted[rq->dev->index].out_of_buffer += !emu_broken(OUT_OF_BUFFER);
		if (rq->out_of_buffer)
			++*rq->out_of_buffer;
		return;
	}
	if (emu_script_has(EMU_ON_RECEIVE)) {
		line = emu_script_hit(EMU_ON_RECEIVE, rq->dev->index, 0);
		if (line) {
			emu_rq_fail(rq, (enum emu_syndrome)line->arg);
			return;
		}
	}
	set_source(rq, rx);
	if (rq->log_stride)
		emu_rq_receive_striding(rq, rx);
	else
		receive_one(rq, rx);
}

/* Tunnels that cards take off for their stateless offloads: per_protocol_networking_offload_caps.
 */
static bool find_inner(const struct emu_frame *f, struct emu_nested *in)
{
	struct emu_tunnel t = emu_tunnel_find(&f->pkt, f->data, f->len);
	uint32_t end = f->pkt.l4_off + f->pkt.l4_len;

	if (t.inner == EMU_INNER_NONE || t.off >= end ||
	    (t.kind != EMU_TUNNEL_VXLAN && t.kind != EMU_TUNNEL_GENEVE &&
	     t.kind != EMU_TUNNEL_GRE && t.kind != EMU_TUNNEL_IP))
		return false;
	in->data = f->data + t.off;
	if (t.inner == EMU_INNER_L2)
		emu_pkt_parse(&in->pkt, in->data, end - t.off);
	else
		emu_pkt_parse_ip(&in->pkt, in->data, end - t.off);
	return true;
}

void emu_tir_receive(struct emu_tir *tir, struct emu_frame *frame, uint32_t tag)
{
	struct emu_rx rx = {.frame = frame, .tag = tag};
	struct emu_nested inner;
	struct emu_rq *rq;

	if (tir->tunnel && find_inner(frame, &inner))
		rx.inner = &inner;
	/* a hash of inner headers is none where there are no inner headers */
	if (tir->hash_fields && (!tir->inner || rx.inner))
		rx.rss = emu_rss(&tir->rss, tir->hash_fields & emu_broken_fields(),
				 tir->inner ? &inner.pkt : &frame->pkt);
	rq = tir->rqs[(rx.rss.hash + emu_broken(RSS_QUEUE)) & (tir->n_rqs - 1)];
	if (rq)
		receive(rq, &rx);
}
