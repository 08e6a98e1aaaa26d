/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of what flows match: port b with four queues, of which queue 0 gets what no flow takes,
 * and frames that are sent to it one by one.
 */
#ifndef TEST_MATCH_KIT_H
#define TEST_MATCH_KIT_H

#include "../frames.h"
#include "dq_kit.h"

enum { MATCH_QUEUES = 4 };

/* A context with ports, queues, of which those that receive have these keys, and these sections. */
struct link match_open_rxq(const char *keys, const char *sections);

/* The same without keys. */
struct link match_open(const char *sections);

/* Sends f, wherever it goes. */
void match_send(const struct link *l, const struct frame *f);

/*
 * Sends f and returns the queue that got it, byte for byte. It carried a flow id if and only if
 * that queue is not 0.
 */
int match_where(const struct link *l, const struct frame *f);

/* The same for a frame that arrives as want. */
int match_where_as(const struct link *l, const struct frame *f, const struct frame *want);

/* Closes; no frame came twice. */
void match_close(struct link *l);

#define assert_where(l, f, queue) cr_assert_eq(match_where(l, f), queue)

/* One flow to queue 1 that is to be refused, with this in its message. */
void match_refused(const char *keys, const char *part);

#endif
