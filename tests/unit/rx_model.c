/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "noise.h"
#include "rx_model.h"

enum {
	LKEY = 0x1234,
	MIN_LEN = 20,
	/* with lengths that look like ownership bytes */ MAX_LEN = 128
};

/* ---- the device ------------------------------------------------------------------------------ */

uint32_t rx_cyclic_room(const struct rx_device *d)
{
	return (uint16_t)(be32toh(d->rq_dbrec[0]) - d->wqe_pi);
}

/* The next completion but for its ownership byte, which is set last. */
static struct mlx5_cqe64 *next_cqe(struct rx_device *d)
{
	struct mlx5_cqe64 *cqe = &d->cqes[d->cq_pi % RX_DEPTH];

	cr_assert_gt(rx_cyclic_room(d), 0u, "the device has no WQE");
	cr_assert_leq(rx_cyclic_room(d), (uint32_t)RX_DEPTH, "more WQEs than there are");
	cr_assert_lt((d->cq_pi - be32toh(d->cq_dbrec[0])) & 0xffffff, (uint32_t)RX_DEPTH,
		     "CQ overrun");
	memset(cqe, 0x5a, sizeof(*cqe) - 1);
	cqe->wqe_counter = htobe16((uint16_t)d->wqe_pi);
	return cqe;
}

static void put_cqe(struct rx_device *d, struct mlx5_cqe64 *cqe, unsigned opcode)
{
	cqe->op_own = (uint8_t)(opcode << 4 | (d->cq_pi / RX_DEPTH & 1));
	d->cq_pi++;
	d->wqe_pi++;
}

/* Into the buffer of the next WQE. */
static uint8_t *put_frame(struct rx_device *d, const uint8_t *frame, uint32_t len)
{
	const struct mlx5_wqe_data_seg *wqe = &d->wqes[d->wqe_pi % RX_DEPTH];
	uint8_t *to = (uint8_t *)(uintptr_t)be64toh(wqe->addr);

	cr_assert_eq(be32toh(wqe->lkey), (uint32_t)LKEY);
	cr_assert_leq(len, be32toh(wqe->byte_count));
	cr_assert(to >= d->mem && to + len <= d->mem + sizeof(d->mem), "WQE %u", d->wqe_pi);
	memcpy(to, frame, len);
	return to;
}

uint8_t *rx_cyclic_receive(struct rx_device *d, const uint8_t *frame, uint32_t len, uint32_t tag)
{
	uint8_t *to = put_frame(d, frame, len);
	struct mlx5_cqe64 *cqe = next_cqe(d);

	cqe->byte_cnt = htobe32(len);
	cqe->sop_drop_qpn = htobe32(0x77000000 | tag);
	put_cqe(d, cqe, 2);
	return to;
}

void rx_cyclic_fail(struct rx_device *d, uint8_t syndrome)
{
	struct mlx5_cqe64 *cqe = next_cqe(d);

	((uint8_t *)cqe)[55] = syndrome;
	put_cqe(d, cqe, 14);
}

/*
 * PRM, "CQE compression", basic layout: arrays of small completions in the slot behind the title
 * and in each eighth one counted from it; the other slots of the session stay as they are. Sessions
 * may go round the ring's end.
 */
void rx_compressed_settle(struct rx_device *d)
{
	struct mlx5_cqe64 *title;
	uint32_t n = d->n_minis;

	if (!n)
		return;
	d->n_minis = 0;
	d->wqe_pi -= n;
	cr_assert_leq(((d->cq_pi - be32toh(d->cq_dbrec[0])) & 0xffffff) + n, (uint32_t)RX_DEPTH,
		      "CQ overrun");
	title = next_cqe(d);
	title->sop_drop_qpn = htobe32(0x77000000 | d->tag);
	title->byte_cnt = n > 1 ? htobe32(n) : d->minis[0].byte_cnt;
	for (uint32_t i = 0; n > 1 && i < n; i += 8)
		memcpy(&d->cqes[(d->cq_pi + (i ? i : 1)) % RX_DEPTH], &d->minis[i],
		       8 * sizeof(d->minis[0]));
	title->op_own = (uint8_t)(0x20 | (n > 1 ? 0xc : 0) | (d->cq_pi / RX_DEPTH & 1));
	d->cq_pi += n;
	d->wqe_pi += n;
}

uint8_t *rx_compressed_receive(struct rx_device *d, const uint8_t *frame, uint32_t len,
			       uint32_t tag)
{
	uint8_t *to;

	if (d->tag != tag || d->n_minis == RX_DEPTH)
		rx_compressed_settle(d);
	d->tag = tag;
	d->minis[d->n_minis].hash = tag * 7 + len;
	d->minis[d->n_minis++].byte_cnt = htobe32(len);
	to = put_frame(d, frame, len);
	d->wqe_pi++;
	return to;
}

