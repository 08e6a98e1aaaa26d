/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programmable parser: headers that a program tells the card of, and rules of mlx5dv that match
 * words of them. Runs with daqiri-emu --flex-parser on.
 */
#include "devx_kit.h"
#include "steer_kit.h"

#include <stdlib.h>

enum { CREATE = 0xa00, QUERY = 0xa02, PARSE_GRAPH = 0x22 };
enum { MAC = 2, IP = 3, UDP = 5, IPV4 = 0xb, IPV6 = 0xc };
enum { BAD_PARAM = 0x03, NO_RES = 0x0f, BAD_INPUT_LEN = 0x50 };
enum { FLEX = 16, SAMPLES = FLEX + 32, ARCS = FLEX + 160, OUT_ARCS = FLEX + 288, SIZE = FLEX + 416 };
enum { MISC4 = 320, ECPRI = 0xaefe };

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)
KIT_UNDO(mlx5dv_destroy_flow_matcher, struct mlx5dv_flow_matcher)

TestSuite(flex, .init = st_setup, .fini = st_teardown, .timeout = 60);

/* ---- objects -------------------------------------------------------------------------------- */

/* A header of 8 bytes behind node where that says value, with samples at the bytes in at. */
static void fill(struct cmd *c, unsigned node, unsigned value, const uint8_t *at, unsigned n)
{
	unsigned i;

	cmd_init(c, CREATE, SIZE, 16);
	cmd_set(c->in, 0x30, 16, PARSE_GRAPH);
	cmd_set(c->in + FLEX, 0x60, 16, 8);
	for (i = 0; i < n; i++) {
		cmd_set(c->in + SAMPLES + 16 * i, 0, 1, 1);
		cmd_set(c->in + SAMPLES + 16 * i, 0x28, 8, at[i]);
	}
	cmd_set(c->in + ARCS, 0x08, 8, node);
	cmd_set(c->in + ARCS, 0x10, 16, value);
}

static struct mlx5dv_devx_obj *create(struct cmd *c, uint32_t *ids)
{
	struct mlx5dv_devx_obj *obj = cmd_create(&k, &k.b, c);
	struct cmd q;
	unsigned i, n = 0;

	cr_assert_not_null(obj, "status %u", cmd_status(c));
	cmd_init(&q, QUERY, 16, SIZE);
	cmd_set(q.in, 0x30, 16, PARSE_GRAPH);
	cmd_set(q.in, 0x40, 32, cmd_get(c->out, 0x40, 32));
	cr_assert_eq(mlx5dv_devx_obj_query(obj, q.in, q.in_len, q.out, q.out_len), 0);
	for (i = 0; i < 8; i++)
		if (cmd_get(q.out + SAMPLES + 16 * i, 0, 1))
			ids[n++] = (uint32_t)cmd_get(q.out + SAMPLES + 16 * i, 0x60, 32);
	cr_expect_eq(cmd_get(q.out + ARCS, 0x08, 8), cmd_get(c->in + ARCS, 0x08, 8));
	return obj;
}

static struct mlx5dv_devx_obj *header(unsigned node, unsigned value, uint32_t ids[2])
{
	struct cmd c;

	fill(&c, node, value, (const uint8_t[]){0, 4}, 2);
	return create(&c, ids);
}

/* ---- rules ---------------------------------------------------------------------------------- */

struct match {
	size_t size;
	uint8_t b[MISC4 + 64];
};

static void put(struct match *mask, struct match *value, unsigned pair, uint32_t id,
		const uint32_t word[2])
{
	cmd_set(mask->b + MISC4, 64 * pair, 32, word[0]);
	cmd_set(value->b + MISC4, 64 * pair, 32, word[1]);
	cmd_set(mask->b + MISC4, 64 * pair + 32, 32, 0xffffffff);
	cmd_set(value->b + MISC4, 64 * pair + 32, 32, id);
}

static struct ibv_flow *rule(struct match *mask, struct match *value, struct ibv_qp *qp)
{
	struct mlx5dv_flow_action_attr action = {.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = qp};
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = 3,
		.match_criteria_enable = 1 | 1 << 5,
		.match_mask = (struct mlx5dv_flow_match_parameters *)mask,
	};
	struct mlx5dv_flow_matcher *matcher;
	struct ibv_flow *flow;

	mask->size = value->size = sizeof(mask->b);
	matcher = mlx5dv_create_flow_matcher(k.b.ctx, &attr);
	cr_assert_not_null(matcher, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_destroy_flow_matcher, matcher);
	errno = 0;
	flow = mlx5dv_create_flow(matcher, (void *)value, 1, &action);
	if (flow)
		kit_defer(&k, undo_ibv_destroy_flow, flow);
	return flow;
}

