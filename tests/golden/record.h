/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's parts: record_rings.c makes libmlx5 post and poll, record.c prints and compares.
 */
#ifndef RECORD_H
#define RECORD_H

#include "golden.h"

#define MAX_RECORDS 32

struct record {
	struct golden_wqe wqes[MAX_RECORDS];
	struct golden_rwqe rwqes[MAX_RECORDS];
	struct golden_cqe cqes[MAX_RECORDS];
	unsigned n_wqes, n_rwqes, n_cqes;
};

extern struct record record;

void record_open(void);
void record_close(void);
void record_wqes(void);
void record_cqes(void);
/* Prints what failed, with errno, and ends the program. */
void die(const char *what) __attribute__((noreturn));

#endif
