/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WQEs of pointers by SSE4.2 and AVX2. A packet is a pointer with its halves exchanged
 * and its numbers turned round: one shuffle. Lengths are summed in 32 bits: at most
 * 8192 frames are summed up at once, a quarter of the largest ring, and a NIC sends none of 512
 * KiB.
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

/* ---- AVX2 ------------------------------------------------------------------------------------ */

static AVX2 inline __m256i pair(const struct daqiri_pkt *pkts)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)pkts);
}

struct sums_avx2 {
	__m256i base; /* first slot's address, four times */
	__m256i len;  /* dwords 2 and 6 count */
	__m256i far;  /* of distances from it and slot_near, the largest high and low halves */
	__m256i order;
};

static AVX2 inline __m256i four_of(const uint64_t numbers[4])
{
	return _mm256_loadu_si256((const __m256i *)(const void *)numbers);
}

static AVX2 inline struct sums_avx2 sums_none_avx2(const struct daqiri_txq *q)
{
	struct sums_avx2 sums = {.base = _mm256_set1_epi64x((int64_t)q->slot_base),
				 .len = _mm256_setzero_si256(),
				 .far = four_of(q->slot_near),
				 .order = _mm256_setr_epi8(SEG_ORDER, SEG_ORDER)};

	return sums;
}

static AVX2 inline uint64_t sums_bytes_avx2(const struct sums_avx2 *sums)
{
	__m128i len = _mm_add_epi32(_mm256_castsi256_si128(sums->len),
				    _mm256_extracti128_si256(sums->len, 1));

	return (uint32_t)_mm_extract_epi32(len, 2);
}

static AVX2 inline bool sums_far_avx2(const struct daqiri_txq *q, const struct sums_avx2 *sums)
{
	__m256i differ = _mm256_xor_si256(sums->far, four_of(q->slot_near));

	return !_mm256_testz_si256(differ, differ);
}

static AVX2 inline void put_pair(const struct sums_avx2 *sums, uint8_t *seg, __m256i packets)
{
	_mm256_storeu_si256((__m256i *)(void *)seg, _mm256_shuffle_epi8(packets, sums->order));
}

/*
 * _mm256_add_epi32() and _mm256_max_epu32() in place, and one after the other: compilers make trees
 * of many, for which registers are few.
 */
static AVX2 inline __attribute__((always_inline)) void add_avx2(__m256i *sum, __m256i v)
{
	__asm__("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(v));
}

static AVX2 inline __attribute__((always_inline)) void max_avx2(__m256i *max, __m256i v)
{
	__asm__("vpmaxud %1, %0, %0" : "+x"(*max) : "x"(v));
}

static AVX2 inline __attribute__((always_inline)) void
four_avx2(struct sums_avx2 *sums, uint8_t *seg, const struct daqiri_pkt *pkts)
{
	__m256i a = pair(pkts), b = pair(pkts + 2);
	__m256i addr = _mm256_unpacklo_epi64(a, b);

	put_pair(sums, seg, a);
	put_pair(sums, seg + (size_t)2 * DQ_SEG, b);
	add_avx2(&sums->len, _mm256_add_epi32(a, b));
	max_avx2(&sums->far, _mm256_sub_epi64(addr, sums->base));
}

static AVX2 inline void two_avx2(struct sums_avx2 *sums, uint8_t *seg,
				 const struct daqiri_pkt *pkts)
{
	const __m256i order = _mm256_setr_epi8(SEG_ORDER, SEG_ORDER);
	__m256i a = pair(pkts);
	__m256i addr = _mm256_unpacklo_epi64(a, a);

	_mm256_storeu_si256((__m256i *)(void *)seg, _mm256_shuffle_epi8(a, order));
	add_avx2(&sums->len, a);
	max_avx2(&sums->far, _mm256_sub_epi64(addr, sums->base));
}

/* A packet beside nothing: no register's upper half is left as it happened to be. */
static AVX2 inline __m256i widen(__m128i packet)
{
	__m256i wide;

	/* _mm256_zextsi128_si256(), which GCC has from 10 on */
	__asm__("vmovdqa %1, %x0" : "=x"(wide) : "x"(packet));
	return wide;
}

static AVX2 inline void put_one_avx2(struct sums_avx2 *sums, uint8_t *seg,
				     const struct daqiri_pkt *pkt)
{
	const __m128i order = _mm_setr_epi8(SEG_ORDER);
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)pkt);
	__m256i addr = _mm256_broadcastq_epi64(a);

	_mm_storeu_si128((__m128i *)(void *)seg, _mm_shuffle_epi8(a, order));
	add_avx2(&sums->len, widen(a));
	max_avx2(&sums->far, _mm256_sub_epi64(addr, sums->base));
}

/* Fours that lie at distances which are known here. */
static AVX2 inline __attribute__((always_inline)) void
fours_avx2(struct sums_avx2 *sums, uint8_t *seg, const struct daqiri_pkt *pkts, size_t n)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < n; i += 4)
		four_avx2(sums, seg + i * DQ_SEG, pkts + i);
}

