/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive data path on rings in plain memory, filled by a small device that is written from the
 * PRM and not from the code under test. Rings start near every index limit.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "noise.h"
#include "rxq.h"

enum { DEPTH = 64, STRIDE = 2048, BASE = 0x40000000 };

struct device {
	struct daqiri_rxq q;
	struct dq_conf_rxq conf;
	_Alignas(64) struct mlx5_cqe64 cqes[DEPTH];
	struct mlx5_cqe64 beyond[DEPTH]; /* no CQEs, though they look like it */
	uint64_t eaten[1];
	__be32 cq_dbrec[2], rq_dbrec[2];
	uint64_t slots[DEPTH];
	uint32_t pi; /* the device's own: next WQE, and next CQE */
};

/* By what the next device's packets are taken. */
static dq_rx_take_fn taker = dq_rx_take_portable;

static void device_init(struct device *d, uint32_t start)
{
	memset(d, 0, sizeof(*d));
	d->conf = (struct dq_conf_rxq){.where = "[rxq b 0]", .depth = DEPTH};
	d->pi = start;
	d->q = (struct daqiri_rxq){.poll = dq_rx_poll_cyclic,
				   .release = dq_rx_release_cyclic,
				   .take = taker,
				   .cqes = d->cqes,
				   .cq_dbrec = d->cq_dbrec,
				   .rq_dbrec = d->rq_dbrec,
				   .base = BASE,
				   .stride = STRIDE,
				   .mask = DEPTH - 1,
				   .ci = start,
				   .posted = start + DEPTH,
				   .eaten_map = d->eaten,
				   .slots = d->slots,
				   .conf = &d->conf};
	d->cq_dbrec[0] = htobe32(start & 0xffffff);
	d->rq_dbrec[0] = htobe32((start + DEPTH) & 0xffff);
	for (uint32_t i = 0; i < DEPTH; i++) {
		uint32_t last = start + i - DEPTH;

		d->cqes[last % DEPTH].op_own = (uint8_t)(0xf0 | (last / DEPTH & 1));
		d->slots[i] = BASE + (uint64_t)i * STRIDE;
	}
}

/* How many WQEs the device has. */
static uint16_t device_room(const struct device *d)
{
	return (uint16_t)(be32toh(d->rq_dbrec[0]) - d->pi);
}

static struct mlx5_cqe64 *device_cqe(struct device *d, uint8_t opcode)
{
	struct mlx5_cqe64 *cqe = &d->cqes[d->pi % DEPTH];

	cr_assert_gt(device_room(d), 0, "the device has no WQE");
	cr_assert_lt((d->pi - be32toh(d->cq_dbrec[0])) & 0xffffff, DEPTH, "CQ overrun");
	memset(cqe, 0, sizeof(*cqe));
	cqe->wqe_counter = htobe16((uint16_t)d->pi);
	for (int i = 0; i < DEPTH; i++)
		d->beyond[i].op_own = (uint8_t)(0x20 | (d->q.ci / DEPTH & 1));
	cqe->op_own = (uint8_t)((unsigned)opcode << 4 | (d->pi / DEPTH & 1));
	d->pi++;
	return cqe;
}

/* A frame whose length and tag come from its number. */
static void device_receive(struct device *d, uint32_t number)
{
	struct mlx5_cqe64 *cqe = device_cqe(d, 2);

	cqe->byte_cnt = htobe32(60 + number % 1000);
	cqe->sop_drop_qpn = htobe32(0x11000000 | (number & 0xfffff));
}

static void device_fail(struct device *d, uint8_t syndrome)
{
	struct mlx5_cqe64 *cqe = device_cqe(d, 14);

	((uint8_t *)cqe)[55] = syndrome;
	((uint8_t *)cqe)[54] = 0x68;
}

static void expect(const struct daqiri_pkt *pkt, uint32_t index, uint32_t number)
{
	cr_assert_eq(pkt->addr, BASE + (uint64_t)(index % DEPTH) * STRIDE);
	cr_assert_eq(pkt->len, 60 + number % 1000);
	cr_assert_eq(daqiri_key_flow(pkt->key), number & 0xfffff);
}

/* Of this processor. */
enum { MAX_TAKERS = 6 };
static dq_rx_take_fn takers[MAX_TAKERS] = {dq_rx_take_portable, dq_rx_take_slots_portable};
static unsigned n_takers = 2;

static void find_takers(void)
{
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_SSE42)) {
		takers[n_takers++] = dq_rx_take_sse42;
		takers[n_takers++] = dq_rx_take_slots_sse42;
	}
	if (dq_simd_has(DQ_SIMD_AVX2)) {
		takers[n_takers++] = dq_rx_take_avx2;
		takers[n_takers++] = dq_rx_take_slots_avx2;
	}
#endif
}

TestSuite(rxq_ring, .init = find_takers);

#define FOR_EACH_TAKER for (unsigned t = 0; t < n_takers && (taker = takers[t]); t++)

