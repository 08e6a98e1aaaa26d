/* SPDX-License-Identifier: Apache-2.0 */
/* The send data path: no allocation, lock, log or system call. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "owner.h"
#include "txq.h"
#include "txq_timed.h"
#include "txq_wqe.h"
#include "worker.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- completions ----------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) void note_error(struct daqiri_txq *q,
						       const struct mlx5_cqe64 *cqe)
{
	bool stops = !q->stopped;
	struct dq_cqe_error err;

	/* Pairs with the device's write of the ownership byte: the rest of the CQE is there. */
	dq_from_device();
	err = dq_cqe_read_error(cqe);
	dq_counter_add(&q->count.errors, 1);
	__atomic_store_n(&q->stopped, true, __ATOMIC_RELAXED);
	if (!q->error_seen)
		q->first_error =
			(struct daqiri_queue_error){.syndrome = err.syndrome,
						    .vendor_syndrome = err.vendor_syndrome,
						    .wqe_index = err.wqe_counter,
						    .text = dq_cqe_syndrome_text(err.syndrome)};
	/* Pairs with the acquire load in daqiri_txq_error(). */
	__atomic_store_n(&q->error_seen, true, __ATOMIC_RELEASE);
	if (stops)
		dq_stops_note(&q->stops, q->count.resets);
}

static inline const struct dq_tx_mark *mark_of(const struct daqiri_txq *q,
					       const struct mlx5_cqe64 *cqe)
{
	return &q->marks[dq_cqe_wqe_counter(cqe) & q->mask];
}

/* Completions before ci are read. */
static inline void reaped(struct daqiri_txq *q, uint32_t ci)
{
	q->ci = ci;
	/* Pairs with the device's read of the index: the CQEs are read before it may rewrite them.
	 */
	dq_hand_back();
	dq_doorbell_record(q->cq_dbrec, ci & DQ_CQE_INDEX);
}

/* Marks count for ever: the newest tells all. One of others may be older, and is lower then. */
static void done_up_to(struct daqiri_txq *q, const struct dq_tx_mark *mark)
{
	__atomic_store_n(&q->done, mark->packets, __ATOMIC_RELAXED);
	if (mark->others > q->others_done)
		q->others_done = mark->others;
}

/* Any number of completions, of any kind, but no more once all packets are done and more is not. */
static void read_completions(struct daqiri_txq *q, bool more)
{
	const struct mlx5_cqe64 *cqe;
	uint32_t ci = q->ci;
	uint8_t op_own;

	for (; more || q->done != q->posted; ci++) {
		cqe = &q->cqes[ci & q->cq_mask];
		op_own = dq_cqe_op_own(cqe);
		q->owner_bit = (ci & (q->cq_mask + 1)) != 0;
		if (!dq_cqe_is_ours(op_own, q->owner_bit))
			break;
		/* Pairs with the device's write of the ownership byte: the CQE is there. */
		dq_from_device();
		if (dq_cqe_opcode(op_own) == MLX5_CQE_REQ)
			done_up_to(q, mark_of(q, cqe));
		else
			note_error(q, cqe);
	}
	q->owner_bit = (ci & (q->cq_mask + 1)) != 0;
	if (ci != q->ci)
		reaped(q, ci);
}

static __attribute__((noinline)) uint64_t reap_many(struct daqiri_txq *q)
{
	if (UNLIKELY(q->cqes == &dq_tx_no_completion)) {
		dq_tx_hand_reap(q);
		return q->done;
	}
	read_completions(q, false);
	/* No room for another one. */
	if (UNLIKELY(q->stopped))
		q->limit = (uint32_t)(q->posted - q->done);
	return q->done;
}

void dq_tx_drain(struct daqiri_txq *q)
{
	read_completions(q, true);
}

/*
 * Reads completions, if there are any; how many packets are done. Most often it is one, of the only
 * WQE that makes one and is not done yet: then all is done that was posted.
 */
static inline uint64_t reap(struct daqiri_txq *q)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[q->ci & q->cq_mask];
	uint64_t posted;
	uint32_t next = q->ci + 1;

	/* MLX5_CQE_REQ is 0: opcode and owner are the owner's bit. */
	if (UNLIKELY(next != q->signalled ||
		     (dq_cqe_op_own(cqe) & DQ_CQE_OPCODE_OWNER) != q->owner_bit))
		return reap_many(q);
	if (UNLIKELY(!(next & q->cq_mask)))
		q->owner_bit ^= 1;
	reaped(q, next);
	posted = q->posted;
	__atomic_store_n(&q->done, posted, __ATOMIC_RELAXED);
	return posted;
}

uint64_t dq_tx_reap(struct daqiri_txq *q)
{
	return reap(q);
}

/* ---- public ---------------------------------------------------------------------------------- */

