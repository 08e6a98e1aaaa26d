/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time stamps of a free-running counter, against a simulated one: the counter's own rate, a kernel
 * that keeps time by it as timecounter.c does and disciplines it once a second, as ptp4l would, and
 * the page that it shares. All in integers of 128 bits, so that what is right is known to the bit.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "device_clock.h"
#include "noise.h"

__extension__ typedef __int128 int128;

#define MASK41 ((1ull << 41) - 1) /* the kernel's CLOCKSOURCE_MASK(41) */
#define SECOND 1000000000ull
#define HOUR   (3600 * SECOND)
#define EPOCH  (1800000000 * SECOND)

/* The kernel: what it has in its page, and what it would say of any cycle. */
static struct mlx5dv_clock_info page;
static int page_errno;
static unsigned n_reads, n_busy; /* the first so many find the kernel writing */

static int read_page(struct ibv_context *ctx, struct mlx5dv_clock_info *info)
{
	(void)ctx;
	n_reads++;
	if (page_errno || n_reads <= n_busy) {
		info->nsec = 1; /* half of it is rubbish */
		return page_errno ? page_errno : EBUSY;
	}
	*info = page;
	return 0;
}

/* timecounter_cyc2time() */
static uint64_t kernel_ns(uint64_t stamp)
{
	uint64_t ahead = (stamp - page.last_cycles) & page.mask;
	int128 cycles = ahead > page.mask / 2 ? (int128)ahead - page.mask - 1 : (int128)ahead;

	return page.nsec + (uint64_t)((cycles * page.mult + page.frac) >> page.shift);
}

/* timecounter_read(), and then another rate. */
static void kernel_update(uint64_t stamp, uint32_t mult)
{
	int128 parts = (int128)((stamp - page.last_cycles) & page.mask) * page.mult + page.frac;

	page.nsec += (uint64_t)(parts >> page.shift);
	page.frac = (uint64_t)parts & ((1ull << page.shift) - 1);
	page.last_cycles = stamp & page.mask;
	page.mult = mult;
}

static void kernel_init(uint64_t stamp, uint32_t khz, uint32_t shift)
{
	page = (struct mlx5dv_clock_info){.nsec = EPOCH,
					  .last_cycles = stamp & MASK41,
					  .mult = (uint32_t)((1000000ull << shift) / khz),
					  .shift = shift,
					  .mask = MASK41};
	page_errno = 0;
	n_reads = n_busy = 0;
}

static uint64_t noise = 0x2545f4914f6cdd1d;

static uint64_t random64(void)
{
	return noise64(&noise);
}

/* ---- an hour --------------------------------------------------------------------------------- */

struct run {
	uint32_t khz, shift;
	int32_t drift_ppb;   /* of the counter's quartz */
	int32_t wander_ppm;  /* each second's correction is this far off at most, either way */
	uint64_t update_ns;  /* how often the kernel updates its page */
	uint64_t stamp_mask; /* bits of the counter that completions have */
};

/* The counter when so many nanoseconds have gone by. */
static uint64_t cycles_at(const struct run *run, uint64_t ns)
{
	int128 per_million = (int128)run->khz * ((int128)SECOND + run->drift_ppb);

	return (uint64_t)((int128)ns * per_million / SECOND / 1000000);
}

/* The rate that makes the counter's cycles true nanoseconds, and what the servo makes of it. */
static uint32_t servo(const struct run *run)
{
	int128 right = ((int128)1000000 << run->shift) * SECOND /
		       ((int128)run->khz * ((int128)SECOND + run->drift_ppb));
	int64_t off = run->wander_ppm
			      ? (int64_t)(random64() % (2u * (unsigned)run->wander_ppm + 1)) -
					run->wander_ppm
			      : 0;

	return (uint32_t)(right + right * off / 1000000);
}

struct result {
	uint64_t samples, worst, backward, reads;
};

static void sample(struct dq_clock *c, uint64_t stamp, uint64_t mask, struct result *r)
{
	uint64_t before = c->told, ns = dq_clock_tell(c, stamp & mask), right = kernel_ns(stamp);
	uint64_t error = ns > right ? ns - right : right - ns;

	r->samples++;
	r->backward += ns < before;
	r->worst = error > r->worst ? error : r->worst;
}

