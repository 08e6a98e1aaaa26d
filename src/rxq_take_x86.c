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

/* What a packet has besides what its completion tells: address, and a key that is always the same.
 */
static SSE42 inline __m128i rest_of(const uint64_t *slot, __m128i key)
{
	return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(const void *)slot), key);
}

static SSE42 inline __attribute__((always_inline)) uint32_t
take_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max, bool slots)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	const __m128i key = _mm_set1_epi64x((int64_t)dq_rx_key_set(q));
	/* From byte_cnt on: its bytes turned round; the tag's as they are, without the first. */
	const __m128i order = _mm_or_si128(
		_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 3, 2, 1, 0, -1, 13, 14, 15),
		_mm_set_epi64x((int64_t)dq_rx_key_hides(q), 0));
	const __m128i good = _mm_set1_epi32((int)((uint32_t)row.good << 24));
	const __m128i step = _mm_set_epi64x(0, q->stride);
	__m128i rest = _mm_unpacklo_epi64(_mm_cvtsi64_si128((int64_t)row.addr), key);
	__m128i sum = _mm_setzero_si128(), out;
	uint32_t left = row.left, n;

	for (; left >= 4 && four_good(row.cqe, good);
	     left -= 4, row.cqe += 4, row.slots += 4, pkts += 4) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
#pragma GCC unroll 4
		for (int i = 0; i < 4; i++) {
			out = _mm_shuffle_epi8(load16(row.cqe + i, BYTE_CNT), order);
			sum = _mm_add_epi32(sum, out);
			rest = slots ? rest_of(row.slots + i, key) : rest;
			_mm_storeu_si128((__m128i *)(void *)(pkts + i), _mm_or_si128(out, rest));
			rest = _mm_add_epi64(rest, step);
		}
	}
	n = row.left - left;
	dq_rx_row_taken(q, n, (uint32_t)_mm_extract_epi32(sum, 2));
	if (!left)
		return n;
	return n + (slots ? dq_rx_take_slots_portable : dq_rx_take_portable)(q, pkts, left);
}

SSE42 uint32_t dq_rx_take_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take_sse42(q, pkts, max, false);
}

SSE42 uint32_t dq_rx_take_slots_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take_sse42(q, pkts, max, true);
}

/* ---- AVX2 ------------------------------------------------------------------------------------ */

/* What two() makes of a completion: the tag's bytes as they are, without the first, if at all. */
static AVX2 inline __m256i order_for(const struct daqiri_rxq *q)
{
	const __m256i order =
		_mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 11, 10, 9, 8, -1, 13, 14, 15, -1,
				 -1, -1, -1, -1, -1, -1, -1, 11, 10, 9, 8, -1, 13, 14, 15);

	return _mm256_or_si256(order, _mm256_set1_epi64x((int64_t)dq_rx_key_hides(q)));
}

/* Two packets without their addresses, from the second halves of two completions. */
static AVX2 inline __m256i two(const struct mlx5_cqe64 *cqe, __m256i order)
{
	/* After unpacking: -, -, byte_cnt, byte_cnt, tag, tag, -, - */
	const __m256i gather = _mm256_setr_epi32(0, 0, 2, 4, 0, 0, 3, 5);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe, 32));
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)at(cqe + 1, 32));

	a = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi32(a, b), gather);
	return _mm256_shuffle_epi8(a, order);
}

/* Of four packets, by twos: their addresses, and a key that is always the same. */
struct rest {
	__m256i two[2];
};

static AVX2 inline struct rest rest_by_step(__m256i *next, __m256i step)
{
	struct rest rest = {{*next, _mm256_add_epi64(*next, step)}};

	*next = _mm256_add_epi64(rest.two[1], step);
	return rest;
}

static AVX2 inline struct rest rest_by_slot(const uint64_t *slots, __m256i key)
{
	__m256i addrs = _mm256_loadu_si256((const __m256i *)(const void *)slots);

	addrs = _mm256_permute4x64_epi64(addrs, _MM_SHUFFLE(3, 1, 2, 0));
	return (struct rest){
		{_mm256_unpacklo_epi64(addrs, key), _mm256_unpackhi_epi64(addrs, key)}};
}

/* Writes four packets; returns sums in which elements 2 and 6 are those of lengths. */
static AVX2 inline __m256i put_four(const struct mlx5_cqe64 *cqe, struct daqiri_pkt *pkts,
				    struct rest rest, __m256i order)
{
	__m256i a = two(cqe, order), b = two(cqe + 2, order);

	_mm256_storeu_si256((__m256i *)(void *)pkts, _mm256_or_si256(a, rest.two[0]));
	_mm256_storeu_si256((__m256i *)(void *)(pkts + 2), _mm256_or_si256(b, rest.two[1]));
	return _mm256_add_epi32(a, b);
}

static AVX2 inline __attribute__((always_inline)) uint32_t
take_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max, bool slots)
{
	struct dq_rx_row row = dq_rx_row(q, max);
	const __m256i good = _mm256_set1_epi32((int)((uint32_t)row.good << 24));
	const __m256i order = order_for(q);
	const __m256i step =
		_mm256_setr_epi64x((int64_t)2 * q->stride, 0, (int64_t)2 * q->stride, 0);
	const __m256i key = _mm256_set1_epi64x((int64_t)dq_rx_key_set(q));
	__m256i next = _mm256_unpacklo_epi64(
		_mm256_setr_epi64x((int64_t)row.addr, 0, (int64_t)row.addr + q->stride, 0), key);
	__m256i sum = _mm256_setzero_si256();
	uint32_t left = row.left, n;

	for (; left >= 8 && eight_good(row.cqe, good);
	     left -= 8, row.cqe += 8, row.slots += 8, pkts += 8) {
		/* Pairs with the device's write of the ownership bytes. */
		dq_from_device();
#pragma GCC unroll 2
		for (int i = 0; i < 8; i += 4) {
			struct rest rest = slots ? rest_by_slot(row.slots + i, key)
						 : rest_by_step(&next, step);

			sum = _mm256_add_epi32(sum, put_four(row.cqe + i, pkts + i, rest, order));
		}
	}
	n = row.left - left;
	dq_rx_row_taken(q, n, sum_of_lengths(sum));
	if (!left)
		return n;
	return n + (slots ? dq_rx_take_slots_portable : dq_rx_take_portable)(q, pkts, left);
}

AVX2 uint32_t dq_rx_take_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take_avx2(q, pkts, max, false);
}

AVX2 uint32_t dq_rx_take_slots_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max)
{
	return take_avx2(q, pkts, max, true);
}

#endif
