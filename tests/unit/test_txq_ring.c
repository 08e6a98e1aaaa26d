/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The send data path on rings in plain memory: a small device, written from the PRM and not from
 * the code under test, executes what the doorbell hands over. Rings start near every index limit.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "noise.h"
#include "txq.h"

enum { DEPTH = 256, SLOT = 256, QPN = 0xabcdef, FOREIGN = 0x10000000, SEND = 0x0a, EMPW = 0x29 };

/* What the device has seen of one packet. */
struct seen {
	uint64_t addr;
	uint32_t len, lkey;
};

struct device {
	struct daqiri_txq q;
	struct dq_conf_txq conf;
	_Alignas(64) uint8_t ring[DEPTH * 64];
	_Alignas(64) struct mlx5_cqe64 cqes[DEPTH];
	_Alignas(64) uint8_t bf[512];
	struct dq_tx_mark marks[DEPTH];
	__be32 dbrec[2], cq_dbrec[2];
	uint32_t ci, cqe_pi; /* the device's own */
	struct seen seen[4 * DEPTH];
	unsigned n_seen, n_wqes, n_signalled;
	unsigned half; /* where the next doorbell is to come */
};

/* Sets of instructions, those of this processor. */
static struct way {
	dq_tx_write_fn empw, send;
	dq_tx_show_fn show;
} ways[3] = {{dq_tx_write_empw_portable, dq_tx_write_send_portable, dq_tx_show_portable}};
static const struct way *way = ways;
static unsigned n_ways = 1;

static void find_ways(void)
{
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_SSE42))
		ways[n_ways++] = (struct way){dq_tx_write_empw_sse42, dq_tx_write_send_sse42,
					      dq_tx_show_portable};
	if (dq_simd_has(DQ_SIMD_AVX2))
		ways[n_ways++] =
			(struct way){dq_tx_write_empw_avx2, dq_tx_write_send_avx2, dq_tx_show_avx2};
#endif
}

TestSuite(txq_ring, .init = find_ways);

#define FOR_EACH_WAY for (way = ways; way < ways + n_ways; way++)

static uint32_t be32_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t be64_at(const uint8_t *p)
{
	return (uint64_t)be32_at(p) << 32 | be32_at(p + 4);
}

static void device_init(struct device *d, uint32_t start, dq_tx_write_fn write)
{
	memset(d, 0, sizeof(*d));
	d->conf = (struct dq_conf_txq){.where = "[txq a 0]", .depth = DEPTH};
	d->ci = d->cqe_pi = start;
	d->cq_dbrec[0] = htobe32(start & 0xffffff);
	d->q = (struct daqiri_txq){.ring = d->ring,
				   .dbrec = d->dbrec,
				   .bf = d->bf,
				   .write = write,
				   .posted = start,
				   .done = start,
				   .pi = start,
				   .ci = start,
				   .signalled = start,
				   .mask = DEPTH - 1,
				   .cq_mask = DEPTH - 1,
				   .limit = DEPTH,
				   .show = way->show,
				   .qpn = QPN,
				   .bf_flush = true,
				   .bf_flip = (uintptr_t)d->bf ^ (uintptr_t)(d->bf + 256),
				   .slot_base = 0x100000,
				   .slot_bytes = DEPTH * SLOT,
				   .n_slots = DEPTH,
				   .slot_stride = SLOT,
				   .slot_size = SLOT,
				   .slot_key = htobe32(0x1234),
				   .max_ptrs = 58,
				   .marks = d->marks,
				   .cqes = d->cqes,
				   .cq_dbrec = d->cq_dbrec,
				   .conf = &d->conf};
	dq_tx_prepare(&d->q, write == way->empw ? EMPW : SEND);
	d->q.slot_zero = start & ~(uint64_t)(DEPTH - 1);
	memset(d->ring, 0xee, sizeof(d->ring));
	/* Every entry carries the parity of the lap before. */
	for (uint32_t i = 0; i < DEPTH; i++) {
		uint32_t last = start + i - DEPTH;

		d->cqes[last % DEPTH].op_own = (uint8_t)(0xf0 | (last / DEPTH & 1));
	}
}

