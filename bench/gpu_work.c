/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "gpu_abi.h"
#include "gpu_fft.h"
#include "gpu_work.h"
#include "msg.h"

#define SAMPLE 8u /* bytes: two floats */

/* Room for what follows headers and mark in the longest frame of the queue's streams. */
static void measure(struct perf_gpu_work *w, const struct perf_rxq *r)
{
	uint32_t longest = 0, points = 8;

	w->skip = perf_frame_min(false, false);
	for (unsigned i = 0; i < r->n_streams; i++) {
		const struct perf_stream *s = r->streams[i];
		uint32_t skip = perf_frame_min(s->flow.ipv6, s->flow.vlan >= 0);

		w->skip = skip > w->skip ? skip : w->skip;
		for (unsigned k = 0; k < s->sizes.n; k++)
			longest = s->sizes.v[k] > longest ? s->sizes.v[k] : longest;
	}
	if (r->gpu->head_room) {
		/* The second pieces, from their first byte on. */
		longest = longest > r->gpu->head ? longest - r->gpu->head : 0;
		w->skip = 0;
	}
	while (w->skip + points * SAMPLE < longest)
		points *= 2;
	w->length = points * SAMPLE;
}

static int fill(struct perf_gpu_work *w, const struct perf_gpu_queue *q)
{
	size_t size = (size_t)w->block * w->length;

	if (perf_gpu_memory(&w->in, NULL, size))
		return -1;
	if (w->what != PERF_WORK_FFT)
		return 0;
	if (perf_gpu_memory(&w->out, NULL, size))
		return -1;
	return perf_fft_plan(&w->plan, w->length / SAMPLE, w->block, q->stream);
}

int perf_gpu_work_make(struct perf_rxq *r)
{
	struct perf_gpu_work *w;
	int ret;

	if (r->run->plan->workload == PERF_WORK_NONE || !r->gpu)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return perf_fail("out of memory");
	r->gpu->work = w; /* freed with the queue */
	w->what = r->run->plan->workload;
	w->block = r->max_batch;
	w->plan = -1;
	measure(w, r);
	perf_gpu_enter(r->gpu->gpu);
	ret = fill(w, r->gpu);
	perf_gpu_leave();
	return ret;
}

/* Within the GPU's context. */
void perf_gpu_work_free(struct perf_gpu_work *w)
{
	if (!w)
		return;
	perf_fft_free(w->plan);
	if (w->in)
		perf_cuda()->cuMemFree_v2(w->in);
	if (w->out)
		perf_cuda()->cuMemFree_v2(w->out);
	free(w);
}

/* Packs n frames of a batch, from frame first on, behind those that are packed. */
static unsigned pack(struct perf_gpu_queue *q, const struct perf_gpu_batch *b, unsigned first,
		     unsigned n)
{
	struct perf_gpu_work *w = q->work;
	struct perf_gpu_gather p = {
		.pkts = (q->head_room ? b->rests.gpu : b->pkts.gpu) +
			first * sizeof(struct daqiri_pkt),
		.out = w->in + (uint64_t)w->filled * w->length,
		.shift = q->shift,
		.n = n,
		.skip = w->skip,
		.length = w->length,
	};

	return perf_gpu_launch(q->gpu, PERF_KERNEL_GATHER, n, &p, q->stream);
}

/* The stream keeps the order: the next frames are packed when these are transformed. */
static bool block_done(struct perf_gpu_work *w)
{
	int error = w->what == PERF_WORK_FFT ? perf_fft_start(w->plan, w->in, w->out) : 0;

	w->filled = 0;
	if (error) {
		perf_fail("--workload fft: cufftExecC2C: error %d", error);
		return false;
	}
	if (w->what == PERF_WORK_FFT)
		perf_add(w->transforms, w->block);
	return true;
}

bool perf_gpu_work_start(struct perf_gpu_queue *q, const struct perf_gpu_batch *b)
{
	struct perf_gpu_work *w = q->work;

	for (unsigned i = 0, n; i < b->n; i += n) {
		unsigned error;

		n = b->n - i < w->block - w->filled ? b->n - i : w->block - w->filled;
		error = pack(q, b, i, n);
		if (error) {
			perf_cuda_fail("cuLaunchKernel", error);
			return false;
		}
		w->filled += n;
		if (w->filled == w->block && !block_done(w))
			return false;
	}
	perf_add(w->frames, b->n);
	return true;
}
