/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "../../bench/histogram.h"

static struct perf_hist h, other;

Test(histogram, small_values_are_exact)
{
	for (uint64_t v = 1; v <= 100; v++)
		perf_hist_add(&h, v);
	cr_assert_eq(perf_hist_percentile(&h, 50), 50);
	cr_assert_eq(perf_hist_percentile(&h, 90), 90);
	cr_assert_eq(perf_hist_percentile(&h, 99), 99);
	cr_assert_eq(perf_hist_percentile(&h, 100), 100);
	cr_assert(h.min == 1 && h.max == 100 && h.count == 100);
}

Test(histogram, every_value_lies_in_a_bucket_not_wider_than_a_64th)
{
	for (uint64_t v = 1; v < 1ull << 39; v += v / 7 + 1) {
		struct perf_hist one = { 0 };
		uint64_t top;

		perf_hist_add(&one, v);
		one.max = UINT64_MAX; /* lets the bucket's own end be seen */
		top = perf_hist_percentile(&one, 50);
		cr_assert(top >= v && top - v <= v / 64, "%llu in a bucket up to %llu",
			  (unsigned long long)v, (unsigned long long)top);
	}
}

Test(histogram, buckets_are_in_order_and_without_gaps)
{
	unsigned last = perf_hist_index(0);

	cr_assert_eq(last, 0);
	for (uint64_t v = 1; v < 1 << 20; v++) {
		unsigned i = perf_hist_index(v);

		cr_assert(i == last || i == last + 1, "value %llu", (unsigned long long)v);
		last = i;
	}
	cr_assert_lt(perf_hist_index((1ull << PERF_HIST_LIMIT) - 1), PERF_HIST_BUCKETS);
	cr_assert_eq(perf_hist_index((1ull << PERF_HIST_LIMIT) - 1), PERF_HIST_BUCKETS - 1);
}

Test(histogram, what_is_too_large_keeps_its_maximum)
{
	perf_hist_add(&h, 5);
	perf_hist_add(&h, UINT64_MAX - 1);
	cr_assert_eq(perf_hist_percentile(&h, 50), 5);
	cr_assert_eq(perf_hist_percentile(&h, 99), UINT64_MAX - 1);
}

Test(histogram, percentile_is_never_above_the_maximum)
{
	perf_hist_add(&h, 1000001);
	cr_assert_eq(perf_hist_percentile(&h, 50), 1000001);
}

Test(histogram, nothing_recorded_is_zero)
{
	cr_assert_eq(perf_hist_percentile(&h, 99), 0);
}

Test(histogram, merge_is_as_if_recorded_in_one)
{
	perf_hist_merge(&h, &other);
	cr_assert_eq(h.count, 0);
	for (uint64_t v = 1; v <= 50; v++)
		perf_hist_add(&other, v);
	perf_hist_merge(&h, &other);
	cr_assert(h.min == 1 && h.max == 50);
	other = (struct perf_hist){ 0 };
	for (uint64_t v = 51; v <= 100; v++)
		perf_hist_add(&other, v);
	perf_hist_merge(&h, &other);
	cr_assert(h.min == 1 && h.max == 100 && h.count == 100);
	cr_assert_eq(perf_hist_percentile(&h, 75), 75);
}
