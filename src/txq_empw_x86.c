/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enhanced multi-packet sends by SSE4.2 and AVX2. A packet is a pointer with its halves exchanged
 * and its numbers turned round: one shuffle. Lengths are summed in 32 bits: a WQE has at most 58
 * frames, and a NIC sends none of 64 MiB.
 */
#include "txq_wqe.h"

#ifdef DQ_X86_SIMD

#include <immintrin.h>

#define SSE42 __attribute__((target("sse4.2")))
#define AVX2  __attribute__((target("avx2")))

/* len and addr turned round, the key as it is: struct mlx5_wqe_data_seg */
#define SEG_ORDER 11, 10, 9, 8, 12, 13, 14, 15, 7, 6, 5, 4, 3, 2, 1, 0

_Static_assert(offsetof(struct mlx5_wqe_data_seg, byte_count) == 0 &&
		       offsetof(struct mlx5_wqe_data_seg, lkey) == 4 &&
		       offsetof(struct mlx5_wqe_data_seg, addr) == 8,
	       "where the shuffle puts them");
_Static_assert(offsetof(struct daqiri_pkt, addr) == 0 && offsetof(struct daqiri_pkt, len) == 8 &&
		       offsetof(struct daqiri_pkt, key) == 12,
	       "where it finds them");

/*
 * far: of packets' distances from the first slot, the largest high and low halves in each quarter.
 * A number of these halves is not below any of the distances, so where none of the four reaches the
 * end of the slots, all packets lie in them. Otherwise they are counted.
 */
static AVX2 inline bool all_near(const struct daqiri_txq *q, __m256i far)
{
	__m256i less = _mm256_sub_epi64(far, _mm256_set1_epi64x((int64_t)q->slot_bytes));

	/* Not negative, so below 2^63; and negative when the size is taken from it. */
	return _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_andnot_si256(far, less))) == 0xf;
}

static AVX2 inline __m256i pair(const struct daqiri_pkt *pkts)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)pkts);
}

static AVX2 inline void put_pair(uint8_t *seg, __m256i packets)
{
	const __m256i order = _mm256_setr_epi8(SEG_ORDER, SEG_ORDER);

	_mm256_storeu_si256((__m256i *)(void *)seg, _mm256_shuffle_epi8(packets, order));
}

struct sums_avx2 {
	__m256i base; /* first slot's address, four times */
	__m256i len;  /* dwords 2 and 6 count */
	__m256i far;
};

static AVX2 inline void four_avx2(struct sums_avx2 *sums, uint8_t *seg,
				  const struct daqiri_pkt *pkts)
{
	__m256i a = pair(pkts), b = pair(pkts + 2);
	__m256i addr = _mm256_unpacklo_epi64(a, b);

	put_pair(seg, a);
	put_pair(seg + (size_t)2 * DQ_SEG, b);
	sums->len = _mm256_add_epi32(sums->len, _mm256_add_epi32(a, b));
	sums->far = _mm256_max_epu32(sums->far, _mm256_sub_epi64(addr, sums->base));
}

/* The same of one packet, twice. */
static AVX2 inline void one_avx2(struct sums_avx2 *sums, uint8_t *seg,
				 const struct daqiri_pkt *pkts)
{
	const __m128i order = _mm_setr_epi8(SEG_ORDER);
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)pkts);
	__m256i addr = _mm256_broadcastq_epi64(a);

	_mm_storeu_si128((__m128i *)(void *)seg, _mm_shuffle_epi8(a, order));
	sums->len = _mm256_add_epi32(sums->len, _mm256_zextsi128_si256(a));
	sums->far = _mm256_max_epu32(sums->far, _mm256_sub_epi64(addr, sums->base));
}

static AVX2 inline __attribute__((always_inline)) struct dq_tx_sums
write_ptrs_avx2(const struct daqiri_txq *q, uint8_t *seg, const struct daqiri_pkt *pkts, uint32_t n)
{
	struct sums_avx2 sums = {.base = _mm256_set1_epi64x((int64_t)q->slot_base),
				 .len = _mm256_setzero_si256(),
				 .far = _mm256_setzero_si256()};
	const struct daqiri_pkt *end = pkts + (n & ~15u);
	__m128i len;

	for (; pkts != end; pkts += 16, seg += (size_t)16 * DQ_SEG) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 16; i += 4)
			four_avx2(&sums, seg + (size_t)i * DQ_SEG, pkts + i);
	}
	if (n & 15) {
		for (end += n & 12; pkts != end; pkts += 4, seg += (size_t)4 * DQ_SEG)
			four_avx2(&sums, seg, pkts);
		for (end += n & 3; pkts != end; pkts++, seg += DQ_SEG)
			one_avx2(&sums, seg, pkts);
	}
	len = _mm_add_epi32(_mm256_castsi256_si128(sums.len),
			    _mm256_extracti128_si256(sums.len, 1));
	return (struct dq_tx_sums){.bytes = (uint32_t)_mm_extract_epi32(len, 2),
				   .slots = n,
				   .near = all_near(q, sums.far)};
}

AVX2 int dq_tx_show_avx2(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			 uint32_t n)
{
	uint64_t addr = q->slot_base + (uint64_t)slot * q->slot_stride;
	int64_t rest = (int64_t)((uint64_t)q->slot_key << 32 | q->slot_size);
	int64_t step = q->slot_stride;
	int shown = (int)n;
	__m256i two = _mm256_setr_epi64x((int64_t)addr, rest, (int64_t)addr + step, rest);
	__m256i steps = _mm256_setr_epi64x(2 * step, 0, 2 * step, 0);

	for (; n >= 8; n -= 8, pkts += 8) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 8; i += 2) {
			_mm256_storeu_si256((__m256i *)(void *)(pkts + i), two);
			two = _mm256_add_epi64(two, steps);
		}
	}
	for (; n >= 2; n -= 2, pkts += 2) {
		_mm256_storeu_si256((__m256i *)(void *)pkts, two);
		two = _mm256_add_epi64(two, steps);
	}
	if (n)
		_mm_storeu_si128((__m128i *)(void *)pkts, _mm256_castsi256_si128(two));
	return shown;
}

static SSE42 inline __attribute__((always_inline)) struct dq_tx_sums
write_ptrs_sse42(const struct daqiri_txq *q, uint8_t *seg, const struct daqiri_pkt *pkts,
		 uint32_t n)
{
	const __m128i order = _mm_setr_epi8(SEG_ORDER),
		      base = _mm_set1_epi64x((int64_t)q->slot_base);
	__m128i len = _mm_setzero_si128(), far = len;

	for (uint32_t i = 0; i < n; i++, seg += DQ_SEG) {
		__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(pkts + i));

		_mm_storeu_si128((__m128i *)(void *)seg, _mm_shuffle_epi8(a, order));
		len = _mm_add_epi32(len, a);
		far = _mm_max_epu32(far, _mm_sub_epi64(a, base));
	}
	/* As all_near(); only the low half is of addresses. */
	return (struct dq_tx_sums){.bytes = (uint32_t)_mm_extract_epi32(len, 2),
				   .slots = n,
				   .near = (uint64_t)_mm_cvtsi128_si64(far) < q->slot_bytes};
}

#define DQ_TARGET     SSE42
#define DQ_EMPW(name) name##_sse42
#include "txq_empw.h"
#undef DQ_TARGET
#undef DQ_EMPW
#define DQ_TARGET     AVX2
#define DQ_EMPW(name) name##_avx2
#include "txq_empw.h"

#endif
