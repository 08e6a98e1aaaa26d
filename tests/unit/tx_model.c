/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>
#include <time.h>

#include "tx_model.h"

enum { QPN = 0xabcdef, SEND = 0x0a, WAIT = 0x0f, WQEBB = 64, SEG = 16, HALF = 256, LONGEST = 960 };
enum { OPMOD_TIME = 2, CYCLIC_SMALLER = 5, MACS = 12, TAG = 4 };

#define SECOND	  1000000000ull
#define FAR_AHEAD (86400 * SECOND) /* of the monotonic clock */

uint64_t tx_device_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec + FAR_AHEAD;
}

static void init_timer(struct tx_device *d, uint32_t start)
{
	uint64_t now = tx_device_now();

	d->timer = (struct dq_tx_timer){.real = true,
					.mask = (8ull << 32) - 1,
					.lead_ns = 3 * SECOND,
					.nic_ns = now,
					.mono_ns = now - FAR_AHEAD,
					.looked_ns = now - FAR_AHEAD,
					.sure_ns = now, /* it need not ask */
					.believe_ns = UINT64_MAX,
					.ci = start};
	d->q.timer = &d->timer;
}

static uint32_t be32_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static void init_queue(struct tx_device *d, uint32_t start)
{
	const struct tx_kind *kind = d->kind;

	d->q = (struct daqiri_txq){
		.ring = d->ring,
		.dbrec = &d->dbrec[1],
		.bf = d->bf,
		.bf_flip = (uintptr_t)d->bf ^ (uintptr_t)(d->bf + HALF),
		.bf_flush = true,
		.write = kind->latency ? kind->latency : kind->write,
		.write_more = kind->latency ? kind->write : NULL,
		.posted = start,
		.done = start,
		.pi = start,
		.ci = start,
		.signalled = start,
		.mask = d->n_ring - 1,
		.cq_mask = TX_DEPTH - 1,
		.limit = TX_DEPTH,
		.max_ptrs = kind->max_ptrs,
		.inline_max = kind->inline_max,
		.show = dq_tx_show_portable,
		.qpn = QPN,
		.eth = {.cs_flags = kind->cs_flags, .insert = kind->insert, .tci = kind->tci},
		.slot_base = (uintptr_t)d->mem,
		.slot_bytes = sizeof(d->mem),
		.n_slots = TX_DEPTH,
		.slot_stride = TX_SLOT,
		.slot_size = TX_SLOT,
		.slot_key = htobe32(TX_LKEY),
		.marks = d->marks,
		.cqes = d->cqes,
		.cq_dbrec = d->cq_dbrec,
		.conf = &d->conf};
	dq_tx_prepare(&d->q, kind->opcode);
}

void tx_device_init(struct tx_device *d, const struct tx_kind *kind, uint32_t start)
{
	memset(d, 0, sizeof(*d));
	memset(d->ring, 0xee, sizeof(d->ring));
	d->conf = (struct dq_conf_txq){.where = "[txq a 0]", .depth = TX_DEPTH};
	d->kind = kind;
	d->n_ring = dq_wqe_ring_of(TX_DEPTH, dq_wqe_inline_wqebbs(kind->inline_max) + kind->timed);
	cr_assert_leq(d->n_ring, (uint32_t)TX_RING);
	d->ci = d->cqe_pi = d->rung = start;
	d->cq_dbrec[0] = htobe32(start & 0xffffff);
	d->dbrec[1] = htobe32(start & 0xffff);
	/* Every entry carries the parity of the lap before. */
	for (uint32_t i = 0; i < TX_DEPTH; i++) {
		uint32_t last = start + i - TX_DEPTH;

		d->cqes[last % TX_DEPTH].op_own = (uint8_t)(0xf0 | (last / TX_DEPTH & 1));
	}
	init_queue(d, start);
	if (kind->timed)
		init_timer(d, start);
}

/* ---- sending --------------------------------------------------------------------------------- */

static uint8_t *wqebb(struct tx_device *d, uint32_t index)
{
	return d->ring + (size_t)(index & (d->n_ring - 1)) * WQEBB;
}

static void complete(struct tx_device *d, uint32_t index)
{
	struct mlx5_cqe64 *cqe = &d->cqes[d->cqe_pi % TX_DEPTH];

	cr_assert_lt((d->cqe_pi - be32toh(d->cq_dbrec[0])) & 0xffffff, TX_DEPTH, "CQ overrun");
	memset(cqe, 0x5a, sizeof(*cqe) - 1);
	cqe->wqe_counter = htobe16((uint16_t)index);
	cqe->timestamp = htobe64((tx_device_now() / SECOND) << 32 | tx_device_now() % SECOND);
	cqe->op_own = (uint8_t)(d->cqe_pi / TX_DEPTH & 1);
	d->cqe_pi++;
}

/* A frame of the wire, with the tag that the WQE asks for. */
static void send_frame(struct tx_device *d, const uint8_t *frame, uint32_t len)
{
	uint16_t tag[2] = {htobe16(d->kind->insert & 1 ? 0x88a8 : 0x8100), htobe16(d->kind->tci)};
	uint8_t tagged[LONGEST];

	if (!d->kind->insert) {
		d->sent(d->arg, frame, len);
		return;
	}
	cr_assert_leq(len + TAG, sizeof(tagged));
	memcpy(tagged, frame, MACS);
	memcpy(tagged + MACS, tag, TAG);
	memcpy(tagged + MACS + TAG, frame + MACS, len - MACS);
	d->sent(d->arg, tagged, len + TAG);
}

