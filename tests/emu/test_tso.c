/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP packets that the NIC cuts. What must arrive is built a second time from RFC 791, 8200 and
 * 9293, with checksums of its own, and compared byte by byte.
 */
#include <errno.h>
#include <stdlib.h>

#include "dq_kit.h"
#include "frames.h"

#define LINK(keys)                                                                                 \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 65550\n"                              \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\ndepth = 64\n" keys "[rxq b 0]\nregions = rx\ndepth = 1024\n"     \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

#define SEQ  0xfffff000u /* wraps within the data */
#define ID   0xfffe	 /* likewise */
#define JUNK 0xdead

enum { FIN = 0x01, PSH = 0x08, ACK = 0x10, CWR = 0x80 };

TestSuite(tso, .timeout = 60);

/* How a packet is made. */
struct kind {
	unsigned version, flags, tags, options; /* bytes of TCP options, and of IPv4 ones */
	unsigned ip_options;
};

static uint8_t data[65000];

static void put32(uint8_t *p, uint32_t v)
{
	fr_put16(p, v >> 16);
	fr_put16(p + 2, v & 0xffff);
}

static void add_options(struct frame *f, unsigned n)
{
	memset(f->b + f->len, 1, n);
	f->len += n;
}

static void make_headers(struct frame *f, const struct kind *k)
{
	fr_ether(f, MAC_B, MAC_A, k->version == 4 ? 0x0800 : 0x86dd);
	for (unsigned i = 0; i < k->tags; i++)
		fr_vlan(f, i ? 0x8100 : k->tags == 2 ? 0x88a8 : 0x8100, 100 + i);
	if (k->version == 4)
		fr_ipv4(f, 6, "192.0.2.1", "192.0.2.2");
	else
		fr_ipv6(f, 6, "2001:db8::1", "2001:db8::2");
	if (k->version == 4)
		fr_put16(f->b + f->l3 + 4, ID);
	if (k->ip_options) {
		add_options(f, k->ip_options);
		f->b[f->l3] = (uint8_t)(0x45 + k->ip_options / 4);
	}
	fr_tcp(f, 4000, 80, k->flags);
	put32(f->b + f->l4 + 4, SEQ);
	put32(f->b + f->l4 + 8, 77);
	add_options(f, k->options);
	f->b[f->l4 + 12] = (uint8_t)((20 + k->options) / 4 << 4);
}

/* Packets that lie in the slots of the queue: headers whose checksums hold junk, and n bytes. */
static void fill(const struct link *l, struct daqiri_pkt *pkt, const struct frame *headers,
		 unsigned n)
{
	struct frame f = *headers;
	int64_t end = kit_deadline();

	while (daqiri_tx_reserve(l->tx, pkt, 1) < 1)
		cr_assert(!kit_is_late(end));
	if (f.b[f.l3] >> 4 == 4)
		fr_put16(f.b + f.l3 + 10, JUNK);
	fr_put16(fr_l4_field(&f), JUNK);
	memcpy((void *)(uintptr_t)pkt->addr, f.b, f.len);
	memcpy((uint8_t *)(uintptr_t)pkt->addr + f.len, data, n);
	pkt->len = f.len + n;
}

static void send_one(const struct link *l, const struct frame *headers, unsigned n)
{
	struct daqiri_pkt pkt;

	fill(l, &pkt, headers, n);
	cr_assert_eq(daqiri_tx_post(l->tx, &pkt, 1), 1, "%s", daqiri_error_detail());
}

/* Piece number i, of n bytes from at on. */
static void make_piece(struct frame *f, const unsigned piece[3], bool last)
{
	unsigned i = piece[0], at = piece[1], n = piece[2];
	uint8_t *flags = f->b + f->l4 + 13;

	memcpy(f->b + f->len, data + at, n);
	f->len += n;
	if (f->b[f->l3] >> 4 == 4)
		fr_put16(f->b + f->l3 + 4, (ID + i) & 0xffff);
	put32(f->b + f->l4 + 4, SEQ + at);
	if (!last)
		*flags &= (uint8_t) ~(FIN | PSH);
	if (i)
		*flags &= (uint8_t)~CWR;
	fr_finish(f);
}

