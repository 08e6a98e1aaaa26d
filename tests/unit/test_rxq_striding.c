/* SPDX-License-Identifier: Apache-2.0 */
/* The data path of striding receive queues on rings in plain memory, near every index limit. */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "noise.h"
#include "striding_device.h"

static uint32_t expect(uint32_t max)
{
	struct daqiri_pkt pkts[PENDING + 1];

	return device_expect(pkts, max);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void try_every_length(void)
{
	for (unsigned s = 0; s < N_STARTS; s++) {
		device_init(starts[s]);
		for (uint32_t len = 1; len <= FRAME_MAX; len++) {
			cr_assert(device_receive(len), "start %x, length %u", starts[s], len);
			cr_assert_eq(expect(len % 3 + 1), 1);
			cr_assert_eq(expect(4), 0);
			daqiri_rx_release(&d.q, 1);
			/* All but the WQE that is being filled has come back. */
			cr_assert_eq(device_room(), N_WQES);
		}
		cr_assert_eq(d.q.count.packets, (uint64_t)FRAME_MAX);
		cr_assert_eq(d.q.count.bytes, (uint64_t)FRAME_MAX * (FRAME_MAX + 1) / 2);
		cr_assert_eq(be32toh(d.cq_dbrec[0]), d.cqe_pi & 0xffffff);
	}
}

Test(rxq_striding, every_length_arrives_at_every_index_limit)
{
	FOR_EACH_TAKER
	try_every_length();
}

/* A full ring holds all its strides, and the device gets nothing back while all are held. */
static void try_a_full_ring(void)
{
	for (unsigned s = 0; s < N_STARTS; s++) {
		device_init(starts[s]);
		for (int round = 0; round < 20; round++) {
			uint32_t n = 0;

			while (device_receive(64))
				n++;
			cr_assert_eq(n, (uint32_t)PENDING);
			cr_assert_eq(expect(PENDING), n);
			cr_assert_eq(device_room(), 0);
			for (uint32_t i = 1; i <= n; i++) {
				daqiri_rx_release(&d.q, 1);
				cr_assert_eq(device_room(), i / STRIDES);
			}
		}
	}
}

Test(rxq_striding, a_full_ring_comes_back_by_wqes)
{
	FOR_EACH_TAKER
	try_a_full_ring();
}

static void try_fillers(void)
{
	for (unsigned s = 0; s < N_STARTS; s++) {
		device_init(starts[s]);
		for (int round = 0; round < 50; round++) {
			/* 7 + 7 strides and 2 that stay empty, in each WQE */
			for (int i = 0; i < 2 * N_WQES; i++)
				cr_assert(device_receive(7 * STRIDE));
			cr_assert_eq(expect(PENDING), 2u * N_WQES);
			device_fill();
			cr_assert_eq(device_room(), 0);
			daqiri_rx_release(&d.q, 2 * N_WQES);
			cr_assert_eq(device_room(), N_WQES - 1,
				     "the last one is not known to be done");
			/* The filler has come when nothing is held: it gives its WQE back by
			 * itself. */
			cr_assert_eq(expect(1), 0);
			cr_assert_eq(device_room(), N_WQES);
		}
	}
}

Test(rxq_striding, strides_of_fillers_come_back)
{
	FOR_EACH_TAKER
	try_fillers();
}

/* A WQE whose end no completion tells is done when the next one's first packet comes. */
static void try_a_wqe_without_an_end(void)
{
	device_init(0xfffffffe);
	for (int i = 0; i < 100; i++) {
		cr_assert(device_receive(3 * STRIDE));
		device_use(STRIDES - d.used);
		cr_assert(device_receive(STRIDE));
		cr_assert_eq(expect(8), 2);
		daqiri_rx_release(&d.q, 2);
		cr_assert_eq(device_room(), N_WQES);
		device_use(STRIDES - d.used);
	}
	cr_assert_eq(d.q.count.errors, 0u);
}

Test(rxq_striding, a_wqe_without_an_end_is_done_when_the_next_one_begins)
{
	FOR_EACH_TAKER
	try_a_wqe_without_an_end();
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Every mix of packets and errors: what errors took comes back with the packets before it. */
static void try_errors(bool tells)
{
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		uint32_t good = 0, bad = 0;

		device_init(0xfffffffc);
		for (uint32_t i = 0; i < 8 && device_room(); i++) {
			if (pattern >> i & 1) {
				device_fail(1, tells);
				bad++;
			} else {
				device_receive(100 + i);
				good++;
			}
		}
		cr_assert_eq(expect(8), good, "pattern %02x", pattern);
		cr_assert_eq(d.q.count.length_errors, bad);
		for (uint32_t i = 0; i < good; i++)
			daqiri_rx_release(&d.q, 1);
		cr_assert_eq(device_room(), N_WQES, "pattern %02x", pattern);
		cr_assert_not(d.q.stopped);
	}
}

Test(rxq_striding, errors_between_packets_in_every_pattern)
{
	FOR_EACH_TAKER
	{
		try_errors(true);
		try_errors(false);
	}
}

static void try_errors_alone(void)
{
	device_init(0xffff);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < N_WQES; i++)
			device_fail(1, true);
		cr_assert_eq(expect(1), 0);
		cr_assert_eq(device_room(), N_WQES);
		cr_assert_eq(be32toh(d.cq_dbrec[0]), d.cqe_pi & 0xffffff);
	}
	cr_assert_eq(d.q.count.errors, 100u * N_WQES);
	cr_assert_eq(d.q.first_error.wqe_index, 0xffff);
}

