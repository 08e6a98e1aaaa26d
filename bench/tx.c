/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "gpu.h"
#include "run.h"

/* End frames: many enough, and far enough apart, that a short outage does not swallow all. */
#define END_FRAMES   10u
#define END_GAP_NS   20000000u
#define DRAIN_MAX_NS 1000000000u
/* A receiver that has taken nothing for so long has lost what is under way. */
#define FORGIVE_NS 50000000u

/* Size and ports of frame seq; the steady state only ever moves on by one: sender_next(). */
void perf_sender_seek(struct perf_sender *s, uint64_t seq)
{
	const struct perf_udp *udp = &s->stream->udp;
	uint64_t n_src = udp->src_hi - udp->src_lo + 1u, n_dst = udp->dst_hi - udp->dst_lo + 1u;

	s->seq = seq;
	s->size_at = (unsigned)(seq % s->stream->sizes.n);
	s->ports.src = (uint16_t)(udp->src_lo + seq % n_src);
	s->ports.dst = (uint16_t)(udp->dst_lo + seq / n_src % n_dst);
}

static inline void sender_next(struct perf_sender *s)
{
	const struct perf_udp *udp = &s->stream->udp;

	s->seq++;
	if (++s->size_at == s->stream->sizes.n)
		s->size_at = 0;
	if (s->ports.src++ != udp->src_hi)
		return;
	s->ports.src = udp->src_lo;
	if (s->ports.dst++ == udp->dst_hi)
		s->ports.dst = udp->dst_lo;
}

void perf_sender_start(struct perf_sender *s, const struct perf_run *run)
{
	perf_sender_seek(s, 0);
	s->state = PERF_SENDING;
	s->limit = run->plan->count ? run->plan->count : PERF_SEQ_MASK;
	s->arrived_at = run->start_ns;
	perf_pace_start(&s->pacer, perf_stream_pps(s->stream), run->start_ns);
}

/* Writes the next frame into the i-th slot that is reserved. */
static inline void build(struct perf_txq *t, struct perf_sender *s, int i, struct perf_mark mark)
{
	const struct perf_headers *h = &s->headers[s->size_at];
	struct daqiri_pkt *pkt = &t->pkts[i];

	mark.stream = s->stream->id;
	mark.seq = s->seq;
	if (t->parts.payloads) {
		perf_frame_write(t->parts.whole, h, s->ports, &mark);
		perf_parts_cut(&t->parts, pkt, i, h->frame_len);
		return;
	}
	perf_frame_write((uint8_t *)(uintptr_t)pkt->addr, h, s->ports, &mark);
	pkt->len = h->frame_len;
}

static int reserve(struct perf_txq *t, unsigned n)
{
	if (t->parts.payloads)
		return daqiri_tx_reserve_split(t->q, t->pkts, t->parts.payloads, (int)n);
	return daqiri_tx_reserve(t->q, t->pkts, (int)n);
}

static int post(struct perf_txq *t, int n)
{
	if (t->parts.payloads)
		return daqiri_tx_post_split(t->q, t->pkts, t->parts.payloads, n);
	return daqiri_tx_post(t->q, t->pkts, n);
}

void perf_tx_fail(struct perf_txq *t, int error)
{
	perf_set(t->error, error);
	for (unsigned i = 0; i < t->n_senders; i++) {
		t->senders[i].state = PERF_SENT;
		atomic_store_explicit(&t->senders[i].done, true, memory_order_release);
	}
}

/*
 * Nothing has come for long although the window is full: what is under way is lost. Where nothing
 * has ever come there is nobody to wait for.
 */
static void forgive(struct perf_sender *s, uint64_t under_way, uint64_t now)
{
	s->forgiven += under_way;
	s->arrived_at = now;
	if (!s->arrived)
		s->window = 0;
}

