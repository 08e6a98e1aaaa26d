/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that match by the programmable parser: the length of IPv4 packets, eCPRI, words of UDP's
 * payload. Runs with daqiri-emu --flex-parser on.
 */
#include "match_kit.h"

static struct frame f;

enum { ECPRI = 0xaefe };

static const struct frame *add_udp(unsigned dport, unsigned payload)
{
	fr_udp(&f, 1000, dport);
	fr_payload(&f, payload);
	fr_finish(&f);
	return &f;
}

static const struct frame *udp4(unsigned dport, unsigned payload)
{
	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	return add_udp(dport, payload);
}

static const struct frame *udp6(unsigned dport, unsigned payload)
{
	fr_ether(&f, MAC_B, MAC_A, 0x86dd);
	fr_ipv6(&f, 17, "fd00::1", "fd00::2");
	return add_udp(dport, payload);
}

/* A payload of words, each 0x01010101 times its number, but for one. */
static const struct frame *word(const struct frame *frame, unsigned at, uint32_t value)
{
	(void)frame;
	for (unsigned i = 0; f.l4 + 8 + i * 4 + 4 <= f.len; i++)
		memset(f.b + f.l4 + 8 + i * 4, (int)i, 4);
	fr_put16(f.b + f.l4 + 8 + at, value >> 16);
	fr_put16(f.b + f.l4 + 8 + at + 2, value & 0xffff);
	fr_finish(&f);
	return &f;
}

/* tci below 0: no tag */
static const struct frame *ecpri(unsigned type, unsigned id, int tci)
{
	fr_ether(&f, MAC_B, MAC_A, ECPRI);
	if (tci >= 0)
		fr_vlan(&f, 0x8100, (unsigned)tci);
	fr_add16(&f, 0x1000 | type);
	fr_add16(&f, 44);
	fr_add16(&f, id);
	fr_payload(&f, 60);
	return &f;
}

Test(words, ipv4_length)
{
	struct link l = match_open("[flow b len]\nipv4_len = 128\nqueue = 1\n"
				   "[flow b long]\nipv4_len = 500-1001\nudp_dst = 7\nqueue = 2\n");

	assert_where(&l, udp4(5, 100), 1);
	assert_where(&l, udp4(5, 99), 0);
	assert_where(&l, udp4(5, 101), 0);
	assert_where(&l, udp6(5, 100), 0);
	assert_where(&l, udp4(7, 471), 0);
	assert_where(&l, udp4(7, 472), 2);
	assert_where(&l, udp4(7, 973), 2);
	assert_where(&l, udp4(7, 974), 0);
	assert_where(&l, udp4(8, 600), 0);
	match_close(&l);
}

Test(words, ecpri_type_and_id)
{
	struct link l = match_open(
		"[flow b any]\necpri = on\nqueue = 1\n"
		"[flow b type]\necpri_type = 2\nqueue = 2\n"
		"[flow b id]\necpri = on\necpri_type = 0\necpri_id = 0x1234\nqueue = 3\n");

	for (int tci = -1; tci < 2; tci++) {
		assert_where(&l, ecpri(0, 0x1234, tci), 3);
		assert_where(&l, ecpri(0, 0x1235, tci), 1);
		assert_where(&l, ecpri(1, 0x1234, tci), 1);
		assert_where(&l, ecpri(2, 0x1234, tci), 2);
	}
	ecpri(0, 0x1234, -1);
	fr_put16(f.b + 12, 0xaeff);
	assert_where(&l, &f, 0);
	match_close(&l);
}

#define FLEX                                                                                       \
	"[flex b first]\nudp_dst = 7000\noffset = 0\n[flex b third]\nudp_dst = 7000\noffset = 8\n" \
	"[flex b other]\nudp_dst = 7001\noffset = 24\n"

Test(words, of_udp_payload)
{
	struct link l =
		match_open(FLEX "[flow b x]\nflex = third\nflex_value = 0xcafe0000\n"
				"flex_mask = 0xffff0000\nqueue = 1\n"
				"[flow b y]\nflex = first\nflex_value = 5\nqueue = 2\n"
				"[flow b z]\nflex = other\nflex_value = 0x12345678\nqueue = 3\n");

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct frame *(*udp)(unsigned, unsigned) = v6 ? udp6 : udp4;

		assert_where(&l, word(udp(7000, 40), 8, 0xcafe4711), 1);
		assert_where(&l, word(udp(7000, 40), 8, 0xcaff4711), 0);
		assert_where(&l, word(udp(7000, 40), 4, 0xcafe4711), 0);
		assert_where(&l, word(udp(7001, 40), 8, 0xcafe4711), 0);
		assert_where(&l, word(udp(7000, 40), 0, 5), 2);
		assert_where(&l, word(udp(7000, 40), 0, 4), 0);
		assert_where(&l, word(udp(7001, 40), 24, 0x12345678), 3);
		assert_where(&l, word(udp(7000, 40), 24, 0x12345678), 0);
	}
	match_close(&l);
}

