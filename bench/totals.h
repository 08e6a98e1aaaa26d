/* SPDX-License-Identifier: Apache-2.0 */
/* What has happened so far, added up from the counters of all ends. Main thread. */
#ifndef PERF_TOTALS_H
#define PERF_TOTALS_H

#include "run.h"

/* One direction. Data frames only. */
struct perf_side {
	bool used;           /* this process has such ends */
	uint64_t packets;
	uint64_t bytes;      /* L2, without FCS */
	uint64_t first_ns, last_ns; /* of batches, CLOCK_MONOTONIC; 0: none yet */
	uint64_t edge; /* frames outside of that time: received at its begin, or sent at its end */
};

struct perf_totals {
	struct perf_side tx, rx;
	struct perf_side passed; /* of streams that forward or drop */
	bool loss_known;     /* there is a receiver here */
	bool total_known;    /* of every stream: how many were sent, so that tail loss is counted */
	uint64_t expected;   /* frames that came, and those that did not */
	uint64_t lost;
	uint64_t missed_before_start;
	uint64_t corrupt;
	uint64_t duplicates;
	uint64_t reordered;
	uint64_t other_stream;
	uint64_t not_ours;
	uint64_t late;	/* timed: posted when their time was past, */
	uint64_t early; /* and with --latency came before it */
};

/* L1 adds preamble, start delimiter, FCS and the gap between frames. */
#define PERF_L1_EXTRA 24u

void perf_link_totals(const struct perf_link *link, struct perf_totals *out);
/* Adds what a stream has forwarded or dropped. */
void perf_forward_side(const struct perf_forward *f, struct perf_side *side);
void perf_totals(const struct perf_run *run, struct perf_totals *out);

/* Seconds from the first to the last data frame. */
double perf_side_seconds(const struct perf_side *side);
/* Averages over that time; 0 where it is none. */
double perf_side_pps(const struct perf_side *side);
double perf_side_bps(const struct perf_side *side, bool l1);

/* From the first data frame of any end to the last of any, in seconds. */
double perf_totals_seconds(const struct perf_totals *t);

/* The one-way times of a stream, of all where link is NULL; only after the threads have ended. */
void perf_latency(const struct perf_run *run, const struct perf_link *link, struct perf_hist *out);

/* Whether a queue has stopped: nothing more will come of the run. */
bool perf_queue_failed(const struct perf_run *run);

/* The exit status that the numbers deserve, 0, 1 or 3, and why, in one line ("" for 0). */
int perf_judge(const struct perf_run *run, const struct perf_totals *t, char *why, size_t size);

#endif
