/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata from completions: each field by hand from its place in the PRM's table, and all ways to
 * read them on random bytes.
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "device_clock.h"
#include "noise.h"
#include "rxq.h"

enum {
	DEPTH = 64,
	ALL = DAQIRI_META_TIMESTAMP | DAQIRI_META_HASH | DAQIRI_META_CHECKSUM | DAQIRI_META_VLAN |
	      DAQIRI_META_TYPE
};

struct ring {
	struct daqiri_rxq q;
	struct dq_clock clock;
	struct dq_conf_rxq conf;
	_Alignas(64) uint8_t cqes[DEPTH][64];
	__be32 cq_dbrec[2], rq_dbrec[2];
	uint64_t eaten[1];
};

static void ring_init(struct ring *r, unsigned metadata, enum dq_simd simd)
{
	memset(r, 0, sizeof(*r));
	r->conf = (struct dq_conf_rxq){
		.where = "[rxq b 0]", .depth = DEPTH, .metadata = metadata, .forward = -1};
	r->q = (struct daqiri_rxq){.poll = dq_rx_poll_cyclic_meta,
				   .release = dq_rx_release_cyclic,
				   .take = dq_rx_take_portable,
				   .cqes = (void *)r->cqes,
				   .cq_dbrec = r->cq_dbrec,
				   .rq_dbrec = r->rq_dbrec,
				   .base = 0x1000,
				   .stride = 2048,
				   .mask = DEPTH - 1,
				   .posted = DEPTH,
				   .eaten_map = r->eaten,
				   .conf = &r->conf,
				   .simd = simd};
	dq_rx_choose_tell(&r->q);
	for (unsigned i = 0; i < DEPTH; i++)
		r->cqes[i][63] = 0xf0;
}

/* Bytes 28 and 29 of a completion, and what they mean. */
static const struct {
	uint8_t hds_ip_ext, l4_hdr_type_etc, checksum, type;
} cases[] = {
	{0x01, 0x00, 0, 0},					/* no IP */
	{0x07, 0x28, 0x0f, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP}, /* all right */
	{0x05, 0x28, 0x0d, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP}, /* wrong in IP */
	{0x03, 0x28, 0x0b, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP}, /* wrong in UDP */
	{0xc7, 0x18, 0x0f, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_TCP}, /* more bits than ours */
	{0x07, 0x34, 0x0f, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_TCP}, /* no data */
	{0x07, 0x44, 0x0f, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_TCP}, /* and data */
	{0x07, 0x26, 0x0f, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_UDP | DAQIRI_TYPE_IP_OPTIONS},
	{0x03, 0x08, 0x03, DAQIRI_TYPE_IPV4}, /* another protocol */
	{0x03, 0x88, 0x03, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_FRAGMENT},
	{0x03, 0x58, 0x03, DAQIRI_TYPE_IPV4},			/* a number not given */
	{0x00, 0x29, 0x09, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP}, /* a tag was stripped */
};
enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

static void write_case(uint8_t cqe[64], unsigned i)
{
	memset(cqe, 0xa5, 64);
	memcpy(cqe + 12, (uint8_t[]){0x12, 0x34, 0x56, (uint8_t)i}, 4);
	cqe[28] = cases[i % N_CASES].hds_ip_ext;
	cqe[29] = cases[i % N_CASES].l4_hdr_type_etc;
	cqe[30] = 0x6f;
	cqe[31] = (uint8_t)i;
	memcpy(cqe + 44, (uint8_t[]){0, 0, 0, 60}, 4);
	/* 1800000000 seconds and 123456700 + i nanoseconds */
	memcpy(cqe + 48, (uint8_t[]){0x6b, 0x49, 0xd2, 0x00, 0x07, 0x5b, 0xcc, (uint8_t)(0xbc + i)},
	       8);
	memcpy(cqe + 56, (uint8_t[]){0xa5, 0, 1, (uint8_t)i}, 4);
	cqe[63] = 0x20;
}

