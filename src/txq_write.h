/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to write WQEs of pointers, once for each set of instructions: included with DQ_TARGET,
 * the function attribute of the set; DQ_WAY(name), a name with the set's in it; and
 *     struct DQ_WAY(sums)                   what is summed up over the packets of a post
 *     DQ_WAY(sums_none)(q)                  of none
 *     DQ_WAY(sums_bytes)(&sums)             their lengths
 *     DQ_WAY(sums_far)(q, &sums)            whether some may lie elsewhere than in q's slots
 *     DQ_WAY(put_one)(&sums, seg, pkts)     a pointer
 *     DQ_WAY(put_ptrs)(&sums, seg, pkts, n) pointers behind each other, at most 58
 *     DQ_WAY(put_full)(&sums, seg, pkts)    DQ_TX_FULL of them
 *     DQ_WAY(put_head)(wqe, head, model)    control and Ethernet segment
 */
#include "txq_wqe.h"

/* What is left of a post. */
struct DQ_WAY(rest) {
	const struct daqiri_pkt *pkts;
	size_t n;
	size_t at; /* next WQEBB of the ring */
};

/* ---- enhanced multi-packet sends ------------------------------------------------------------- */

/* Any WQE, with n packets that fit in before the ring's end; its first 8 bytes. */
static DQ_TARGET __attribute__((noinline)) __be64
DQ_WAY(write_wqe)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n, enum dq_ce ce)
{
	struct DQ_WAY(sums) sums = DQ_WAY(sums_none)(q);
	uint32_t pi = q->pi, at = pi & q->mask;
	uint8_t *wqe = dq_tx_wqebb(q, at);
	__be64 head;

	DQ_WAY(put_ptrs)(&sums, wqe + DQ_TX_PTRS, pkts, n);
	head = dq_tx_head(q, pi, n);
	DQ_WAY(put_head)(wqe, head, dq_tx_model(q, ce));
	q->pi = pi + dq_wqe_more((uint32_t)n) + 1;
	dq_tx_account(q, n, DQ_WAY(sums_bytes)(&sums));
	if (DQ_TX_UNLIKELY(DQ_WAY(sums_far)(q, &sums)))
		dq_tx_note_others(q, pkts, n);
	if (ce == DQ_CE_ALWAYS)
		dq_tx_signal_others(q, at, q->posted);
	return head;
}

/* A post that is so long that it asks for completions on its way, or that goes round the ring. */
static DQ_TARGET __attribute__((noinline)) int
DQ_WAY(write_long)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n)
{
	uint32_t left = (uint32_t)n, part;

	for (; (part = dq_tx_part(q, left)) < left; left -= part, pkts += part)
		DQ_WAY(write_wqe)(q, pkts, part, dq_tx_ce(q, part));
	dq_tx_ring(q, DQ_WAY(write_wqe)(q, pkts, left, DQ_CE_ALWAYS));
	return (int)n;
}

/* n packets that begin at WQEBB pi. */
static inline __attribute__((always_inline)) struct DQ_WAY(rest)
	DQ_WAY(rest_of)(const struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n)
{
	struct DQ_WAY(rest) rest = {.pkts = pkts, .n = n, .at = q->pi & q->mask};

	/* Widened once, not wherever they are used. */
	DQ_OPAQUE("r", rest.n);
	DQ_OPAQUE("r", rest.at);
	return rest;
}

/*
 * Ends a post with the WQE of all packets that are left, which fits in before the ring's end.
 * before: how many there are in the post's other WQEs. Returns how many there are in all.
 */
static DQ_TARGET inline __attribute__((always_inline)) int
DQ_WAY(write_last)(struct daqiri_txq *q, struct DQ_WAY(sums) * sums, struct DQ_WAY(rest) rest,
		   size_t before)
{
	uint8_t *wqe = q->ring + rest.at * DQ_WQEBB;
	struct dq_tx_mark *mark;
	uint32_t pi;
	__be64 head;

	DQ_WAY(put_ptrs)(sums, wqe + DQ_TX_PTRS, rest.pkts, rest.n);
	/* Not kept in a register over what is above. */
	pi = __atomic_load_n(&q->pi, __ATOMIC_RELAXED);
	head = dq_tx_head(q, pi, rest.n);
	DQ_WAY(put_head)(wqe, head, &q->asks);
	pi += dq_wqe_more((uint32_t)rest.n) + 1;
	q->pi = pi;
	mark = &q->marks[rest.at];
	dq_tx_signal(q, mark, dq_tx_account(q, before + rest.n, DQ_WAY(sums_bytes)(sums)));
	if (DQ_TX_UNLIKELY(DQ_WAY(sums_far)(q, sums)))
		return dq_tx_finish_far(q, mark, rest.pkts - before, before + rest.n);
	dq_tx_ring_at(q, pi, head);
	return (int)(before + rest.n);
}

