/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: what a device does to the frames that it sends, and when it sends them. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "st.h"

#define CSUM_L3	       0x40u /* PRM, Ethernet segment cs_flags */
#define CSUM_L4	       0x80u
#define INSERT_VLAN    0x8000u /* PRM, Ethernet segment inline_hdr_sz */
#define MSS	       300u
#define TSO_DATA       1000u
#define TSO_HEADER     54u
#define CYCLIC_SMALLER 5u /* PRM, wait segment: operation */
#define WAIT_NS	       20000000u

static void send_slot(struct st_link *l, unsigned len)
{
	st_wqe_ptr(&l->sq, st_slot(l->sq.port, 0), len);
	st_wqe_end(&l->sq);
	st_sq_ring(&l->sq);
}

/* ---- VLAN ---- */

static void vlan_insert(struct st *st)
{
	struct st_frame bare, want;
	struct st_link l;
	uint8_t *eth;

	if (!st->a->firmware.vlan_insert) {
		st_skip(st, "the device does not report it");
		return;
	}
	st_link_open_all(st, &l);
	if (!st_good(st))
		return;
	st_plain(st, &bare, 100, 1);
	want = bare;
	memmove(want.b + 16, want.b + 12, 100 - 12);
	st_put16(want.b + 12, 0x8100);
	st_put16(want.b + 14, 0x6123);
	want.len = 104;
	st_stage(st->a, 0, &bare);
	st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
	eth = (uint8_t *)st_wqe_eth(&l.sq, 0);
	st_put16(eth + 12, INSERT_VLAN);
	st_put16(eth + 14, 0x6123);
	send_slot(&l, bare.len);
	st_rx_expect(st, &l.rx, &want, NULL);
}

/* ---- large send ---- */

/* Segment n of the data; n = 4: all of it, as it is given to the device. */
static void tso_frame(const struct st *st, struct st_frame *f, unsigned n)
{
	unsigned at = n < 4 ? n * MSS : 0, size = n < 3	   ? MSS
						  : n == 3 ? TSO_DATA - 3 * MSS
							   : TSO_DATA;
	uint32_t seq = htobe32(0x12345678u + at);

	st_ether(f, st->b->info.mac, st->a->info.mac, 0x0800);
	st_ipv4(f, ST_TCP, 0xc6120001, 0xc6130001);
	st_put16(f->b + f->l3 + 4, n < 4 ? 7 + n : 7); /* identification */
	st_l4(f, ST_TCP, 1000, 2000);
	memcpy(f->b + f->l4 + 4, &seq, 4);
	f->b[f->l4 + 13] = n >= 3 ? 0x18 : 0x10; /* ACK; PSH on the last */
	for (unsigned i = 0; i < size; i++)
		f->b[f->len++] = (uint8_t)((at + i) * 7 + (at + i) / 256);
	st_finish(f);
}

