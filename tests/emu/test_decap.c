/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that take tunnels off: what arrives is the frame that was in it, byte for byte. */
#include "match_kit.h"
#include "tunnel_frames.h"

static struct frame f, in;

static const struct inner udp = {4, 17, 3333, 4444, "10.1.1.1", "10.2.2.2"};
static const struct inner tcp6 = {6, 6, 80, 81, "fd00::1", "fd00::2"};

#define VXLAN "[tunnel v]\ntype = vxlan\nvni = 0x123456\n"
#define NVGRE "[tunnel n]\ntype = nvgre\ntni = 0xabcdef\n"
#define GRE4  "[tunnel g]\ntype = gre\nmac_src = " INNER_SRC "\nmac_dst = " INNER_DST "\n"
#define GRE6                                                                                       \
	"[tunnel h]\ntype = gre\nprotocol = 0x86dd\nmac_src = " INNER_SRC "\nmac_dst = " INNER_DST \
	"\n"

static void vxlan(unsigned vni, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_vxlan(&f, MAC_B, vni, &in);
}

static void nvgre(unsigned tni, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_gre(&f, MAC_B, 0x2000, 0x6558);
	tf_key(&f, tni << 8);
	tf_gre_end(&f, &in, 0);
}

static void gre(int key, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_gre(&f, MAC_B, key < 0 ? 0 : 0x2000, inner->version == 4 ? 0x0800 : 0x86dd);
	if (key >= 0)
		tf_key(&f, (uint32_t)key);
	tf_gre_end(&f, &in, 14);
}

Test(decap, vxlan_and_nvgre_lose_all_that_is_around_the_frame)
{
	struct link l = match_open(VXLAN NVGRE "[flow b v]\ndecap = v\nqueue = 1\n"
					       "[flow b n]\ndecap = n\nqueue = 2\n");
	const struct inner *const inner[] = {&udp, &tcp6};

	for (unsigned i = 0; i < 2; i++) {
		vxlan(0x123456, inner[i]);
		cr_assert_eq(match_where_as(&l, &f, &in), 1);
		nvgre(0xabcdef, inner[i]);
		cr_assert_eq(match_where_as(&l, &f, &in), 2);
		vxlan(0x123457, inner[i]);
		assert_where(&l, &f, 0);
		nvgre(0xabcdee, inner[i]);
		assert_where(&l, &f, 0);
		gre(-1, inner[i]);
		assert_where(&l, &f, 0);
	}
	match_close(&l);
}

/* The header that is put before what GRE carried is the tunnel's word. */
Test(decap, gre_gets_an_ethernet_header)
{
	struct link l = match_open(GRE4 GRE6 "[flow b g]\ndecap = g\nqueue = 1\n"
					     "[flow b h]\ndecap = h\nqueue = 2\n"
					     "[flow b k]\ndecap = h\ngre_key = 7\nqueue = 3\n");

	gre(-1, &udp);
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	gre(7, &udp);
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	gre(-1, &tcp6);
	cr_assert_eq(match_where_as(&l, &f, &in), 2);
	gre(8, &tcp6);
	cr_assert_eq(match_where_as(&l, &f, &in), 2);
	gre(7, &tcp6);
	cr_assert_eq(match_where_as(&l, &f, &in), 3);
	nvgre(0x000000, &udp);
	assert_where(&l, &f, 0);
	match_close(&l);
}

Test(decap, other_matches_see_the_frame_as_it_came)
{
	struct link l = match_open(VXLAN "[flow b v]\ndecap = v\ninner_udp_dst = 4444\n"
					 "ipv4_src = 192.0.2.1\nqueue = 1\n"
					 "[flow b w]\nvni = 0x123456\nqueue = 2\n");
	struct inner other = udp;

	other.dport = 4445;
	vxlan(0x123456, &udp);
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	vxlan(0x123456, &other);
	assert_where(&l, &f, 2);
	match_close(&l);
}

Test(decap, rss_hashes_what_is_left)
{
	struct link l = match_open(VXLAN "[flow b v]\ndecap = v\nqueue = 1-3\n");
	unsigned seen = 0, first;

	for (unsigned i = 0; i < 32; i++) {
		struct inner one = i & 1 ? udp : tcp6;

		one.sport = 1000 + i;
		vxlan(0x123456, &one);
		seen |= 1U << match_where_as(&l, &f, &in);
	}
	cr_assert_eq(seen, 14u);
	vxlan(0x123456, &udp);
	first = (unsigned)match_where_as(&l, &f, &in);
	for (unsigned i = 0; i < 8; i++) {
		vxlan(0x123456, &udp);
		fr_put16(f.b + f.l4, 1 + i); /* the outer port */
		fr_finish(&f);
		cr_assert_eq((unsigned)match_where_as(&l, &f, &in), first);
	}
	match_close(&l);
}

Test(decap, at_run_time)
{
	struct link l = match_open(VXLAN GRE4);

	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(daqiri_flow_add(l.b, "v", "decap = v\nqueue = 1\n"), 0, "%s",
			     daqiri_error_detail());
		cr_assert_eq(daqiri_flow_add(l.b, "g", "decap = g\nqueue = 2\n"), 0, "%s",
			     daqiri_error_detail());
		vxlan(0x123456, &udp);
		cr_assert_eq(match_where_as(&l, &f, &in), 1);
		gre(-1, &udp);
		cr_assert_eq(match_where_as(&l, &f, &in), 2);
		cr_assert_eq(daqiri_flow_remove(l.b, "v"), 0);
		cr_assert_eq(daqiri_flow_remove(l.b, "g"), 0);
		assert_where(&l, &f, 0);
	}
	cr_assert_lt(daqiri_flow_add(l.b, "w", "decap = w\nqueue = 1\n"), 0);
	match_close(&l);
}

#define REFUSED(sections, keys, part) match_refused(keys sections, part)

Test(decap, what_cannot_be_is_refused)
{
	REFUSED("", "decap = v\n", "there is no [tunnel v]");
	REFUSED(VXLAN, "decap = v\nvni = 5\n", "has another one");
	REFUSED(VXLAN, "decap = v\ntni = 5\n", "no frame is in two");
	REFUSED(VXLAN, "decap = v\ntcp_dst = 5\n", "UDP port 4789");
	REFUSED(NVGRE, "decap = n\nudp_dst = 4789\n", "protocol 47");
	REFUSED("[tunnel g]\ntype = gre\n", "decap = g\n", "mac_src and mac_dst");
	REFUSED(GRE4 "protocol = 0x6558\n", "decap = g\n", "protocol of [tunnel g]");
}
