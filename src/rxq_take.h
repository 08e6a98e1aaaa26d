/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completions in a row, made into packets. A row ends where the ring does, so that in it the
 * owner's parity is one. WQEs of a cyclic ring complete in their order: where each has the slot
 * that it began with, addresses follow each other. Where packets were kept, the table q->slots
 * tells them (slots = true below): each way to take packets is there twice, and daqiri_rx_keep()
 * changes from one to the other.
 */
#ifndef DQ_RXQ_TAKE_H
#define DQ_RXQ_TAKE_H

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "mlx5_cqe.h"
#include "rxq_ring.h"

struct dq_rx_row {
	const struct mlx5_cqe64 *cqe; /* the next one */
	const uint64_t *slots;	      /* address of its packet, and of those behind it */
	uint64_t addr;		      /* the same of its packet, where they follow each other */
	uint32_t stride;
	uint32_t left; /* completions that may be taken */
	uint8_t good;  /* opcode and owner of one that can */
	struct dq_rx_keys keys;
};

static inline struct dq_rx_row dq_rx_row(const struct daqiri_rxq *q, uint32_t max)
{
	uint32_t first = q->ci & q->mask, room = q->mask + 1 - first;
	unsigned owner = (q->ci & (q->mask + 1)) != 0;

	return (struct dq_rx_row){.cqe = &q->cqes[first],
				  .slots = q->slots + first,
				  .addr = q->base + (uint64_t)first * q->stride,
				  .stride = q->stride,
				  .left = max < room ? max : room,
				  .good = dq_cqe_good_recv(owner),
				  .keys = dq_rx_keys(q)};
}

static inline void dq_rx_row_taken(struct daqiri_rxq *q, uint32_t n, uint64_t bytes)
{
	q->ci += n;
	q->held += n;
	dq_counter_add(&q->count.bytes, bytes);
}

/* Takes what is good at the row's beginning; returns how many, and adds their bytes. */
static inline __attribute__((always_inline)) uint32_t
dq_rx_row_take(const struct dq_rx_row *row, struct daqiri_pkt *pkts, bool slots, uint64_t *bytes)
{
	const struct mlx5_cqe64 *cqe = row->cqe;
	uint64_t addr = row->addr;
	uint32_t n = 0;

	while (n < row->left && (dq_cqe_op_own(&cqe[n]) & DQ_CQE_OPCODE_OWNER) == row->good)
		n++;
	/* Pairs with the device's write of the ownership bytes: the CQEs and packets are there. */
	dq_from_device();
	for (uint32_t i = 0; i < n; i++, addr += row->stride) {
		uint32_t len = dq_cqe_len(&cqe[i]);

		pkts[i] = (struct daqiri_pkt){.addr = slots ? row->slots[i] : addr,
					      .len = len,
					      .key = dq_rx_key(row->keys, &cqe[i])};
		*bytes += len;
	}
	return n;
}

#endif
