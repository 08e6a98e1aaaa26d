/* SPDX-License-Identifier: Apache-2.0 */
/* What flows match, field by field: frames that they take, and frames that they nearly take. */
#include "match_kit.h"

static struct frame f;

static const struct frame *udp6(const char *src, const char *dst, unsigned sport, unsigned dport)
{
	fr_ether(&f, MAC_B, MAC_A, 0x86dd);
	fr_ipv6(&f, 17, src, dst);
	fr_udp(&f, sport, dport);
	fr_payload(&f, 20);
	fr_finish(&f);
	return &f;
}

static const struct frame *ip4(unsigned proto, unsigned sport, unsigned dport)
{
	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, proto, "10.0.0.1", "10.0.0.2");
	if (proto == 17)
		fr_udp(&f, sport, dport);
	if (proto == 6)
		fr_tcp(&f, sport, dport, FR_TCP_ACK);
	fr_payload(&f, 20);
	fr_finish(&f);
	return &f;
}

/* tci: of a tag; -1: none. */
static const struct frame *tagged(int tci, unsigned type)
{
	fr_ether(&f, MAC_B, MAC_A, type);
	if (tci >= 0)
		fr_vlan(&f, 0x8100, (unsigned)tci);
	if (type == 0x0800) {
		fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
		fr_udp(&f, 1000, 2000);
	}
	fr_payload(&f, 40);
	fr_finish(&f);
	return &f;
}

Test(match, vlan_id)
{
	struct link l = match_open("[flow b x]\nvlan_id = 0x123\nqueue = 1\n"
				   "[flow b zero]\nvlan_id = 0\nqueue = 2\n");

	assert_where(&l, tagged(0x0123, 0x88b5), 1);
	assert_where(&l, tagged(0xf123, 0x0800), 1);
	assert_where(&l, tagged(0x0122, 0x0800), 0);
	assert_where(&l, tagged(0x0323, 0x0800), 0);
	assert_where(&l, tagged(-1, 0x0800), 0);
	assert_where(&l, tagged(0xe000, 0x0800), 2);
	match_close(&l);
}

Test(match, vlan_pcp)
{
	struct link l = match_open("[flow b x]\nvlan_pcp = 5\nqueue = 1\n"
				   "[flow b both]\nvlan_pcp = 5\nvlan_id = 7\nqueue = 2\n");

	assert_where(&l, tagged(0xa006, 0x0800), 1);
	assert_where(&l, tagged(0xb123, 0x0800), 1);
	assert_where(&l, tagged(0x8006, 0x0800), 0);
	assert_where(&l, tagged(0xc007, 0x0800), 0);
	assert_where(&l, tagged(-1, 0x0800), 0);
	assert_where(&l, tagged(0xa007, 0x0800), 2);
	match_close(&l);
}

/* The NIC looks behind tags: other matches take frames with one and without. */
Test(match, an_ethertype_is_that_behind_the_tags)
{
	struct link l = match_open("[flow b x]\nethertype = 0x88b5\nqueue = 1\n"
				   "[flow b y]\nudp_dst = 2000\nqueue = 2\n");

	assert_where(&l, tagged(5, 0x88b5), 1);
	assert_where(&l, tagged(-1, 0x88b5), 1);
	assert_where(&l, tagged(5, 0x0800), 2);
	assert_where(&l, tagged(5, 0x88b6), 0);
	match_close(&l);
}

Test(match, ip_proto)
{
	struct link l = match_open("[flow b x]\nip_proto = 47\nqueue = 1\n"
				   "[flow b six]\nip_proto = 0\nethertype = 0x86dd\nqueue = 2\n");

	assert_where(&l, ip4(47, 0, 0), 1);
	assert_where(&l, ip4(46, 0, 0), 0);
	assert_where(&l, ip4(17, 1, 2), 0);
	assert_where(&l, tagged(-1, 0x88b5), 0);
	fr_ether(&f, MAC_B, MAC_A, 0x86dd);
	fr_ipv6(&f, 47, "fd00::1", "fd00::2");
	fr_payload(&f, 20);
	fr_finish(&f);
	assert_where(&l, &f, 1);
	match_close(&l);
}

