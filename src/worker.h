/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worker mode: a thread of the library polls and posts, and hands descriptors over to the program's
 * thread. Such a queue is two objects: the real one, which only the worker touches while it runs,
 * and its face, a copy that the program is given and whose data path goes to the hand-over between
 * the two. All else that the library does, it does with the real one.
 */
#ifndef DQ_WORKER_H
#define DQ_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "context.h"
#include "rxq_split.h"
#include "spsc.h"
#include "txq.h"

/* Received packets go to the program, and counts of released ones come back. */
struct dq_rx_hand {
	struct daqiri_rxq *real, *face;
	dq_rx_poll_fn poll;	  /* the real one's, of whole frames */
	struct dq_rx_split split; /* the face's, where frames are split */
	struct daqiri_pkt *ring; /* mask + 1 */
	uint32_t mask;
	uint32_t batch;
	uint64_t timeout_ns; /* 0: never */
	struct dq_spsc pos;  /* the worker produces */

	/* The worker's. */
	uint32_t pending __attribute__((aligned(64))); /* polled, and not yet handed over */
	uint32_t returned;			       /* of released, what went back to the NIC */
	uint64_t since;				       /* when the first pending one was polled */
	bool stopped;				       /* atomic: nothing more will come */

	/* The program's. */
	uint32_t released __attribute__((aligned(64))); /* atomic: packets, for ever */
};

/* Packets to send go to the worker, and counts of completed ones come back. */
struct dq_tx_hand {
	struct daqiri_txq *real, *face;
	struct daqiri_pkt *ring; /* mask + 1 */
	uint32_t mask;
	uint32_t batch;
	struct dq_spsc pos; /* the program produces */

	/* The worker's: atomic. */
	uint64_t done __attribute__((aligned(64))); /* completed, for ever */
	uint64_t others;			    /* dq_tx_others_done() */
	bool stopped;
};

/* conf's batch and timeout are the hand-over's. On failure nothing is left. */
int dq_rx_hand_create(struct daqiri_rxq *real);
int dq_tx_hand_create(struct daqiri_txq *real);
void dq_rx_hand_destroy(struct daqiri_rxq *real);
void dq_tx_hand_destroy(struct daqiri_txq *real);

/* The worker's turn at a queue; now: nanoseconds of some clock. Whether there was work. */
bool dq_rx_hand_step(struct dq_rx_hand *h, uint64_t now);
bool dq_tx_hand_step(struct dq_tx_hand *h);

/* What the face finds where a real queue has its completions: none, for ever. */
extern const struct mlx5_cqe64 dq_tx_no_completion;

/* The face's completions. */
void dq_tx_hand_reap(struct daqiri_txq *face);

/*
 * A queue in worker mode is served by the thread of its core, which is started for the first one and
 * ends with the last one; others are left alone. Adding is the last step of making a queue: on
 * failure it is not served.
 */
int dq_worker_add_rxq(struct daqiri *dq, struct daqiri_rxq *q);
int dq_worker_add_txq(struct daqiri *dq, struct daqiri_txq *q);
void dq_worker_remove_rxq(struct daqiri *dq, struct daqiri_rxq *q);
void dq_worker_remove_txq(struct daqiri *dq, struct daqiri_txq *q);

/* Ends all threads: queues keep their hands, which nobody serves. */
void dq_workers_stop(struct daqiri *dq);

#endif
