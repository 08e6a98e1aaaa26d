/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matchers of mlx5dv on the sections of fte_match_param (PRM): frames that a word is for and
 * frames that differ in a byte of it, and what the kernel and the firmware refuse.
 */
#include <rdma/mlx5_user_ioctl_cmds.h>

#include "steer_kit.h"

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)
KIT_UNDO(mlx5dv_destroy_flow_matcher, struct mlx5dv_flow_matcher)

#define NIC_RX MLX5DV_FLOW_TABLE_TYPE_NIC_RX
#define NIC_TX MLX5DV_FLOW_TABLE_TYPE_NIC_TX

TestSuite(match, .init = st_setup, .fini = st_teardown, .timeout = 60);

struct params {
	size_t size;
	uint8_t b[448];
};

/* Sections, by their enable bits. */
enum { OUTER, MISC, INNER, MISC2, MISC3, MISC4, MISC5 };

struct want {
	unsigned section, at; /* byte within it */
	unsigned n;
	const char *mask, *value;
};

static struct mlx5dv_flow_matcher *matcher(struct kit_port *p, struct params *mask, unsigned enable,
					   int table)
{
	struct mlx5dv_flow_matcher_attr attr = {.type = IBV_FLOW_ATTR_NORMAL,
						.priority = 1,
						.match_criteria_enable = (uint8_t)enable,
						.match_mask = (void *)mask,
						.comp_mask = MLX5DV_FLOW_MATCHER_MASK_FT_TYPE,
						.ft_type = (enum mlx5dv_flow_table_type)table};
	struct mlx5dv_flow_matcher *m;

	mask->size = sizeof(mask->b);
	m = mlx5dv_create_flow_matcher(p->ctx, &attr);
	if (m)
		kit_defer(&k, undo_mlx5dv_destroy_flow_matcher, m);
	return m;
}

static struct ibv_flow *flow(struct kit_port *p, const struct want *w, unsigned enable, int table)
{
	struct mlx5dv_flow_action_attr acts[1] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = one.qp}};
	struct params mask = {0}, value = {.size = sizeof(value.b)};
	struct mlx5dv_flow_matcher *m;

	memcpy(mask.b + (size_t)w->section * 64 + w->at, w->mask, w->n);
	memcpy(value.b + (size_t)w->section * 64 + w->at, w->value, w->n);
	m = matcher(p, &mask, enable, table);
	cr_assert_not_null(m, "%s", strerror(errno));
	if (table == NIC_TX)
		acts[0] = (struct mlx5dv_flow_action_attr){.type = MLX5DV_FLOW_ACTION_DROP};
	return mlx5dv_create_flow(m, (void *)&value, 1, acts);
}

/* Taken as it is, and not with a bit of the byte turned. */
static void expect(struct want w, struct frame *f, unsigned byte, const char *what)
{
	struct ibv_flow *made = flow(&k.b, &w, 1u << w.section, NIC_RX);

	cr_assert_not_null(made, "%s: %s", what, strerror(errno));
	cr_expect_eq(st_where(f), 1, "%s: its frame was not taken", what);
	f->b[byte] ^= 0x10;
	cr_expect_eq(st_where(f), 0, "%s: another frame was taken", what);
	f->b[byte] ^= 0x10;
	cr_assert_eq(ibv_destroy_flow(made), 0);
}

#define F4 "\xff\xff\xff\xff"

Test(match, headers_in_a_vxlan_tunnel)
{
	struct frame f, inner;

	st_inner(&inner, 6);
	fr_put16(inner.b + 38, 0x1357); /* sequence number */
	fr_finish(&inner);
	st_vxlan(&f, &inner);
	expect((struct want){MISC, 20, 4, "\xff\xff\xff\0", "\x12\x34\x56\0"}, &f, 48, "vxlan_vni");
	expect((struct want){INNER, 8, 6, F4 "\xff\xff", "\x02\x11\x22\x33\x44\x55"}, &f, 55,
	       "inner dmac");
	expect((struct want){INNER, 60, 4, F4, "\x0a\x02\x02\x02"}, &f, 81, "inner destination");
	expect((struct want){INNER, 22, 2, "\xff\xff", "\x11\x5c"}, &f, 87, "inner tcp_dport");
	expect((struct want){MISC3, 0, 4, F4, "\x13\x57\0\0"}, &f, 88, "inner_tcp_seq_num");
	expect((struct want){MISC5, 20, 4, F4, "\x12\x34\x56\0"}, &f, 46, "tunnel_header_1");
}

