/* SPDX-License-Identifier: Apache-2.0 */
/* Flow counters made by commands of the firmware: in rules of mlx5dv, and read in every way. */
#include "devx_kit.h"
#include "steer_kit.h"

#include <stdlib.h>

enum { ALLOC = 0x939, QUERY = 0x93b };
enum { BAD_PARAM = 0x03 };

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)
KIT_UNDO(mlx5dv_dr_domain_destroy, struct mlx5dv_dr_domain)
KIT_UNDO(mlx5dv_dr_table_destroy, struct mlx5dv_dr_table)
KIT_UNDO(mlx5dv_dr_matcher_destroy, struct mlx5dv_dr_matcher)
KIT_UNDO(mlx5dv_dr_action_destroy, struct mlx5dv_dr_action)
KIT_UNDO(mlx5dv_dr_rule_destroy, struct mlx5dv_dr_rule)

TestSuite(devx_count, .init = st_setup, .fini = st_teardown, .timeout = 60);

/* ---- counters ------------------------------------------------------------------------------- */

struct counter {
	struct mlx5dv_devx_obj *obj;
	uint32_t id;
};

/* units of 128; 0: a single one */
static struct counter counter(unsigned units)
{
	struct counter c;
	struct cmd cmd;

	cmd_init(&cmd, ALLOC, 16, 16);
	cmd_set(cmd.in, 0x78, 8, units);
	c.obj = cmd_create(&k, &k.b, &cmd);
	cr_assert_not_null(c.obj, "status %u", cmd_status(&cmd));
	c.id = (uint32_t)cmd_get(cmd.out, 0x40, 32);
	return c;
}

static void query_init(struct cmd *cmd, const struct counter *c, unsigned n)
{
	cmd_init(cmd, QUERY, 32, 16 + 16 * (n ? n : 1));
	cmd_set(cmd->in, 0xc2, 30, n);
	cmd_set(cmd->in, 0xe0, 32, c->id);
}

static int query(const struct counter *c, struct cmd *cmd)
{
	return mlx5dv_devx_obj_query(c->obj, cmd->in, cmd->in_len, cmd->out, cmd->out_len);
}

static void holds(const uint8_t *at, uint64_t packets, uint64_t bytes)
{
	uint64_t p = cmd_get(at, 0, 64), b = cmd_get(at, 64, 64);

	cr_expect_eq(p, packets, "%lu packets, not %lu", (unsigned long)p, (unsigned long)packets);
	cr_expect_eq(b, bytes, "%lu bytes, not %lu", (unsigned long)b, (unsigned long)bytes);
}