/* A device whose eMPWs hold fewer packets. */
static void be_short(struct device *d, uint32_t max_ptrs)
{
	uint64_t slot_zero = d->q.slot_zero;

	d->q.max_ptrs = max_ptrs;
	dq_tx_prepare(&d->q, EMPW);
	d->q.slot_zero = slot_zero;
}

static void device_complete(struct device *d, uint32_t index, uint8_t opcode, uint8_t syndrome)
{
	struct mlx5_cqe64 *cqe = &d->cqes[d->cqe_pi % DEPTH];

	cr_assert_lt((d->cqe_pi - be32toh(d->cq_dbrec[0])) & 0xffffff, DEPTH, "CQ overrun");
	memset(cqe, 0, sizeof(*cqe));
	cqe->wqe_counter = htobe16((uint16_t)index);
	((uint8_t *)cqe)[55] = syndrome;
	cqe->op_own = (uint8_t)((unsigned)opcode << 4 | (d->cqe_pi / DEPTH & 1));
	d->cqe_pi++;
	d->n_signalled++;
}

static void device_pointer(struct device *d, const uint8_t *seg)
{
	d->seen[d->n_seen++] = (struct seen){
		.addr = be64_at(seg + 8), .len = be32_at(seg), .lkey = be32_at(seg + 4)};
}

/* Executes one WQE; returns the byte that says when it wants a completion. */
static uint8_t device_wqe(struct device *d)
{
	const uint8_t *ctrl = d->ring + d->ci % DEPTH * 64;
	uint32_t word = be32_at(ctrl), segs = be32_at(ctrl + 4) & 0x3f, first = 2;
	uint8_t opcode = (uint8_t)word, ce = ctrl[11];

	cr_assert(opcode == EMPW || opcode == SEND, "opcode %#x", opcode);
	cr_assert_eq(word >> 8, d->ci & 0xffff, "the WQE's index");
	cr_assert_eq(be32_at(ctrl + 4) >> 8, (uint32_t)QPN);
	cr_assert(segs >= 3 && segs <= 60, "%u segments", segs);
	if (opcode == SEND && ctrl[16 + 13])
		first = 3; /* inline header of 18 bytes */
	for (uint32_t s = first; s < segs; s++)
		device_pointer(d, d->ring + (d->ci % DEPTH * 64 + s * 16) % sizeof(d->ring));
	d->n_wqes++;
	if (ce & 8)
		device_complete(d, d->ci, 0, 0);
	d->ci += (segs + 3) / 4;
	return ce;
}

/* Executes at most n of the WQEs that were rung. */
static void device_some(struct device *d, unsigned n)
{
	for (; n && (uint16_t)d->ci != (uint16_t)be32toh(d->dbrec[1]); n--)
		device_wqe(d);
}

/* Takes one doorbell: the record, and the last WQE's first 8 bytes in the register's other half. */
static void device_run(struct device *d)
{
	uint16_t pi = (uint16_t)be32toh(d->dbrec[1]);
	uint8_t rung[8], ce = 0;
	const uint8_t *last = NULL;

	memcpy(rung, d->bf + d->half, sizeof(rung));
	while ((uint16_t)d->ci != pi) {
		last = d->ring + d->ci % DEPTH * 64;
		ce = device_wqe(d);
	}
	cr_assert(last && !memcmp(last, rung, sizeof(rung)), "doorbell register");
	cr_assert(ce & 8, "the last WQE of a post asks for a completion");
	d->half ^= 256;
}

static uint64_t slots_posted(const struct device *d)
{
	return d->q.posted - d->q.others;
}