Test(rxq_striding, errors_alone_never_starve_the_device)
{
	FOR_EACH_TAKER
	try_errors_alone();
}

static void try_a_stopped_queue(void)
{
	struct daqiri_pkt pkt;

	device_init(0xfffe);
	device_receive(900);
	device_fail(4, true);
	while (device_room())
		device_fail(5, true);
	cr_assert_eq(expect(8), 1);
	cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), -EIO);
	cr_assert_eq(d.q.first_error.syndrome, 4);
	cr_assert_eq(d.q.first_error.vendor_syndrome, 0x68);
	cr_assert_eq(d.q.count.errors, (uint64_t)N_WQES);
}

Test(rxq_striding, a_stopped_queue_gives_what_came_before_it_stopped)
{
	FOR_EACH_TAKER
	try_a_stopped_queue();
}

/* No memory is known for it: it is an error, and the queue goes on. */
static void try_a_wqe_that_the_device_does_not_have(void)
{
	device_init(40);
	device_receive(64);
	device_receive(64);
	d.cqes[41 % CQES].wqe_id = htobe16(40 + N_WQES);
	d.n_sent = 1;
	cr_assert_eq(expect(8), 1);
	cr_assert_eq(d.q.count.errors, 1u);
	device_receive(64);
	cr_assert_eq(expect(8), 1);
	daqiri_rx_release(&d.q, 2);
}

Test(rxq_striding, a_wqe_that_the_device_does_not_have_is_an_error)
{
	FOR_EACH_TAKER
	try_a_wqe_that_the_device_does_not_have();
}

/* ---- all of it at random --------------------------------------------------------------------- */

static uint64_t noise;

static uint32_t random32(void)
{
	return noise32(&noise);
}

/* Completions of random bytes, most of them good ones of one WQE or of two in a row. */
static void fill_at_random(void)
{
	uint32_t good = random32() % 64, change = random32() % 64, wqe = d.st.wqe;

	for (uint32_t i = 0; i < CQES; i++) {
		uint32_t index = d.q.ci + i, owner = index / CQES & 1;
		struct mlx5_cqe64 *cqe = &d.cqes[index % CQES];

		for (unsigned k = 0; k < sizeof(*cqe) / 4; k++)
			((uint32_t *)cqe)[k] = random32();
		/* Of no strides: else one of them would be the last of its WQE. */
		cqe->byte_cnt = htobe32((random32() & 0xffff) | (random32() % 40 ? 0 : 0x80000000));
		/* Some lie behind the WQE, where no packet may be. */
		if (random32() % 4)
			cqe->wqe_counter = htobe16((uint16_t)(random32() % STRIDES));
		cqe->wqe_id = htobe16((uint16_t)(wqe + (i >= change)));
		if (i != good)
			cqe->op_own = (uint8_t)(0x20 | (random32() & 2) | owner);
	}
}

Test(rxq_striding, all_ways_to_take_packets_give_the_same)
{
	struct daqiri_pkt pkts[3][65];

	noise = 0x9e3779b97f4a7c15;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t max = random32() % 65, n[3] = {0};
		struct dq_rx_striding st[3];
		struct daqiri_rxq q[3];

		taker = takers[0];
		device_init(starts[round % N_STARTS]);
		d.q.ci += random32() % (2 * CQES);
		fill_at_random();
		for (unsigned t = 0; t < n_takers; t++) {
			uint32_t got;

			st[t] = d.st;
			q[t] = d.q;
			q[t].striding = &st[t];
			memset(pkts[t], 0xa5, sizeof(pkts[t]));
			/* They may stop at another place of the row: the poll calls them again. */
			do {
				got = takers[t](&q[t], pkts[t] + n[t], max - n[t]);
				n[t] += got;
			} while (got && st[t].wqe == d.st.wqe);
			cr_assert_leq(n[t], max);
			for (uint32_t i = 0; i < n[t]; i++)
				cr_assert_lt(pkts[t][i].addr - d.where[st[t].wqe % PLACES],
					     (uint64_t)WQE_BYTES, "outside of its WQE");
			q[t].striding = NULL;
			cr_assert_eq(pkts[t][max].addr, 0xa5a5a5a5a5a5a5a5);
			cr_assert_eq(n[t], n[0], "way %u, round %u: %u, not %u", t, round, n[t],
				     n[0]);
			cr_assert_arr_eq((uint8_t *)pkts[t], (uint8_t *)pkts[0],
					 n[0] * sizeof(pkts[0][0]), "way %u, round %u", t, round);
			cr_assert_arr_eq((uint8_t *)&q[t], (uint8_t *)&q[0], sizeof(q[0]));
			cr_assert_arr_eq((uint8_t *)&st[t], (uint8_t *)&st[0], sizeof(st[0]));
		}
	}
}
