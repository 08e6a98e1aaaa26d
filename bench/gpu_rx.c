/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "gpu.h"
#include "gpu_abi.h"
#include "gpu_work.h"
#include "msg.h"

_Static_assert((int)PERF_GPU_GOOD == (int)PERF_GOOD && (int)PERF_GPU_NOT_OURS == (int)PERF_NOT_OURS,
	       "a kernel's judgements are the verifier's");
_Static_assert((int)PERF_GPU_OFF == (int)PERF_VERIFY_OFF &&
		       (int)PERF_GPU_FULL == (int)PERF_VERIFY_FULL,
	       "so are its modes");

static void fail(struct perf_rxq *r, const char *call, unsigned error)
{
	perf_cuda_fail(call, error);
	perf_set(r->error, -EIO);
}

/* path_right() of verify.c, and the first frame of a stream tells what is right. */
static bool path_right(struct perf_expect *e, const struct perf_gpu_result *res)
{
	if (!e->path_known) {
		memcpy(e->path, res->path, res->path_len);
		e->path[res->path_len] = res->hops;
		e->path_len = res->path_len;
		e->path_known = true;
	}
	return res->path_len == e->path_len && !memcmp(res->path, e->path, e->path_len) &&
	       res->hops == e->path[e->path_len];
}

static void count(struct perf_rxq *r, const struct perf_gpu_batch *b, uint64_t now)
{
	const struct perf_gpu_result *res = b->results.host;
	const struct daqiri_pkt *pkts = b->pkts.host, *rests = b->rests.host;
	uint64_t bytes = 0, packets = 0;

	for (unsigned i = 0; i < b->n; i++) {
		struct perf_seen seen = {.judgement = (enum perf_judgement)res[i].judgement,
					 .len = pkts[i].len + (rests ? rests[i].len : 0),
					 .now = now};
		uint32_t len;

		seen.mark.stream = res[i].stream;
		seen.mark.seq = res[i].seq;
		seen.mark.time_ns = res[i].time_ns;
		r->verifier->last = res[i].index;
		if (res[i].path_len && !path_right(&r->expects[res[i].index], &res[i]))
			seen.judgement = PERF_BAD_HEADER;
		len = perf_rx_count(r, &seen);
		bytes += len;
		packets += len != 0;
	}
	perf_add(r->packets, packets);
	perf_add(r->bytes, bytes);
}

/* Batches whose kernels have ended are counted and go back to the NIC. */
static bool take(struct perf_rxq *r, uint64_t now)
{
	struct perf_gpu_queue *q = r->gpu;
	const struct perf_gpu_batch *b;
	unsigned error = 0;
	bool busy = false;

	while ((b = perf_gpu_batch_done(q, &error))) {
		count(r, b, now);
		daqiri_rx_release(r->q, (int)b->n);
		perf_gpu_batch_end(q);
		busy = true;
	}
	if (error)
		fail(r, "a kernel that checks frames", error);
	return busy;
}

/* Frames in two pieces: the first ones are copied to where the GPU can read them. */
static int poll_split(struct perf_rxq *r, struct perf_gpu_batch *b)
{
	struct daqiri_pkt *pkts = b->pkts.host;
	int n = daqiri_rx_poll_split(r->q, r->pkts, b->rests.host, NULL, (int)r->max_batch);

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)i * r->gpu->head_room;

		pkts[i] = r->pkts[i];
		memcpy((uint8_t *)b->heads.host + at, (const void *)(uintptr_t)pkts[i].addr,
		       pkts[i].len);
		pkts[i].addr = b->heads.gpu + at;
	}
	return n;
}

static int poll_batch(struct perf_rxq *r, struct perf_gpu_batch *b)
{
	if (r->gpu->head_room)
		return poll_split(r, b);
	return daqiri_rx_poll(r->q, b->pkts.host, (int)r->max_batch);
}

static bool launch(struct perf_rxq *r)
{
	struct perf_gpu_queue *q = r->gpu;
	struct perf_gpu_batch *b = perf_gpu_batch_free(q);
	struct perf_gpu_check params = {.mode = (uint32_t)r->run->plan->verify};
	unsigned error;
	int n, ret;

	n = b ? poll_batch(r, b) : 0;
	if (n < 0)
		perf_set(r->error, n);
	if (n <= 0)
		return false;
	ret = daqiri_rx_gpu_flush(r->q);
	if (ret) {
		perf_fail_library(ret);
		perf_set(r->error, ret);
	}
	b->n = (unsigned)n;
	params.n = b->n;
	params.pkts = b->pkts.gpu;
	params.results = b->results.gpu;
	params.expects = q->constants;
	params.n_expects = r->n_streams;
	params.rests = b->rests.gpu;
	params.shift = q->head_room ? 0 : q->shift;
	params.rest_shift = q->shift;
	error = perf_gpu_batch_start(q, PERF_KERNEL_CHECK, &params);
	if (!error && q->work && !perf_gpu_work_start(q, b))
		perf_set(r->error, -EIO);
	if (!error)
		error = perf_gpu_batch_mark(q);
	if (error)
		fail(r, "cuLaunchKernel", error);
	return true;
}

bool perf_gpu_rx_step(struct perf_rxq *r, uint64_t now)
{
	bool busy;

	perf_gpu_enter(r->gpu->gpu);
	busy = take(r, r->run->plan->latency ? perf_now() : now);
	if (!perf_get(r->error))
		busy |= launch(r);
	perf_gpu_leave();
	return busy;
}

void perf_gpu_rx_end(struct perf_rxq *r)
{
	unsigned error;

	if (perf_get(r->error))
		return;
	perf_gpu_enter(r->gpu->gpu);
	error = perf_cuda()->cuStreamSynchronize(r->gpu->stream);
	if (error)
		fail(r, "a kernel that checks frames", error);
	else
		take(r, perf_now());
	perf_gpu_leave();
}