static int post(struct device *d, const struct daqiri_pkt *pkts, int n)
{
	d->dbrec[1] = 0;
	d->q.dbrec = &d->dbrec[1];
	return daqiri_tx_post(&d->q, pkts, n);
}

/* Posts n packets, slots and others' memory mixed, and checks what the device saw. */
static void post_and_check(struct device *d, int n, uint32_t round)
{
	struct daqiri_pkt pkts[DEPTH];
	uint64_t done = d->q.done;

	cr_assert_eq(daqiri_tx_reserve(&d->q, pkts, n), n);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(pkts[i].addr,
			     0x100000 + (slots_posted(d) + (uint64_t)i) % DEPTH * SLOT);
		pkts[i].len = 60 + (round * 7 + (uint32_t)i) % 190;
	}
	d->n_seen = 0;
	cr_assert_eq(post(d, pkts, n), n);
	device_run(d);
	cr_assert_eq(d->n_seen, (unsigned)n);
	for (int i = 0; i < n; i++) {
		cr_assert_eq(d->seen[i].addr, pkts[i].addr);
		cr_assert_eq(d->seen[i].len, pkts[i].len);
		cr_assert_eq(d->seen[i].lkey, 0x1234u);
	}
	cr_assert_eq(daqiri_tx_completed(&d->q), done + (uint64_t)n);
	cr_assert_eq(d->q.done, d->q.posted);
	cr_assert_eq(be32toh(d->cq_dbrec[0]), d->cqe_pi & 0xffffff);
}

/* Where 16-bit WQE counters, 24-bit CQ indices and 32-bit positions go round. */
static uint32_t starts[] = {0,		1,	    63,		64,	   0xfffe - 63,
			    0xffff,	0x10000,    0xffffc0,	0xffffff,  0x1000000,
			    0x7fffffff, 0xffffff00, 0xffffffc0, 0xffffffff};

ParameterizedTestParameters(txq_ring, empw_at_every_index_limit)
{
	return cr_make_param_array(uint32_t, starts, sizeof(starts) / sizeof(starts[0]));
}

static void try_empw_at_every_index_limit(uint32_t *start)
{
	static struct device d;

	device_init(&d, *start, way->empw);
	for (uint32_t round = 0; round < 3; round++)
		for (int n = 1; n <= DEPTH; n++)
			post_and_check(&d, n, round);
}

ParameterizedTest(uint32_t *start, txq_ring, empw_at_every_index_limit)
{
	FOR_EACH_WAY
	try_empw_at_every_index_limit(start);
}

ParameterizedTestParameters(txq_ring, send_at_every_index_limit)
{
	return cr_make_param_array(uint32_t, starts, sizeof(starts) / sizeof(starts[0]));
}

static void try_send_at_every_index_limit(uint32_t *start)
{
	static struct device d;

	device_init(&d, *start, way->send);
	for (int n = 1; n <= DEPTH; n++)
		post_and_check(&d, n, 0);
}

ParameterizedTest(uint32_t *start, txq_ring, send_at_every_index_limit)
{
	FOR_EACH_WAY
	try_send_at_every_index_limit(start);
}

static void try_an_empw_takes_58_pointers_and_no_more(void)
{
	static struct device d;
	struct daqiri_pkt pkts[DEPTH];

	device_init(&d, 40, way->empw);
	cr_assert_eq(daqiri_tx_reserve(&d.q, pkts, DEPTH), DEPTH);
	cr_assert_eq(post(&d, pkts, 58), 58);
	device_run(&d);
	cr_assert_eq(d.n_wqes, 1u);
	daqiri_tx_completed(&d.q);
	cr_assert_eq(post(&d, pkts, 59), 59);
	device_run(&d);
	cr_assert_eq(d.n_wqes, 3u);
}

Test(txq_ring, an_empw_takes_58_pointers_and_no_more)
{
	FOR_EACH_WAY
	try_an_empw_takes_58_pointers_and_no_more();
}