/* A packet in, or behind, a segment; returns how many segments it is. */
static uint32_t send_segment(struct tx_device *d, const uint8_t *seg)
{
	uint32_t count = be32_at(seg);
	uint64_t addr;

	if (count & 1u << 31) {
		count &= ~(1u << 31);
		cr_assert(count && count <= d->kind->inline_max, "%u bytes inline", count);
		d->sent(d->arg, seg + 4, count);
		return (count + 4 + SEG - 1) / SEG;
	}
	memcpy(&addr, seg + 8, sizeof(addr));
	cr_assert_eq(be32_at(seg + 4), (uint32_t)TX_LKEY);
	send_frame(d, (const uint8_t *)(uintptr_t)be64toh(addr), count);
	return 1;
}

/* SEND with the header in the Ethernet segment: the rest is behind the pointer. */
static void send_with_header(struct tx_device *d, const uint8_t *wqe, uint32_t segs)
{
	uint8_t frame[LONGEST];
	uint32_t len = wqe[SEG + 13], more = segs > 3 ? be32_at(wqe + 3 * SEG) : 0;
	uint64_t addr;

	cr_assert(len == 18 && segs <= 4 && len + more <= sizeof(frame));
	memcpy(frame, wqe + SEG + 14, len);
	memcpy(&addr, wqe + 3 * SEG + 8, sizeof(addr));
	if (more)
		memcpy(frame + len, (const uint8_t *)(uintptr_t)be64toh(addr), more);
	d->sent(d->arg, frame, len + more);
}

static uint32_t segs_of(struct tx_device *d, uint32_t index)
{
	return be32_at(wqebb(d, index) + 4) & 0x3f;
}

/* The bytes of the Ethernet segment that say how much of the frame stands there, or what tag. */
static bool has_header(const struct tx_device *d, const uint8_t *wqe)
{
	if (!d->kind->insert)
		return wqe[SEG + 13];
	cr_assert_eq(be32_at(wqe + SEG + 12), (uint32_t)d->kind->insert << 16 | d->kind->tci);
	return false;
}

/* PRM, "Wait segment": operation, lkey, va; value and mask. Whether it was one. */
static bool wait_wqe(struct tx_device *d)
{
	const uint8_t *wqe = wqebb(d, d->ci);
	uint64_t value = (uint64_t)be32_at(wqe + 32) * SECOND + be32_at(wqe + 36);

	if (wqe[3] != WAIT)
		return false;
	cr_assert(d->kind->timed && !d->waited, "two waits behind each other");
	cr_assert_eq(be32_at(wqe), (uint32_t)OPMOD_TIME << 24 | (d->ci & 0xffff) << 8 | WAIT);
	cr_assert_eq(be32_at(wqe + 4), (uint32_t)QPN << 8 | 3);
	cr_assert_eq(wqe[11] & 0xc, 4, "a wait completes in error only");
	cr_assert(be32_at(wqe + SEG) == CYCLIC_SMALLER && !be32_at(wqe + 20));
	cr_assert(!be32_at(wqe + 24) && !be32_at(wqe + 28));
	cr_assert(be32_at(wqe + 40) == 7 && be32_at(wqe + 44) == 0xffffffff);
	d->waited = value;
	d->ci++;
	return true;
}

/* The WQE at ci, made contiguous. */
static void send_wqe(struct tx_device *d)
{
	uint8_t wqe[LONGEST + WQEBB];
	uint32_t word = be32_at(wqebb(d, d->ci)), segs = segs_of(d, d->ci), s = 2;
	bool header;

	cr_assert_eq(word, (d->ci & 0xffff) << 8 | d->kind->opcode);
	cr_assert_eq(be32_at(wqebb(d, d->ci) + 4) >> 8, (uint32_t)QPN);
	cr_assert(segs >= 3 && segs <= 2 + d->kind->max_ptrs, "%u segments", segs);
	for (uint32_t i = 0; i < (segs + 3) / 4; i++)
		memcpy(wqe + (size_t)i * WQEBB, wqebb(d, d->ci + i), WQEBB);
	cr_assert_eq(wqe[SEG + 4], d->kind->cs_flags, "checksums %#x", wqe[SEG + 4]);
	header = has_header(d, wqe);
	if (header)
		send_with_header(d, wqe, segs);
	else
		while (s < segs)
			s += send_segment(d, wqe + (size_t)s * SEG);
	cr_assert(header || s == segs, "a packet behind the WQE's end");
	if (wqe[11] & 8)
		complete(d, d->ci);
	d->ci += (segs + 3) / 4;
}

void tx_device_run(struct tx_device *d, unsigned n)
{
	for (; n && (uint16_t)d->ci != (uint16_t)be32toh(d->dbrec[1]); n--)
		if (!wait_wqe(d))
			send_wqe(d);
}

/* ---- the register ---------------------------------------------------------------------------- */

void tx_device_check_doorbell(struct tx_device *d, unsigned n)
{
	uint32_t pi = be32toh(d->dbrec[1]), last = d->rung;
	size_t len = d->kind->latency && n == 1 ? WQEBB : 8;

	cr_assert_eq(pi, d->q.pi & 0xffff);
	while ((uint16_t)d->rung != pi) {
		last = d->rung;
		d->rung += (segs_of(d, last) + 3) / 4;
	}
	cr_assert_leq(d->rung - d->ci, d->n_ring, "the ring is overrun");
	cr_assert_eq(wqebb(d, last)[11], 8, "the last WQE of a post asks for a completion");
	memcpy(d->bf_seen + d->half, wqebb(d, last), len);
	cr_assert_arr_eq(d->bf, d->bf_seen, sizeof(d->bf));
	d->half ^= HALF;
}
