/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enhanced multi-packet sends, once for each set of instructions: included with DQ_TARGET, the
 * function attribute of the set; DQ_EMPW(name), a name with the set's in it; and
 *     static struct dq_tx_sums DQ_EMPW(write_ptrs)(const struct daqiri_txq *q, uint8_t *seg,
 *                                                  const struct daqiri_pkt *pkts, uint32_t n)
 * which writes n pointers behind each other from seg on.
 */
#include "txq_wqe.h"

/* A WQE that goes round the ring's end, which may be between any two WQEBBs; its first 8 bytes. */
static DQ_TARGET __attribute__((noinline)) __be64
DQ_EMPW(write_round)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n, enum dq_ce ce)
{
	uint32_t at = q->pi & q->mask;
	uint32_t room = (q->mask + 1 - at) * DQ_WQEBB_SEGS - DQ_EMPW_HEAD_SEGS;
	uint32_t row = n < room ? n : room;
	struct dq_tx_sums sums, rest;
	__be64 head;

	sums = DQ_EMPW(write_ptrs)(q, dq_tx_first_ptr(q, at), pkts, row);
	rest = DQ_EMPW(write_ptrs)(q, q->ring, pkts + row, n - row);
	sums.bytes += rest.bytes;
	sums.slots = dq_tx_count_slots(q, pkts, n);
	head = dq_tx_empw_head(q, at, n, ce);
	q->pi += dq_wqe_wqebbs(dq_wqe_segs(n));
	dq_tx_account(q, at, n, &sums);
	return head;
}

/* Any WQE; its first 8 bytes. */
static DQ_TARGET __attribute__((noinline)) __be64
DQ_EMPW(write_wqe)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n, enum dq_ce ce)
{
	uint32_t at = q->pi & q->mask, blocks = dq_wqe_wqebbs(dq_wqe_segs(n));
	struct dq_tx_sums sums;
	__be64 head;

	if (__builtin_expect(at + blocks > q->mask + 1, 0))
		return DQ_EMPW(write_round)(q, pkts, n, ce);
	sums = DQ_EMPW(write_ptrs)(q, dq_tx_first_ptr(q, at), pkts, n);
	head = dq_tx_empw_head(q, at, n, ce);
	q->pi += blocks;
	dq_tx_account(q, at, n, &sums);
	if (__builtin_expect(!sums.near, 0))
		return dq_tx_recount(q, pkts, n);
	return head;
}

/* A post of several WQEs, or of one that goes round the ring's end. */
static DQ_TARGET __attribute__((noinline)) int
DQ_EMPW(write_many)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint32_t left = n, part = dq_tx_part(q);

	for (; left > q->max_ptrs; left -= part, pkts += part)
		DQ_EMPW(write_wqe)(q, pkts, part, dq_tx_ce(q, part));
	dq_tx_ring(q, DQ_EMPW(write_wqe)(q, pkts, left, DQ_CE_ALWAYS));
	return (int)n;
}

DQ_TARGET int DQ_EMPW(dq_tx_write_empw)(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
					uint32_t n)
{
	uint32_t at = q->pi & q->mask, blocks = dq_wqe_wqebbs(dq_wqe_segs(n));
	struct dq_tx_sums sums;
	__be64 head;

	if (__builtin_expect(n > q->max_ptrs || at + blocks > q->mask + 1, 0))
		return DQ_EMPW(write_many)(q, pkts, n);
	sums = DQ_EMPW(write_ptrs)(q, dq_tx_first_ptr(q, at), pkts, n);
	head = dq_tx_empw_head(q, at, n, DQ_CE_ALWAYS);
	q->pi += blocks;
	dq_tx_account(q, at, n, &sums);
	if (__builtin_expect(!sums.near, 0))
		return dq_tx_finish_far(q, pkts, n);
	dq_tx_ring(q, head);
	return (int)n;
}