void rx_compressed_fail(struct rx_device *d, uint8_t syndrome)
{
	rx_compressed_settle(d);
	rx_cyclic_fail(d, syndrome);
}

void rx_device_init(struct rx_device *d, const struct rx_run *run)
{
	struct daqiri_rxq *q = &d->q;

	memset(d, 0, sizeof(*d));
	d->conf = (struct dq_conf_rxq){.where = "[rxq b 0]", .depth = RX_DEPTH};
	d->cq_pi = d->wqe_pi = run->start;
	*q = (struct daqiri_rxq){.cqes = d->cqes,
				 .cq_dbrec = d->cq_dbrec,
				 .rq_dbrec = d->rq_dbrec,
				 .base = (uintptr_t)d->mem,
				 .stride = RX_STRIDE,
				 .mask = RX_DEPTH - 1,
				 .ci = run->start,
				 .posted = run->start + RX_DEPTH,
				 .eaten_map = d->eaten,
				 .conf = &d->conf};
	cr_assert_eq(dq_rx_bufs_init(q, RX_SPARES), 0);
	q->bufs.wqes = (uint8_t *)d->wqes;
	run->kind->choose(q);
	d->cq_dbrec[0] = htobe32(run->start & 0xffffff);
	d->rq_dbrec[0] = htobe32((run->start + RX_DEPTH) & 0xffff);
	for (uint32_t i = 0; i < RX_DEPTH; i++) {
		d->cqes[(run->start + i) % RX_DEPTH].op_own =
			(uint8_t)(0xf0 | ((run->start + i - RX_DEPTH) / RX_DEPTH & 1));
		d->wqes[i] = (struct mlx5_wqe_data_seg){
			.byte_count = htobe32(RX_STRIDE),
			.lkey = htobe32(LKEY),
			.addr = htobe64((uintptr_t)d->mem + (uint64_t)i * RX_STRIDE)};
	}
}

/* ---- the model ------------------------------------------------------------------------------- */

/* A packet by its number, which says all of it. */
struct packet {
	uint64_t number;
	struct daqiri_pkt pkt;
	bool kept;
};

enum whose { FREE, COMING, HELD, KEPT };

struct model {
	const struct rx_run *run;
	struct rx_device d;
	uint64_t noise;
	uint64_t received, polled, released, dropped, errors, no_spare;
	struct packet held[RX_DEPTH]; /* released % size is the oldest */
	struct packet kept[RX_SPARES];
	unsigned n_kept;
	enum whose whose[RX_BUFS];
};

static uint32_t random32(struct model *m)
{
	return noise32(&m->noise);
}

static uint32_t len_of(uint64_t number)
{
	return MIN_LEN + (uint32_t)(number * 2654435761u >> 7) % (MAX_LEN - MIN_LEN + 1);
}

static uint32_t tag_of(const struct model *m, uint64_t number)
{
	unsigned same = m->run->kind->same_tag;

	return (uint32_t)((same ? number / same : number) * 40503u + 1) & 0xffff;
}

static void make_frame(uint64_t number, uint8_t frame[MAX_LEN])
{
	for (unsigned i = 0; i < MAX_LEN; i += 8) {
		uint64_t word = (number + 1) * 0x9e3779b97f4a7c15u + i;

		memcpy(frame + i, &word, 8);
	}
}

static void check_frame(const struct model *m, const struct packet *p, const char *when)
{
	uint8_t frame[MAX_LEN];

	make_frame(p->number, frame);
	cr_assert_eq(p->pkt.len, len_of(p->number), "packet %llu: length, %s",
		     (unsigned long long)p->number, when);
	cr_assert(!memcmp((const void *)(uintptr_t)p->pkt.addr, frame, p->pkt.len),
		  "packet %llu of %s from %#x, seed %llx: changed, %s",
		  (unsigned long long)p->number, m->run->kind->name, m->run->start,
		  (unsigned long long)m->run->seed, when);
}

static unsigned buf_of(const struct model *m, uint64_t addr)
{
	uint64_t offset = addr - (uintptr_t)m->d.mem;

	cr_assert_lt(offset, sizeof(m->d.mem));
	return (unsigned)(offset / RX_STRIDE);
}

static unsigned n_held(const struct model *m)
{
	return (unsigned)(m->polled - m->released);
}

