/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers at random, the same in each run. */
#ifndef TEST_NOISE_H
#define TEST_NOISE_H

#include <stdint.h>

/* xorshift64; *state is not 0 */
static inline uint64_t noise64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static inline uint32_t noise32(uint64_t *state)
{
	return (uint32_t)(noise64(state) >> 16);
}

#endif