static void expect(const struct counter *c, uint64_t packets, uint64_t bytes)
{
	struct cmd cmd;

	query_init(&cmd, c, 0);
	cr_assert_eq(query(c, &cmd), 0, "status %u", cmd_status(&cmd));
	holds(cmd.out + 16, packets, bytes);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void match_port(struct kit_match *mask, struct kit_match *value, unsigned port)
{
	*mask = (struct kit_match){.size = sizeof(mask->b)};
	*value = *mask;
	mask->b[KIT_PROTO] = 0xff;
	memset(mask->b + KIT_UDP_DPORT, 0xff, 2);
	value->b[KIT_PROTO] = 17;
	value->b[KIT_UDP_DPORT] = (uint8_t)(port >> 8);
	value->b[KIT_UDP_DPORT + 1] = (uint8_t)port;
}

/* UDP frames to port are counted by obj and go to qp; NULL: are dropped. */
static struct ibv_flow *count_rule(struct mlx5dv_devx_obj *obj, struct ibv_qp *qp, unsigned port)
{
	struct mlx5dv_flow_action_attr actions[2] = {
		{.type = MLX5DV_FLOW_ACTION_COUNTERS_DEVX, .obj = obj},
		{.type = qp ? MLX5DV_FLOW_ACTION_DEST_IBV_QP : MLX5DV_FLOW_ACTION_DROP, .qp = qp},
	};
	struct kit_match mask, value;
	struct ibv_flow *flow;

	match_port(&mask, &value, port);
	flow = mlx5dv_create_flow(kit_matcher(&k, &k.b, &mask, 4), (void *)&value, 2, actions);
	if (flow)
		kit_defer(&k, undo_ibv_destroy_flow, flow);
	return flow;
}

static void udp(struct frame *f, unsigned port, unsigned payload)
{
	st_outer(f, 17, port);
	fr_payload(f, payload);
	fr_finish(f);
}

/* ---- a root table of mlx5dv_dr, by whose actions alone a counter of a bulk can be named --------
 */

struct root {
	struct mlx5dv_dr_domain *domain;
	struct mlx5dv_dr_matcher *matcher;
	struct mlx5dv_dr_action *to_one;
};

static void root_open(struct root *r)
{
	struct kit_match mask, value;
	struct mlx5dv_dr_table *table;

	match_port(&mask, &value, 0);
	r->domain = mlx5dv_dr_domain_create(k.b.ctx, MLX5DV_DR_DOMAIN_TYPE_NIC_RX);
	cr_assert_not_null(r->domain, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_dr_domain_destroy, r->domain);
	table = mlx5dv_dr_table_create(r->domain, 0);
	cr_assert_not_null(table, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_dr_table_destroy, table);
	r->matcher = mlx5dv_dr_matcher_create(table, 0, 1, (void *)&mask);
	cr_assert_not_null(r->matcher, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_dr_matcher_destroy, r->matcher);
	r->to_one = mlx5dv_dr_action_create_dest_ibv_qp(one.qp);
	cr_assert_not_null(r->to_one, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_dr_action_destroy, r->to_one);
}

/* NULL and errno where it is refused. */
static struct mlx5dv_dr_rule *root_rule(struct root *r, const struct counter *c, unsigned offset,
					unsigned port)
{
	struct mlx5dv_dr_action *actions[2] = {mlx5dv_dr_action_create_flow_counter(c->obj, offset),
					       r->to_one};
	struct kit_match mask, value;
	struct mlx5dv_dr_rule *rule;

	cr_assert_not_null(actions[0], "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_dr_action_destroy, actions[0]);
	match_port(&mask, &value, port);
	errno = 0;
	rule = mlx5dv_dr_rule_create(r->matcher, (void *)&value, 2, actions);
	if (rule)
		kit_defer(&k, undo_mlx5dv_dr_rule_destroy, rule);
	return rule;
}

/* ---- tests ---------------------------------------------------------------------------------- */

Test(devx_count, packets_and_bytes_of_a_rule)
{
	struct counter c = counter(0);
	struct frame f;

	cr_assert_not_null(count_rule(c.obj, one.qp, 2000), "%s", strerror(errno));
	expect(&c, 0, 0);
	udp(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	expect(&c, 1, 100);
	udp(&f, 2001, 58);
	cr_expect_eq(st_where(&f), 0);
	expect(&c, 1, 100);
	udp(&f, 2000, 958);
	cr_expect_eq(st_where(&f), 1);
	expect(&c, 2, 1100);
}

Test(devx_count, what_a_rule_drops)
{
	struct counter c = counter(0);
	struct frame f;

	cr_assert_not_null(count_rule(c.obj, NULL, 2000), "%s", strerror(errno));
	udp(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 0);
	expect(&c, 1, 100);
}

Test(devx_count, a_query_that_clears_counts_from_zero)
{
	struct counter c = counter(0);
	struct frame f;
	struct cmd cmd;

	cr_assert_not_null(count_rule(c.obj, one.qp, 2000), "%s", strerror(errno));
	udp(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	query_init(&cmd, &c, 0);
	cmd_set(cmd.in, 0xc0, 1, 1);
	cr_assert_eq(query(&c, &cmd), 0);
	holds(cmd.out + 16, 1, 100);
	expect(&c, 0, 0);
	cr_expect_eq(st_where(&f), 1);
	expect(&c, 1, 100);
}

Test(devx_count, a_bulk_is_read_at_once)
{
	struct counter bulk = counter(1);
	struct frame f;
	struct root r;
	struct cmd cmd;

	cr_expect_eq(bulk.id % 4, 0, "id %u", bulk.id);
	root_open(&r);
	cr_assert_not_null(root_rule(&r, &bulk, 0, 2000), "%s", strerror(errno));
	cr_assert_not_null(root_rule(&r, &bulk, 5, 2005), "%s", strerror(errno));
	udp(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	udp(&f, 2005, 158);
	cr_expect_eq(st_where(&f), 1);
	cr_expect_eq(st_where(&f), 1);
	query_init(&cmd, &bulk, 8);
	cr_assert_eq(query(&bulk, &cmd), 0, "status %u", cmd_status(&cmd));
	holds(cmd.out + 16, 1, 100);
	holds(cmd.out + 16 + 16, 0, 0);
	holds(cmd.out + 16 + 5 * 16, 2, 400);
	cr_expect_null(root_rule(&r, &bulk, 128, 2006), "behind the last one");
	cr_expect_eq(errno, EINVAL);
}

/* As DPDK does it: to memory, told on a channel of commands. */
Test(devx_count, a_bulk_is_written_to_memory)
{
	struct mlx5dv_devx_cmd_comp *comp = mlx5dv_devx_create_cmd_comp(k.b.ctx);
	struct counter bulk = counter(4);
	uint8_t *to = kit_slot(&k.b, 8), answer[8 + 16];
	struct frame f;
	struct root r;
	struct cmd cmd;

	cr_assert_not_null(comp);
	root_open(&r);
	cr_assert_not_null(root_rule(&r, &bulk, 511, 2000), "%s", strerror(errno));
	udp(&f, 2000, 58);
	cr_expect_eq(st_where(&f), 1);
	memset(to, 0xee, 513 * 16);
	query_init(&cmd, &bulk, 512);
	cmd_set(cmd.in, 0xc1, 1, 1);
	cmd_set(cmd.in, 0x60, 32, k.b.mr->lkey);
	cmd_set(cmd.in, 0x80, 64, (uintptr_t)to);
	cr_assert_eq(mlx5dv_devx_obj_query_async(bulk.obj, cmd.in, cmd.in_len, 16, 7, comp), 0);
	cr_assert(kit_readable(comp->fd, 2000));
	cr_assert_eq(mlx5dv_devx_get_async_cmd_comp(comp, (void *)answer, sizeof(answer)), 0);
	cr_expect_eq(answer[8], 0, "status %u", answer[8]);
	holds(to, 0, 0);
	holds(to + 511 * 16, 1, 100);
	cr_expect_eq(to[512 * 16], 0xee);
	mlx5dv_devx_destroy_cmd_comp(comp);
}

static void memory_refused(const struct counter *bulk, uint32_t key, const void *to)
{
	struct cmd cmd;

	query_init(&cmd, bulk, 4);
	cmd_set(cmd.in, 0xc1, 1, 1);
	cmd_set(cmd.in, 0x60, 32, key);
	cmd_set(cmd.in, 0x80, 64, (uintptr_t)to);
	cr_expect_eq(query(bulk, &cmd), EREMOTEIO);
	cr_expect_eq(cmd_status(&cmd), BAD_PARAM);
}

Test(devx_count, memory_is_what_its_key_allows)
{
	struct ibv_mr *read_only = ibv_reg_mr(k.b.pd, k.b.mem, 4096, 0);
	struct counter bulk = counter(1);

	cr_assert_not_null(read_only);
	memory_refused(&bulk, k.b.mr->lkey, k.b.mem + KIT_SLOTS * KIT_SLOT - 63);
	memory_refused(&bulk, k.b.mr->lkey ^ 1, k.b.mem);
	memory_refused(&bulk, k.a.mr->lkey, k.a.mem);
	memory_refused(&bulk, read_only->lkey, k.b.mem);
	cr_assert_eq(ibv_dereg_mr(read_only), 0);
}

static void alloc_refused(unsigned bit, unsigned bits, unsigned value)
{
	struct cmd cmd;

	cmd_init(&cmd, ALLOC, 16, 16);
	cmd_set(cmd.in, bit, bits, value);
	cr_expect_null(cmd_create(&k, &k.b, &cmd));
	cr_expect_eq(errno, EREMOTEIO);
	cr_expect_eq(cmd_status(&cmd), BAD_PARAM);
}

Test(devx_count, sizes_that_the_card_has_not)
{
	alloc_refused(0x78, 8, 3);
	alloc_refused(0x73, 5, 7);
	alloc_refused(0x48, 24, cmd_pdn(k.b.pd));
}

static void read_refused(const struct counter *c, unsigned n, size_t out_len)
{
	struct cmd cmd;

	query_init(&cmd, c, n);
	cmd.out_len = out_len;
	cr_expect_eq(query(c, &cmd), EREMOTEIO, "%u of them", n);
	cr_expect_eq(cmd_status(&cmd), BAD_PARAM);
}

Test(devx_count, no_more_is_read_than_there_is)
{
	struct counter c = counter(0), bulk = counter(1);

	read_refused(&c, 4, 16 + 4 * 16);
	read_refused(&bulk, 6, 16 + 6 * 16);
	read_refused(&bulk, 132, 16 + 4 * 16);
	read_refused(&bulk, 8, 16 + 8 * 16 - 1);
	read_refused(&c, 0, 16);
}

Test(devx_count, what_a_rule_counts_by_is_a_counter_and_stays)
{
	struct counter c = counter(0);
	struct mlx5dv_devx_obj *td;
	struct ibv_flow *flow;
	struct cmd cmd;

	cmd_init(&cmd, 0x816, 16, 16);
	td = cmd_create(&k, &k.b, &cmd);
	cr_assert_not_null(td);
	errno = 0;
	cr_expect_null(count_rule(td, one.qp, 2000), "by a transport domain");
	cr_expect_eq(errno, EINVAL);
	flow = count_rule(c.obj, one.qp, 2000);
	cr_assert_not_null(flow, "%s", strerror(errno));
	cr_expect_neq(mlx5dv_devx_obj_destroy(c.obj), 0, "a rule has it");
	kit_forget(&k, flow);
	cr_assert_eq(ibv_destroy_flow(flow), 0);
	kit_forget(&k, c.obj);
	cr_expect_eq(mlx5dv_devx_obj_destroy(c.obj), 0);
}

/* What is told can be had: the largest bulk, and each smaller one. */
Test(devx_count, the_card_tells_what_it_can_count)
{
	uint64_t sizes = cmd_cap(&k.b, 0, 0x310, 8);
	unsigned i;

	cr_expect_eq(cmd_cap(&k.b, 0, 0x361, 1), 1, "flow_counters_dump");
	cr_expect_eq(cmd_cap(&k.b, 7, 0x202, 1), 1, "flow_counter");
	cr_expect_geq(cmd_cap(&k.b, 0, 0x2c0, 16) << 16 | cmd_cap(&k.b, 0, 0x350, 16), 1024,
		      "max_flow_counter");
	cr_expect_neq(sizes, 0);
	for (i = 0; i < 8; i++)
		if (sizes & (1u << i))
			(void)counter(1u << i);
}