static void try_a_device_of_short_wqes_gets_short_ones(void)
{
	static struct device d;
	struct daqiri_pkt pkts[DEPTH];

	device_init(&d, 0, way->empw);
	be_short(&d, 14);
	cr_assert_eq(daqiri_tx_reserve(&d.q, pkts, DEPTH), DEPTH);
	cr_assert_eq(post(&d, pkts, 60), 60);
	device_run(&d);
	cr_assert_eq(d.n_wqes, 5u);
	cr_assert_eq(daqiri_tx_completed(&d.q), 60u);
}

Test(txq_ring, a_device_of_short_wqes_gets_short_ones)
{
	FOR_EACH_WAY
	try_a_device_of_short_wqes_gets_short_ones();
}

/* A long post frees the ring in parts: not only its last WQE is signalled. */
static void try_a_long_post_is_signalled_in_quarters(void)
{
	static struct device d;
	struct daqiri_pkt pkts[DEPTH];

	device_init(&d, 0, way->send);
	cr_assert_eq(daqiri_tx_reserve(&d.q, pkts, DEPTH), DEPTH);
	cr_assert_eq(post(&d, pkts, DEPTH), DEPTH);
	device_run(&d);
	cr_assert_eq(d.n_signalled, 4u);
}

Test(txq_ring, a_long_post_is_signalled_in_quarters)
{
	FOR_EACH_WAY
	try_a_long_post_is_signalled_in_quarters();
}

static void try_the_ring_holds_depth_packets_however_they_are_posted(void)
{
	static struct device d;
	struct daqiri_pkt pkt = {.addr = FOREIGN, .len = 60, .key = htobe32(7)};

	device_init(&d, 0xfff0, way->empw);
	for (int i = 0; i < DEPTH; i++)
		cr_assert_eq(post(&d, &pkt, 1), 1);
	cr_assert_eq(post(&d, &pkt, 1), 0, "the ring is full");
	cr_assert_eq(d.q.count.full, 1u);
	cr_assert_eq(d.q.pi - 0xfff0u, DEPTH, "one WQEBB each");
	cr_assert_eq(slots_posted(&d), 0xfff0u, "memory of others takes no slot");
}

Test(txq_ring, the_ring_holds_depth_packets_however_they_are_posted)
{
	FOR_EACH_WAY
	try_the_ring_holds_depth_packets_however_they_are_posted();
}

static void try_slots_and_foreign_memory_mix_in_one_post(void)
{
	static struct device d;
	struct daqiri_pkt pkts[6], again[1];

	device_init(&d, 10, way->empw);
	cr_assert_eq(daqiri_tx_reserve(&d.q, pkts, 3), 3);
	pkts[5] = pkts[2];
	pkts[2] = pkts[1];
	pkts[1] = pkts[3] = pkts[4] =
		(struct daqiri_pkt){.addr = FOREIGN, .len = 99, .key = htobe32(0x77)};
	cr_assert_eq(post(&d, pkts, 6), 6);
	device_run(&d);
	cr_assert_eq(d.seen[1].lkey, 0x77u);
	cr_assert_eq(daqiri_tx_completed(&d.q), 16u);
	cr_assert_eq(slots_posted(&d), 13u);
	cr_assert_eq(daqiri_tx_reserve(&d.q, again, 1), 1);
	cr_assert_eq(again[0].addr, 0x100000u + 13 * SLOT);
}

Test(txq_ring, slots_and_foreign_memory_mix_in_one_post)
{
	FOR_EACH_WAY
	try_slots_and_foreign_memory_mix_in_one_post();
}