/* The device receives some frames, and now and then one that is too long. */
static void receive(struct model *m)
{
	uint32_t n = random32(m) % (RX_DEPTH + 8);
	uint8_t frame[MAX_LEN], *to;

	while (n-- && m->run->kind->room(&m->d)) {
		if (random32(m) % 32 == 0) {
			m->run->kind->fail(&m->d, MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR);
			m->errors++;
			continue;
		}
		make_frame(m->received, frame);
		to = m->run->kind->receive(&m->d, frame, len_of(m->received),
					   tag_of(m, m->received));
		cr_assert_eq(m->whose[buf_of(m, (uintptr_t)to)], FREE,
			     "packet %llu of %s from %#x, seed %llx: a buffer that is not free",
			     (unsigned long long)m->received, m->run->kind->name, m->run->start,
			     (unsigned long long)m->run->seed);
		m->whose[buf_of(m, (uintptr_t)to)] = COMING;
		m->received++;
	}
	if (m->run->kind->settle)
		m->run->kind->settle(&m->d);
}

static void poll_up_to(struct model *m, int max)
{
	struct daqiri_pkt pkts[RX_DEPTH + 1];
	uint64_t there = m->received - m->polled;
	int n = daqiri_rx_poll(&m->d.q, pkts, max);

	cr_assert_eq(n, (int)(there < (uint64_t)max ? there : (uint64_t)max));
	for (int i = 0; i < n; i++, m->polled++) {
		struct packet p = {.number = m->polled, .pkt = pkts[i]};
		unsigned buf = buf_of(m, p.pkt.addr);

		cr_assert_eq(m->whose[buf], COMING);
		cr_assert_eq(daqiri_key_flow(p.pkt.key), tag_of(m, p.number));
		check_frame(m, &p, "when polled");
		m->whose[buf] = HELD;
		m->held[m->polled % RX_DEPTH] = p;
	}
}

static void poll_some(struct model *m)
{
	poll_up_to(m, (int)(random32(m) % (RX_DEPTH + 2)));
}

static void release_some(struct model *m)
{
	uint32_t n = random32(m) % (RX_DEPTH + 2);

	daqiri_rx_release(&m->d.q, (int)n);
	for (n = n < n_held(m) ? n : n_held(m); n; n--, m->released++) {
		struct packet *p = &m->held[m->released % RX_DEPTH];

		if (p->kept)
			continue;
		check_frame(m, p, "when released");
		m->whose[buf_of(m, p->pkt.addr)] = FREE;
	}
}

static void note_kept(struct model *m, struct packet *p)
{
	p->kept = true;
	m->whose[buf_of(m, p->pkt.addr)] = KEPT;
	m->kept[m->n_kept++] = *p;
}

/* Any of the held packets, at any address in it; such as cannot be are refused. */
static void keep_one(struct model *m)
{
	struct packet *p;
	struct daqiri_pkt pkt = {.addr = 0};
	int ret;

	if (!n_held(m) || random32(m) % 8 == 0) {
		do
			pkt.addr = (uintptr_t)m->d.mem + random32(m) % sizeof(m->d.mem);
		while (m->whose[buf_of(m, pkt.addr)] == HELD);
		ret = daqiri_rx_keep(&m->d.q, &pkt, 1);
		m->no_spare += ret == -ENOBUFS;
		cr_assert_eq(ret, m->n_kept == RX_SPARES ? -ENOBUFS : -EINVAL);
		return;
	}
	p = &m->held[(m->released + random32(m) % n_held(m)) % RX_DEPTH];
	if (p->kept && m->whose[buf_of(m, p->pkt.addr)] == HELD)
		return; /* given back since, and another packet's buffer now */
	pkt.addr = p->pkt.addr + random32(m) % p->pkt.len;
	ret = daqiri_rx_keep(&m->d.q, &pkt, 1);
	if (m->n_kept == RX_SPARES) {
		cr_assert_eq(ret, -ENOBUFS);
		m->no_spare++;
	} else if (p->kept) {
		cr_assert_eq(ret, -EINVAL, "kept twice");
	} else {
		cr_assert_eq(ret, 1);
		note_kept(m, p);
	}
}

/* The oldest so many at once, as far as they and the spares go. */
static void keep_many(struct model *m)
{
	uint32_t n = random32(m) % 8, want = 0;
	struct daqiri_pkt pkts[8] = {{.addr = 0}};
	int ret;

	for (; want < n && want < n_held(m); want++) {
		pkts[want] = m->held[(m->released + want) % RX_DEPTH].pkt;
		if (m->held[(m->released + want) % RX_DEPTH].kept)
			break;
	}
	ret = daqiri_rx_keep(&m->d.q, pkts, (int)want);
	if (want && m->n_kept == RX_SPARES) {
		cr_assert_eq(ret, -ENOBUFS);
		m->no_spare += want;
		return;
	}
	n = RX_SPARES - m->n_kept < want ? RX_SPARES - m->n_kept : want;
	cr_assert_eq(ret, (int)n);
	for (uint32_t i = 0; i < n; i++)
		note_kept(m, &m->held[(m->released + i) % RX_DEPTH]);
	m->no_spare += want - n;
}

