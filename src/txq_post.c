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

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- doorbell -------------------------------------------------------------------------------- */

/* Hands all WQEs up to q->pi to the device. ctrl: the last one's first 8 bytes. */
static inline void ring_doorbell(struct daqiri_txq *q, const uint8_t *ctrl)
{
	uint64_t first;

	/* Never NULL: whoever calls has written a WQE, for n > 0 packets. */
	/* cppcheck-suppress nullPointer */
	memcpy(&first, ctrl, sizeof(first)); /* NOLINT(clang-analyzer-core.NonNullParamChecker) */
	/* Pairs with the device's read of the counter: the WQEs and frames are in memory. */
	dq_to_device();
	dq_doorbell_record(q->dbrec, q->pi & 0xffff);
	/* Pairs with the device's read of the counter after the register was written. */
	if (q->bf_flush)
		dq_before_doorbell_wc();
	else
		dq_before_doorbell();
	__atomic_store_n((uint64_t *)(q->bf + q->bf_offset), first, __ATOMIC_RELAXED);
	/* Pairs with the next store to this half: the device has got this one. */
	if (q->bf_flush)
		dq_flush_doorbell_wc();
	q->bf_offset ^= q->bf_half;
}

/* ---- WQEs ------------------------------------------------------------------------------------ */

static inline uint8_t *wqebb(const struct daqiri_txq *q, uint32_t index)
{
	return q->ring + (size_t)(index & q->mask) * DQ_WQEBB;
}

/* A packet takes one of the queue's slots if it lies in them; others' memory takes none. */
static inline uint32_t takes_slot(const struct daqiri_txq *q, const struct daqiri_pkt *pkt)
{
	return pkt->addr - q->slot_base < q->slot_bytes;
}

/* n packets, lying in slots of the queue as often as slots says, are in WQEs that end at q->pi. */
static inline void account(struct daqiri_txq *q, uint32_t n, uint32_t slots)
{
	q->posted += n;
	q->slots_posted += slots;
	q->next_slot += slots;
	/* More than once round only where a program posts slots that were never shown to it. */
	while (slots && q->next_slot >= q->n_slots)
		q->next_slot -= q->n_slots;
}

/*
 * Whether a WQE, accounted already, asks for a completion: the last of each post, so that every
 * packet is reported, and one in each quarter of the ring, so that a long post frees it in parts.
 */
static inline enum dq_ce signal_wqe(struct daqiri_txq *q, uint32_t index, bool last)
{
	if (!last && (uint32_t)q->posted - q->marked <= q->mask >> 2)
		return DQ_CE_FIRST_ERROR;
	q->marks[index & q->mask] =
		(struct dq_tx_mark){.packets = q->posted, .slots = q->slots_posted};
	q->marked = (uint32_t)q->posted;
	return DQ_CE_ALWAYS;
}

struct tx_sums {
	uint64_t bytes;
	uint32_t slots;
};

/* Writes n pointers behind each other from seg on. */
static inline void write_ptrs(const struct daqiri_txq *q, uint8_t *seg,
			      const struct daqiri_pkt *pkts, uint32_t n, struct tx_sums *sums)
{
	for (uint32_t i = 0; i < n; i++, seg += DQ_SEG) {
		dq_wqe_data(seg, pkts[i].addr, pkts[i].len, dq_be32_of_key(pkts[i].key));
		sums->bytes += pkts[i].len;
		sums->slots += takes_slot(q, &pkts[i]);
	}
}

/* One eMPW of n pointers; it may go round the ring's end, between any two WQEBBs. */
static inline uint8_t *write_empw(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n,
				  bool last)
{
	uint8_t *ctrl = wqebb(q, q->pi), *end = q->ring + (size_t)(q->mask + 1) * DQ_WQEBB;
	uint8_t *seg = ctrl + (size_t)DQ_EMPW_HEAD_SEGS * DQ_SEG;
	uint32_t segs = dq_wqe_segs(n), room = (uint32_t)((size_t)(end - seg) / DQ_SEG);
	uint32_t row = n < room ? n : room;
	struct tx_sums sums = {0};
	enum dq_ce ce;

	write_ptrs(q, seg, pkts, row, &sums);
	write_ptrs(q, q->ring, pkts + row, n - row, &sums);
	account(q, n, sums.slots);
	dq_counter_add(&q->count.bytes, sums.bytes);
	ce = signal_wqe(q, q->pi, last);
	dq_wqe_eth_empty(ctrl + DQ_SEG);
	dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)ctrl, dq_wqe_opcode_index(DQ_OPCODE_EMPW, q->pi),
		    dq_wqe_qpn_ds(q->qpn, segs), ce);
	q->pi += dq_wqe_wqebbs(segs);
	return ctrl;
}

