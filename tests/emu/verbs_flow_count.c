/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of verbs flows: bound, read while frames come, and refused as mlx5_ib does it. */
#include "steer_kit.h"

KIT_UNDO(ibv_destroy_counters, struct ibv_counters)

TestSuite(count, .init = st_setup, .fini = st_teardown, .timeout = 60);

static struct ibv_counters *counters(void)
{
	struct ibv_counters_init_attr attr = {0};
	struct ibv_counters *c = ibv_create_counters(k.b.ctx, &attr);

	cr_assert_not_null(c, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_destroy_counters, c);
	return c;
}

static void attach(struct ibv_counters *c, enum ibv_counter_description what, uint32_t index)
{
	struct ibv_counter_attach_attr attr = {.counter_desc = what, .index = index};

	cr_assert_eq(ibv_attach_counters_point_flow(c, &attr, NULL), 0);
}

static void rule(struct kit_rule *r, struct ibv_counters *c, unsigned port)
{
	struct ibv_flow_spec_counter_action spec = {
		.type = IBV_FLOW_SPEC_ACTION_COUNT, .size = sizeof(spec), .counters = c};

	kit_rule(r, 4);
	kit_rule_udp(r, 0, port);
	kit_rule_add(r, &spec, sizeof(spec));
}

static void frame(struct frame *f, unsigned port, unsigned payload)
{
	st_outer(f, 17, port);
	fr_payload(f, payload);
	fr_finish(f);
}

static void expect(struct ibv_counters *c, uint64_t packets, uint64_t bytes)
{
	uint64_t v[2] = {77, 77};

	cr_assert_eq(ibv_read_counters(c, v, 2, 0), 0, "%s", strerror(errno));
	cr_expect_eq(v[0], packets, "%lu packets", (unsigned long)v[0]);
	cr_expect_eq(v[1], bytes, "%lu bytes", (unsigned long)v[1]);
}

Test(count, packets_and_bytes_of_a_rule)
{
	struct ibv_counters *c = counters();
	struct kit_rule r;
	struct frame f;

	attach(c, IBV_COUNTER_PACKETS, 0);
	attach(c, IBV_COUNTER_BYTES, 1);
	rule(&r, c, 2000);
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	expect(c, 0, 0);
	frame(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	expect(c, 1, 100);
	frame(&f, 2001, 58);
	cr_expect_eq(st_where(&f), 0);
	expect(c, 1, 100);
	frame(&f, 2000, 958);
	cr_expect_eq(st_where(&f), 1);
	expect(c, 2, 1100);
	expect(c, 2, 1100);
}

Test(count, what_a_rule_drops)
{
	struct ibv_counters *c = counters();
	struct kit_rule r;
	struct frame f;

	attach(c, IBV_COUNTER_BYTES, 0);
	attach(c, IBV_COUNTER_PACKETS, 1);
	rule(&r, c, 2000);
	kit_rule_drop(&r);
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	frame(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 0);
	cr_expect_eq(st_where(&f), 0);
	expect(c, 200, 2);
}

Test(count, what_is_sent)
{
	struct ibv_counters_init_attr attr = {0};
	struct ibv_counters *c = ibv_create_counters(k.a.ctx, &attr);
	struct kit_rule r;
	struct frame f;

	cr_assert_not_null(c);
	kit_defer(&k, undo_ibv_destroy_counters, c);
	attach(c, IBV_COUNTER_PACKETS, 0);
	attach(c, IBV_COUNTER_BYTES, 1);
	kit_catch_all(&k, one.qp);
	rule(&r, c, 2000);
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_EGRESS;
	cr_assert_not_null(kit_flow(&k, tx, &r), "%s", strerror(errno));
	frame(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	expect(c, 1, 100);
}

Test(count, two_flows_share_counters)
{
	struct ibv_counters *c = counters();
	struct kit_rule r;
	struct frame f;
	unsigned i;

	attach(c, IBV_COUNTER_PACKETS, 0);
	attach(c, IBV_COUNTER_BYTES, 1);
	for (i = 0; i < 2; i++) {
		rule(&r, c, 2000 + i);
		cr_assert_not_null(kit_flow(&k, one.qp, &r), "flow %u: %s", i, strerror(errno));
	}
	for (i = 0; i < 2; i++) {
		frame(&f, 2000 + i, 58);
		cr_expect_eq(st_where(&f), 1);
	}
	expect(c, 2, 200);
}

Test(count, rules_of_counters)
{
	struct ibv_counters *c = counters();
	uint64_t v[4] = {0};
	struct ibv_flow *flow;
	struct kit_rule r;

	cr_expect_neq(ibv_read_counters(c, v, 4, 0), 0, "counters of no flow were read");
	cr_expect_eq(errno, EINVAL);
	rule(&r, c, 2000);
	attach(c, IBV_COUNTER_PACKETS, 3);
	flow = ibv_create_flow(one.qp, &r.attr);
	cr_assert_not_null(flow, "%s", strerror(errno));
	cr_expect_neq(ibv_read_counters(c, v, 3, 0), 0, "index 3 of 3");
	cr_expect_eq(errno, EINVAL);
	cr_expect_eq(ibv_read_counters(c, v, 4, IBV_READ_COUNTERS_ATTR_PREFER_CACHED), 0);
	cr_expect_neq(ibv_destroy_counters(c), 0, "a flow has them");
	cr_assert_eq(ibv_destroy_flow(flow), 0);
	cr_expect_neq(ibv_read_counters(c, v, 4, 0), 0);
	kit_rule(&r, 4);
	rule(&r, c, 2000);
	memcpy(r.specs + r.attr.size - sizeof(r.attr),
	       r.specs + r.attr.size - sizeof(r.attr) - sizeof(struct ibv_flow_spec_counter_action),
	       sizeof(struct ibv_flow_spec_counter_action));
	r.attr.size = (uint16_t)(r.attr.size + sizeof(struct ibv_flow_spec_counter_action));
	r.attr.num_of_specs++;
	cr_expect_null(ibv_create_flow(one.qp, &r.attr), "counters twice");
}