/* Words of two sections are looked at in one packet: both flows match, and the narrower wins. */
Test(words, the_narrower_flow_comes_first)
{
	struct link l = match_open(FLEX "[flow b x]\nflex = third\nflex_value = 0x11000000\n"
					"flex_mask = 0xff000000\nqueue = 1\n"
					"[flow b y]\nflex = first\nflex_value = 5\nqueue = 2\n"
					"[flow b p]\nudp_dst = 7000\nqueue = 3\n");

	udp4(7000, 40);
	word(&f, 8, 0x11223344);
	assert_where(&l, &f, 1);
	fr_put16(f.b + f.l4 + 8, 0);
	fr_put16(f.b + f.l4 + 10, 5);
	fr_finish(&f);
	assert_where(&l, &f, 2);
	assert_where(&l, word(udp4(7000, 40), 8, 0x12223344), 3);
	match_close(&l);
}

Test(words, at_run_time)
{
	struct link l = match_open(FLEX);

	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(daqiri_flow_add(l.b, "e", "ecpri_type = 2\nqueue = 1\n"), 0, "%s",
			     daqiri_error_detail());
		cr_assert_eq(daqiri_flow_add(l.b, "f", "flex = first\nflex_value = 5\nqueue = 2\n"),
			     0, "%s", daqiri_error_detail());
		assert_where(&l, ecpri(2, 1, -1), 1);
		assert_where(&l, word(udp4(7000, 40), 0, 5), 2);
		cr_assert_eq(daqiri_flow_remove(l.b, "e"), 0);
		assert_where(&l, ecpri(2, 1, -1), 0);
		assert_where(&l, word(udp4(7000, 40), 0, 5), 2);
		cr_assert_eq(daqiri_flow_remove(l.b, "f"), 0);
		assert_where(&l, word(udp4(7000, 40), 0, 5), 0);
	}
	cr_assert_lt(daqiri_flow_add(l.b, "g", "flex = fifth\nflex_value = 5\nqueue = 2\n"), 0);
	assert_detail("there is no [flex b fifth]");
	match_close(&l);
}

/* Eight words are all that a device has: two contexts of one port need more. */
Test(words, others_have_taken_them)
{
	struct link l = match_open(
		"[flow b e]\necpri_type = 0\necpri_id = 1\nqueue = 1\n"
		"[flex b a]\nudp_dst = 1\noffset = 0\n[flex b b]\nudp_dst = 2\noffset = 0\n"
		"[flex b c]\nudp_dst = 3\noffset = 0\n[flex b d]\nudp_dst = 4\noffset = 0\n"
		"[flow b a]\nflex = a\nflex_value = 1\nqueue = 1\n"
		"[flow b b]\nflex = b\nflex_value = 1\nqueue = 1\n"
		"[flow b c]\nflex = c\nflex_value = 1\nqueue = 1\n"
		"[flow b d]\nflex = d\nflex_value = 1\nqueue = 1\n");
	struct link m = match_open("[flow b d]\necpri_type = 3\nqueue = 2\n");

	cr_assert_lt(daqiri_flow_add(l.b, "len", "ipv4_len = 100\nqueue = 1\n"), 0);
	assert_detail("room for 8 words");
	daqiri_close(m.dq);
	cr_assert_eq(daqiri_flow_add(l.b, "len", "ipv4_len = 128\nqueue = 2\n"), 0);
	assert_where(&l, udp4(5, 100), 2);
	match_close(&l);
}

Test(words, what_cannot_be_is_refused)
{
	match_refused("ipv4_len = 40\nipv6_src = ::1\n", "ipv4_len=40: packets of IPv4");
	match_refused("ipv4_len = 40\nethertype = 0x86dd\n", "packets of IPv4");
	match_refused("ecpri = on\nudp_dst = 5\n", "EtherType 0xaefe");
	match_refused("ecpri_type = 1\nethertype = 0x88b5\n", "ecpri_type=1: eCPRI");
	match_refused("ecpri = on\necpri_id = 1\n", "name their type");
	match_refused("ecpri_type = 4\necpri_id = 1\n", "name their type");
	match_refused("flex = no\nflex_value = 1\n", "there is no [flex b no]");
	match_refused("flex_mask = 1\nudp_dst = 5\n", "of which word");
	match_refused("flex = first\n" FLEX, "flex_value: missing");
	match_refused("flex = first\nflex_value = 3\nflex_mask = 2\n" FLEX, "allowed 0x2");
	match_refused("flex = first\nflex_value = 3\nudp_dst = 7001\n" FLEX, "UDP port 7000");
	match_refused("flex = first\nflex_value = 3\nip_proto = 6\n" FLEX, "UDP port 7000");
}
