/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that leave at a time. When they came is told by the receiver's time stamps, which are of
 * the same clock: no later than a busy machine lets them, and never before their time.
 * cli/rx-time.test runs these on devices with other clocks and says so by TEST_CLOCK.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "dq_kit.h"

#define LINK_BY(tx, rx)                                                                            \
	PORTS "[txq a 0]\nregions = tx\ndepth = 64\ntimed = on\n" tx                               \
	      "[rxq b 0]\nregions = rx\ndepth = 1024\nmetadata = timestamp\n" rx                   \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"
#define LINK(tx) LINK_BY(tx, "")

#define MS 1000000ull

TestSuite(timed, .timeout = 60);

static int receive(struct link *l, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta, int n)
{
	int64_t end = kit_deadline();
	int got = 0, ret;

	while (got < n && !kit_is_late(end)) {
		ret = daqiri_rx_poll_meta(l->rx, pkts + got, meta + got, n - got);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		got += ret;
	}
	return got;
}

/* n frames from number first on, ready in the queue's slots. */
static void fill(struct link *l, struct daqiri_pkt *pkts, int n, uint32_t first)
{
	int64_t end = kit_deadline();

	while (daqiri_tx_reserve(l->tx, pkts, n) < n)
		cr_assert(!kit_is_late(end));
	for (int i = 0; i < n; i++) {
		pkts[i].len = 60 + (first + (uint32_t)i) % 900;
		kit_fill((void *)(uintptr_t)pkts[i].addr, pkts[i].len, MAC_B, first + (uint32_t)i);
	}
}

/* The kernel goes on correcting what the counter means: less than this, from post to arrival. */
static uint64_t slack(const struct link *l)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(l->tx, &info), 0);
	return !strcmp(info.clock, "free") ? 1000 : 0;
}

/* The next n, from number first on, have come, none of them before time_ns; when the last did. */
static uint64_t expect(struct link *l, int n, uint32_t first, uint64_t time_ns)
{
	struct daqiri_rx_meta meta[64];
	struct daqiri_pkt pkts[64];
	uint32_t number;

	cr_assert_eq(receive(l, pkts, meta, n), n);
	for (int i = 0; i < n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, first + (uint32_t)i);
		cr_assert_geq(meta[i].time_ns + slack(l), time_ns, "%lld ns too early",
			      (long long)(time_ns - meta[i].time_ns));
	}
	daqiri_rx_release(l->rx, n);
	return meta[n - 1].time_ns;
}

/* What time it is, by a frame that is sent at once; its number is first. */
static uint64_t now_by_frame(struct link *l, uint32_t first)
{
	struct daqiri_pkt pkt;

	fill(l, &pkt, 1, first);
	cr_assert_eq(daqiri_tx_post(l->tx, &pkt, 1), 1);
	return expect(l, 1, first, 0);
}

/* Bursts of some sizes, each at its time, many of them posted before the first leaves. */
static void pass(const char *text)
{
	static const int sizes[] = {1, 5, 20, 1, 30};
	struct link l = kit_open_link(text);
	uint64_t begin = now_by_frame(&l, 0);
	struct daqiri_pkt pkts[64];
	uint32_t number = 1;

	for (int round = 0; round < 6; round++) {
		uint32_t first = number;

		for (int i = 0; i < 5; i++, number += (uint32_t)sizes[i - 1]) {
			fill(&l, pkts, sizes[i], number);
			cr_assert_eq(daqiri_tx_post_at(l.tx, pkts, sizes[i],
						       begin + (uint64_t)(i + 2) * 5 * MS),
				     sizes[i]);
		}
		number = first;
		for (int i = 0; i < 5; number += (uint32_t)sizes[i++])
			expect(&l, sizes[i], number, begin + (uint64_t)(i + 2) * 5 * MS);
		begin = now_by_frame(&l, number++);
	}
	daqiri_close(l.dq);
}

