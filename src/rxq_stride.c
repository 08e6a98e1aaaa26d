/* SPDX-License-Identifier: Apache-2.0 */
#include "rxq_stride.h"

uint32_t dq_rx_stride_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_stride_row row = dq_rx_stride_row(q, max);
	const struct mlx5_cqe64 *cqe = row.cqe;
	uint32_t ready = 0, n = 0;
	uint64_t bytes = 0;

	while (ready < row.left && (dq_cqe_op_own(&cqe[ready]) & DQ_CQE_OPCODE_OWNER) == row.good)
		ready++;
	/* Pairs with the device's write of the ownership bytes: the CQEs and packets are there. */
	dq_from_device();
	for (; n < ready && dq_rx_stride_is_of(&row, cqe) && !dq_cqe_is_filler(cqe); n++, cqe++) {
		uint64_t stride = dq_cqe_wqe_counter(cqe) & row.last;
		uint32_t len = dq_cqe_stride_len(cqe);

		pkts[n] = (struct daqiri_pkt){.addr = row.base + (stride << row.log_stride),
					      .len = len,
					      .key = dq_rx_key(row.keys, cqe)};
		bytes += len;
	}
	if (n)
		dq_rx_stride_taken(q, n, bytes);
	return n;
}