Test(match, ipv6_addresses_and_prefixes)
{
	struct link l = match_open("[flow b host]\nipv6_dst = fd00::12\nqueue = 1\n"
				   "[flow b net]\nipv6_src = fd00:1:2::/47\nqueue = 2\n"
				   "[flow b both]\nipv6_src = fd00:1:2::7\nipv6_dst = fd00::/16\n"
				   "udp_dst = 9\nqueue = 3\n");

	assert_where(&l, udp6("fd01::1", "fd00::12", 1, 2), 1);
	assert_where(&l, udp6("fd01::1", "fd00::13", 1, 2), 0);
	assert_where(&l, udp6("fd01::1", "fe00::12", 1, 2), 0);
	assert_where(&l, udp6("fd00:1:3:ffff::1", "fd00::13", 1, 2), 2);
	assert_where(&l, udp6("fd00:1:4::1", "fd00::13", 1, 2), 0);
	assert_where(&l, udp6("fd00:1:2::7", "fd00:ffff::1", 1, 9), 3);
	assert_where(&l, udp6("fd00:1:2::7", "fd00:ffff::1", 1, 8), 2);
	assert_where(&l, ip4(17, 1, 9), 0);
	match_close(&l);
}

/*
 * The kernel looks at the last four bytes as if they were IPv4 and would put such a rule behind the
 * one for everything: see dq_match_split_multicast().
 */
Test(match, a_prefix_that_looks_like_multicast_comes_before_the_unmatched)
{
	struct link l = match_open("[flow b six]\nipv6_dst = fd00::e000:0/99\nqueue = 1\n"
				   "[flow b four]\nipv4_dst = 224.0.0.0/3\nqueue = 2\n");
	static const char *const groups[] = {"224.0.0.1", "239.1.2.3", "240.0.0.1"};

	assert_where(&l, udp6("fd01::1", "fd00::e000:1", 1, 2), 1);
	assert_where(&l, udp6("fd01::1", "fd00::f000:1", 1, 2), 1);
	assert_where(&l, udp6("fd01::1", "fd00::d000:1", 1, 2), 0);
	for (unsigned i = 0; i < 3; i++) {
		fr_ether(&f, MAC_B, MAC_A, 0x0800);
		fr_ipv4(&f, 17, "10.0.0.1", groups[i]);
		fr_udp(&f, 1, 2);
		fr_payload(&f, 30);
		fr_finish(&f);
		assert_where(&l, &f, 2);
	}
	match_close(&l);
}

Test(match, tcp_ports)
{
	struct link l = match_open("[flow b src]\ntcp_src = 4000\nqueue = 1\n"
				   "[flow b dst]\ntcp_dst = 80\nqueue = 2\n"
				   "[flow b zero]\ntcp_dst = 0\nqueue = 3\n");

	assert_where(&l, ip4(6, 4000, 81), 1);
	assert_where(&l, ip4(6, 4001, 80), 2);
	assert_where(&l, ip4(6, 80, 4000), 0);
	assert_where(&l, ip4(17, 4000, 80), 0);
	assert_where(&l, ip4(6, 5, 0), 3);
	assert_where(&l, ip4(47, 0, 0), 0);
	match_close(&l);
}

Test(match, udp_and_tcp_of_the_same_number_are_two_matches)
{
	struct link l = match_open("[flow b u]\nudp_dst = 80\nqueue = 1\npriority = 3\n"
				   "[flow b t]\ntcp_dst = 80\nqueue = 2\npriority = 3\n");

	assert_where(&l, ip4(17, 1, 80), 1);
	assert_where(&l, ip4(6, 1, 80), 2);
	match_close(&l);
}

/* Frames around both ends of a range: n_in of them are to be taken. */
static void walk_range(const struct link *l, unsigned proto, const unsigned *ports, unsigned n_in)
{
	for (unsigned i = 0; ports[i] != ~0U; i++) {
		assert_where(l, ip4(proto, 7, ports[i]), i < n_in);
		assert_where(l, ip4(proto ^ 17 ^ 6, 7, ports[i]), 0);
	}
}

