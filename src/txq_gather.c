/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in two pieces, from the two regions of a queue: a SEND each, with two pointers. */
#include <config.h>

#include <errno.h>

#include "error.h"
#include "owner.h"
#include "txq_wqe.h"

_Static_assert((DQ_EMPW_HEAD_SEGS + 2) * DQ_SEG == DQ_WQEBB, "a packet takes one WQEBB");

/* tx_latency: the WQE of a lone packet goes out with the doorbell, as of dq_tx_write_latency(). */
int dq_tx_gather_latency(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			 const struct daqiri_pkt *payloads, uint32_t n)
{
	uint32_t at = q->pi & q->mask;
	uint8_t *wqe = dq_tx_wqebb(q, at), *ptr = wqe + DQ_TX_PTRS;

	if (n != 1)
		return q->gather_more(q, heads, payloads, n);
	dq_wqe_head(wqe, dq_tx_head(q, q->pi++, 1 + (payloads->len != 0)), &q->asks);
	dq_wqe_data(ptr, heads->addr, heads->len, dq_be32_of_key(heads->key));
	dq_wqe_data(ptr + DQ_SEG, payloads->addr, payloads->len, dq_be32_of_key(payloads->key));
	dq_tx_account(q, 1, (uint64_t)heads->len + payloads->len);
	if (!dq_tx_takes_slot(q, heads))
		dq_tx_note_others(q, heads, 1);
	dq_tx_signal_others(q, at, q->posted);
	dq_tx_ring_copy(q, wqe);
	return 1;
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
