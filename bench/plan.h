/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done: the configuration's [perf] and [stream]s, with the command line on top. */
#ifndef PERF_PLAN_H
#define PERF_PLAN_H

#include <daqiri.h>

#include "options.h"

#define PERF_NAME 50 /* bytes for any section name or part of it */

/* One end of a stream. */
struct perf_end {
	bool used;
	char port[PERF_NAME];
	unsigned queue;
};

enum perf_role {
	PERF_CHECK_FRAMES,       /* sends, or checks what comes */
	PERF_FORWARD,            /* sends on what comes */
	PERF_DROP                /* gives back what comes */
};

/* What leaves at a time of the NIC's clock. */
enum perf_timed { PERF_AT_ONCE, PERF_TIMED_PACKET, PERF_TIMED_BATCH };

struct perf_stream {
	enum perf_role role;
	bool mac_swap;           /* PERF_FORWARD */
	char section[PERF_NAME]; /* "stream s1" */
	const char *name;        /* "s1", within section */
	uint16_t id;             /* of the name: both ends find it for themselves */
	struct perf_end tx, rx;
	int core;                /* -1: none named */
	unsigned batch;
	struct perf_sizes sizes;
	struct perf_rate rate;
	enum perf_timed timed;
	uint64_t ahead_ns;	 /* frames are posted so long before their time; 0 at once */
	bool src_mac_port;       /* flow.src_mac is the port's, filled in once it is open */
	bool dst_mac_auto;       /* likewise flow.dst_mac: resolve.h */
	struct perf_flow flow;
	struct perf_udp udp;
};

/* What writes and checks frames: auto is a GPU where it has the memory. */
enum perf_frames_by { PERF_BY_AUTO, PERF_BY_CPU, PERF_BY_GPU };

struct perf_plan {
	const struct perf_options *options;
	const struct daqiri_config *cfg;
	uint64_t duration_ns;    /* 0: no limit */
	uint64_t interval_ns;    /* 0: no lines */
	uint64_t count;          /* per stream; 0: no limit */
	enum perf_verify_mode verify;
	bool latency;
	enum perf_frames_by frames_by;
	enum perf_workload workload;
	int core;                /* of the main thread; -1 */
	bool usage;              /* what failed is the command line's fault */
	unsigned n_streams;
	struct perf_stream *streams;
	unsigned n_forwards;     /* streams of the other roles */
	struct perf_stream *forwards;
};

/* Judges and explains; -1 after a message. cfg and options must outlive the plan. */
int perf_plan_make(struct perf_plan *plan, const struct daqiri_config *cfg,
		   const struct perf_options *options);
/* Whether the queues can do what the streams want, as far as the configuration tells: judge.c. */
int perf_plan_judge(const struct perf_plan *plan);
void perf_plan_free(struct perf_plan *plan);

/* Loads the configuration and applies -o; -1 after a message. *usage: it was the command line. */
int perf_plan_load(struct daqiri_config **cfg, const struct perf_options *options, bool *usage);

/* The id of a stream's name. Never 0. */
uint16_t perf_stream_id(const char *name);

bool perf_same_end(const struct perf_end *a, const struct perf_end *b);

/* Frames per second that a rate means for a stream; 0: no limit. */
double perf_stream_pps(const struct perf_stream *s);

#endif
