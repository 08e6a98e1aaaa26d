/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that match tunnels and what is in them, and RSS of what is in them. */
#include "match_kit.h"
#include "tunnel_frames.h"

static struct frame f, in;

static const struct inner udp = {4, 17, 3333, 4444, "10.1.1.1", "10.2.2.2"};

static const struct frame *vxlan(unsigned vni, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_vxlan(&f, MAC_B, vni, &in);
	return &f;
}

static const struct frame *nvgre(unsigned tni, unsigned flow, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_gre(&f, MAC_B, 0x2000, 0x6558);
	tf_key(&f, tni << 8 | flow);
	tf_gre_end(&f, &in, 0);
	return &f;
}

/* has_key: 0x2000, or 0 for none. */
static const struct frame *gre(unsigned has_key, uint32_t key, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_gre(&f, MAC_B, has_key, inner->version == 4 ? 0x0800 : 0x86dd);
	if (has_key)
		tf_key(&f, key);
	tf_gre_end(&f, &in, 14);
	return &f;
}

/* What is else the inside of a tunnel, without one. */
static const struct frame *bare(const struct inner *inner)
{
	tf_inner(&f, inner);
	fr_mac(f.b, MAC_B);
	return &f;
}

Test(tunnel, vni)
{
	struct link l = match_open("[flow b x]\nvni = 0x123456\nqueue = 1\n"
				   "[flow b zero]\nvni = 0\nqueue = 2\n");

	assert_where(&l, vxlan(0x123456, &udp), 1);
	assert_where(&l, vxlan(0x123457, &udp), 0);
	assert_where(&l, vxlan(0x923456, &udp), 0);
	assert_where(&l, vxlan(0, &udp), 2);
	assert_where(&l, nvgre(0x123456, 0, &udp), 0);
	assert_where(&l, bare(&udp), 0);
	vxlan(0x123456, &udp);
	fr_put16(f.b + f.l4 + 2, 4790); /* the NIC knows VXLAN by its port */
	fr_finish(&f);
	assert_where(&l, &f, 0);
	match_close(&l);
}

Test(tunnel, tni)
{
	struct link l = match_open("[flow b x]\ntni = 0xabcdef\nqueue = 1\n");

	assert_where(&l, nvgre(0xabcdef, 0, &udp), 1);
	assert_where(&l, nvgre(0xabcdef, 255, &udp), 1);
	assert_where(&l, nvgre(0xabcdee, 0, &udp), 0);
	assert_where(&l, nvgre(0x2bcdef, 0, &udp), 0);
	assert_where(&l, gre(0x2000, 0xabcdef00, &udp), 0); /* GRE that carries IP is no NVGRE */
	assert_where(&l, vxlan(0xabcdef, &udp), 0);
	match_close(&l);
}

Test(tunnel, gre_key)
{
	struct link l = match_open("[flow b x]\ngre_key = 0xaabbcc01\nqueue = 1\n"
				   "[flow b zero]\ngre_key = 0\nqueue = 2\n");
	static const struct inner six = {6, 6, 80, 81, "fd00::1", "fd00::2"};

	assert_where(&l, gre(0x2000, 0xaabbcc01, &udp), 1);
	assert_where(&l, gre(0x2000, 0xaabbcc01, &six), 1);
	assert_where(&l, gre(0x2000, 0xaabbcc00, &udp), 0);
	assert_where(&l, gre(0x2000, 0x2abbcc01, &udp), 0);
	assert_where(&l, gre(0x2000, 0, &udp), 2);
	assert_where(&l, gre(0, 0, &udp), 0); /* no key is not a key of 0 */
	match_close(&l);
}

/* The narrower of an NVGRE flow and of one with its key wins. */
Test(tunnel, a_tenant_and_a_key_of_the_same_bits)
{
	struct link l = match_open("[flow b t]\ntni = 0x0000ab\nqueue = 1\n"
				   "[flow b k]\ngre_key = 0x0000ab07\nqueue = 2\n");

	assert_where(&l, nvgre(0xab, 7, &udp), 1);
	assert_where(&l, nvgre(0xab, 8, &udp), 1);
	assert_where(&l, gre(0x2000, 0xab07, &udp), 2);
	assert_where(&l, gre(0x2000, 0xab08, &udp), 0);
	match_close(&l);
}

/* Every field of inner headers, by a flow each, and frames that differ in that alone. */
Test(tunnel, inner_fields_of_ipv4)
{
	static const struct {
		const char *keys;
		struct inner other;
	} cases[] = {
		{"inner_ipv4_src = 10.1.1.1", {4, 17, 3333, 4444, "10.1.1.2", "10.2.2.2"}},
		{"inner_ipv4_dst = 10.2.0.0/16", {4, 17, 3333, 4444, "10.1.1.1", "10.3.2.2"}},
		{"inner_udp_src = 3333", {4, 17, 3332, 4444, "10.1.1.1", "10.2.2.2"}},
		{"inner_udp_dst = 4440-4450", {4, 17, 3333, 4451, "10.1.1.1", "10.2.2.2"}},
		{"inner_udp_dst = 4444", {4, 6, 3333, 4444, "10.1.1.1", "10.2.2.2"}},
		{"inner_ip_proto = 17", {4, 47, 0, 0, "10.1.1.1", "10.2.2.2"}},
		{"inner_ethertype = 0x0800", {6, 17, 3333, 4444, "fd00::1", "fd00::2"}},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link l;
		char text[200];

		snprintf(text, sizeof(text), "[flow b x]\n%s\nqueue = 1\n", cases[i].keys);
		l = match_open(text);
		assert_where(&l, vxlan(7, &udp), 1);
		assert_where(&l, nvgre(7, 0, &udp), 1);
		assert_where(&l, gre(0, 0, &udp), 1);
		assert_where(&l, vxlan(7, &cases[i].other), 0);
		assert_where(&l, gre(0x2000, 1, &cases[i].other), 0);
		assert_where(&l, bare(&udp), 0);
		match_close(&l);
	}
}