static void expect_case(const struct daqiri_rx_meta *m, unsigned i, unsigned metadata)
{
	bool tagged = cases[i % N_CASES].l4_hdr_type_etc & 1;

	cr_assert_eq(m->time_ns, metadata & DAQIRI_META_TIMESTAMP ? 1800000000123456700 + i : 0);
	cr_assert_eq(m->reserved, 0u);
	cr_assert_eq(m->flow, 0x100 + i);
	cr_assert_eq(m->hash, metadata & DAQIRI_META_HASH ? 0x12345600 + i : 0);
	cr_assert_eq(m->vlan_tci, metadata & DAQIRI_META_VLAN && tagged ? 0x6f00 + i : 0);
	cr_assert_eq(m->checksum, metadata & DAQIRI_META_CHECKSUM ? cases[i % N_CASES].checksum : 0,
		     "%u: %#x", i, m->checksum);
	cr_assert_eq(m->type, metadata & DAQIRI_META_TYPE ? cases[i % N_CASES].type : 0, "%u: %#x",
		     i, m->type);
}

static void expect_all_cases(unsigned metadata, enum dq_simd simd)
{
	struct daqiri_rx_meta meta[DEPTH];
	struct daqiri_pkt pkts[DEPTH];
	static struct ring r;

	ring_init(&r, metadata, simd);
	for (unsigned i = 0; i < DEPTH; i++)
		write_case(r.cqes[i], i);
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, DEPTH), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++)
		expect_case(&meta[i], i, metadata);
}

Test(rxq_meta, each_field_is_that_of_its_bytes_and_0_where_it_was_not_asked_for)
{
	for (unsigned metadata = 1; metadata <= ALL; metadata++) {
		expect_all_cases(metadata, DQ_SIMD_PORTABLE);
		if (dq_simd_has(DQ_SIMD_AVX2))
			expect_all_cases(metadata, DQ_SIMD_AVX2);
	}
}

Test(rxq_meta, the_default_tag_of_old_kernels_is_no_flow)
{
	for (int simd = DQ_SIMD_PORTABLE; simd <= DQ_SIMD_AVX2; simd++) {
		struct daqiri_rx_meta meta[8];
		struct daqiri_pkt pkts[8];
		static struct ring r;

		if (!dq_simd_has((enum dq_simd)simd))
			continue;
		ring_init(&r, ALL, (enum dq_simd)simd);
		for (unsigned i = 0; i < 8; i++) {
			write_case(r.cqes[i], i);
			memset(r.cqes[i] + 56, 0xff, 4);
		}
		cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, 8), 8);
		for (unsigned i = 0; i < 8; i++)
			cr_assert_eq(meta[i].flow, 0u);
	}
}

/* Errors lie between rows, whose completions are handed back before the next row is taken. */
Test(rxq_meta, packets_behind_an_error_and_behind_the_rings_end_have_their_own)
{
	struct daqiri_rx_meta meta[DEPTH];
	struct daqiri_pkt pkts[DEPTH];
	static struct ring r;

	ring_init(&r, ALL, DQ_SIMD_AUTO);
	r.q.ci = DEPTH - 20;
	r.q.posted = r.q.ci + DEPTH;
	for (unsigned i = 0; i < 40; i++) {
		uint8_t *cqe = r.cqes[(r.q.ci + i) % DEPTH];

		write_case(cqe, i);
		cqe[63] = (uint8_t)(0x20 | (i >= 20));
		if (i == 5 || i == 30)
			cqe[63] |= 0xe0;
	}
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, DEPTH), 38);
	for (unsigned i = 0, n = 0; i < 40; i++)
		if (i != 5 && i != 30)
			expect_case(&meta[n++], i, ALL);
}

Test(rxq_meta, a_queue_with_metadata_can_be_polled_without)
{
	struct daqiri_pkt pkts[8];
	static struct ring r;

	ring_init(&r, ALL, DQ_SIMD_AUTO);
	for (unsigned i = 0; i < 8; i++)
		write_case(r.cqes[i], i);
	cr_assert_eq(daqiri_rx_poll(&r.q, pkts, 8), 8);
	cr_assert_eq(daqiri_key_flow(pkts[7].key), 0x107u);
}

