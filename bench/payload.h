/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the UDP header: our mark, 18 bytes, then a pattern to the frame's end.
 *
 *   0   12 bits magic, 4 bits type
 *   2   stream id, 16 bits
 *   4   sequence number, 48 bits; in an end frame: how many data frames were sent
 *   10  time of sending, 48 bits of CLOCK_MONOTONIC in nanoseconds; 0: not told
 *   16  check, 16 bits, over the mark and the L3 and L4 headers
 *
 * All big endian. The check is the exclusive or of its input cut into 16-bit words, each 64 bits of
 * the input turned by another distance: any one wrong byte, and any run of up to 16 wrong bits,
 * changes it. The pattern is a function of stream id and sequence number alone, so that the
 * receiver compares every byte of it.
 */
#ifndef PERF_PAYLOAD_H
#define PERF_PAYLOAD_H

#include "bytes.h"

#define PERF_MARK_LEN  18u
#define PERF_MAGIC     0xda9u
#define PERF_SEQ_MASK  ((1ull << 48) - 1)
#define PERF_TIME_MASK ((1ull << 48) - 1)

enum perf_type { PERF_DATA = 1, PERF_END = 2 };

struct perf_mark {
	enum perf_type type;
	uint16_t stream;
	uint64_t seq;
	uint64_t time_ns;
};

PERF_FN uint16_t perf_fold(uint64_t v)
{
	v ^= v >> 32;
	v ^= v >> 16;
	return (uint16_t)v;
}

/* headers: perf_headers_sum() of the frame's L3 and L4 headers. */
PERF_FN uint16_t perf_mark_check(uint64_t w0, uint64_t w1, uint64_t headers)
{
	return perf_fold(w0 ^ perf_turn(w1, 5) ^ headers) ^ 0x5aa5;
}

PERF_FN void perf_mark_put(uint8_t *p, const struct perf_mark *m, uint64_t headers)
{
	uint64_t w0 = (uint64_t)PERF_MAGIC << 52 | (uint64_t)m->type << 48 |
		      (uint64_t)m->stream << 32 | (m->seq >> 16 & 0xffffffff);
	uint64_t w1 = m->seq << 48 | (m->time_ns & PERF_TIME_MASK);

	perf_store64(p, w0);
	perf_store64(p + 8, w1);
	perf_store16(p + 16, perf_mark_check(w0, w1, headers));
}

/* Takes the mark apart, whatever it holds. Returns whether its check is right. */
PERF_FN bool perf_mark_get(const uint8_t *p, struct perf_mark *m, uint64_t headers)
{
	uint64_t w0 = perf_load64(p), w1 = perf_load64(p + 8);

	m->type = (enum perf_type)(w0 >> 48 & 15);
	m->stream = (uint16_t)(w0 >> 32);
	m->seq = (w0 & 0xffffffff) << 16 | w1 >> 48;
	m->time_ns = w1 & PERF_TIME_MASK;
	return perf_load16(p + 16) == perf_mark_check(w0, w1, headers) && w0 >> 52 == PERF_MAGIC &&
	       (m->type == PERF_DATA || m->type == PERF_END);
}

/* Whether a mark that need not be whole was meant to be one. */
PERF_FN bool perf_mark_likely(const uint8_t *p)
{
	return perf_load16(p) >> 4 == PERF_MAGIC;
}

/* The first word of a frame's pattern; each further one is PERF_STEP more. */
#define PERF_STEP 0x9e3779b97f4a7c15ull

PERF_FN uint64_t perf_pattern_seed(uint16_t stream, uint64_t seq)
{
	uint64_t v = (seq ^ (uint64_t)stream << 48) * 0xd6e8feb86659fd93ull;

	return v ^ v >> 32;
}

#ifndef PERF_DEVICE
PERF_FN void perf_pattern_fill(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t le;

	for (; len >= 8; len -= 8, p += 8, seed += PERF_STEP) {
		le = htole64(seed);
		memcpy(p, &le, 8);
	}
	le = htole64(seed);
	memcpy(p, &le, len);
}

PERF_FN bool perf_pattern_equal(const uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t wrong = 0, got, le;

	for (; len >= 8; len -= 8, p += 8, seed += PERF_STEP) {
		memcpy(&got, p, 8);
		wrong |= got ^ htole64(seed);
	}
	le = htole64(seed);
	return !wrong && !memcmp(p, &le, len);
}

#endif /* PERF_DEVICE */

#endif