static void tso(struct st *st)
{
	const struct ibv_tso_caps *caps = &st->a->attr.tso_caps;
	struct st_frame f;
	struct st_link l;
	uint8_t *eth;

	if (caps->max_tso < TSO_DATA || !(caps->supported_qpts & 1u << IBV_QPT_RAW_PACKET)) {
		st_skip(st, "the device does not report it");
		return;
	}
	st_link_open_all(st, &l);
	if (!st_good(st))
		return;
	tso_frame(st, &f, 4);
	memcpy(st_slot(st->a, 0), f.b + TSO_HEADER, TSO_DATA);
	st_wqe_begin(&l.sq, MLX5_OPCODE_TSO, ST_CE_ALWAYS);
	eth = st_wqe_seg(&l.sq, (14 + TSO_HEADER + 15) / 16);
	eth[4] = CSUM_L3 | CSUM_L4;
	st_put16(eth + 6, MSS);
	st_put16(eth + 12, TSO_HEADER);
	memcpy(eth + 14, f.b, TSO_HEADER);
	send_slot(&l, TSO_DATA);
	st_sq_wait(st, &l.sq);
	for (unsigned n = 0; n < 4; n++) {
		tso_frame(st, &f, n);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

/* ---- time ---- */

/* A stamp of the send queue's own clock and some time later; its format tells itself apart. */
static uint64_t later(const struct st *st, uint64_t stamp, uint64_t ns)
{
	uint64_t second = stamp >> 32, now = (uint64_t)time(NULL), low;

	if (second + 10 < now || second > now + 10)
		return stamp + ns * st->a->attr.hca_core_clock / 1000000;
	low = (uint32_t)stamp + ns; /* real time: seconds << 32 | nanoseconds */
	return (second + low / 1000000000) << 32 | low % 1000000000;
}

/* PRM, wait segment: operation cyclic smaller; no memory is read where a time is waited for */
static void wait_until(struct st_sq *sq, uint64_t value)
{
	uint64_t be = htobe64(value);
	struct mlx5_wqe_ctrl_seg *ctrl;
	uint8_t *seg;

	st_wqe_begin(sq, ST_OP_WAIT, ST_CE_FIRST);
	ctrl = (struct mlx5_wqe_ctrl_seg *)(void *)sq->wqe;
	*(uint32_t *)(void *)&ctrl->opmod_idx_opcode |= htobe32(2u << 24); /* PRM: wait on time */
	seg = st_wqe_seg(sq, 2);
	seg[3] = CYCLIC_SMALLER;
	memcpy(seg + 16, &be, 8);
	memset(seg + 24, 0xff, 8);
	st_wqe_end(sq);
}

static void wait_time(struct st *st)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	uint64_t start;
	struct st_link l;

	if (!st->a->firmware.wait_on_time || !st->a->attr.hca_core_clock) {
		st_skip(st, "the device does not report it");
		return;
	}
	st_link_open(st, &l);
	st_plain(st, &f, 100, 1);
	if (!st_good(st))
		return;
	start = st_now_ns();
	st_send(&l.sq, 0, &f);
	st_need(st, st_cq_poll(st, &l.sq.cq, &cqe, ST_WAIT_MS), "no completion of a sent frame");
	st_rx_expect(st, &l.rx, &f, NULL);
	if (!st_good(st))
		return;
	wait_until(&l.sq, later(st, cqe.timestamp, WAIT_NS));
	st_send(&l.sq, 1, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
	st_need(st, st_now_ns() - start >= (uint64_t)WAIT_NS / 100 * 99,
		"a frame that was to wait %u ms came after %u us", WAIT_NS / 1000000,
		(unsigned)((st_now_ns() - start) / 1000));
}

/*
 * At its rate this takes 384 ms. A device may be slower, and may let a burst of a third go at once:
 * three quarters of the rest is asked for.
 */
#define RATE_KBPS   1000u
#define RATE_FRAMES 48u
#define RATE_BYTES  1000u
#define RATE_NS	    ((uint64_t)RATE_FRAMES * RATE_BYTES * 8 * 1000000 / RATE_KBPS)

static void rate_limit(struct st *st)
{
	const struct ibv_packet_pacing_caps *pp = &st->a->attr.packet_pacing_caps;
	struct ibv_qp_rate_limit_attr limit = {.rate_limit = RATE_KBPS};
	uint64_t start, took;
	struct st_frame f;
	struct st_link l;
	int err;

	if (!pp->qp_rate_limit_max || !(pp->supported_qpts & 1u << IBV_QPT_RAW_PACKET)) {
		st_skip(st, "the device does not report packet pacing");
		return;
	}
	st_link_open(st, &l);
	if (!st_good(st))
		return;
	err = ibv_modify_qp_rate_limit(l.sq.qp, &limit);
	st_need(st, !err, "ibv_modify_qp_rate_limit: %s", strerror(err));
	start = st_now_ns();
	for (unsigned i = 0; i < RATE_FRAMES && st_good(st); i++) {
		st_plain(st, &f, RATE_BYTES, i);
		st_send(&l.sq, i, &f);
	}
	for (unsigned i = 0; i < RATE_FRAMES && st_good(st); i++)
		st_sq_wait(st, &l.sq);
	took = st_now_ns() - start;
	for (unsigned i = 0; i < RATE_FRAMES && st_good(st); i++) {
		st_plain(st, &f, RATE_BYTES, i);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
	st_need(st, took > RATE_NS / 2, "%u frames of %u bytes took %u us at %u kb/s", RATE_FRAMES,
		RATE_BYTES, (unsigned)(took / 1000), RATE_KBPS);
}

static const struct st_check checks[] = {
	{"tx.vlan_insert", "a VLAN tag is inserted", vlan_insert},
	{"tx.tso", "a large send is cut into TCP segments", tso},
	{"tx.wait", "a frame waits for its time", wait_time},
	{"tx.rate_limit", "a queue keeps to its rate limit", rate_limit},
};

const struct st_group st_group_offload = {checks, sizeof(checks) / sizeof(checks[0])};