/* A post of several WQEs, only the last of which asks for a completion, or any other. */
static DQ_TARGET __attribute__((noinline)) int
DQ_WAY(write_many)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n)
{
	struct DQ_WAY(rest) rest = DQ_WAY(rest_of)(q, pkts, n);
	struct DQ_WAY(sums) sums;

	if (n > q->many || (uint32_t)rest.at + dq_tx_wqebbs_at_most((uint32_t)n) > q->mask + 1)
		return DQ_WAY(write_long)(q, pkts, n);
	sums = DQ_WAY(sums_none)(q);
	for (; rest.n > q->max_ptrs; rest.n -= DQ_TX_FULL, rest.pkts += DQ_TX_FULL) {
		uint8_t *wqe = q->ring + rest.at * DQ_WQEBB;

		DQ_WAY(put_full)(&sums, wqe + DQ_TX_PTRS, rest.pkts);
		DQ_WAY(put_head)(wqe, dq_tx_head(q, q->pi, DQ_TX_FULL), &q->quiet);
		q->pi += DQ_TX_FULL_WQEBBS;
		rest.at += DQ_TX_FULL_WQEBBS;
	}
	return DQ_WAY(write_last)(q, &sums, rest, n - rest.n);
}

DQ_TARGET int DQ_WAY(dq_tx_write_empw)(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
				       uint32_t n)
{
	struct DQ_WAY(rest) rest = DQ_WAY(rest_of)(q, pkts, n);
	struct DQ_WAY(sums) sums;

	if (DQ_TX_UNLIKELY((uint32_t)rest.n > q->max_ptrs ||
			   (uint32_t)rest.at + dq_wqe_more((uint32_t)rest.n) > q->mask))
		return DQ_WAY(write_many)(q, pkts, rest.n);
	sums = DQ_WAY(sums_none)(q);
	return DQ_WAY(write_last)(q, &sums, rest, 0);
}

/* ---- SEND: a WQE for each packet ------------------------------------------------------------- */

/* n packets, for which no WQEBB is behind the ring's end; the last one asks for a completion. */
static DQ_TARGET inline void DQ_WAY(write_row)(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
					       uint32_t n)
{
	struct DQ_WAY(sums) sums = DQ_WAY(sums_none)(q);
	struct dq_wqe_model model = q->quiet; /* not read again for each packet */
	uint8_t *wqe = dq_tx_wqebb(q, q->pi);
	uint32_t pi = q->pi;

	for (const struct daqiri_pkt *end = pkts + n; pkts != end; pkts++, wqe += DQ_WQEBB) {
		DQ_WAY(put_head)(wqe, dq_tx_head(q, pi++, 1), &model);
		DQ_WAY(put_one)(&sums, wqe + DQ_TX_PTRS, pkts);
	}
	dq_wqe_ask(wqe - DQ_WQEBB, DQ_CE_ALWAYS);
	q->pi = pi;
	dq_tx_account(q, n, DQ_WAY(sums_bytes)(&sums));
	if (DQ_TX_UNLIKELY(DQ_WAY(sums_far)(q, &sums)))
		dq_tx_note_others(q, pkts - n, n);
	dq_tx_signal_others(q, (pi - 1) & q->mask, q->posted);
}

DQ_TARGET int DQ_WAY(dq_tx_write_send)(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
				       uint32_t n)
{
	for (uint32_t left = n, row; left; left -= row, pkts += row) {
		row = dq_tx_row(q, left);
		DQ_WAY(write_row)(q, pkts, row);
	}
	dq_tx_ring(q, dq_tx_head(q, q->pi - 1, 1));
	return (int)n;
}

/* ---- SEND of two pieces ---------------------------------------------------------------------- */

/*
 * The same of packets in two pieces: WQEs of two pointers, one where the second would be to 0
 * bytes, which would mean 2^31. Where payloads lie is not asked. The last WQE's first 8 bytes.
 */
static DQ_TARGET inline __be64 DQ_WAY(gather_row)(struct daqiri_txq *q,
						  const struct daqiri_pkt *heads,
						  const struct daqiri_pkt *payloads, uint32_t n)
{
	struct DQ_WAY(sums) sums = DQ_WAY(sums_none)(q), rest = sums;
	struct dq_wqe_model model = q->quiet;
	uint8_t *wqe = dq_tx_wqebb(q, q->pi);
	uint32_t pi = q->pi;
	__be64 head = 0;

	for (uint32_t i = 0; i < n; i++, wqe += DQ_WQEBB) {
		head = dq_tx_head(q, pi++, 1 + (payloads[i].len != 0));
		DQ_WAY(put_head)(wqe, head, &model);
		DQ_WAY(put_one)(&sums, wqe + DQ_TX_PTRS, &heads[i]);
		DQ_WAY(put_one)(&rest, wqe + DQ_TX_PTRS + DQ_SEG, &payloads[i]);
	}
	dq_wqe_ask(wqe - DQ_WQEBB, DQ_CE_ALWAYS);
	q->pi = pi;
	dq_tx_account(q, n, DQ_WAY(sums_bytes)(&sums) + DQ_WAY(sums_bytes)(&rest));
	if (DQ_TX_UNLIKELY(DQ_WAY(sums_far)(q, &sums)))
		dq_tx_note_others(q, heads, n);
	dq_tx_signal_others(q, (pi - 1) & q->mask, q->posted);
	return head;
}

DQ_TARGET int DQ_WAY(dq_tx_gather)(struct daqiri_txq *q, const struct daqiri_pkt *heads,
				   const struct daqiri_pkt *payloads, uint32_t n)
{
	__be64 head = 0;

	for (uint32_t done = 0, row; done < n; done += row) {
		row = dq_tx_row(q, n - done);
		head = DQ_WAY(gather_row)(q, heads + done, payloads + done, row);
	}
	dq_tx_ring(q, head);
	return (int)n;
}
