/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large sends: segments must be what RFC 791, 8200 and 9293 make of the one header. Each is built a
 * second time from them, with its own checksums, and compared byte by byte.
 */
#include "kit_wqe.h"

#include <errno.h>

#define FIN 0x01u
#define PSH 0x08u
#define ACK 0x10u
#define CWR 0x80u
#define SEQ 0xfffff000u /* wraps within the data */
#define ID  0xfffe

static struct kit k;
static struct ibv_cq *tx_cq, *rx_cq;
static struct ibv_qp *tx, *rx;
static struct kit_sq sq;
static uint8_t data[20000];

static void setup(void)
{
	struct ibv_qp_cap cap = {.max_send_wr = 32,
				 .max_recv_wr = 32,
				 .max_send_sge = 4,
				 .max_recv_sge = 1,
				 .max_inline_data = 256};
	unsigned i;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	rx_cq = kit_cq(&k, &k.b, 64);
	tx = kit_raw_cap(&k, &k.a, tx_cq, cap);
	rx = kit_raw_cap(&k, &k.b, rx_cq, cap);
	cr_assert(tx && rx);
	kit_catch_all(&k, rx);
	kit_sq(&sq, tx);
	for (i = 0; i < 24; i++)
		kit_recv(rx, &k.b, 20 + i, 2048);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	memcpy(k.a.mem, data, sizeof(data));
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(tso, .init = setup, .fini = teardown, .timeout = 60);

static void put32(uint8_t *p, uint32_t v)
{
	fr_put16(p, v >> 16);
	fr_put16(p + 2, v & 0xffff);
}

static void tcp_header(struct frame *f, unsigned version, unsigned flags, unsigned vlan)
{
	fr_ether(f, k.b.mac, k.a.mac, version == 4 ? 0x0800 : 0x86dd);
	if (vlan)
		fr_vlan(f, 0x8100, vlan);
	if (version == 4)
		fr_ipv4(f, 6, "192.0.2.1", "192.0.2.2");
	else
		fr_ipv6(f, 6, "2001:db8::1", "2001:db8::2");
	if (version == 4)
		fr_put16(f->b + f->l3 + 4, ID);
	fr_tcp(f, 1234, 80, flags);
	put32(f->b + f->l4 + 4, SEQ);
	put32(f->b + f->l4 + 8, 77);
}

/* What segment number i of n bytes at data + at must be. */
static void expect_segment(const struct frame *header, unsigned i, unsigned at, unsigned n,
			   bool last)
{
	struct frame f = *header;
	uint8_t *flags = f.b + f.l4 + 13;

	memcpy(f.b + f.len, data + at, n);
	f.len += n;
	if (f.b[f.l3] >> 4 == 4)
		fr_put16(f.b + f.l3 + 4, (ID + i) & 0xffff);
	put32(f.b + f.l4 + 4, SEQ + at);
	if (!last)
		*flags &= (uint8_t) ~(FIN | PSH);
	if (i)
		*flags &= (uint8_t)~CWR;
	fr_finish(&f);
	if (f.len < 60)
		f.len = 60; /* the wire's least; what is there is zero already */
	kit_expect_frame(rx_cq, &k.b, &f);
}

static void expect_segments(const struct frame *header, unsigned total, unsigned mss)
{
	unsigned at, i = 0;

	for (at = 0; at < total; at += mss, i++)
		expect_segment(header, i, at, total - at < mss ? total - at : mss,
			       total - at <= mss);
	cr_expect_eq(kit_quiet(rx_cq), 0, "more came than was to");
}

static void post(const struct frame *header, unsigned total, unsigned mss)
{
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = total, .lkey = k.a.mr->lkey};
	struct kit_wqe w;

	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L4, mss, header->b, header->len);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
}

