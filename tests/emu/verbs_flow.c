/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering through unmodified libibverbs and libmlx5: which frames a rule takes, in what order, and
 * which rules are refused. What is expected is what the kernel's mlx5_ib does (fs.c).
 */
#include "kit.h"

#include <errno.h>

#define MCAST "01:00:5e:01:02:03"
#define LAST  0x88b6 /* ethertype of the frame that is sent behind each one */

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;
static struct kit_rx one, two, last;

static void setup(void)
{
	struct kit_rule r;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
	one = kit_rx(&k, &k.b, 16);
	two = kit_rx(&k, &k.b, 16);
	kit_wq_fill(one.wq, &k.b, 0, 16);
	kit_wq_fill(two.wq, &k.b, 16, 16);
	last = kit_rx(&k, &k.b, 16);
	kit_rule(&r, 0);
	kit_rule_eth(&r, NULL, NULL, LAST);
	cr_assert_not_null(kit_flow(&k, last.qp, &r), "%s", strerror(errno));
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(flow, .init = setup, .fini = teardown, .timeout = 60);

/* Frames keep their order: when this one is there, what was sent before has been dealt with. */
static void send_last(void)
{
	struct frame f;

	fr_ether(&f, "02:00:00:00:00:99", k.a.mac, LAST);
	fr_payload(&f, 46);
	kit_wq_recv(last.wq, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 1, IBV_SEND_SIGNALED);
	kit_expect(last.cq, IBV_WC_SUCCESS);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

/* A bit for each queue that received f: 1 the first, 2 the second, 3 both. */
static unsigned where(struct frame *f)
{
	struct ibv_wc wc[2];
	unsigned got = 0;

	kit_send(tx, &k.a, f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	send_last();
	if (ibv_poll_cq(one.cq, 2, wc) == 1) {
		got |= 1;
		kit_wq_recv(one.wq, &k.b, 0, 2048);
	}
	if (ibv_poll_cq(two.cq, 2, wc) == 1) {
		got |= 2;
		kit_wq_recv(two.wq, &k.b, 16, 2048);
	}
	return got;
}

static void udp(struct frame *f, const char *dst_mac)
{
	fr_ether(f, dst_mac, k.a.mac, 0x0800);
	fr_ipv4(f, 17, "192.0.2.1", "198.51.100.2");
	fr_udp(f, 1000, 2000);
	fr_payload(f, 18);
	fr_finish(f);
}

static void udp_rule(struct kit_rule *r)
{
	kit_rule(r, 2);
	kit_rule_eth(r, k.b.mac, k.a.mac, 0x0800);
	kit_rule_ipv4(r, "192.0.2.1", "198.51.100.2");
	kit_rule_udp(r, 1000, 2000);
}

static void udp_match(struct kit_match *value, struct kit_match *mask)
{
	memset(value, 0, sizeof(*value));
	memset(mask, 0, sizeof(*mask));
	fr_mac(value->b + KIT_DMAC, k.b.mac);
	memset(mask->b + KIT_DMAC, 0xff, 6);
	fr_mac(value->b + KIT_SMAC, k.a.mac);
	memset(mask->b + KIT_SMAC, 0xff, 6);
	fr_put16(value->b + KIT_ETHERTYPE, 0x0800);
	fr_put16(mask->b + KIT_ETHERTYPE, 0xffff);
	value->b[KIT_PROTO] = 17;
	mask->b[KIT_PROTO] = 0xff;
	inet_pton(AF_INET, "192.0.2.1", value->b + KIT_SRC_IP + 12);
	inet_pton(AF_INET, "198.51.100.2", value->b + KIT_DST_IP + 12);
	memset(mask->b + KIT_SRC_IP + 12, 0xff, 4);
	memset(mask->b + KIT_DST_IP + 12, 0xff, 4);
	fr_put16(value->b + KIT_UDP_SPORT, 1000);
	fr_put16(value->b + KIT_UDP_DPORT, 2000);
	memset(mask->b + KIT_UDP_SPORT, 0xff, 4);
}

/* The frame that the rule is for, and all that differ from it in one field. */
static void expect_exact(void)
{
	static const struct {
		unsigned byte;
		const char *what;
	} fields[] = {
		{0, "destination MAC, first byte"},
		{5, "destination MAC, last byte"},
		{6, "source MAC"},
		{11, "source MAC, last byte"},
		{26, "source address"},
		{29, "source address, last byte"},
		{30, "destination address"},
		{33, "destination address, last byte"},
		{34, "source port"},
		{35, "source port, low byte"},
		{36, "destination port"},
		{37, "destination port, low byte"},
	};
	struct frame f;
	unsigned i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		udp(&f, k.b.mac);
		f.b[fields[i].byte] ^= 0x40;
		cr_expect_eq(where(&f), 0, "another %s was taken", fields[i].what);
	}
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 1, "the frame of the rule was not taken");
}

Test(flow, a_verbs_rule_takes_its_frames_and_no_others)
{
	struct kit_rule r;

	udp_rule(&r);
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	expect_exact();
}

Test(flow, a_direct_rule_takes_its_frames_and_no_others)
{
	struct kit_match value, mask;

	udp_match(&value, &mask);
	cr_assert_not_null(kit_dv_flow(&k, kit_matcher(&k, &k.b, &mask, 2), &value, one.qp, 5),
			   "%s", strerror(errno));
	expect_exact();
}

Test(flow, tcp_with_the_same_ports_is_not_taken_by_a_udp_rule)
{
	struct kit_rule r;
	struct frame f;

	udp_rule(&r);
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	fr_ether(&f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&f, 6, "192.0.2.1", "198.51.100.2");
	fr_tcp(&f, 1000, 2000, FR_TCP_ACK);
	fr_payload(&f, 18);
	fr_finish(&f);
	cr_expect_eq(where(&f), 0);
}

Test(flow, without_a_rule_nothing_is_received)
{
	struct frame f;

	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 0);
}

