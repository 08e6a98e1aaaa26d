/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters with one writer, the queue's thread, and any number of readers. Plain loads and stores
 * on every machine that we know: the writer needs no locked instruction.
 */
#ifndef DQ_COUNTER_H
#define DQ_COUNTER_H

#include <stdint.h>

static inline void dq_counter_add(uint64_t *counter, uint64_t n)
{
#if defined(__x86_64__) && !defined(__CHECKER__)
	/* What compilers make three instructions of: readers see its store as any other. */
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
#endif
}

static inline uint64_t dq_counter_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