Test(match, headers_in_a_gre_tunnel)
{
	struct frame f, inner;

	st_inner(&inner, 17);
	st_gre(&f, &inner, 0x6558);
	expect((struct want){MISC, 0, 1, "\xb0", "\x20"}, &f, 34, "gre_k_present");
	expect((struct want){MISC, 14, 2, "\xff\xff", "\x65\x58"}, &f, 36, "gre_protocol");
	expect((struct want){MISC, 16, 4, F4, "\xaa\xbb\xcc\x01"}, &f, 38, "gre_key");
	expect((struct want){INNER, 30, 2, "\xff\xff", "\x11\x5c"}, &f, 42 + 36, "inner udp_dport");
	st_gre(&f, &inner, 0x0800);
	expect((struct want){INNER, 60, 4, F4, "\x0a\x02\x02\x02"}, &f, 42 + 19,
	       "inner destination without an Ethernet header");
}

Test(match, geneve_and_gtp)
{
	struct frame f;

	st_outer(&f, 17, 6081);
	st_bytes(&f, "\x01\x80\x65\x58\x00\x0a\xbc\x00\x01\x02\x03\x04", 12);
	fr_payload(&f, 40);
	fr_finish(&f);
	expect((struct want){MISC, 24, 4, "\xff\xff\xff\x01", "\x00\x0a\xbc\x01"}, &f, 47,
	       "geneve_vni and geneve_oam");
	expect((struct want){MISC, 37, 3, "\x3f\xff\xff", "\x01\x65\x58"}, &f, 44,
	       "geneve_opt_len and protocol");
	st_outer(&f, 17, 2152);
	st_bytes(&f, "\x30\xff\x00\x20\xde\xad\xbe\xef", 8);
	fr_payload(&f, 40);
	fr_finish(&f);
	expect((struct want){MISC3, 40, 4, F4, "\xde\xad\xbe\xef"}, &f, 47, "gtpu_teid");
	expect((struct want){MISC3, 44, 1, "\xff", "\xff"}, &f, 43, "gtpu_msg_type");
}

Test(match, words_of_rarer_headers)
{
	struct frame f;

	fr_ether(&f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&f, 1, "192.0.2.1", "198.51.100.2");
	st_bytes(&f, "\x08\x02\x11\x22\x33\x44\x55\x66", 8);
	fr_payload(&f, 40);
	fr_finish(&f);
	expect((struct want){MISC3, 32, 2, "\xff\xff", "\x08\x02"}, &f, 34, "icmp_type, icmp_code");
	expect((struct want){MISC3, 24, 4, F4, "\x33\x44\x55\x66"}, &f, 40, "icmp_header_data");
	fr_ether(&f, k.b.mac, k.a.mac, 0x8847);
	st_bytes(&f, "\x12\x34\x51\x40", 4);
	fr_payload(&f, 60);
	expect((struct want){MISC2, 0, 4, "\xff\xff\xf0\0", "\x12\x34\x50\0"}, &f, 15,
	       "outer_first_mpls");
	fr_ether(&f, k.b.mac, k.a.mac, 0x88b5);
	fr_vlan(&f, 0x88a8, 5);
	fr_vlan(&f, 0x8100, 9);
	fr_payload(&f, 60);
	expect((struct want){MISC, 8, 2, "\x0f\xff", "\x00\x09"}, &f, 19, "outer_second_vid");
	fr_ether(&f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&f, 50, "192.0.2.1", "198.51.100.2");
	st_bytes(&f, "\x00\x00\x12\x34", 4);
	fr_payload(&f, 60);
	fr_finish(&f);
	expect((struct want){MISC, 48, 4, F4, "\x00\x00\x12\x34"}, &f, 36, "outer_esp_spi");
}

/* ---- NIC_TX -------------------------------------------------------------------------------- */

Test(match, what_a_queue_sends_is_known_by_its_number)
{
	struct ibv_qp *other = kit_raw(&k, &k.a, tx_cq);
	uint32_t sqn = htobe32(other->qp_num);
	struct want w = {MISC, 1, 3, "\xff\xff\xff", (const char *)&sqn + 1};
	struct ibv_flow *made;
	struct frame f;

	kit_catch_all(&k, one.qp);
	made = flow(&k.a, &w, 1u << MISC, NIC_TX);
	cr_assert_not_null(made, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_destroy_flow, made);
	kit_frame(&k, &f, 80);
	cr_expect_eq(st_where(&f), 1, "the first queue is not meant");
	kit_send(other, &k.a, &f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(one.cq), 0, "the second queue's frame came");
}

