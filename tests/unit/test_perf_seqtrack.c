/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "../../bench/seqtrack.h"

static struct perf_seqtrack a, b;
static struct perf_seqsum sum;

static void add_range(struct perf_seqtrack *t, uint64_t from, uint64_t to)
{
	for (uint64_t seq = from; seq <= to; seq++)
		perf_seqtrack_add(t, seq);
}

static void sum_up(uint64_t total)
{
	struct perf_seqtrack *const list[] = { &a, &b };

	perf_seqtrack_sum(list, 2, total, &sum);
}

static void sum_is(uint64_t lost, uint64_t duplicates, uint64_t reordered)
{
	cr_assert_eq(sum.lost, lost, "%llu lost", (unsigned long long)sum.lost);
	cr_assert_eq(sum.duplicates, duplicates);
	cr_assert_eq(sum.reordered, reordered);
}

Test(seqtrack, all_in_order_is_no_loss)
{
	add_range(&a, 0, 200000);
	sum_up(200001);
	sum_is(0, 0, 0);
	cr_assert_eq(sum.packets, 200001);
	cr_assert_eq(sum.missed_before_start, 0);
}

Test(seqtrack, hole_is_lost)
{
	add_range(&a, 0, 9);
	add_range(&a, 15, 20);
	sum_up(0);
	sum_is(5, 0, 0);
}

Test(seqtrack, late_frame_is_reordered_not_lost)
{
	add_range(&a, 0, 9);
	perf_seqtrack_add(&a, 11);
	perf_seqtrack_add(&a, 10);
	sum_up(12);
	sum_is(0, 0, 1);
}

Test(seqtrack, second_copy_is_a_duplicate)
{
	add_range(&a, 0, 9);
	perf_seqtrack_add(&a, 9);
	perf_seqtrack_add(&a, 3);
	sum_up(10);
	sum_is(0, 2, 0);
	cr_assert_eq(sum.packets, 12);
}

Test(seqtrack, late_frame_counts_once)
{
	perf_seqtrack_add(&a, 0);
	perf_seqtrack_add(&a, 2);
	perf_seqtrack_add(&a, 1);
	perf_seqtrack_add(&a, 1);
	sum_up(3);
	sum_is(0, 1, 1);
}

Test(seqtrack, counting_starts_at_the_first_seen)
{
	add_range(&a, 100, 199);
	sum_up(200);
	sum_is(0, 0, 0);
	cr_assert_eq(sum.missed_before_start, 100);
}

Test(seqtrack, frame_before_the_first_is_late_and_not_missed)
{
	add_range(&a, 100, 109);
	perf_seqtrack_add(&a, 99);
	perf_seqtrack_add(&a, 99);
	sum_up(110);
	sum_is(0, 1, 1);
	cr_assert_eq(sum.missed_before_start, 99);
}

Test(seqtrack, tail_is_lost_where_the_total_is_known)
{
	add_range(&a, 0, 9);
	sum_up(0);
	sum_is(0, 0, 0);
	sum_up(15);
	sum_is(5, 0, 0);
}

Test(seqtrack, nothing_received_is_all_lost)
{
	sum_up(77);
	sum_is(77, 0, 0);
	cr_assert_eq(sum.packets, 0);
}

Test(seqtrack, hole_longer_than_the_window)
{
	add_range(&a, 0, 9);
	perf_seqtrack_add(&a, 1000000);
	/* The window's slots of that hole were used by 0..9 before. */
	perf_seqtrack_add(&a, 1000000 - 1);
	perf_seqtrack_add(&a, 1000000 - 65536 + 64);
	sum_up(0);
	sum_is(1000000 - 10 - 2, 0, 2);
}

Test(seqtrack, jump_to_the_same_slot_of_the_window)
{
	perf_seqtrack_add(&a, 5);
	perf_seqtrack_add(&a, 5 + PERF_SEQ_WINDOW);
	perf_seqtrack_add(&a, 4 + PERF_SEQ_WINDOW);
	sum_up(0);
	sum_is(PERF_SEQ_WINDOW - 2, 0, 1);
}

Test(seqtrack, later_than_the_window_counts_as_duplicate)
{
	add_range(&a, 0, 9);
	add_range(&a, 11, 200000);
	perf_seqtrack_add(&a, 10);
	sum_up(0);
	sum_is(1, 1, 0);
}

Test(seqtrack, every_second_frame_then_the_others)
{
	for (uint64_t seq = 0; seq < 60000; seq += 2)
		perf_seqtrack_add(&a, seq);
	sum_up(60000);
	sum_is(30000, 0, 0);
	for (uint64_t seq = 1; seq < 60000; seq += 2)
		perf_seqtrack_add(&a, seq);
	sum_up(60000);
	sum_is(0, 0, 29999);
}

Test(seqtrack, two_queues_share_a_stream_without_loss)
{
	for (uint64_t seq = 0; seq < 100000; seq++)
		perf_seqtrack_add(seq % 3 ? &a : &b, seq);
	sum_up(100000);
	sum_is(0, 0, 0);
	cr_assert_eq(sum.packets, 100000);
}

Test(seqtrack, two_queues_start_at_the_lower_first)
{
	add_range(&a, 50, 59);
	add_range(&b, 40, 44);
	add_range(&b, 46, 49);
	perf_seqtrack_add(&a, 45); /* before a's own first, but not before b's */
	sum_up(60);
	cr_assert_eq(sum.missed_before_start, 40);
	cr_assert_eq(sum.lost, 0);
	sum_up(61);
	cr_assert_eq(sum.lost, 1);
}
