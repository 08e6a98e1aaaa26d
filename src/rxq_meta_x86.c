/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rxq_meta.c by AVX2, eight completions at a time. Each vector has one word of all eight, those of
 * the even ones before those of the odd ones (0 2 4 6 1 3 5 7), as unpacking leaves them.
 */
#include "device_clock.h"
#include "mlx5_cqe.h"
#include "rxq_meta_x86.h"

#ifdef DQ_X86_SIMD

#include <string.h>

enum { STATUS = offsetof(struct mlx5_cqe64, hds_ip_ext), TYPE_SHIFT = 24, CHECKSUM_SHIFT = 16 };

_Static_assert(DQ_CQE_HASH == 12 && STATUS == 28, "where unpacking looks");
_Static_assert(offsetof(struct mlx5_cqe64, timestamp) == DQ_CQE - 16,
	       "16 bytes from it on are there");
_Static_assert(offsetof(struct daqiri_pkt, key) == 12, "and here");
_Static_assert(sizeof(struct daqiri_rx_meta) + sizeof(uint64_t) == 32 &&
		       offsetof(struct daqiri_rx_meta, time_ns) == 0,
	       "a time, and all until behind the next one");
_Static_assert(offsetof(struct daqiri_rx_meta, hash) == 8 &&
		       offsetof(struct daqiri_rx_meta, vlan_tci) == 16 &&
		       offsetof(struct daqiri_rx_meta, checksum) == 18 &&
		       offsetof(struct daqiri_rx_meta, type) == 19,
	       "what is stored at once");

struct words {
	__m256i hash, flow, status;
};

static AVX2 inline __m128i load16(const void *at)
{
	return _mm_loadu_si128(at);
}

/* The hashes of four completions, every other one from cqe on, and then their status words. */
static AVX2 inline __m256i four(const struct mlx5_cqe64 *cqe)
{
	__m256i a = _mm256_unpackhi_epi32(dq_load32(cqe), dq_load32(cqe + 2));
	__m256i b = _mm256_unpackhi_epi32(dq_load32(cqe + 4), dq_load32(cqe + 6));

	return _mm256_unpackhi_epi64(a, b);
}

/* The keys of eight packets. */
static AVX2 inline __m256i keys(const struct daqiri_pkt *pkts)
{
	__m256i a = _mm256_unpackhi_epi32(dq_load32(pkts), dq_load32(pkts + 2));
	__m256i b = _mm256_unpackhi_epi32(dq_load32(pkts + 4), dq_load32(pkts + 6));

	return _mm256_unpackhi_epi64(a, b);
}

/* To shuffle each word's bytes into this order; -1: 0. */
static AVX2 inline __m256i order(int a, int b, int c, int d)
{
#define WORD(n) (char)(a + (n)), (char)(b + (n)), (char)(c + (n)), (char)(d < 0 ? d : d + (n))
	return _mm256_setr_epi8(WORD(0), WORD(4), WORD(8), WORD(12), WORD(0), WORD(4), WORD(8),
				WORD(12));
#undef WORD
}

static AVX2 inline __m256i flows(__m256i keys)
{
	const __m256i untagged = _mm256_set1_epi32(DQ_CQE_FLOW_TAG);
	__m256i tag = _mm256_shuffle_epi8(keys, order(3, 2, 1, -1));

	return _mm256_andnot_si256(_mm256_cmpeq_epi32(tag, untagged), tag);
}

/* vlan_tci, checksum and type: in words of CQEs' bytes 28 to 31. */
static AVX2 inline __m256i statuses(__m256i raw)
{
	enum {
		L4_KNOWN = DAQIRI_CSUM_L4_KNOWN << CHECKSUM_SHIFT,
		L3_KNOWN = DAQIRI_CSUM_L3_KNOWN << CHECKSUM_SHIFT,
		TCP = DAQIRI_TYPE_TCP << TYPE_SHIFT | L4_KNOWN,
		UDP = DAQIRI_TYPE_UDP << TYPE_SHIFT | L4_KNOWN
	};
	/* By the low three bits of an index: type_of_l4[], known_of_l4[]; known_of_l3[] twice. */
	const __m256i by_l4 = _mm256_setr_epi32(0, TCP, UDP, TCP, TCP, 0, 0, 0);
	const __m256i by_l3 = _mm256_setr_epi32(0, L3_KNOWN, L3_KNOWN, 0, 0, L3_KNOWN, L3_KNOWN, 0);
	const uint32_t same =
		(uint32_t)(DAQIRI_TYPE_L3 | DAQIRI_TYPE_IP_OPTIONS | DAQIRI_TYPE_FRAGMENT)
			<< TYPE_SHIFT |
		DQ_CQE_CSUM_OK << CHECKSUM_SHIFT;
	__m256i word = _mm256_shuffle_epi8(raw, order(3, 2, 0, 1));
	__m256i l4 = _mm256_permutevar8x32_epi32(
		by_l4, _mm256_srli_epi32(word, TYPE_SHIFT + DQ_CQE_L4_SHIFT));
	__m256i l3 = _mm256_permutevar8x32_epi32(
		by_l3, _mm256_srli_epi32(word, TYPE_SHIFT + DQ_CQE_L3_SHIFT));
	/* All ones where a tag was stripped. */
	__m256i tagged = _mm256_srai_epi32(_mm256_slli_epi32(word, 31 - TYPE_SHIFT), 31);
	__m256i keep = _mm256_blend_epi16(tagged, _mm256_set1_epi32((int)same), 0xaa);

	return _mm256_or_si256(_mm256_and_si256(word, keep), _mm256_or_si256(l3, l4));
}

