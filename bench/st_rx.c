/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: receive queues and what their completions tell. */
#include <endian.h>
#include <string.h>

#include "st.h"

#define STREAM 3000u /* frames */
#define WINDOW 32u   /* of them under way at a time */

/* PRM, CQE: hds_ip_ext and l4_hdr_type_etc */
enum { L3_OK = 0x02, L4_OK = 0x04 };
enum { VLAN_STRIPPED = 0x01, L3_IPV6 = 0x04, L3_IPV4 = 0x08, L3_MASK = 0x0c };
enum { L4_TCP = 0x10, L4_UDP = 0x20, L4_MASK = 0x70 };

/* ---- a stream of numbered frames ---- */

struct tally {
	unsigned lost, again, corrupt, came;
};

static void number_frame(const struct st *st, struct st_frame *f, unsigned n)
{
	st_plain(st, f, 200, n);
	st_put16(f->b + 14, n);
}

static unsigned number_of(const struct st_cqe *cqe)
{
	return (unsigned)cqe->data[14] << 8 | cqe->data[15];
}

/* Judges what comes of the window that begins at first, until all of it, or nothing, comes. */
static void judge_window(struct st *st, struct st_link *l, unsigned first, struct tally *t)
{
	unsigned next = first, end = first + WINDOW;
	struct st_frame f;
	struct st_cqe cqe;

	while (next < end && st_rx_poll(st, &l->rx, &cqe, 20)) {
		unsigned n = number_of(&cqe);

		st_need(st, cqe.opcode == ST_CQE_RESP_SEND, "completion with opcode %u",
			cqe.opcode);
		t->came++;
		if (n < next) {
			t->again++;
			continue;
		}
		t->lost += n - next;
		next = n + 1;
		number_frame(st, &f, n);
		t->corrupt += cqe.len != f.len || memcmp(cqe.data, f.b, f.len) != 0;
	}
	t->lost += end - next;
}

static struct tally stream(struct st *st)
{
	struct tally t = {0};
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned n = 0; n < STREAM && st_good(st); n += WINDOW) {
		for (unsigned i = 0; i < WINDOW; i++) {
			number_frame(st, &f, n + i);
			st_send(&l.sq, i, &f);
			st_sq_wait(st, &l.sq);
		}
		judge_window(st, &l, n, &t);
	}
	return t;
}

static void nothing_lost(struct st *st)
{
	struct tally t = stream(st);

	st_need(st, !t.lost, "%u of %u frames did not arrive", t.lost, STREAM);
}

static void nothing_twice(struct st *st)
{
	struct tally t = stream(st);

	st_need(st, !t.again, "%u of %u frames came again, or late", t.again, STREAM);
}

static void nothing_corrupt(struct st *st)
{
	struct tally t = stream(st);

	st_need(st, !t.corrupt, "%u of %u frames were not what was sent", t.corrupt, STREAM);
}

/* ---- what a completion tells ---- */

static void lengths(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned len = 60; len < 1000 && st_good(st); len += 31) {
		st_plain(st, &f, len, len);
		st_send(&l.sq, 0, &f);
		st_sq_wait(st, &l.sq);
		if (!st_rx_poll(st, &l.rx, &cqe, ST_WAIT_MS))
			st_fail(st, "a frame of %u bytes did not arrive", len);
		else
			st_need(st, cqe.len == len, "byte count %u for a frame of %u", cqe.len,
				len);
	}
}

/* Ring and completion queue go round many times: every owner bit, every buffer. */
static void wrap(struct st *st)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 10 * ST_RX_DEPTH && st_good(st); i++) {
		st_plain(st, &f, 64 + i % 50, i);
		st_send(&l.sq, i, &f);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void counters(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 5 * ST_RX_DEPTH && st_good(st); i++) {
		st_plain(st, &f, 64, i);
		st_send(&l.sq, i, &f);
		st_sq_wait(st, &l.sq);
		if (!st_rx_poll(st, &l.rx, &cqe, ST_WAIT_MS))
			st_fail(st, "frame %u did not arrive", i);
		else
			st_need(st, cqe.counter == (uint16_t)i, "WQE %u completed as %u", i,
				cqe.counter);
	}
}

/* The completion is the last thing that the device writes. */
static void data_first(struct st *st)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	for (unsigned i = 0; i < 200 && st_good(st); i++) {
		st_plain(st, &f, 1000, i);
		memset(st_slot(st->b, l.rx.slot + i % ST_RX_DEPTH), 0x55, 1000);
		st_send(&l.sq, i, &f);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void scatter(struct st *st)
{
	const struct st_rx_opts split = {.split = 32};
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct st_rule r;
	struct st_link l;
	struct st_rx two;

	st_link_open(st, &l);
	st_rx_open(st, st->b, &two, &split);
	st_rule(&r, 0);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, two.qp, &r);
	st_plain(st, &f, 200, 3);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	if (!st_rx_poll(st, &two, &cqe, ST_WAIT_MS)) {
		st_fail(st, "the frame did not arrive");
		return;
	}
	st_need(st, cqe.opcode == ST_CQE_RESP_SEND && cqe.len == 200, "opcode %u, %u bytes",
		cqe.opcode, cqe.len);
	st_need(st, !memcmp(cqe.data, f.b, 32), "the first segment is wrong");
	st_need(st, cqe.data[32] == 0x55, "written behind the first segment");
	st_need(st, !memcmp(cqe.data + ST_SLOT / 2, f.b + 32, 168), "the second segment is wrong");
	st_need(st, cqe.data[ST_SLOT / 2 + 168] == 0x55, "written behind the frame");
}