/* The bytes just before and just behind the slots are not the queue's. */
static void try_the_slot_range_ends_where_the_slots_end(void)
{
	static struct device d;
	struct daqiri_pkt pkts[4] = {{.addr = 0x100000 - 1, .len = 60},
				     {.addr = 0x100000 + DEPTH * SLOT, .len = 60},
				     {.addr = 0x100000 + DEPTH * SLOT - 1, .len = 60},
				     {.addr = 0x100000, .len = 60}};

	device_init(&d, 0, way->empw);
	cr_assert_eq(post(&d, pkts, 2), 2);
	cr_assert_eq(slots_posted(&d), 0u);
	cr_assert_eq(post(&d, pkts + 2, 2), 2);
	cr_assert_eq(slots_posted(&d), 2u);
}

Test(txq_ring, the_slot_range_ends_where_the_slots_end)
{
	FOR_EACH_WAY
	try_the_slot_range_ends_where_the_slots_end();
}

/* A device that looks at headers gets them in the WQE, and the rest by pointer. */
static void try_inline_sends_carry_the_header_and_point_behind_it(void)
{
	static struct device d;
	static uint8_t frame[100];
	struct daqiri_pkt pkts[3];

	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i + 1);
	device_init(&d, 63, dq_tx_write_send_inline);
	for (int i = 0; i < 3; i++)
		pkts[i] = (struct daqiri_pkt){
			.addr = (uintptr_t)frame, .len = i ? 100 : 18, .key = htobe32(5)};
	cr_assert_eq(post(&d, pkts, 3), 3);
	device_run(&d);
	cr_assert_eq(d.n_seen, 2u, "a frame of 18 bytes needs no pointer");
	cr_assert_eq(d.seen[0].addr, (uintptr_t)frame + 18);
	cr_assert_eq(d.seen[0].len, 82u);
	for (unsigned at = 0; at < 3; at++) {
		const uint8_t *eth = d.ring + (63 + at) % DEPTH * 64 + 16;

		cr_assert_eq(eth[12], 0);
		cr_assert_eq(eth[13], 18);
		cr_assert_arr_eq(eth + 14, frame, 18);
	}
}

Test(txq_ring, inline_sends_carry_the_header_and_point_behind_it)
{
	FOR_EACH_WAY
	try_inline_sends_carry_the_header_and_point_behind_it();
}

/* A page that is not write-combining has one register: nothing alternates. */
static void try_an_uncached_doorbell_is_always_the_same_word(void)
{
	static struct device d;
	struct daqiri_pkt pkt = {.addr = FOREIGN, .len = 60};
	uint8_t untouched[256] = {0};

	device_init(&d, 0, way->empw);
	d.q.bf_flip = 0;
	d.q.bf_flush = false;
	for (int i = 0; i < 5; i++)
		cr_assert_eq(post(&d, &pkt, 1), 1);
	cr_assert_arr_eq(d.bf + 256, untouched, 256);
	cr_assert_eq(be32_at(d.bf) >> 8, 4u);
}

Test(txq_ring, an_uncached_doorbell_is_always_the_same_word)
{
	FOR_EACH_WAY
	try_an_uncached_doorbell_is_always_the_same_word();
}

static void try_an_error_stops_the_queue_and_keeps_what_was_completed(void)
{
	static struct device d;
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_pkt pkts[4];

	device_init(&d, 0xffff, way->empw);
	cr_assert_eq(daqiri_tx_reserve(&d.q, pkts, 4), 4);
	cr_assert_eq(post(&d, pkts, 2), 2);
	device_run(&d);
	cr_assert_eq(post(&d, pkts + 2, 2), 2);
	device_complete(&d, d.ci, 0x0d, 0x04);
	cr_assert_eq(daqiri_tx_completed(&d.q), 0xffffu + 2);
	cr_assert(d.q.stopped);
	cr_assert_eq(d.q.first_error.syndrome, 0x04);
	cr_assert_eq(d.q.first_error.wqe_index, 0, "index 0x10000 in 16 bits");
	cr_assert_eq(d.q.count.errors, 1u);
	cr_assert_eq(post(&d, pkts, 1), -EIO);
	cr_assert(strstr(daqiri_error_detail(), "[txq a 0]"));
}

