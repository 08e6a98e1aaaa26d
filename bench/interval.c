/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "report.h"

typedef unsigned long long ull;

static FILE *out_file(const struct perf_run *run)
{
	const struct perf_options *o = run->plan->options;

	return o->json && !o->json_path ? stderr : stdout;
}

/* Packets and bytes of all queues: send queues first. */
static void read_queues(const struct perf_run *run, uint64_t *v)
{
	for (unsigned i = 0; i < run->n_txqs; i++) {
		*v++ = perf_get(run->txqs[i].packets);
		*v++ = perf_get(run->txqs[i].bytes);
	}
	for (unsigned i = 0; i < run->n_rxqs; i++) {
		*v++ = perf_get(run->rxqs[i].packets);
		*v++ = perf_get(run->rxqs[i].bytes);
	}
}

void perf_interval_start(struct perf_interval *iv, const struct perf_run *run)
{
	iv->run = run;
	iv->last = run->start_ns;
	perf_totals(run, &iv->totals);
	iv->queues = NULL;
	if (run->plan->interval_ns && run->plan->options->verbose)
		iv->queues = calloc(run->n_txqs + run->n_rxqs, 2 * sizeof(uint64_t));
}

void perf_interval_end(struct perf_interval *iv)
{
	free(iv->queues);
}

static void print_rates(FILE *f, double seconds, uint64_t packets, uint64_t bytes)
{
	perf_rates_print(f, (double)packets / seconds, (double)bytes * 8 / seconds);
}

/* A frame that was under way at the last line may have come since: no negative losses. */
static uint64_t newly(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void print_line(const struct perf_interval *iv, const struct perf_totals *t, uint64_t now)
{
	double seconds = (double)(now - iv->last) / 1e9;
	FILE *f = out_file(iv->run);

	fprintf(f, "%7.3f s", (double)(now - iv->run->start_ns) / 1e9);
	if (t->tx.used) {
		fprintf(f, "  tx ");
		print_rates(f, seconds, t->tx.packets - iv->totals.tx.packets,
			    t->tx.bytes - iv->totals.tx.bytes);
	}
	if (t->rx.used) {
		fprintf(f, "  rx ");
		print_rates(f, seconds, t->rx.packets - iv->totals.rx.packets,
			    t->rx.bytes - iv->totals.rx.bytes);
		fprintf(f, "  lost %llu, corrupt %llu", (ull)newly(t->lost, iv->totals.lost),
			(ull)newly(t->corrupt, iv->totals.corrupt));
	}
	if (t->passed.used && !t->rx.used) {
		fprintf(f, "  passed ");
		print_rates(f, seconds, t->passed.packets - iv->totals.passed.packets,
			    t->passed.bytes - iv->totals.passed.bytes);
	}
	fputc('\n', f);
}

static void print_queue_line(const struct perf_interval *iv, const struct perf_end *end,
			     const uint64_t v[4], double seconds)
{
	FILE *f = out_file(iv->run);

	fprintf(f, " port %s queue %u  ", end->port, end->queue);
	print_rates(f, seconds, v[0] - v[2], v[1] - v[3]);
	fputc('\n', f);
}

static void print_queues(struct perf_interval *iv, uint64_t now)
{
	const struct perf_run *run = iv->run;
	unsigned n = run->n_txqs + run->n_rxqs;
	uint64_t *v = calloc(n, 2 * sizeof(*v));
	double seconds = (double)(now - iv->last) / 1e9;

	for (size_t i = 0; v && i < n; i++) {
		const struct perf_end *end =
			i < run->n_txqs ? &run->txqs[i].end : &run->rxqs[i - run->n_txqs].end;
		uint64_t pair[4];

		if (!i)
			read_queues(run, v);
		pair[0] = v[2 * i];
		pair[1] = v[2 * i + 1];
		pair[2] = iv->queues[2 * i];
		pair[3] = iv->queues[2 * i + 1];
		fputs(i < run->n_txqs ? "           tx" : "           rx", out_file(run));
		print_queue_line(iv, end, pair, seconds);
	}
	if (!v)
		return;
	free(iv->queues);
	iv->queues = v;
}

void perf_interval_tick(struct perf_interval *iv, uint64_t now)
{
	uint64_t every = iv->run->plan->interval_ns;
	struct perf_totals t;

	if (!every || now - iv->last < every)
		return;
	perf_totals(iv->run, &t);
	print_line(iv, &t, now);
	if (iv->queues)
		print_queues(iv, now);
	fflush(out_file(iv->run));
	iv->totals = t;
	iv->last = now;
}
