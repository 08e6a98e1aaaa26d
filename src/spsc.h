/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two positions of a ring with one producer and one consumer, each a thread: they count for
 * ever, modulo 2^32. The entries themselves are the user's, a power of two of them.
 */
#ifndef DQ_SPSC_H
#define DQ_SPSC_H

#include <stdint.h>

struct dq_spsc {
	uint32_t head __attribute__((aligned(64))); /* the producer writes */
	uint32_t tail __attribute__((aligned(64))); /* the consumer writes */
};

/* Producer: n more entries are written. */
static inline void dq_spsc_put(struct dq_spsc *s, uint32_t n)
{
	/* Pairs with the acquire load in dq_spsc_filled(): the entries are there. */
	__atomic_store_n(&s->head, s->head + n, __ATOMIC_RELEASE);
}

/* Producer: entries that may be written, of a ring of size. */
static inline uint32_t dq_spsc_room(const struct dq_spsc *s, uint32_t size)
{
	/* Pairs with the release store in dq_spsc_take(): the entries were read. */
	return size - (s->head - __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE));
}

/* Consumer: entries that may be read. */
static inline uint32_t dq_spsc_filled(const struct dq_spsc *s)
{
	/* Pairs with the release store in dq_spsc_put(). */
	return __atomic_load_n(&s->head, __ATOMIC_ACQUIRE) - s->tail;
}

/* Consumer: the oldest n entries are read. */
static inline void dq_spsc_take(struct dq_spsc *s, uint32_t n)
{
	/* Pairs with the acquire load in dq_spsc_room(). */
	__atomic_store_n(&s->tail, s->tail + n, __ATOMIC_RELEASE);
}

#endif
