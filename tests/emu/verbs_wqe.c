/* SPDX-License-Identifier: Apache-2.0 */
/* What a send WQE can ask for, beside a plain frame and a large send: each form, and what fails. */
#include "kit_wqe.h"

#include <errno.h>
#include <time.h>

static struct kit k;
static struct ibv_cq *tx_cq, *rx_cq;
static struct ibv_qp *tx, *rx;
static struct kit_sq sq;

static void setup(void)
{
	struct ibv_qp_cap cap = {.max_send_wr = 64,
				 .max_recv_wr = 64,
				 .max_send_sge = 30,
				 .max_recv_sge = 1,
				 .max_inline_data = 400};
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
		kit_recv(rx, &k.b, 40 + i, 2048);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(wqe, .init = setup, .fini = teardown, .timeout = 60);

static struct ibv_sge slot_of(unsigned slot, const struct frame *f)
{
	memcpy(kit_slot(&k.a, slot), f->b, f->len);
	return kit_sge(&k.a, slot, f->len);
}

static void expect_refused(struct kit_wqe *w)
{
	kit_wqe_post(&sq, w);
	kit_expect(tx_cq, IBV_WC_LOC_QP_OP_ERR);
	cr_expect_eq(kit_quiet(rx_cq), 0, "sent all the same");
}

static void udp(struct frame *f, unsigned payload)
{
	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, 17, "192.0.2.1", "192.0.2.2");
	fr_udp(f, 1000, 2000);
	fr_payload(f, payload);
	fr_lengths(f);
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* inline_hdr_sz, with what stands behind it in place of a header */
static void eth_with_tag(struct kit_wqe *w, unsigned cs, unsigned type, unsigned tci)
{
	uint8_t *eth = w->b + w->len;

	kit_wqe_eth(w, cs, 0, NULL, 0);
	fr_put16(eth + 12, type);
	fr_put16(eth + 14, tci);
}

static void tag_is_inserted(unsigned type, unsigned tpid)
{
	struct frame f, tagged;
	struct ibv_sge sge;
	struct kit_wqe w;

	udp(&f, 99);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	eth_with_tag(&w, KIT_CS_L3 | KIT_CS_L4, type, 0x6123);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	fr_ether(&tagged, k.b.mac, k.a.mac, 0x0800);
	fr_vlan(&tagged, tpid, 0x6123);
	fr_ipv4(&tagged, 17, "192.0.2.1", "192.0.2.2");
	fr_udp(&tagged, 1000, 2000);
	memcpy(tagged.b + tagged.len, f.b + 42, 99);
	tagged.len += 99;
	fr_finish(&tagged);
	kit_expect_frame(rx_cq, &k.b, &tagged);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(wqe, a_customer_tag_is_inserted)
{
	tag_is_inserted(0x8000, 0x8100);
}

Test(wqe, a_service_tag_is_inserted)
{
	tag_is_inserted(0x8001, 0x88a8);
}

Test(wqe, a_tag_makes_the_frame_longer_than_the_mtu_allows_without)
{
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	kit_frame(&k, &f, 1518);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	eth_with_tag(&w, 0, 0x8000, 7);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	fr_ether(&f, k.b.mac, k.a.mac, 0x88b5);
	fr_vlan(&f, 0x8100, 7);
	memcpy(f.b + 18, kit_slot(&k.a, 0) + 14, 1504);
	f.len = 1522;
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(wqe, a_tag_and_a_header_in_the_segment_are_refused)
{
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	udp(&f, 99);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	eth_with_tag(&w, 0, 0x8012, 7);
	kit_wqe_data(&w, &sge);
	expect_refused(&w);
}

/* ---- checksums of tunnels -------------------------------------------------------------------- */

/* How the inner packet lies in the outer one. */
enum tunnel { VXLAN, GENEVE, GRE, IPIP, UNKNOWN };

static void outer_header(struct frame *f, enum tunnel t)
{
	static const unsigned ports[] = {[VXLAN] = 4789, [GENEVE] = 6081, [UNKNOWN] = 9999};

	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, t == GRE ? 47 : t == IPIP ? 4 : 17, "198.51.100.1", "198.51.100.2");
	if (t == GRE) {
		fr_add16(f, 0x2000); /* a key follows */
		fr_add16(f, 0x0800);
		fr_add16(f, 0);
		fr_add16(f, 77);
	} else if (t != IPIP) {
		fr_udp(f, 4000, ports[t]);
		fr_add16(f, t == VXLAN ? 0x0800 : 0x0100); /* Geneve: one word of options */
		fr_add16(f, t == GENEVE ? 0x6558 : 0);
		fr_add16(f, 0x1234);
		fr_add16(f, 0);
	}
	if (t == GENEVE) {
		fr_add16(f, 0x1111);
		fr_add16(f, 0x2200);
	}
}

/* The whole frame, with right inner checksums, or with none: fields that say 0xffff. */
static unsigned tunnelled(struct frame *f, enum tunnel t, bool sums)
{
	struct frame in;
	unsigned skip = t == GRE || t == IPIP ? 14 : 0, at;

	udp(&in, 80);
	fr_put16(in.b + in.l3 + 10, 0xffff);
	fr_put16(in.b + in.l4 + 6, 0xffff);
	if (sums)
		fr_finish(&in);
	outer_header(f, t);
	at = f->len;
	memcpy(f->b + f->len, in.b + skip, in.len - skip);
	f->len += in.len - skip;
	fr_lengths(f);
	fr_put16(f->b + f->l3 + 10, fr_l3_csum(f));
	return at;
}

/* swp: offsets in the Ethernet segment. */
static void inner_sums(enum tunnel t, bool swp, bool filled)
{
	struct frame f, want;
	struct ibv_sge sge;
	struct kit_wqe w;
	unsigned at = tunnelled(&f, t, false);

	tunnelled(&want, t, filled);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L3_INNER | KIT_CS_L4_INNER, 0, NULL, 0);
	if (swp) {
		w.b[16] = 34 / 2; /* outer L4, outer L3, inner L4, inner L3 */
		w.b[17] = 14 / 2;
		w.b[18] = (uint8_t)((at + 34) / 2);
		w.b[19] = (uint8_t)((at + 14) / 2);
		w.b[21] = 0x22; /* both are UDP */
	}
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &want);
}

