/* SPDX-License-Identifier: Apache-2.0 */
/* --metrics: all counters as OpenMetrics text, for Prometheus and the like. Main thread. */
#ifndef PERF_METRICS_H
#define PERF_METRICS_H

#include "run.h"

/*
 * Puts a new file in the place of the old one, so that who reads has the whole of one or the other.
 * 0, also where none was asked for; -1 after a message.
 */
int perf_metrics_write(const struct perf_run *run);

/* While the run goes on: writes it where it is older than an interval. Failures are told once. */
struct perf_metrics {
	const struct perf_run *run;
	uint64_t last;
	bool failed;
};
void perf_metrics_tick(struct perf_metrics *m, uint64_t now);

#endif
