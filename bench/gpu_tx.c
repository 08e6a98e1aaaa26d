/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

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
		.shift = q->shift,
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

/* Slots behind those that are taken, with the lengths of the frames that come. */
static unsigned fresh(struct perf_txq *t, struct perf_gpu_batch *b, struct perf_sender *s,
		      unsigned want)
{
	struct perf_gpu_queue *q = t->gpu;
	struct daqiri_pkt *pkts = b->pkts.host;
	unsigned skip = taken(q);
	int got = daqiri_tx_reserve(t->q, q->slots, (int)(skip + want));

	if (got < 0)
		perf_tx_fail(t, got);
	if (got <= (int)skip)
		return 0;
	want = (unsigned)got - skip;
	for (unsigned i = 0; i < want; i++) {
		pkts[i] = q->slots[skip + i];
		pkts[i].len = s->headers[(s->seq + i) % s->stream->sizes.n].frame_len;
	}
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
	int n;

	sent.pkts = (const struct daqiri_pkt *)b->pkts.host + b->posted;
	n = daqiri_tx_post(t->q, sent.pkts, (int)(b->n - b->posted));
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
