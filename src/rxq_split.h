/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive queues that split frames: each WQE of a cyclic ring has two entries, for the first bytes
 * of a frame and for the rest. Header buffer i of the queue and payload buffer i go together
 * wherever they are: in a WQE, with the program, kept, or a spare. So all that a cyclic queue does
 * with buffers it does with those of headers, and where a header lies tells where its payload does.
 */
#ifndef DQ_RXQ_SPLIT_H
#define DQ_RXQ_SPLIT_H

#include "rxq.h"

/* heads: n whole frames; they become their headers, and payloads the rest. */
typedef void (*dq_rx_cut_fn)(const struct daqiri_rxq *q, struct daqiri_pkt *heads,
			     struct daqiri_pkt *payloads, uint32_t n);

struct dq_rx_split {
	dq_rx_poll_fn poll; /* whole frames, with the addresses of their headers */
	dq_rx_cut_fn cut;
	uint64_t base;	    /* address of the first payload buffer */
	uint64_t inverse;   /* 2^64 / the stride of headers, rounded up */
	uint32_t stride;    /* of payloads */
	uint32_t at;	    /* bytes of a frame that are its header */
	daqiri_key key_has; /* bits of a header's key that the payload's has too: all, or none */
	daqiri_key key_set; /* and those that it has besides */
	int log;	    /* of the stride of headers, to the base of 2; -1: it is no power */

	/* Control path. */
	uint32_t room; /* bytes of a payload buffer */
	struct daqiri_region *region;
};

/* Whether frames of the port fit, and headers are where a CPU can read them. */
int dq_rx_split_check(const struct dq_conf_rxq *conf, const struct daqiri_port *port,
		      struct daqiri_region *const regions[2]);

/* Makes q->split; the header buffers are there. */
int dq_rx_split_prepare(struct daqiri_rxq *q, struct daqiri_region *payload);
void dq_rx_split_destroy(struct daqiri_rxq *q);

/* From here on the queue is polled by daqiri_rx_poll_split() alone: q->poll has been chosen. */
void dq_rx_split_choose(struct daqiri_rxq *q);

/* Writes all WQEs. */
void dq_rx_split_bind(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq);

/* As dq_rxq_forward(), for payloads. */
void dq_rx_split_forward(struct daqiri_rxq *q, const struct daqiri_port *to);

void dq_rx_split_cut_portable(const struct daqiri_rxq *q, struct daqiri_pkt *heads,
			      struct daqiri_pkt *payloads, uint32_t n);
/* Where log is one. */
void dq_rx_split_cut_avx2(const struct daqiri_rxq *q, struct daqiri_pkt *heads,
			  struct daqiri_pkt *payloads, uint32_t n);

#endif