static uint32_t starts[] = {0,		1,	    63,		64,	   0xfffe - 63,
			    0xffff,	0x10000,    0xffffc0,	0xffffff,  0x1000000,
			    0x7fffffff, 0xffffff00, 0xffffffc0, 0xffffffff};

ParameterizedTestParameters(rxq_ring, packets_at_every_index_limit)
{
	return cr_make_param_array(uint32_t, starts, sizeof(starts) / sizeof(starts[0]));
}

static void try_packets_at_every_index_limit(uint32_t *start)
{
	struct daqiri_pkt pkts[DEPTH];
	static struct device d;
	uint32_t number = 1;

	device_init(&d, *start);
	for (uint32_t round = 0; round < 4; round++) {
		for (int n = 1; n <= DEPTH; n++, number += (uint32_t)n) {
			uint32_t index = d.pi;

			cr_assert_eq(device_room(&d), DEPTH);
			for (uint32_t i = 0; i < (uint32_t)n; i++)
				device_receive(&d, number + i);
			cr_assert_eq(daqiri_rx_poll(&d.q, pkts, DEPTH), n);
			for (uint32_t i = 0; i < (uint32_t)n; i++)
				expect(&pkts[i], index + i, number + i);
			cr_assert_eq(daqiri_rx_poll(&d.q, pkts, DEPTH), 0);
			cr_assert_eq(be32toh(d.cq_dbrec[0]), d.pi & 0xffffff);
			daqiri_rx_release(&d.q, n);
		}
	}
}

ParameterizedTest(uint32_t *start, rxq_ring, packets_at_every_index_limit)
{
	FOR_EACH_TAKER
	try_packets_at_every_index_limit(start);
}

static void try_a_poll_takes_no_more_than_asked(void)
{
	struct daqiri_pkt pkts[DEPTH];
	static struct device d;

	device_init(&d, 50);
	for (uint32_t i = 0; i < 40; i++)
		device_receive(&d, i);
	for (uint32_t i = 0; i < 40; i += 8) {
		cr_assert_eq(daqiri_rx_poll(&d.q, pkts, 8), 8);
		expect(&pkts[7], 57 + i, i + 7);
	}
	cr_assert_eq(d.q.count.packets, 40u);
	cr_assert_eq(device_room(&d), DEPTH - 40);
	daqiri_rx_release(&d.q, 1000);
	cr_assert_eq(device_room(&d), DEPTH);
}

Test(rxq_ring, a_poll_takes_no_more_than_asked)
{
	FOR_EACH_TAKER
	try_a_poll_takes_no_more_than_asked();
}

static void try_the_default_tag_of_old_kernels_is_no_flow(void)
{
	static struct device d;
	struct daqiri_pkt pkt;

	device_init(&d, 0);
	device_receive(&d, 0);
	d.cqes[0].sop_drop_qpn = htobe32(0xffffffff);
	cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), 1);
	cr_assert_eq(daqiri_key_flow(pkt.key), 0u);
}

Test(rxq_ring, the_default_tag_of_old_kernels_is_no_flow)
{
	FOR_EACH_TAKER
	try_the_default_tag_of_old_kernels_is_no_flow();
}

/* Every mix of good and bad: nothing good is lost, nothing held is given back, all comes back. */
static void try_errors_between_packets_in_every_pattern(void)
{
	static struct device d;

	for (unsigned pattern = 0; pattern < 256; pattern++) {
		struct daqiri_pkt pkts[8];
		uint32_t base = 0xfffffffc, good = 0;
		int n;

		device_init(&d, base);
		for (uint32_t i = 0; i < 8; i++) {
			if (pattern >> i & 1)
				device_fail(&d, 0x01);
			else
				device_receive(&d, i);
		}
		n = daqiri_rx_poll(&d.q, pkts, 8);
		cr_assert_eq(n, 8 - __builtin_popcount(pattern), "pattern %02x", pattern);
		for (uint32_t i = 0; i < 8; i++)
			if (!(pattern >> i & 1))
				expect(&pkts[good++], base + i, i);
		for (uint32_t i = 0, kept = 0; kept < (uint32_t)n; kept++) {
			/* What the device has: all but from the oldest held packet on. */
			while (pattern >> i & 1)
				i++;
			cr_assert_eq(device_room(&d), DEPTH - 8 + i, "pattern %02x", pattern);
			daqiri_rx_release(&d.q, 1);
			i++;
		}
		cr_assert_eq(device_room(&d), DEPTH, "pattern %02x", pattern);
		cr_assert_eq(d.eaten[0], 0u);
		cr_assert_eq(d.q.count.length_errors, (uint64_t)__builtin_popcount(pattern));
	}
}

Test(rxq_ring, errors_between_packets_in_every_pattern)
{
	FOR_EACH_TAKER
	try_errors_between_packets_in_every_pattern();
}

