/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to tell of packets by AVX2 have in common. */
#ifndef DQ_RXQ_META_X86_H
#define DQ_RXQ_META_X86_H

#include "rxq.h"

#ifdef DQ_X86_SIMD

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

static AVX2 inline __m256i dq_load32(const void *at)
{
	return _mm256_loadu_si256(at);
}

/* To shuffle hashes as completions have them into numbers; into 0 where none was asked for. */
static AVX2 inline __m256i dq_hash_order(const struct dq_rx_ask *ask)
{
	const __m256i order =
		_mm256_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3, 2, 1, 0,
				 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);

	return _mm256_or_si256(_mm256_set1_epi32((int)ask->no_hash), order);
}

/* Two neighbours: hash, flow, status, 0 of each; all but the times. */
static AVX2 inline void dq_put_two_meta(struct daqiri_rx_meta *meta, __m256i two)
{
	_mm_storeu_si128((void *)&meta[0].hash, _mm256_castsi256_si128(two));
	_mm_storeu_si128((void *)&meta[1].hash, _mm256_extracti128_si256(two, 1));
}

/* Two stores for each pair, and one for both its times, which are 0. */
static AVX2 inline void dq_put_two_untimed(struct daqiri_rx_meta *meta, __m256i two)
{
	_mm256_storeu_si256((void *)meta, _mm256_setzero_si256());
	dq_put_two_meta(meta, two);
}

#endif

#endif
