/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paced send queues. Time is only measured from below: a busy machine makes everything slower, and
 * nothing makes it faster.
 */
#include <errno.h>
#include <time.h>

#include "dq_kit.h"

#define LINK(keys)                                                                                 \
	PORTS "[txq a 0]\nregions = tx\ndepth = 512\n" keys                                        \
	      "[rxq b 0]\nregions = rx\ndepth = 1024\n"                                            \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

enum {
	N = 400,
	LEN = 1000,
	BURST = 16384 /* bytes at once of a card that was told nothing else */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds until N frames of LEN bytes are sent, which arrive complete. */
static double time_of_frames(struct link *l, uint32_t first)
{
	struct kit_burst burst = {.first = first, .n = N, .min = LEN, .max = LEN, .dst = MAC_B};
	double begin = now_s(), end;

	kit_send(l->tx, &burst);
	kit_wait_sent(l->tx, first + N);
	end = now_s();
	kit_expect(l->rx, &burst);
	return end - begin;
}

/* What they take at least: a burst may go at once, and the last WQE's frames need not end. */
static double least(double mbps, double burst)
{
	return ((N - 58.0) * LEN - burst) * 8 / (mbps * 1e6);
}

static struct daqiri_txq_info info_of(const struct daqiri_txq *q)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(q, &info), 0);
	return info;
}

static void told(const struct daqiri_txq *q, uint32_t mbps, uint32_t burst, uint32_t size)
{
	struct daqiri_txq_info info = info_of(q);

	cr_assert_eq(info.pacing_mbps, mbps);
	cr_assert_eq(info.pacing_burst, burst);
	cr_assert_eq(info.pacing_size, size);
}

TestSuite(pacing, .timeout = 60);

Test(pacing, a_queue_keeps_to_its_rate)
{
	struct link l = kit_open_link(LINK("pacing_mbps = 10\n"));

	told(l.tx, 10, 0, 0);
	cr_assert_geq(time_of_frames(&l, 0), least(10, BURST));
	daqiri_close(l.dq);
}

Test(pacing, a_queue_that_was_told_nothing_does_not_pace)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_txq_info info = info_of(l.tx);

	told(l.tx, 0, 0, 0);
	cr_assert_eq(info.pacing_min_kbps, 1u);
	cr_assert_eq(info.pacing_max_kbps, 200000000u);
	daqiri_close(l.dq);
}

Test(pacing, a_burst_goes_at_once)
{
	struct link l =
		kit_open_link(LINK("pacing_mbps = 5\npacing_burst = 200000\npacing_size = 1000\n"));

	told(l.tx, 5, 200000, 1000);
	cr_assert_geq(time_of_frames(&l, 0), least(5, 200000));
	daqiri_close(l.dq);
}

Test(pacing, a_rate_is_changed_while_a_queue_sends)
{
	struct link l = kit_open_link(LINK(""));

	time_of_frames(&l, 0);
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 20, 0, 0), 0);
	told(l.tx, 20, 0, 0);
	cr_assert_geq(time_of_frames(&l, N), least(20, BURST));
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 8, 3000, 1500), 0);
	told(l.tx, 8, 3000, 1500);
	cr_assert_geq(time_of_frames(&l, 2 * N), least(8, 3000));
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 0, 0, 0), 0);
	told(l.tx, 0, 0, 0);
	time_of_frames(&l, 3 * N);
	daqiri_close(l.dq);
}

Test(pacing, a_reset_does_not_forget_the_rate)
{
	struct link l = kit_open_link(LINK("pacing_mbps = 100\n"));

	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 10, 0, 0), 0);
	cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	told(l.tx, 10, 0, 0);
	cr_assert_geq(time_of_frames(&l, 0), least(10, BURST));
	daqiri_close(l.dq);
}

Test(pacing, a_worker_paces_too)
{
	struct link l = kit_open_link(LINK("mode = worker\ncpu_core = 0\npacing_mbps = 100\n"));

	told(l.tx, 100, 0, 0);
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 10, 0, 0), 0);
	told(l.tx, 10, 0, 0);
	cr_assert_geq(time_of_frames(&l, 0), least(10, BURST));
	daqiri_close(l.dq);
}

Test(pacing, what_the_device_cannot_keep_to_is_refused)
{
	struct link l;

	cr_assert_eq(kit_try_text(LINK("pacing_mbps = 300000\n")), -EINVAL);
	assert_detail("[txq a 0] pacing_mbps=300000: mlx5_0 paces from 1 to 200000000 kb/s");
	cr_assert_eq(kit_try_text(LINK("pacing_burst = 3000\n")), -EINVAL);
	assert_detail("there is no rate that they would be of: set pacing_mbps");
	l = kit_open_link(LINK("pacing_mbps = 10\n"));
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 200001, 0, 0), -EINVAL);
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, UINT32_MAX, 0, 0), -EINVAL);
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 0, 0, 1), -EINVAL);
	cr_assert_eq(daqiri_txq_set_pacing(l.tx, 1, 0, 65536), -EINVAL);
	cr_assert_eq(daqiri_txq_set_pacing(NULL, 1, 0, 0), -EINVAL);
	told(l.tx, 10, 0, 0);
	cr_assert_geq(time_of_frames(&l, 0), least(10, BURST));
	daqiri_close(l.dq);
}
