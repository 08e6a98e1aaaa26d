/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rxq_take.h by SSE4.2, four completions at a time, and by AVX2, eight. Both first look at the
 * ownership bytes of all of them, and read what else they need only then: x86 keeps loads in order.
 * Lengths are summed in 32 bits: a row has at most 32768 frames, of at most 64 KiB.
 */
#include "rxq_take.h"
#include "rxq_take_x86.h"

#ifdef DQ_X86_SIMD

/* ---- SSE4.2 ---------------------------------------------------------------------------------- */

SSE42 uint32_t dq_rx_take_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	/* From byte_cnt on: its bytes turned round; the tag's as they are, without the first. */
	const __m128i order =
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 3, 2, 1, 0, -1, 13, 14, 15);
	const __m128i good = _mm_set1_epi32((int)((uint32_t)row.good << 24));
	const __m128i step = _mm_set_epi64x(0, q->stride);
	__m128i addr = _mm_set_epi64x(0, (int64_t)row.addr), sum = _mm_setzero_si128(), out;
	uint32_t left = row.left, n;

	for (; left >= 4 && four_good(row.cqe, good); left -= 4, row.cqe += 4, pkts += 4) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
#pragma GCC unroll 4
		for (int i = 0; i < 4; i++) {
			out = _mm_shuffle_epi8(load16(row.cqe + i, BYTE_CNT), order);
			sum = _mm_add_epi32(sum, out);
			_mm_storeu_si128((__m128i *)(void *)(pkts + i), _mm_or_si128(out, addr));
			addr = _mm_add_epi64(addr, step);
		}
	}
	n = row.left - left;
	dq_rx_row_taken(q, n, (uint32_t)_mm_extract_epi32(sum, 2));
	return left ? n + dq_rx_take_portable(q, pkts, left) : n;
}

/* ---- AVX2 ------------------------------------------------------------------------------------ */

/* Two packets without their addresses, from the second halves of two completions. */
static AVX2 inline __m256i two(const struct mlx5_cqe64 *cqe)
{
	/* After unpacking: -, -, byte_cnt, byte_cnt, tag, tag, -, - */
	const __m256i gather = _mm256_setr_epi32(0, 0, 2, 4, 0, 0, 3, 5);
	const __m256i order =
		_mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 11, 10, 9, 8, -1, 13, 14, 15, -1,
				 -1, -1, -1, -1, -1, -1, -1, 11, 10, 9, 8, -1, 13, 14, 15);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe, 32));
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe + 1, 32));

	a = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi32(a, b), gather);
	return _mm256_shuffle_epi8(a, order);
}

AVX2 uint32_t dq_rx_take_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	const __m256i good = _mm256_set1_epi32((int)((uint32_t)row.good << 24));
	const __m256i step =
		_mm256_setr_epi64x((int64_t)2 * q->stride, 0, (int64_t)2 * q->stride, 0);
	__m256i addr = _mm256_setr_epi64x((int64_t)row.addr, 0, (int64_t)row.addr + q->stride, 0);
	__m256i sum = _mm256_setzero_si256(), out;
	uint32_t left = row.left, n;

	for (; left >= 8 && eight_good(row.cqe, good); left -= 8, row.cqe += 8, pkts += 8) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
#pragma GCC unroll 4
		for (int i = 0; i < 8; i += 2) {
			out = two(row.cqe + i);
			sum = _mm256_add_epi32(sum, out);
			out = _mm256_or_si256(out, addr);
			_mm256_storeu_si256((__m256i *)(void *)(pkts + i), out);
			addr = _mm256_add_epi64(addr, step);
		}
	}
	n = row.left - left;
	dq_rx_row_taken(q, n, sum_of_lengths(sum));
	return left ? n + dq_rx_take_portable(q, pkts, left) : n;
}

#endif