Test(match, ranges_of_ports_end_where_they_say)
{
	static const unsigned ports[] = {1001, 1002, 1023, 1024, 1500,	2047,	     2048, 2998,
					 2999, 1000, 3000, 0,	 65535, 1001 + 4096, ~0U};
	static const unsigned most[] = {1, 2, 255, 32767, 32768, 65534, 0, 65535, ~0U};
	static const unsigned high[] = {65533, 65535, 65534, 65532, 0, 1, ~0U};
	struct link l = match_open("[flow b x]\nudp_dst = 1001-2999\nqueue = 1\n");

	walk_range(&l, 17, ports, 9);
	match_close(&l);
	l = match_open("[flow b x]\ntcp_dst = 1-65534\nqueue = 1\n");
	walk_range(&l, 6, most, 6);
	match_close(&l);
	l = match_open("[flow b x]\ntcp_dst = 65533-0xffff\nqueue = 1\n");
	walk_range(&l, 6, high, 3);
	match_close(&l);
}

Test(match, ranges_of_both_ports)
{
	struct link l = match_open("[flow b x]\nudp_src = 999-1003\nudp_dst = 0-6\nqueue = 1\n"
				   "[flow b y]\nudp_dst = 5-9\nqueue = 2\n");

	for (unsigned src = 998; src < 1005; src++)
		for (unsigned dst = 0; dst < 12; dst++)
			assert_where(&l, ip4(17, src, dst),
				     src > 998 && src < 1004 && dst < 7 ? 1
				     : dst > 4 && dst < 10		? 2
									: 0);
	match_close(&l);
}

/* Each range takes more masks than a priority has room for; they are not to be in each other's way.
 */
Test(match, ranges_beside_each_other)
{
	struct link l = match_open("[flow b x]\nudp_dst = 1001-20000\nqueue = 1\n"
				   "[flow b y]\nudp_dst = 20001-40007\nqueue = 2\n"
				   "[flow b z]\nudp_dst = 30000\nqueue = 3\n");

	assert_where(&l, ip4(17, 1, 1000), 0);
	assert_where(&l, ip4(17, 1, 1001), 1);
	assert_where(&l, ip4(17, 1, 20000), 1);
	assert_where(&l, ip4(17, 1, 20001), 2);
	assert_where(&l, ip4(17, 1, 29999), 2);
	assert_where(&l, ip4(17, 1, 30000), 3);
	assert_where(&l, ip4(17, 1, 40007), 2);
	assert_where(&l, ip4(17, 1, 40008), 0);
	match_close(&l);
}

Test(match, a_range_may_be_spread)
{
	struct link l = match_open("[flow b x]\nudp_dst = 100-1999\nqueue = 1-2\n");
	unsigned got[MATCH_QUEUES] = {0};

	for (unsigned i = 0; i < 40; i++) {
		got[match_where(&l, ip4(17, i, 100 + i * 47))]++;
		got[match_where(&l, udp6("fd00::1", "fd00::2", i, 100 + i * 47))]++;
	}
	cr_assert_eq(got[1] + got[2], 80u);
	cr_assert(got[1] > 10 && got[2] > 10);
	assert_where(&l, ip4(17, 1, 99), 0);
	assert_where(&l, udp6("fd00::1", "fd00::2", 1, 2000), 0);
	match_close(&l);
}

Test(match, contradictions_are_refused)
{
	match_refused("ipv4_src = 10.0.0.1\nipv6_src = ::1\n", "no frame has both");
	match_refused("udp_dst = 1\ntcp_dst = 1\n", "no frame has both");
	match_refused("ip_proto = 0\n", "add ethertype");
	match_refused("udp_dst = 1001-20000\npriority = 3\n", "leave priority out");
	match_refused("udp_src = 1-65534\nudp_dst = 1-65534\n", "multiples of a power of two");
}

/* Any eCPRI frame is an EtherType; what is in it takes a device that can be told of it. */
Test(match, without_a_programmable_parser)
{
	struct link l = match_open("[flow b x]\necpri = on\nqueue = 1\n");
	struct frame e;

	fr_ether(&e, MAC_B, MAC_A, 0xaefe);
	fr_payload(&e, 60);
	assert_where(&l, &e, 1);
	match_close(&l);
	match_refused("ecpri_type = 2\n", "ecpri_type: ");
	assert_detail(getenv("TEST_NO_DEVX") ? "the programmable parser of mlx5_1 needs DevX, "
					       "which its context was not granted"
					     : "FLEX_PARSER_PROFILE_ENABLE=4 PROG_PARSE_GRAPH=1");
	match_refused("ipv4_len = 100-200\n", "ipv4_len: ");
	match_refused("flex = w\nflex_value = 1\n[flex b w]\nudp_dst = 1\noffset = 0\n", "flex: ");
}