Test(txq_ring, an_error_stops_the_queue_and_keeps_what_was_completed)
{
	FOR_EACH_WAY
	try_an_error_stops_the_queue_and_keeps_what_was_completed();
}

static uint64_t noise = 0x2545f4914f6cdd1d;

static uint64_t random64(void)
{
	return noise64(&noise);
}

/* ---- any sequence of calls --------------------------------------------------------------------
 */

/* What a program knows: packets that it posted and that are not done, and slots among them. */
struct model {
	struct device *d;
	bool is_slot[1 << 16]; /* by the packet's number, modulo */
	uint64_t posted, done, slots_posted, slots_done;
};

static void model_complete(struct model *m)
{
	uint64_t done = daqiri_tx_completed(&m->d->q);

	cr_assert_leq(done, m->posted);
	for (; m->done < done; m->done++)
		m->slots_done += m->is_slot[m->done & 0xffff];
}

/* All slots that are free are shown, in order, and no other. */
static void model_reserve(struct model *m, struct daqiri_pkt pkts[DEPTH])
{
	int n = daqiri_tx_reserve(&m->d->q, pkts, DEPTH);

	model_complete(m);
	cr_assert_eq(n, DEPTH - (int)(m->slots_posted - m->slots_done), "%d free slots", n);
	for (int i = 0; i < n; i++)
		cr_assert_eq(pkts[i].addr,
			     0x100000 + (m->slots_posted + (uint64_t)i) % DEPTH * SLOT);
}

/* Posts up to n packets: slots, others' memory, or a mix. */
static void model_post(struct model *m, unsigned n, unsigned mix)
{
	struct daqiri_pkt pkts[DEPTH];
	int room = DEPTH - (int)(m->posted - m->done), posted;

	model_reserve(m, pkts);
	for (unsigned i = 0; i < n; i++) {
		bool slot = mix == 0 || (mix == 2 && random64() % 2);

		slot = slot && m->slots_posted - m->slots_done + i < DEPTH;
		if (!slot) {
			memmove(pkts + i + 1, pkts + i, (DEPTH - i - 1) * sizeof(*pkts));
			pkts[i].addr = FOREIGN;
		}
		pkts[i].len = 60;
		m->is_slot[(m->posted + i) & 0xffff] = slot;
	}
	m->d->q.dbrec = &m->d->dbrec[1];
	posted = daqiri_tx_post(&m->d->q, pkts, (int)n);
	cr_assert_geq(posted, (int)n < room ? (int)n : room);
	for (int i = 0; i < posted; i++)
		m->slots_posted += m->is_slot[m->posted++ & 0xffff];
	cr_assert_eq(slots_posted(m->d), m->slots_posted);
}

static void try_any_sequence(uint32_t start, dq_tx_write_fn write, uint32_t max_ptrs)
{
	static struct device d;
	static struct model m;

	device_init(&d, start, write);
	if (write == way->empw)
		be_short(&d, max_ptrs);
	d.dbrec[1] = htobe32(start & 0xffff);
	m = (struct model){.d = &d,
			   .posted = start,
			   .done = start,
			   .slots_posted = start,
			   .slots_done = start};
	for (unsigned i = 0; i < 2000; i++) {
		unsigned n = random64() % 4 ? (unsigned)(random64() % 9)
					    : (unsigned)(random64() % DEPTH);

		model_post(&m, n, (i / 64) % 3);
		d.n_seen = 0;
		device_some(&d, (unsigned)(random64() % 4));
		if (i % 64 == 63)
			device_some(&d, DEPTH);
		model_complete(&m);
	}
	device_some(&d, DEPTH);
	model_complete(&m);
	cr_assert_eq(m.done, m.posted);
	cr_assert_eq(d.ci, d.q.pi);
}

ParameterizedTestParameters(txq_ring, any_sequence_conserves_packets_and_slots)
{
	return cr_make_param_array(uint32_t, starts, sizeof(starts) / sizeof(starts[0]));
}

