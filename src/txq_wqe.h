/* SPDX-License-Identifier: Apache-2.0 */
/* What all ways to post share: accounting, and the doorbell. */
#ifndef DQ_TXQ_WQE_H
#define DQ_TXQ_WQE_H

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "mlx5_wqe.h"
#include "txq.h"

/* Pointers of each eMPW but the last, where a post takes several: registers full of them. */
enum { DQ_TX_FULL = 32, DQ_TX_FULL_WQEBBS = 9 };

/* Where a WQE's pointers begin. */
#define DQ_TX_PTRS ((size_t)DQ_EMPW_HEAD_SEGS * DQ_SEG)

#define DQ_TX_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The compiler shall not look through v, which is in a register of that class. No instruction. */
#define DQ_OPAQUE(class, v) __asm__("" : "+" class(v))

/* A packet takes one of the queue's slots if it lies in them; others' memory takes none. */
static inline uint32_t dq_tx_takes_slot(const struct daqiri_txq *q, const struct daqiri_pkt *pkt)
{
	return pkt->addr - q->slot_base < q->slot_bytes;
}

/*
 * For comparing distances from the first slot by their high and low halves: where neither is above
 * that of this number, the packet is known to lie in the slots. A queue without slots does not ask.
 */
static inline uint64_t dq_tx_near_of(uint64_t slot_bytes)
{
	return slot_bytes >> 32 ? (slot_bytes - (1ull << 32)) | UINT32_MAX : slot_bytes - 1;
}

static inline uint8_t *dq_tx_wqebb(const struct daqiri_txq *q, uint32_t index)
{
	return q->ring + (size_t)(index & q->mask) * DQ_WQEBB;
}

/* What a WQE's head is copied from. */
static inline const struct dq_wqe_model *dq_tx_model(const struct daqiri_txq *q, enum dq_ce ce)
{
	return ce == DQ_CE_ALWAYS ? &q->asks : &q->quiet;
}

/* Packets after which a long post asks for a completion that frees them. */
static inline uint32_t dq_tx_quarter(const struct daqiri_txq *q)
{
	return (q->cq_mask + 1) >> 2;
}

/*
 * Whether a WQE of n packets asks for a completion that is not the last of its post (that always
 * does, so that every packet is reported).
 */
static inline enum dq_ce dq_tx_ce(const struct daqiri_txq *q, uint32_t n)
{
	return ((q->posted + n) ^ q->posted) & ~(uint64_t)(dq_tx_quarter(q) - 1)
		       ? DQ_CE_ALWAYS
		       : DQ_CE_FIRST_ERROR;
}

/* Pointers of the next of several eMPWs, which end where the ring does. */
static inline uint32_t dq_tx_part(const struct daqiri_txq *q, uint32_t left)
{
	uint32_t room = (q->mask + 1 - (q->pi & q->mask)) * DQ_WQEBB_SEGS - DQ_EMPW_HEAD_SEGS;

	if (left > q->max_ptrs)
		left = q->max_ptrs < DQ_TX_FULL ? q->max_ptrs : DQ_TX_FULL;
	return left < room ? left : room;
}

/* Packets of a post, one in each WQEBB, up to the ring's end and up to the next completion. */
static inline uint32_t dq_tx_row(const struct daqiri_txq *q, uint32_t left)
{
	uint32_t room = q->mask + 1 - (q->pi & q->mask), quarter = dq_tx_quarter(q);

	room = room < quarter ? room : quarter;
	return left < room ? left : room;
}

/* Not below the WQEBBs of n packets, of which each eMPW but the last has DQ_TX_FULL. */
static inline uint32_t dq_tx_wqebbs_at_most(uint32_t n)
{
	return (n * 9 >> 5) + 2;
}

/* The first 8 bytes of the WQE of n pointers that begins at WQEBB pi: opcode and queue are known.
 */
