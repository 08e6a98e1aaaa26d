/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to poll a receive queue have in common. */
#ifndef DQ_RXQ_RING_H
#define DQ_RXQ_RING_H

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "mlx5_cqe.h"
#include "rxq.h"
#include "rxq_compress.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Tells the device how many WQEs it has. */
static inline void dq_rx_ring_rq(struct daqiri_rxq *q)
{
	/*
	 * Pairs with the device's read of the counter: the program is done with the buffers before
	 * the device may write them.
	 */
	dq_hand_back();
	dq_doorbell_record(q->rq_dbrec, q->posted & 0xffff);
}

/* Tells the device which completions are read. */
static inline void dq_rx_ring_cq(struct daqiri_rxq *q)
{
	/* Pairs with the device's read of the index: the CQEs are read before it may rewrite them.
	 */
	dq_hand_back();
	dq_doorbell_record(q->cq_dbrec, q->ci & DQ_CQE_INDEX);
}

/* Whether a completion of any kind lies in the ring, unread. */
static inline bool dq_rx_has_completion(const struct daqiri_rxq *q)
{
	uint8_t op_own = dq_cqe_op_own(&q->cqes[q->ci & q->mask]);

	if (q->session && q->session->left)
		return true;
	return dq_cqe_is_ours(op_own, (q->ci & (q->mask + 1)) != 0);
}

/* What packets have as their key: their flow tag, or always the same. */
struct dq_rx_keys {
	__be32 of_tag; /* the bits of a flow tag that a key has */
	__be32 set;    /* and those that it has besides */
};

static inline struct dq_rx_keys dq_rx_keys(const struct daqiri_rxq *q)
{
	return (struct dq_rx_keys){.of_tag = dq_to_be32(DQ_CQE_FLOW_TAG) & ~q->key_hides,
				   .set = q->key_set};
}

static inline daqiri_key dq_rx_key(struct dq_rx_keys keys, const struct mlx5_cqe64 *cqe)
{
	return dq_key_of_be32((cqe->sop_drop_qpn & keys.of_tag) | keys.set);
}

/* The same as vectors want it, from a packet's third 32 bits on: len and key. */
static inline uint64_t dq_rx_key_set(const struct daqiri_rxq *q)
{
	return (uint64_t)dq_key_of_be32(q->key_set) << 32;
}

static inline uint64_t dq_rx_key_hides(const struct daqiri_rxq *q)
{
	return (uint64_t)dq_key_of_be32(q->key_hides) << 32;
}

/* Takes a row, and tells of its packets where that is wanted. */
static inline uint32_t dq_rx_take_row(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
				      struct daqiri_rx_meta *meta, uint32_t max)
{
	uint32_t n = q->take(q, pkts, max);

	if (meta)
		q->tell(q, pkts, meta, n);
	return n;
}

/* What a poll is to fill: meta may be NULL. */
struct dq_rx_wanted {
	struct daqiri_pkt *pkts;
	struct daqiri_rx_meta *meta;
	uint32_t n;
};

/* The same behind the n that there are. */
static inline uint32_t dq_rx_take_more(struct daqiri_rxq *q, const struct dq_rx_wanted *want,
				       uint32_t n)
{
	return dq_rx_take_row(q, want->pkts + n, want->meta ? want->meta + n : NULL, want->n - n);
}

/* Counts an error completion, and remembers the first. */
void dq_rx_note_error(struct daqiri_rxq *q, const struct dq_cqe_error *err);

/*
 * Of a cyclic queue: takes the next completion, which is there and no good packet's, as an error.
 * Its slot goes back to the device as soon as no packet before it is held.
 */
void dq_rx_eat(struct daqiri_rxq *q);

/* What a poll of a queue that has stopped returns when nothing is left in it: -EIO. */
int dq_rx_is_stopped(const struct daqiri_rxq *q);

/* What a poll that has n packets returns. */
static inline int dq_rx_polled(struct daqiri_rxq *q, uint32_t n)
{
	if (n) {
		dq_rx_ring_cq(q);
		dq_counter_add(&q->count.packets, n);
	}
	return LIKELY(n || !q->stopped) ? (int)n : dq_rx_is_stopped(q);
}

#endif
