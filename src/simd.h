/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instructions a queue uses: chosen when it is made, never asked for a packet. The portable
 * way is always there, and is the one that the others are tested against.
 */
#ifndef DQ_SIMD_H
#define DQ_SIMD_H

#if defined(__x86_64__) && !defined(__CHECKER__) /* sparse has none of the compiler's built-ins */
#define DQ_X86_SIMD 1
#endif

enum dq_simd { DQ_SIMD_AUTO, DQ_SIMD_PORTABLE, DQ_SIMD_SSE42, DQ_SIMD_AVX2 };

/* Whether this processor, and this build, have it. */
int dq_simd_has(enum dq_simd simd);

/* What a queue is to use: AUTO becomes the best that there is. -EOPNOTSUPP: not here. */
int dq_simd_choose(enum dq_simd *simd, const char *where);

/* The word of the configuration. */
const char *dq_simd_name(enum dq_simd simd);

#endif
