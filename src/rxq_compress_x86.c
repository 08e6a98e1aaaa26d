/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rxq_compress.c by AVX2: whole arrays, eight packets at a time. In a vector of four packets their
 * order is 0 2 | 1 3, so that unpacking makes neighbours of it.
 */
#include <config.h>

#include "rxq_minis.h"

#ifdef DQ_X86_SIMD

#include <immintrin.h>
#include <string.h>

#include "rxq_meta_x86.h"

static AVX2 inline __m256i in_order(const void *four)
{
	return _mm256_permute4x64_epi64(dq_load32(four), _MM_SHUFFLE(3, 1, 2, 0));
}

/* Lengths, with nothing where keys belong, of four small completions. */
static AVX2 inline __m256i lengths(__m256i minis)
{
	const __m256i order =
		_mm256_setr_epi8(7, 6, 5, 4, -1, -1, -1, -1, 15, 14, 13, 12, -1, -1, -1, -1, 7, 6,
				 5, 4, -1, -1, -1, -1, 15, 14, 13, 12, -1, -1, -1, -1);

	return _mm256_shuffle_epi8(minis, order);
}

static AVX2 inline void put_four(struct daqiri_pkt *pkts, __m256i lens, __m256i addrs, __m256i key)
{
	__m256i len_key = _mm256_or_si256(lens, key);

	_mm256_storeu_si256((void *)pkts, _mm256_unpacklo_epi64(addrs, len_key));
	_mm256_storeu_si256((void *)(pkts + 2), _mm256_unpackhi_epi64(addrs, len_key));
}

/* What all packets of a session are told, and the order of their hashes' bytes. */
struct told {
	__m256i flow, status, hash;
};

static AVX2 inline struct told told(const struct daqiri_rxq *q)
{
	const struct daqiri_rx_meta *meta = &q->session->meta;
	int status;

	memcpy(&status, &meta->vlan_tci, sizeof(status));
	return (struct told){.flow = _mm256_set1_epi32((int)meta->flow),
			     .status = _mm256_set1_epi64x((uint32_t)status),
			     .hash = dq_hash_order(&q->ask)};
}

/* first, second: the small completions of an array. */
static AVX2 inline void tell_eight(struct daqiri_rx_meta *meta, __m256i first, __m256i second,
				   const struct told *told)
{
	/* 0 2 4 6 | 1 3 5 7 */
	__m256i hash = _mm256_castps_si256(
		_mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88));
	__m256i low, high;

	hash = _mm256_shuffle_epi8(hash, told->hash);
	low = _mm256_unpacklo_epi32(hash, told->flow);
	high = _mm256_unpackhi_epi32(hash, told->flow);
	dq_put_two_untimed(meta, _mm256_unpacklo_epi64(low, told->status));
	dq_put_two_untimed(meta + 2, _mm256_unpackhi_epi64(low, told->status));
	dq_put_two_untimed(meta + 4, _mm256_unpacklo_epi64(high, told->status));
	dq_put_two_untimed(meta + 6, _mm256_unpackhi_epi64(high, told->status));
}

/* In one register: GCC would take two, and copy the one to the other. */
static AVX2 inline void add_to(__m256i *sum, __m256i lens)
{
	__asm__("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(lens));
}

static AVX2 inline uint32_t sum_of(__m256i sum)
{
	__m128i both = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

	return (uint32_t)_mm_cvtsi128_si32(both) + (uint32_t)_mm_extract_epi32(both, 2);
}

/* n: a multiple of eight, not 0. */
static AVX2 inline __attribute__((always_inline)) void
take_arrays(struct daqiri_rxq *q, const struct dq_rx_wanted *want, unsigned way)
{
	struct dq_rx_session *s = q->session;
	const uint64_t *slots = way & DQ_MINIS_SLOTS ? q->slots + (q->ci & q->mask) : NULL;
	struct daqiri_pkt *pkts = want->pkts, *end = pkts + want->n;
	struct daqiri_rx_meta *meta = want->meta;
	struct dq_mini_cqe *minis = s->minis, *next = s->next;
	const __m256i key = _mm256_set1_epi64x((int64_t)s->key), step = dq_load32(s->step);
	const struct told all = way & DQ_MINIS_TELL ? told(q) : (struct told){key, key, key};
	__m256i addrs = _mm256_set1_epi64x((int64_t)s->addr), sum = _mm256_setzero_si256();

	addrs = _mm256_add_epi64(addrs, dq_load32(s->offset));
	do {
		__m256i one = in_order(minis), two = in_order(minis + 4);
		__m256i lens = lengths(one), more = lengths(two);
		__m256i behind = _mm256_add_epi64(addrs, step);

		if (way & DQ_MINIS_SLOTS) {
			put_four(pkts, lens, in_order(slots), key);
			put_four(pkts + 4, more, in_order(slots + 4), key);
			slots += DQ_MINI_ARRAY;
		} else {
			put_four(pkts, lens, addrs, key);
			put_four(pkts + 4, more, behind, key);
		}
		if (way & DQ_MINIS_TELL) {
			tell_eight(meta, one, two, &all);
			meta += DQ_MINI_ARRAY;
		}
		addrs = _mm256_add_epi64(behind, step);
		add_to(&sum, lens);
		add_to(&sum, more);
		dq_rx_minis_use_up(minis);
		minis = next;
		__asm__("" : "+r"(minis));
		next = dq_rx_minis_behind(next);
		/* Else GCC counts both anew behind the loop. */
		__asm__("" : "+r"(next));
		pkts += DQ_MINI_ARRAY;
	} while (pkts != end);
	s->minis = minis;
	s->next = next;
	s->addr = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(addrs));
	dq_rx_minis_taken(q, s, want->n, sum_of(sum));
}