Test(wqe, checksums_within_vxlan_are_computed)
{
	inner_sums(VXLAN, false, true);
}

Test(wqe, checksums_within_geneve_are_computed)
{
	inner_sums(GENEVE, false, true);
}

Test(wqe, checksums_within_gre_are_computed)
{
	inner_sums(GRE, false, true);
}

Test(wqe, checksums_of_ip_within_ip_are_computed)
{
	inner_sums(IPIP, false, true);
}

Test(wqe, a_tunnel_that_the_card_does_not_know_keeps_its_bytes)
{
	inner_sums(UNKNOWN, false, false);
}

Test(wqe, the_software_parser_s_offsets_tell_of_an_unknown_tunnel)
{
	inner_sums(UNKNOWN, true, true);
}

Test(wqe, a_tunnel_s_outer_udp_checksum_covers_the_inner_ones)
{
	struct frame f, want;
	struct ibv_sge sge;
	struct kit_wqe w;

	tunnelled(&f, VXLAN, false);
	tunnelled(&want, VXLAN, true);
	fr_finish(&want);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L4 | KIT_CS_L3_INNER | KIT_CS_L4_INNER, 0, NULL, 0);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &want);
}

/* ---- where the bytes are --------------------------------------------------------------------- */

Test(wqe, header_inline_data_and_pointers_make_one_frame)
{
	struct frame f;
	struct ibv_sge part;
	struct kit_wqe w;

	kit_frame(&k, &f, 400);
	part = slot_of(3, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, f.b, 33);
	kit_wqe_inline(&w, f.b + 33, 71);
	part.addr += 104;
	part.length = 200;
	kit_wqe_data(&w, &part);
	kit_wqe_inline(&w, f.b + 304, 96);
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &f);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(wqe, a_frame_may_lie_in_the_ethernet_segment_alone)
{
	struct frame f;
	struct kit_wqe w;

	kit_frame(&k, &f, 300);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, f.b, 300);
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(wqe, inline_frames_of_every_length_wrap_at_the_ring_s_end)
{
	struct frame f;
	struct kit_wqe w;
	unsigned len;

	for (len = 60; len < 360; len++) {
		kit_frame(&k, &f, len);
		kit_wqe(&w, KIT_OP_SEND, KIT_CE_FIRST);
		kit_wqe_eth(&w, 0, 0, f.b, len % 3 == 0 ? 18 : 0);
		kit_wqe_inline(&w, f.b + (len % 3 == 0 ? 18 : 0), len - (len % 3 == 0 ? 18 : 0));
		kit_wqe_post(&sq, &w);
		kit_expect_frame(rx_cq, &k.b, &f);
		kit_recv(rx, &k.b, 40 + (len - 60) % 24, 2048);
	}
}

