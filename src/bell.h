/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a queue's thread tells a program that sleeps in poll() that the queue has stopped: the only
 * system call of the data path, once for each time that a queue stops, and only where the program
 * has asked for daqiri_event_fd().
 */
#ifndef DQ_BELL_H
#define DQ_BELL_H

#include <stdbool.h>
#include <stdint.h>

/* A context's. */
struct dq_bell {
	int fd; /* atomic: an eventfd; -1: nobody has asked for it */
};

/*
 * How often a queue has stopped by itself. n, life: the queue's thread writes, n last. A life is
 * what lies between two resets. told, told_life: daqiri_event_get()'s, with the context's lock
 * held.
 */
struct dq_stops {
	struct dq_bell *bell; /* NULL: nobody looks */
	uint32_t n;	      /* atomic */
	uint32_t told;
	uint64_t life;	    /* in which it stopped last, from 1 */
	uint64_t told_life; /* of which an error was told last */
};

/* The queue has just stopped; resets: how many it has had. */
void dq_stops_note(struct dq_stops *stops, uint64_t resets);

/* Whether a stop is still to be told, which it is then. */
bool dq_stops_take(struct dq_stops *stops);

/* The same of an error that the kernel tells, in the life after so many resets. */
bool dq_stops_take_fatal(struct dq_stops *stops, uint64_t resets);

/* 0, or a negative errno. */
int dq_bell_open(struct dq_bell *bell);
void dq_bell_close(struct dq_bell *bell);
void dq_bell_ring(const struct dq_bell *bell);
void dq_bell_hush(const struct dq_bell *bell);

#endif