static void segments_are_right(unsigned version, unsigned flags, unsigned vlan)
{
	struct frame header;

	tcp_header(&header, version, flags, vlan);
	post(&header, 5000, 1400);
	expect_segments(&header, 5000, 1400);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(tso, ipv4_segments_have_their_lengths_numbers_and_checksums)
{
	segments_are_right(4, ACK, 0);
}

Test(tso, ipv6_segments_have_their_lengths_numbers_and_checksums)
{
	segments_are_right(6, ACK, 0);
}

Test(tso, the_end_is_told_in_the_last_segment_and_the_window_in_the_first)
{
	segments_are_right(4, ACK | FIN | PSH | CWR, 0);
}

Test(tso, a_tag_in_the_header_is_in_every_segment)
{
	segments_are_right(4, ACK | PSH, 0x6123);
}

Test(tso, data_of_whole_segments_makes_no_empty_one)
{
	struct frame header;

	tcp_header(&header, 4, ACK | PSH, 0);
	post(&header, 3 * 1000, 1000);
	expect_segments(&header, 3 * 1000, 1000);
}

Test(tso, one_byte_more_makes_one_segment_more)
{
	struct frame header;

	tcp_header(&header, 4, ACK | PSH, 0);
	post(&header, 2 * 1000 + 1, 1000);
	expect_segments(&header, 2 * 1000 + 1, 1000);
}

Test(tso, data_below_one_segment_is_one_frame)
{
	struct frame header;

	tcp_header(&header, 6, ACK | PSH, 0);
	post(&header, 700, 1400);
	expect_segments(&header, 700, 1400);
}

/* More segments than the device sends in one turn, and than there are buffers for at once. */
Test(tso, many_segments_come_in_order)
{
	struct frame header;
	unsigned i;

	tcp_header(&header, 4, ACK, 0);
	post(&header, 23 * 100, 100);
	expect_segments(&header, 23 * 100, 100);
	for (i = 0; i < 23; i++)
		kit_recv(rx, &k.b, 20 + i, 2048);
	post(&header, 20 * 800, 800);
	expect_segments(&header, 20 * 800, 800);
}

Test(tso, data_is_gathered_across_segments)
{
	struct ibv_sge part = {.addr = (uintptr_t)k.a.mem, .lkey = k.a.mr->lkey};
	static const unsigned sizes[] = {1, 1999, 700, 301};
	struct frame header;
	struct kit_wqe w;
	unsigned i;

	tcp_header(&header, 4, ACK, 0);
	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L4, 1000, header.b, header.len);
	for (i = 0; i < 4; i++) {
		part.length = sizes[i];
		kit_wqe_data(&w, &part);
		part.addr += sizes[i];
	}
	kit_wqe_post(&sq, &w);
	expect_segments(&header, 3001, 1000);
}

Test(tso, without_checksum_flags_the_checksums_are_the_program_s)
{
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 1000, .lkey = k.a.mr->lkey};
	struct frame header, f;
	struct kit_wqe w;

	tcp_header(&header, 4, ACK, 0);
	fr_put16(header.b + header.l3 + 10, 0xabcd);
	fr_put16(header.b + header.l4 + 16, 0x1357);
	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 1400, header.b, header.len);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	f = header;
	memcpy(f.b + f.len, data, 1000);
	f.len += 1000;
	fr_lengths(&f);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(tso, the_ring_wraps_within_a_header)
{
	struct frame header;
	unsigned i, round;

	tcp_header(&header, 6, ACK, 0);
	header.b[header.l4 + 12] = 0xf0; /* 40 bytes of options: three WQEBBs in all */
	memset(header.b + header.len, 1, 40);
	header.len += 40;
	for (round = 0; round < sq.dv.sq.wqe_cnt + 3; round++) {
		post(&header, 300, 200);
		expect_segment(&header, 0, 0, 200, false);
		expect_segment(&header, 1, 200, 100, true);
		kit_expect(tx_cq, IBV_WC_SUCCESS);
		for (i = 0; i < 2; i++)
			kit_recv(rx, &k.b, 20 + (round * 2 + i) % 24, 2048);
	}
}

Test(tso, libmlx5_sends_it_too)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = tx_cq,
		.recv_cq = tx_cq,
		.cap = {.max_send_wr = 8, .max_send_sge = 2},
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_MAX_TSO_HEADER,
		.pd = k.a.pd,
		.max_tso_header = 66,
	};
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 4000, .lkey = k.a.mr->lkey};
	struct ibv_send_wr wr = {.sg_list = &sge,
				 .num_sge = 1,
				 .opcode = IBV_WR_TSO,
				 .send_flags = IBV_SEND_SIGNALED | IBV_SEND_IP_CSUM},
			   *bad;
	struct ibv_device_attr_ex caps;
	struct frame header;
	struct ibv_qp *qp;

	cr_assert_eq(ibv_query_device_ex(k.a.ctx, NULL, &caps), 0);
	cr_expect_geq(caps.tso_caps.max_tso, 65536);
	cr_expect(caps.tso_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET);
	qp = ibv_create_qp_ex(k.a.ctx, &attr);
	cr_assert_not_null(qp, "%s", strerror(errno));
	kit_to_state(qp, IBV_QPS_INIT);
	kit_to_state(qp, IBV_QPS_RTR);
	kit_to_state(qp, IBV_QPS_RTS);
	tcp_header(&header, 4, ACK | PSH, 0);
	wr.tso.hdr = header.b;
	wr.tso.hdr_sz = (uint16_t)header.len;
	wr.tso.mss = 1448;
	cr_assert_eq(ibv_post_send(qp, &wr, &bad), 0);
	expect_segments(&header, 4000, 1448);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(ibv_destroy_qp(qp), 0);
}

