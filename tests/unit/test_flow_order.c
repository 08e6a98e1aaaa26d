/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that come and go, and the priorities that they get. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

#include "flow_order.h"
#include "flow_plan.h"

/* A rule that looks at the first n bytes of a match, whose values are all `value`. */
static struct dq_placed rule(const struct dq_conf_flow *flow, unsigned n, uint8_t value,
			     uint64_t seq)
{
	struct dq_placed r = {
		.flow = flow, .bits = 8 * n, .seq = seq, .priority = DQ_AUTO, .was = DQ_AUTO};

	memset(r.match.mask, 0xff, n);
	memset(r.match.value, value, n);
	return r;
}

static int add(struct dq_order *order, struct dq_placed *r)
{
	int ret = dq_order_add(order, &r, 1);

	if (!ret && !order->moved)
		dq_order_settle(r);
	return ret;
}

static void settle(void *arg, struct dq_placed *r)
{
	(void)arg;
	if (r->priority != r->was)
		dq_order_settle(r);
}

static const struct dq_conf_flow a = {.where = "[flow b a]"}, b = {.where = "[flow b b]"};

Test(flow_order, a_narrower_rule_pushes_those_that_are_there_behind_it)
{
	struct dq_placed wide = rule(&a, 1, 7, 0), narrow = rule(&b, 2, 7, 1), apart;
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	cr_assert_eq(add(&order, &wide), 0);
	cr_assert_eq(wide.priority, 0);
	cr_assert_eq(add(&order, &narrow), 0);
	cr_assert(order.moved);
	cr_assert_eq(narrow.priority, 0);
	cr_assert_eq(wide.priority, 1);
	cr_assert_eq(wide.was, 0);
	dq_order_each(&order, settle, NULL);
	apart = rule(&a, 2, 8, 2);
	cr_assert_eq(add(&order, &apart), 0);
	cr_assert(!order.moved && apart.priority == 0, "no packet matches it and the others");
	dq_order_free(&order);
}

Test(flow_order, what_is_undone_leaves_the_others_where_they_were)
{
	struct dq_placed wide = rule(&a, 1, 7, 0), narrow = rule(&b, 2, 7, 1), *p = &narrow;
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	cr_assert_eq(add(&order, &wide), 0);
	cr_assert_eq(dq_order_add(&order, &p, 1), 0);
	dq_order_undo(&order, &p, 1);
	cr_assert_eq(wide.priority, 0);
	cr_assert_eq(order.n_rules, 1u);
	cr_assert_eq(order.n_groups, 1u);
	narrow = rule(&b, 1, 7, 1);
	cr_assert_lt(add(&order, &narrow), 0);
	cr_assert(strstr(daqiri_error_detail(),
			 "[flow b b]: matches the same packets as [flow b a]"));
	cr_assert_eq(order.n_rules, 1u);
	dq_order_remove(&order, &wide);
	dq_order_remove(&order, &wide);
	cr_assert_eq(order.n_rules + order.n_groups, 0u);
	dq_order_free(&order);
}

/* 14 that all overlap have a priority each; for one more there is none, and nothing has changed. */
Test(flow_order, priorities_end)
{
	struct dq_placed rules[15];
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	for (unsigned i = 0; i < 15; i++) {
		rules[i] = rule(i & 1 ? &a : &b, i + 1, 7, i);
		cr_assert_eq(add(&order, &rules[i]), i < 14 ? 0 : -EINVAL);
		dq_order_each(&order, settle, NULL);
	}
	cr_assert(strstr(daqiri_error_detail(), "no priority is left"));
	for (int i = 0; i < 14; i++)
		cr_assert_eq(rules[i].priority, 13 - i);
	dq_order_free(&order);
}

