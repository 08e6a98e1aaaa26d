/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnelled frames on queues with MLX5DV_QP_CREATE_TUNNEL_OFFLOADS, through unmodified libibverbs:
 * types, checksums and hashes that the completions tell are the inner packet's.
 */
#include "devx_kit.h"
#include "kit_cqe.h"

#include <errno.h>

enum tunnel { VXLAN, GENEVE, GRE, NVGRE, IPIP, TUNNELS };

/* Byte 0 of a CQE, and the pair hds_ip_ext, l4_hdr_type_etc (PRM, "CQE format"). */
#define TUNNELED   0x01u
#define OUTER_IPV6 0x02u
#define L2_OK	   0x0100u
#define L3_OK	   0x0200u
#define L4_OK	   0x0400u
#define ALL_OK	   (L2_OK | L3_OK | L4_OK)
#define IPV6	   0x0004u
#define IPV4	   0x0008u
#define TCP_ACK	   0x0040u
#define UDP_TYPE   0x0020u

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;
static struct ibv_cq *cq;
static struct ibv_wq *wq;
static struct kit_cqes cqes;

static void setup(void)
{
	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 16);
	tx = kit_raw(&k, &k.a, tx_cq);
	cq = kit_cq(&k, &k.b, 16);
	wq = kit_wq(&k, &k.b, cq, 16);
	kit_cqes(&cqes, cq);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(tunnel, .init = setup, .fini = teardown, .timeout = 60);

KIT_UNDO(ibv_destroy_qp, struct ibv_qp)

static struct ibv_qp *hash_qp(uint64_t fields, uint32_t flags)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_RX_HASH | IBV_QP_INIT_ATTR_IND_TABLE,
		.pd = k.b.pd,
		.rwq_ind_tbl = kit_table(&k, &k.b, &wq, 0),
		.rx_hash_conf = {.rx_hash_function = IBV_RX_HASH_FUNC_TOEPLITZ,
				 .rx_hash_key_len = sizeof(kit_rss_key),
				 .rx_hash_key = kit_rss_key,
				 .rx_hash_fields_mask = fields},
	};
	struct mlx5dv_qp_init_attr dv = {.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
					 .create_flags = flags};
	struct ibv_qp *qp = mlx5dv_create_qp(k.b.ctx, &attr, &dv);

	if (!qp)
		return NULL;
	kit_defer(&k, undo_ibv_destroy_qp, qp);
	return qp;
}

