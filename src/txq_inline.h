/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eMPWs with short frames in them, once for each set of instructions: included with DQ_TARGET, the
 * function attribute of the set; DQ_WAY(name), a name with the set's in it; and DQ_CHUNK, the bytes
 * of its registers.
 */
#include "txq_wqe.h"

/* len bytes and no other. Frames are longer than a chunk, mostly: its last one overlaps. */
static DQ_TARGET inline __attribute__((always_inline)) void
DQ_WAY(copy)(uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint8_t *last = to + len - DQ_CHUNK;
	const uint8_t *last_from = from + len - DQ_CHUNK;

	if (DQ_TX_UNLIKELY(len < DQ_CHUNK)) {
		dq_tx_copy_short(to, from, len);
		return;
	}
	for (; to < last; to += DQ_CHUNK, from += DQ_CHUNK) {
		memcpy(to, from, DQ_CHUNK);
		/* No call of memcpy() for the loop. */
		DQ_OPAQUE("r", to);
	}
	memcpy(last, last_from, DQ_CHUNK);
}

/* As many of n packets as go into one WQE that begins at the ring's next WQEBB. */
static DQ_TARGET inline uint32_t DQ_WAY(fill)(const struct daqiri_txq *q, struct dq_tx_fill *fill,
					      const struct daqiri_pkt *pkts, uint32_t n)
{
	uint8_t *end = q->ring + ((size_t)q->mask + 1) * DQ_WQEBB;
	uint8_t *seg = dq_tx_wqebb(q, q->pi) + DQ_TX_PTRS;
	uint32_t i, room = q->max_ptrs;

	for (i = 0; i < n; i++) {
		const struct daqiri_pkt *pkt = &pkts[i];
		bool fits = pkt->len <= q->inline_max;
		uint32_t segs = fits ? dq_wqe_inline_segs(pkt->len) : 1;
		uint64_t far = pkt->addr - q->slot_base;

		if (segs > room)
			break;
		room -= segs;
		fill->bytes += pkt->len;
		fill->far = far > fill->far ? far : fill->far;
		if (!fits) {
			dq_wqe_data(seg, pkt->addr, pkt->len, dq_be32_of_key(pkt->key));
		} else if (DQ_TX_UNLIKELY((size_t)(end - seg) < (size_t)segs * DQ_SEG)) {
			seg = dq_tx_inline_round(q, seg, pkt);
			continue;
		} else {
			dq_wqe_inline_count(seg, pkt->len);
			DQ_WAY(copy)
			(seg + sizeof(__be32), (const uint8_t *)(uintptr_t)pkt->addr, pkt->len);
		}
		seg += (size_t)segs * DQ_SEG;
		seg = seg == end ? q->ring : seg;
	}
	fill->segs = q->max_ptrs - room;
	return i;
}

DQ_TARGET int DQ_WAY(dq_tx_write_empw_inline)(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
					      uint32_t n)
{
	uint32_t left = n, part;
	__be64 head;

	do {
		struct dq_tx_fill fill = {0};

		part = DQ_WAY(fill)(q, &fill, pkts, left);
		left -= part;
		head = dq_tx_end_filled(q, &fill, pkts, part,
					left ? dq_tx_ce(q, part) : DQ_CE_ALWAYS);
		pkts += part;
	} while (left);
	dq_tx_ring(q, head);
	return (int)n;
}