Test(tunnel, inner_fields_of_ipv6_and_tcp_and_macs)
{
	static const struct inner six = {6, 6, 80, 81, "fd00::1", "fd00::2"},
				  near = {6, 6, 81, 80, "fd00::2", "fd00::1"};
	static const char *const keys[] = {"inner_ipv6_src = fd00::1",
					   "inner_ipv6_dst = fd00::2/127", "inner_tcp_src = 80",
					   "inner_tcp_dst = 81-90"};
	struct link l;
	char text[200];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "[flow b x]\n%s\nqueue = 1\n", keys[i]);
		l = match_open(text);
		assert_where(&l, vxlan(7, &six), 1);
		assert_where(&l, vxlan(7, &near), 0);
		assert_where(&l, bare(&six), 0);
		match_close(&l);
	}
	l = match_open("[flow b s]\ninner_src_mac = " INNER_SRC "\nvni = 1\nqueue = 1\n"
		       "[flow b d]\ninner_dst_mac = " INNER_DST "\ntni = 1\nqueue = 2\n");
	assert_where(&l, vxlan(1, &six), 1);
	assert_where(&l, nvgre(1, 0, &six), 2);
	assert_where(&l, vxlan(2, &six), 0);
	vxlan(1, &six);
	f.b[50 + 11]++; /* the inner source */
	fr_finish(&f);
	assert_where(&l, &f, 0);
	match_close(&l);
}

Test(tunnel, outer_and_inner_fields_together)
{
	struct link l = match_open("[flow b x]\nvni = 5\nipv4_src = 192.0.2.0/24\nudp_dst = 4789\n"
				   "inner_ipv4_src = 10.1.0.0/16\ninner_udp_dst = 4444\nqueue = 1\n"
				   "[flow b y]\nudp_dst = 4789\nqueue = 2\n");

	assert_where(&l, vxlan(5, &udp), 1);
	assert_where(&l, vxlan(6, &udp), 2);
	f.b[f.l3 + 14]++; /* the outer source */
	fr_finish(&f);
	assert_where(&l, &f, 2);
	match_close(&l);
}

/* Two flows that only the inside of a tunnel tells apart may share a priority. */
Test(tunnel, inner_headers_keep_rules_apart)
{
	struct link l = match_open("[flow b x]\nvni = 5\ninner_udp_dst = 4444\nqueue = 1\n"
				   "priority = 2\n[flow b y]\nvni = 5\ninner_udp_dst = 4445\n"
				   "queue = 2\npriority = 2\n");
	struct inner other = udp;

	other.dport = 4445;
	assert_where(&l, vxlan(5, &udp), 1);
	assert_where(&l, vxlan(5, &other), 2);
	match_close(&l);
}

static unsigned queues_used(const struct link *l, bool vary_inner)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 32; i++) {
		struct inner one = udp;

		one.sport = vary_inner ? 1000 + i : 1000;
		vxlan(9, &one);
		fr_put16(f.b + f.l4, vary_inner ? 50000 : 50000 + i);
		fr_finish(&f);
		seen |= 1U << match_where(l, &f);
	}
	return (unsigned)__builtin_popcount(seen);
}

Test(tunnel, rss_goes_by_the_headers_that_rss_level_names)
{
	struct link l =
		match_open("[flow b x]\nvni = 9\nqueue = 0-3\nrss_level = outer\ntag = 3\n");

	daqiri_close(l.dq);
	l = match_open("[flow b x]\nvni = 9\nqueue = 1-3\n");
	cr_assert_eq(queues_used(&l, true), 1u, "the outer headers are all the same");
	cr_assert_eq(queues_used(&l, false), 3u);
	match_close(&l);
	l = match_open("[flow b x]\nvni = 9\nqueue = 1-3\nrss_level = inner\n");
	cr_assert_eq(queues_used(&l, true), 3u);
	cr_assert_eq(queues_used(&l, false), 1u, "the inner headers are all the same");
	match_close(&l);
}

/* By inner headers, what is in no tunnel has nothing to be hashed. */
Test(tunnel, rss_of_inner_headers_loses_nothing)
{
	struct link l =
		match_open("[flow b x]\ndst_mac = " MAC_B "\nqueue = 2,3\nrss_level = inner\n");
	static const struct inner six = {6, 6, 80, 81, "fd00::1", "fd00::2"};

	for (unsigned i = 0; i < 8; i++) {
		struct inner one = i & 1 ? udp : six;

		one.sport += i;
		assert_where(&l, bare(&one), 2);
		cr_assert_geq(match_where(&l, vxlan(i, &one)), 2);
		cr_assert_geq(match_where(&l, gre(0, 0, &one)), 2);
	}
	match_close(&l);
}

Test(tunnel, contradictions_are_refused)
{
	match_refused("vni = 1\ntni = 1\n", "three kinds of tunnels");
	match_refused("vni = 1\nudp_dst = 4790\n", "UDP port 4789");
	match_refused("vni = 1\ntcp_dst = 80\n", "UDP port 4789");
	match_refused("gre_key = 1\nudp_dst = 80\n", "protocol 47");
	match_refused("tni = 1\nip_proto = 17\n", "protocol 47");
	match_refused("vni = 1\nethertype = 0x88b5\n", "carried by IP");
	match_refused("inner_udp_dst = 1\ninner_tcp_dst = 1\n", "inner_tcp_dst");
	match_refused("inner_ipv4_src = 10.0.0.1\ninner_ethertype = 0x86dd\n", "inner_ethertype");
}