Test(flow, a_rule_that_is_gone_takes_nothing)
{
	struct ibv_flow *flow;
	struct kit_rule r;
	struct frame f;

	udp_rule(&r);
	flow = kit_flow(&k, one.qp, &r);
	cr_assert_not_null(flow, "%s", strerror(errno));
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 1);
	cr_assert_eq(ibv_destroy_flow(flow), 0);
	kit_forget(&k, flow);
	cr_expect_eq(where(&f), 0);
}

Test(flow, the_lower_priority_number_wins)
{
	struct kit_rule r;
	struct frame f;

	kit_rule(&r, 7);
	kit_rule_eth(&r, k.b.mac, NULL, 0);
	cr_assert_not_null(kit_flow(&k, two.qp, &r));
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 2);
	kit_rule(&r, 6);
	kit_rule_eth(&r, NULL, NULL, 0x0800);
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	cr_expect_eq(where(&f), 1);
}

Test(flow, the_catch_all_gets_what_nobody_else_takes)
{
	struct kit_rule r;
	struct frame f;

	udp_rule(&r);
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	kit_catch_all(&k, two.qp);
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 1);
	f.b[5] ^= 1;
	cr_expect_eq(where(&f), 2);
	udp(&f, MCAST);
	cr_expect_eq(where(&f), 2);
}

/* ---- multicast ----------------------------------------------------------------------------- */

Test(flow, a_catch_all_steals_from_a_multicast_rule)
{
	struct kit_rule r;
	struct frame f;

	kit_rule(&r, 0);
	kit_rule_eth(&r, MCAST, NULL, 0);
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	udp(&f, MCAST);
	cr_expect_eq(where(&f), 1);
	kit_catch_all(&k, two.qp);
	cr_expect_eq(where(&f), 2);
}

Test(flow, a_direct_multicast_rule_is_demoted_too)
{
	struct kit_match value = {0}, mask = {0};
	struct frame f;

	fr_mac(value.b + KIT_DMAC, MCAST);
	memset(mask.b + KIT_DMAC, 0xff, 6);
	cr_assert_not_null(kit_dv_flow(&k, kit_matcher(&k, &k.b, &mask, 0), &value, one.qp, 0));
	kit_catch_all(&k, two.qp);
	udp(&f, MCAST);
	cr_expect_eq(where(&f), 2);
}

