/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cpu.h"
#include "json.h"
#include "metrics.h"
#include "msg.h"
#include "report.h"
#include "run.h"
#include "totals.h"
#include "verdict.h"

#define LOOK_NS  5000000u    /* how often the main thread looks */
#define QUIET_NS 250000000u  /* nothing more is coming: longer than end frames are sent */
#define WAIT_NS  5000000000u /* for the first frame, besides the duration */
#define LATE_NS  1000000000u /* for the end frames, behind the duration */
#define SAME_NS  200000000u  /* between two signals that are one */

/* The first signal has come, and when. Atomic without locks: fit for a signal handler. */
static _Atomic uint64_t interrupted_at;

/*
 * The second one ends the process at once. timeout(1) and some shells send one signal twice, to the
 * process and to its group: what follows closely is the same one.
 */
static void on_interrupt(int sig)
{
	uint64_t first = perf_get(interrupted_at), now = perf_now();

	if (first && now - first > SAME_NS)
		_exit(128 + sig);
	if (!first)
		perf_set(interrupted_at, now);
}

static bool interrupted(void)
{
	return perf_get(interrupted_at) != 0;
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_interrupt };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* ---- when is a stream over? ---- */

static void look_at(struct perf_link *link, const struct perf_totals *t, uint64_t now)
{
	if (t->rx.packets == link->last_packets)
		return;
	link->last_packets = t->rx.packets;
	link->quiet_since = now;
}

/* A receiver whose sender is elsewhere and has not said that it is done. */
static bool waited_enough(const struct perf_run *run, const struct perf_totals *t, uint64_t now)
{
	const struct perf_plan *plan = run->plan;

	if (interrupted() || (plan->count && t->rx.packets >= plan->count))
		return true;
	if (!plan->duration_ns)
		return false;
	if (!t->rx.packets)
		return now - run->start_ns >= plan->duration_ns + WAIT_NS;
	return now >= t->rx.first_ns + plan->duration_ns + LATE_NS;
}

static bool link_over(const struct perf_run *run, struct perf_link *link, uint64_t now)
{
	struct perf_totals t;

	perf_link_totals(link, &t);
	look_at(link, &t, now);
	if (link->sender && !atomic_load_explicit(&link->sender->done, memory_order_acquire)) {
		link->quiet_since = now;
		return false;
	}
	if (!link->n)
		return true;
	if (!t.total_known)
		return waited_enough(run, &t, now);
	if (t.rx.packets && !t.lost)
		return true;
	return now - link->quiet_since >= QUIET_NS;
}

static bool all_over(const struct perf_run *run, uint64_t now)
{
	bool over;

	if (perf_queue_failed(run))
		return true;
	over = perf_forwards_over(run, now) || interrupted();
	for (unsigned i = 0; i < run->plan->n_streams; i++)
		over &= link_over(run, &run->links[i], now);
	return over;
}

/* ---- meanwhile ---- */

/* Tells what the NICs report. Returns false when it makes no sense to go on. */
static bool take_events(struct perf_run *run)
{
	struct daqiri_event ev = { .size = sizeof(ev) };

	while (daqiri_event_get(run->dq, &ev) > 0) {
		const char *port = ev.port ? daqiri_port_name(ev.port) : "?";

		if (ev.type == DAQIRI_EVENT_LINK_DOWN || ev.type == DAQIRI_EVENT_LINK_UP)
			perf_fail("port %s: link %s", port,
				  ev.type == DAQIRI_EVENT_LINK_UP ? "up" : "down");
		if (ev.type != DAQIRI_EVENT_DEVICE_FATAL)
			continue;
		perf_fail("port %s: the device has failed", port);
		return false;
	}
	return true;
}

static void nap(void)
{
	const struct timespec ts = { .tv_nsec = LOOK_NS };

	nanosleep(&ts, NULL); /* a signal may cut it short: all the better */
}

/* Until all streams are over. Returns false where the device failed. */
static bool watch(struct perf_run *run)
{
	struct perf_metrics metrics = {.run = run, .last = run->start_ns};
	struct perf_interval interval;
	bool sound, over;

	perf_interval_start(&interval, run);
	do {
		uint64_t now;

		nap();
		now = perf_now();
		sound = take_events(run);
		if (interrupted())
			perf_set(run->stop_sending, true);
		over = all_over(run, now);
		perf_interval_tick(&interval, now);
		perf_metrics_tick(&metrics, now);
	} while (sound && !over);
	perf_interval_end(&interval);
	return sound;
}

/* After all threads have started: they would inherit the core. */
static int pin_main(const struct perf_run *run)
{
	int core = run->plan->core;

	if (core >= 0 && perf_cpu_pin_self(core))
		return perf_fail("the main thread cannot be pinned to core %d", core);
	return 0;
}

/* The result, in words or as a document; the exit status. */
static int report(const struct perf_run *run, const struct perf_before *before, bool sound)
{
	struct perf_result result = { .interrupted = interrupted() };
	int ret;

	perf_totals(run, &result.totals);
	result.status = perf_judge(run, &result.totals, result.why, sizeof(result.why));
	if (!sound) {
		result.status = 1;
		snprintf(result.why, sizeof(result.why), "a device has failed");
	}
	perf_verdict(run, before, &result.verdict);
	perf_report_end(run, &result);
	ret = run->plan->options->json ? perf_json_write(run, &result) : 0;
	if (perf_metrics_write(run))
		ret = -1;
	return ret ? 1 : result.status;
}

int perf_run_main(struct perf_run *run)
{
	struct perf_before before;
	bool sound = true;
	int ret;

	catch_signals();
	perf_report_start(run);
	perf_before_take(&before, run);
	/* What cannot be written is told before, not after, the run. */
	ret = perf_metrics_write(run) || perf_workers_start(run) || pin_main(run) ? 1 : 0;
	if (!ret)
		sound = watch(run);
	perf_workers_join(run);
	if (!ret)
		ret = report(run, &before, sound);
	perf_before_free(&before);
	return ret;
}
