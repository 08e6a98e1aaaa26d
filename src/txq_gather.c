/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in two pieces, from the two regions of a queue: a SEND each, with two pointers. */
#include <config.h>

#include <errno.h>

#include "error.h"
#include "owner.h"
#include "txq_wqe.h"

_Static_assert((DQ_EMPW_HEAD_SEGS + 2) * DQ_SEG == DQ_WQEBB, "a packet takes one WQEBB");

/*
 * A WQE without a completion. first: its first 8 bytes. A pointer to 0 bytes would mean 2^31: then
 * first says that there is one pointer only.
 */
static inline void put_packet(uint8_t *wqe, __be64 first, const struct daqiri_pkt *head,
			      const struct daqiri_pkt *payload)
{
	uint8_t *ptr = wqe + DQ_TX_PTRS;

	dq_wqe_head(wqe, first, DQ_CE_FIRST_ERROR);
	dq_wqe_data(ptr, head->addr, head->len, dq_be32_of_key(head->key));
	dq_wqe_data(ptr + DQ_SEG, payload->addr, payload->len, dq_be32_of_key(payload->key));
}

/* n packets up to the ring's end; the last one asks for a completion. Its first 8 bytes. */
static __be64 gather_row(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			 const struct daqiri_pkt *payloads, uint32_t n)
{
	/* What WQEs are written over in the compiler's eyes stays in registers. */
	const uint64_t base = q->slot_base, head = q->head;
	uint8_t *wqe = dq_tx_wqebb(q, q->pi);
	uint64_t bytes = 0, far = 0;
	uint32_t pi = q->pi;
	__be64 first = 0;

	for (uint32_t i = 0; i < n; i++, pi++, wqe += DQ_WQEBB) {
		uint64_t distance = heads[i].addr - base;
		uint32_t len = payloads[i].len;

		first = dq_to_be64(((uint64_t)(pi & 0xffff) << 40) + head + 1 + (len != 0));
		put_packet(wqe, first, &heads[i], &payloads[i]);
		bytes += (uint64_t)heads[i].len + len;
		far = distance > far ? distance : far;
	}
	dq_wqe_ask(wqe - DQ_WQEBB, DQ_CE_ALWAYS);
	q->pi = pi;
	dq_tx_account(q, n, bytes);
	if (DQ_TX_UNLIKELY(far >= q->slot_bytes))
		dq_tx_note_others(q, heads, n);
	dq_tx_signal_others(q, (pi - 1) & q->mask, q->posted);
	return first;
}

int dq_tx_gather_portable(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			  const struct daqiri_pkt *payloads, uint32_t n)
{
	__be64 first = 0;

	for (uint32_t done = 0, row; done < n; done += row) {
		row = dq_tx_row(q, n - done);
		first = gather_row(q, heads + done, payloads + done, row);
	}
	dq_tx_ring(q, first);
	return (int)n;
}

/* ---- public ---------------------------------------------------------------------------------- */

static __attribute__((noinline, cold)) int cannot_gather(const struct daqiri_txq *q,
							 const char *call)
{
	return dq_error(EINVAL,
			"%s: %s wants a queue of two regions: set regions to HEADER,PAYLOAD",
			q->conf->where, call);
}

int daqiri_tx_reserve_split(struct daqiri_txq *q, struct daqiri_pkt *heads,
			    struct daqiri_pkt *payloads, int max)
{
	struct daqiri_pkt pkt;
	uint64_t slot;
	int n;

	if (DQ_TX_UNLIKELY(!q || max < 0 || ((!heads || !payloads) && max)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_tx_reserve_split", max);
	if (DQ_TX_UNLIKELY(!q->gather))
		return cannot_gather(q, "daqiri_tx_reserve_split");
	n = daqiri_tx_reserve(q, heads, max);
	/* It is that of the first header: below n_slots. */
	slot = q->posted - q->slot_zero;
	pkt = (struct daqiri_pkt){.len = q->payload.size, .key = q->payload.key};
	for (int i = 0; i < n; i++) {
		pkt.addr = q->payload.base + slot * q->payload.stride;
		payloads[i] = pkt;
		slot = slot + 1 == q->n_slots ? 0 : slot + 1;
	}
	return n;
}

int daqiri_tx_post_split(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			 const struct daqiri_pkt *payloads, int n)
{
	if (DQ_TX_UNLIKELY(!q || n < 0 || ((!heads || !payloads) && n)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_tx_post_split", n);
	if (DQ_TX_UNLIKELY(!q->gather))
		return cannot_gather(q, "daqiri_tx_post_split");
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	/* 0 is the largest of numbers here. */
	if (DQ_TX_UNLIKELY((uint32_t)n - 1 >= q->limit - (uint32_t)(q->posted - q->done)))
		n = dq_tx_make_room(q, n);
	return n > 0 ? q->gather(q, heads, payloads, (uint32_t)n) : n;
}
