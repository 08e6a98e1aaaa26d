/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends at a steady rate: how many frames are due. The schedule counts from the start, so that the
 * average is exact however late the thread looks; what it has missed is made good at no more than
 * PERF_CATCH_UP times the rate, not in one burst. That factor lets a thread keep its rate that has
 * a core to itself only an eighth of the time.
 */
#ifndef PERF_PACE_H
#define PERF_PACE_H

#include <stdint.h>

#define PERF_CATCH_UP 8

struct perf_pacer {
	double per_ns;   /* frames per nanosecond; 0: no limit */
	double credit;   /* frames that may go now, at PERF_CATCH_UP times the rate */
	uint64_t start;  /* CLOCK_MONOTONIC */
	uint64_t last;
	uint64_t sent;
};

static inline void perf_pace_start(struct perf_pacer *p, double per_second, uint64_t now)
{
	p->per_ns = per_second / 1e9;
	p->credit = 1;
	p->start = now;
	p->last = now;
	p->sent = 0;
}

/* At most max frames. What is really sent is told by perf_pace_sent(). */
static inline unsigned perf_pace_due(struct perf_pacer *p, uint64_t now, unsigned max)
{
	double due;

	if (p->per_ns <= 0)
		return max;
	due = (double)(now - p->start) * p->per_ns + 1 - (double)p->sent;
	p->credit += (double)(now - p->last) * p->per_ns * PERF_CATCH_UP;
	p->last = now;
	if (p->credit > max)
		p->credit = max;
	if (due > p->credit)
		due = p->credit;
	return due < 1 ? 0 : (unsigned)due;
}

static inline void perf_pace_sent(struct perf_pacer *p, unsigned n)
{
	p->sent += n;
	p->credit -= n;
}

#endif
