/* SPDX-License-Identifier: Apache-2.0 */
#include "rxq_take.h"

uint32_t dq_rx_take_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	uint64_t bytes = 0;
	uint32_t n = dq_rx_row_take(&row, pkts, q->stride, &bytes);

	dq_rx_row_taken(q, n, bytes);
	return n;
}