/* The next packet is this frame. */
static void expect_frame(const struct link *l, const struct frame *f)
{
	struct daqiri_pkt pkt;

	cr_assert_eq(kit_receive(l->rx, &pkt, 1), 1);
	cr_assert_eq(pkt.len, f->len < 60 ? 60 : f->len);
	cr_assert_arr_eq((void *)(uintptr_t)pkt.addr, f->b, f->len);
	daqiri_rx_release(l->rx, 1);
}

static void expect(const struct link *l, const struct frame *headers, unsigned total, unsigned mss)
{
	for (unsigned at = 0, i = 0; at < total; at += mss, i++) {
		unsigned n = total - at < mss ? total - at : mss;
		struct frame f = *headers;

		make_piece(&f, (const unsigned[3]){i, at, n}, at + n == total);
		expect_frame(l, &f);
	}
}

static struct link open_link(const char *text)
{
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 251);
	return kit_open_link(text);
}

static void pass(const char *text, const struct kind *k, unsigned mss)
{
	static const unsigned totals[] = {1, 2, 3, 10};
	struct link l = open_link(text);
	struct frame headers;

	make_headers(&headers, k);
	for (unsigned i = 0; i < 4; i++) {
		unsigned total = totals[i] * mss;

		send_one(&l, &headers, total + 1);
		expect(&l, &headers, total + 1, mss);
		send_one(&l, &headers, total + mss);
		expect(&l, &headers, total + mss, mss);
	}
	cr_assert_eq(kit_receive_none(l.rx), 0);
	daqiri_close(l.dq);
}

Test(tso, pieces_have_their_lengths_ids_numbers_and_checksums)
{
	pass(LINK("tso = 1400\n"), &(struct kind){.version = 4, .flags = ACK}, 1400);
	pass(LINK("tso = 1400\n"), &(struct kind){.version = 6, .flags = ACK}, 1400);
}

Test(tso, fin_and_push_go_with_the_last_piece_and_cwr_with_the_first)
{
	pass(LINK("tso = 1000\n"), &(struct kind){.version = 4, .flags = ACK | FIN | PSH | CWR},
	     1000);
	pass(LINK("tso = 1000\n"), &(struct kind){.version = 6, .flags = ACK | FIN | PSH | CWR},
	     1000);
}

Test(tso, tags_and_options_are_in_every_piece)
{
	pass(LINK("tso = 1000\n"), &(struct kind){.version = 4, .flags = ACK, .tags = 1}, 1000);
	pass(LINK("tso = 1000\n"), &(struct kind){.version = 6, .flags = ACK, .options = 12}, 1000);
	pass(LINK("tso = 1000\n"),
	     &(struct kind){4, ACK, .tags = 2, .options = 40, .ip_options = 40}, 1000);
}

Test(tso, the_least_and_the_most)
{
	pass(LINK("tso = 88\n"), &(struct kind){.version = 4, .flags = ACK}, 88);
	pass(LINK("tso = 1460\n"), &(struct kind){.version = 4, .flags = ACK}, 1460);
}

Test(tso, whatever_else_the_queue_does)
{
	const struct kind k = {.version = 4, .flags = ACK};

	pass(LINK("tso = 1000\nchecksum = l3l4\nsrc_mac = port\n"), &k, 1000);
	pass(LINK("tso = 1000\nmode = worker\ncpu_core = 0\n"), &k, 1000);
	pass(LINK("tso = 1000\npacing_mbps = 5000\n"), &k, 1000);
	pass("[daqiri]\nsimd = portable\n" LINK("tso = 1000\n"), &k, 1000);
}

Test(tso, a_packet_as_long_as_ip_can_be)
{
	struct link l = open_link(LINK("tso = 1448\n"));
	struct kind k = {.version = 4, .flags = ACK | PSH};
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct frame headers;

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	cr_assert_eq(info.tso_mss, 1448);
	cr_assert_geq(info.tso_max, 65535);
	cr_assert_str_eq(info.tx_mode, "tso");
	make_headers(&headers, &k);
	send_one(&l, &headers, 64999);
	expect(&l, &headers, 64999, 1448);
	daqiri_close(l.dq);
}