/* Some packets close behind each other, then a pause: 10 ms on average, at times of seconds. */
static uint64_t pause_ns(void)
{
	uint64_t ns =
		random64() % 100 ? random64() % (8 * SECOND / 1000) : random64() % (SECOND / 2);

	return random64() % 4 ? random64() % 2000 : ns;
}

static struct result hour(const struct run *run)
{
	uint64_t start = 2 * MASK41 - 600 * run->khz * 1000ull; /* a wrap after 10 minutes */
	uint64_t update = 0, first;
	struct result r = {0};
	struct dq_clock c;

	kernel_init(start, run->khz, run->shift);
	page.mult = servo(run);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	first = n_reads;
	for (uint64_t now = 0; now < HOUR; now += pause_ns()) {
		for (; update + run->update_ns <= now; update += run->update_ns)
			kernel_update(start + cycles_at(run, update + run->update_ns), servo(run));
		sample(&c, start + cycles_at(run, now), run->stamp_mask, &r);
	}
	r.reads = n_reads - first;
	return r;
}

static void expect_good_hour(const struct run *run)
{
	struct result r = hour(run);

	cr_expect_geq(r.samples, 1000000u, "%lu samples", (unsigned long)r.samples);
	cr_expect_lt(r.worst, 1000u, "%u kHz, %d ppb: off by %lu ns", run->khz, run->drift_ppb,
		     (unsigned long)r.worst);
	cr_expect_eq(r.backward, 0u, "%u kHz: %lu times back", run->khz, (unsigned long)r.backward);
	cr_expect_lt(r.reads, r.samples / 2, "the page was read %lu times", (unsigned long)r.reads);
}

/* ConnectX-4, -5 and -6 Dx and later tick so often, and kernels since 6.7 have the larger shift. */
Test(device_clock, an_hour_of_drift_and_wraps_is_right_to_a_microsecond)
{
	static const uint32_t khz[][2] = {{1000000, 23}, {156250, 23}, {1000000, 29}, {78125, 21}};

	for (unsigned i = 0; i < sizeof(khz) / sizeof(khz[0]); i++)
		for (int drift = -50000; drift <= 50000; drift += 50000)
			expect_good_hour(&(struct run){khz[i][0], khz[i][1], drift, 0, 5 * SECOND,
						       UINT64_MAX});
}

Test(device_clock, and_so_it_is_where_the_rate_is_corrected_each_second)
{
	for (int drift = -50000; drift <= 50000; drift += 50000)
		expect_good_hour(&(struct run){1000000, 23, drift, 50, SECOND, UINT64_MAX});
}

Test(device_clock, and_where_completions_have_no_more_bits_than_are_compared)
{
	expect_good_hour(&(struct run){1000000, 23, 50000, 50, SECOND, MASK41});
}

/* ---- alone ----------------------------------------------------------------------------------- */

Test(device_clock, each_time_is_the_kernels_to_the_bit_as_long_as_its_rate_stays)
{
	struct dq_clock c;

	for (unsigned round = 0; round < 200000; round++) {
		uint64_t stamp = random64() >> (random64() % 40);

		kernel_init(random64(), 78125 + (uint32_t)(random64() % 1000000),
			    21 + (uint32_t)(random64() % 6));
		page.frac = random64() & ((1u << page.shift) - 1);
		cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
		cr_assert_eq(dq_clock_tell(&c, stamp), kernel_ns(stamp));
		stamp += random64() % (c.millisecond);
		cr_assert_eq(dq_clock_tell(&c, stamp), kernel_ns(stamp));
	}
}

