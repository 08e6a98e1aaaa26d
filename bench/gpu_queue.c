/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu.h"
#include "gpu_abi.h"
#include "gpu_work.h"
#include "msg.h"

#define REBUILD "built without CUDA kernels: verify on the GPU needs --with-cuda (nvcc or clang)"

bool perf_gpu_only(const struct daqiri_region *region)
{
	struct daqiri_region_info info = {.size = sizeof(info)};

	return region && !daqiri_region_info(region, &info) &&
	       strcmp(info.access ? info.access : "", "pages") != 0;
}

/* Whose the queue's frames are: 1 the GPU's, 0 the CPU's, -1 after a message. */
static int judge(const struct perf_plan *plan, const struct daqiri_region_info *info,
		 const char *queue)
{
	bool only = strcmp(info->access, "pages") != 0, pinned = info->gpu_addr && !only;

	if (only && plan->frames_by == PERF_BY_CPU)
		return perf_fail("%s: its packets are on GPU %d, where no CPU writes or reads "
				 "them: not with [perf] frames_by = cpu",
				 queue, info->gpu);
	if (!only && (!pinned || plan->frames_by == PERF_BY_CPU))
		return 0;
	if (perf_gpu_built())
		return 1;
	if (only || plan->frames_by == PERF_BY_GPU)
		return perf_fail("%s: its packets are GPU %d's, and this daqiri-perf was " REBUILD,
				 queue, info->gpu);
	return 0;
}

/* For frames in two pieces. */
static int batch_split(struct perf_gpu_batch *b, unsigned max, uint32_t head_room)
{
	if (perf_shared_make(&b->rests, max * sizeof(struct daqiri_pkt)) ||
	    perf_shared_make(&b->heads, (size_t)max * head_room))
		return -1;
	b->firsts = calloc(max, sizeof(*b->firsts));
	return b->firsts ? 0 : perf_fail("out of memory");
}

static int batch_make(struct perf_gpu_batch *b, unsigned max, bool rx)
{
	unsigned error;

	if (perf_shared_make(&b->pkts, max * sizeof(struct daqiri_pkt)) ||
	    (rx && perf_shared_make(&b->results, max * sizeof(struct perf_gpu_result))))
		return -1;
	error = perf_cuda()->cuEventCreate(&b->event, PERF_CU_NO_TIMING);
	return error ? perf_cuda_fail("cuEventCreate", error) : 0;
}

struct size {
	unsigned max_batch, depth;
	uint32_t head; /* frames in two pieces: bytes of the first one; else 0 */
	bool rx;
	const struct perf_end *end;
};

static int queue_fill(struct perf_gpu_queue *q, const struct size *size)
{
	/* At most half the ring is under way, so that the NIC never waits for us alone. */
	unsigned n = size->depth / 2 / size->max_batch;
	unsigned error = perf_cuda()->cuStreamCreate(&q->stream, PERF_CU_NON_BLOCKING);

	if (error)
		return perf_cuda_fail("cuStreamCreate", error);
	q->n_batches = n < 1 ? 1 : n > PERF_GPU_BATCHES ? PERF_GPU_BATCHES : n;
	for (unsigned i = 0; i < q->n_batches; i++)
		if (batch_make(&q->batches[i], size->max_batch, size->rx) ||
		    (q->head_room &&
		     batch_split(&q->batches[i], size->max_batch, q->head_room)))
			return -1;
	q->slots = calloc((size_t)q->n_batches * size->max_batch, sizeof(*q->slots));
	q->slot_rests = calloc((size_t)q->n_batches * size->max_batch, sizeof(*q->slots));
	return q->slots && q->slot_rests ? 0 : perf_fail("out of memory");
}

/* The first piece, of up to head bytes, must have all that is not pattern. */
static int judge_head(uint32_t head, const char *queue)
{
	if (head >= PERF_GPU_HEAD)
		return 0;
	return perf_fail("%s: the first %u bytes of a frame are not in the GPU's memory, and "
			 "daqiri-perf has its headers and mark made and checked there: must be at "
			 "least %u",
			 queue, head, PERF_GPU_HEAD);
}

/* *out NULL: the CPU does it. */
static int queue_make(struct perf_gpu_queue **out, const struct perf_run *run,
		      const struct daqiri_region *region, const struct size *size)
{
	struct daqiri_region_info info = {.size = sizeof(info)};
	struct perf_gpu_queue *q;
	char name[2 * PERF_NAME];
	int ret;

	if (!region || daqiri_region_info(region, &info))
		return 0;
	snprintf(name, sizeof(name), "%s queue %u of port %s", size->rx ? "receive" : "send",
		 size->end->queue, size->end->port);
	ret = judge(run->plan, &info, name);
	if (ret > 0 && size->head && judge_head(size->head, name))
		return -1;
	if (ret <= 0)
		return ret;
	q = calloc(1, sizeof(*q));
	if (!q)
		return perf_fail("out of memory");
	*out = q; /* freed with its queue, whatever happens */
	q->gpu = perf_gpu_open(info.gpu < 0 ? 0 : info.gpu);
	if (!q->gpu)
		return -1;
	q->shift = info.gpu_addr ? info.gpu_addr - info.addr : 0;
	q->head = size->head;
	q->head_room = (size->head + 63) & ~63u;
	snprintf(q->where, sizeof(q->where), "%s memory (%s), GPU %d, %s", info.kind, info.access,
		 q->gpu->index, q->gpu->name);
	perf_gpu_enter(q->gpu);
	ret = queue_fill(q, size);
	perf_gpu_leave();
	return ret;
}