/* By lengths that are not for cutting, by what no TCP is, and by fragments. */
Test(tso, other_packets_are_sent_as_they_are)
{
	struct link l = open_link(LINK("tso = 200\n"));
	struct kind k = {.version = 4, .flags = ACK | FIN};
	struct daqiri_pkt pkt;
	struct frame f;

	for (unsigned i = 0; i < 7; i++) {
		make_headers(&f, &k);
		memcpy(f.b + f.len, data, 1000);
		f.len += i ? 1000 : 200;
		if (i == 1)
			f.b[f.l3 + 9] = 17;
		if (i == 2)
			f.b[f.l3 + 6] = 0x20; /* more fragments */
		if (i == 3)
			f.b[f.l3 + 7] = 1; /* an offset */
		if (i == 4)
			fr_put16(f.b + 12, 0x88b5);
		if (i == 5)
			f.b[f.l3] = 0x65;
		if (i == 6)
			f.b[f.l4 + 12] = 0x40; /* a header of 16 bytes */
		cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
		memcpy((void *)(uintptr_t)pkt.addr, f.b, f.len);
		pkt.len = f.len;
		cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
		expect_frame(&l, &f);
	}
	daqiri_close(l.dq);
}

/* Posts of many, cut and not, round the ring: some WQEs lie on both sides of its end. */
Test(tso, the_ring_is_gone_round)
{
	const struct kind k = {.version = 6, .flags = ACK, .options = 40};
	struct link l = open_link(LINK("tso = 500\n"));
	struct daqiri_pkt pkts[7];
	struct frame headers;
	uint64_t posted = 0;

	make_headers(&headers, &k);
	for (unsigned round = 0; round < 100; round++) {
		cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 7), 7);
		for (unsigned i = 0; i < 7; i++) {
			struct frame f = headers;

			fr_finish(&f);
			memcpy((void *)(uintptr_t)pkts[i].addr, f.b, f.len);
			memcpy((uint8_t *)(uintptr_t)pkts[i].addr + f.len, data, 1300);
			pkts[i].len = f.len + (i % 3 ? 1300 : 0);
		}
		kit_post_all(l.tx, pkts, 7);
		for (unsigned i = 0; i < 7; i++) {
			struct frame f = headers;

			fr_finish(&f);
			if (i % 3)
				expect(&l, &headers, 1300, 500);
			else
				expect_frame(&l, &f);
		}
		posted += 7;
		kit_wait_sent(l.tx, posted);
	}
	daqiri_close(l.dq);
}

/* A full ring of them: there is room for the headers of all. */
Test(tso, as_many_as_the_depth_are_posted)
{
	const struct kind k = {.version = 4, .flags = ACK, .tags = 2, .options = 40};
	struct link l = open_link(LINK("tso = 1000\ntimed = on\n"));
	struct daqiri_pkt pkts[64];
	struct frame headers;
	uint64_t now;

	make_headers(&headers, &k);
	cr_assert_eq(daqiri_tx_now(l.tx, &now), 0);
	for (int i = 0; i < 64; i++) {
		fill(&l, &pkts[i], &headers, 1500);
		cr_assert_eq(daqiri_tx_post_at(l.tx, &pkts[i], 1, now + 300000000u + (unsigned)i),
			     1);
	}
	for (int i = 0; i < 64; i++)
		expect(&l, &headers, 1500, 1000);
	kit_wait_sent(l.tx, 64);
	daqiri_close(l.dq);
}

Test(tso, what_cannot_be_is_refused)
{
	cr_assert_eq(kit_try_text(LINK("tso = 1461\n")), -EINVAL);
	assert_detail("[txq a 0] tso=1461: with headers of 40 bytes it is above the MTU of ");
	assert_detail("at most 1460");
	cr_assert_eq(kit_try_text(LINK("tso = 1000\ntx_inline = 64\n")), -EINVAL);
	assert_detail("[txq a 0] tso=1000: does not go with tx_inline");
	cr_assert_eq(kit_try_text(LINK("tso = 1000\ntx_latency = on\n")), -EINVAL);
	assert_detail("[txq a 0] tso=1000: does not go with tx_latency");
	cr_assert_eq(kit_try_text(LINK("tso = 1000\nvlan_push = 5\n")), -EINVAL);
	assert_detail("[txq a 0] tso=1000: does not go with vlan_push");
	cr_assert_eq(kit_try_text("[region x]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				  "[region y]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				  "[port a]\naddress = " MAC_A
				  "\n[txq a 0]\nregions = x,y\ndepth = 64\ntso = 1000\n"),
		     -EINVAL);
	assert_detail("[txq a 0] tso=1000: does not go with two regions");
}