/* ---- UDP, tunnels ---------------------------------------------------------------------------- */

Test(tso, udp_datagrams_have_their_own_length)
{
	struct frame header, f;
	unsigned at;

	fr_ether(&header, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&header, 17, "192.0.2.1", "192.0.2.2");
	fr_put16(header.b + header.l3 + 4, ID);
	fr_udp(&header, 1000, 2000);
	post(&header, 2500, 1000);
	for (at = 0; at < 2500; at += 1000) {
		f = header;
		memcpy(f.b + f.len, data + at, 1000);
		f.len += at == 2000 ? 500 : 1000;
		fr_put16(f.b + f.l3 + 4, (ID + at / 1000) & 0xffff);
		fr_finish(&f);
		kit_expect_frame(rx_cq, &k.b, &f);
	}
}

/* An inner frame, finished, behind the outer headers that outer has. */
static void put_inside(struct frame *outer, const struct frame *inner)
{
	memcpy(outer->b + outer->len, inner->b, inner->len);
	outer->len += inner->len;
}

static void vxlan_header(struct frame *outer, unsigned id)
{
	fr_ether(outer, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(outer, 17, "198.51.100.1", "198.51.100.2");
	fr_put16(outer->b + outer->l3 + 4, id & 0xffff);
	fr_udp(outer, 5555, 4789);
	fr_add16(outer, 0x0800); /* flags: there is a VNI */
	fr_add16(outer, 0);
	fr_add16(outer, 0x0012);
	fr_add16(outer, 0x3400);
}

/* The outer UDP checksum stays 0: it was not asked for. */
static void finish_outer(struct frame *outer)
{
	fr_lengths(outer);
	fr_put16(outer->b + outer->l3 + 10, fr_l3_csum(outer));
}

Test(tso, in_a_vxlan_tunnel_both_headers_are_written)
{
	struct frame inner, header, f, in;
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 3000, .lkey = k.a.mr->lkey};
	struct kit_wqe w;
	unsigned at;

	tcp_header(&inner, 4, ACK | PSH, 0);
	vxlan_header(&header, 5);
	put_inside(&header, &inner);
	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L3_INNER | KIT_CS_L4_INNER, 1200, header.b, header.len);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	for (at = 0; at < 3000; at += 1200) {
		in = inner;
		memcpy(in.b + in.len, data + at, 1200);
		in.len += at == 2400 ? 600 : 1200;
		fr_put16(in.b + in.l3 + 4, (ID + at / 1200) & 0xffff);
		put32(in.b + in.l4 + 4, SEQ + at);
		in.b[in.l4 + 13] = at == 2400 ? ACK | PSH : ACK;
		fr_finish(&in);
		vxlan_header(&f, 5 + at / 1200);
		put_inside(&f, &in);
		finish_outer(&f);
		kit_expect_frame(rx_cq, &k.b, &f);
	}
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refused(unsigned op, unsigned mss, unsigned hdr, enum ibv_wc_status status)
{
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 3000, .lkey = k.a.mr->lkey};
	struct frame header;
	struct kit_wqe w;

	tcp_header(&header, 4, ACK, 0);
	kit_wqe(&w, op, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, mss, header.b, hdr);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect(tx_cq, status);
	cr_expect_eq(kit_quiet(rx_cq), 0, "sent all the same");
}

Test(tso, a_large_send_without_a_segment_size_is_refused)
{
	refused(KIT_OP_LSO, 0, 54, IBV_WC_LOC_QP_OP_ERR);
}

Test(tso, a_segment_size_in_a_plain_send_is_refused)
{
	refused(KIT_OP_SEND, 1000, 54, IBV_WC_LOC_QP_OP_ERR);
}

Test(tso, a_large_send_without_a_header_is_refused)
{
	refused(KIT_OP_LSO, 1000, 0, IBV_WC_LOC_QP_OP_ERR);
}

Test(tso, a_header_that_ends_within_tcp_is_refused)
{
	refused(KIT_OP_LSO, 1000, 50, IBV_WC_LOC_QP_OP_ERR);
}

Test(tso, an_unknown_modifier_is_refused)
{
	refused(KIT_OP_LSO | 7u << 24, 1000, 54, IBV_WC_LOC_QP_OP_ERR);
}

Test(tso, a_bad_key_stops_the_queue)
{
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 3000, .lkey = k.a.mr->lkey ^ 1};
	struct frame header;
	struct kit_wqe w;

	tcp_header(&header, 4, ACK, 0);
	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 1000, header.b, header.len);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(tso, segments_above_the_mtu_are_lost_in_silence)
{
	struct frame header;

	tcp_header(&header, 4, ACK, 0);
	post(&header, 3000, 1600);
	/* 1654 bytes, then 1454 */
	expect_segment(&header, 1, 1600, 1400, true);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}
