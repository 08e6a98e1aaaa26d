/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "seqtrack.h"

#define WORDS (PERF_SEQ_WINDOW / 64)

static uint64_t *word_of(struct perf_seqtrack *t, uint64_t seq)
{
	return &t->seen[seq / 64 % WORDS];
}

/* A number above the expected one: those between have not come yet. */
static void jump_ahead(struct perf_seqtrack *t, uint64_t seq)
{
	uint64_t last = perf_get(t->next) - 1;

	if (seq / 64 - last / 64 >= WORDS)
		memset(t->seen, 0, sizeof(t->seen));
	else
		for (uint64_t w = last / 64 + 1; w <= seq / 64; w++)
			t->seen[w % WORDS] = 0;
	*word_of(t, seq) |= 1ull << seq % 64;
	perf_add(t->unique, 1);
	perf_seqtrack_next(t, seq + 1);
}

/* Whether the window, which ends with the highest number's word, still tells if seq has come. */
static bool within_window(const struct perf_seqtrack *t, uint64_t seq)
{
	return seq / 64 + WORDS > (perf_get(t->next) - 1) / 64;
}

static void come_late(struct perf_seqtrack *t, uint64_t seq)
{
	uint64_t bit = 1ull << seq % 64;

	if (!within_window(t, seq) || *word_of(t, seq) & bit) {
		perf_add(t->duplicates, 1);
		return;
	}
	*word_of(t, seq) |= bit;
	perf_add(t->reordered, 1);
	if (seq < perf_get(t->first))
		perf_add(t->early, 1);
	else
		perf_add(t->unique, 1);
}

void perf_seqtrack_odd(struct perf_seqtrack *t, uint64_t seq)
{
	if (perf_get(t->packets) == 1) {
		*word_of(t, seq) |= 1ull << seq % 64;
		perf_set(t->first, seq);
		perf_set(t->unique, 1);
		perf_seqtrack_next(t, seq + 1);
	} else if (seq >= perf_get(t->next)) {
		jump_ahead(t, seq);
	} else {
		come_late(t, seq);
	}
}

/* One queue's part. The queue with the lowest first number tells what was before the start. */
struct part {
	uint64_t first, next, came, early;
};

static struct part part_of(const struct perf_seqtrack *t)
{
	struct part p;

	/* Pairs with the release in perf_seqtrack_next(): next first, then what it counts. */
	p.next = atomic_load_explicit(&t->next, memory_order_acquire);
	p.first = perf_get(t->first);
	p.came = perf_get(t->unique);
	p.early = perf_get(t->early);
	return p;
}

/* Early on one queue is in time where another queue has seen a lower number. */
static void join(struct part *sum, struct part p)
{
	if (p.first < sum->first) {
		sum->came += sum->early;
		sum->first = p.first;
		sum->early = p.early;
	} else {
		sum->came += p.early;
	}
	sum->came += p.came;
	if (p.next > sum->next)
		sum->next = p.next;
}

void perf_seqtrack_sum(struct perf_seqtrack *const *t, unsigned n, uint64_t total,
		       struct perf_seqsum *out)
{
	struct part sum = { .first = UINT64_MAX };

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n; i++) {
		if (!perf_get(t[i]->packets))
			continue;
		join(&sum, part_of(t[i]));
		out->packets += perf_get(t[i]->packets);
		out->duplicates += perf_get(t[i]->duplicates);
		out->reordered += perf_get(t[i]->reordered);
	}
	if (!out->packets) {
		out->lost = total;
		return;
	}
	if (total > sum.next)
		sum.next = total;
	out->missed_before_start = sum.first > sum.early ? sum.first - sum.early : 0;
	out->lost = sum.next - sum.first > sum.came ? sum.next - sum.first - sum.came : 0;
}
