/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow actions of root tables through libmlx5: what tunnels look like after they were taken off or
 * put on, what header fields become, and what mlx5_ib (fs.c) and the firmware refuse.
 */
#include "steer_kit.h"

KIT_UNDO(ibv_destroy_flow_action, struct ibv_flow_action)
KIT_UNDO(ibv_destroy_flow, struct ibv_flow)
KIT_UNDO(mlx5dv_destroy_flow_matcher, struct mlx5dv_flow_matcher)

#define RX	 MLX5DV_FLOW_TABLE_TYPE_NIC_RX
#define TX	 MLX5DV_FLOW_TABLE_TYPE_NIC_TX
#define L2_DECAP MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TUNNEL_TO_L2
#define L2_ENCAP MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L2_TUNNEL
#define L3_DECAP MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L3_TUNNEL_TO_L2
#define L3_ENCAP MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L3_TUNNEL
#define SET	 1u
#define ADD	 2u
#define COPY	 3u

TestSuite(action, .init = st_setup, .fini = st_teardown, .timeout = 60);

static struct ibv_flow_action *reformat(struct kit_port *p, int type, int table, const void *data,
					size_t size)
{
	struct ibv_flow_action *a = mlx5dv_create_flow_action_packet_reformat(
		p->ctx, size, (void *)(uintptr_t)data,
		(enum mlx5dv_flow_action_packet_reformat_type)type,
		(enum mlx5dv_flow_table_type)table);

	if (a)
		kit_defer(&k, undo_ibv_destroy_flow_action, a);
	return a;
}

static struct ibv_flow_action *modify(struct kit_port *p, int table, uint64_t *acts, unsigned n)
{
	struct ibv_flow_action *a = mlx5dv_create_flow_action_modify_header(
		p->ctx, n * sizeof(*acts), acts, (enum mlx5dv_flow_table_type)table);

	if (a)
		kit_defer(&k, undo_ibv_destroy_flow_action, a);
	return a;
}

/* mlx5_ifc.h: set_action_in and add_action_in */
static uint64_t act(unsigned type, unsigned field, unsigned length, uint32_t data)
{
	return htobe64((uint64_t)(type << 28 | field << 16 | (length & 31)) << 32 | data);
}

/* A rule of priority 1 on the UDP destination port; 0: on all frames. */
static struct ibv_flow *flow_of(struct kit_port *p, int table, unsigned port,
				struct mlx5dv_flow_action_attr *acts, unsigned n)
{
	struct kit_match mask = {.size = 64}, value = {.size = 64};
	struct mlx5dv_flow_matcher_attr attr = {.type = IBV_FLOW_ATTR_NORMAL,
						.priority = 1,
						.match_criteria_enable = 1,
						.match_mask = (void *)&mask,
						.comp_mask = MLX5DV_FLOW_MATCHER_MASK_FT_TYPE,
						.ft_type = (enum mlx5dv_flow_table_type)table};
	struct mlx5dv_flow_matcher *matcher;
	struct ibv_flow *flow;

	if (port) {
		fr_put16(mask.b + KIT_UDP_DPORT, 0xffff);
		fr_put16(value.b + KIT_UDP_DPORT, port);
	}
	matcher = mlx5dv_create_flow_matcher(p->ctx, &attr);
	cr_assert_not_null(matcher, "%s", strerror(errno));
	kit_defer(&k, undo_mlx5dv_destroy_flow_matcher, matcher);
	flow = mlx5dv_create_flow(matcher, (void *)&value, n, acts);
	if (flow)
		kit_defer(&k, undo_ibv_destroy_flow, flow);
	return flow;
}

static struct ibv_flow *to_one(unsigned port, struct ibv_flow_action *a, struct ibv_flow_action *b)
{
	struct mlx5dv_flow_action_attr acts[3] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = one.qp},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION, .action = a},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION, .action = b},
	};

	return flow_of(&k.b, RX, port, acts, b ? 3 : 2);
}

static struct ibv_flow *out(struct ibv_flow_action *a)
{
	struct mlx5dv_flow_action_attr act = {.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION,
					      .action = a};

	return flow_of(&k.a, TX, 4444, &act, 1);
}

/* Queue one got just these bytes. */
static void expect_bytes(const struct frame *f)
{
	cr_expect_eq(st_wc.byte_len, f->len, "%u bytes, not %u", st_wc.byte_len, f->len);
	cr_expect_arr_eq(kit_slot(&k.b, 0), f->b, f->len);
}

/* ---- tunnels off --------------------------------------------------------------------------- */

