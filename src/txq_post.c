/* SPDX-License-Identifier: Apache-2.0 */
/* The send data path: no allocation, lock, log or system call. */
#include <config.h>

#include <errno.h>

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "owner.h"
#include "txq.h"
#include "txq_wqe.h"
#include "worker.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- SEND: a WQE for each packet ------------------------------------------------------------- */

/* The head of a SEND with the frame's first bytes, and the pointer to the rest; returns its
 * segments. */
static inline uint32_t write_inline_l2(uint8_t *eth, const struct daqiri_pkt *pkt)
{
	uint32_t head = pkt->len < DQ_INLINE_L2 ? pkt->len : DQ_INLINE_L2;

	dq_wqe_eth_inline(eth, (const uint8_t *)(uintptr_t)pkt->addr, head);
	if (pkt->len == head)
		return 3;
	dq_wqe_data(eth + (size_t)2 * DQ_SEG, pkt->addr + head, pkt->len - head,
		    dq_be32_of_key(pkt->key));
	return 4;
}

static inline uint32_t write_plain(uint8_t *eth, const struct daqiri_pkt *pkt)
{
	dq_wqe_eth_empty(eth);
	dq_wqe_data(eth + DQ_SEG, pkt->addr, pkt->len, dq_be32_of_key(pkt->key));
	return 3;
}

static inline __be64 write_send(struct daqiri_txq *q, const struct daqiri_pkt *pkt, enum dq_ce ce,
				bool inline_l2)
{
	uint8_t *ctrl = dq_tx_wqebb(q, q->pi), *eth = ctrl + DQ_SEG;
	uint32_t segs = inline_l2 ? write_inline_l2(eth, pkt) : write_plain(eth, pkt);
	uint32_t index = q->pi++;

	return dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)ctrl,
			   dq_wqe_opcode_index(MLX5_OPCODE_SEND, index),
			   dq_wqe_qpn_ds(q->qpn, segs), ce);
}

static inline int write_sends(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n,
			      bool inline_l2)
{
	__be64 head = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct dq_tx_sums sums = {.bytes = pkts[i].len,
					  .slots = dq_tx_takes_slot(q, &pkts[i])};
		uint32_t at = q->pi & q->mask;

		head = write_send(q, &pkts[i], i + 1 == n ? DQ_CE_ALWAYS : dq_tx_ce(q, 1),
				  inline_l2);
		dq_tx_account(q, at, 1, &sums);
	}
	dq_tx_ring(q, head);
	return (int)n;
}

int dq_tx_write_send(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	return write_sends(q, pkts, n, false);
}

int dq_tx_write_send_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	return write_sends(q, pkts, n, true);
}

/* ---- completions ----------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) void note_error(struct daqiri_txq *q,
						       const struct mlx5_cqe64 *cqe)
{
	struct dq_cqe_error err;

	/* Pairs with the device's write of the ownership byte: the rest of the CQE is there. */
	dq_from_device();
	err = dq_cqe_read_error(cqe);
	dq_counter_add(&q->count.errors, 1);
	__atomic_store_n(&q->stopped, true, __ATOMIC_RELAXED);
	q->limit = 0;
	if (q->error_seen)
		return;
	q->first_error = (struct daqiri_queue_error){.syndrome = err.syndrome,
						     .vendor_syndrome = err.vendor_syndrome,
						     .wqe_index = err.wqe_counter,
						     .text = dq_cqe_syndrome_text(err.syndrome)};
	/* Pairs with the acquire load in daqiri_txq_error(). */
	__atomic_store_n(&q->error_seen, true, __ATOMIC_RELEASE);
}

static inline const struct dq_tx_mark *mark_of(const struct daqiri_txq *q,
					       const struct mlx5_cqe64 *cqe)
{
	return &q->marks[dq_cqe_wqe_counter(cqe) & q->mask];
}

/* Completions before ci are read, the newest good one's mark is mark: marks are cumulative. */
static inline void reaped(struct daqiri_txq *q, const struct dq_tx_mark *mark, uint32_t ci)
{
	if (mark) {
		__atomic_store_n(&q->done, mark->packets, __ATOMIC_RELAXED);
		q->slots_done = mark->slots;
	}
	q->ci = ci;
	/* Pairs with the device's read of the index: the CQEs are read before it may rewrite them.
	 */
	dq_hand_back();
	dq_doorbell_record(q->cq_dbrec, ci & DQ_CQE_INDEX);
}

/* Any number of completions, of any kind. */
static __attribute__((noinline)) void reap_many(struct daqiri_txq *q)
{
	const struct mlx5_cqe64 *good = NULL, *cqe;
	uint32_t ci = q->ci;
	uint8_t op_own;

	if (UNLIKELY(q->cqes == &dq_tx_no_completion)) {
		dq_tx_hand_reap(q);
		return;
	}
	for (;; ci++) {
		cqe = &q->cqes[ci & q->mask];
		op_own = dq_cqe_op_own(cqe);
		if (!dq_cqe_is_ours(op_own, (ci & (q->mask + 1)) != 0))
			break;
		if (dq_cqe_opcode(op_own) == MLX5_CQE_REQ)
			good = cqe;
		else
			note_error(q, cqe);
	}
	if (ci == q->ci)
		return;
	/* Pairs with the device's write of the ownership bytes: the CQEs are there. */
	dq_from_device();
	reaped(q, good ? mark_of(q, good) : NULL, ci);
}

