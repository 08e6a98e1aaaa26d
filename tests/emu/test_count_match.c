/* SPDX-License-Identifier: Apache-2.0 */
/* What flows count, match by match, to the packet and the byte: frames that match, and that nearly
 * do. */
#include "count_kit.h"

struct match {
	const char *keys;
	void (*make)(unsigned i); /* frame 0 and 1 match, 2 and 3 nearly do */
};

static void of_src_mac(unsigned i)
{
	ether(i < 2 ? "02:00:00:00:00:77" : "02:00:00:00:00:76", i & 1 ? 0x88b5 : 0x88b6);
}

static void of_ethertype(unsigned i)
{
	ether(i & 1 ? MAC_A : "02:00:00:00:00:77", i < 2 ? 0x88b5 : 0x88b6);
}

static void of_group(unsigned i)
{
	to_group(i < 2 ? "01:00:5e:00:00:07" : i == 2 ? "01:00:5e:00:00:08" : "03:00:5e:00:00:07");
}

static void of_vlan_id(unsigned i)
{
	static const unsigned tci[] = {0x064, 0xa064, 0x065, 0x864};

	tagged(tci[i]);
}

static void of_vlan_pcp(unsigned i)
{
	static const unsigned tci[] = {0xa064, 0xb001, 0x8064, 0xe064};

	tagged(tci[i]);
}

static void of_ipv4_src(unsigned i)
{
	static const char *const src[] = {"10.1.0.1", "10.1.255.9", "10.2.0.1", "10.0.0.1"};

	v4(i & 1 ? 17 : 6, src[i], 9);
}

static void of_ipv4_and_tcp(unsigned i)
{
	v4(i == 2 ? 17 : 6, "10.1.0.1", i == 3 ? 81 : 80);
}

static void of_ipv6_src(unsigned i)
{
	static const char *const src[] = {"fd00:1::1", "fd00:1:ffff::9", "fd00:2::1", "fd01:1::1"};

	v6(i & 1 ? 17 : 6, src[i], 9);
}

static void of_udp_dst(unsigned i)
{
	if (i == 1)
		v6(17, "fd00::1", 5000);
	else
		v4(i == 3 ? 6 : 17, "10.0.0.1", i == 2 ? 5001 : 5000);
}

static void of_range(unsigned i)
{
	static const unsigned port[] = {1001, 2999, 1000, 3000};

	v4(17, "10.0.0.1", port[i]);
}

static void of_tcp(unsigned i)
{
	if (i & 1)
		v6(i < 2 ? 6 : 17, "fd00::1", 9);
	else
		v4(i < 2 ? 6 : 47, "10.0.0.1", 9);
}

static void of_icmp(unsigned i)
{
	if (i == 3)
		v6(1, "fd00::1", 0);
	else
		v4(i < 2 ? 1 : 17, "10.0.0.1", 9);
}

static void of_gre(unsigned i)
{
	if (i == 3)
		v6(17, "fd00::1", 47);
	else if (i == 1)
		v6(47, "fd00::1", 9);
	else
		v4(i < 2 ? 47 : 46, "10.0.0.1", 9);
}

static void of_vni(unsigned i)
{
	vxlan(i < 2 ? 0x123456 : i == 2 ? 0x123457 : 0x223456, i & 1 ? &tcp6 : &udp4);
}

static void of_inner_udp(unsigned i)
{
	struct inner inner = udp4;

	inner.dport = i == 2 ? 4445 : 4444;
	inner.src = i == 3 ? "10.1.1.2" : "10.1.1.1";
	vxlan(77, &inner);
}

static void of_inner_mac(unsigned i)
{
	tf_inner(&in, i & 1 ? &tcp6 : &udp4);
	in.b[5] ^= i == 2;
	in.b[11] ^= i == 3;
	tf_vxlan(&f, MAC_B, 77, &in);
}

static void of_inner_v6(unsigned i)
{
	struct inner inner = tcp6;

	inner.src = i == 2 ? "fd00::3" : "fd00::1";
	vxlan(i == 3 ? 78 : 77, &inner);
}

static void of_inner_tcp(unsigned i)
{
	vxlan(i == 3 ? 78 : 77, i < 2 || i == 3 ? &tcp6 : &udp4);
}

static const struct match matches[] = {
	{"src_mac = 02:00:00:00:00:77", of_src_mac},
	{"ethertype = 0x88b5", of_ethertype},
	{"dst_mac = 01:00:5e:00:00:07", of_group},
	{"vlan_id = 100", of_vlan_id},
	{"vlan_pcp = 5", of_vlan_pcp},
	{"ipv4_src = 10.1.0.0/16", of_ipv4_src},
	{"ipv4_src = 10.1.0.1\nipv4_dst = 10.2.0.0/24\ntcp_src = 4000\ntcp_dst = 80",
	 of_ipv4_and_tcp},
	{"ipv6_src = fd00:1::/32\nipv6_dst = fd00::2", of_ipv6_src},
	{"udp_dst = 5000", of_udp_dst},
	{"udp_src = 3999-4001\nudp_dst = 1001-2999", of_range},
	{"ip_proto = 6", of_tcp},
	{"ethertype = 0x0800\nip_proto = 1", of_icmp},
	{"ip_proto = 47", of_gre},
	{"vni = 0x123456", of_vni},
	{"vni = 77\ninner_src_mac = " INNER_SRC "\ninner_ethertype = 0x0800\n"
	 "inner_ipv4_src = 10.1.1.1\ninner_udp_src = 3333\ninner_udp_dst = 4444",
	 of_inner_udp},
	{"vni = 77\ninner_src_mac = " INNER_SRC "\ninner_dst_mac = " INNER_DST, of_inner_mac},
	{"vni = 77\ninner_ipv6_src = fd00::1\ninner_ip_proto = 6", of_inner_v6},
	{"vni = 77\ninner_ip_proto = 6", of_inner_tcp},
};

enum { MATCHES = sizeof(matches) / sizeof(matches[0]) };

static void add_match(const struct link *l, const struct match *match, const char *action)
{
	char keys[512];

	snprintf(keys, sizeof(keys), "%s\n%s\ncount = on\n", match->keys, action);
	must_add(l, "x", keys);
}

Test(count, each_match_to_a_queue)
{
	struct link l = match_open("");

	for (unsigned i = 0; i < MATCHES; i++) {
		struct count want = {0, 0};

		add_match(&l, &matches[i], "queue = 1");
		expect_count(&l, "x", want);
		for (unsigned k = 0; k < 4; k++) {
			matches[i].make(k);
			cr_assert_eq(match_where(&l, &f), k < 2, "%s: frame %u", matches[i].keys,
				     k);
			if (k < 2)
				add(&want);
			expect_count(&l, "x", want);
		}
		must_remove(&l, "x");
	}
	match_close(&l);
}

/* What follows a frame to queue 0 tells that it has been dropped. */
Test(count, each_match_dropped)
{
	struct link l = match_open("");

	for (unsigned i = 0; i < MATCHES; i++) {
		struct count want = {0, 0};

		add_match(&l, &matches[i], "drop = on");
		for (unsigned k = 0; k < 4; k++) {
			matches[i].make(k);
			if (k >= 2) {
				assert_where(&l, &f, 0);
				continue;
			}
			match_send(&l, &f);
			add(&want);
		}
		expect_count(&l, "x", want);
		must_remove(&l, "x");
	}
	match_close(&l);
}