/* ---- checksums and types ---- */

static struct st_cqe status_of(struct st *st, struct st_link *l, const struct st_frame *f)
{
	struct st_cqe cqe = {0};

	if (st_good(st))
		st_send(&l->sq, 0, f);
	st_rx_expect(st, &l->rx, f, &cqe);
	return cqe;
}

/* How the four kinds are told, with a right checksum or a wrong one. */
static void checksum_told(struct st *st, struct st_link *l, bool right)
{
	struct st_frame f;
	struct st_cqe cqe;

	for (unsigned kind = 0; kind < ST_KINDS && st_good(st); kind++) {
		st_l4_frame(st, &f, kind);
		if (!right)
			f.b[f.len - 1] ^= 1;
		cqe = status_of(st, l, &f);
		st_need(st, cqe.ok & L3_OK, "%s: the IP header is told to be wrong: 0x%02x",
			st_kind_name(kind), cqe.ok);
		st_need(st, !(cqe.ok & L4_OK) != right, "%s, its checksum %s: status 0x%02x",
			st_kind_name(kind), right ? "right" : "wrong", cqe.ok);
	}
}

static void checksum_good(struct st *st)
{
	struct st_link l;

	if (st_no_csum(st, st->b))
		return;
	st_link_open_all(st, &l);
	checksum_told(st, &l, true);
}

static void checksum_bad(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	if (st_no_csum(st, st->b))
		return;
	st_link_open_all(st, &l);
	checksum_told(st, &l, false);
	st_l4_frame(st, &f, 0);
	f.b[f.l3 + 8]--; /* time to live */
	cqe = status_of(st, &l, &f);
	st_need(st, !(cqe.ok & L3_OK), "an IPv4 header with a wrong checksum is told to be right");
}

static void types(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	st_link_open_all(st, &l);
	for (unsigned i = 0; i < ST_KINDS; i++) {
		unsigned l3 = i & ST_KIND_V6 ? L3_IPV6 : L3_IPV4;
		unsigned l4 = i & ST_KIND_TCP ? L4_TCP : L4_UDP;

		st_l4_frame(st, &f, i);
		cqe = status_of(st, &l, &f);
		st_need(st, (cqe.l3l4 & L3_MASK) == l3, "L3 type 0x%02x, not 0x%02x",
			cqe.l3l4 & L3_MASK, l3);
		st_need(st, (cqe.l3l4 & L4_MASK) == l4, "L4 type 0x%02x, not 0x%02x",
			cqe.l3l4 & L4_MASK, l4);
	}
}

/* ---- VLAN tags ---- */

static void tagged(const struct st *st, struct st_frame *f, unsigned tci)
{
	st_ether(f, st->b->info.mac, st->a->info.mac, ST_TYPE);
	st_vlan(f, tci);
	st_fill(f, 120, tci);
}

static void open_vlan(struct st *st, struct st_link *l, unsigned flags)
{
	const struct st_rx_opts opts = {.create_flags = flags};
	struct st_rule r;

	st_sq_open(st, st->a, &l->sq, 64);
	st_rx_open(st, st->b, &l->rx, &opts);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0);
	st_flow(st, l->rx.qp, &r);
}

static void vlan_kept(struct st *st)
{
	struct st_frame f;
	struct st_cqe cqe;
	struct st_link l;

	open_vlan(st, &l, 0);
	tagged(st, &f, 0x6123);
	cqe = status_of(st, &l, &f);
	st_need(st, !(cqe.l3l4 & VLAN_STRIPPED), "a tag is told to be stripped");
}

static void vlan_stripped(struct st *st)
{
	struct st_frame f, bare;
	struct st_cqe cqe = {0};
	struct st_link l;

	if (!(st->b->attr.raw_packet_caps & IBV_RAW_PACKET_CAP_CVLAN_STRIPPING)) {
		st_skip(st, "the device does not report VLAN stripping");
		return;
	}
	open_vlan(st, &l, IBV_WQ_FLAGS_CVLAN_STRIPPING);
	tagged(st, &f, 0x6123);
	bare = f;
	memmove(bare.b + 12, f.b + 16, f.len - 16);
	bare.len -= 4;
	if (st_good(st))
		st_send(&l.sq, 0, &f);
	st_rx_expect(st, &l.rx, &bare, &cqe);
	st_need(st, cqe.l3l4 & VLAN_STRIPPED, "the tag is not told to be stripped");
	st_need(st, cqe.vlan == 0x6123, "the tag is told as 0x%04x, not 0x6123", cqe.vlan);
}

static const struct st_check checks[] = {
	{"data.loss", "none of many frames is lost", nothing_lost},
	{"data.duplicate", "none of many frames comes twice or late", nothing_twice},
	{"data.payload", "every byte of many frames is what was sent", nothing_corrupt},
	{"rx.length", "completions tell the frame's length", lengths},
	{"rx.wrap", "ring and completion queue go round ten times", wrap},
	{"rx.counter", "completions name their WQEs in order", counters},
	{"rx.order", "the frame is in memory before its completion", data_first},
	{"rx.scatter", "a frame is scattered over two segments", scatter},
	{"rx.checksum_good", "right checksums are told so", checksum_good},
	{"rx.checksum_bad", "wrong checksums are told so", checksum_bad},
	{"rx.types", "L3 and L4 types of frames", types},
	{"rx.vlan_kept", "a VLAN tag stays where it is not to be stripped", vlan_kept},
	{"rx.vlan_strip", "a VLAN tag is stripped and told", vlan_stripped},
};

const struct st_group st_group_rx = {checks, sizeof(checks) / sizeof(checks[0])};