/* Fewer than 16 packets. */
static AVX2 inline __attribute__((always_inline)) void
put_few_avx2(struct sums_avx2 *sums, uint8_t *seg, const struct daqiri_pkt *pkts, size_t n)
{
	if (n & 8) {
		fours_avx2(sums, seg, pkts, 8);
		seg += (size_t)8 * DQ_SEG;
		pkts += 8;
	}
	if (n & 4) {
		fours_avx2(sums, seg, pkts, 4);
		seg += (size_t)4 * DQ_SEG;
		pkts += 4;
	}
	if (n & 2)
		two_avx2(sums, seg, pkts);
	if (n & 1)
		put_one_avx2(sums, seg + (n & 2) * DQ_SEG, pkts + (n & 2));
}

/* By the powers of two that n is the sum of: bursts have few, and there is no loop to be kept. */
static AVX2 inline __attribute__((always_inline)) void
put_ptrs_avx2(struct sums_avx2 *sums, uint8_t *seg, const struct daqiri_pkt *pkts, size_t n)
{
	if (__builtin_expect((n & 32) != 0, 1))
		fours_avx2(sums, seg, pkts, 32);
	if (!(n & 31))
		return;
	seg += (n & ~(size_t)31) * DQ_SEG;
	pkts += n & ~(size_t)31;
	if (n & 16) {
		fours_avx2(sums, seg, pkts, 16);
		seg += (size_t)16 * DQ_SEG;
		pkts += 16;
	}
	if (n & 15)
		put_few_avx2(sums, seg, pkts, n);
}

_Static_assert(DQ_EMPW_MAX_PTRS < 64, "all bits that n may have are asked for");

static AVX2 inline __attribute__((always_inline)) void
put_full_avx2(struct sums_avx2 *sums, uint8_t *seg, const struct daqiri_pkt *pkts)
{
	put_ptrs_avx2(sums, seg, pkts, DQ_TX_FULL);
}

/* As dq_wqe_head(): both segments at once, then what is not the same in all. */
static AVX2 inline void put_head_avx2(uint8_t *wqe, __be64 head,
				      const struct dq_wqe_model *model)
{
	__m256i both = _mm256_load_si256((const __m256i *)(const void *)model->bytes);

	_mm256_storeu_si256((__m256i *)(void *)wqe, both);
	memcpy(wqe, &head, sizeof(head));
}

AVX2 int dq_tx_show_avx2(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			 uint32_t n)
{
	uint64_t addr = q->slot_base + (uint64_t)slot * q->slot_stride;
	int shown = (int)n;
	__m256i two = _mm256_broadcastsi128_si256(_mm_cvtsi64_si128((int64_t)addr));
	__m256i steps = four_of(q->slot_steps);

	two = _mm256_add_epi64(two, four_of(q->slot_two));
	for (; n >= 16; n -= 16, pkts += 16) {
#pragma GCC unroll 8
		for (uint32_t i = 0; i < 16; i += 2) {
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

/* ---- SSE4.2 ---------------------------------------------------------------------------------- */

struct sums_sse42 {
	__m128i base, len, far; /* as those of AVX2; low halves of base and far */
};

static SSE42 inline struct sums_sse42 sums_none_sse42(const struct daqiri_txq *q)
{
	return (struct sums_sse42){.base = _mm_cvtsi64_si128((int64_t)q->slot_base),
				   .len = _mm_setzero_si128(),
				   .far = _mm_cvtsi64_si128((int64_t)q->slot_near[0])};
}

static SSE42 inline uint64_t sums_bytes_sse42(const struct sums_sse42 *sums)
{
	return (uint32_t)_mm_extract_epi32(sums->len, 2);
}

static SSE42 inline bool sums_far_sse42(const struct daqiri_txq *q, const struct sums_sse42 *sums)
{
	return (uint64_t)_mm_cvtsi128_si64(sums->far) != q->slot_near[0];
}

static SSE42 inline void put_one_sse42(struct sums_sse42 *sums, uint8_t *seg,
				       const struct daqiri_pkt *pkt)
{
	const __m128i order = _mm_setr_epi8(SEG_ORDER);
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)pkt);

	_mm_storeu_si128((__m128i *)(void *)seg, _mm_shuffle_epi8(a, order));
	sums->len = _mm_add_epi32(sums->len, a);
	sums->far = _mm_max_epu32(sums->far, _mm_sub_epi64(a, sums->base));
}

static SSE42 inline __attribute__((always_inline)) void
put_ptrs_sse42(struct sums_sse42 *sums, uint8_t *seg, const struct daqiri_pkt *pkts, size_t n)
{
	const struct daqiri_pkt *end = pkts + (n & ~(size_t)3);

	for (; pkts != end; pkts += 4, seg += (size_t)4 * DQ_SEG) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < 4; i++)
			put_one_sse42(sums, seg + (size_t)i * DQ_SEG, pkts + i);
	}
	for (end += n & 3; pkts != end; pkts++, seg += DQ_SEG)
		put_one_sse42(sums, seg, pkts);
}

static SSE42 inline __attribute__((always_inline)) void
put_full_sse42(struct sums_sse42 *sums, uint8_t *seg, const struct daqiri_pkt *pkts)
{
	put_ptrs_sse42(sums, seg, pkts, DQ_TX_FULL);
}

#define put_head_sse42 dq_wqe_head

#define DQ_TARGET    SSE42
#define DQ_WAY(name) name##_sse42
#include "txq_write.h"
#undef DQ_TARGET
#undef DQ_WAY
#define DQ_TARGET    AVX2
#define DQ_WAY(name) name##_avx2
#include "txq_write.h"

#endif