/* What was not asked for is 0. hash: the order of its bytes; status: those that are wanted. */
struct asked {
	__m256i hash, status;
};

static AVX2 inline struct asked asked(const struct dq_rx_ask *ask)
{
	int status;

	memcpy(&status, &ask->vlan, sizeof(status));
	return (struct asked){.hash = dq_hash_order(ask), .status = _mm256_set1_epi32(status)};
}

static AVX2 inline struct words read_eight(const struct mlx5_cqe64 *cqe,
					   const struct daqiri_pkt *pkts, const struct asked *ask)
{
	__m256i even = four(cqe), odd = four(cqe + 1);
	__m256i hash = _mm256_permute2x128_si256(even, odd, 0x20);
	__m256i status = statuses(_mm256_permute2x128_si256(even, odd, 0x31));

	return (struct words){.hash = _mm256_shuffle_epi8(hash, ask->hash),
			      .flow = flows(keys(pkts)),
			      .status = _mm256_and_si256(status, ask->status)};
}

/* Eight, by two neighbours: hash, flow, status, 0 of each. */
struct pairs {
	__m256i two[4];
};

static AVX2 inline struct pairs pair(const struct words *w)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i low = _mm256_unpacklo_epi32(w->hash, w->flow);
	__m256i high = _mm256_unpackhi_epi32(w->hash, w->flow);
	__m256i low_status = _mm256_unpacklo_epi32(w->status, zero);
	__m256i high_status = _mm256_unpackhi_epi32(w->status, zero);

	return (struct pairs){{_mm256_unpacklo_epi64(low, low_status),
			       _mm256_unpackhi_epi64(low, low_status),
			       _mm256_unpacklo_epi64(high, high_status),
			       _mm256_unpackhi_epi64(high, high_status)}};
}

/* Takes flow ids from keys: only for queues whose keys they are. */
AVX2 void dq_rx_tell_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			  struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - n) & q->mask];
	const struct mlx5_cqe64 *end = cqe + (n & ~7u);
	const struct asked ask = asked(&q->ask);

	for (; cqe != end; cqe += 8, pkts += 8, meta += 8) {
		struct words w = read_eight(cqe, pkts, &ask);
		struct pairs p = pair(&w);

		dq_put_two_untimed(meta, p.two[0]);
		dq_put_two_untimed(meta + 2, p.two[1]);
		dq_put_two_untimed(meta + 4, p.two[2]);
		dq_put_two_untimed(meta + 6, p.two[3]);
	}
	if (n % 8)
		dq_rx_tell_portable(q, pkts, meta, n % 8);
}

/* ---- time stamps ----------------------------------------------------------------------------- */

/* Those of four neighbours, as the device wrote them. */
static AVX2 inline __m256i stamps(const struct mlx5_cqe64 *cqe)
{
	__m256i even = _mm256_castsi128_si256(load16(&cqe[0].timestamp));
	__m256i odd = _mm256_castsi128_si256(load16(&cqe[1].timestamp));

	even = _mm256_inserti128_si256(even, load16(&cqe[2].timestamp), 1);
	odd = _mm256_inserti128_si256(odd, load16(&cqe[3].timestamp), 1);
	return _mm256_unpacklo_epi64(even, odd);
}

