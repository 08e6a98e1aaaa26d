/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams with timed = packet or batch. Their schedule is kept by the NIC's clock alone: frame k is
 * due, which is when it is posted, k / rate after the start, and leaves the stream's ahead later;
 * of a batch all leave with the last one. So a thread that is late by less than that delays no
 * frame.
 */
#include "run.h"

/* Whether it is known what time it is. */
static bool look(struct perf_txq *t, struct perf_sender *s)
{
	uint64_t now;
	int ret = daqiri_tx_now(t->q, &now);

	if (ret) {
		perf_tx_fail(t, ret);
		return false;
	}
	if (!s->nic_now)
		perf_pace_start(&s->pacer, perf_stream_pps(s->stream), now);
	/* A clock that is set back stands still for a while. */
	if (now > s->nic_now)
		s->nic_now = now;
	return true;
}

unsigned perf_timed_due(struct perf_txq *t, struct perf_sender *s, unsigned want)
{
	unsigned due = look(t, s) ? perf_pace_due(&s->pacer, s->nic_now, want) : 0;

	return s->stream->timed == PERF_TIMED_BATCH && due < want ? 0 : due;
}

/* When the i-th of n frames that are posted now leaves, by the NIC's clock. */
static uint64_t time_of(const struct perf_sender *s, int i, int n)
{
	int k = s->stream->timed == PERF_TIMED_BATCH ? n - 1 : i;
	double due = (double)(s->pacer.sent + (unsigned)k) / s->pacer.per_ns;

	return s->pacer.start + s->stream->ahead_ns + (uint64_t)due;
}

uint64_t perf_timed_leaves(const struct perf_sender *s, int i, int n, uint64_t now)
{
	uint64_t at = time_of(s, i, n);

	return at > s->nic_now ? now + (at - s->nic_now) : now;
}

/* n that leave together; how many were taken. */
static int post_at(struct perf_txq *t, struct perf_sender *s, const struct daqiri_pkt *pkts, int n,
		   uint64_t at)
{
	int sent = daqiri_tx_post_at(t->q, pkts, n, at);

	if (sent > 0 && at < s->nic_now)
		perf_add(s->late, (uint64_t)sent);
	return sent;
}

int perf_timed_post(struct perf_txq *t, struct perf_sender *s, int n)
{
	int sent, i;

	if (s->stream->timed == PERF_TIMED_BATCH)
		return post_at(t, s, t->pkts, n, time_of(s, 0, n));
	for (i = 0; i < n; i++) {
		sent = post_at(t, s, &t->pkts[i], 1, time_of(s, i, n));
		if (sent < 1)
			return i ? i : sent;
	}
	return n;
}