Test(flow, a_multicast_rule_without_the_group_bit_keeps_its_priority)
{
	struct kit_match value = {0}, mask = {0};
	struct frame f;

	fr_mac(value.b + KIT_DMAC, MCAST);
	memset(mask.b + KIT_DMAC, 0xff, 6);
	value.b[KIT_DMAC] &= 0xfe;
	mask.b[KIT_DMAC] &= 0xfe;
	cr_assert_not_null(kit_dv_flow(&k, kit_matcher(&k, &k.b, &mask, 0), &value, one.qp, 0));
	kit_catch_all(&k, two.qp);
	udp(&f, MCAST);
	cr_expect_eq(where(&f), 1);
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 2);
}

Test(flow, an_ip_multicast_rule_is_demoted_only_if_its_first_spec_is_ip)
{
	struct kit_rule r;
	struct frame f;

	kit_catch_all(&k, two.qp);
	fr_ether(&f, MCAST, k.a.mac, 0x0800);
	fr_ipv4(&f, 17, "192.0.2.1", "239.1.2.3");
	fr_udp(&f, 1, 2);
	fr_payload(&f, 30);
	fr_finish(&f);
	kit_rule(&r, 0);
	kit_rule_ipv4(&r, NULL, "239.1.2.3");
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	cr_expect_eq(where(&f), 2);
	kit_rule(&r, 1);
	kit_rule_eth(&r, NULL, NULL, 0x0800);
	kit_rule_ipv4(&r, NULL, "239.1.2.3");
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	cr_expect_eq(where(&f), 1);
}

/* ---- the same match twice ------------------------------------------------------------------ */

Test(flow, the_same_match_to_two_queues_gives_each_a_copy)
{
	struct kit_rule r;
	struct frame f;

	udp_rule(&r);
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	cr_assert_not_null(kit_flow(&k, two.qp, &r), "%s", strerror(errno));
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 3);
}

Test(flow, the_same_match_with_another_tag_exists_already)
{
	struct kit_match value, mask;
	struct mlx5dv_flow_matcher *matcher;

	udp_match(&value, &mask);
	matcher = kit_matcher(&k, &k.b, &mask, 2);
	cr_assert_not_null(kit_dv_flow(&k, matcher, &value, one.qp, 5));
	cr_expect_null(kit_dv_flow(&k, matcher, &value, two.qp, 6));
	cr_expect_eq(errno, EEXIST);
}

/* ---- drop ---------------------------------------------------------------------------------- */

Test(flow, a_drop_rule_takes_frames_away)
{
	struct kit_rule r;
	struct frame f;

	kit_catch_all(&k, one.qp);
	udp_rule(&r);
	kit_rule_drop(&r);
	cr_assert_not_null(kit_flow(&k, two.qp, &r), "%s", strerror(errno));
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 0);
	f.b[5] ^= 1;
	cr_expect_eq(where(&f), 1);
}

/* ---- refused ------------------------------------------------------------------------------- */

static void expect_refused(struct kit_rule *r, int err, const char *what)
{
	errno = 0;
	cr_expect_null(kit_flow(&k, one.qp, r), "%s was accepted", what);
	cr_expect_eq(errno, err, "%s: %s, not %s", what, strerror(errno), strerror(err));
}

Test(flow, priorities_above_15_are_refused)
{
	struct kit_match value, mask;
	struct kit_rule r;

	kit_rule(&r, 16);
	expect_refused(&r, ENOMEM, "priority 16");
	udp_match(&value, &mask);
	cr_expect_null(kit_dv_flow(&k, kit_matcher(&k, &k.b, &mask, 16), &value, one.qp, 0));
	cr_expect_eq(errno, ENOMEM);
}

Test(flow, a_value_outside_its_mask_is_refused)
{
	struct kit_match value, mask;

	udp_match(&value, &mask);
	mask.b[KIT_UDP_DPORT + 1] = 0xef;
	value.b[KIT_UDP_DPORT + 1] |= 0x10;
	cr_expect_null(kit_dv_flow(&k, kit_matcher(&k, &k.b, &mask, 2), &value, one.qp, 0));
	cr_expect_eq(errno, EINVAL);
}

Test(flow, an_ethertype_that_contradicts_the_ip_spec_is_refused)
{
	struct kit_rule r;

	kit_rule(&r, 0);
	kit_rule_eth(&r, NULL, NULL, 0x86dd);
	kit_rule_ipv4(&r, "192.0.2.1", NULL);
	expect_refused(&r, EINVAL, "IPv4 with the ethertype of IPv6");
}