/* Six masks have room at a priority, or fewer where one has more rules than a group takes. */
Test(flow_order, a_priority_has_room_for_six_groups_of_the_kernel)
{
	enum { MANY = 9363 };
	struct dq_placed *many = calloc(MANY, sizeof(*many)), masks[6];
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = rule(&a, 3, 0, i);
		many[i].match.value[1] = (uint8_t)(i >> 8);
		many[i].match.value[2] = (uint8_t)i;
		cr_assert_eq(add(&order, &many[i]), 0);
		cr_assert_eq(many[i].priority, 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		masks[i] = rule(&b, 4 + i, 9, MANY + i);
		masks[i].match.value[0] = (uint8_t)(i + 1);
		cr_assert_eq(add(&order, &masks[i]), 0);
		cr_assert_eq(masks[i].priority, i < 4 ? 0 : 1);
	}
	dq_order_free(&order);
	free(many);
}

Test(flow_order, given_priorities_stay_and_clash_only_with_their_like)
{
	struct dq_placed other = rule(&a, 2, 7, 0), given = rule(&b, 3, 7, 1), twin;
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	cr_assert_eq(add(&order, &other), 0);
	given.given = true;
	given.priority = 0;
	cr_assert_eq(add(&order, &given), 0);
	cr_assert_eq(given.priority, 0);
	cr_assert_eq(other.priority, 1, "makes room");
	dq_order_each(&order, settle, NULL);
	twin = rule(&a, 4, 7, 2);
	twin.given = true;
	twin.priority = 0;
	cr_assert_eq(add(&order, &twin), -EINVAL);
	cr_assert(strstr(daqiri_error_detail(), "has priority 0, as [flow b b]"));
	dq_order_free(&order);
}

/* A rule that has to move stays on its side of one whose priority is given: packets match both. */
Test(flow_order, what_is_in_the_device_keeps_its_side_of_a_given_priority)
{
	struct dq_placed given = rule(&a, 3, 7, 0), wide = rule(&b, 1, 7, 1), narrow, third;
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	given.given = true;
	given.priority = 2;
	cr_assert_eq(add(&order, &given), 0);
	cr_assert_eq(add(&order, &wide), 0);
	cr_assert_eq(wide.priority, 0);
	narrow = rule(&a, 2, 7, 2);
	narrow.match.value[1] = 8; /* never with the given one */
	cr_assert_eq(add(&order, &narrow), 0);
	dq_order_each(&order, settle, NULL);
	cr_assert_eq(narrow.priority, 0);
	cr_assert_eq(wide.priority, 1);
	third = rule(&a, 3, 7, 3);
	third.match.value[1] = 8;
	cr_assert_eq(add(&order, &third), -EINVAL, "wide would go behind the given one");
	cr_assert(strstr(daqiri_error_detail(), "no priority is left"));
	cr_assert_eq(wide.priority, 1);
	cr_assert_eq(given.priority, 2);
	dq_order_free(&order);
}

/* ---- flows ----------------------------------------------------------------------------------- */

static struct dq_conf_flow flow(const char *where, uint32_t fields)
{
	return (struct dq_conf_flow){
		.where = where, .match.outer.fields = fields, .priority = DQ_AUTO, .n_queues = 1};
}

/* All rules of some flows, in an order of their own. */
struct placed {
	struct dq_order order;
	struct dq_placed rules[64], *list[64];
	unsigned n, ends[16]; /* of the i-th flow */
};

static void take_flow(struct placed *p, const struct dq_conf_flow *conf, unsigned i)
{
	struct dq_flow_plan plan;

	cr_assert_eq(dq_flow_plan_make(&plan, conf, 0xff), 0);
	for (unsigned k = 0; k < plan.n_rules; k++, p->n++) {
		bool given = conf->priority != DQ_AUTO;

		p->list[p->n] = &p->rules[p->n];
		p->rules[p->n] = (struct dq_placed){
			.match = plan.rules[k].match,
			.flow = conf,
			.bits = dq_match_bits(&conf->match),
			.seq = i,
			.level = (int)plan.rules[k].level,
			.given = given,
			.priority = given ? conf->priority + (int)plan.rules[k].level : DQ_AUTO,
			.was = DQ_AUTO};
	}
	p->ends[i] = p->n;
	dq_flow_plan_free(&plan);
}