/* Frames that the receiver in this process can still take; max where there is no such bound. */
static unsigned window_left(struct perf_sender *s, uint64_t now, unsigned max)
{
	uint64_t arrived = 0, under_way;

	if (!s->window)
		return max;
	for (unsigned i = 0; i < s->link->n; i++)
		arrived += perf_get(s->link->tracks[i]->packets);
	if (arrived != s->arrived) {
		s->arrived = arrived;
		s->arrived_at = now;
	}
	/* What was forgiven too early and came after all is not forgiven any more. */
	if (arrived + s->forgiven > s->seq)
		s->forgiven = s->seq > arrived ? s->seq - arrived : 0;
	under_way = s->seq > arrived + s->forgiven ? s->seq - arrived - s->forgiven : 0;
	if (under_way < s->window)
		return s->window - under_way < max ? (unsigned)(s->window - under_way) : max;
	if (now - s->arrived_at > FORGIVE_NS)
		forgive(s, under_way, now);
	return 0;
}

/* Data frames are counted; end frames are not. */
void perf_tx_commit(struct perf_txq *t, const struct perf_sent *sent)
{
	struct perf_sender *s = sent->sender;
	uint64_t bytes = 0;

	t->posted += sent->n;
	if (sent->type == PERF_END) {
		s->ends_sent += sent->n;
		s->since = sent->now;
		s->drained_at = t->posted;
		return;
	}
	for (unsigned i = 0; i < sent->n; i++)
		bytes += sent->pkts[i].len;
	for (unsigned i = 0; sent->rests && i < sent->n; i++)
		bytes += sent->rests[i].len;
	if (!perf_get(s->packets))
		perf_set(s->first_ns, sent->now);
	perf_set(s->last_n,
		 sent->n + (perf_get(s->last_ns) == sent->now ? perf_get(s->last_n) : 0));
	perf_set(s->last_ns, sent->now);
	perf_add(s->packets, sent->n);
	perf_add(s->bytes, bytes);
	perf_add(t->packets, sent->n);
	perf_add(t->bytes, bytes);
}

/* The n frames from the sender's next one on, into what is reserved. */
static void build_all(struct perf_txq *t, struct perf_sender *s, int n, struct perf_mark mark)
{
	uint64_t now = mark.time_ns;

	for (int i = 0; i < n; i++) {
		if (i + 4 < n)
			__builtin_prefetch((const void *)(uintptr_t)t->pkts[i + 4].addr, 1);
		if (now && s->stream->timed)
			mark.time_ns = perf_timed_leaves(s, i, n, now);
		build(t, s, i, mark);
		sender_next(s);
	}
}

/* Builds frames and posts them; those that find no room will be built again. */
static bool fill_and_post(struct perf_txq *t, struct perf_sender *s, unsigned want, uint64_t now)
{
	struct perf_sent done = { .sender = s,
				  .type = PERF_DATA,
				  .pkts = t->pkts,
				  .rests = t->parts.payloads,
				  .now = now };
	struct perf_mark mark = { .type = PERF_DATA };
	uint64_t seq = s->seq;
	int got = reserve(t, want), sent;

	if (got <= 0) {
		if (got < 0)
			perf_tx_fail(t, got);
		return false;
	}
	if (t->run->plan->latency)
		mark.time_ns = done.now = perf_now();
	build_all(t, s, got, mark);
	sent = s->stream->timed ? perf_timed_post(t, s, got) : post(t, got);
	if (sent != got)
		perf_sender_seek(s, seq + (uint64_t)(sent < 0 ? 0 : sent));
	done.n = sent > 0 ? (unsigned)sent : 0;
	if (sent < 0)
		perf_tx_fail(t, sent);
	if (done.n) {
		perf_pace_sent(&s->pacer, done.n);
		perf_tx_commit(t, &done);
	}
	return sent > 0;
}

