/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rxq_stride.h by SSE4.2, four completions at a time, and by AVX2, eight. First they look at the
 * ownership bytes of all of them, and at the last one's WQE: completions come in the order of WQEs,
 * so that those before it, which are not of an older WQE, are of that one too. A filler among them
 * is found when the packets are written already: they are written again, without it.
 */
#include "rxq_stride.h"
#include "rxq_take_x86.h"

#ifdef DQ_X86_SIMD

_Static_assert(offsetof(struct mlx5_cqe64, wqe_counter) == 60, "where the shuffles look");

/* What is left, but no more than one step of the vectors: the next row may be theirs again. */
static uint32_t take_rest(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t left)
{
	return dq_rx_stride_portable(q, pkts, left < 8 ? left : 8);
}

/* ---- SSE4.2 ---------------------------------------------------------------------------------- */

SSE42 uint32_t dq_rx_stride_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_stride_row row = dq_rx_stride_row(q, max);
	/* From byte_cnt on: its low half's bytes turned round; the tag's without the first. */
	const __m128i order = _mm_or_si128(
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 3, 2, -1, -1, -1, 13, 14, 15),
		_mm_set_epi64x((int64_t)dq_rx_key_hides(q), 0));
	/* From byte 48 on: the stride. */
	const __m128i index =
		_mm_setr_epi8(13, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m128i filler = _mm_set_epi32(0, 0, 0, 0x80);
	const __m128i good = _mm_set1_epi32((int)((uint32_t)row.good << 24));
	const __m128i base = _mm_set_epi64x((int64_t)dq_rx_key_set(q), (int64_t)row.base);
	const __m128i last = _mm_cvtsi32_si128(row.last);
	const __m128i shift = _mm_cvtsi32_si128(row.log_stride);
	__m128i sum = _mm_setzero_si128(), in, out, all, then;
	uint32_t left = row.left, n;

	for (; left >= 4 && four_good(row.cqe, good); left -= 4, row.cqe += 4, pkts += 4) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
		if (!dq_rx_stride_is_of(&row, &row.cqe[3]))
			break;
		all = _mm_setzero_si128();
		then = sum;
#pragma GCC unroll 4
		for (int i = 0; i < 4; i++) {
			in = load16(row.cqe + i, BYTE_CNT);
			all = _mm_or_si128(all, in);
			in = _mm_shuffle_epi8(in, order);
			then = _mm_add_epi32(then, in);
			out = _mm_shuffle_epi8(load16(row.cqe + i, 48), index);
			out = _mm_and_si128(out, last);
			out = _mm_add_epi64(_mm_sll_epi64(out, shift), base);
			_mm_storeu_si128((__m128i *)(void *)(pkts + i), _mm_or_si128(out, in));
		}
		if (!_mm_testz_si128(all, filler))
			break;
		sum = then;
	}
	n = row.left - left;
	if (n)
		dq_rx_stride_taken(q, n, (uint32_t)_mm_extract_epi32(sum, 2));
	return left ? n + take_rest(q, pkts, left) : n;
}

/* ---- AVX2 ------------------------------------------------------------------------------------ */

/* Of two completions: stride twice, byte_cnt and tag, of the one and of the other. */
static AVX2 inline __m256i two(const struct mlx5_cqe64 *cqe)
{
	/* After unpacking: -, -, byte_cnt, byte_cnt, tag, tag, stride, stride */
	const __m256i gather = _mm256_setr_epi32(6, 6, 2, 4, 7, 7, 3, 5);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe, 32));
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe + 1, 32));

	return _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi32(a, b), gather);
}

AVX2 uint32_t dq_rx_stride_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	struct dq_rx_stride_row row = dq_rx_stride_row(q, max);
	const int64_t key = (int64_t)dq_rx_key_set(q), hides = (int64_t)dq_rx_key_hides(q);
	const __m256i order = _mm256_or_si256(
		_mm256_setr_epi8(1, 0, -1, -1, -1, -1, -1, -1, 11, 10, -1, -1, -1, 13, 14, 15, 1, 0,
				 -1, -1, -1, -1, -1, -1, 11, 10, -1, -1, -1, 13, 14, 15),
		_mm256_set_epi64x(hides, 0, hides, 0));
	const __m256i filler = _mm256_set_epi32(0, 0x80, 0, 0, 0, 0x80, 0, 0);
	const __m256i good = _mm256_set1_epi32((int)((uint32_t)row.good << 24));
	const __m256i base = _mm256_set_epi64x(key, (int64_t)row.base, key, (int64_t)row.base);
	const __m256i last = _mm256_set_epi64x(-1, row.last, -1, row.last);
	const __m256i shift = _mm256_set_epi64x(0, row.log_stride, 0, row.log_stride);
	__m256i sum = _mm256_setzero_si256(), in, all, then;
	uint32_t left = row.left, n;

	for (; left >= 8 && eight_good(row.cqe, good); left -= 8, row.cqe += 8, pkts += 8) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
		if (!dq_rx_stride_is_of(&row, &row.cqe[7]))
			break;
		all = _mm256_setzero_si256();
		then = sum;
#pragma GCC unroll 4
		for (int i = 0; i < 8; i += 2) {
			in = two(row.cqe + i);
			all = _mm256_or_si256(all, in);
			in = _mm256_shuffle_epi8(in, order);
			then = _mm256_add_epi32(then, in);
			in = _mm256_and_si256(in, last);
			in = _mm256_add_epi64(_mm256_sllv_epi64(in, shift), base);
			_mm256_storeu_si256((__m256i *)(void *)(pkts + i), in);
		}
		if (!_mm256_testz_si256(all, filler))
			break;
		sum = then;
	}
	n = row.left - left;
	if (n)
		dq_rx_stride_taken(q, n, sum_of_lengths(sum));
	return left ? n + take_rest(q, pkts, left) : n;
}

#endif