static void try_errors_alone_never_starve_the_device(void)
{
	static struct device d;
	struct daqiri_pkt pkt;

	device_init(&d, 0xffff);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < DEPTH; i++)
			device_fail(&d, 0x01);
		cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), 0);
		cr_assert_eq(device_room(&d), DEPTH);
	}
	cr_assert_eq(d.q.count.errors, 10u * DEPTH);
	cr_assert_not(d.q.stopped);
}

Test(rxq_ring, errors_alone_never_starve_the_device)
{
	FOR_EACH_TAKER
	try_errors_alone_never_starve_the_device();
}

static void try_only_three_syndromes_stop_the_queue(void)
{
	static struct device d;
	struct daqiri_pkt pkt;

	for (unsigned syndrome = 1; syndrome < 0x23; syndrome++) {
		bool stops = syndrome == 2 || syndrome == 4 || syndrome == 5;

		device_init(&d, 0);
		device_fail(&d, (uint8_t)syndrome);
		cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), stops ? -EIO : 0, "%#x", syndrome);
		cr_assert_eq(d.q.first_error.syndrome, syndrome);
		cr_assert_eq(d.q.first_error.vendor_syndrome, 0x68);
		cr_assert_eq(d.q.stopped, stops);
	}
}

Test(rxq_ring, only_three_syndromes_stop_the_queue)
{
	FOR_EACH_TAKER
	try_only_three_syndromes_stop_the_queue();
}

static void try_a_stopped_queue_gives_what_came_before_it_stopped(void)
{
	static struct device d;
	struct daqiri_pkt pkts[8];

	device_init(&d, 60);
	for (uint32_t i = 0; i < 5; i++)
		device_receive(&d, i);
	device_fail(&d, 0x04);
	device_fail(&d, 0x05);
	cr_assert_eq(daqiri_rx_poll(&d.q, pkts, 8), 5);
	cr_assert_eq(daqiri_rx_poll(&d.q, pkts, 8), -EIO);
	cr_assert_eq(d.q.first_error.syndrome, 0x04, "the first error is the one told");
	cr_assert_eq(d.q.count.errors, 2u);
}

Test(rxq_ring, a_stopped_queue_gives_what_came_before_it_stopped)
{
	FOR_EACH_TAKER
	try_a_stopped_queue_gives_what_came_before_it_stopped();
}

/* ---- the same, however they are taken ---------------------------------------------------------
 */

static uint64_t noise;

static uint32_t random32(void)
{
	return noise32(&noise);
}

/* Completions of random bytes: mostly good ones, then something else in their midst. */
static void fill_at_random(struct device *d)
{
	unsigned good = random32() % (DEPTH + 1);

	for (unsigned i = 0; i < DEPTH; i++) {
		uint32_t index = d->q.ci + i, owner = index / DEPTH & 1;
		struct mlx5_cqe64 *cqe = &d->cqes[index % DEPTH];

		for (unsigned k = 0; k < sizeof(*cqe) / 4; k++)
			((uint32_t *)cqe)[k] = random32();
		cqe->byte_cnt = htobe32(random32() % 65536);
		if (i != good)
			cqe->op_own = (uint8_t)(0x20 | (random32() & 0xe) | owner);
	}
}

Test(rxq_ring, all_ways_to_take_packets_give_the_same)
{
	struct daqiri_pkt pkts[MAX_TAKERS][DEPTH + 1], canary;
	static struct device d, copy;

	memset(&canary, 0xa5, sizeof(canary));
	noise = 0x2545f4914f6cdd1d;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t max = random32() % (DEPTH + 1), n[MAX_TAKERS];
		struct daqiri_rxq q[MAX_TAKERS];

		taker = takers[0];
		device_init(&d, starts[round % (sizeof(starts) / sizeof(starts[0]))]);
		d.q.ci += random32() % (2 * DEPTH);
		d.q.key_hides = round & 1 ? ~0u : 0;
		d.q.key_set = round & 1 ? random32() : 0;
		fill_at_random(&d);
		copy = d;
		for (unsigned t = 0; t < n_takers; t++) {
			q[t] = d.q;
			memset(pkts[t], 0xa5, sizeof(pkts[t]));
			n[t] = takers[t](&q[t], pkts[t], max);
			cr_assert_leq(n[t], max);
			cr_assert_arr_eq((uint8_t *)&pkts[t][max], (uint8_t *)&canary,
					 sizeof(canary), "written behind the array");
			cr_assert_eq(n[t], n[0], "way %u, round %u", t, round);
			cr_assert_arr_eq((uint8_t *)pkts[t], (uint8_t *)pkts[0], sizeof(pkts[0]),
					 "way %u, round %u", t, round);
			cr_assert_arr_eq((uint8_t *)&q[t], (uint8_t *)&q[0], sizeof(q[0]),
					 "way %u, round %u", t, round);
		}
		cr_assert_arr_eq((uint8_t *)d.cqes, (uint8_t *)copy.cqes, sizeof(d.cqes));
	}
}
