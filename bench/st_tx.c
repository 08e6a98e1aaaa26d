/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: send queues, by WQEs that the check writes itself. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "st.h"

#define CSUM_L3 0x40u /* PRM, Ethernet segment cs_flags */
#define CSUM_L4 0x80u

static void sizes(struct st *st)
{
	unsigned max = st->a->info.mtu + 14;
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	if (max > ST_SLOT - 64)
		max = ST_SLOT - 64;
	if (max > sizeof(f.b))
		max = sizeof(f.b);
	for (unsigned len = 60; len <= max && st_good(st); len += len < 130 ? 1 : (max - 100) / 7) {
		st_plain(st, &f, len, len);
		st_send(&l.sq, len, &f);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void mtu_frame(struct st *st)
{
	unsigned len = st->a->info.mtu + 14;
	struct st_frame f;
	struct st_link l;

	if (len > sizeof(f.b)) {
		st_skip(st, "an MTU of %u is more than this check sends", st->a->info.mtu);
		return;
	}
	st_link_open(st, &l);
	for (unsigned i = 0; i < 8; i++) {
		st_plain(st, &f, len, i);
		st_send(&l.sq, i, &f);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void padding(struct st *st)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned len = 18; len < 60 && st_good(st); len++) {
		st_plain(st, &f, len, len);
		st_send(&l.sq, len, &f);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

/* Above the MTU, with all that a port may allow for: header, two tags, FCS. */
static void above_mtu(struct st *st)
{
	unsigned len = st->a->info.mtu + 14 + 64;
	struct st_frame f;
	struct st_link l;

	if (len > sizeof(f.b)) {
		st_skip(st, "an MTU of %u is more than this check sends", st->a->info.mtu);
		return;
	}
	st_link_open(st, &l);
	st_plain(st, &f, len, 1);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	st_sq_wait(st, &l.sq);
	st_expect_mark(st, &l.sq, &l.rx);
}

static void gather(struct st *st)
{
	static const unsigned cut[] = {14, 30, 59};
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 3 && st_good(st); i++) {
		uint8_t *second = st_slot(st->a, 40 + i);
		const uint8_t *first;

		st_plain(st, &f, 300, i);
		first = st_stage(st->a, i, &f);
		memcpy(second, f.b + cut[i], 300 - cut[i]);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		st_wqe_eth(&l.sq, 0);
		st_wqe_ptr(&l.sq, first, cut[i]);
		st_wqe_ptr(&l.sq, second, 100);
		st_wqe_ptr(&l.sq, second + 100, 200 - cut[i]);
		st_wqe_end(&l.sq);
		st_sq_ring(&l.sq);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void inline_data(struct st *st)
{
	static const unsigned lens[] = {60, 61, 76, 77, 128, 200};
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 6 && st_good(st); i++) {
		st_plain(st, &f, lens[i], i);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		st_wqe_eth(&l.sq, 0);
		st_wqe_inline(&l.sq, f.b, f.len);
		st_wqe_end(&l.sq);
		st_sq_ring(&l.sq);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

/* The first bytes in the Ethernet segment, the rest by a pointer. */
static void inline_header(struct st *st)
{
	static const unsigned heads[] = {18, 34, 42};
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 3 && st_good(st); i++) {
		unsigned head = heads[i];
		uint8_t *eth;

		st_plain(st, &f, 180, i);
		st_stage(st->a, i, &f);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		eth = st_wqe_seg(&l.sq, (14 + head + 15) / 16);
		st_put16(eth + 12, head); /* PRM, Ethernet segment: inline_hdr_sz */
		memcpy(eth + 14, f.b, head);
		st_wqe_ptr(&l.sq, st_slot(st->a, i) + head, f.len - head);
		st_wqe_end(&l.sq);
		st_sq_ring(&l.sq);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static bool no_empw(struct st *st)
{
	if (st->a->dv.flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW)
		return false;
	st_skip(st, "the device does not report enhanced multi-packet send");
	return true;
}

/* One eMPW WQE of n frames, every third of them inline where mixed. */
static void empw(struct st *st, struct st_link *l, unsigned n, bool mixed)
{
	struct st_frame f;

	if (!st_good(st))
		return;
	st_wqe_begin(&l->sq, ST_OP_EMPW, ST_CE_ALWAYS);
	st_wqe_eth(&l->sq, 0);
	for (unsigned i = 0; i < n; i++) {
		st_plain(st, &f, 60 + i, n + i);
		if (mixed && i % 3 == 1)
			st_wqe_inline(&l->sq, f.b, f.len);
		else
			st_wqe_ptr(&l->sq, st_stage(st->a, i, &f), f.len);
	}
	st_wqe_end(&l->sq);
	st_sq_ring(&l->sq);
	st_sq_wait(st, &l->sq);
	for (unsigned i = 0; i < n && st_good(st); i++) {
		st_plain(st, &f, 60 + i, n + i);
		st_rx_expect(st, &l->rx, &f, NULL);
	}
}

/* WQEs of first, first + step… up to last frames. */
static void empw_all(struct st *st, unsigned first, unsigned last, unsigned step, bool mixed)
{
	struct st_link l;

	if (no_empw(st))
		return;
	st_link_open(st, &l);
	for (unsigned n = first; n <= last; n += step)
		empw(st, &l, n, mixed);
	st_expect_mark(st, &l.sq, &l.rx);
}

static void empw_pointers(struct st *st)
{
	empw_all(st, 1, 58, 19, false);
}

static void empw_mixed(struct st *st)
{
	empw_all(st, 2, 14, 4, true);
}

/* WQEs of three blocks in a ring of 64: some begin at its end and go on at its beginning. */
static void ring_wrap(struct st *st)
{
	struct st_link l;

	if (no_empw(st))
		return;
	st_link_open(st, &l);
	for (unsigned i = 0; i < 150 && st_good(st); i++)
		empw(st, &l, 9, false);
}

/* The WQE counter has 16 bits. */
static void counter_wrap(struct st *st)
{
	struct st_link l;
	uint16_t counter;

	st_link_open(st, &l);
	for (unsigned i = 1; i <= 70000 && st_good(st); i++) {
		st_wqe_begin(&l.sq, ST_OP_NOP, i % 32 ? ST_CE_FIRST : ST_CE_ALWAYS);
		st_wqe_end(&l.sq);
		if (i % 32)
			continue;
		st_sq_ring(&l.sq);
		counter = st_sq_wait(st, &l.sq);
		st_need(st, counter == (uint16_t)(i - 1), "WQE %u completed as %u",
			(i - 1) & 0xffff, counter);
	}
	st_expect_mark(st, &l.sq, &l.rx);
}

/* ---- completions and doorbells ---- */

static void completion_modes(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;
	uint16_t counter;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	for (unsigned i = 0; i < 9; i++) {
		st_plain(st, &f, 60, i);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND,
			     i % 3 == 2 ? ST_CE_ALWAYS
			     : i % 3	? ST_CE_FIRST
					: ST_CE_ERROR);
		st_wqe_eth(&l.sq, 0);
		st_wqe_ptr(&l.sq, st_stage(st->a, i, &f), f.len);
		st_wqe_end(&l.sq);
	}
	st_sq_ring(&l.sq);
	for (unsigned i = 2; i < 9; i += 3) {
		counter = st_sq_wait(st, &l.sq);
		st_need(st, counter == i, "WQE %u completed, which asked for none; %u was due",
			counter, i);
	}
	st_need(st, !st_cq_poll(st, &l.sq.cq, &cqe, 20), "a completion too many, of WQE %u",
		cqe.counter);
}

/* The device reads the record when the register is written, whatever older WQE that names. */
static void doorbell(struct st *st)
{
	struct mlx5_wqe_ctrl_seg first;
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	for (unsigned i = 0; i < 4; i++) {
		st_plain(st, &f, 64, i);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		st_wqe_eth(&l.sq, 0);
		st_wqe_ptr(&l.sq, st_stage(st->a, i, &f), f.len);
		st_wqe_end(&l.sq);
		if (!i)
			first = l.sq.last;
	}
	st_sq_record(&l.sq);
	st_need(st, !st_rx_poll(st, &l.rx, &cqe, 20), "sent without a write to the register");
	st_sq_bell(&l.sq, &first);
	for (unsigned i = 0; i < 4; i++) {
		st_plain(st, &f, 64, i);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void nop(struct st *st)
{
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	st_wqe_begin(&l.sq, ST_OP_NOP, ST_CE_ALWAYS);
	st_wqe_end(&l.sq);
	st_sq_ring(&l.sq);
	st_sq_wait(st, &l.sq);
	st_expect_mark(st, &l.sq, &l.rx);
}

/* ---- offloads ---- */

static void name_kind(struct st *st, unsigned kind)
{
	size_t n = strlen(st->why);

	snprintf(st->why + n, sizeof(st->why) - n, ": %s", st_kind_name(kind));
}

static void send_sums(struct st *st, unsigned flags)
{
	struct st_frame want, sent;
	struct st_link l;

	st_link_open_all(st, &l);
	for (unsigned kind = 0; kind < ST_KINDS && st_good(st); kind++) {
		st_l4_frame(st, &want, kind);
		sent = want;
		st_clear_sums(&sent, kind);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		st_wqe_eth(&l.sq, flags);
		st_wqe_ptr(&l.sq, st_stage(st->a, kind, &sent), sent.len);
		st_wqe_end(&l.sq);
		st_sq_ring(&l.sq);
		st_rx_expect(st, &l.rx, flags ? &want : &sent, NULL);
		if (!st_good(st))
			name_kind(st, kind);
	}
}

static void checksums(struct st *st)
{
	if (!st_no_csum(st, st->a))
		send_sums(st, CSUM_L3 | CSUM_L4);
}

static void checksums_untouched(struct st *st)
{
	send_sums(st, 0);
}

static const struct st_check checks[] = {
	{"tx.sizes", "frames of every size arrive unchanged", sizes},
	{"tx.mtu", "frames as long as the MTU allows arrive unchanged", mtu_frame},
	{"tx.padding", "frames below 60 bytes are padded with zeros", padding},
	{"tx.above_mtu", "a frame above the MTU does not arrive, and the queue goes on", above_mtu},
	{"tx.gather", "a frame is gathered from three segments", gather},
	{"tx.inline", "frames that lie in the WQE", inline_data},
	{"tx.inline_header", "a header in the WQE, the rest by pointer", inline_header},
	{"tx.empw", "one multi-packet WQE of up to 58 frames", empw_pointers},
	{"tx.empw_inline", "multi-packet WQEs of inline and pointer segments", empw_mixed},
	{"tx.wrap", "WQEs that lie across the ring's end", ring_wrap},
	{"tx.counter", "the WQE counter passes 65535", counter_wrap},
	{"tx.completions", "WQEs complete when they ask for it and only then", completion_modes},
	{"tx.doorbell", "the register starts the queue, the record says how far", doorbell},
	{"tx.nop", "a NOP completes and sends nothing", nop},
	{"tx.checksum", "checksums are filled in where asked for", checksums},
	{"tx.checksum_off", "checksums are left alone where not asked for", checksums_untouched},
};

const struct st_group st_group_tx = {checks, sizeof(checks) / sizeof(checks[0])};
