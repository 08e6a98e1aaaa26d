/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames cut in two by AVX2, two at once: where the stride of headers is a power of two, so that
 * their numbers come of a shift.
 */
#include "rxq_split.h"

#ifdef DQ_X86_SIMD

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

_Static_assert(offsetof(struct daqiri_pkt, addr) == 0 && offsetof(struct daqiri_pkt, len) == 8 &&
		       offsetof(struct daqiri_pkt, key) == 12,
	       "where numbers are in a vector");

/* What is the same for all packets. */
struct cutter {
	__m256i base, first, stride; /* of headers, and of payloads: in each 64 bits */
	__m256i most;		     /* of a header: at in the lengths, all ones elsewhere */
	__m256i key_has, key_set;    /* 0 but in the keys */
	__m128i shift;
};

static AVX2 inline __m256i in_keys(daqiri_key key)
{
	return _mm256_set1_epi64x((int64_t)((uint64_t)key << 32));
}

static AVX2 inline struct cutter cutter_of(const struct daqiri_rxq *q)
{
	const struct dq_rx_split *split = q->split;
	const int at = (int)split->at;
	struct cutter c = {
		.base = _mm256_set1_epi64x((int64_t)q->base),
		.first = _mm256_set1_epi64x((int64_t)split->base),
		.stride = _mm256_set1_epi64x(split->stride),
		.most = _mm256_setr_epi32(-1, -1, at, -1, -1, -1, at, -1),
		.key_has =
			_mm256_blend_epi32(in_keys(split->key_has), _mm256_setzero_si256(), 0x33),
		.key_set =
			_mm256_blend_epi32(in_keys(split->key_set), _mm256_setzero_si256(), 0x33),
		.shift = _mm_cvtsi32_si128(split->log),
	};

	return c;
}

static AVX2 inline void cut_two(const struct cutter *c, struct daqiri_pkt *heads,
				struct daqiri_pkt *payloads)
{
	__m256i whole = _mm256_loadu_si256((const __m256i *)(const void *)heads);
	__m256i head = _mm256_min_epu32(whole, c->most);
	__m256i buf = _mm256_srl_epi64(_mm256_sub_epi64(whole, c->base), c->shift);
	__m256i addr = _mm256_add_epi64(_mm256_mul_epu32(buf, c->stride), c->first);
	/* Of the lengths what is left, of all else 0. */
	__m256i rest = _mm256_sub_epi32(whole, head);

	rest = _mm256_or_si256(rest, _mm256_and_si256(whole, c->key_has));
	rest = _mm256_or_si256(rest, c->key_set);
	_mm256_storeu_si256((__m256i *)(void *)heads, head);
	_mm256_storeu_si256((__m256i *)(void *)payloads, _mm256_blend_epi32(rest, addr, 0x33));
}

AVX2 void dq_rx_split_cut_avx2(const struct daqiri_rxq *q, struct daqiri_pkt *heads,
			       struct daqiri_pkt *payloads, uint32_t n)
{
	struct cutter c;
	uint32_t i = 0;

	/* They are not worth the making of a cutter. */
	if (n < 4) {
		dq_rx_split_cut_portable(q, heads, payloads, n);
		return;
	}
	c = cutter_of(q);
	for (; i + 2 <= n; i += 2)
		cut_two(&c, heads + i, payloads + i);
	if (i < n)
		dq_rx_split_cut_portable(q, heads + i, payloads + i, 1);
}

#endif
