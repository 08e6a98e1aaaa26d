/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this machine's NICs should reorder their writes to memory. */
#ifndef DQ_RELAXED_H
#define DQ_RELAXED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Of an x86 processor, by family and model as CPUID has them: not on Haswell and Broadwell, whose
 * root complex is slower with it.
 */
bool dq_relaxed_cpu(unsigned family, unsigned model);

/*
 * Of a machine with a device tree, by the names in its root's "compatible", each ended by 0: not on
 * Tegra, the IGX Orin's too, where some answer with protection errors.
 */
bool dq_relaxed_board(const char *compatible, size_t size);

/* The same of a file that has them; one that cannot be read is of a machine without. */
bool dq_relaxed_tree(const char *path);

/* Of this machine. */
bool dq_relaxed_here(void);

#endif
