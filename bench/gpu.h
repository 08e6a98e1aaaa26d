/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues whose frames a GPU writes and checks, where they lie: those with memory of a GPU, and of
 * the host where a GPU has it page-locked. A few batches are under way at once, in order; packets
 * are posted, and released, once their kernel has ended. Of frames in two pieces the second one is
 * the GPU's; the first one, which lies in memory of the host, is copied from and to a batch's own.
 */
#ifndef PERF_GPU_H
#define PERF_GPU_H

#include "gpu_driver.h"
#include "run.h"

#define PERF_GPU_BATCHES 8u

struct perf_gpu_work;

struct perf_gpu_batch {
	struct perf_shared pkts;    /* struct daqiri_pkt[max_batch] */
	struct perf_shared results; /* of a receive queue: struct perf_gpu_result[max_batch] */
	struct perf_shared rests;   /* frames in two pieces: the second ones' descriptors, */
	struct perf_shared heads;   /* and copies of the first ones, head_room bytes each */
	struct daqiri_pkt *firsts;  /* of a send queue: where those go; max_batch */
	struct CUevent_st *event;
	unsigned n;
	unsigned posted; /* of a send queue: of n */
	struct perf_sender *sender;
	enum perf_type type;
};

/* Owned by the queue's thread once it runs. */
struct perf_gpu_queue {
	struct perf_gpu *gpu;
	struct CUstream_st *stream;
	uint64_t shift;		      /* from the addresses that the library gives to the GPU's */
	uint32_t head;		      /* bytes of a first piece, where frames are in two; else 0 */
	uint32_t head_room;	      /* for one */
	unsigned long long constants; /* struct perf_gpu_expect[], or each sender's headers */
	struct daqiri_pkt *slots;     /* of a send queue: all that are shown, */
	struct daqiri_pkt *slot_rests; /* and their second pieces */
	struct perf_gpu_work *work;   /* of a receive queue; NULL: none */
	char where[128];	      /* for the report */
	unsigned n_batches, oldest, pending;
	struct perf_gpu_batch batches[PERF_GPU_BATCHES];
};

/* Leave q->gpu NULL where the CPU does the work; -1 after a message. */
int perf_gpu_rxq_make(struct perf_rxq *r);
int perf_gpu_txq_make(struct perf_txq *t);
/* NULL: nothing. The threads must have ended, and the library still have the memory. */
void perf_gpu_queue_free(struct perf_gpu_queue *q);

/* Whether no CPU can touch the region's packets. */
bool perf_gpu_only(const struct daqiri_region *region);

/* One turn, as perf_rx_step(). */
bool perf_gpu_rx_step(struct perf_rxq *r, uint64_t now);
/* Waits for what is under way and takes it. */
void perf_gpu_rx_end(struct perf_rxq *r);

/* Up to want frames of a sender are given to the GPU to write; they are posted later. */
bool perf_gpu_tx_fill(struct perf_txq *t, struct perf_sender *s, const struct perf_mark *mark,
		      unsigned want);
/* Posts what has been written meanwhile. */
bool perf_gpu_tx_post(struct perf_txq *t, uint64_t now);
bool perf_gpu_tx_pending(const struct perf_txq *t, const struct perf_sender *s);

/* The next batch to use; NULL: all are under way. */
struct perf_gpu_batch *perf_gpu_batch_free(struct perf_gpu_queue *q);
/* The oldest batch that is under way and whose kernel has ended; NULL: none. *error: the driver's.
 */
struct perf_gpu_batch *perf_gpu_batch_done(struct perf_gpu_queue *q, unsigned *error);
/* Launches a kernel on the batch from batch_free(); 0 or the driver's error. */
unsigned perf_gpu_batch_start(struct perf_gpu_queue *q, enum perf_kernel kernel, void *params);
/* It is under way, and done with all that was put into the stream up to now. */
unsigned perf_gpu_batch_mark(struct perf_gpu_queue *q);
void perf_gpu_batch_end(struct perf_gpu_queue *q);

#endif