Test(flow, tags_have_24_bits)
{
	struct kit_match value, mask;
	struct mlx5dv_flow_matcher *matcher;
	struct kit_rule r;

	udp_rule(&r);
	kit_rule_tag(&r, 1u << 24);
	expect_refused(&r, EINVAL, "a tag of 25 bits");
	udp_match(&value, &mask);
	matcher = kit_matcher(&k, &k.b, &mask, 2);
	cr_expect_null(kit_dv_flow(&k, matcher, &value, one.qp, 1u << 24));
	cr_expect_eq(errno, EINVAL);
	cr_expect_not_null(kit_dv_flow(&k, matcher, &value, one.qp, (1u << 24) - 1));
}

Test(flow, a_port_that_the_device_lacks_is_refused)
{
	struct kit_rule r;

	kit_rule(&r, 0);
	r.attr.port = 2;
	expect_refused(&r, EINVAL, "port 2");
}

/* Per priority, six groups with a mask each are wide; all others hold one rule. */
Test(flow, a_hundred_rules_of_one_mask_all_work)
{
	struct kit_rule r;
	struct frame f;
	unsigned i;

	for (i = 0; i < 100; i++) {
		kit_rule(&r, 2);
		kit_rule_eth(&r, NULL, NULL, 0x0800);
		kit_rule_ipv4(&r, NULL, NULL);
		kit_rule_udp(&r, 0, 3000 + i);
		cr_assert_not_null(kit_flow(&k, i & 1 ? two.qp : one.qp, &r), "rule %u", i);
	}
	for (i = 0; i < 100; i += 9) {
		udp(&f, k.b.mac);
		fr_put16(f.b + f.l4 + 2, 3000 + i);
		cr_expect_eq(where(&f), i & 1 ? 2 : 1, "rule %u", i);
	}
	udp(&f, k.b.mac);
	cr_expect_eq(where(&f), 0);
}

/* As mlx5_ib and fs_core.c divide the 65536 entries of a priority's table. */
enum { WIDE_GROUPS = 6, SINGLE_RULES = 65536 - WIDE_GROUPS * (65536 / (WIDE_GROUPS + 1)) };

static struct ibv_flow *of_seventh_mask(unsigned i)
{
	struct kit_rule r;
	char dst[16];

	snprintf(dst, sizeof(dst), "10.%u.%u.%u", 1 + (i >> 16), i >> 8 & 255, i & 255);
	kit_rule(&r, 3);
	kit_rule_eth(&r, NULL, NULL, 0x0800);
	kit_rule_ipv4(&r, "10.9.9.9", dst);
	kit_rule_udp(&r, 7, 9);
	return ibv_create_flow(one.qp, &r.attr);
}

/* One for each of six masks: each has a group now. */
static void take_the_groups(void)
{
	struct kit_rule r;

	for (unsigned i = 0; i < WIDE_GROUPS; i++) {
		kit_rule(&r, 3);
		kit_rule_eth(&r, NULL, NULL, 0x0800);
		kit_rule_ipv4(&r, i & 1 ? "10.1.1.1" : NULL, i & 2 ? "10.1.1.2" : NULL);
		kit_rule_udp(&r, i < 4 ? 5 : 0, i < 4 ? 0 : 6);
		cr_assert_not_null(kit_flow(&k, one.qp, &r), "mask %u: %s", i, strerror(errno));
	}
}

Test(flow, a_seventh_mask_gets_single_rules)
{
	static struct ibv_flow *flows[SINGLE_RULES];
	unsigned n = 0;

	take_the_groups();
	while (n < SINGLE_RULES && (flows[n] = of_seventh_mask(n)))
		n++;
	cr_expect_eq(n, (unsigned)SINGLE_RULES, "%s", strerror(errno));
	cr_expect_null(of_seventh_mask(n));
	cr_expect_eq(errno, ENOSPC);
	/* one that goes makes room for one */
	cr_assert_eq(ibv_destroy_flow(flows[17]), 0);
	flows[17] = of_seventh_mask(n);
	cr_expect_not_null(flows[17], "%s", strerror(errno));
	for (unsigned i = 0; i < n; i++)
		if (flows[i])
			cr_assert_eq(ibv_destroy_flow(flows[i]), 0);
}