/* The GPU builds them, and perf_gpu_tx_post() posts what is built. */
static bool let_fill(struct perf_txq *t, struct perf_sender *s, unsigned want)
{
	struct perf_mark mark = { .type = PERF_DATA };
	uint64_t seq = s->seq;

	if (t->run->plan->latency)
		mark.time_ns = perf_now();
	if (!perf_gpu_tx_fill(t, s, &mark, want))
		return false;
	perf_pace_sent(&s->pacer, (unsigned)(s->seq - seq));
	return true;
}

static bool send_some(struct perf_txq *t, struct perf_sender *s, uint64_t now)
{
	uint64_t left = s->limit - s->seq;
	unsigned want = left < s->stream->batch ? (unsigned)left : s->stream->batch;

	want = s->stream->timed ? perf_timed_due(t, s, want) : perf_pace_due(&s->pacer, now, want);
	want = want ? window_left(s, now, want) : 0;
	if (!want)
		return false;
	return t->gpu ? let_fill(t, s, want) : fill_and_post(t, s, want, now);
}

/* The receiver in this process, if there is one, knows that this was all. */
static bool end_arrived(const struct perf_sender *s)
{
	for (unsigned i = 0; i < s->link->n; i++)
		if (perf_get(s->link->arrivals[i]->ended))
			return true;
	return false;
}

/* Whether the NIC has read all that the sender posted before drained_at, or is given up on. */
static bool drained(struct perf_txq *t, const struct perf_sender *s, uint64_t now)
{
	return daqiri_tx_completed(t->q) >= s->drained_at ||
	       now - s->since >= DRAIN_MAX_NS + s->stream->ahead_ns;
}

static void post_end(struct perf_txq *t, struct perf_sender *s, uint64_t now)
{
	struct perf_sent sent = { .sender = s, .type = PERF_END, .pkts = t->pkts, .n = 1 };
	const struct perf_mark mark = { .type = PERF_END };

	if (reserve(t, 1) != 1)
		return;
	build(t, s, 0, mark);
	sent.now = now;
	if (post(t, 1) == 1)
		perf_tx_commit(t, &sent);
}

static void send_end(struct perf_txq *t, struct perf_sender *s, uint64_t now)
{
	const struct perf_mark mark = { .type = PERF_END };

	if (t->gpu && perf_gpu_tx_pending(t, s))
		return;
	if (s->ends_sent == END_FRAMES || end_arrived(s)) {
		if (!drained(t, s, now))
			return;
		s->state = PERF_SENT;
		atomic_store_explicit(&s->done, true, memory_order_release);
		return;
	}
	if (s->ends_sent && now - s->since < END_GAP_NS)
		return;
	if (t->gpu)
		perf_gpu_tx_fill(t, s, &mark, 1);
	else
		post_end(t, s, now);
}

static bool over(const struct perf_txq *t, const struct perf_sender *s, uint64_t now)
{
	uint64_t duration = t->run->plan->duration_ns;

	return s->seq >= s->limit || perf_get(t->run->stop_sending) ||
	       (duration && now - t->run->start_ns >= duration);
}

static bool sender_step(struct perf_txq *t, struct perf_sender *s, uint64_t now)
{
	switch (s->state) {
	case PERF_SENDING:
		if (!over(t, s, now))
			return send_some(t, s, now);
		if (t->gpu && perf_gpu_tx_pending(t, s))
			return false;
		s->state = PERF_DRAINING;
		s->drained_at = t->posted;
		s->since = now;
		return true;
	case PERF_DRAINING:
		if (!drained(t, s, now))
			return false;
		s->state = PERF_ENDING;
		return true;
	case PERF_ENDING:
		send_end(t, s, now);
		return false;
	default:
		return false;
	}
}

bool perf_tx_step(struct perf_txq *t, uint64_t now)
{
	bool busy = false;

	if (perf_get(t->error))
		return false;
	daqiri_tx_completed(t->q);
	if (t->gpu)
		busy = perf_gpu_tx_post(t, now);
	for (unsigned i = 0; i < t->n_senders && !perf_get(t->error); i++)
		busy |= sender_step(t, &t->senders[i], now);
	return busy;
}
