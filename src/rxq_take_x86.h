/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to take completions by SSE4.2 and AVX2 have in common. */
#ifndef DQ_RXQ_TAKE_X86_H
#define DQ_RXQ_TAKE_X86_H

#include "mlx5_cqe.h"
#include "rxq.h"

#ifdef DQ_X86_SIMD

#include <immintrin.h>

enum {
	BYTE_CNT = offsetof(struct mlx5_cqe64, byte_cnt),
	OP_OWN_WORD = offsetof(struct mlx5_cqe64, op_own) - 3,
	TAG = offsetof(struct mlx5_cqe64, sop_drop_qpn)
};

_Static_assert(BYTE_CNT == 44 && TAG == 56 && OP_OWN_WORD == 60, "where the shuffles look");
_Static_assert(offsetof(struct daqiri_pkt, len) == 8 && offsetof(struct daqiri_pkt, key) == 12,
	       "where they put it");

#define SSE42 __attribute__((target("sse4.2")))
#define AVX2  __attribute__((target("avx2")))

static inline const uint8_t *at(const struct mlx5_cqe64 *cqe, size_t offset)
{
	return (const uint8_t *)cqe + offset;
}

static SSE42 inline __m128i load16(const struct mlx5_cqe64 *cqe, size_t offset)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at(cqe, offset));
}

/* The last four bytes of each of four completions; the last of them is op_own. */
static SSE42 inline __m128i last_words(const struct mlx5_cqe64 *cqe)
{
	__m128i a = _mm_unpackhi_epi32(load16(cqe, 48), load16(cqe + 1, 48));
	__m128i b = _mm_unpackhi_epi32(load16(cqe + 2, 48), load16(cqe + 3, 48));

	return _mm_unpackhi_epi64(a, b);
}

static SSE42 inline bool four_good(const struct mlx5_cqe64 *cqe, __m128i good)
{
	const __m128i mask = _mm_set1_epi32((int)((uint32_t)DQ_CQE_OPCODE_OWNER << 24));

	return _mm_testz_si128(_mm_xor_si128(last_words(cqe), good), mask);
}

static AVX2 inline bool eight_good(const struct mlx5_cqe64 *cqe, __m256i good)
{
	const __m256i mask = _mm256_set1_epi32((int)((uint32_t)DQ_CQE_OPCODE_OWNER << 24));
	__m256i words = _mm256_set_m128i(last_words(cqe + 4), last_words(cqe));

	return _mm256_testz_si256(_mm256_xor_si256(words, good), mask);
}

static AVX2 inline uint32_t sum_of_lengths(__m256i sum)
{
	__m128i both = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

	return (uint32_t)_mm_extract_epi32(both, 2);
}

#endif

#endif