static inline __be64 dq_tx_head(const struct daqiri_txq *q, uint32_t pi, size_t n)
{
	uint64_t head = pi & 0xffff;

	/* Else it is cut to 16 bits after the shift, by a constant that takes a register, */
	DQ_OPAQUE("r", head);
	head = (head << 40) + q->head;
	/* and here another sum is made first. */
	DQ_OPAQUE("r", head);
	return dq_to_be64(head + n);
}

/* n packets are in WQEs. Returns how many there have been in all. */
static inline uint64_t dq_tx_account(struct daqiri_txq *q, size_t n, uint64_t bytes)
{
	uint64_t posted = q->posted + n;

	__atomic_store_n(&q->posted, posted, __ATOMIC_RELAXED);
	dq_counter_add(&q->count.bytes, bytes);
	return posted;
}

/* A WQE that ends with the posted-th packet asks for a completion. mark: of its first WQEBB. */
static inline void dq_tx_signal(struct daqiri_txq *q, struct dq_tx_mark *mark, uint64_t posted)
{
	mark->packets = posted;
	q->signalled++;
}

/* The same where packets of others' memory may be among them. */
static inline void dq_tx_signal_others(struct daqiri_txq *q, uint32_t at, uint64_t posted)
{
	dq_tx_signal(q, &q->marks[at], posted);
	q->marks[at].others = q->others;
}

/*
 * The n packets that were accounted last are not known to lie all in slots: counts those that do
 * not.
 */
void dq_tx_note_others(struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n);

/* One packet of those. */
static inline void dq_tx_note_one(struct daqiri_txq *q, const struct daqiri_pkt *pkt)
{
	if (pkt->addr - q->slot_base > q->slot_bytes - 1)
		dq_tx_note_others(q, pkt, 1);
}

/* A SEND of one packet with its first bytes in the WQE; the WQE's first 8: txq_single.c. */
__be64 dq_tx_write_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkt, enum dq_ce ce);

/* What a post of n such packets is left to do; mark: of its only signalled WQE. Returns n. */
int dq_tx_finish_far(struct daqiri_txq *q, struct dq_tx_mark *mark, const struct daqiri_pkt *pkts,
		     size_t n);

/* How many of the packets that are done lay in others' memory. */
static inline uint64_t dq_tx_others_done(const struct daqiri_txq *q)
{
	return q->done < q->others_last ? q->others_done : q->others;
}

static inline void dq_tx_ring_register(struct daqiri_txq *q, __be64 head)
{
	uint8_t *half = q->bf;

	__atomic_store_n((uint64_t *)(void *)half, (DQ_FORCE uint64_t)head, __ATOMIC_RELAXED);
	q->bf = (uint8_t *)((uintptr_t)half ^ q->bf_flip);
}

/* Hands all WQEBBs before pi to the device. head: the last WQE's first 8 bytes. */
static inline void dq_tx_ring_at(struct daqiri_txq *q, uint32_t pi, __be64 head)
{
	/* Pairs with the device's read of the counter: the WQEs and frames are in memory. */
	dq_to_device();
	dq_doorbell_record(q->dbrec, pi & 0xffff);
	if (__builtin_expect(q->bf_flush, 1)) {
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
}

/*
 * The same with a WQE of 64 bytes, which the device takes from the register and need not fetch. The
 * register is the queue's own, and write-combining: stores to a half of it leave the CPU as one, if
 * the half was flushed before. No store of eight bytes in it tears.
 */
static inline void dq_tx_ring_copy(struct daqiri_txq *q, const uint8_t *wqe)
{
	/* Pairs with the device's read of the counter: the WQE and its frame are in memory. */
	dq_to_device();
	dq_doorbell_record(q->dbrec, q->pi & 0xffff);
	/* Pairs with the device's read of the counter after the register was written. */
	dq_before_doorbell_wc();
	dq_store_64(q->bf, wqe);
	/* Pairs with the next store to this half: the device has got this one. */
	dq_flush_doorbell_wc();
	q->bf = (uint8_t *)((uintptr_t)q->bf ^ q->bf_flip);
}

static inline void dq_tx_ring(struct daqiri_txq *q, __be64 head)
{
	dq_tx_ring_at(q, q->pi, head);
}

#endif