Test(device_clock, a_time_stamp_just_before_the_one_before_is_no_wrap)
{
	struct dq_clock c;

	kernel_init(5 * MASK41, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	dq_clock_idle(&c);
	dq_clock_tell(&c, 5 * MASK41 + 50);
	c.told = 0;
	cr_expect_eq(dq_clock_tell(&c, 5 * MASK41 + 20), EPOCH + 20);
	cr_expect_eq(dq_clock_ns(&c, 5 * MASK41 - 500), EPOCH - 500);
}

Test(device_clock, a_row_that_took_longer_than_32_bits_is_not_covered)
{
	struct dq_clock c;

	kernel_init(1000, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	cr_expect(dq_clock_covers(&c, 5000, 1000 + (1u << 31) - 1));
	cr_expect_not(dq_clock_covers(&c, 5000, 1000 + (1u << 31)));
	cr_expect(dq_clock_covers(&c, 5000, 5000));
	cr_expect_not(dq_clock_covers(&c, 5000, 5000 + (4ull << 30)));
	cr_expect_not(dq_clock_covers(&c, 5000, 5000 + (1ull << 32) + 7));
}

Test(device_clock, the_page_is_read_once_a_millisecond_at_most)
{
	struct dq_clock c;

	kernel_init(0, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	n_reads = 0;
	for (uint64_t stamp = 0; stamp < 10000000; stamp += 7)
		dq_clock_tell(&c, stamp);
	cr_expect_leq(n_reads, 10u, "%u", n_reads);
	cr_expect_geq(n_reads, 9u);
}

/* A round of the counter later the low bits look as if no time had passed. */
Test(device_clock, after_a_pause_of_a_whole_round_the_page_is_read)
{
	struct dq_clock c;

	kernel_init(1000, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	cr_expect_eq(dq_clock_tell(&c, 2000), EPOCH + 1000);
	kernel_update(MASK41 / 2, page.mult);
	kernel_update(MASK41 - 5, page.mult);
	dq_clock_idle(&c);
	cr_expect_eq(dq_clock_tell(&c, 2001), EPOCH + 1001 + MASK41 + 1);
}

Test(device_clock, a_rate_that_was_too_fast_holds_time_until_it_is_true_again)
{
	struct dq_clock c;
	uint64_t last;

	kernel_init(0, 1000000, 23);
	page.mult += page.mult / 1000; /* 1000 ppm */
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	dq_clock_tell(&c, 100);
	last = dq_clock_tell(&c, 900000);
	kernel_update(500000, page.mult - page.mult / 500);
	cr_assert_lt(kernel_ns(900001), last, "%lu", (unsigned long)(last - EPOCH));
	dq_clock_idle(&c);
	for (uint64_t stamp = 900001; stamp < 910000; stamp += 10) {
		uint64_t ns = dq_clock_tell(&c, stamp);

		cr_assert_geq(ns, last);
		cr_assert(ns == kernel_ns(stamp) || (ns == last && last > kernel_ns(stamp)));
		last = ns;
	}
	cr_expect_eq(last, kernel_ns(909991));
}

Test(device_clock, a_clock_that_is_set_back_is_followed)
{
	struct dq_clock c;

	kernel_init(0, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	cr_expect_eq(dq_clock_tell(&c, 5000000), EPOCH + 5000000);
	page.nsec -= 37 * SECOND;
	cr_expect_eq(dq_clock_tell(&c, 15000000), EPOCH + 15000000 - 37 * SECOND);
}

Test(device_clock, a_page_that_is_being_written_is_taken_as_it_was_before)
{
	struct dq_clock c;

	kernel_init(0, 1000000, 23);
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	page_errno = EBUSY;
	cr_expect_eq(dq_clock_tell(&c, 100 * SECOND), EPOCH + 100 * SECOND);
	page_errno = 0;
	cr_expect_eq(dq_clock_tell(&c, 101 * SECOND), EPOCH + 101 * SECOND);
}

Test(device_clock, a_page_that_is_being_written_at_first_is_waited_for)
{
	struct dq_clock c;

	kernel_init(0, 1000000, 23);
	n_busy = 5;
	cr_assert_eq(dq_clock_init(&c, read_page, NULL), 0);
	cr_expect_eq(dq_clock_tell(&c, 100 * SECOND), EPOCH + 100 * SECOND);
	n_reads = 0;
	n_busy = UINT32_MAX;
	cr_expect_eq(dq_clock_init(&c, read_page, NULL), -EBUSY);
}

Test(device_clock, a_page_that_is_not_there_or_senseless_is_an_error)
{
	struct dq_clock c;

	kernel_init(0, 1000000, 23);
	page_errno = EINVAL;
	cr_expect_eq(dq_clock_init(&c, read_page, NULL), -EINVAL);
	page_errno = 0;
	page.mult = 0;
	cr_expect_eq(dq_clock_init(&c, read_page, NULL), -EPROTO);
	kernel_init(0, 1000000, 33);
	page.mult = 1;
	cr_expect_eq(dq_clock_init(&c, read_page, NULL), -EPROTO);
	kernel_init(0, 1000000, 23);
	page.mask = UINT16_MAX;
	cr_expect_eq(dq_clock_init(&c, read_page, NULL), -EPROTO);
}