Test(action, vxlan_is_taken_off)
{
	struct frame f, inner;

	cr_assert_not_null(to_one(4789, reformat(&k.b, L2_DECAP, RX, NULL, 0), NULL), "%s",
			   strerror(errno));
	st_inner(&inner, 17);
	st_vxlan(&f, &inner);
	cr_assert_eq(st_where(&f), 1);
	expect_bytes(&inner);
	st_outer(&f, 17, 4789); /* no room for the tunnel's header: nothing to take off */
	fr_payload(&f, 4);
	fr_finish(&f);
	cr_expect_eq(st_where(&f), 0);
}

Test(action, gre_with_an_ip_packet_gets_a_new_ethernet_header)
{
	struct mlx5dv_flow_action_attr acts[2] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = one.qp},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION},
	};
	struct frame f, inner;

	st_inner(&inner, 6);
	fr_mac(inner.b, "02:0a:0a:0a:0a:0a");
	acts[1].action = reformat(&k.b, L3_DECAP, RX, inner.b, 14);
	cr_assert_not_null(acts[1].action, "%s", strerror(errno));
	cr_assert_not_null(flow_of(&k.b, RX, 0, acts, 2), "%s", strerror(errno));
	st_gre(&f, &inner, 0x0800);
	cr_assert_eq(st_where(&f), 1);
	expect_bytes(&inner);
}

/* ---- tunnels on ---------------------------------------------------------------------------- */

static void expect_encap(int type, unsigned skip)
{
	struct frame f, inner, head;
	unsigned size;

	kit_catch_all(&k, one.qp);
	st_inner(&inner, 17);
	st_vxlan(&f, &inner);
	head = f;
	size = 50;
	fr_put16(head.b + 16, 0); /* the card fills in the lengths, */
	fr_put16(head.b + 24, 0); /* the checksum of IPv4, */
	fr_put16(head.b + 38, 0);
	fr_put16(f.b + 40, 0); /* and makes none for UDP */
	fr_put16(head.b + 40, 0);
	cr_assert_not_null(out(reformat(&k.a, type, TX, head.b, size)), "%s", strerror(errno));
	memmove(f.b + size, inner.b + skip, inner.len - skip);
	f.len = size + inner.len - skip;
	fr_put16(f.b + 16, f.len - 14);
	fr_put16(f.b + 38, f.len - 34);
	fr_put16(f.b + 24, 0);
	fr_put16(f.b + 24, fr_l3_csum(&f));
	cr_assert_eq(st_where(&inner), 1);
	expect_bytes(&f);
}

Test(action, what_is_sent_gets_a_tunnel)
{
	expect_encap(L2_ENCAP, 0);
}

Test(action, what_is_sent_gets_a_tunnel_for_its_ip_packet)
{
	expect_encap(L3_ENCAP, 14);
}

/* ---- fields -------------------------------------------------------------------------------- */

Test(action, fields_are_set_and_checksums_follow)
{
	uint64_t acts[] = {
		act(SET, 0x04, 32, 0x02aabbcc),					/* DMAC 47:16 */
		act(SET, 0x05, 16, 0xddee),	act(SET, 0x15, 32, 0x0a090807), /* source address */
		act(SET, 0x0c, 16, 9999), /* UDP destination port */
		act(ADD, 0x0a, 0, 0xff),  /* time to live: one less */
		act(SET, 0x06, 6, 0x2e),  /* DSCP */
	};
	struct frame f, want;

	cr_assert_not_null(to_one(2000, modify(&k.b, RX, acts, 6), NULL), "%s", strerror(errno));
	st_outer(&f, 17, 2000);
	fr_payload(&f, 40);
	fr_finish(&f);
	want = f;
	fr_mac(want.b, "02:aa:bb:cc:dd:ee");
	memcpy(want.b + 26, "\x0a\x09\x08\x07", 4);
	fr_put16(want.b + 36, 9999);
	want.b[22] = 63;
	want.b[15] = 0x2e << 2;
	fr_finish(&want);
	cr_assert_eq(st_where(&f), 1);
	expect_bytes(&want);
}

Test(action, a_field_is_copied_and_a_header_that_is_not_there_is_left_alone)
{
	uint64_t acts[] = {
		htobe64((uint64_t)(COPY << 28 | 0x15u << 16) << 32 | 0x16u << 16), /* to DIPV4 */
		act(SET, 0x08, 16, 1),						   /* a TCP port */
		act(SET, 0x47, 8, 1),						   /* a hop limit */
	};
	struct frame f, want;

	cr_assert_not_null(to_one(2000, modify(&k.b, RX, acts, 3), NULL), "%s", strerror(errno));
	st_outer(&f, 17, 2000);
	fr_payload(&f, 40);
	fr_finish(&f);
	want = f;
	memcpy(want.b + 30, want.b + 26, 4);
	fr_finish(&want);
	cr_assert_eq(st_where(&f), 1);
	expect_bytes(&want);
}

