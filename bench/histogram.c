/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "histogram.h"

void perf_hist_merge(struct perf_hist *h, const struct perf_hist *from)
{
	if (!from->count)
		return;
	if (!h->count || from->min < h->min)
		h->min = from->min;
	if (from->max > h->max)
		h->max = from->max;
	h->count += from->count;
	for (unsigned i = 0; i < PERF_HIST_BUCKETS; i++)
		h->bucket[i] += from->bucket[i];
}

/* The largest value that falls into bucket i. */
static uint64_t bucket_top(unsigned i)
{
	unsigned shift;

	if (i < 2 * PERF_HIST_HALF)
		return i;
	shift = i / PERF_HIST_HALF - 1;
	return ((uint64_t)(i - shift * PERF_HIST_HALF + 1) << shift) - 1;
}

uint64_t perf_hist_percentile(const struct perf_hist *h, double percent)
{
	uint64_t rank = (uint64_t)ceil(percent / 100 * (double)h->count);
	uint64_t seen = 0;

	if (!h->count)
		return 0;
	if (!rank)
		rank = 1;
	for (unsigned i = 0; i + 1 < PERF_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return h->max;
}