/* Takes whole arrays only; none where an array was begun. */
static AVX2 inline __attribute__((always_inline)) uint32_t take(struct daqiri_rxq *q,
								struct daqiri_pkt *pkts,
								struct daqiri_rx_meta *meta,
								uint32_t max, unsigned way)
{
	const struct dq_rx_session *s = q->session;
	uint32_t n = (max < s->left ? max : s->left) & ~(DQ_MINI_ARRAY - 1u);

	if (UNLIKELY(!n || s->index))
		return 0;
	take_arrays(q, &(struct dq_rx_wanted){pkts, meta, n}, way);
	return n;
}

#define WAY(way)                                                                                   \
	static AVX2 uint32_t take_##way(struct daqiri_rxq *q, struct daqiri_pkt *pkts,             \
					struct daqiri_rx_meta *meta, uint32_t max)                 \
	{                                                                                          \
		return take(q, pkts, meta, max, way);                                              \
	}
WAY(0)
WAY(1)
WAY(2)
WAY(3)

static AVX2 inline __attribute__((always_inline)) int
poll_more(struct daqiri_rxq *q, const struct dq_rx_wanted *want, uint32_t n)
{
	if (UNLIKELY(n < want->n))
		n = dq_rx_poll_sessions(q, want, n);
	return dq_rx_polled(q, n);
}

/*
 * Whole arrays of the first session are taken here; what else there is as by any way. One function
 * for when a session is read already, and one for all else: they must not become one.
 */
static AVX2 inline __attribute__((always_inline)) int poll_next(struct daqiri_rxq *q,
								struct daqiri_pkt *pkts,
								struct daqiri_rx_meta *meta,
								uint32_t max, unsigned way)
{
	uint32_t n = 0;

	if (!q->session->left && dq_rx_session_comes(q))
		n = take(q, pkts, meta, max, way);
	return poll_more(q, &(struct dq_rx_wanted){pkts, way & DQ_MINIS_TELL ? meta : NULL, max},
			 n);
}

#define POLL(way)                                                                                  \
	static __attribute__((noinline))                                                           \
	AVX2 int poll_next_##way(struct daqiri_rxq *q, struct daqiri_pkt *pkts,                    \
				 struct daqiri_rx_meta *meta, uint32_t max)                        \
	{                                                                                          \
		return poll_next(q, pkts, meta, max, way);                                         \
	}                                                                                          \
	static AVX2 int poll_##way(struct daqiri_rxq *q, struct daqiri_pkt *pkts,                  \
				   struct daqiri_rx_meta *meta, uint32_t max)                      \
	{                                                                                          \
		struct daqiri_rx_meta *told = (way)&DQ_MINIS_TELL ? meta : NULL;                   \
		uint32_t n = take(q, pkts, told, max, way);                                        \
                                                                                                   \
		if (UNLIKELY(!n))                                                                  \
			return poll_next_##way(q, pkts, told, max);                                \
		return poll_more(q, &(struct dq_rx_wanted){pkts, told, max}, n);                   \
	}
POLL(0)
POLL(1)
POLL(2)
POLL(3)

static AVX2 int poll_any(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			 uint32_t max)
{
	return meta ? poll_1(q, pkts, meta, max) : poll_0(q, pkts, NULL, max);
}

static AVX2 int poll_any_slots(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			       struct daqiri_rx_meta *meta, uint32_t max)
{
	return meta ? poll_3(q, pkts, meta, max) : poll_2(q, pkts, NULL, max);
}

const struct dq_rx_minis dq_rx_minis_avx2 = {
	.poll = {[0] = poll_0,
		 [DQ_MINIS_TELL] = poll_any,
		 [DQ_MINIS_SLOTS] = poll_2,
		 [DQ_MINIS_TELL | DQ_MINIS_SLOTS] = poll_any_slots},
	.take = {take_0, take_1, take_2, take_3}};

#endif