ParameterizedTest(uint32_t *start, txq_ring, any_sequence_conserves_packets_and_slots)
{
	FOR_EACH_WAY
	{
		try_any_sequence(*start, way->empw, 58);
		try_any_sequence(*start, way->empw, 3);
		try_any_sequence(*start, way->send, 58);
	}
}

/* ---- the same, however they are written -------------------------------------------------------
 */

/* Slots, memory on both sides of them, 4 GiB away and at the other end of the address space. */
static uint64_t random_addr(void)
{
	uint64_t offset = random64() % (DEPTH * SLOT);

	switch (random64() % 24) {
	case 0:
		return 0x100000 - 1 - offset;
	case 1:
		return 0x100000 + (uint64_t)DEPTH * SLOT + offset;
	case 2:
		return 0x100000 + offset + (1ull << 32);
	case 3:
		return random64();
	default:
		return 0x100000 + offset;
	}
}

/* The mix is near at one time in four, so that both ways to count are met. */
static void random_packets(struct daqiri_pkt pkts[DEPTH])
{
	bool near = random64() % 4 == 0;

	for (unsigned i = 0; i < DEPTH; i++)
		pkts[i] = (struct daqiri_pkt){.addr = near ? 0x100000 + random64() % (DEPTH * SLOT)
							   : random_addr(),
					      .len = (uint32_t)(random64() % 65536),
					      .key = (uint32_t)random64()};
}

Test(txq_ring, all_ways_to_write_give_the_same)
{
	static struct device d[3];
	struct daqiri_pkt pkts[DEPTH];

	for (unsigned round = 0; round < 20000; round++) {
		bool send = round % 2;
		uint32_t start = starts[round % (sizeof(starts) / sizeof(starts[0]))];
		uint32_t n = 1 + (uint32_t)(random64() % DEPTH);
		static const uint32_t sizes[] = {58, 58, 14, 3, 33, 1};
		uint32_t max_ptrs = sizes[random64() % 6];

		random_packets(pkts);
		for (unsigned w = 0; w < n_ways; w++) {
			way = &ways[w];
			device_init(&d[w], start + round, send ? way->send : way->empw);
			if (!send)
				be_short(&d[w], max_ptrs);
			cr_assert_eq(post(&d[w], pkts, (int)n), (int)n);
			cr_assert_arr_eq(d[w].ring, d[0].ring, sizeof(d[0].ring), "way %u", w);
			cr_assert_arr_eq((uint8_t *)d[w].marks, (uint8_t *)d[0].marks,
					 sizeof(d[0].marks), "way %u", w);
			cr_assert_arr_eq(d[w].bf, d[0].bf, sizeof(d[0].bf), "way %u", w);
			cr_assert_eq(d[w].dbrec[1], d[0].dbrec[1]);
			cr_assert_eq(d[w].q.count.bytes, d[0].q.count.bytes);
			cr_assert_eq(d[w].q.others, d[0].q.others, "way %u", w);
			cr_assert_eq(d[w].q.posted, d[0].q.posted);
			cr_assert_eq(d[w].q.pi, d[0].q.pi);
		}
	}
}

Test(txq_ring, all_ways_to_show_slots_give_the_same)
{
	struct daqiri_pkt pkts[3][DEPTH + 1];
	static struct device d;

	device_init(&d, 0, dq_tx_write_empw_portable);
	for (uint32_t slot = 0; slot < DEPTH; slot++) {
		for (uint32_t n = 0; n <= DEPTH - slot; n++) {
			memset(pkts, 0xa5, sizeof(pkts));
			for (unsigned w = 0; w < n_ways; w++) {
				cr_assert_eq(ways[w].show(&d.q, pkts[w], slot, n), (int)n);
				cr_assert_arr_eq((uint8_t *)pkts[w], (uint8_t *)pkts[0],
						 sizeof(pkts[0]), "way %u", w);
			}
		}
	}
}
