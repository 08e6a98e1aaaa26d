/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launch times when somebody sets the NIC's clock while a queue has nothing to send. The emulated
 * device goes by the machine's time of day, which is read here, and so can be set for it.
 * cli/rx-time.test runs these on devices with other clocks and says so by TEST_CLOCK.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dq_kit.h"

#define MS    1000000ull
#define SLOTS 64

#define LINK(clock)                                                                                \
	PORTS "[txq a 0]\nregions = tx\ndepth = 64\ntimed = on\nclock = " clock "\n"               \
	      "[rxq b 0]\nregions = rx\ndepth = 1024\n"                                            \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\n"

TestSuite(timed_set, .timeout = 60);

static _Atomic int set_by; /* seconds */

/* The device's, too: a program's own functions come first. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int ret = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME)
		ts->tv_sec += set_by;
	return ret;
}

static uint64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static bool device_has(const char *clock)
{
	const char *has = getenv("TEST_CLOCK");

	return !has || !strcmp(has, "both") || !strcmp(has, clock);
}

/* Longer than what is known counts as new, and than the kernel takes to follow with the counter. */
static void idle(void)
{
	usleep(2500000);
}

static struct daqiri_pkt frame(struct link *l)
{
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l->tx, &pkt, 1), 1);
	pkt.len = 60;
	kit_fill((void *)(uintptr_t)pkt.addr, pkt.len, MAC_B, 0);
	return pkt;
}

/* Posted when the device has told its time, which takes it longer here than a queue waits for it.
 */
static void post_at(struct link *l, uint64_t ahead)
{
	struct daqiri_pkt pkt = frame(l);
	int64_t end = kit_deadline();
	int ret;

	do
		ret = daqiri_tx_post_at(l->tx, &pkt, 1, read_ns(CLOCK_REALTIME) + ahead);
	while ((!ret || ret == -ERANGE) && !kit_is_late(end));
	cr_assert_eq(ret, 1, "%d: %s", ret, daqiri_error_detail());
}

/* How long the packet takes that is posted to leave in 300 ms: less where a machine's time of day is
 * put right meanwhile, by some milliseconds, and not by seconds, as set_clock() does it.
 */
static void expect_wait(struct link *l)
{
	uint64_t before = daqiri_tx_completed(l->tx), begin = read_ns(CLOCK_MONOTONIC), took;

	post_at(l, 300 * MS);
	kit_wait_sent(l->tx, before + 1);
	took = read_ns(CLOCK_MONOTONIC) - begin;
	cr_assert_geq(took, 250 * MS, "left after %lu ns", (unsigned long)took);
	cr_assert_lt(took, 8000 * MS, "left after %lu ns", (unsigned long)took);
}

static void expect_now(struct link *l)
{
	int64_t end = kit_deadline(), off;
	uint64_t now;

	do {
		cr_assert_eq(daqiri_tx_now(l->tx, &now), 0);
		off = (int64_t)(now - read_ns(CLOCK_REALTIME));
	} while (llabs(off) > (int64_t)(500 * MS) && !kit_is_late(end));
	cr_assert_leq(llabs(off), (int64_t)(500 * MS), "off by %lld ns", (long long)off);
}

static void set_clock(const char *text)
{
	static const int steps[] = {37, -37, 2, -2};
	struct link l = kit_open_link(text);

	for (int i = 0; i < 4; i++) {
		set_by += steps[i];
		idle();
		expect_wait(&l);
		set_by -= steps[i];
		idle();
		expect_now(&l);
	}
	daqiri_close(l.dq);
}

Test(timed_set, real_time)
{
	if (!device_has("real"))
		cr_skip_test("no real time here");
	set_clock(LINK("real"));
}

Test(timed_set, counter)
{
	if (!device_has("free"))
		cr_skip_test("no free-running counter here");
	set_clock(LINK("free"));
}

/* Meanwhile a counter of 32 bits has gone more than half way round. */
Test(timed_set, a_completion_that_was_left_unread)
{
	struct link l = kit_open_link(LINK("auto"));
	struct daqiri_pkt pkt = frame(&l);

	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	usleep(2600000);
	expect_wait(&l);
	pkt = frame(&l);
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	usleep(2600000);
	expect_now(&l);
	daqiri_close(l.dq);
}

/* What asks for the time takes the room of a packet only until it is answered. */
Test(timed_set, a_queue_that_asked_holds_as_many_as_before)
{
	struct link l = kit_open_link(LINK("auto"));
	struct daqiri_pkt pkt;
	int64_t end;

	for (int round = 0; round < 2; round++) {
		idle();
		post_at(&l, 1400 * MS);
		for (int i = 1; i < SLOTS; i++) {
			pkt = frame(&l);
			end = kit_deadline();
			while ((round ? daqiri_tx_post(l.tx, &pkt, 1)
				      : daqiri_tx_post_at(l.tx, &pkt, 1,
							  read_ns(CLOCK_REALTIME) + 1500 * MS)) < 1)
				cr_assert(!kit_is_late(end), "%d", i);
		}
		cr_assert_eq(daqiri_tx_completed(l.tx), 0);
		cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 0);
		cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
		cr_assert_eq(daqiri_tx_completed(l.tx), SLOTS);
		if (!round) {
			daqiri_close(l.dq);
			l = kit_open_link(LINK("auto"));
		}
	}
	daqiri_close(l.dq);
}