static bool device_has(const char *clock)
{
	const char *has = getenv("TEST_CLOCK");

	return !has || !strcmp(has, "both") || !strcmp(has, clock);
}

static bool device_has_empw(void)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_txq_info info = {.size = sizeof(info)};
	bool has;

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	has = !strcmp(info.tx_mode, "empw");
	daqiri_close(l.dq);
	return has;
}

Test(timed, packets_leave_at_their_time)
{
	pass(LINK(""));
}

Test(timed, by_the_real_time)
{
	if (!device_has("real"))
		cr_skip_test("no real time here");
	pass(LINK_BY("clock = real\n", "clock = real\n"));
}

Test(timed, by_the_counter)
{
	if (!device_has("free"))
		cr_skip_test("no free-running counter here");
	pass(LINK_BY("clock = free\n", "clock = free\n"));
}

Test(timed, whatever_else_the_queue_does)
{
	if (device_has_empw())
		pass(LINK("tx_inline = 128\n"));
	pass(LINK("checksum = l3l4\nsrc_mac = port\n"));
	pass("[daqiri]\nsimd = portable\n" LINK(""));
}

Test(timed, a_packet_for_a_time_that_is_past_leaves_at_once)
{
	struct link l = kit_open_link(LINK(""));
	uint64_t now = now_by_frame(&l, 0);
	static const uint64_t past[] = {1, 1000 * MS, 3500 * MS, 5000 * MS, 86400000 * MS};
	struct daqiri_pkt pkt;

	for (uint32_t i = 0; i < 5; i++) {
		fill(&l, &pkt, 1, i + 1);
		cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now - past[i]), 1);
		cr_assert_lt(expect(&l, 1, i + 1, 0), now + 2500 * MS);
	}
	daqiri_close(l.dq);
}

/* It is more than half of the compared range past when the queue comes to it. */
Test(timed, a_time_that_is_past_does_not_come_again_behind_others)
{
	struct link l = kit_open_link(LINK(""));
	uint64_t now = now_by_frame(&l, 0);
	struct daqiri_pkt pkts[2];

	fill(&l, pkts, 2, 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, pkts, 1, now + 1400 * MS), 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, pkts + 1, 1, now - 2700 * MS), 1);
	expect(&l, 1, 1, now + 1400 * MS);
	cr_assert_lt(expect(&l, 1, 2, 0), now + 3000 * MS);
	daqiri_close(l.dq);
}

Test(timed, a_time_that_is_too_far_ahead_is_refused)
{
	struct link l = kit_open_link(LINK(""));
	uint64_t now = now_by_frame(&l, 0);
	struct daqiri_pkt pkt;

	fill(&l, &pkt, 1, 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 30000 * MS), -ERANGE);
	assert_detail("[txq a 0]: daqiri_tx_post_at: ");
	assert_detail("post later");
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 86400000 * MS), -ERANGE);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, UINT64_MAX), -ERANGE);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 20 * MS), 1);
	expect(&l, 1, 1, now + 20 * MS);
	daqiri_close(l.dq);
}

/* Whatever a counter's frequency, 3 seconds. */
static void post_up_to(const char *text)
{
	struct link l = kit_open_link(text);
	struct daqiri_pkt pkt;
	uint64_t now = now_by_frame(&l, 0);

	fill(&l, &pkt, 1, 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 5000 * MS), -ERANGE);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 2900 * MS), 1, "%s",
		     daqiri_error_detail());
	cr_assert_eq(kit_receive_none(l.rx), 0);
	cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	daqiri_close(l.dq);
}

Test(timed, times_may_be_three_seconds_ahead)
{
	if (device_has("real"))
		post_up_to(LINK("clock = real\n"));
	if (device_has("free"))
		post_up_to(LINK("clock = free\n"));
}