Test(wqe, as_many_pointers_as_the_size_field_can_say_are_gathered)
{
	struct frame f;
	struct ibv_sge part;
	struct kit_wqe w;
	unsigned i;

	kit_frame(&k, &f, 61 * 20);
	part = slot_of(0, &f);
	part.length = 20;
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, NULL, 0);
	for (i = 0; i < 61; i++, part.addr += 20)
		kit_wqe_data(&w, &part);
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &f);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(wqe, thirty_segments_by_libmlx5_are_gathered)
{
	struct ibv_sge sge[30];
	struct frame f;
	unsigned i;

	kit_frame(&k, &f, 600);
	sge[0] = slot_of(0, &f);
	for (i = 0; i < 30; i++) {
		sge[i] = sge[0];
		sge[i].addr += (uint64_t)i * 20;
		sge[i].length = 20;
	}
	kit_post_send(tx, sge, 30, IBV_SEND_SIGNALED);
	kit_expect_frame(rx_cq, &k.b, &f);
}

/* ---- many frames in one -----------------------------------------------------------------------
 */

Test(wqe, enhanced_multi_packet_mixes_inline_frames_and_pointers)
{
	struct frame f[4];
	struct ibv_sge sge;
	struct kit_wqe w;
	unsigned i;

	kit_wqe(&w, KIT_OP_EMPW, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L4, 0, NULL, 0);
	for (i = 0; i < 4; i++) {
		udp(&f[i], 30 + i * 17);
		sge = slot_of(i, &f[i]);
		if (i % 2)
			kit_wqe_data(&w, &sge);
		else
			kit_wqe_inline(&w, f[i].b, f[i].len);
		fr_finish(&f[i]);
	}
	kit_wqe_post(&sq, &w);
	for (i = 0; i < 4; i++)
		kit_expect_frame(rx_cq, &k.b, &f[i]);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(wqe, a_tag_in_a_multi_packet_entry_is_refused)
{
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	udp(&f, 60);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_EMPW, KIT_CE_EVER);
	eth_with_tag(&w, 0, 0x8000, 7);
	kit_wqe_data(&w, &sge);
	expect_refused(&w);
}