static void receive_by(uint64_t fields, uint32_t flags)
{
	struct ibv_qp *qp = hash_qp(fields, flags);

	cr_assert_not_null(qp, "%s", strerror(errno));
	kit_catch_all(&k, qp);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void inner_frame(struct frame *f, unsigned version, unsigned proto)
{
	fr_ether(f, "02:00:00:00:00:01", "02:00:00:00:00:02", version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		fr_ipv4(f, proto, "66.9.149.187", "161.142.100.80");
	else
		fr_ipv6(f, proto, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1");
	if (proto == 17)
		fr_udp(f, 2794, 1766);
	else
		fr_tcp(f, 2794, 1766, FR_TCP_ACK);
	fr_payload(f, 61);
	fr_finish(f);
}

/* The same without its Ethernet header. */
static void inner_packet(struct frame *f, unsigned version, unsigned proto)
{
	struct frame ether;

	inner_frame(&ether, version, proto);
	memset(f, 0, sizeof(*f));
	f->len = ether.len - 14;
	memcpy(f->b, ether.b + 14, f->len);
}

static bool has_ether(enum tunnel t)
{
	return t != GRE && t != IPIP;
}

static void tunnel_header(struct frame *f, enum tunnel t, unsigned version)
{
	static const uint8_t vxlan[] = {8, 0, 0, 0, 0, 0, 9, 0};
	static const uint8_t geneve[] = {1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 0x80, 0};
	static const uint8_t nvgre[] = {0x20, 0, 0x65, 0x58, 0, 0, 9, 1};
	const uint8_t gre[] = {0, 0, version == 4 ? 0x08 : 0x86, version == 4 ? 0x00 : 0xdd};
	const struct {
		const uint8_t *bytes;
		unsigned len;
	} headers[TUNNELS] = {[VXLAN] = {vxlan, sizeof(vxlan)},
			      [GENEVE] = {geneve, sizeof(geneve)},
			      [GRE] = {gre, sizeof(gre)},
			      [NVGRE] = {nvgre, sizeof(nvgre)}};

	if (!headers[t].len)
		return;
	memcpy(f->b + f->len, headers[t].bytes, headers[t].len);
	f->len += headers[t].len;
}

static void outer_frame(struct frame *f, enum tunnel t, unsigned outer, unsigned inner)
{
	unsigned proto = t == VXLAN || t == GENEVE ? 17 : t != IPIP ? 47 : inner == 4 ? 4 : 41;

	fr_ether(f, k.b.mac, k.a.mac, outer == 4 ? 0x0800 : 0x86dd);
	if (outer == 4)
		fr_ipv4(f, proto, "10.0.0.1", "10.0.0.2");
	else
		fr_ipv6(f, proto, "fd00::1", "fd00::2");
	if (proto == 17)
		fr_udp(f, 40000, t == VXLAN ? 4789 : 6081);
	tunnel_header(f, t, inner);
}

struct packet {
	enum tunnel tunnel;
	unsigned outer, inner, proto;
	unsigned spoil; /* offset in the inner packet whose byte is turned round; 0: none */
};

static void build(struct frame *f, const struct packet *p)
{
	struct frame in;

	if (has_ether(p->tunnel))
		inner_frame(&in, p->inner, p->proto);
	else
		inner_packet(&in, p->inner, p->proto);
	if (p->spoil)
		in.b[p->spoil] ^= 0xff;
	outer_frame(f, p->tunnel, p->outer, p->inner);
	memcpy(f->b + f->len, in.b, in.len);
	f->len += in.len;
	fr_finish(f);
}

/* ---- completions ----------------------------------------------------------------------------- */

struct told {
	unsigned tunnel, flags;
	uint32_t hash, hash_type;
};

static struct told receive(const struct frame *f)
{
	struct mlx5_cqe64 *cqe;
	struct told told;
	const uint8_t *b;
	struct ibv_wc wc;

	kit_wq_recv(wq, &k.b, 0, 2048);
	kit_send(tx, &k.a, f, 1, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cqe = kit_cqe(&cqes, 2000);
	cr_assert_not_null(cqe);
	b = (const uint8_t *)cqe;
	told = (struct told){.tunnel = b[0],
			     .flags = (unsigned)b[28] << 8 | b[29],
			     .hash = (uint32_t)fr_get16(b + 12) << 16 | fr_get16(b + 14),
			     .hash_type = b[16]};
	cr_assert_eq(ibv_poll_cq(cq, 1, &wc), 1);
	cr_assert_eq(wc.byte_len, f->len);
	cqes.ci++;
	return told;
}

static unsigned types(const struct packet *p)
{
	return (p->inner == 4 ? IPV4 : IPV6) | (p->proto == 17 ? UDP_TYPE : TCP_ACK);
}

static void expect_told(const struct packet *p, unsigned ok)
{
	struct frame f;
	struct told told;

	build(&f, p);
	told = receive(&f);
	cr_expect_eq(told.tunnel, TUNNELED | (p->outer == 6 ? OUTER_IPV6 : 0),
		     "tunnel %d, outer %u: %x", (int)p->tunnel, p->outer, told.tunnel);
	cr_expect_eq(told.flags, ok | types(p), "tunnel %d, outer %u, inner %u, protocol %u: %x",
		     (int)p->tunnel, p->outer, p->inner, p->proto, told.flags);
}

/* ---- tests ----------------------------------------------------------------------------------- */

Test(tunnel, the_device_tells_its_tunnels)
{
	struct mlx5dv_context dv = {.comp_mask = MLX5DV_CONTEXT_MASK_TUNNEL_OFFLOADS};

	cr_assert_eq(mlx5dv_query_device(k.b.ctx, &dv), 0);
	cr_expect_eq(dv.tunnel_offloads_caps,
		     MLX5DV_RAW_PACKET_CAP_TUNNELED_OFFLOAD_VXLAN |
			     MLX5DV_RAW_PACKET_CAP_TUNNELED_OFFLOAD_GRE |
			     MLX5DV_RAW_PACKET_CAP_TUNNELED_OFFLOAD_GENEVE);
}

Test(tunnel, inner_types_and_checksums_are_told_of_each_tunnel)
{
	struct packet p = {.tunnel = VXLAN};

	receive_by(0, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	for (p.tunnel = VXLAN; p.tunnel < TUNNELS; p.tunnel++)
		for (p.outer = 4; p.outer <= 6; p.outer += 2)
			for (p.inner = 4; p.inner <= 6; p.inner += 2)
				for (p.proto = 6; p.proto <= 17; p.proto += 11)
					expect_told(&p, ALL_OK);
}

Test(tunnel, a_wrong_inner_checksum_is_told)
{
	struct packet udp = {
		.tunnel = VXLAN, .outer = 4, .inner = 4, .proto = 17, .spoil = 14 + 40};
	struct packet tcp6 = {.tunnel = GRE, .outer = 4, .inner = 6, .proto = 6, .spoil = 70};
	struct packet ip = {.tunnel = NVGRE, .outer = 6, .inner = 4, .proto = 6, .spoil = 14 + 8};

	receive_by(0, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	expect_told(&udp, L2_OK | L3_OK);
	expect_told(&tcp6, L2_OK | L3_OK);
	expect_told(&ip, L2_OK | L4_OK); /* the time to live: in no L4 checksum */
}

Test(tunnel, a_wrong_outer_header_is_told)
{
	struct packet p = {.tunnel = VXLAN, .outer = 4, .inner = 4, .proto = 17};
	struct frame f;

	receive_by(0, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	build(&f, &p);
	f.b[14 + 8] ^= 0xff;
	cr_expect_eq(receive(&f).flags, L2_OK | L4_OK | types(&p));
}

Test(tunnel, a_frame_without_a_tunnel_is_told_as_on_any_queue)
{
	struct frame f;
	struct told told;

	receive_by(0, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	inner_frame(&f, 4, 17);
	told = receive(&f);
	cr_expect_eq(told.tunnel, 0);
	cr_expect_eq(told.flags, ALL_OK | IPV4 | UDP_TYPE);
}

Test(tunnel, a_queue_without_the_offload_sees_the_outer_packet)
{
	struct packet p = {.tunnel = VXLAN, .outer = 6, .inner = 4, .proto = 6};
	struct frame f;
	struct told told;

	receive_by(0, 0);
	build(&f, &p);
	told = receive(&f);
	cr_expect_eq(told.tunnel, 0);
	cr_expect_eq(told.flags, ALL_OK | IPV6 | UDP_TYPE);
}

/* The frame ends within what its headers promise. */
Test(tunnel, inner_headers_that_are_cut_off_are_not_right)
{
	struct packet p = {.outer = 4, .inner = 4, .proto = 6};
	struct frame f, whole;

	receive_by(0, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	for (p.tunnel = VXLAN; p.tunnel < TUNNELS; p.tunnel++) {
		build(&whole, &p);
		for (unsigned cut = 1; cut < 130; cut += 7) {
			f = whole;
			f.len = whole.len - cut;
			if (f.len < 60)
				break;
			f.l3 = 14;
			f.l4 = 0;
			fr_put16(f.b + 14 + 2, f.len - 14); /* the outer header is right */
			fr_put16(f.b + 14 + 10, 0);
			fr_put16(f.b + 14 + 10, fr_l3_csum(&f));
			cr_expect_neq(receive(&f).flags & ALL_OK, ALL_OK, "tunnel %d less %u",
				      (int)p.tunnel, cut);
		}
	}
}

/* ---- hashes ---------------------------------------------------------------------------------- */

#define PORTS(proto) (IBV_RX_HASH_SRC_PORT_##proto | IBV_RX_HASH_DST_PORT_##proto)
#define IPV4_FIELDS  (IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4)
#define IPV6_FIELDS  (IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6)

/* Microsoft, "Verifying the RSS hash calculation": its first vectors, and its key. */
static void expect_hash(uint64_t fields, const struct packet *p, uint32_t hash, uint8_t type)
{
	struct frame f;
	struct told told;

	receive_by(fields | IBV_RX_HASH_INNER, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	build(&f, p);
	told = receive(&f);
	cr_expect_eq(told.hash, hash, "%08x", told.hash);
	cr_expect_eq(told.hash_type, type, "%02x", told.hash_type);
}

Test(tunnel, inner_ipv4_is_hashed_as_published)
{
	struct packet p = {.tunnel = GENEVE, .outer = 6, .inner = 4, .proto = 17};

	expect_hash(IPV4_FIELDS, &p, 0x323e8fc2, 0x05);
}

Test(tunnel, inner_ipv4_and_tcp_ports_are_hashed_as_published)
{
	struct packet p = {.tunnel = VXLAN, .outer = 4, .inner = 4, .proto = 6};

	expect_hash(IPV4_FIELDS | PORTS(TCP), &p, 0x51ccc178, 0x55);
}

Test(tunnel, inner_ipv6_and_tcp_ports_are_hashed_as_published)
{
	struct packet p = {.tunnel = GRE, .outer = 4, .inner = 6, .proto = 6};

	expect_hash(IPV6_FIELDS | PORTS(TCP), &p, 0x40207d3d, 0x5a);
}

Test(tunnel, without_a_tunnel_there_is_no_inner_hash)
{
	struct frame f;
	struct told told;

	receive_by(IPV4_FIELDS | IBV_RX_HASH_INNER, MLX5DV_QP_CREATE_TUNNEL_OFFLOADS);
	inner_frame(&f, 4, 17);
	told = receive(&f);
	cr_expect_eq(told.hash, 0);
	cr_expect_eq(told.hash_type, 0);
}

Test(tunnel, an_inner_hash_needs_the_offload)
{
	cr_expect_null(hash_qp(IPV4_FIELDS | IBV_RX_HASH_INNER, 0));
	cr_expect_eq(errno, EOPNOTSUPP, "%s", strerror(errno));
}

/* ---- destinations made by commands of the firmware --------------------------------------------
 */

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)

enum { V4 = 0x3, V4_UDP = 0x4000000f, V4_TCP = 0xf }; /* rx_hash_field_select */

static struct mlx5dv_devx_obj *new_tir(struct cmd *c, unsigned tunnel, uint32_t outer,
				       uint32_t inner)
{
	struct mlx5dv_devx_obj *obj;
	uint8_t *context = c->in + 32;
	uint32_t table;

	cmd_init(c, 0x916, 272 + 4, 16);
	cmd_set(c->in + 32, 0xb0, 16, 1);
	cmd_set(c->in + 32, 0xd0, 16, 1);
	cmd_set(c->in + 272, 8, 24, wq->wq_num);
	obj = cmd_create(&k, &k.b, c);
	cr_assert_not_null(obj, "status %u", cmd_status(c));
	table = cmd_number(c);
	cmd_init(c, 0x900, 272, 16);
	cmd_set(context, 0x20, 4, 1); /* indirect */
	cmd_set(context, 0x102, 1, tunnel);
	cmd_set(context, 0x108, 24, table);
	cmd_set(context, 0x120, 4, 2); /* Toeplitz */
	memcpy(context + 40, kit_rss_key, 40);
	cmd_set(context, 0x280, 32, outer);
	cmd_set(context, 0x2a0, 32, inner);
	return cmd_create(&k, &k.b, c);
}

static struct mlx5dv_devx_obj *receive_by_tir(unsigned tunnel, uint32_t outer, uint32_t inner)
{
	struct mlx5dv_flow_action_attr action = {.type = MLX5DV_FLOW_ACTION_DEST_DEVX};
	struct kit_match none = {.size = sizeof(none.b)};
	struct ibv_flow *flow;
	struct cmd c;

	action.obj = new_tir(&c, tunnel, outer, inner);
	cr_assert_not_null(action.obj, "status %u", cmd_status(&c));
	flow = mlx5dv_create_flow(kit_matcher(&k, &k.b, &none, 15), (void *)&none, 1, &action);
	cr_assert_not_null(flow, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_destroy_flow, flow);
	return action.obj;
}

Test(tunnel, a_destination_by_command_tells_inner_types_and_checksums)
{
	struct packet p = {.tunnel = VXLAN, .outer = 6, .inner = 4, .proto = 6};
	struct packet wrong = {
		.tunnel = GENEVE, .outer = 4, .inner = 4, .proto = 17, .spoil = 14 + 40};

	receive_by_tir(1, V4, 0);
	expect_told(&p, ALL_OK);
	expect_told(&wrong, L2_OK | L3_OK);
}

Test(tunnel, a_destination_by_command_hashes_inner_headers)
{
	struct packet p = {.tunnel = VXLAN, .outer = 4, .inner = 4, .proto = 6};
	struct frame f;
	struct told told;

	receive_by_tir(1, 0, V4_TCP);
	build(&f, &p);
	told = receive(&f);
	cr_expect_eq(told.hash, 0x51ccc178, "%08x", told.hash);
	cr_expect_eq(told.hash_type, 0x55, "%02x", told.hash_type);
}

/* Which headers are hashed can change, whether tunnels are looked into cannot. */
Test(tunnel, another_hash_for_a_destination_by_command)
{
	struct packet p = {.tunnel = GENEVE, .outer = 6, .inner = 4, .proto = 17};
	struct mlx5dv_devx_obj *tir;
	struct frame f;
	struct told told;
	struct cmd c;
	uint32_t number;

	tir = new_tir(&c, 0, V4, 0);
	cr_assert_not_null(tir);
	number = cmd_number(&c);
	cmd_set(c.in, 0, 16, 0x901);
	cmd_set(c.in, 0x48, 24, number);
	cmd_set(c.in, 0x80, 64, 4); /* the hash */
	cmd_set(c.in + 32, 0x102, 1, 1);
	cmd_set(c.in + 32, 0x280, 32, 0);
	cmd_set(c.in + 32, 0x2a0, 32, V4);
	cr_expect_eq(mlx5dv_devx_obj_modify(tir, c.in, c.in_len, c.out, c.out_len), EREMOTEIO);
	tir = receive_by_tir(1, V4_UDP, 0);
	cmd_set(c.in, 0x48, 24, number + 2); /* a table was made between the two */
	cr_assert_eq(mlx5dv_devx_obj_modify(tir, c.in, c.in_len, c.out, c.out_len), 0, "status %u",
		     cmd_status(&c));
	build(&f, &p);
	told = receive(&f);
	cr_expect_eq(told.hash, 0x323e8fc2, "%08x", told.hash);
}

Test(tunnel, a_destination_by_command_of_what_the_card_cannot)
{
	struct cmd c;

	cr_expect_null(new_tir(&c, 0, 0, V4), "inner headers without looking into tunnels");
	cr_expect_eq(cmd_status(&c), 0x03);
	cr_expect_null(new_tir(&c, 1, V4, V4), "both");
	cr_expect_eq(cmd_status(&c), 0x03);
	cr_expect_null(new_tir(&c, 1, 0, 0x10), "IPsec");
	cr_expect_eq(cmd_status(&c), 0x03);
}