/* To the first queue what has these bits of the sample of this id. */
static struct ibv_flow *match_one(uint32_t id, uint32_t bits, uint32_t value)
{
	struct match m = {0}, v = {0};

	put(&m, &v, 0, id, (const uint32_t[]){bits, value});
	return rule(&m, &v, one.qp);
}

/* As DPDK's "ecpri" item has it: type and number of a message behind the Ethernet header. */
static void ecpri(struct frame *f, unsigned type, unsigned number, unsigned ethertype)
{
	const uint8_t h[8] = {0x10, (uint8_t)type, 0, 4, (uint8_t)(number >> 8), (uint8_t)number};

	fr_ether(f, k.b.mac, k.a.mac, ethertype);
	st_bytes(f, h, sizeof(h));
	fr_payload(f, 46);
}

/* ---- tests ---------------------------------------------------------------------------------- */

Test(flex, words_behind_the_ethernet_header)
{
	struct match m = {0}, v = {0};
	struct frame f;
	uint32_t ids[2];

	header(MAC, ECPRI, ids);
	cr_expect_neq(ids[0], ids[1]);
	put(&m, &v, 0, ids[0], (const uint32_t[]){0x00ff0000, 0x00020000});
	put(&m, &v, 1, ids[1], (const uint32_t[]){0xffff0000, 0x12340000});
	cr_assert_not_null(rule(&m, &v, one.qp), "%s", strerror(errno));
	ecpri(&f, 2, 0x1234, ECPRI);
	cr_expect_eq(st_where(&f), 1);
	ecpri(&f, 2, 0x1235, ECPRI);
	cr_expect_eq(st_where(&f), 0, "another number");
	ecpri(&f, 3, 0x1234, ECPRI);
	cr_expect_eq(st_where(&f), 0, "another type");
	ecpri(&f, 2, 0x1234, 0xaeff);
	cr_expect_eq(st_where(&f), 0, "another protocol");
}

Test(flex, the_order_of_the_pairs_is_the_programs)
{
	struct match m = {0}, v = {0};
	struct frame f;
	uint32_t ids[2];

	header(MAC, ECPRI, ids);
	put(&m, &v, 2, ids[1], (const uint32_t[]){0xffff0000, 0x12340000});
	put(&m, &v, 5, ids[0], (const uint32_t[]){0x00ff0000, 0x00020000});
	cr_assert_not_null(rule(&m, &v, one.qp), "%s", strerror(errno));
	ecpri(&f, 2, 0x1234, ECPRI);
	cr_expect_eq(st_where(&f), 1);
	ecpri(&f, 2, 0x1235, ECPRI);
	cr_expect_eq(st_where(&f), 0);
}

Test(flex, words_behind_udp)
{
	static const uint8_t payload[8] = {1, 2, 3, 4, 0xca, 0xfe, 5, 6};
	struct frame f;
	uint32_t ids[2];

	header(UDP, 7777, ids);
	cr_assert_not_null(match_one(ids[1], 0xffff0000, 0xcafe0000), "%s", strerror(errno));
	st_outer(&f, 17, 7777);
	st_bytes(&f, payload, 8);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 1);
	st_outer(&f, 17, 7778);
	st_bytes(&f, payload, 8);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 0, "another port");
}

Test(flex, a_header_must_be_there_as_a_whole)
{
	static const uint8_t payload[4] = {0xca, 0xfe, 0xca, 0xfe};
	struct frame f;
	uint32_t id;
	struct cmd c;

	fill(&c, UDP, 7777, (const uint8_t[]){0}, 1);
	cmd_set(c.in + FLEX, 0x60, 16, 100);
	create(&c, &id);
	cr_assert_not_null(match_one(id, 0xffffffff, 0xcafecafe), "%s", strerror(errno));
	st_outer(&f, 17, 7777);
	st_bytes(&f, payload, 4);
	fr_payload(&f, 96);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 1);
	st_outer(&f, 17, 7777);
	st_bytes(&f, payload, 4);
	fr_payload(&f, 95);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 0);
}

Test(flex, words_behind_ip)
{
	static const uint8_t payload[8] = {0xde, 0xad, 0xbe, 0xef};
	struct frame f;
	uint32_t ids[2], other[2];

	header(IPV4, 253, ids); /* RFC 3692: for experiments */
	header(IPV6, 253, other);
	cr_assert_not_null(match_one(ids[0], 0xffffffff, 0xdeadbeef), "%s", strerror(errno));
	cr_assert_not_null(match_one(other[0], 0xffffff00, 0xdeadbe00), "%s", strerror(errno));
	st_outer(&f, 253, 0);
	st_bytes(&f, payload, 8);
	fr_payload(&f, 40);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 1);
	cr_assert_not_null(match_one(other[0], 0xffff0000, 0xdead0000));
	st_outer(&f, 254, 0);
	st_bytes(&f, payload, 8);
	fr_payload(&f, 40);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 0, "another protocol");
}

