/* SPDX-License-Identifier: Apache-2.0 */
/* The cores that this process may use. */
#ifndef PERF_CPU_H
#define PERF_CPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define PERF_MAX_CPU 4096

/* Where the kernel lists the cores that it isolates (isolcpus); for tests. */
extern const char *perf_cpu_isolated;

/* How many there are for threads that are pinned to none: without isolated ones; at least 1. */
unsigned perf_cpu_common(void);

/* Whether core is one of those. */
bool perf_cpu_is_common(int core);

/* Whether a thread may be pinned to core, to an isolated one too. */
bool perf_cpu_usable(int core);

unsigned perf_cpu_n_usable(void);

/* The last of those before core; -1: none. */
int perf_cpu_below(int core);

/*
 * The best of those for a thread that polls, -1 if there is none: isolated ones first, and of them
 * those that the file local lists, "0-3,8"; never core 0, nor other.
 */
int perf_cpu_choose(const char *local, int other);

/* All that are usable, in words: "0-3,8". */
void perf_cpu_list(char *buf, size_t size);

/* For a thread to be made: 0 or an error number. */
int perf_cpu_pin(pthread_attr_t *attr, int core);

/* The calling thread: 0 or an error number. */
int perf_cpu_pin_self(int core);

#endif
