/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on standard error, one line each. perf_fail*() return -1: `return perf_fail(...)`. */
#ifndef PERF_MSG_H
#define PERF_MSG_H

#include <stdio.h>

#include <daqiri.h>

/* Of an address of six bytes. */
#define PERF_MAC	"%02x:%02x:%02x:%02x:%02x:%02x"
#define PERF_MAC_ARG(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

/* "daqiri-perf: …" */
int perf_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "PATH:LINE: [section] key=value: …" */
struct perf_place {
	const struct daqiri_config *cfg;
	const char *section;
	const char *key;
};
void perf_place_print(FILE *f, struct perf_place at);
int perf_fail_at(struct perf_place at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The library's own words for what failed in this thread, as they are. */
int perf_fail_library(int err);

/* Passes the library's log on; arg is not used. */
void perf_log(void *arg, enum daqiri_log_level level, const char *text);

#endif