Test(action, a_tunnel_is_taken_off_before_fields_are_set)
{
	uint64_t acts[] = {act(SET, 0x16, 32, 0x0a0a0a0a)};
	struct frame f, inner;

	cr_assert_not_null(
		to_one(4789, modify(&k.b, RX, acts, 1), reformat(&k.b, L2_DECAP, RX, NULL, 0)),
		"%s", strerror(errno));
	st_inner(&inner, 6);
	st_vxlan(&f, &inner);
	memcpy(inner.b + 30, "\x0a\x0a\x0a\x0a", 4);
	fr_finish(&inner);
	cr_assert_eq(st_where(&f), 1);
	expect_bytes(&inner);
}

/* ---- refused ------------------------------------------------------------------------------- */

static void refused(const void *made, int err, const char *what)
{
	cr_expect_null(made, "%s was accepted", what);
	cr_expect_eq(errno, err, "%s: %s, not %s", what, strerror(errno), strerror(err));
}

Test(action, each_table_has_its_own_reformats)
{
	uint8_t data[256] = {0};

	refused(reformat(&k.b, L2_DECAP, TX, NULL, 0), EOPNOTSUPP, "decap in NIC_TX");
	refused(reformat(&k.b, L3_DECAP, TX, data, 14), EOPNOTSUPP, "L3 decap in NIC_TX");
	refused(reformat(&k.b, L2_ENCAP, RX, data, 50), EOPNOTSUPP, "encap in NIC_RX");
	refused(reformat(&k.b, L3_ENCAP, RX, data, 50), EOPNOTSUPP, "L3 encap in NIC_RX");
	refused(reformat(&k.b, L2_ENCAP, TX, data, 129), EINVAL, "129 bytes of header");
	cr_expect_not_null(reformat(&k.b, L2_ENCAP, TX, data, 128));
}

Test(action, actions_that_no_card_has)
{
	uint64_t acts[17], odd = act(7, 0x15, 32, 0), no_field = act(SET, 0x3ff, 8, 0);
	uint64_t wide = act(SET, 0x0c, 17, 0);
	unsigned i;

	for (i = 0; i < 17; i++)
		acts[i] = act(SET, 0x15, 32, i);
	refused(modify(&k.b, RX, acts, 17), EOPNOTSUPP, "17 actions");
	refused(modify(&k.b, RX, &odd, 1), EINVAL, "type 7");
	refused(modify(&k.b, RX, &no_field, 1), EINVAL, "field 0x3ff");
	refused(modify(&k.b, RX, &wide, 1), EINVAL, "17 bits of a port");
	refused(modify(&k.b, MLX5DV_FLOW_TABLE_TYPE_FDB, acts, 1), EOPNOTSUPP, "FDB");
	cr_expect_not_null(modify(&k.b, RX, acts, 16), "%s", strerror(errno));
}

/* get_dests(), and MLX5_IB_CREATE_FLOW_MAX_FLOW_ACTIONS: what is more is refused before it is
 * looked at. */
Test(action, a_rule_has_one_destination_and_two_actions)
{
	static const uint8_t header[14];
	uint64_t set = act(SET, 0x15, 32, 1);
	struct mlx5dv_flow_action_attr acts[] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = one.qp},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION,
		 .action = reformat(&k.b, L2_DECAP, RX, NULL, 0)},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION, .action = modify(&k.b, RX, &set, 1)},
		{.type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION,
		 .action = reformat(&k.b, L3_DECAP, RX, header, sizeof(header))}};
	struct mlx5dv_flow_action_attr both[] = {acts[0], {.type = MLX5DV_FLOW_ACTION_DROP}};

	cr_expect_not_null(flow_of(&k.b, RX, 3000, acts, 3), "%s", strerror(errno));
	refused(flow_of(&k.b, RX, 3001, acts, 4), EINVAL, "three actions");
	refused(flow_of(&k.b, RX, 3002, both, 2), EOPNOTSUPP, "a queue, and drop"); /* libmlx5 */
	refused(flow_of(&k.b, RX, 3003, acts + 1, 1), EINVAL, "no destination");
}

Test(action, rules_of_one_match_have_one_action)
{
	struct ibv_flow_action *decap = reformat(&k.b, L2_DECAP, RX, NULL, 0);
	uint64_t set = act(SET, 0x15, 32, 1);
	struct ibv_flow_action *first = modify(&k.b, RX, &set, 1), *second;

	second = modify(&k.b, RX, &set, 1);
	cr_assert_not_null(to_one(2000, first, NULL));
	refused(to_one(2000, second, NULL), EEXIST, "another action object");
	refused(to_one(2000, decap, NULL), EEXIST, "another action");
	refused(to_one(2001, first, second), EINVAL, "two of a kind");
	cr_expect_eq(ibv_destroy_flow_action(first), EBUSY, "an action in use was destroyed");
	refused(to_one(2002, modify(&k.b, TX, &set, 1), NULL), EINVAL, "NIC_TX's in NIC_RX");
}
