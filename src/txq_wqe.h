/* SPDX-License-Identifier: Apache-2.0 */
/* What all ways to post share: accounting, and the doorbell. */
#ifndef DQ_TXQ_WQE_H
#define DQ_TXQ_WQE_H

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "mlx5_wqe.h"
#include "txq.h"

/* Of packets whose pointers were written. */
struct dq_tx_sums {
	uint64_t bytes;
	uint64_t slots; /* how many of them lie in slots of the queue, if near */
	bool near;	/* false: slots is to be counted */
};

/* A packet takes one of the queue's slots if it lies in them; others' memory takes none. */
static inline uint32_t dq_tx_takes_slot(const struct daqiri_txq *q, const struct daqiri_pkt *pkt)
{
	return pkt->addr - q->slot_base < q->slot_bytes;
}

static inline uint8_t *dq_tx_wqebb(const struct daqiri_txq *q, uint32_t index)
{
	return q->ring + (size_t)(index & q->mask) * DQ_WQEBB;
}

/*
 * Whether a WQE of n packets asks for a completion that is not the last of its post (that always
 * does, so that every packet is reported): one in each quarter of the ring, so that a long post
 * frees it in parts.
 */
static inline enum dq_ce dq_tx_ce(const struct daqiri_txq *q, uint32_t n)
{
	uint64_t quarter = (q->mask + 1) >> 2;

	return ((q->posted + n) ^ q->posted) & ~(quarter - 1) ? DQ_CE_ALWAYS : DQ_CE_FIRST_ERROR;
}

/* Pointers in a WQE that has not all that are left: what suits registers, if there is room. */
static inline uint32_t dq_tx_part(const struct daqiri_txq *q)
{
	return q->max_ptrs < 16 ? q->max_ptrs : q->max_ptrs & ~15u;
}

/* n packets are in the WQE that begins at WQEBB at of the ring; it may ask for a completion. */
static inline void dq_tx_account(struct daqiri_txq *q, uint32_t at, uint32_t n,
				 const struct dq_tx_sums *sums)
{
	struct dq_tx_mark *mark = &q->marks[at];
	uint64_t posted = q->posted + n;

	__atomic_store_n(&q->posted, posted, __ATOMIC_RELAXED);
	q->slots_posted += sums->slots;
	mark->packets = posted;
	mark->slots = q->slots_posted;
	dq_counter_add(&q->count.bytes, sums->bytes);
}

static inline uint8_t *dq_tx_first_ptr(const struct daqiri_txq *q, uint32_t at)
{
	return q->ring + (size_t)at * DQ_WQEBB + (size_t)DQ_EMPW_HEAD_SEGS * DQ_SEG;
}

/* Control and Ethernet segment of the eMPW of n pointers that begins at q->pi; its first 8 bytes.
 */
static inline __be64 dq_tx_empw_head(const struct daqiri_txq *q, uint32_t at, uint32_t n,
				     enum dq_ce ce)
{
	uint8_t *ctrl = q->ring + (size_t)at * DQ_WQEBB;

	dq_wqe_eth_empty(ctrl + DQ_SEG);
	return dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)ctrl,
			   dq_wqe_opcode_index(DQ_OPCODE_EMPW, q->pi),
			   dq_wqe_qpn_ds(q->qpn, dq_wqe_segs(n)), ce);
}

/* How many packets lie in slots of the queue, where they are not all near. */
uint64_t dq_tx_count_slots(const struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* The last WQE, of n packets, was accounted as if all were near; returns its first 8 bytes. */
__be64 dq_tx_recount(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* Ends a post of one eMPW whose packets were all taken to be near. */
int dq_tx_finish_far(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

static inline void dq_tx_ring_register(const struct daqiri_txq *q, __be64 head)
{
	__atomic_store_n((uint64_t *)(void *)(q->bf + q->bf_offset), (DQ_FORCE uint64_t)head,
			 __ATOMIC_RELAXED);
}

/* Hands all WQEs up to q->pi to the device. head: the last one's first 8 bytes. */
static inline void dq_tx_ring(struct daqiri_txq *q, __be64 head)
{
	/* Pairs with the device's read of the counter: the WQEs and frames are in memory. */
	dq_to_device();
	dq_doorbell_record(q->dbrec, q->pi & 0xffff);
	if (q->bf_flush) {
		/* Pairs with the device's read of the counter after the register was written. */
		dq_before_doorbell_wc();
		dq_tx_ring_register(q, head);
		/* Pairs with the next store to this half: the device has got this one. */
		dq_flush_doorbell_wc();
	} else {
		/* Pairs with the same read of the device's. */
		dq_before_doorbell();
		dq_tx_ring_register(q, head);
	}
	q->bf_offset ^= q->bf_half;
}

#endif
