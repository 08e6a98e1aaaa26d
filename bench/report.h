/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads. On standard output, or on standard error where the JSON document goes to
 * standard output.
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stdio.h>

#include "totals.h"
#include "verdict.h"

/* How a run came out. */
struct perf_result {
	int status;          /* exit status */
	bool interrupted;
	char why[160];       /* of a status other than 0 */
	struct perf_totals totals;
	struct perf_verdict verdict;
};

/* The lines while it runs. */
struct perf_interval {
	const struct perf_run *run;
	uint64_t last;       /* CLOCK_MONOTONIC of the last line */
	struct perf_totals totals; /* then */
	uint64_t *queues;    /* packets and bytes of each queue then, with -v */
};

/* "1.500 Mpps, 0.768 Gb/s L2, 1.056 Gb/s L1": of packets and L2 bits per second. */
void perf_rates_print(FILE *f, double pps, double bps);

void perf_report_start(const struct perf_run *run);
void perf_report_end(const struct perf_run *run, const struct perf_result *result);

void perf_interval_start(struct perf_interval *iv, const struct perf_run *run);
/* Prints a line when it is time. */
void perf_interval_tick(struct perf_interval *iv, uint64_t now);
void perf_interval_end(struct perf_interval *iv);

/* What the library made of the queues, and why. */
void perf_report_queues(FILE *f, const struct perf_run *run);

#endif