static int place(struct placed *p, const struct dq_conf_flow *flows, unsigned n)
{
	int ret;

	p->n = 0;
	dq_order_init(&p->order, "[port b]");
	for (unsigned i = 0; i < n; i++)
		take_flow(p, &flows[i], i);
	ret = dq_order_add(&p->order, p->list, p->n);
	dq_order_free(&p->order);
	return ret;
}

#define assert_refused(flows, n, part)                                                             \
	do {                                                                                       \
		struct placed refused;                                                             \
		cr_assert_lt(place(&refused, flows, n), 0);                                        \
		cr_assert(strstr(daqiri_error_detail(), part), "%s", daqiri_error_detail());       \
	} while (0)

Test(flow_order, narrower_matches_come_first_whatever_the_order_in_the_file)
{
	struct dq_conf_flow flows[3] = {flow("a", DQ_MATCH_UDP_DST), flow("b", DQ_MATCH_DST_MAC),
					flow("c", DQ_MATCH_DST_MAC | DQ_MATCH_UDP_DST)};
	struct placed p;

	cr_assert_eq(place(&p, flows, 3), 0);
	cr_assert_eq(p.n, 3u);
	cr_assert_eq(p.rules[2].priority, 0, "both");
	cr_assert_eq(p.rules[1].priority, 1, "48 bits");
	cr_assert_eq(p.rules[0].priority, 2, "24 bits");
}

Test(flow_order, rules_of_one_mask_share_a_priority)
{
	struct dq_conf_flow flows[8];
	struct placed p;

	for (unsigned i = 0; i < 8; i++) {
		flows[i] = flow("f", DQ_MATCH_UDP_DST);
		flows[i].match.outer.udp_dst.first = (uint16_t)(1000 + i);
		flows[i].match.outer.udp_dst.last = (uint16_t)(1000 + i);
	}
	cr_assert_eq(place(&p, flows, 8), 0);
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(p.rules[i].priority, 0);
}

/* 10.0.0.0/8 and 10.1.0.0/16 overlap, 11.1.0.0/16 overlaps neither: but has the second's mask. */
Test(flow_order, longer_prefixes_come_first)
{
	struct dq_conf_flow flows[3] = {flow("a", DQ_MATCH_IPV4_DST), flow("b", DQ_MATCH_IPV4_DST),
					flow("c", DQ_MATCH_IPV4_DST)};
	struct placed p;

	memcpy(flows[0].match.outer.ipv4_dst, "\x0a\0\0\0", 4);
	memcpy(flows[0].match.outer.ipv4_dst_mask, "\xff\0\0\0", 4);
	memcpy(flows[1].match.outer.ipv4_dst, "\x0a\x01\0\0", 4);
	memcpy(flows[1].match.outer.ipv4_dst_mask, "\xff\xff\0\0", 4);
	memcpy(flows[2].match.outer.ipv4_dst, "\x0b\x01\0\0", 4);
	memcpy(flows[2].match.outer.ipv4_dst_mask, "\xff\xff\0\0", 4);
	cr_assert_eq(place(&p, flows, 3), 0);
	cr_assert_eq(p.rules[0].priority, 1);
	cr_assert_eq(p.rules[1].priority, 0);
	cr_assert_eq(p.rules[2].priority, 0);
}

Test(flow_order, what_has_no_defined_order_is_refused)
{
	struct dq_conf_flow flows[2] = {flow("[flow b x]", DQ_MATCH_UDP_DST),
					flow("[flow b y]", DQ_MATCH_UDP_SRC)};

	flows[0].priority = flows[1].priority = 4;
	assert_refused(flows, 2, "[flow b x]: has priority 4, as [flow b y]");
	flows[1] = flows[0];
	flows[1].where = "[flow b z]";
	assert_refused(flows, 2, "[flow b z]: matches the same packets as [flow b x]");
}

