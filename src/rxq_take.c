/* SPDX-License-Identifier: Apache-2.0 */
#include "rxq_take.h"

static inline __attribute__((always_inline)) uint32_t
take(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max, bool slots)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	uint64_t bytes = 0;
	uint32_t n = dq_rx_row_take(&row, pkts, slots, &bytes);

	dq_rx_row_taken(q, n, bytes);
	return n;
}

uint32_t dq_rx_take_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take(q, pkts, max, false);
}

uint32_t dq_rx_take_slots_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take(q, pkts, max, true);
}