Test(timed, what_is_posted_behind_waits_too)
{
	struct link l = kit_open_link(LINK(""));
	uint64_t now = now_by_frame(&l, 0);
	struct daqiri_pkt pkts[3];

	fill(&l, pkts, 3, 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, pkts, 1, now + 200 * MS), 1);
	cr_assert_eq(daqiri_tx_post(l.tx, pkts + 1, 2), 2);
	expect(&l, 3, 1, now + 200 * MS);
	daqiri_close(l.dq);
}

/* As many as the depth, each with a time of its own: the ring has room for all the waits. */
Test(timed, each_packet_may_have_its_own_time)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_pkt pkts[64];

	for (uint32_t first = 0; first < 640; first += 64) {
		uint64_t now = 0;

		for (int i = 0; i < 64; i++) {
			fill(&l, pkts, 1, first + (uint32_t)i);
			if (!i) {
				cr_assert_eq(daqiri_tx_post(l.tx, pkts, 1), 1);
				now = expect(&l, 1, first, 0);
				continue;
			}
			cr_assert_eq(daqiri_tx_post_at(l.tx, pkts, 1,
						       now + 3 * MS + (uint64_t)i * 100000),
				     1);
		}
		for (int i = 1; i < 64; i++)
			expect(&l, 1, first + (uint32_t)i, now + 3 * MS + (uint64_t)i * 100000);
	}
	kit_wait_sent(l.tx, 640);
	daqiri_close(l.dq);
}

Test(timed, a_queue_that_was_reset_knows_the_time)
{
	struct link l = kit_open_link(LINK(""));
	uint64_t now = now_by_frame(&l, 0);
	struct daqiri_pkt pkt;

	fill(&l, &pkt, 1, 1);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 1000 * MS), 1);
	cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	now = now_by_frame(&l, 2);
	fill(&l, &pkt, 1, 3);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 20 * MS), 1);
	expect(&l, 1, 3, now + 20 * MS);
	daqiri_close(l.dq);
}

/* A length that the card does not take stops the queue; a reset starts it again, with its clock. */
Test(timed, a_queue_that_an_error_has_stopped_is_reset)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_pkt pkt;
	uint64_t now;

	fill(&l, &pkt, 1, 1);
	pkt.key = daqiri_key_from_lkey(0xabcdef);
	pkt.addr -= 1 << 30; /* in nobody's memory */
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	kit_wait_error(l.tx);
	cr_assert_eq(daqiri_tx_now(l.tx, &now), 0);
	cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0, "%s", daqiri_error_detail());
	now = now_by_frame(&l, 2);
	fill(&l, &pkt, 1, 3);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, now + 20 * MS), 1);
	expect(&l, 1, 3, now + 20 * MS);
	daqiri_close(l.dq);
}

/* A queue tells the time no earlier than it was, and not much later than it is. */
Test(timed, a_queue_tells_what_time_it_is)
{
	struct link l = kit_open_link(LINK(""));

	for (uint32_t i = 0; i < 20; i++) {
		uint64_t before, after, came;

		cr_assert_eq(daqiri_tx_now(l.tx, &before), 0);
		came = now_by_frame(&l, i);
		kit_wait_sent(l.tx, i + 1);
		cr_assert_eq(daqiri_tx_now(l.tx, &after), 0);
		cr_assert_lt(before, came + 1 * MS);
		cr_assert_gt(after + 20 * MS, came);
	}
	cr_assert_eq(daqiri_tx_now(l.tx, NULL), -EINVAL);
	daqiri_close(l.dq);
}

static uint64_t clock_now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

/* A packet for 100 ms from now by this machine's clock is not there before, as exact as a queue
 * knows. */
