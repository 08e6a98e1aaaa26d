/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DQ_RESET_H
#define DQ_RESET_H

#include <stdbool.h>

/* Of a queue: what a reset refuses whatever the queue's kind is. in_worker: a worker has it. */
int dq_reset_check(const char *where, const char *call, unsigned flags, bool in_worker);

#endif
