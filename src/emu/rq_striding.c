/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Striding receive queues: a WQE is one piece of memory cut into strides, frames take as many as
 * they need one after the other, and a frame that does not fit into what is left of a WQE begins
 * the next one. Runs on the engine's thread.
 */
#include "rq.h"

static inline uint32_t strides_left(const struct emu_rq *rq)
{
	return (1u << rq->log_strides) - rq->used;
}

/* The CQE's wqe_counter is the index of the first stride, its wqe_id that of the WQE. */
static bool complete(struct emu_rq *rq, struct emu_cqe *cqe, uint32_t strides)
{
	cqe->wqe_id = emu_to_be16(emu_rq_index(rq));
	cqe->wqe_counter = emu_to_be16((uint16_t)rq->used);
	rq->used += strides;
	if (!strides_left(rq))
		emu_rq_advance(rq);
	return emu_rq_complete(rq, cqe);
}

/* PRM "Striding RQ": the rest of the WQE is given back by a CQE without a frame. */
static bool fill(struct emu_rq *rq)
{
	uint32_t strides = strides_left(rq);
	struct emu_cqe cqe = {
		.srqn_uidx = emu_to_be32(rq->user_index),
		.byte_cnt = emu_to_be32(EMU_MPW_FILLER | strides << EMU_MPW_STRIDES_SHIFT),
		.timestamp = emu_to_be64(emu_time_cqe(rq->cq->realtime)),
		.op_own = EMU_CQE_RESP_SEND << 4,
	};

	if (emu_broken(FILLER)) {
		emu_rq_advance(rq);
		return true;
	}
	return complete(rq, &cqe, strides);
}

void emu_rq_receive_striding(struct emu_rq *rq, struct emu_rx *rx)
{
	uint32_t need = (rx->len + rq->shift + (1u << rq->log_stride) - 1) >> rq->log_stride;
	enum emu_syndrome syndrome = EMU_SYN_LOCAL_LENGTH;
	struct emu_cqe cqe;

	if (need > strides_left(rq) && rq->used) {
		if (!fill(rq))
			return;
		if (!emu_rq_has_wqe(rq)) {
			emu_counted[rq->dev->index].out_of_buffer++;
			if (rq->out_of_buffer)
				++*rq->out_of_buffer;
			return;
		}
	}
	if (need <= strides_left(rq))
		syndrome = emu_rq_scatter(rq, rx, (rq->used << rq->log_stride) + rq->shift);
	if (syndrome != EMU_SYN_NONE) {
		emu_rq_fail(rq, syndrome);
		return;
	}
	emu_rq_cqe(rq, rx, &cqe);
	cqe.byte_cnt = emu_to_be32(need << EMU_MPW_STRIDES_SHIFT | rx->len);
	complete(rq, &cqe, need);
}
