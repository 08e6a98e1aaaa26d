/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "../../bench/pace.h"

#define SECOND 1000000000ull

static struct perf_pacer p;

/* Looks every step nanoseconds for one second; returns what was sent, *most: at one look. */
static uint64_t run_second(double rate, uint64_t step, unsigned *most)
{
	*most = 0;
	perf_pace_start(&p, rate, 0);
	for (uint64_t now = 0; now <= SECOND; now += step) {
		unsigned n = perf_pace_due(&p, now, 64);

		perf_pace_sent(&p, n);
		if (n > *most)
			*most = n;
	}
	return p.sent;
}

Test(pace, average_is_within_one_percent)
{
	static const double rates[] = { 10, 1000, 300e3, 1e6, 5e6 };
	unsigned most;

	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double sent = (double)run_second(rates[i], 1000, &most);

		cr_assert(sent >= rates[i] * 0.99 && sent <= rates[i] * 1.01 + 1, "%f: %f",
			  rates[i], sent);
	}
}

Test(pace, frames_do_not_come_in_bursts)
{
	unsigned most;

	run_second(300e3, 1000, &most);
	cr_assert_leq(most, 1);
	run_second(5e6, 1000, &most);
	cr_assert_leq(most, 11);
}

Test(pace, first_frame_goes_at_once)
{
	perf_pace_start(&p, 10, 5);
	cr_assert_eq(perf_pace_due(&p, 5, 64), 1);
}

Test(pace, pause_is_made_good_without_a_burst)
{
	uint64_t now = SECOND / 2, sent = 0;

	perf_pace_start(&p, 1e6, 0);
	/* Nobody looked for half a second: then 1 ms of looks must not bring it all. */
	for (uint64_t end = now + 1000000; now < end; now += 1000) {
		unsigned n = perf_pace_due(&p, now, 64);

		perf_pace_sent(&p, n);
		sent += n;
	}
	cr_assert_leq(sent, 1000 * PERF_CATCH_UP + 64);
	cr_assert_geq(sent, 1000 * PERF_CATCH_UP - 64);
	for (; now <= 2 * SECOND; now += 1000)
		perf_pace_sent(&p, perf_pace_due(&p, now, 64));
	cr_assert(p.sent >= 1990000 && p.sent <= 2000001, "%llu", (unsigned long long)p.sent);
}

Test(pace, no_rate_is_no_limit)
{
	perf_pace_start(&p, 0, 0);
	cr_assert_eq(perf_pace_due(&p, 0, 64), 64);
	perf_pace_sent(&p, 64);
	cr_assert_eq(perf_pace_due(&p, 0, 64), 64);
}
