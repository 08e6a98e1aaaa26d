/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Big-endian numbers at any address, for the CPU, and with PERF_DEVICE for code of a GPU that is
 * compiled without a toolkit's headers: there no function of the C library can be called.
 */
#ifndef PERF_BYTES_H
#define PERF_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef PERF_DEVICE
#define PERF_FN static inline __attribute__((device))

PERF_FN uint64_t perf_load64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

PERF_FN void perf_store64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}
#else
#include <endian.h>
#include <string.h>

#define PERF_FN static inline

PERF_FN uint64_t perf_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return be64toh(v);
}

PERF_FN void perf_store64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}
#endif

PERF_FN uint16_t perf_load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

PERF_FN void perf_store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8 & 0xff);
	p[1] = (uint8_t)(v & 0xff);
}

/* n in 1..63. */
PERF_FN uint64_t perf_turn(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

#endif