/*
 * Reads completions, if any can come. Most often it is one, of the only post that is not done yet:
 * then no other can follow it.
 */
static inline void reap(struct daqiri_txq *q)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[q->ci & q->mask];
	unsigned owner = (q->ci & (q->mask + 1)) != 0;
	const struct dq_tx_mark *mark;

	if (q->done == q->posted)
		return;
	if ((dq_cqe_op_own(cqe) & DQ_CQE_OPCODE_OWNER) == (MLX5_CQE_REQ << 4 | owner)) {
		/* Pairs with the device's write of the ownership byte: the CQE is there. */
		dq_from_device();
		mark = mark_of(q, cqe);
		if (mark->packets == q->posted) {
			reaped(q, mark, q->ci + 1);
			return;
		}
	}
	reap_many(q);
}

uint64_t dq_tx_reap(struct daqiri_txq *q)
{
	reap(q);
	return q->done;
}

/* ---- public ---------------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) int misused(const struct daqiri_txq *q, const char *what,
						   int n)
{
	if (!q)
		return dq_error(EINVAL, "%s: NULL queue", what);
	return dq_error(EINVAL, "%s: %s for %d packets: %s", q->conf->where, what, n,
			n < 0 ? "a negative number" : "NULL array");
}

/* Writes n slots of the queue from slot on, which do not go round. */
int dq_tx_show_portable(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			uint32_t n)
{
	struct daqiri_pkt pkt = {.addr = q->slot_base + (uint64_t)slot * q->slot_stride,
				 .len = q->slot_size,
				 .key = q->slot_key};

	for (uint32_t i = 0; i < n; i++, pkt.addr += q->slot_stride)
		pkts[i] = pkt;
	return (int)n;
}

static int64_t free_slots(const struct daqiri_txq *q)
{
	return (int64_t)q->n_slots - (int64_t)(q->slots_posted - q->slots_done);
}

/* The slot that comes after those that were posted since it was asked for. */
static inline uint32_t next_slot(struct daqiri_txq *q)
{
	uint64_t next = q->next_slot + (q->slots_posted - q->slots_seen);

	/* More than once round only where a program posts slots that were not shown to it again. */
	if (next >= q->n_slots)
		next = next - q->n_slots < q->n_slots ? next - q->n_slots : next % q->n_slots;
	q->slots_seen = q->slots_posted;
	q->next_slot = (uint32_t)next;
	return q->next_slot;
}

/* All that is not the usual: few slots are free, or they go round, or none are wanted. */
static __attribute__((noinline)) int reserve_some(struct daqiri_txq *q, struct daqiri_pkt *pkts,
						  uint32_t want)
{
	uint32_t slot, row;
	int64_t room;

	if (free_slots(q) < want)
		reap(q);
	room = free_slots(q);
	/* Below 0: the program posted one slot more than once. */
	if (room < want)
		want = room > 0 ? (uint32_t)room : 0;
	if (!want)
		return 0;
	slot = next_slot(q);
	row = q->n_slots - slot < want ? q->n_slots - slot : want;
	q->show(q, pkts, slot, row);
	if (row < want)
		q->show(q, pkts + row, 0, want - row);
	return (int)want;
}

int daqiri_tx_reserve(struct daqiri_txq *q, struct daqiri_pkt *pkts, int max)
{
	uint32_t slot;

	if (UNLIKELY(!q || max < 0 || (!pkts && max)))
		return misused(q, "daqiri_tx_reserve", max);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	if (UNLIKELY(free_slots(q) < max || !max))
		return reserve_some(q, pkts, (uint32_t)max);
	slot = next_slot(q);
	if (UNLIKELY(q->n_slots - slot < (uint32_t)max))
		return reserve_some(q, pkts, (uint32_t)max);
	return q->show(q, pkts, slot, (uint32_t)max);
}

/* No packets, or no room for all of them, or a queue that has stopped. */
static __attribute__((noinline)) int post_some(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
					       int n)
{
	uint64_t room;

	reap(q);
	if (UNLIKELY(q->stopped))
		return dq_error(EIO, "%s: the queue has stopped: %s", q->conf->where,
				q->first_error.text);
	room = q->mask + 1 - (q->posted - q->done);
	if (room < (uint32_t)n) {
		dq_counter_add(&q->count.full, 1);
		n = (int)room;
	}
	return n ? q->write(q, pkts, (uint32_t)n) : 0;
}

int daqiri_tx_post(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n)
{
	if (UNLIKELY(!q || n < 0 || (!pkts && n)))
		return misused(q, "daqiri_tx_post", n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	if (UNLIKELY(q->posted - q->done + (uint32_t)n > q->limit || !n))
		return post_some(q, pkts, n);
	return q->write(q, pkts, (uint32_t)n);
}

uint64_t daqiri_tx_completed(struct daqiri_txq *q)
{
	if (UNLIKELY(!q))
		return 0;
	if (dq_owner_enter(&q->owner, q->conf->where))
		reap(q);
	return q->done;
}
