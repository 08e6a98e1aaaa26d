/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that come and go, and the priorities that they get. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

#include "flow_order.h"

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