Test(rxq_meta, a_queue_without_metadata_says_so)
{
	struct daqiri_rx_meta meta[1];
	struct daqiri_pkt pkts[1];
	static struct ring r;

	ring_init(&r, 0, DQ_SIMD_AUTO);
	write_case(r.cqes[0], 0);
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, 1), -EINVAL);
	cr_assert(strstr(daqiri_error_detail(), "[rxq b 0] metadata=none"), "%s",
		  daqiri_error_detail());
	cr_assert_eq(daqiri_rx_poll(&r.q, pkts, 1), 1, "nothing was taken before");
}

static uint64_t noise = 0x2545f4914f6cdd1d;

static uint32_t random32(void)
{
	return noise32(&noise);
}

static struct mlx5dv_clock_info page;

static int read_page(struct ibv_context *ctx, struct mlx5dv_clock_info *info)
{
	(void)ctx;
	*info = page;
	return 0;
}

static uint64_t random64(void)
{
	return (uint64_t)random32() << 32 | random32();
}

/* Queues of both kinds, and the kernel's word of a clock that ticks at any rate. */
static void ring_clock(struct ring *r)
{
	page = (struct mlx5dv_clock_info){.nsec = random64() >> 3,
					  .last_cycles = random64() >> (random32() % 64),
					  .frac = random32() & 0xfffff,
					  .mult = 0x80000 + (random32() >> (random32() % 16)),
					  .shift = 20 + random32() % 13,
					  .mask = (1ull << (32 + random32() % 32)) - 1};
	page.last_cycles &= page.mask;
	cr_assert_eq(dq_clock_init(&r->clock, read_page, NULL), 0);
	r->q.clock = &r->clock;
	dq_rx_choose_tell(&r->q);
}

/* Mostly as they come, each a little later than the one before, and none half a round away. */
static void random_stamps(struct ring *r)
{
	uint64_t stamp = page.last_cycles - page.mask / 4 + (random64() & page.mask) / 4;
	uint32_t wild = random32() % 8;

	for (unsigned i = 0; i < DEPTH; i++) {
		uint64_t big_endian = htobe64(wild ? stamp & page.mask : random64());

		memcpy(r->cqes[i] + 48, &big_endian, sizeof(big_endian));
		stamp += random32() >> (8 + random32() % 24);
	}
}

static void random_ring(struct ring *r)
{
	ring_init(r, 1 + random32() % ALL, DQ_SIMD_AVX2);
	for (unsigned i = 0; i < sizeof(r->cqes) / 4; i++)
		((uint32_t *)r->cqes)[i] = random32();
	if (random32() % 2) {
		ring_clock(r);
		random_stamps(r);
	}
	for (unsigned i = 0; i < DEPTH; i++)
		r->cqes[i][63] = 0x20;
}

static void tell_portable(struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			  struct daqiri_rx_meta *meta, uint32_t n)
{
	enum dq_simd simd = q->simd;
	dq_rx_tell_fn tell = q->tell;

	q->simd = DQ_SIMD_PORTABLE;
	dq_rx_choose_tell(q);
	cr_assert_neq(q->tell, tell);
	q->tell(q, pkts, meta, n);
	q->simd = simd;
	dq_rx_choose_tell(q);
}

Test(rxq_meta, all_ways_to_tell_give_the_same)
{
	struct daqiri_rx_meta portable[DEPTH + 1], simd[DEPTH + 1];
	struct daqiri_pkt pkts[DEPTH];
	struct dq_clock clock;
	static struct ring r;

	if (!dq_simd_has(DQ_SIMD_AVX2))
		return;
	for (unsigned round = 0; round < 40000; round++) {
		uint32_t n = 1 + random32() % DEPTH;

		random_ring(&r);
		memset(portable, 0xa5, sizeof(portable));
		memset(simd, 0xa5, sizeof(simd));
		cr_assert_eq(r.q.take(&r.q, pkts, n), n);
		clock = r.clock;
		r.q.tell(&r.q, pkts, simd, n);
		r.clock = clock;
		tell_portable(&r.q, pkts, portable, n);
		cr_assert_arr_eq((uint8_t *)simd, (uint8_t *)portable, sizeof(simd), "round %u",
				 round);
	}
}