/* Asked of calls that move no packet: 0 is a number as any other. */
static bool is_misuse(const struct daqiri_txq *q, const void *pkts, int n)
{
	return !q || n < 0 || (!pkts && n);
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

void dq_tx_prepare(struct daqiri_txq *q, uint32_t opcode)
{
	uint64_t rest, step = (uint64_t)2 * q->slot_stride;
	struct daqiri_pkt pkt = {.len = q->slot_size, .key = q->slot_key};

	q->head = (uint64_t)dq_wqe_opcode_index(opcode, 0) << 32 |
		  dq_wqe_qpn_ds(q->qpn, DQ_EMPW_HEAD_SEGS);
	q->asks = dq_wqe_model_of(&q->eth, DQ_CE_ALWAYS);
	q->quiet = dq_wqe_model_of(&q->eth, DQ_CE_FIRST_ERROR);
	q->many = q->max_ptrs < DQ_TX_FULL ? 0 : dq_tx_quarter(q);
	q->owner_bit = (q->ci & (q->cq_mask + 1)) != 0;
	for (int i = 0; i < 4; i++)
		q->slot_near[i] = dq_tx_near_of(q->slot_bytes);
	q->slot_zero = q->posted;
	memcpy(&rest, &pkt.len, sizeof(rest));
	memcpy(q->slot_two, (uint64_t[4]){0, rest, q->slot_stride, rest}, sizeof(q->slot_two));
	memcpy(q->slot_steps, (uint64_t[4]){step, 0, step, 0}, sizeof(q->slot_steps));
}

/* Below 0: the program posted one slot more than once. */
static int64_t free_slots(const struct daqiri_txq *q)
{
	uint64_t others = q->others - dq_tx_others_done(q);

	return (int64_t)(q->n_slots - (q->posted - q->done) + others);
}

/* All that is not the usual: few slots are free, or they go round, or none are wanted. */
static __attribute__((noinline)) int reserve_some(struct daqiri_txq *q, struct daqiri_pkt *pkts,
						  uint32_t want)
{
	uint64_t slot = q->posted - q->slot_zero;
	int64_t room;
	uint32_t row;

	if (free_slots(q) < want)
		reap(q);
	room = free_slots(q);
	if (room < want)
		want = room > 0 ? (uint32_t)room : 0;
	if (!want)
		return 0;
	/* More than once round only where a program posts slots that were not shown to it again. */
	if (slot >= q->n_slots)
		slot = slot - q->n_slots < q->n_slots ? slot - q->n_slots : slot % q->n_slots;
	q->slot_zero = q->posted - slot;
	row = q->n_slots - (uint32_t)slot < want ? q->n_slots - (uint32_t)slot : want;
	q->show(q, pkts, (uint32_t)slot, row);
	if (row < want)
		q->show(q, pkts + row, 0, want - row);
	return (int)want;
}

static __attribute__((noinline, cold)) int reserve_none(const struct daqiri_txq *q,
							const struct daqiri_pkt *pkts, int max)
{
	return is_misuse(q, pkts, max)
		       ? dq_misused(q ? q->conf->where : NULL, "daqiri_tx_reserve", max)
		       : 0;
}

int daqiri_tx_reserve(struct daqiri_txq *q, struct daqiri_pkt *pkts, int max)
{
	uint64_t slot;

	if (UNLIKELY(!q) || UNLIKELY(max <= 0) || UNLIKELY(!pkts))
		return reserve_none(q, pkts, max);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	slot = q->posted - q->slot_zero;
	/* Each packet that is not done is taken to have a slot: often so, and never too little. */
	if (UNLIKELY(q->posted - q->done + (uint32_t)max > q->n_slots ||
		     slot + (uint32_t)max > q->n_slots))
		return reserve_some(q, pkts, (uint32_t)max);
	return q->show(q, pkts, (uint32_t)slot, (uint32_t)max);
}

int dq_tx_make_room(struct daqiri_txq *q, int n)
{
	uint64_t room;

	reap(q);
	if (UNLIKELY(q->stopped))
		return dq_error(EIO, "%s: the queue has stopped: %s", q->conf->where,
				q->first_error.text);
	room = q->limit - (q->posted - q->done);
	if (room < (uint32_t)n && q->timer)
		room += dq_txq_timed_answered(q);
	if (room < (uint32_t)n) {
		dq_counter_add(&q->count.full, 1);
		n = (int)room;
	}
	return n;
}

/* What is not the usual: no room for all packets, a queue that has stopped, no packets, misuse. */
static __attribute__((noinline)) int post_some(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
					       int n)
{
	if (is_misuse(q, pkts, n))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_tx_post", n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	n = dq_tx_make_room(q, n);
	return n > 0 ? q->write(q, pkts, (uint32_t)n) : n;
}

int daqiri_tx_post(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n)
{
	if (UNLIKELY(!q))
		return post_some(q, pkts, n);
	/* Two questions, not their sum. */
	DQ_OPAQUE("r", pkts);
	if (UNLIKELY(!pkts))
		return post_some(q, pkts, n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	/* 0 is the largest of numbers here, and those below it come next. */
	if (UNLIKELY((uint32_t)n - 1 >= q->limit - (uint32_t)(q->posted - q->done)))
		return post_some(q, pkts, n);
	return q->write(q, pkts, (uint32_t)n);
}

uint64_t daqiri_tx_completed(struct daqiri_txq *q)
{
	if (UNLIKELY(!q))
		return 0;
	return dq_owner_enter(&q->owner, q->conf->where) ? reap(q) : q->done;
}