void perf_gpu_queue_free(struct perf_gpu_queue *q)
{
	const struct perf_cuda *cu = perf_cuda();

	if (!q)
		return;
	if (q->gpu)
		perf_gpu_enter(q->gpu);
	if (q->stream)
		cu->cuStreamSynchronize(q->stream);
	for (unsigned i = 0; i < q->n_batches; i++) {
		if (q->batches[i].event)
			cu->cuEventDestroy_v2(q->batches[i].event);
		perf_shared_free(&q->batches[i].pkts);
		perf_shared_free(&q->batches[i].results);
		perf_shared_free(&q->batches[i].rests);
		perf_shared_free(&q->batches[i].heads);
		free(q->batches[i].firsts);
	}
	perf_gpu_work_free(q->work);
	if (q->constants)
		cu->cuMemFree_v2(q->constants);
	if (q->stream)
		cu->cuStreamDestroy_v2(q->stream);
	if (q->gpu)
		perf_gpu_leave();
	free(q->slot_rests);
	free(q->slots);
	free(q);
}

/* ---- what the kernels know of the streams ---------------------------------------------------- */

/* Copies an array to the GPU. */
static int constants(struct perf_gpu_queue *q, const void *from, size_t size)
{
	int ret;

	perf_gpu_enter(q->gpu);
	ret = perf_gpu_memory(&q->constants, from, size ? size : 1);
	perf_gpu_leave();
	return ret;
}

int perf_gpu_rxq_make(struct perf_rxq *r)
{
	struct size size = {r->max_batch, r->depth, 0, true, &r->end};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct perf_gpu_expect *expects;
	int ret;

	if (daqiri_rxq_info(r->q, &info))
		return -1;
	size.head = info.split;
	if (queue_make(&r->gpu, r->run, info.split ? info.payload_region : info.region, &size))
		return -1;
	if (!r->gpu)
		return 0;
	expects = calloc(r->n_streams + 1, sizeof(*expects));
	if (!expects)
		return perf_fail("out of memory");
	for (unsigned i = 0; i < r->n_streams; i++) {
		const struct perf_expect *e = &r->expects[i];

		expects[i] = (struct perf_gpu_expect){.id = e->id,
						      .dst_lo = e->udp.dst_lo,
						      .dst_hi = e->udp.dst_hi,
						      .ipv6 = e->flow.ipv6};
		memcpy(expects[i].dst_ip, e->flow.dst_ip, sizeof(expects[i].dst_ip));
	}
	ret = constants(r->gpu, expects, (r->n_streams + 1) * sizeof(*expects));
	free(expects);
	return ret ? ret : perf_gpu_work_make(r);
}

/* All senders' headers, one behind the other. */
int perf_gpu_txq_make(struct perf_txq *t)
{
	struct size size = {t->max_batch, t->depth, 0, false, &t->end};
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct daqiri_region_info head = {.size = sizeof(head)};
	struct perf_headers *headers;
	unsigned n = 0;
	int ret;

	if (daqiri_txq_info(t->q, &info))
		return -1;
	if (info.payload_region && perf_gpu_only(info.region))
		return perf_fail("[txq %s %u] regions: the first one is memory of a GPU, and daqiri-perf "
				 "has the CPU copy headers there; allowed kinds host, huge, host_pinned",
				 t->end.port, t->end.queue);
	if (info.payload_region && !daqiri_region_info(info.region, &head))
		size.head = (uint32_t)head.buf_size;
	if (queue_make(&t->gpu, t->run, size.head ? info.payload_region : info.region, &size))
		return -1;
	if (!t->gpu)
		return 0;
	for (unsigned i = 0; i < t->n_senders; i++)
		n += t->senders[i].stream->sizes.n;
	headers = calloc(n, sizeof(*headers));
	if (!headers)
		return perf_fail("out of memory");
	n = 0;
	for (unsigned i = 0; i < t->n_senders; i++) {
		struct perf_sender *s = &t->senders[i];

		s->gpu_headers = n;
		memcpy(headers + n, s->headers, s->stream->sizes.n * sizeof(*headers));
		n += s->stream->sizes.n;
	}
	ret = constants(t->gpu, headers, n * sizeof(*headers));
	free(headers);
	return ret;
}

/* ---- batches --------------------------------------------------------------------------------- */

struct perf_gpu_batch *perf_gpu_batch_free(struct perf_gpu_queue *q)
{
	return q->pending == q->n_batches ? NULL
					  : &q->batches[(q->oldest + q->pending) % q->n_batches];
}

struct perf_gpu_batch *perf_gpu_batch_done(struct perf_gpu_queue *q, unsigned *error)
{
	struct perf_gpu_batch *b = &q->batches[q->oldest];

	if (!q->pending)
		return NULL;
	*error = perf_cuda()->cuEventQuery(b->event);
	if (*error == PERF_CU_NOT_READY)
		*error = 0;
	else if (!*error)
		return b;
	return NULL;
}

unsigned perf_gpu_batch_start(struct perf_gpu_queue *q, enum perf_kernel kernel, void *params)
{
	return perf_gpu_launch(q->gpu, kernel, perf_gpu_batch_free(q)->n, params, q->stream);
}

unsigned perf_gpu_batch_mark(struct perf_gpu_queue *q)
{
	unsigned error = perf_cuda()->cuEventRecord(perf_gpu_batch_free(q)->event, q->stream);

	q->pending++;
	return error;
}

void perf_gpu_batch_end(struct perf_gpu_queue *q)
{
	q->oldest = (q->oldest + 1) % q->n_batches;
	q->pending--;
}