/* It is the header that IPv4's length is told in. */
Test(flex, the_length_of_an_ipv4_packet)
{
	struct frame f;
	uint32_t id;
	struct cmd c;

	fill(&c, MAC, 0x0800, (const uint8_t[]){0}, 1);
	cmd_set(c.in + FLEX, 0x60, 16, 20);
	create(&c, &id);
	cr_assert_not_null(match_one(id, 0xffff, 20 + 8 + 100), "%s", strerror(errno));
	st_outer(&f, 17, 2000);
	fr_payload(&f, 100);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 1);
	st_outer(&f, 17, 2000);
	fr_payload(&f, 101);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 0);
}

Test(flex, a_rule_names_samples_that_there_are)
{
	struct mlx5dv_devx_obj *obj;
	struct match m = {0}, v = {0};
	uint32_t ids[2];

	cr_expect_null(match_one(0x123456, 0xff, 1), "no such sample");
	cr_expect_eq(errno, EINVAL);
	cr_expect_null(match_one(0, 0xff, 1), "no number");
	cr_expect_eq(errno, EINVAL);
	obj = header(MAC, ECPRI, ids);
	put(&m, &v, 0, ids[0], (const uint32_t[]){0xff, 1});
	put(&m, &v, 1, ids[0], (const uint32_t[]){0xff00, 0x100});
	cr_expect_null(rule(&m, &v, one.qp), "one of them twice");
	cr_expect_eq(errno, EINVAL);
	kit_forget(&k, obj);
	cr_assert_eq(mlx5dv_devx_obj_destroy(obj), 0);
	cr_expect_null(match_one(ids[0], 0xff, 1), "a sample that was");
	cr_expect_eq(errno, EINVAL);
}

Test(flex, what_a_rule_matches_by_stays)
{
	struct mlx5dv_devx_obj *obj;
	uint32_t ids[2];

	obj = header(MAC, ECPRI, ids);
	cr_assert_not_null(match_one(ids[0], 0xff, 1), "%s", strerror(errno));
	cr_expect_neq(mlx5dv_devx_obj_destroy(obj), 0, "a rule needs it");
}

static void refused(struct cmd *c, unsigned status)
{
	cr_expect_null(cmd_create(&k, &k.b, c));
	cr_expect_eq(errno, EREMOTEIO);
	cr_expect_eq(cmd_status(c), status, "status %u", cmd_status(c));
}

Test(flex, eight_samples_are_all_that_there_are)
{
	static const uint8_t at[8] = {0, 1, 2, 3, 4, 4, 3, 2};
	uint32_t ids[8];
	struct cmd c;

	fill(&c, MAC, ECPRI, at, 8);
	create(&c, ids);
	fill(&c, UDP, 1, at, 1);
	refused(&c, NO_RES);
}

Test(flex, graphs_that_the_card_cannot_parse)
{
	static const uint8_t at[1] = {0};
	struct cmd c;

	fill(&c, 0, 0, at, 1);
	refused(&c, BAD_PARAM); /* behind nothing */
	fill(&c, 7, 80, at, 1);
	refused(&c, BAD_PARAM); /* behind TCP */
	fill(&c, MAC, ECPRI, at, 1);
	cmd_set(c.in + FLEX, 0x7c, 4, 1);
	refused(&c, BAD_PARAM); /* a length that a field tells */
	fill(&c, MAC, ECPRI, at, 1);
	cmd_set(c.in + OUT_ARCS, 0x08, 8, IP);
	refused(&c, BAD_PARAM); /* a header behind it */
	fill(&c, MAC, ECPRI, at, 1);
	cmd_set(c.in + SAMPLES, 0x04, 4, 1);
	refused(&c, BAD_PARAM); /* at a place that a field tells */
	fill(&c, MAC, ECPRI, at, 1);
	cmd_set(c.in, 0x30, 16, 0x23);
	refused(&c, BAD_PARAM); /* another kind of object */
	fill(&c, MAC, ECPRI, at, 1);
	c.in_len = SIZE - 4;
	refused(&c, BAD_INPUT_LEN);
}

Test(flex, the_card_tells_of_its_parser)
{
	cr_expect(cmd_cap(&k.b, 0, 0x400, 64) >> PARSE_GRAPH & 1, "general_obj_types");
	cr_expect_eq(cmd_cap(&k.b, 0x1c, 0, 32), 1 << MAC | 1 << IP | 1 << UDP | 1 << IPV4 | 1 << IPV6);
	cr_expect_eq(cmd_cap(&k.b, 0x1c, 0x70, 8), 8, "max_num_sample");
	cr_expect_eq(cmd_cap(&k.b, 0x20, 0x83, 5), 8, "max_num_prog_sample_field");
}
