/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A striding receive queue: each WQE is one piece of memory, cut into strides, and frames take as
 * many of them as they need (PRM: "Striding RQ"). A frame that does not fit into what is left of a
 * WQE begins the next one, and a filler completion tells of the strides that stay empty.
 *
 * A completion names its WQE (wqe_id) and its first stride (wqe_counter): by them a frame is found,
 * never by counting. The ring of WQEs is a power of two; only as many are given to the device as
 * there is memory for, so that a WQE's place in the ring has ever other memory.
 */
#ifndef DQ_RXQ_STRIDING_H
#define DQ_RXQ_STRIDING_H

#include <infiniband/mlx5dv.h>

#include "counter.h"
#include "mlx5_cqe.h"
#include "rxq.h"

/* WQEs count for ever, as all positions do. Those from oldest to wqe are done but held by packets.
 */
struct dq_rx_striding {
	/* By place in the ring. */
	uint64_t *where;  /* the WQE's memory */
	uint32_t *end;	  /* how many packets were polled when it was done */
	uint8_t *wqes;	  /* as the device reads them */
	uint32_t wqe;	  /* the one that the next completion is expected of */
	uint32_t oldest;  /* not given back */
	uint32_t mask;	  /* places of the ring - 1 */
	uint32_t polled;  /* packets */
	uint32_t strides; /* of a WQE */
	uint8_t log_stride;
	uint8_t log_strides;

	/* Control path. */
	uint32_t n_wqes; /* that there is memory for */
};

int dq_rx_poll_striding(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			uint32_t max);
void dq_rx_release_striding(struct daqiri_rxq *q, uint32_t n);

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
/* Writes the WQEs. */
void dq_rx_striding_bind(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq);
void dq_rx_striding_destroy(struct daqiri_rxq *q);

#endif
