/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong, SOAK_COUNT times (100) under load: the cable is pulled, sends and receives end
 * in error. All comes back, which is timed; each is told once; counters account for every frame;
 * and neither descriptors nor memory grow. Runs under cli/soak.test, which has scripts, and
 * .ci/long.
 */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dq_kit.h"

enum { BATCH = 16, HEAP_GROWTH = 4096, RSS_GROWTH_KB = 1024 };

struct soak {
	struct link l;
	unsigned count, n_times;
	uint64_t *times; /* of recoveries, ns */
	uint32_t posted, received, next;
	unsigned ups, downs, rx_stops, tx_stops; /* events */
	unsigned rx_resets, tx_resets;
	uint64_t tx_at, rx_at; /* when a queue was found stopped; 0: it goes */
	uint64_t tx_done;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- what must not grow -----------------------------------------------------------------------
 */

struct stock {
	int fds;
	size_t heap;
	long rss_kb;
};

/* Where the sanitizer is built in, which keeps what was freed for a while. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static size_t heap_now(void)
{
#if __GLIBC_PREREQ(2, 33)
	return mallinfo2().uordblks;
#else
	return (size_t)mallinfo().uordblks;
#endif
}

static struct stock take_stock(void)
{
	struct stock s = {.heap = heap_now()};
	DIR *dir = opendir("/proc/self/fd");
	FILE *f = fopen("/proc/self/statm", "re");

	cr_assert(dir && f);
	while (readdir(dir))
		s.fds++;
	cr_assert_eq(fscanf(f, "%*s %ld", &s.rss_kb), 1);
	s.rss_kb *= sysconf(_SC_PAGESIZE) / 1024;
	closedir(dir);
	fclose(f);
	return s;
}

static void check_stock(const struct stock *before)
{
	struct stock now = take_stock();

	printf("soak: descriptors %d, then %d; heap %zu B, then %zu B; resident %ld KiB, then %ld "
	       "KiB\n",
	       before->fds, now.fds, before->heap, now.heap, before->rss_kb, now.rss_kb);
	fflush(stdout);
	cr_assert_eq(now.fds, before->fds);
	cr_assert_leq(now.heap, before->heap + HEAP_GROWTH);
	if (!__lsan_do_recoverable_leak_check)
		cr_assert_leq(now.rss_kb, before->rss_kb + RSS_GROWTH_KB);
}

/* ---- how long it took -------------------------------------------------------------------------
 */

static void note_time(struct soak *s, uint64_t since)
{
	if (s->n_times < s->count)
		s->times[s->n_times++] = now_ns() - since;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double us_at(const struct soak *s, unsigned percent)
{
	return (double)s->times[(uint64_t)(s->n_times - 1) * percent / 100] / 1000;
}

/* Also where run-test.sh reads what is to be shown. */
static void print_times(struct soak *s, const char *what)
{
	const char *path = getenv("TEST_NOTES");
	FILE *notes = path ? fopen(path, "ae") : NULL, *to[] = {stdout, notes};

	cr_assert_gt(s->n_times, 0u);
	qsort(s->times, s->n_times, sizeof(*s->times), by_size);
	for (int i = 0; i < 2; i++)
		if (to[i])
			fprintf(to[i], "soak: %u %s: back in p50 %.1f, p99 %.1f, max %.1f us\n",
				s->n_times, what, us_at(s, 50), us_at(s, 99), us_at(s, 100));
	fflush(stdout);
	if (notes)
		fclose(notes);
}

/* ---- load -------------------------------------------------------------------------------------
 */

static void send_some(struct soak *s)
{
	struct daqiri_pkt pkts[BATCH];
	int n = daqiri_tx_reserve(s->l.tx, pkts, BATCH);

	for (int i = 0; i < n; i++) {
		pkts[i].len = 60 + (s->posted + (uint32_t)i) % 400;
		kit_fill((void *)(uintptr_t)pkts[i].addr, pkts[i].len, MAC_B,
			 s->posted + (uint32_t)i);
	}
	n = daqiri_tx_post(s->l.tx, pkts, n);
	if (n >= 0) {
		s->posted += (uint32_t)n;
		return;
	}
	cr_assert_eq(n, -EIO);
	s->tx_at = now_ns();
	cr_assert_eq(daqiri_txq_reset(s->l.tx, 0), 0, "%s", daqiri_error_detail());
	s->tx_resets++;
	s->tx_done = daqiri_tx_completed(s->l.tx);
}

/* Numbers may be left out, but never come twice or out of order, nor changed. */
static void receive_some(struct soak *s)
{
	struct daqiri_pkt pkts[2 * BATCH];
	uint32_t number;
	int n = daqiri_rx_poll(s->l.rx, pkts, 2 * BATCH);

	for (int i = 0; i < n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_geq(number, s->next);
		s->next = number + 1;
		s->received++;
	}
	if (n >= 0) {
		daqiri_rx_release(s->l.rx, n);
		return;
	}
	cr_assert_eq(n, -EIO);
	s->rx_at = now_ns();
	cr_assert_eq(daqiri_rxq_reset(s->l.rx, 0), 0, "%s", daqiri_error_detail());
	s->rx_resets++;
}

static void take_events(struct soak *s)
{
	struct daqiri_event ev = {.size = sizeof(ev)};

	while (daqiri_event_get(s->l.dq, &ev) == 1) {
		s->ups += ev.type == DAQIRI_EVENT_LINK_UP;
		s->downs += ev.type == DAQIRI_EVENT_LINK_DOWN;
		s->rx_stops += ev.type == DAQIRI_EVENT_QUEUE_ERROR && ev.rxq == s->l.rx;
		s->tx_stops += ev.type == DAQIRI_EVENT_QUEUE_ERROR && ev.txq == s->l.tx;
	}
}

static void turn(struct soak *s)
{
	uint32_t received = s->received;

	send_some(s);
	receive_some(s);
	if (s->tx_at && daqiri_tx_completed(s->l.tx) != s->tx_done) {
		note_time(s, s->tx_at);
		s->tx_at = 0;
	}
	if (s->rx_at && s->received != received) {
		note_time(s, s->rx_at);
		s->rx_at = 0;
	}
	take_events(s);
}

/* Until nothing is outstanding; a queue that stops meanwhile is reset. */
static void drain(struct soak *s)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};

