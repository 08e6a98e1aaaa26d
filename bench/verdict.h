/* SPDX-License-Identifier: Apache-2.0 */
/* Why frames were not received, in words, from what the ports counted. Main thread. */
#ifndef PERF_VERDICT_H
#define PERF_VERDICT_H

#include "totals.h"

#define PERF_VERDICTS 16

struct perf_verdict {
	unsigned n;
	char line[PERF_VERDICTS][320];
};

/* The ports' counters before the run. */
struct perf_before {
	unsigned n;
	struct perf_counters {
		struct daqiri_port *port;
		int n;
		struct daqiri_stat *stats;
	} *ports;
};

/* Without memory it stays empty, and verdicts have less to go by. */
void perf_before_take(struct perf_before *b, const struct perf_run *run);
void perf_before_free(struct perf_before *b);

/* A line for each reason why streams lost frames or received none; none where all is well. */
void perf_verdict(const struct perf_run *run, const struct perf_before *b,
		  struct perf_verdict *out);

#endif
