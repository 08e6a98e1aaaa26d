/* SPDX-License-Identifier: Apache-2.0 */
/* The cores that this process may use. */
#ifndef PERF_CPU_H
#define PERF_CPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define PERF_MAX_CPU 4096

/* How many; at least 1. */
unsigned perf_cpu_allowed(void);

/* Whether core is one of them. */
bool perf_cpu_usable(int core);

/* All of them in words: "0-3,8". */
void perf_cpu_list(char *buf, size_t size);

/* For a thread to be made: 0 or an error number. */
int perf_cpu_pin(pthread_attr_t *attr, int core);

/* The calling thread: 0 or an error number. */
int perf_cpu_pin_self(int core);

#endif
