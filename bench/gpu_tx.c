/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "gpu.h"
#include "gpu_abi.h"
#include "msg.h"

static void fail(struct perf_txq *t, const char *call, unsigned error)
{
	perf_cuda_fail(call, error);
	perf_tx_fail(t, -EIO);
}

/* Slots that are shown, but taken already: they are being written, or were not posted yet. */
static unsigned taken(const struct perf_gpu_queue *q)
{
	unsigned n = 0;

	for (unsigned i = 0; i < q->pending; i++) {
		const struct perf_gpu_batch *b = &q->batches[(q->oldest + i) % q->n_batches];

		n += b->n - b->posted;
	}
	return n;
}

bool perf_gpu_tx_pending(const struct perf_txq *t, const struct perf_sender *s)
{
	const struct perf_gpu_queue *q = t->gpu;

	for (unsigned i = 0; i < q->pending; i++)
		if (q->batches[(q->oldest + i) % q->n_batches].sender == s)
			return true;
	return false;
}

static struct perf_gpu_fill params_of(const struct perf_gpu_queue *q, const struct perf_sender *s,
				      const struct perf_mark *mark)
{
	const struct perf_udp *udp = &s->stream->udp;

	return (struct perf_gpu_fill){
		.headers = q->constants + s->gpu_headers * sizeof(struct perf_headers),
		.n_sizes = s->stream->sizes.n,
		.shift = q->head_room ? 0 : q->shift,
		.rest_shift = q->shift,
		.seq = s->seq,
		.time_ns = mark->time_ns,
		.n_src = udp->src_hi - udp->src_lo + 1u,
		.n_dst = udp->dst_hi - udp->dst_lo + 1u,
		.src_lo = udp->src_lo,
		.dst_lo = udp->dst_lo,
		.stream = s->stream->id,
		.type = (uint8_t)mark->type,
	};
}

static int reserve(struct perf_txq *t, unsigned n)
{
	struct perf_gpu_queue *q = t->gpu;

	if (q->head_room)
		return daqiri_tx_reserve_split(t->q, q->slots, q->slot_rests, (int)n);
	return daqiri_tx_reserve(t->q, q->slots, (int)n);
}

/* Frame i of the batch, len bytes, for a slot: as much in its first piece as fits. */
static void cut(const struct perf_gpu_queue *q, struct perf_gpu_batch *b, unsigned i,
		unsigned slot, uint32_t len)
{
	struct daqiri_pkt *pkts = b->pkts.host, *rests = b->rests.host;

	pkts[i] = q->slots[slot];
	if (!q->head_room) {
		pkts[i].len = len;
		return;
	}
	rests[i] = q->slot_rests[slot];
	if (pkts[i].len > len)
		pkts[i].len = len;
	rests[i].len = len - pkts[i].len;
	b->firsts[i] = pkts[i];
	pkts[i].addr = b->heads.gpu + (uint64_t)i * q->head_room;
}

/* The first pieces that the GPU wrote go to their slots. */
static void copy_heads(const struct perf_gpu_queue *q, const struct perf_gpu_batch *b)
{
	for (unsigned i = 0; q->head_room && i < b->n; i++)
		memcpy((void *)(uintptr_t)b->firsts[i].addr,
		       (const uint8_t *)b->heads.host + (size_t)i * q->head_room, b->firsts[i].len);
}

/* Slots behind those that are taken, with the lengths of the frames that come. */
static unsigned fresh(struct perf_txq *t, struct perf_gpu_batch *b, struct perf_sender *s,
		      unsigned want)
{
	struct perf_gpu_queue *q = t->gpu;
	unsigned skip = taken(q);
	int got = reserve(t, skip + want);

	if (got < 0)
		perf_tx_fail(t, got);
	if (got <= (int)skip)
		return 0;
	want = (unsigned)got - skip;
	for (unsigned i = 0; i < want; i++)
		cut(q, b, i, skip + i,
		    s->headers[(s->seq + i) % s->stream->sizes.n].frame_len);
	return want;
}

bool perf_gpu_tx_fill(struct perf_txq *t, struct perf_sender *s, const struct perf_mark *mark,
		      unsigned want)
{
	struct perf_gpu_batch *b = perf_gpu_batch_free(t->gpu);
	struct perf_gpu_fill params = params_of(t->gpu, s, mark);
	unsigned error;

	if (!b)
		return false;
	b->n = fresh(t, b, s, want);
	if (!b->n)
		return false;
	b->posted = 0;
	b->sender = s;
	b->type = mark->type;
	params.n = b->n;
	params.pkts = b->pkts.gpu;
	params.rests = b->rests.gpu;
	perf_gpu_enter(t->gpu->gpu);
	error = perf_gpu_batch_start(t->gpu, PERF_KERNEL_FILL, &params);
	if (!error)
		error = perf_gpu_batch_mark(t->gpu);
	perf_gpu_leave();
	if (error)
		fail(t, "cuLaunchKernel", error);
	else if (mark->type == PERF_DATA)
		perf_sender_seek(s, s->seq + b->n);
	return true;
}

/* What the send ring has room for. */
static bool post(struct perf_txq *t, struct perf_gpu_batch *b, uint64_t now)
{
	struct perf_sent sent = {.sender = b->sender, .type = b->type, .now = now};
	int left = (int)(b->n - b->posted), n;

	sent.pkts = (const struct daqiri_pkt *)b->pkts.host + b->posted;
	if (t->gpu->head_room) {
		if (!b->posted)
			copy_heads(t->gpu, b);
		sent.rests = (const struct daqiri_pkt *)b->rests.host + b->posted;
		n = daqiri_tx_post_split(t->q, b->firsts + b->posted, sent.rests, left);
	} else {
		n = daqiri_tx_post(t->q, sent.pkts, left);
	}
	if (n < 0) {
		perf_tx_fail(t, n);
		return false;
	}
	sent.n = (unsigned)n;
	if (n)
		perf_tx_commit(t, &sent);
	b->posted += sent.n;
	if (b->posted < b->n)
		return false;
	perf_gpu_batch_end(t->gpu);
	return true;
}

bool perf_gpu_tx_post(struct perf_txq *t, uint64_t now)
{
	struct perf_gpu_batch *b;
	unsigned error = 0;
	bool busy = false;

	perf_gpu_enter(t->gpu->gpu);
	while ((b = perf_gpu_batch_done(t->gpu, &error)) && post(t, b, now))
		busy = true;
	perf_gpu_leave();
	if (error)
		fail(t, "a kernel that writes frames", error);
	return busy;
}