Test(flow_order, prefixes_of_a_range_are_spread_over_priorities_six_masks_each)
{
	struct dq_conf_flow one = flow("[flow b x]", DQ_MATCH_UDP_DST);
	unsigned masks[16] = {0};
	struct placed p;

	one.match.outer.udp_dst = (struct dq_range){1, 65534};
	cr_assert_eq(place(&p, &one, 1), 0);
	cr_assert_eq(p.n, 30u);
	for (unsigned i = 0; i < 30; i++) {
		bool seen = false;

		cr_assert(p.rules[i].priority >= 0 && p.rules[i].priority < 3);
		for (unsigned k = 0; k < i; k++)
			seen |= p.rules[k].priority == p.rules[i].priority &&
				dq_match_same_mask(&p.rules[k].match, &p.rules[i].match);
		masks[p.rules[i].priority] += !seen;
	}
	for (unsigned i = 0; i < 3; i++)
		cr_assert_leq(masks[i], 6u);
	one.priority = 5;
	assert_refused(&one, 1, "leave priority out");
	one.match.outer.udp_dst.last = 7;
	cr_assert_eq(place(&p, &one, 1), 0, "1, 2-3, 4-7");
	cr_assert_eq(p.n, 3u);
}

/* The kernel has a group for a mask: of a mask that it sees otherwise in rules of verbs, two. */
Test(flow_order, rules_of_verbs_have_masks_of_their_own)
{
	struct dq_placed rules[2 * DQ_LARGE_GROUPS];
	struct dq_order order;

	dq_order_init(&order, "[port b]");
	for (unsigned i = 0; i < 2 * DQ_LARGE_GROUPS; i++) {
		rules[i] = rule(i & 1 ? &a : &b, 1 + i / 2, (uint8_t)(1 + i), i);
		rules[i].by_verbs = i & 1;
		cr_assert_eq(add(&order, &rules[i]), 0);
	}
	cr_assert_eq(order.n_groups, 2u * DQ_LARGE_GROUPS);
	for (int priority = 0; priority < 2; priority++) {
		unsigned n = 0;

		for (unsigned i = 0; i < 2 * DQ_LARGE_GROUPS; i++)
			n += rules[i].priority == priority;
		cr_assert_leq(n, (unsigned)DQ_LARGE_GROUPS, "%u at %d", n, priority);
	}
	dq_order_free(&order);
}

/* The smaller of two ranges that overlap comes first, wherever they stand in the file. */
Test(flow_order, the_smaller_range_wins)
{
	struct dq_conf_flow flows[2] = {flow("a", DQ_MATCH_UDP_DST), flow("b", DQ_MATCH_UDP_DST)};
	struct placed p;
	int last_of_b = 0, first_of_a = 99;

	flows[0].match.outer.udp_dst = (struct dq_range){0, 1023};
	flows[1].match.outer.udp_dst = (struct dq_range){512, 639};
	cr_assert_eq(place(&p, flows, 2), 0);
	for (unsigned i = 0; i < p.n; i++) {
		if (i < p.ends[0] && p.rules[i].priority < first_of_a)
			first_of_a = p.rules[i].priority;
		if (i >= p.ends[0] && p.rules[i].priority > last_of_b)
			last_of_b = p.rules[i].priority;
	}
	cr_assert_lt(last_of_b, first_of_a);
	flows[1].match.outer.udp_dst = flows[0].match.outer.udp_dst;
	assert_refused(flows, 2, "matches the same packets");
}

/* Each overlaps every other and has a mask of its own: 14 priorities are not enough for 15. */
Test(flow_order, flows_that_overlap_in_too_many_ways_are_refused)
{
	struct dq_conf_flow flows[15];
	struct placed p;

	for (unsigned i = 0; i < 15; i++) {
		flows[i] = flow("[flow b f]", DQ_MATCH_IPV4_DST);
		for (unsigned bit = 0; bit <= i; bit++)
			flows[i].match.outer.ipv4_dst_mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	cr_assert_eq(place(&p, flows, 14), 0);
	for (unsigned i = 0; i < 14; i++)
		cr_assert_eq(p.rules[i].priority, 13 - (int)i);
	assert_refused(flows, 15, "no priority is left");
}