/* ---- refused ------------------------------------------------------------------------------- */

static void refused(struct want w, unsigned enable, int table, int err)
{
	struct ibv_flow *made;

	errno = 0;
	made = flow(&k.b, &w, enable, table);
	cr_expect_null(made, "section %u byte %u", w.section, w.at);
	cr_expect_eq(errno, err, "section %u byte %u: %s", w.section, w.at, strerror(errno));
	if (made)
		ibv_destroy_flow(made);
}

Test(match, what_no_frame_has_is_refused)
{
	struct want sqn = {MISC, 1, 3, "\xff\xff\xff", "\0\0\1"};
	struct want port = {MISC, 6, 2, "\xff\xff", "\0\1"};
	struct want nothing = {MISC3, 60, 4, F4, F4};
	struct want vni = {MISC, 20, 4, "\xff\xff\xff\0", "\x12\x34\x56\0"};

	refused(sqn, 1u << MISC, NIC_RX, EINVAL);
	refused(port, 1u << MISC, NIC_RX, EINVAL);
	refused(nothing, 1u << MISC3, NIC_RX, EINVAL);
	refused(vni, 1u << OUTER, NIC_RX, EINVAL);
	refused(vni, 1u << MISC, MLX5DV_FLOW_TABLE_TYPE_RDMA_RX, EOPNOTSUPP);
	refused(vni, 1u << MISC, MLX5DV_FLOW_TABLE_TYPE_FDB, EINVAL);
}

/* UVERBS_ATTR_SIZE(1, sizeof(struct mlx5_ib_match_params)): more is for kernels that know more
 * sections. */
Test(match, a_longer_match_than_the_kernel_knows_is_refused)
{
	struct {
		size_t size;
		uint8_t b[4 * MLX5_IB_DW_MATCH_PARAM + 4];
	} mask = {.size = 4 * MLX5_IB_DW_MATCH_PARAM};
	struct mlx5dv_flow_matcher_attr attr = {.type = IBV_FLOW_ATTR_NORMAL,
						.priority = 1,
						.match_criteria_enable = 1u << OUTER,
						.match_mask = (void *)&mask};
	struct mlx5dv_flow_matcher *m = mlx5dv_create_flow_matcher(k.b.ctx, &attr);

	cr_assert_not_null(m, "%s", strerror(errno));
	cr_expect_eq(mlx5dv_destroy_flow_matcher(m), 0);
	mask.size = sizeof(mask.b);
	cr_expect_null(mlx5dv_create_flow_matcher(k.b.ctx, &attr));
	cr_expect_eq(errno, EINVAL);
}

Test(match, a_queue_is_no_destination_in_nic_tx)
{
	struct mlx5dv_flow_action_attr act = {.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = one.qp};
	struct params mask = {0}, value = {.size = sizeof(value.b)};
	struct mlx5dv_flow_matcher *m = matcher(&k.b, &mask, 0, NIC_TX);

	cr_assert_not_null(m);
	cr_expect_null(mlx5dv_create_flow(m, (void *)&value, 1, &act));
	cr_expect_eq(errno, EINVAL);
	act.type = MLX5DV_FLOW_ACTION_DEFAULT_MISS;
	cr_expect_null(mlx5dv_create_flow(m, (void *)&value, 1, &act));
	cr_expect_eq(errno, EOPNOTSUPP);
}

Test(match, a_miss_goes_to_the_kernel_and_past_later_rules)
{
	struct mlx5dv_flow_action_attr act = {.type = MLX5DV_FLOW_ACTION_DEFAULT_MISS};
	struct params mask = {0}, value = {.size = sizeof(value.b)};
	struct ibv_flow *made;
	struct frame f;

	kit_catch_all(&k, two.qp);
	kit_frame(&k, &f, 80);
	cr_expect_eq(st_where(&f), 2);
	memset(mask.b + 8, 0xff, 6);
	memcpy(value.b + 8, f.b, 6);
	made = mlx5dv_create_flow(matcher(&k.b, &mask, 1, NIC_RX), (void *)&value, 1, &act);
	cr_assert_not_null(made, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_destroy_flow, made);
	cr_expect_eq(st_where(&f), 0);
}