static void give_back_one(struct model *m)
{
	unsigned i;
	struct packet p;

	if (!m->n_kept)
		return;
	i = random32(m) % m->n_kept;
	p = m->kept[i];
	check_frame(m, &p, "when given back");
	cr_assert_eq(daqiri_rx_give_back(&m->d.q, &p.pkt, 1), 1);
	cr_assert_eq(daqiri_rx_give_back(&m->d.q, &p.pkt, 1), -EINVAL, "given back twice");
	m->whose[buf_of(m, p.pkt.addr)] = FREE;
	m->kept[i] = m->kept[--m->n_kept];
}

/* The device meets an error that stops the queue, and flushes all WQEs that it has. */
static bool device_stops(struct model *m)
{
	uint8_t syndrome = MLX5_CQE_SYNDROME_LOCAL_PROT_ERR;

	if (!m->run->kind->room(&m->d))
		return false;
	for (; m->run->kind->room(&m->d); syndrome = MLX5_CQE_SYNDROME_WR_FLUSH_ERR, m->errors++)
		m->run->kind->fail(&m->d, syndrome);
	return true;
}

/* What daqiri_rxq_reset() does, without a work queue: packets that were not kept are lost. */
static void restart(struct model *m)
{
	struct daqiri_rxq *q = &m->d.q;

	q->restart(q);
	cr_assert_eq(q->eaten, 0);
	q->held = 0;
	q->stopped = q->error_seen = false;
	m->d.rq_dbrec[0] = htobe32(q->posted & 0xffff);
	m->d.wqe_pi = 0;
	for (unsigned i = 0; i < RX_BUFS; i++)
		m->whose[i] = m->whose[i] == KEPT ? KEPT : FREE;
	m->dropped += m->received - m->polled;
	m->polled = m->released = m->received;
}

static void stop_and_restart(struct model *m)
{
	__be32 rung;

	if (random32(m) % 32 || !device_stops(m))
		return;
	if (random32(m) & 1) {
		if (m->polled < m->received)
			poll_up_to(m, RX_DEPTH);
		/* Errors before the one that stops it may lie there still: those come back. */
		cr_assert_eq(daqiri_rx_poll(&m->d.q, (struct daqiri_pkt[1]){{0}}, 1), -EIO);
		rung = m->d.rq_dbrec[0];
		cr_assert_eq(daqiri_rx_poll(&m->d.q, (struct daqiri_pkt[1]){{0}}, 1), -EIO);
		release_some(m);
		cr_assert_eq(m->d.rq_dbrec[0], rung, "a queue that has stopped was rung");
	}
	restart(m);
}

static void check_counters(const struct model *m)
{
	const struct dq_rxq_counters *count = &m->d.q.count;

	cr_assert_eq(count->packets, m->polled - m->dropped);
	cr_assert_eq(count->reset_drops, m->dropped);
	cr_assert_eq(count->kept_out, m->n_kept);
	cr_assert_eq(count->no_spare, m->no_spare);
	cr_assert_leq(count->errors, m->errors);
}

static void step(struct model *m)
{
	static void (*const steps[])(struct model *) = {
		receive,       receive,		 poll_some,    poll_some, release_some,
		release_some,  stop_and_restart, keep_one,     keep_one,  keep_many,
		give_back_one, give_back_one,	 give_back_one};
	unsigned n = m->run->kind->keeps ? sizeof(steps) / sizeof(steps[0]) : 7;

	steps[random32(m) % n](m);
}

/* In the end everything that came was polled, and the device has all of the ring again. */
static void finish(struct model *m)
{
	while (m->polled < m->received)
		poll_some(m);
	cr_assert_eq(daqiri_rx_poll(&m->d.q, (struct daqiri_pkt[1]){{0}}, 1), 0);
	while (n_held(m))
		release_some(m);
	while (m->n_kept)
		give_back_one(m);
	cr_assert_eq(m->run->kind->room(&m->d), (uint32_t)RX_DEPTH);
	check_counters(m);
	cr_assert_eq(m->d.q.count.errors, m->errors);
	for (unsigned i = 0; i < RX_BUFS; i++)
		cr_assert_eq(m->whose[i], FREE, "buffer %u is lost", i);
}

void rx_model_run(const struct rx_run *run)
{
	struct model *m = aligned_alloc(_Alignof(struct model), sizeof(*m));

	cr_assert_not_null(m);
	memset(m, 0, sizeof(*m));
	m->run = run;
	m->noise = run->seed;
	rx_device_init(&m->d, run);
	while (m->received < run->packets) {
		step(m);
		check_counters(m);
	}
	finish(m);
	dq_rx_bufs_free(&m->d.q);
	free(m);
}