	for (int64_t end = kit_deadline() - 1500; !kit_is_late(end);) {
		daqiri_tx_completed(s->l.tx);
		if (daqiri_txq_error(s->l.tx, &err) > 0) {
			cr_assert_eq(daqiri_txq_reset(s->l.tx, 0), 0);
			s->tx_resets++;
		}
		receive_some(s);
		take_events(s);
	}
}

/* ---- counters ---------------------------------------------------------------------------------
 */

struct counts {
	uint64_t sent, discarded, arrived, no_buffer, downs;
};

static struct counts look(const struct soak *s)
{
	return (struct counts){kit_port_stat(s->l.a, "eth_tx_packets_phy"),
			       kit_port_stat(s->l.a, "eth_tx_discards_phy"),
			       kit_port_stat(s->l.b, "eth_rx_packets_phy"),
			       kit_port_stat(s->l.b, "hw_out_of_buffer"),
			       kit_port_stat(s->l.a, "eth_link_down_events_phy")};
}

/*
 * Posted packets completed or were dropped by a reset. What completed left by the cable or was
 * discarded, and perhaps some that a reset dropped. What arrived was polled or is counted.
 */
static void account(const struct soak *s, const struct counts *before)
{
	struct counts now = look(s);
	uint64_t done = kit_port_stat(s->l.a, "tx_completed");
	uint64_t dropped = kit_port_stat(s->l.a, "tx_reset_drops");
	uint64_t left = now.sent - before->sent + now.discarded - before->discarded;
	uint64_t told = s->received + kit_port_stat(s->l.b, "rx_length_errors") +
			kit_port_stat(s->l.b, "rx_reset_drops") + s->rx_resets + now.no_buffer -
			before->no_buffer;

	printf("soak: %u posted: %llu completed, %llu dropped by resets; %llu discarded; %llu "
	       "arrived: %u received\n",
	       s->posted, (unsigned long long)done, (unsigned long long)dropped,
	       (unsigned long long)(now.discarded - before->discarded),
	       (unsigned long long)(now.arrived - before->arrived), s->received);
	fflush(stdout);
	cr_assert_eq(done + dropped, s->posted);
	cr_assert(done <= left && left <= s->posted, "%llu left", (unsigned long long)left);
	cr_assert_eq(told, now.arrived - before->arrived);
	cr_assert_leq(now.arrived - before->arrived, now.sent - before->sent);
}

static struct soak begin(void)
{
	const char *count = getenv("SOAK_COUNT");
	struct soak s = {.l = kit_open_link(ONE_WAY("512")),
			 .count = count ? (unsigned)strtoul(count, NULL, 10) : 100};

