/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eMPWs with short frames in them, and pointers to longer ones between: PRM, "Enhanced Multi Packet
 * Send WQE". A frame in the WQE is a be32, its length and MLX5_INLINE_SEG, and the bytes, padded to
 * a segment of 16. A WQE, and a frame in it, may go round the ring's end.
 */
#include "txq_wqe.h"

/* What a WQE holds, besides its head. */
struct dq_tx_fill {
	uint64_t bytes; /* of its packets */
	uint64_t far;	/* the largest distance from the first slot, downwards being very far */
	uint32_t segs;
};

/* Overlapping halves, no call of memcpy(). */
static inline void dq_tx_copy_short(uint8_t *to, const uint8_t *from, uint32_t len)
{
	if (len >= 16) {
		memcpy(to, from, 16);
		memcpy(to + len - 16, from + len - 16, 16);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len) {
		to[0] = from[0];
		to[len / 2] = from[len / 2];
		to[len - 1] = from[len - 1];
	}
}

static void copy_part(uint8_t *to, const uint8_t *from, uint32_t len)
{
	for (; len > 16; to += 16, from += 16, len -= 16) {
		memcpy(to, from, 16);
		DQ_OPAQUE("r", to);
	}
	dq_tx_copy_short(to, from, len);
}

static inline void dq_wqe_inline_count(uint8_t *seg, uint32_t len)
{
	__be32 count = dq_to_be32(len | MLX5_INLINE_SEG);

	memcpy(seg, &count, sizeof(count));
}

/* A frame that begins before the ring's end, and ends behind it; where the next segment is. */
static __attribute__((noinline)) uint8_t *
dq_tx_inline_round(const struct daqiri_txq *q, uint8_t *seg, const struct daqiri_pkt *pkt)
{
	uint32_t size = dq_wqe_inline_segs(pkt->len) * DQ_SEG;
	uint32_t before = (uint32_t)(q->ring + ((size_t)q->mask + 1) * DQ_WQEBB - seg);
	const uint8_t *frame = (const uint8_t *)(uintptr_t)pkt->addr;
	uint32_t first = before - (uint32_t)sizeof(__be32);

	dq_wqe_inline_count(seg, pkt->len);
	copy_part(seg + sizeof(__be32), frame, first);
	copy_part(q->ring, frame + first, pkt->len - first);
	return q->ring + (size - before);
}

/* Writes the head of a WQE of n packets that is filled, and counts them; its first 8 bytes. */
static inline __be64 dq_tx_end_filled(struct daqiri_txq *q, const struct dq_tx_fill *fill,
				      const struct daqiri_pkt *pkts, size_t n, enum dq_ce ce)
{
	uint32_t pi = q->pi, at = pi & q->mask;
	__be64 head = dq_tx_head(q, pi, fill->segs);

	dq_wqe_head(dq_tx_wqebb(q, at), head, dq_tx_model(q, ce));
	q->pi = pi + dq_wqe_more(fill->segs) + 1;
	dq_tx_account(q, n, fill->bytes);
	if (DQ_TX_UNLIKELY(fill->far > q->slot_bytes - 1))
		dq_tx_note_others(q, pkts, n);
	if (ce == DQ_CE_ALWAYS)
		dq_tx_signal_others(q, at, q->posted);
	return head;
}

#define DQ_TARGET
#define DQ_WAY(name) name##_portable
#define DQ_CHUNK     16
#include "txq_inline.h"

#ifdef DQ_X86_SIMD
#undef DQ_TARGET
#undef DQ_WAY
#undef DQ_CHUNK
#define DQ_TARGET    __attribute__((target("avx2")))
#define DQ_WAY(name) name##_avx2
#define DQ_CHUNK     32
#include "txq_inline.h"
#endif