void dq_tx_write_empw(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint8_t *ctrl = NULL;

	while (n) {
		uint32_t k = n < q->max_ptrs ? n : q->max_ptrs;

		n -= k;
		ctrl = write_empw(q, pkts, k, !n);
		pkts += k;
	}
	ring_doorbell(q, ctrl);
}

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

/* One SEND: a WQEBB for each packet. */
static inline uint8_t *write_send(struct daqiri_txq *q, const struct daqiri_pkt *pkt, bool last,
				  bool inline_l2)
{
	uint8_t *ctrl = wqebb(q, q->pi), *eth = ctrl + DQ_SEG;
	uint32_t segs = inline_l2 ? write_inline_l2(eth, pkt) : write_plain(eth, pkt);
	enum dq_ce ce;

	account(q, 1, takes_slot(q, pkt));
	dq_counter_add(&q->count.bytes, pkt->len);
	ce = signal_wqe(q, q->pi, last);
	dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)ctrl, dq_wqe_opcode_index(MLX5_OPCODE_SEND, q->pi),
		    dq_wqe_qpn_ds(q->qpn, segs), ce);
	q->pi++;
	return ctrl;
}

static inline void write_sends(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n,
			       bool inline_l2)
{
	uint8_t *ctrl = NULL;

	for (uint32_t i = 0; i < n; i++)
		ctrl = write_send(q, &pkts[i], i + 1 == n, inline_l2);
	ring_doorbell(q, ctrl);
}

void dq_tx_write_send(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	write_sends(q, pkts, n, false);
}

void dq_tx_write_send_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	write_sends(q, pkts, n, true);
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
	if (q->error_seen)
		return;
	q->first_error = (struct daqiri_queue_error){.syndrome = err.syndrome,
						     .vendor_syndrome = err.vendor_syndrome,
						     .wqe_index = err.wqe_counter,
						     .text = dq_cqe_syndrome_text(err.syndrome)};
	/* Pairs with the acquire load in daqiri_txq_error(). */
	__atomic_store_n(&q->error_seen, true, __ATOMIC_RELEASE);
}

/* Reads completions. Only the newest good one counts: marks are cumulative. */
static inline void reap(struct daqiri_txq *q)
{
	const struct mlx5_cqe64 *good = NULL, *cqe;
	const struct dq_tx_mark *mark;
	uint32_t ci = q->ci;
	uint8_t op_own;

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
	if (good) {
		mark = &q->marks[dq_cqe_wqe_counter(good) & q->mask];
		q->done = mark->packets;
		q->slots_done = mark->slots;
		dq_counter_add(&q->count.completed,
			       mark->packets - dq_counter_get(&q->count.completed));
	}
	q->ci = ci;
	/* Pairs with the device's read of the index: the CQEs are read before it may rewrite them.
	 */
	dq_hand_back();
	dq_doorbell_record(q->cq_dbrec, ci & DQ_CQE_INDEX);
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

int daqiri_tx_reserve(struct daqiri_txq *q, struct daqiri_pkt *pkts, int max)
{
	uint32_t want = (uint32_t)max, slot;
	int64_t room;

	if (UNLIKELY(!q || max < 0 || (!pkts && max)))
		return misused(q, "daqiri_tx_reserve", max);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	slot = q->next_slot;
	room = (int64_t)q->n_slots - (int64_t)(q->slots_posted - q->slots_done);
	if (room < want) {
		reap(q);
		room = (int64_t)q->n_slots - (int64_t)(q->slots_posted - q->slots_done);
	}
	/* Below 0: the program posted one slot more than once. */
	if (room < want)
		want = room > 0 ? (uint32_t)room : 0;
	for (uint32_t i = 0; i < want; i++) {
		pkts[i] =
			(struct daqiri_pkt){.addr = q->slot_base + (uint64_t)slot * q->slot_stride,
					    .len = q->slot_size,
					    .key = q->slot_key};
		if (++slot == q->n_slots)
			slot = 0;
	}
	return (int)want;
}

int daqiri_tx_post(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n)
{
	uint32_t want = (uint32_t)n, room;

	if (UNLIKELY(!q || n < 0 || (!pkts && n)))
		return misused(q, "daqiri_tx_post", n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	room = q->mask + 1 - (uint32_t)(q->posted - q->done);
	if (room < want) {
		reap(q);
		room = q->mask + 1 - (uint32_t)(q->posted - q->done);
	}
	if (UNLIKELY(q->stopped))
		return dq_error(EIO, "%s: the queue has stopped: %s", q->conf->where,
				q->first_error.text);
	if (UNLIKELY(room < want)) {
		dq_counter_add(&q->count.full, 1);
		want = room;
	}
	if (!want)
		return 0;
	q->write(q, pkts, want);
	dq_counter_add(&q->count.packets, want);
	return (int)want;
}

uint64_t daqiri_tx_completed(struct daqiri_txq *q)
{
	if (UNLIKELY(!q))
		return 0;
	if (dq_owner_enter(&q->owner, q->conf->where))
		reap(q);
	return q->done;
}