	cr_assert_gt(s.count, 10u);
	s.times = calloc(s.count, sizeof(*s.times));
	cr_assert_not_null(s.times);
	cr_assert_geq(daqiri_event_fd(s.l.dq), 0);
	return s;
}

static void end(struct soak *s)
{
	daqiri_close(s->l.dq);
	free(s->times);
}

/* ---- the cable --------------------------------------------------------------------------------
 */

static void wait_for(struct soak *s, const unsigned *events, unsigned n)
{
	for (int64_t late = kit_deadline(); *events < n; turn(s))
		cr_assert(!kit_is_late(late), "%u of %u events came", *events, n);
}

/* Down until both ends say so, and up until a frame has passed that was posted then. */
static void flap(struct soak *s, unsigned i)
{
	uint64_t since;
	uint32_t first;
	int64_t late;

	kit_cable(s->l.a, false);
	wait_for(s, &s->downs, 2 * (i + 1));
	since = now_ns();
	kit_cable(s->l.a, true);
	first = s->posted;
	for (late = kit_deadline(); s->next <= first; turn(s))
		cr_assert(!kit_is_late(late), "flap %u: no frame came", i);
	note_time(s, since);
	wait_for(s, &s->ups, 2 * (i + 1));
}

Test(soak, flaps)
{
	struct soak s = begin();
	struct counts before = look(&s);
	struct stock stock = {0};

	for (unsigned i = 0; i < s.count; i++) {
		if (i == s.count / 10)
			stock = take_stock();
		flap(&s, i);
	}
	check_stock(&stock);
	drain(&s);
	account(&s, &before);
	cr_assert_eq(look(&s).downs - before.downs, s.count);
	cr_assert(s.ups == 2 * s.count && s.downs == 2 * s.count, "%u up, %u down", s.ups, s.downs);
	cr_assert(!s.rx_resets && !s.tx_resets, "a flap stops no queue");
	cr_assert_gt(look(&s).discarded, before.discarded);
	print_times(&s, "flaps");
	end(&s);
}

/* ---- error completions ------------------------------------------------------------------------
 */

static unsigned errors(const struct soak *s)
{
	return s->rx_resets + s->tx_resets + (unsigned)kit_port_stat(s->l.b, "rx_length_errors");
}

Test(soak, errors)
{
	struct soak s = begin();
	struct counts before = look(&s);
	struct stock stock = {0};
	unsigned n;

	for (uint64_t i = 0; (n = errors(&s)) < s.count; i++) {
		if (!stock.fds && n >= s.count / 10)
			stock = take_stock();
		for (int k = 0; k < 32; k++)
			turn(&s);
	}
	check_stock(&stock);
	drain(&s);
	account(&s, &before);
	printf("soak: %u errors: %u stops of the receive queue, %u of the send queue\n", errors(&s),
	       s.rx_resets, s.tx_resets);
	cr_assert(s.rx_resets > s.count / 5 && s.tx_resets > s.count / 50);
	cr_assert_gt(kit_port_stat(s.l.b, "rx_length_errors"), s.count / 5);
	cr_assert_eq(s.rx_stops, s.rx_resets, "each stop is told, once, and nothing else is");
	cr_assert_eq(s.tx_stops, s.tx_resets);
	print_times(&s, "stops");
	end(&s);
}

/* ---- the device goes ---------------------------------------------------------------------------
 */

/* The script says when. All is closed within a second, whatever was under way. */
Test(soak, fatal)
{
	struct soak s = begin();
	struct daqiri_event ev = {.size = sizeof(ev)};
	struct pollfd p = {.fd = daqiri_event_fd(s.l.dq), .events = POLLIN};
	unsigned fatal = 0;
	uint64_t since;

	for (int64_t late = kit_deadline() + 4000; !fatal && !kit_is_late(late);) {
		send_some(&s);
		receive_some(&s);
		while (poll(&p, 1, 0) == 1 && daqiri_event_get(s.l.dq, &ev) == 1)
			fatal += ev.type == DAQIRI_EVENT_DEVICE_FATAL;
	}
	cr_assert_eq(fatal, 1u);
	since = now_ns();
	daqiri_close(s.l.dq);
	since = now_ns() - since;
	printf("soak: closed in %.1f ms after the device was gone\n", (double)since / 1e6);
	cr_assert_lt(since, 1000000000u);
	free(s.times);
}
