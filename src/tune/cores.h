/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_CORES_H
#define TUNE_CORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUNE_CORES 4096

/* A set of processor cores. */
struct tune_cores {
	uint64_t bits[TUNE_CORES / 64];
};

void tune_cores_add(struct tune_cores *c, unsigned core);
bool tune_cores_has(const struct tune_cores *c, unsigned core);
bool tune_cores_empty(const struct tune_cores *c);
bool tune_cores_equal(const struct tune_cores *a, const struct tune_cores *b);
bool tune_cores_meet(const struct tune_cores *a, const struct tune_cores *b);
/* Whether every core of a is one of b's. */
bool tune_cores_within(const struct tune_cores *a, const struct tune_cores *b);
unsigned tune_cores_count(const struct tune_cores *c);

/*
 * As the kernel writes lists: "0-3,8", "0-15:2/4" (2 of each 4), "all"; words before the first
 * number (isolcpus=domain,managed_irq,9-11) are left out. "" is the empty set. -EINVAL: no such
 * list.
 */
int tune_cores_parse(struct tune_cores *c, const char *text);

/* "9-11,13"; "none" for the empty set. false: it does not fit, and is cut off. */
bool tune_cores_print(const struct tune_cores *c, char *buf, size_t size);

#endif