/* By a page whose numbers are easy: at cycle 2^41 - 100 it was a million. */
static void ring_of_counter(struct ring *r, enum dq_simd simd)
{
	page = (struct mlx5dv_clock_info){.nsec = 1000000,
					  .last_cycles = (1ull << 41) - 100,
					  .mult = 5 << 20,
					  .shift = 20,
					  .mask = (1ull << 41) - 1};
	ring_init(r, ALL, simd);
	cr_assert_eq(dq_clock_init(&r->clock, read_page, NULL), 0);
	r->q.clock = &r->clock;
	dq_rx_choose_tell(&r->q);
}

static void expect_times_across_a_wrap(enum dq_simd simd)
{
	struct daqiri_rx_meta meta[DEPTH];
	struct daqiri_pkt pkts[DEPTH];
	static struct ring r;

	ring_of_counter(&r, simd);
	for (unsigned i = 0; i < DEPTH; i++) {
		uint64_t stamp = htobe64(((1ull << 41) - 100 + (uint64_t)i * 10) & page.mask);

		write_case(r.cqes[i], i);
		memcpy(r.cqes[i] + 48, &stamp, sizeof(stamp));
	}
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, 21), 21);
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta + 21, DEPTH), DEPTH - 21);
	for (unsigned i = 0; i < DEPTH; i++)
		cr_assert_eq(meta[i].time_ns, 1000000u + i * 50u, "%u: %lu", i,
			     (unsigned long)meta[i].time_ns);
}

Test(rxq_meta, times_of_the_counter_go_on_across_its_wrap)
{
	expect_times_across_a_wrap(DQ_SIMD_PORTABLE);
	if (dq_simd_has(DQ_SIMD_AVX2))
		expect_times_across_a_wrap(DQ_SIMD_AVX2);
}

/* A packet a second, polled all at once: more than 32 bits of the counter. */
static void expect_times_of_a_slow_row(enum dq_simd simd)
{
	struct daqiri_rx_meta meta[DEPTH];
	struct daqiri_pkt pkts[DEPTH];
	static struct ring r;

	ring_of_counter(&r, simd);
	for (unsigned i = 0; i < DEPTH; i++) {
		uint64_t stamp = htobe64((page.last_cycles + (uint64_t)i * 1000000000) & page.mask);

		write_case(r.cqes[i], i);
		memcpy(r.cqes[i] + 48, &stamp, sizeof(stamp));
	}
	cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, DEPTH), DEPTH);
	for (unsigned i = 0; i < DEPTH; i++)
		cr_assert_eq(meta[i].time_ns, 1000000u + i * 5000000000u, "%u: %lu", i,
			     (unsigned long)meta[i].time_ns);
}

Test(rxq_meta, a_row_of_a_minute_has_its_times)
{
	expect_times_of_a_slow_row(DQ_SIMD_PORTABLE);
	if (dq_simd_has(DQ_SIMD_AVX2))
		expect_times_of_a_slow_row(DQ_SIMD_AVX2);
}

Test(rxq_meta, an_empty_poll_has_the_next_time_looked_up_again)
{
	struct daqiri_rx_meta meta[DEPTH];
	struct daqiri_pkt pkts[DEPTH];
	static struct ring r;

	for (int simd = DQ_SIMD_PORTABLE; simd <= DQ_SIMD_AVX2; simd++) {
		if (!dq_simd_has((enum dq_simd)simd))
			continue;
		ring_of_counter(&r, (enum dq_simd)simd);
		cr_assert_neq(r.clock.period, 0u);
		cr_assert_eq(daqiri_rx_poll_meta(&r.q, pkts, meta, DEPTH), 0);
		cr_assert_eq(r.clock.period, 0u);
	}
}