Test(wqe, legacy_multi_packet_sends_frames_of_one_length)
{
	struct frame f[5];
	struct ibv_sge sge;
	struct kit_wqe w;
	unsigned i;

	kit_wqe(&w, KIT_OP_LSO_MPW, KIT_CE_EVER);
	kit_wqe_eth(&w, KIT_CS_L3 | KIT_CS_L4, 42 + 100, NULL, 0);
	for (i = 0; i < 5; i++) {
		udp(&f[i], 100);
		fr_put16(f[i].b + f[i].l4, 3000 + i);
		sge = slot_of(i, &f[i]);
		kit_wqe_data(&w, &sge);
		fr_finish(&f[i]);
	}
	kit_wqe_post(&sq, &w);
	for (i = 0; i < 5; i++)
		kit_expect_frame(rx_cq, &k.b, &f[i]);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(wqe, legacy_multi_packet_sends_inline_frames)
{
	struct frame f[3];
	struct kit_wqe w;
	uint8_t all[3 * 80];
	unsigned i;

	for (i = 0; i < 3; i++) {
		kit_frame(&k, &f[i], 80);
		f[i].b[20] = (uint8_t)i;
		memcpy(all + (size_t)i * 80, f[i].b, 80);
	}
	kit_wqe(&w, KIT_OP_LSO_MPW, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 80, NULL, 0);
	kit_wqe_inline(&w, all, sizeof(all));
	kit_wqe_post(&sq, &w);
	for (i = 0; i < 3; i++)
		kit_expect_frame(rx_cq, &k.b, &f[i]);
}

/* ---- nothing, and later -----------------------------------------------------------------------
 */

Test(wqe, a_nop_completes_and_sends_nothing)
{
	struct kit_wqe w;

	kit_wqe(&w, KIT_OP_NOP, KIT_CE_EVER);
	kit_wqe_post(&sq, &w);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

struct wait_seg {
	__be32 operation, lkey;
	__be64 addr, value, mask;
};

static void wait_wqe(struct kit_wqe *w, unsigned operation, uint64_t value, uint64_t mask)
{
	struct wait_seg seg = {
		.operation = htobe32(operation), .value = htobe64(value), .mask = htobe64(mask)};

	kit_wqe(w, KIT_OP_WAIT_TIME, KIT_CE_FIRST);
	kit_wqe_bytes(w, &seg, sizeof(seg));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The device's clock, by the completion of a NOP. */
static uint64_t completion_time(struct ibv_cq_ex *ex)
{
	struct ibv_poll_cq_attr attr = {0};
	uint64_t till = now_ns() + 5000000000u, ts;
	int ret;

	do
		ret = ibv_start_poll(ex, &attr);
	while (ret == ENOENT && now_ns() < till);
	cr_assert_eq(ret, 0, "no completion");
	cr_assert_eq(ex->status, IBV_WC_SUCCESS);
	ts = ibv_wc_read_completion_ts(ex);
	ibv_end_poll(ex);
	return ts;
}

static uint64_t device_time(struct kit_sq *q, struct ibv_cq_ex *ex)
{
	struct kit_wqe w;

	kit_wqe(&w, KIT_OP_NOP, KIT_CE_EVER);
	kit_wqe_post(q, &w);
	return completion_time(ex);
}

/* Sends a frame behind a WAIT till ahead from now; what the device's clock said when it was sent.
 */
static uint64_t sent_after(int64_t ahead, uint64_t mask, uint64_t *asked)
{
	struct ibv_cq_ex *ex = kit_cq_ex(&k, &k.a, IBV_WC_EX_WITH_COMPLETION_TIMESTAMP);
	struct ibv_qp *qp = kit_raw(&k, &k.a, ibv_cq_ex_to_cq(ex));
	struct kit_sq q;
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	kit_sq(&q, qp);
	*asked = device_time(&q, ex) + (uint64_t)ahead;
	wait_wqe(&w, 5, *asked & mask, mask);
	kit_wqe_write(&q, &w);
	kit_frame(&k, &f, 80);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, NULL, 0);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&q, &w);
	kit_expect_frame(rx_cq, &k.b, &f);
	return completion_time(ex);
}

Test(wqe, a_wait_holds_the_queue_until_its_time)
{
	uint64_t begin = now_ns(), asked, sent = sent_after(30000000, UINT64_MAX, &asked);

	cr_expect_geq(sent, asked);
	cr_expect_geq(now_ns() - begin, 30000000u);
}

Test(wqe, a_wait_compares_as_far_as_the_mask_goes)
{
	uint64_t asked, sent = sent_after(20000000, (1ull << 33) - 1, &asked);

	cr_expect_geq(sent, asked);
}

Test(wqe, a_time_that_is_over_holds_nothing)
{
	uint64_t asked;

	sent_after(-1000000, UINT64_MAX, &asked);
}

Test(wqe, a_time_beyond_half_of_the_window_is_one_of_the_past)
{
	uint64_t begin = now_ns(), asked;

	/* the window is 17 s */
	sent_after(9500000000, (1ull << 34) - 1, &asked);
	cr_expect_lt(now_ns() - begin, 5000000000u);
}

Test(wqe, a_wait_for_a_completion_queue_is_refused)
{
	struct wait_seg seg = {0};
	struct kit_wqe w;

	kit_wqe(&w, KIT_OP_WAIT_CQ, KIT_CE_EVER);
	kit_wqe_bytes(&w, &seg, 16);
	expect_refused(&w);
}

Test(wqe, an_unknown_comparison_is_refused)
{
	struct kit_wqe w;

	wait_wqe(&w, 9, 0, UINT64_MAX);
	expect_refused(&w);
}

Test(wqe, a_modifier_of_a_plain_send_is_refused)
{
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	kit_frame(&k, &f, 80);
	sge = slot_of(0, &f);
	kit_wqe(&w, KIT_OP_SEND | 1u << 24, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, NULL, 0);
	kit_wqe_data(&w, &sge);
	expect_refused(&w);
}

/* ---- a card that wants the header in the WQE ---------------------------------------------------
 */

/* cli/emu-send.test runs this suite under --fault inline-l2, with TEST_MIN_INLINE set. */
TestSuite(min_inline, .init = setup, .fini = teardown, .timeout = 60);

static void with_header(unsigned op, unsigned n, bool good)
{
	struct frame f;
	struct ibv_sge sge;
	struct kit_wqe w;

	kit_frame(&k, &f, 80);
	sge = slot_of(0, &f);
	sge.addr += n;
	sge.length -= n;
	kit_wqe(&w, op, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, 0, f.b, n);
	kit_wqe_data(&w, &sge);
	if (!good) {
		expect_refused(&w);
		return;
	}
	kit_wqe_post(&sq, &w);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(min_inline, a_frame_without_its_header_in_the_entry)
{
	with_header(KIT_OP_SEND, 0, !getenv("TEST_MIN_INLINE"));
}

Test(min_inline, a_frame_with_17_bytes_of_header)
{
	with_header(KIT_OP_SEND, 17, !getenv("TEST_MIN_INLINE"));
}

Test(min_inline, a_frame_with_18_bytes_of_header)
{
	with_header(KIT_OP_SEND, 18, true);
}

Test(min_inline, a_multi_packet_entry)
{
	with_header(KIT_OP_EMPW, 0, !getenv("TEST_MIN_INLINE"));
}
