/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that count. With DevX and without (TEST_NO_DEVX: daqiri-emu --fault no-devx) the counts are
 * the same; without it rules of verbs count, which cannot match all.
 */
#include <errno.h>
#include <stdlib.h>

#include "count_kit.h"

/* ---- actions --------------------------------------------------------------------------------- */

/* UDP, TCP, another protocol of both versions of IP, no IP: each takes another rule. */
Test(count, all_rules_of_several_queues_count_together)
{
	struct link l = open_flow("", "dst_mac = " MAC_B, "queue = 1-3");
	struct count want = {0, 0};
	unsigned got[MATCH_QUEUES] = {0};

	for (unsigned i = 0; i < 56; i++) {
		static const unsigned protos[] = {17, 6, 47};

		if (i % 7 == 6)
			ether(MAC_A, 0x88b5);
		else if (i % 7 < 3)
			v4(protos[i % 7], "10.0.0.1", i);
		else
			v6(protos[i % 7 - 3], "fd00::1", i);
		got[match_where(&l, &f)]++;
		add(&want);
	}
	expect_count(&l, "x", want);
	cr_assert_eq(got[0], 0u);
	cr_assert(got[1] && got[2] && got[3]);
	match_close(&l);
}

#define VXLAN "[tunnel t]\ntype = vxlan\nvni = 77\n"
#define GRE   "[tunnel t]\ntype = gre\nmac_src = " INNER_SRC "\nmac_dst = " INNER_DST "\n"

/* As many specs as a rule may have. */
Test(count, a_tunnel_that_is_taken_off_is_counted_with_its_header)
{
	struct link l = open_flow(VXLAN,
				  "decap = t\nipv4_src = 192.0.2.1\n"
				  "inner_ipv4_dst = 10.2.2.0/24\ninner_udp_dst = 4444",
				  "queue = 1");
	struct count want = {0, 0};

	vxlan(77, &udp4);
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	add(&want);
	vxlan(77, &tcp6);
	assert_where(&l, &f, 0);
	expect_count(&l, "x", want);
	match_close(&l);
}

Test(count, several_queues_for_what_is_taken_out_of_a_tunnel)
{
	struct link l = open_flow(VXLAN, "decap = t", "queue = 1,2");
	struct count want = {0, 0};

	for (unsigned i = 0; i < 8; i++) {
		vxlan(77, i & 1 ? &udp4 : &tcp6);
		cr_assert_neq(match_where_as(&l, &f, &in), 0);
		add(&want);
	}
	expect_count(&l, "x", want);
	match_close(&l);
}

Test(count, gre_is_counted_with_its_header)
{
	struct link l = open_flow(GRE, "decap = t", "queue = 1");
	struct count want = {0, 0};

	gre(0x0800);
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	add(&want);
	gre(0x86dd);
	assert_where(&l, &f, 0);
	expect_count(&l, "x", want);
	match_close(&l);
}

/* The NIC counts before the tag goes. */
Test(count, a_tag_that_is_taken_out_is_counted)
{
	struct link l = match_open_rxq("vlan_strip = on\n",
				       "[flow b x]\nvlan_id = 100\nqueue = 1\nvlan_pop = on\n"
				       "count = on\n");
	struct count want = {0, 0};

	tagged(0xa064);
	in = f;
	memmove(in.b + 12, f.b + 16, f.len - 16);
	in.len -= 4;
	cr_assert_eq(match_where_as(&l, &f, &in), 1);
	add(&want);
	expect_count(&l, "x", want);
	match_close(&l);
}

/* Rules that count and rules that do not stand in one order: the narrower flow comes first. */
Test(count, flows_that_count_and_others_keep_their_order)
{
	struct link l = match_open("[flow b wide]\nipv4_src = 10.0.0.0/8\nqueue = 1\n"
				   "[flow b mid]\nipv4_src = 10.1.0.0/16\nqueue = 2\ncount = on\n"
				   "[flow b narrow]\nipv4_src = 10.1.1.0/24\nqueue = 3\n"
				   "[flow b hole]\nipv4_src = 10.1.1.1\ndrop = on\ncount = on\n");
	static const struct {
		const char *src;
		int queue;
	} cases[] = {{"11.0.0.1", 0}, {"10.2.0.1", 1}, {"10.1.2.1", 2}, {"10.1.1.2", 3}};
	struct count want = {0, 0};

	for (unsigned i = 0; i < 4; i++) {
		v4(17, cases[i].src, 9);
		assert_where(&l, &f, cases[i].queue);
		if (cases[i].queue == 2)
			add(&want);
	}
	expect_count(&l, "mid", want);
	v4(17, "10.1.1.1", 9);
	match_send(&l, &f);
	expect_count(&l, "hole", want);
	expect_count(&l, "mid", want);
	match_close(&l);
}

/* ---- at run time ----------------------------------------------------------------------------- */

