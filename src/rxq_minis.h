/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to take small completions have in common: rxq_compress*.c. */
#ifndef DQ_RXQ_MINIS_H
#define DQ_RXQ_MINIS_H

#include "rxq_compress.h"
#include "rxq_ring.h"

/* The completion at this ring position. */
static inline struct mlx5_cqe64 *dq_rx_cqe(const struct daqiri_rxq *q, uint32_t position)
{
	return &q->cqes[position & q->mask];
}

/* The array in this slot. */
static inline struct dq_mini_cqe *dq_rx_minis_in(struct mlx5_cqe64 *slot)
{
	return (struct dq_mini_cqe *)(void *)slot;
}

/* The array behind one that is in the slot of its first completion. */
static inline struct dq_mini_cqe *dq_rx_minis_behind(struct dq_mini_cqe *minis)
{
	return minis + DQ_MINI_ARRAY * DQ_MINI_ARRAY;
}

/* An array that was taken, or saved: its slot must not look new. */
static inline void dq_rx_minis_use_up(struct dq_mini_cqe *minis)
{
	dq_cqe_use_up((struct mlx5_cqe64 *)(void *)minis);
}

/* n packets of the session were taken. */
static inline void dq_rx_minis_taken(struct daqiri_rxq *q, struct dq_rx_session *s, uint32_t n,
				     uint64_t bytes)
{
	s->left -= n;
	q->ci += n;
	dq_counter_add(&q->count.bytes, bytes);
	q->held += n;
}

/* What all packets of a session are told. */
void dq_rx_session_tell(struct daqiri_rxq *q, const struct mlx5_cqe64 *title);
/* The title lies, or its session goes round the ring's end: it becomes something else. */
void dq_rx_session_refuse(struct daqiri_rxq *q);

/* The next completion is a title: its session is read from here on. False: not so. */
static inline bool dq_rx_session_begin(struct daqiri_rxq *q, struct mlx5_cqe64 *title)
{
	uint32_t n = dq_cqe_len(title), first = q->ci & q->mask;
	struct dq_rx_session *s = q->session;

	if (UNLIKELY(n - 1 > q->mask - first)) {
		dq_rx_session_refuse(q);
		return false;
	}
	s->left = n;
	s->minis = dq_rx_minis_in(dq_rx_cqe(q, q->ci + 1));
	s->addr = q->base + (uint64_t)first * q->stride;
	s->next = dq_rx_minis_behind(dq_rx_minis_in(title));
	s->key = (uint64_t)dq_rx_key(dq_rx_keys(q), title) << 32;
	if (q->tell)
		dq_rx_session_tell(q, title);
	dq_cqe_use_up(title);
	return true;
}

/* No session is read. Whether one is now, because the next completion is a title. */
static inline bool dq_rx_session_comes(struct daqiri_rxq *q)
{
	struct mlx5_cqe64 *title = dq_rx_cqe(q, q->ci);
	uint8_t op_own = dq_cqe_op_own(title) & DQ_CQE_OPCODE_OWNER;

	if (op_own != dq_cqe_title((q->ci & (q->mask + 1)) != 0))
		return false;
	/* Pairs with the device's write of the ownership byte: title, arrays and packets are there.
	 */
	dq_from_device();
	return dq_rx_session_begin(q, title);
}

/* Takes what there is, of sessions and of plain completions, behind n packets; returns how many
 * then. */
uint32_t dq_rx_poll_sessions(struct daqiri_rxq *q, const struct dq_rx_wanted *want, uint32_t n);

#endif
