/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sequence numbers of one stream tell on one queue: which frames came twice, which came
 * late, how many never came. Counting starts at the first number that is seen.
 *
 * One thread adds; any thread may read the counters (relaxed atomics: each is right by itself).
 */
#ifndef PERF_SEQTRACK_H
#define PERF_SEQTRACK_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Frames that come late are told from duplicates by a bit per sequence number, for this many
 * numbers back. One that is later still counts as a duplicate.
 */
#define PERF_SEQ_WINDOW 65536u

struct perf_seqtrack {
	_Atomic uint64_t packets;    /* all that were added */
	_Atomic uint64_t first;      /* the first number seen */
	_Atomic uint64_t next;       /* one more than the highest number seen */
	_Atomic uint64_t unique;     /* different numbers from first on */
	_Atomic uint64_t early;      /* different numbers below first that came after it */
	_Atomic uint64_t duplicates;
	_Atomic uint64_t reordered;  /* came after a higher number */
	uint64_t seen[PERF_SEQ_WINDOW / 64];
};

#define perf_get(counter) atomic_load_explicit(&(counter), memory_order_relaxed)
#define perf_set(counter, v) atomic_store_explicit(&(counter), v, memory_order_relaxed)
/* For the one thread that writes the counter: no locked instruction. */
#define perf_add(counter, n) perf_set(counter, perf_get(counter) + (n))

/*
 * Raises next after unique was raised (pairs with the acquire in perf_seqtrack_sum()), so that a
 * reader never takes a frame for lost that has come.
 */
static inline void perf_seqtrack_next(struct perf_seqtrack *t, uint64_t next)
{
	atomic_store_explicit(&t->next, next, memory_order_release);
}

/* Any number but the expected one. */
void perf_seqtrack_odd(struct perf_seqtrack *t, uint64_t seq);

static inline void perf_seqtrack_add(struct perf_seqtrack *t, uint64_t seq)
{
	uint64_t *word = &t->seen[seq / 64 % (PERF_SEQ_WINDOW / 64)];
	uint64_t packets = perf_get(t->packets);

	perf_set(t->packets, packets + 1);
	if (__builtin_expect(!packets || seq != perf_get(t->next), 0)) {
		perf_seqtrack_odd(t, seq);
		return;
	}
	if (seq % 64 == 0)
		*word = 0;
	*word |= 1ull << seq % 64;
	perf_add(t->unique, 1);
	perf_seqtrack_next(t, seq + 1);
}

/* The sum over the queues that a stream's frames came by. */
struct perf_seqsum {
	uint64_t packets;
	uint64_t lost;                /* never came, from the first seen to the end */
	uint64_t missed_before_start; /* numbers below the first seen that never came */
	uint64_t duplicates;
	uint64_t reordered;
};

/*
 * total: how many frames were sent, where that is known; 0: judge up to the highest number seen.
 * Where not one frame came, all of total is lost.
 */
void perf_seqtrack_sum(struct perf_seqtrack *const *t, unsigned n, uint64_t total,
		       struct perf_seqsum *out);

#endif