Test(timed, times_of_other_clocks_are_converted)
{
	static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_TAI};
	struct link l = kit_open_link(LINK(""));
	struct daqiri_pkt pkt;
	uint64_t at, now, due;

	for (uint32_t i = 0; i < 3; i++) {
		fill(&l, &pkt, 1, i);
		due = clock_now(clocks[i]) + 100 * MS;
		cr_assert_eq(daqiri_tx_time_of(l.tx, clocks[i], due, &at), 0, "%s",
			     daqiri_error_detail());
		cr_assert_eq(daqiri_tx_now(l.tx, &now), 0);
		cr_assert_leq(at, now + 150 * MS);
		cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, at), 1);
		expect(&l, 1, i, at);
		cr_assert_geq(clock_now(clocks[i]) + 50 * MS, due);
		/* what is past stays as far in the past */
		due = clock_now(clocks[i]) - 1000 * MS;
		cr_assert_eq(daqiri_tx_time_of(l.tx, clocks[i], due, &at), 0);
		cr_assert_eq(daqiri_tx_now(l.tx, &now), 0);
		cr_assert(now - at >= 950 * MS, "%llu", (unsigned long long)(now - at));
	}
	cr_assert_eq(daqiri_tx_time_of(l.tx, 12345, due, &at), -EINVAL);
	assert_detail("[txq a 0]: daqiri_tx_time_of: clock 12345 cannot be read: Invalid argument");
	cr_assert_eq(daqiri_tx_time_of(l.tx, CLOCK_REALTIME, due, NULL), -EINVAL);
	daqiri_close(l.dq);
}

Test(timed, other_queues_take_no_times)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct daqiri_pkt pkt = {0};

	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, 1, 0), -EOPNOTSUPP);
	assert_detail("[txq a 0]: daqiri_tx_post_at wants a queue with timed = on");
	cr_assert_eq(daqiri_tx_now(l.tx, &pkt.addr), -EOPNOTSUPP);
	cr_assert_eq(daqiri_tx_now(NULL, &pkt.addr), -EINVAL);
	cr_assert_eq(daqiri_tx_time_of(l.tx, CLOCK_REALTIME, 0, &pkt.addr), -EOPNOTSUPP);
	cr_assert_eq(daqiri_tx_time_of(NULL, CLOCK_REALTIME, 0, &pkt.addr), -EINVAL);
	cr_assert_eq(daqiri_tx_post_at(NULL, &pkt, 1, 0), -EINVAL);
	cr_assert_eq(daqiri_tx_post_at(l.tx, NULL, 1, 0), -EINVAL);
	cr_assert_eq(daqiri_tx_post_at(l.tx, &pkt, -1, 0), -EINVAL);
	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	cr_assert_null(info.clock);
	daqiri_close(l.dq);
}

Test(timed, a_clock_that_the_device_does_not_have_is_named)
{
	if (!device_has("free")) {
		cr_assert_eq(kit_try_text(LINK("clock = free\n")), -EOPNOTSUPP);
		assert_detail("[txq a 0] timed=on: ");
		assert_detail("time stamps of a free-running clock: set clock=real");
	}
	if (!device_has("real")) {
		cr_assert_eq(kit_try_text(LINK("clock = real\n")), -EOPNOTSUPP);
		assert_detail("[txq a 0] clock=real: ");
	}
}

Test(timed, what_does_not_go_together_is_refused)
{
	cr_assert_eq(kit_try_text(LINK("tx_latency = on\n")), -EINVAL);
	assert_detail("[txq a 0] timed=on: a packet that goes with its doorbell");
	cr_assert_eq(kit_try_text(LINK("mode = worker\ncpu_core = 0\n")), -EINVAL);
	assert_detail("[txq a 0] timed=on: with mode = worker packets are handed over without");
	cr_assert_eq(kit_try_text("[port a]\naddress = " MAC_A "\n[txq a 0]\nclock = free\n"),
		     -EINVAL);
	assert_detail("there are no launch times: set timed");
	cr_assert_eq(kit_try_text("[port a]\naddress = " MAC_A
				  "\n[txq a 0]\ndepth = 32768\ntimed = on\n"),
		     -EINVAL);
	assert_detail("takes a ring of 65536 entries");
}
