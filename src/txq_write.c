/* SPDX-License-Identifier: Apache-2.0 */
/* WQEs of pointers: the portable way. */
#include "txq_wqe.h"

void dq_tx_note_others(struct daqiri_txq *q, const struct daqiri_pkt *pkts, size_t n)
{
	uint64_t others = n;

	for (size_t i = 0; i < n; i++)
		others -= dq_tx_takes_slot(q, &pkts[i]);
	if (!others)
		return;
	/* None is outstanding: then none were counted when they were done. */
	if (q->done >= q->others_last)
		q->others_done = q->others;
	q->others += others;
	q->others_last = q->posted;
	q->slot_zero += others;
}

int dq_tx_finish_far(struct daqiri_txq *q, struct dq_tx_mark *mark, const struct daqiri_pkt *pkts,
		     size_t n)
{
	__be64 head;

	dq_tx_note_others(q, pkts, n);
	mark->others = q->others;
	memcpy(&head, q->ring + (size_t)(mark - q->marks) * DQ_WQEBB, sizeof(head));
	dq_tx_ring(q, head);
	return (int)n;
}

struct sums_portable {
	uint64_t base; /* first slot's address */
	uint64_t bytes;
	uint64_t far; /* largest distance from it, downwards being very far */
};

static inline struct sums_portable sums_none_portable(const struct daqiri_txq *q)
{
	return (struct sums_portable){.base = q->slot_base};
}

static inline uint64_t sums_bytes_portable(const struct sums_portable *sums)
{
	return sums->bytes;
}

static inline bool sums_far_portable(const struct daqiri_txq *q, const struct sums_portable *sums)
{
	return sums->far > q->slot_bytes - 1;
}

static inline void put_one_portable(struct sums_portable *sums, uint8_t *seg,
				    const struct daqiri_pkt *pkt)
{
	uint64_t far = pkt->addr - sums->base;

	dq_wqe_data(seg, pkt->addr, pkt->len, dq_be32_of_key(pkt->key));
	sums->bytes += pkt->len;
	sums->far = far > sums->far ? far : sums->far;
}

static inline void put_ptrs_portable(struct sums_portable *sums, uint8_t *seg,
				     const struct daqiri_pkt *pkts, size_t n)
{
	for (size_t i = 0; i < n; i++, seg += DQ_SEG)
		put_one_portable(sums, seg, pkts + i);
}

static inline void put_full_portable(struct sums_portable *sums, uint8_t *seg,
				     const struct daqiri_pkt *pkts)
{
	put_ptrs_portable(sums, seg, pkts, DQ_TX_FULL);
}

#define put_head_portable dq_wqe_head

#define DQ_TARGET
#define DQ_WAY(name) name##_portable
#include "txq_write.h"
