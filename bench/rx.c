/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "gpu.h"
#include "run.h"

/* How far ahead the frames' first bytes are fetched: their memory was written by another agent. */
#define AHEAD 8

/* A clock that is so far off is not ours: the sender runs on another host. */
#define LATENCY_MAX_NS 60000000000u

static void count_latency(struct perf_arrival *a, const struct perf_mark *mark, uint64_t now)
{
	uint64_t ns = (now - mark->time_ns) & PERF_TIME_MASK;

	if (mark->time_ns && ns < LATENCY_MAX_NS)
		perf_hist_add(a->latency, ns);
	else if (mark->time_ns && PERF_TIME_MASK - ns < LATENCY_MAX_NS)
		perf_add(a->early, 1);
}

static void count_end(struct perf_arrival *a, const struct perf_mark *mark)
{
	if (perf_get(a->ended))
		return;
	perf_set(a->total, mark->seq);
	atomic_store_explicit(&a->ended, true, memory_order_release);
}

/* Everything but a good data frame. */
static void count_rest(struct perf_rxq *r, enum perf_judgement judgement,
		       const struct perf_mark *mark)
{
	switch (judgement) {
	case PERF_GOOD_END:
		count_end(&r->arrivals[perf_verify_stream(r->verifier)], mark);
		break;
	case PERF_BAD_HEADER:
		perf_add(r->corrupt, 1);
		break;
	case PERF_OTHER_STREAM:
		perf_set(r->other_id, mark->stream);
		perf_add(r->other_stream, 1);
		break;
	default:
		perf_add(r->not_ours, 1);
		break;
	}
}

static inline uint32_t count(struct perf_rxq *r, const struct perf_seen *seen)
{
	struct perf_arrival *a;

	if (__builtin_expect(seen->judgement != PERF_GOOD && seen->judgement != PERF_BAD_PAYLOAD,
			     0)) {
		count_rest(r, seen->judgement, &seen->mark);
		return 0;
	}
	a = &r->arrivals[perf_verify_stream(r->verifier)];
	if (!perf_get(a->track.packets))
		perf_set(a->first_ns, seen->now);
	perf_set(a->last_ns, seen->now);
	if (__builtin_expect(seen->now == perf_get(a->first_ns), 0))
		perf_add(a->first_n, 1);
	perf_seqtrack_add(&a->track, seen->mark.seq);
	perf_add(a->bytes, seen->len);
	if (seen->judgement == PERF_BAD_PAYLOAD)
		perf_add(a->corrupt, 1);
	if (a->latency)
		count_latency(a, &seen->mark, seen->now);
	return seen->len;
}

uint32_t perf_rx_count(struct perf_rxq *r, const struct perf_seen *seen)
{
	return count(r, seen);
}

static inline uint32_t take(struct perf_rxq *r, const struct daqiri_pkt *pkt, uint64_t now)
{
	struct perf_seen seen;

	seen.judgement = perf_verify(r->verifier, (const uint8_t *)(uintptr_t)pkt->addr, pkt->len,
				     &seen.mark);
	seen.len = pkt->len;
	seen.now = now;
	return count(r, &seen);
}

static int poll_some(struct perf_rxq *r)
{
	if (r->parts.payloads)
		return daqiri_rx_poll_split(r->q, r->pkts, r->parts.payloads, NULL,
					    (int)r->max_batch);
	return daqiri_rx_poll(r->q, r->pkts, (int)r->max_batch);
}

/* The i-th frame that was polled, in one piece. */
static inline const struct daqiri_pkt *frame_of(struct perf_rxq *r, int i)
{
	return r->parts.payloads ? perf_parts_join(&r->parts, &r->pkts[i], i) : &r->pkts[i];
}

bool perf_rx_step(struct perf_rxq *r, uint64_t now)
{
	uint64_t bytes = 0, packets = 0;
	uint32_t len;
	int n;

	if (perf_get(r->error))
		return false;
	if (r->gpu)
		return perf_gpu_rx_step(r, now);
	n = poll_some(r);
	if (n <= 0) {
		if (n < 0)
			perf_set(r->error, n);
		return false;
	}
	if (r->run->plan->latency)
		now = perf_now();
	for (int i = 0; i < n && i < AHEAD; i++)
		__builtin_prefetch((const void *)(uintptr_t)r->pkts[i].addr);
	for (int i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch((const void *)(uintptr_t)r->pkts[i + AHEAD].addr);
		len = take(r, frame_of(r, i), now);
		bytes += len;
		packets += len != 0;
	}
	daqiri_rx_release(r->q, n);
	perf_add(r->packets, packets);
	perf_add(r->bytes, bytes);
	return true;
}
