/* SPDX-License-Identifier: Apache-2.0 */
/* A packet in a WQE of its own, of 64 bytes. */
#include "txq_wqe.h"

/* ---- SEND with the frame's header in the WQE ------------------------------------------------- */

/* The head of a SEND with the frame's first bytes, and the pointer to the rest; returns its
 * segments. */
static inline uint32_t write_inline_l2(uint8_t *eth, const struct dq_wqe_eth *ask,
				       const struct daqiri_pkt *pkt)
{
	uint32_t head = pkt->len < DQ_INLINE_L2 ? pkt->len : DQ_INLINE_L2;

	dq_wqe_eth_inline(eth, ask, (const uint8_t *)(uintptr_t)pkt->addr, head);
	if (pkt->len == head)
		return 3;
	dq_wqe_data(eth + (size_t)2 * DQ_SEG, pkt->addr + head, pkt->len - head,
		    dq_be32_of_key(pkt->key));
	return 4;
}

__be64 dq_tx_write_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkt, enum dq_ce ce)
{
	uint8_t *wqe = dq_tx_wqebb(q, q->pi);
	uint32_t segs = write_inline_l2(wqe + DQ_SEG, &q->eth, pkt), pi = q->pi++;

	return dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)wqe,
			   dq_wqe_opcode_index(MLX5_OPCODE_SEND, pi), dq_wqe_qpn_ds(q->qpn, segs),
			   ce);
}

/* For devices of which nothing faster is to be had. */
int dq_tx_write_send_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	__be64 head = 0;

	for (uint32_t i = 0; i < n; i++) {
		enum dq_ce ce = i + 1 == n ? DQ_CE_ALWAYS : dq_tx_ce(q, 1);

		head = dq_tx_write_inline(q, &pkts[i], ce);
		dq_tx_account(q, 1, pkts[i].len);
		dq_tx_note_one(q, &pkts[i]);
		if (ce == DQ_CE_ALWAYS)
			dq_tx_signal_others(q, (q->pi - 1) & q->mask, q->posted);
	}
	dq_tx_ring(q, head);
	return (int)n;
}

/* ---- tx_latency: with the doorbell itself -----------------------------------------------------
 */

/* The only packet of a post, in the WQE before pi: it is copied into the register. Returns 1. */
static int finish_one(struct daqiri_txq *q, const struct daqiri_pkt *pkt)
{
	uint32_t at = (q->pi - 1) & q->mask;

	dq_tx_account(q, 1, pkt->len);
	dq_tx_note_one(q, pkt);
	dq_tx_signal_others(q, at, q->posted);
	dq_tx_ring_copy(q, dq_tx_wqebb(q, at));
	return 1;
}

int dq_tx_write_latency(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint8_t *wqe = dq_tx_wqebb(q, q->pi);

	if (n != 1)
		return q->write_more(q, pkts, n);
	dq_wqe_head(wqe, dq_tx_head(q, q->pi++, 1), &q->asks);
	dq_wqe_data(wqe + DQ_TX_PTRS, pkts->addr, pkts->len, dq_be32_of_key(pkts->key));
	return finish_one(q, pkts);
}

int dq_tx_write_latency_l2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	if (n != 1)
		return q->write_more(q, pkts, n);
	dq_tx_write_inline(q, pkts, DQ_CE_ALWAYS);
	return finish_one(q, pkts);
}
