/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A striding receive queue: each WQE is one piece of memory, cut into strides, and frames take as
 * many of them as they need (PRM: "Striding RQ"). A frame that does not fit into what is left of a
 * WQE begins the next one, and a filler completion tells of the strides that stay empty.
 *
 * A completion names its WQE (wqe_id) and its first stride (wqe_counter): by them a frame is found,
 * never by counting. The ring of WQEs is a power of two; only as many are given to the device as
 * there is memory for, so that a WQE's place in the ring has ever other memory. A packet that is
 * kept keeps the memory of its WQE.
 */
#ifndef DQ_RXQ_STRIDING_H
#define DQ_RXQ_STRIDING_H

#include <infiniband/mlx5dv.h>

#include "counter.h"
#include "mlx5_cqe.h"
#include "rxq.h"

/* What a buffer is where it is not that of a WQE. */
enum { DQ_STRIDE_SPARE = UINT32_MAX, DQ_STRIDE_KEPT = UINT32_MAX - 1 };

/*
 * Buffers are memory for a WQE each, one behind the other from q->base on: as many as there are
 * WQEs, and the spares. One with kept packets in it is not given to the device again: with its
 * first kept packet a spare stands in for it.
 */
struct dq_rx_stride_bufs {
	uint32_t *pins;	    /* by buffer: its kept packets; if any: */
	uint32_t *stand_in; /* the spare that takes its place in the ring, */
	uint64_t *kept;	    /* and a bit for each of its strides: such a packet lies there */
	uint32_t *place;    /* by buffer: its place in the ring, or one of the two above */
	uint32_t *spares;   /* the numbers of those that are spare, and stand in for none */
	uint32_t n_spares;
	uint32_t n; /* of all buffers */
};

/* WQEs count for ever, as all positions do. Those from oldest to wqe are done but held by packets.
 */
struct dq_rx_striding {
	/* By place in the ring. */
	uint64_t *where;  /* address of the WQE's buffer */
	uint32_t *buf;	  /* the number of that buffer */
	uint32_t *end;	  /* how many packets were polled when it was done */
	uint8_t *wqes;	  /* as the device reads them */
	uint32_t wqe;	  /* the one that the next completion is expected of */
	uint32_t oldest;  /* not given back */
	uint32_t mask;	  /* places of the ring - 1 */
	uint32_t polled;  /* packets */
	uint32_t reached; /* strides of wqe that were polled */
	uint32_t strides; /* of a WQE */
	uint8_t log_stride;
	uint8_t log_strides;
	uint32_t n_wqes; /* that the device, or a held packet, has */
	struct dq_rx_stride_bufs bufs;
};

int dq_rx_poll_striding(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			uint32_t max);
void dq_rx_release_striding(struct daqiri_rxq *q, uint32_t n);
int dq_rx_keep_striding(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_rx_give_back_striding(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n);

static inline uint32_t dq_rx_stride_buf_bytes(const struct dq_rx_striding *st)
{
	return 1u << (st->log_stride + st->log_strides);
}

static inline uint64_t dq_rx_stride_addr(const struct daqiri_rxq *q, uint32_t buf)
{
	return q->base + (uint64_t)buf * dq_rx_stride_buf_bytes(q->striding);
}

/* Numbers of buffers and their state, from as many WQEs and buffers as the queue has. */
int dq_rx_stride_bufs_init(struct daqiri_rxq *q);
void dq_rx_stride_bufs_free(struct dq_rx_striding *st);

/*
 * Takes up to max good packets of the current WQE that lie in a row before the completion ring's
 * end: in rxq_stride*.c.
 */
uint32_t dq_rx_stride_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_stride_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_stride_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);

/* ---- making one: rxq_striding.c -------------------------------------------------------------- */

/* Sizes, and the arrays of the queue; q->mask is then that of the completion ring. */
int dq_rx_striding_prepare(struct daqiri_rxq *q);
/* The work queue; NULL and errno where it is refused. */
struct ibv_wq *dq_rx_striding_create_wq(struct daqiri_rxq *q, struct ibv_wq_init_attr *attr);
/* Writes the WQEs, and has all positions at 0 but those of completions. */
void dq_rx_restart_striding(struct daqiri_rxq *q);
/* Writes the WQEs. */
void dq_rx_striding_bind(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq);
void dq_rx_striding_destroy(struct daqiri_rxq *q);

#endif
