/* SPDX-License-Identifier: Apache-2.0 */
/* Completions of one striding WQE, in a row before the completion ring's end, made into packets. */
#ifndef DQ_RXQ_STRIDE_H
#define DQ_RXQ_STRIDE_H

#include "barrier.h"
#include "rxq_ring.h"
#include "rxq_striding.h"

struct dq_rx_stride_row {
	const struct mlx5_cqe64 *cqe; /* the next one */
	uint64_t base;		      /* of the WQE's memory */
	uint16_t last;		      /* stride of the WQE: what a completion says is cut to it */
	uint32_t left;		      /* completions that may be taken */
	uint16_t id, id_mask;	      /* those of this WQE have id under id_mask */
	uint8_t good;		      /* opcode and owner of one that can be taken */
	uint8_t log_stride;
	struct dq_rx_keys keys;
};

static inline struct dq_rx_stride_row dq_rx_stride_row(const struct daqiri_rxq *q, uint32_t max)
{
	const struct dq_rx_striding *st = q->striding;
	uint32_t first = q->ci & q->mask, room = q->mask + 1 - first;
	unsigned owner = (q->ci & (q->mask + 1)) != 0;

	return (struct dq_rx_stride_row){.cqe = &q->cqes[first],
					 .base = st->where[st->wqe & st->mask],
					 .last = (uint16_t)(st->strides - 1),
					 .left = max < room ? max : room,
					 .id = (uint16_t)(st->wqe & st->mask),
					 .id_mask = (uint16_t)st->mask,
					 .good = dq_cqe_good_recv(owner),
					 .log_stride = st->log_stride,
					 .keys = dq_rx_keys(q)};
}

static inline bool dq_rx_stride_is_of(const struct dq_rx_stride_row *row,
				      const struct mlx5_cqe64 *cqe)
{
	return (dq_cqe_wqe_id(cqe) & row->id_mask) == row->id;
}

/* The current WQE has no more packets to come. */
static inline void dq_rx_stride_close(struct dq_rx_striding *st)
{
	st->end[st->wqe & st->mask] = st->polled;
	st->wqe++;
	st->reached = 0;
}

/* A completion of the current WQE is the last one that was looked at. */
static inline void dq_rx_stride_reach(struct dq_rx_striding *st, const struct mlx5_cqe64 *cqe)
{
	st->reached = (dq_cqe_wqe_counter(cqe) & (st->strides - 1)) + dq_cqe_strides(cqe);
	if (st->reached >= st->strides)
		dq_rx_stride_close(st);
}

/* n > 0 packets of the current WQE were taken. */
static inline void dq_rx_stride_taken(struct daqiri_rxq *q, uint32_t n, uint64_t bytes)
{
	struct dq_rx_striding *st = q->striding;
	const struct mlx5_cqe64 *last = &q->cqes[(q->ci + n - 1) & q->mask];

	q->ci += n;
	q->held += n;
	st->polled += n;
	dq_counter_add(&q->count.bytes, bytes);
	dq_rx_stride_reach(st, last);
}

#endif