/* Of each stamp its first or its second 32 bits, as numbers of 64. */
static AVX2 inline __m256i half(__m256i stamps, int at)
{
	const char b3 = (char)(at + 3), b2 = (char)(at + 2), b1 = (char)(at + 1), b0 = (char)at;
	const char a3 = (char)(at + 11), a2 = (char)(at + 10), a1 = (char)(at + 9),
		   a0 = (char)(at + 8);

	return _mm256_shuffle_epi8(stamps,
				   _mm256_setr_epi8(b3, b2, b1, b0, -1, -1, -1, -1, a3, a2, a1, a0,
						    -1, -1, -1, -1, b3, b2, b1, b0, -1, -1, -1, -1,
						    a3, a2, a1, a0, -1, -1, -1, -1));
}

/* dq_cqe_real_ns() */
static AVX2 inline __m256i real_ns(__m256i stamps)
{
	__m256i seconds = _mm256_mul_epu32(half(stamps, 0), _mm256_set1_epi64x(1000000000));

	return _mm256_add_epi64(seconds, half(stamps, 4));
}

/* The line of struct dq_clock. */
struct line {
	__m256i cycles, mult, frac, ns;
	__m128i shift;
};

static AVX2 inline struct line line_of(const struct dq_clock *c)
{
	return (struct line){.cycles = _mm256_set1_epi64x(c->cycles),
			     .mult = _mm256_set1_epi64x(c->mult),
			     .frac = _mm256_set1_epi64x((long long)c->frac),
			     .ns = _mm256_set1_epi64x((long long)c->ns),
			     .shift = _mm_cvtsi32_si128((int)c->shift)};
}

/* dq_clock_ns() */
static AVX2 inline __m256i free_ns(__m256i stamps, const struct line *l)
{
	__m256i cycles = _mm256_sub_epi32(half(stamps, 4), l->cycles);
	__m256i parts = _mm256_add_epi64(_mm256_mul_epu32(cycles, l->mult), l->frac);

	return _mm256_add_epi64(_mm256_srl_epi64(parts, l->shift), l->ns);
}

static AVX2 inline void put_times(struct daqiri_rx_meta *meta, __m256i ns)
{
	__m128i low = _mm256_castsi256_si128(ns), high = _mm256_extracti128_si256(ns, 1);

	_mm_storel_epi64((void *)&meta[0].time_ns, low);
	_mm_storeh_pd((void *)&meta[1].time_ns, _mm_castsi128_pd(low));
	_mm_storel_epi64((void *)&meta[2].time_ns, high);
	_mm_storeh_pd((void *)&meta[3].time_ns, _mm_castsi128_pd(high));
}

/* Of four packets, two pairs. */
static AVX2 inline void put_timed(struct daqiri_rx_meta *meta, const __m256i *two, __m256i ns)
{
	put_times(meta, ns);
	dq_put_two_meta(meta, two[0]);
	dq_put_two_meta(meta + 2, two[1]);
}

/* All but the last n % 8. line: NULL, where stamps are the real time. */
static AVX2 inline __attribute__((always_inline)) void
tell_timed(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
	   uint32_t n, const struct line *line)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - n) & q->mask];
	const struct mlx5_cqe64 *end = cqe + (n & ~7u);
	const struct asked ask = asked(&q->ask);

	for (; cqe != end; cqe += 8, pkts += 8, meta += 8) {
		struct words w = read_eight(cqe, pkts, &ask);
		struct pairs p = pair(&w);
		__m256i low = stamps(cqe), high = stamps(cqe + 4);

		put_timed(meta, p.two, line ? free_ns(low, line) : real_ns(low));
		put_timed(meta + 4, p.two + 2, line ? free_ns(high, line) : real_ns(high));
	}
}

AVX2 void dq_rx_tell_real_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			       struct daqiri_rx_meta *meta, uint32_t n)
{
	uint32_t whole = n & ~7u;

	tell_timed(q, pkts, meta, n, NULL);
	if (n % 8)
		dq_rx_tell_real_portable(q, pkts + whole, meta + whole, n % 8);
}

/* Rows whose stamps the line covers. */
static AVX2 inline void tell_row(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
				 struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct line line = line_of(q->clock);
	uint32_t whole = n & ~7u;

	tell_timed(q, pkts, meta, n, &line);
	q->clock->told = meta[whole - 1].time_ns;
	if (n % 8)
		dq_rx_tell_free_portable(q, pkts + whole, meta + whole, n % 8);
}

AVX2 void dq_rx_tell_free_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			       struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct mlx5_cqe64 *first = &q->cqes[(q->ci - n) & q->mask];

	if (n >= 8 && dq_clock_covers(q->clock, dq_cqe_stamp(first), dq_cqe_stamp(first + n - 1)))
		tell_row(q, pkts, meta, n);
	else
		dq_rx_tell_free_portable(q, pkts, meta, n);
}

#endif
