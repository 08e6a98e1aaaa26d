/* SPDX-License-Identifier: Apache-2.0 */
/* Enhanced multi-packet sends: the portable way. */
#include "txq_wqe.h"

uint64_t dq_tx_count_slots(const struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; q->slot_bytes && i < n; i++)
		slots += dq_tx_takes_slot(q, &pkts[i]);
	return slots;
}

__be64 dq_tx_recount(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint32_t at = (q->pi - dq_wqe_wqebbs(dq_wqe_segs(n))) & q->mask;
	__be64 head;

	q->slots_posted -= n - dq_tx_count_slots(q, pkts, n);
	q->marks[at].slots = q->slots_posted;
	memcpy(&head, q->ring + (size_t)at * DQ_WQEBB, sizeof(head));
	return head;
}

int dq_tx_finish_far(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	dq_tx_ring(q, dq_tx_recount(q, pkts, n));
	return (int)n;
}

static inline struct dq_tx_sums write_ptrs_portable(const struct daqiri_txq *q, uint8_t *seg,
						    const struct daqiri_pkt *pkts, uint32_t n)
{
	struct dq_tx_sums sums = {.near = true};

	for (uint32_t i = 0; i < n; i++, seg += DQ_SEG) {
		dq_wqe_data(seg, pkts[i].addr, pkts[i].len, dq_be32_of_key(pkts[i].key));
		sums.bytes += pkts[i].len;
		sums.slots += dq_tx_takes_slot(q, &pkts[i]);
	}
	return sums;
}

#define DQ_TARGET
#define DQ_EMPW(name) name##_portable
#include "txq_empw.h"
