/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --workload: what else a GPU does with the frames of a receive queue, behind their check and
 * before they go back to the NIC. copy packs what follows each frame's headers and mark, one frame
 * behind the other; fft transforms that, complex single-precision samples, a frame a transform.
 */
#ifndef PERF_GPU_WORK_H
#define PERF_GPU_WORK_H

#include "gpu.h"

struct perf_gpu_work {
	enum perf_workload what;
	uint32_t length;	    /* bytes of a packed frame: 8 a sample */
	uint32_t skip;		    /* bytes of a frame in front of them */
	unsigned block, filled;	    /* frames that are packed before they are transformed; so far */
	unsigned long long in, out; /* block frames each */
	int plan;
	_Atomic uint64_t frames;     /* handed over; by the queue's thread */
	_Atomic uint64_t transforms; /* likewise */
};

/* -1 after a message. The sizes of a queue's streams tell how long a frame is. */
int perf_gpu_work_make(struct perf_rxq *r);
void perf_gpu_work_free(struct perf_gpu_work *w);

/* Puts the work on a batch into the queue's stream; false after a message. */
bool perf_gpu_work_start(struct perf_gpu_queue *q, const struct perf_gpu_batch *b);

#endif
