/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for events: what the device tells and queues that stop make one descriptor readable. */
#include <errno.h>
#include <poll.h>

#include "dq_kit.h"

enum { PATIENCE = 2000, SILENCE = 50 };

static bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

/* Takes what there is, which is nothing, until the descriptor is silent. */
static int open_silent_fd(struct daqiri *dq)
{
	struct daqiri_event ev = {.size = sizeof(ev)};
	int fd = daqiri_event_fd(dq);

	cr_assert_geq(fd, 0, "%s", daqiri_error_detail());
	cr_assert_eq(daqiri_event_get(dq, &ev), 0);
	cr_assert(!readable(fd, SILENCE));
	return fd;
}

static struct daqiri_event wait_event(struct daqiri *dq, int fd)
{
	struct daqiri_event ev = {.size = sizeof(ev)};
	int64_t end = kit_deadline();
	int ret = 0;

	while (!ret && !kit_is_late(end)) {
		cr_assert(readable(fd, PATIENCE));
		ret = daqiri_event_get(dq, &ev);
	}
	cr_assert_eq(ret, 1, "%s", daqiri_error_detail());
	return ev;
}

static void expect_silence(struct daqiri *dq, int fd)
{
	struct daqiri_event ev = {.size = sizeof(ev)};

	cr_assert_eq(daqiri_event_get(dq, &ev), 0);
	cr_assert(!readable(fd, SILENCE));
}

/* Both ends of the cable, in any order. */
static void expect_link(const struct link *l, int fd, enum daqiri_event_type type)
{
	struct daqiri_event one = wait_event(l->dq, fd), two = wait_event(l->dq, fd);

	cr_assert(one.type == type && two.type == type, "%d, %d", one.type, two.type);
	cr_assert(one.port != two.port);
	cr_assert((one.port == l->a || one.port == l->b) && (two.port == l->a || two.port == l->b));
	expect_silence(l->dq, fd);
}

Test(event_fd, there_is_one_of_a_context)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	int fd = open_silent_fd(l.dq);

	cr_assert_eq(daqiri_event_fd(l.dq), fd);
	cr_assert_eq(daqiri_event_fd(NULL), -EINVAL);
	daqiri_close(l.dq);
}

Test(event_fd, a_link_that_goes_and_comes_is_told_and_traffic_goes_on)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_B};
	int fd = open_silent_fd(l.dq);

	for (int i = 0; i < 3; i++) {
		kit_cable(l.a, false);
		expect_link(&l, fd, DAQIRI_EVENT_LINK_DOWN);
		kit_cable(l.a, true);
		expect_link(&l, fd, DAQIRI_EVENT_LINK_UP);
		burst.first = (uint32_t)i * 20;
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	daqiri_close(l.dq);
}

/* A packet with a wrong key, which stops the queue. */
static void stop(struct daqiri_txq *tx)
{
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(tx, &pkt, 1), 1);
	pkt.len = 60;
	pkt.key = daqiri_key_from_lkey(0xdead00);
	cr_assert_eq(daqiri_tx_post(tx, &pkt, 1), 1);
	kit_wait_error(tx);
}

static void expect_stop(const struct link *l, int fd)
{
	struct daqiri_event ev = wait_event(l->dq, fd);

	cr_assert_eq(ev.type, DAQIRI_EVENT_QUEUE_ERROR);
	cr_assert(ev.port == l->a && ev.txq == l->tx && !ev.rxq);
	expect_silence(l->dq, fd);
}

Test(event_fd, a_queue_that_stops_is_told_once_and_again_after_a_reset)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_B};
	int fd = open_silent_fd(l.dq);

	for (int i = 0; i < 3; i++) {
		stop(l.tx);
		daqiri_tx_completed(l.tx);
		expect_stop(&l, fd);
		cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0, "%s", daqiri_error_detail());
		expect_silence(l.dq, fd);
	}
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

/* Each stop is told, also where the queue was reset before anybody asked. */
Test(event_fd, stops_before_anybody_looks_are_told_all)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_event ev = {.size = sizeof(ev)};
	int told = 0;

	for (int i = 0; i < 2; i++) {
		stop(l.tx);
		cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0);
	}
	cr_assert(readable(daqiri_event_fd(l.dq), 0));
	for (; daqiri_event_get(l.dq, &ev) == 1; told++)
		cr_assert(ev.type == DAQIRI_EVENT_QUEUE_ERROR && ev.txq == l.tx && ev.code == -1);
	cr_assert_eq(told, 2);
	expect_silence(l.dq, daqiri_event_fd(l.dq));
	daqiri_close(l.dq);
}

/* Two queues at once: the second one is not forgotten with the first one's event. */
Test(event_fd, of_several_queues_each_is_told)
{
	struct link l =
		kit_open_link(ONE_WAY("64") "[txq a 1]\nregions = more\n[region more]\n"
					    "kind = host\nnum_bufs = 64\nbuf_size = 2048\n");
	struct daqiri_txq *other = daqiri_txq_get(l.a, 1);
	int fd = open_silent_fd(l.dq);
	struct daqiri_event one, two;

	stop(l.tx);
	stop(other);
	one = wait_event(l.dq, fd);
	two = wait_event(l.dq, fd);
	cr_assert(one.txq != two.txq);
	cr_assert(one.txq == l.tx || one.txq == other);
	cr_assert(two.txq == l.tx || two.txq == other);
	expect_silence(l.dq, fd);
	daqiri_close(l.dq);
}

/* A queue of a thread of the library: the program has its face. */
Test(event_fd, a_queue_in_worker_mode_is_told_as_the_program_knows_it)
{
	struct link l = kit_open_link(PORTS "[txq a 0]\nregions = tx\nmode = worker\ncpu_core = 0\n"
					    "[rxq b 0]\nregions = rx\n");
	int fd = open_silent_fd(l.dq);
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
	pkt.len = 60;
	pkt.key = daqiri_key_from_lkey(0xdead00);
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	expect_stop(&l, fd);
	daqiri_close(l.dq);
}