/* Each flow that comes moves those that are there to other priorities; their counts go on. */
Test(count, counts_go_on_while_flows_come_and_go)
{
	struct link l = match_open("");
	struct count wide = {0, 0}, narrow = {0, 0};
	struct daqiri_stat stats[2];

	must_add(&l, "wide", "ipv4_src = 10.0.0.0/8\nqueue = 1,2\ncount = on\n");
	for (unsigned round = 0; round < 3; round++) {
		v4(17, "10.1.1.1", 9);
		cr_assert_neq(match_where(&l, &f), 0);
		add(&wide);
		expect_count(&l, "wide", wide);
		must_add(&l, "mid", "ipv4_src = 10.1.0.0/16\nqueue = 2\n");
		must_add(&l, "narrow", "ipv4_src = 10.1.1.1\ndrop = on\ncount = on\n");
		narrow = (struct count){0, 0};
		expect_count(&l, "narrow", narrow);
		v4(17, "10.2.1.1", 9);
		cr_assert_neq(match_where(&l, &f), 0);
		add(&wide);
		v4(17, "10.1.2.1", 9);
		assert_where(&l, &f, 2);
		expect_count(&l, "wide", wide);
		expect_count(&l, "narrow", narrow);
		must_remove(&l, "narrow");
		must_remove(&l, "mid");
		cr_assert_eq(daqiri_flow_stats(l.b, "narrow", stats, 2), -ENOENT);
	}
	must_remove(&l, "wide");
	v4(17, "10.1.1.1", 9);
	assert_where(&l, &f, 0);
	match_close(&l);
}

Test(count, a_port_that_is_shut_counts_nothing)
{
	struct link l = open_flow("", "dst_mac = " MAC_B, "queue = 1");
	struct count want = {0, 0};

	cr_assert_eq(daqiri_port_drop_all(l.b), 0);
	v4(17, "10.1.1.1", 9);
	match_send(&l, &f);
	cr_assert_eq(kit_receive_none(daqiri_rxq_get(l.b, 1)), 0);
	expect_count(&l, "x", want);
	cr_assert_eq(daqiri_port_allow_all(l.b), 0);
	assert_where(&l, &f, 1);
	add(&want);
	expect_count(&l, "x", want);
	match_close(&l);
}

/* Many flows, of which those that drop share what they need besides. */
Test(count, many_flows_count_each_its_own)
{
	struct link l = match_open("");
	enum { FLOWS = 64 };
	char name[16], keys[96];

	for (unsigned i = 0; i < FLOWS; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		snprintf(keys, sizeof(keys), "udp_dst = %u\n%s\ncount = on\n", 1000 + i,
			 i & 1 ? "drop = on" : "queue = 1");
		must_add(&l, name, keys);
	}
	for (unsigned i = 0; i < FLOWS; i += 2) {
		v4(17, "10.0.0.1", 1000 + i);
		assert_where(&l, &f, 1);
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		expect_count(&l, name, i & 1 ? (struct count){0, 0} : (struct count){1, f.len});
	}
	match_close(&l);
}

/* ---- what rules of verbs cannot match -------------------------------------------------------- */

static bool without_devx(void)
{
	return getenv("TEST_NO_DEVX") != NULL;
}

static void refused(const char *keys, const char *field)
{
	char sections[512], part[128];

	snprintf(sections, sizeof(sections), "count = on\n%s\n", keys);
	snprintf(part, sizeof(part), "rules of verbs cannot say %s: ", field);
	match_refused(sections, part);
	assert_detail("[flow b x] count=on: mlx5_");
	assert_detail("leave count out, or run with the right to DevX");
}

Test(count, without_devx_what_verbs_cannot_say_is_refused_by_its_name)
{
	struct link l;

	if (!without_devx())
		cr_skip_test("DevX counts all");
	refused("tni = 0x1234", "tni");
	refused("gre_key = 99", "gre_key");
	refused("ip_proto = 1", "ip_proto without ethertype");
	refused("vni = 77\ninner_ip_proto = 1", "inner_ip_proto without inner_ethertype");
	refused("decap = n\n[tunnel n]\ntype = nvgre\ntni = 5", "tni");
	cr_assert_eq(kit_try_text(PORTS
				  "[txq b 0]\nregions = tx\n[tunnel t]\ntype = vxlan\nvni = 5\n"
				  "mac_src = " MAC_B "\nmac_dst = " MAC_A "\nipv4_src = "
				  "10.0.0.1\nipv4_dst = 10.0.0.2\n[flow b x]\nencap = t\n"
				  "queue = 0\ncount = on\n"),
		     -EOPNOTSUPP);
	assert_detail("cannot say encap: ");
	/* Nothing of it stays. */
	l = match_open("");
	cr_assert_eq(daqiri_flow_add(l.b, "x", "gre_key = 99\nqueue = 1\ncount = on\n"),
		     -EOPNOTSUPP);
	must_add(&l, "x", "gre_key = 99\nqueue = 1\n");
	v4(17, "10.0.0.1", 9);
	assert_where(&l, &f, 0);
	match_close(&l);
}
