/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds configured with --enable-debug tell a program that uses a queue from two threads. The
 * queue is its first user's until that thread has ended; others build nothing of this.
 */
#ifndef DQ_OWNER_H
#define DQ_OWNER_H

#include <stdbool.h>

#ifdef DQ_DEBUG
/* Whether the calling thread may use the queue; if not, the error's detail says why. */
bool dq_owner_enter(int *owner, const char *where);
#else
static inline bool dq_owner_enter(int *owner, const char *where)
{
	(void)owner;
	(void)where;
	return true;
}
#endif

#endif
