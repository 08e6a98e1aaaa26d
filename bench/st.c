/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-perf --selftest: finds the ports, runs the checks one after the other. */
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "json.h"
#include "msg.h"
#include "ports.h"
#include "st.h"

enum { EXIT_PASSED, EXIT_FAILED, EXIT_USAGE, EXIT_NO_HARDWARE = 77 };

static const struct st_group *const groups[] = {
	&st_group_tx,	    &st_group_offload, &st_group_rx,	&st_group_striding,
	&st_group_compress, &st_group_tunnel,  &st_group_rss,	&st_group_steer,
	&st_group_match,    &st_group_count,   &st_group_clock, &st_group_error,
	&st_group_event,    &st_group_lib,
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

/* ---- verdicts ---- */

static void decide(struct st *st, enum st_verdict verdict, const char *fmt, va_list ap)
{
	if (!st_good(st))
		return;
	st->verdict = verdict;
	vsnprintf(st->why, sizeof(st->why), fmt, ap);
}

void st_fail(struct st *st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	decide(st, ST_FAIL, fmt, ap);
	va_end(ap);
}

void st_skip(struct st *st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	decide(st, ST_SKIP, fmt, ap);
	va_end(ap);
}

void st_defer(struct st *st, int (*fn)(void *obj), void *obj)
{
	if (st->n_undo == sizeof(st->undo) / sizeof(st->undo[0])) {
		st_fail(st, "this check makes more objects than it may");
		fn(obj);
		return;
	}
	st->undo[st->n_undo++] = (struct st_undo){fn, obj};
}

/* What cannot be destroyed is a failure, too. */
void st_undo_all(struct st *st)
{
	while (st->n_undo) {
		struct st_undo *u = &st->undo[--st->n_undo];
		int err = u->fn(u->obj);

		if (err)
			st_fail(st, "destroying an object: %s", strerror(err < 0 ? errno : err));
	}
	st->n_rx = 0;
}

uint64_t st_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void st_sleep_us(unsigned us)
{
	struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* ---- ports ---- */

struct search {
	const char *address;
	struct daqiri_port_info *info;
	unsigned seen;
};

static int look(void *arg, const struct daqiri_port_info *p)
{
	struct search *s = arg;

	s->seen++;
	if (!perf_is_port(p, s->address))
		return 0;
	*s->info = *p;
	return 1;
}

/* 0, or the exit status after a message. */
static int find_port(struct st_port *p, const char *address)
{
	struct search s = {address, &p->info, 0};
	int ret = daqiri_port_each(look, &s);

	if (ret < 0) {
		perf_fail_library(ret);
		return EXIT_FAILED;
	}
	if (ret)
		return 0;
	perf_fail("--selftest %s: this machine has no such port (daqiri-perf --ports lists its %u)",
		  address, s.seen);
	return s.seen ? EXIT_USAGE : EXIT_NO_HARDWARE;
}

static int find_ports(struct st *st, const struct perf_options *o)
{
	int ret = find_port(&st->port[0], o->selftest[0]);

	st->a = st->b = &st->port[0];
	if (ret || !o->selftest[1])
		return ret;
	ret = find_port(&st->port[1], o->selftest[1]);
	if (!strcmp(st->port[0].info.rdma, st->port[1].info.rdma) &&
	    st->port[0].info.port_num == st->port[1].info.port_num)
		return ret; /* one port, named twice */
	st->b = &st->port[1];
	return ret;
}

/* ---- checks ---- */

/* What all else rests on: that the two ports are the ends of one cable. */
static void cable(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	st_need(st, st->a->info.ethernet && st->b->info.ethernet, "not an Ethernet port");
	st_need(st, st->a->info.link_up && st->b->info.link_up, "the link is down");
	st_link_open(st, &l);
	if (!st_good(st))
		return;
	st_plain(st, &f, 100, 1);
	st_send(&l.sq, 0, &f);
	st_sq_wait(st, &l.sq);
	if (st_rx_poll(st, &l.rx, &cqe, ST_WAIT_MS))
		return;
	if (st->a == st->b)
		st_fail(st, "what the port sends does not come back: give two cabled ports, or put "
			    "a loopback plug in (loopback inside the NIC is not used here)");
	else
		st_fail(st, "what the first port sends does not come to the second: is there a "
			    "cable between them?");
}

static const struct st_check cable_check = {"link.cable", "frames pass from port to port", cable};

static void run(struct st *st, struct st_report *r, const struct st_check *check)
{
	struct st_result *result = &r->results[r->n++];

	st->verdict = ST_PASS;
	st->why[0] = 0;
	st->check = check;
	st->n_rx = 0;
	check->run(st);
	st_undo_all(st);
	result->check = check;
	result->verdict = st->verdict;
	memcpy(result->why, st->why, sizeof(result->why));
	r->count[st->verdict]++;
}

static bool wanted(const struct perf_options *o, const struct st_check *check)
{
	return !o->selftest_only || !fnmatch(o->selftest_only, check->id, 0);
}

static unsigned count_wanted(const struct perf_options *o)
{
	unsigned n = 0;

	for (unsigned g = 0; g < N_GROUPS; g++)
		for (unsigned i = 0; i < groups[g]->n; i++)
			n += wanted(o, &groups[g]->checks[i]);
	return n;
}

static void run_all(struct st *st, struct st_report *r, const struct perf_options *o)
{
	run(st, r, &cable_check);
	if (r->count[ST_FAIL])
		return;
	for (unsigned g = 0; g < N_GROUPS; g++)
		for (unsigned i = 0; i < groups[g]->n; i++)
			if (wanted(o, &groups[g]->checks[i]))
				run(st, r, &groups[g]->checks[i]);
}

static int open_ports(struct st *st)
{
	int ret = st_port_open(st, st->a);

	if (!ret && st->b != st->a)
		ret = st_port_open(st, st->b);
	if (ret)
		perf_fail("--selftest: %s", st->why);
	return ret;
}

static int write_report(const struct st_report *r, const struct perf_options *o)
{
	if (!o->json || o->json_path)
		st_report_text(r);
	return o->json ? st_report_json(r, o->json_path) : 0;
}

int perf_selftest(const struct perf_options *o)
{
	static struct st st; /* static: it is large */
	struct st_report r = {.st = &st};
	unsigned n = count_wanted(o);
	int ret;

	if (!n) {
		perf_fail("--selftest-only %s: there is no such check", o->selftest_only);
		return EXIT_USAGE;
	}
	ret = find_ports(&st, o);
	if (ret)
		return ret;
	ret = EXIT_FAILED;
	r.results = calloc(n + 1, sizeof(*r.results));
	if (!r.results || (o->json && perf_json_try(o)) || open_ports(&st))
		goto out;
	run_all(&st, &r, o);
	if (!write_report(&r, o) && !r.count[ST_FAIL])
		ret = EXIT_PASSED;
out:
	free(r.results);
	st_port_close(&st.port[1]);
	st_port_close(&st.port[0]);
	return ret;
}
