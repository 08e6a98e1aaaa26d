/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Pure: nothing is printed or opened here. */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "parse.h"
#include "verify.h"

/* What else a GPU does with received frames. */
enum perf_workload { PERF_WORK_NONE, PERF_WORK_FFT, PERF_WORK_COPY };

enum perf_action {
	PERF_RUN,
	PERF_CHECK,
	PERF_PORTS,
	PERF_LIST_KEYS,
	PERF_MAKE_CONFIG,
	PERF_SELFTEST,
	PERF_HELP,
	PERF_VERSION
};

/* Each value that may be left to the configuration has a flag that says it was given. */
struct perf_options {
	enum perf_action action;
	const char *config;          /* path; points into argv, as all text here does */
	const char *selftest[2];     /* ports of --selftest; the second NULL: the first alone */
	const char *make_tx, *make_rx; /* ports of --make-config; NULL: not named */
	const char *make_gpu;        /* NULL: not named */
	const char *selftest_only;   /* a pattern of check ids; NULL: all */
	const char **overrides;      /* of -o, in order */
	unsigned n_overrides;
	bool have_duration, have_count, have_sizes, have_rate, have_verify, have_interval;
	bool have_workload;
	uint64_t duration_ns;
	uint64_t count;
	struct perf_sizes sizes;
	struct perf_rate rate;
	enum perf_verify_mode verify;
	enum perf_workload workload;
	bool intervals;              /* -i */
	uint64_t interval_ns;        /* where -i had a number */
	bool latency;
	bool wait;
	bool verbose;
	bool here;
	bool json;
	const char *json_path;       /* NULL: standard output */
	const char *metrics_path;    /* NULL: none asked for */
	bool have_max_loss, have_min_mpps, have_min_gbps;
	struct perf_loss max_loss;
	double min_mpps;
	double min_gbps;
};

/*
 * 0, or -EINVAL with one line in err. Reorders argv. Free what it took with perf_options_free(),
 * also after a failure.
 */
int perf_options_parse(struct perf_options *o, int argc, char **argv, char err[256]);
void perf_options_free(struct perf_options *o);

extern const char perf_usage[]; /* one line */
extern const char perf_help[];

#endif
