/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram, as HDR histograms are: below 2^PERF_HIST_BITS every value has a bucket of
 * its own, above that each power of two is cut into half as many, so that a bucket is never wider
 * than 1/64 of its values. Recording is a few instructions; memory is fixed.
 */
#ifndef PERF_HISTOGRAM_H
#define PERF_HISTOGRAM_H

#include <stdint.h>

#define PERF_HIST_BITS    7
#define PERF_HIST_HALF    (1u << (PERF_HIST_BITS - 1))
#define PERF_HIST_LIMIT   40 /* from 2^40 on (18 minutes, in ns) all go to the last bucket */
#define PERF_HIST_BUCKETS ((PERF_HIST_LIMIT - PERF_HIST_BITS + 2) * PERF_HIST_HALF)

struct perf_hist {
	uint64_t count;
	uint64_t min, max; /* exact */
	uint64_t bucket[PERF_HIST_BUCKETS];
};

static inline unsigned perf_hist_index(uint64_t v)
{
	unsigned shift;

	if (v < 2 * PERF_HIST_HALF)
		return (unsigned)v;
	if (v >> PERF_HIST_LIMIT)
		return PERF_HIST_BUCKETS - 1;
	shift = 64 - PERF_HIST_BITS - (unsigned)__builtin_clzll(v);
	return shift * PERF_HIST_HALF + (unsigned)(v >> shift);
}

static inline void perf_hist_add(struct perf_hist *h, uint64_t v)
{
	h->bucket[perf_hist_index(v)]++;
	if (!h->count || v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->count++;
}

/* Adds all of from to h. */
void perf_hist_merge(struct perf_hist *h, const struct perf_hist *from);

/*
 * The value that percent of all recorded values do not exceed: the upper end of its bucket, never
 * above the exact maximum. 0 where nothing was recorded.
 */
uint64_t perf_hist_percentile(const struct perf_hist *h, double percent);

#endif
