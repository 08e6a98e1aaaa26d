/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: what a device does to the packet in a tunnel, VXLAN of RFC 7348. */
#include <string.h>

#include "st.h"

/* cs_flags and swp_flags of the Ethernet segment: PRM, and MLX5_ETH_WQE_* of Linux' mlx5/qp.h */
enum { CSUM_L3_INNER = 0x10, CSUM_L4_INNER = 0x20, CSUM_L3 = 0x40 };
enum { SWP_INNER_V6 = 0x01, SWP_INNER_UDP = 0x02, SWP_OUTER_UDP = 0x20 };
/* bytes of it: where headers are, in words of 2 bytes */
enum { SWP_OUTER_L4, SWP_OUTER_L3, SWP_INNER_L4, SWP_INNER_L3 };

#define VXLAN	     4789u
#define OTHER_PORT   8472u /* which no parser takes for a tunnel, unless it is told to */
#define VXLAN_HEADER 8u

/* PRM, CQE: hds_ip_ext and l4_hdr_type_etc */
enum { L3_OK = 0x02, L4_OK = 0x04 };
enum { L4_TCP = 0x10, L4_UDP = 0x20, L4_MASK = 0x70 };

struct tunnelled {
	struct st_frame f, inner;
	unsigned at; /* of the inner Ethernet header */
};

/* The inner frame is of one of the four kinds; sums: it has its checksums. */
static void put_in(const struct st *st, struct tunnelled *t, unsigned port, unsigned kind,
		   bool sums)
{
	static const uint8_t vxlan[VXLAN_HEADER] = {0x08, 0, 0, 0, 0x12, 0x34, 0x56, 0};

	st_l4_frame(st, &t->inner, kind);
	if (!sums)
		st_clear_sums(&t->inner, kind);
	st_ether(&t->f, st->b->info.mac, st->a->info.mac, 0x0800);
	st_ipv4(&t->f, ST_UDP, 0xc6120001, 0xc6130001);
	st_l4(&t->f, ST_UDP, 4000 + kind, port);
	memcpy(t->f.b + t->f.len, vxlan, sizeof(vxlan));
	t->at = t->f.len + VXLAN_HEADER;
	memcpy(t->f.b + t->at, t->inner.b, t->inner.len);
	t->f.len = t->at + t->inner.len;
	st_finish(&t->f);
	st_put16(t->f.b + t->f.l4 + 6, 0); /* RFC 7348: should be zero */
}

static bool no_vxlan(struct st *st, const struct st_port *p)
{
	if ((p->dv.comp_mask & MLX5DV_CONTEXT_MASK_TUNNEL_OFFLOADS) &&
	    (p->dv.tunnel_offloads_caps & MLX5DV_RAW_PACKET_CAP_TUNNELED_OFFLOAD_VXLAN))
		return false;
	st_skip(st, "the device does not report offloads within VXLAN");
	return true;
}

/* ---- sending ---- */

/* Tells where the headers are, as the card's parser would have found them. */
static void tell_offsets(struct mlx5_wqe_eth_seg *eth, const struct tunnelled *t, unsigned kind)
{
	uint8_t *seg = (uint8_t *)eth;

	seg[SWP_OUTER_L3] = (uint8_t)(t->f.l3 / 2);
	seg[SWP_OUTER_L4] = (uint8_t)(t->f.l4 / 2);
	seg[SWP_INNER_L3] = (uint8_t)((t->at + t->inner.l3) / 2);
	seg[SWP_INNER_L4] = (uint8_t)((t->at + t->inner.l4) / 2);
	seg[5] = SWP_OUTER_UDP; /* swp_flags */
	seg[5] |= kind & ST_KIND_V6 ? SWP_INNER_V6 : 0;
	seg[5] |= kind & ST_KIND_TCP ? 0 : SWP_INNER_UDP;
}

static void send_inner(struct st *st, unsigned port, bool told)
{
	struct mlx5_wqe_eth_seg *eth;
	struct tunnelled want, sent;
	struct st_link l;

	st_link_open_all(st, &l);
	for (unsigned kind = 0; kind < ST_KINDS && st_good(st); kind++) {
		put_in(st, &want, port, kind, true);
		put_in(st, &sent, port, kind, false);
		st_put16(sent.f.b + sent.f.l3 + 10, 0);
		st_wqe_begin(&l.sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
		eth = st_wqe_eth(&l.sq, CSUM_L3 | CSUM_L3_INNER | CSUM_L4_INNER);
		if (told)
			tell_offsets(eth, &sent, kind);
		st_wqe_ptr(&l.sq, st_stage(st->a, kind, &sent.f), sent.f.len);
		st_wqe_end(&l.sq);
		st_sq_ring(&l.sq);
		st_sq_wait(st, &l.sq);
		st_rx_expect(st, &l.rx, &want.f, NULL);
	}
}

static void inner_checksums(struct st *st)
{
	if (!st_no_csum(st, st->a) && !no_vxlan(st, st->a))
		send_inner(st, VXLAN, false);
}

static void software_parser(struct st *st)
{
	const struct mlx5dv_sw_parsing_caps *caps = &st->a->dv.sw_parsing_caps;

	if (!(st->a->dv.comp_mask & MLX5DV_CONTEXT_MASK_SWP) ||
	    !(caps->sw_parsing_offloads & MLX5DV_SW_PARSING_CSUM) ||
	    !(caps->supported_qpts & 1u << IBV_QPT_RAW_PACKET))
		st_skip(st, "the device does not report software parsing");
	else
		send_inner(st, OTHER_PORT, true);
}

/* ---- receiving ---- */

static bool open_tunnel(struct st *st, struct st_link *l)
{
	const struct st_rx_opts opts = {.qp_flags = MLX5DV_QP_CREATE_TUNNEL_OFFLOADS};
	struct st_rule r;

	if (st_no_csum(st, st->b) || no_vxlan(st, st->b))
		return false;
	st_sq_open(st, st->a, &l->sq, 64);
	st_rx_open(st, st->b, &l->rx, &opts);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0);
	st_flow(st, l->rx.qp, &r);
	return st_good(st);
}

/* Linux, mlx5e_handle_csum(): that L3 and L4 are right is said of the inner packet. */
static void inner_status(struct st *st)
{
	struct st_cqe cqe = {0};
	struct tunnelled t;
	struct st_link l;

	if (!open_tunnel(st, &l))
		return;
	for (unsigned i = 0; i < 2 * ST_KINDS && st_good(st); i++) {
		unsigned kind = i / 2, l4 = kind & ST_KIND_TCP ? L4_TCP : L4_UDP;
		bool right = i & 1;

		put_in(st, &t, VXLAN, kind, true);
		t.f.b[t.f.len - 1] ^= !right;
		st_send(&l.sq, 0, &t.f);
		st_rx_expect(st, &l.rx, &t.f, &cqe);
		st_need(st, cqe.tunneled, "a VXLAN frame is told to be in no tunnel");
		st_need(st, (cqe.l3l4 & L4_MASK) == l4, "%s in VXLAN: L4 type 0x%02x, not 0x%02x",
			st_kind_name(kind), cqe.l3l4 & L4_MASK, l4);
		st_need(st, cqe.ok & L3_OK, "%s in VXLAN: the IP header is told to be wrong",
			st_kind_name(kind));
		st_need(st, !(cqe.ok & L4_OK) != right,
			"%s in VXLAN, its checksum %s: status 0x%02x", st_kind_name(kind),
			right ? "right" : "wrong", cqe.ok);
	}
}

/* Of a frame that is in no tunnel the queue tells what every queue does. */
static void no_tunnel(struct st *st)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct st_link l;

	if (!open_tunnel(st, &l))
		return;
	for (unsigned kind = 0; kind < ST_KINDS && st_good(st); kind++) {
		st_l4_frame(st, &f, kind);
		st_send(&l.sq, 0, &f);
		st_rx_expect(st, &l.rx, &f, &cqe);
		st_need(st, !cqe.tunneled, "%s is told to be in a tunnel", st_kind_name(kind));
		st_need(st, (cqe.ok & (L3_OK | L4_OK)) == (L3_OK | L4_OK),
			"%s with right checksums: status 0x%02x", st_kind_name(kind), cqe.ok);
	}
}

static const struct st_check checks[] = {
	{"tunnel.tx_checksum", "checksums within VXLAN are filled in", inner_checksums},
	{"tunnel.tx_offsets", "and where the WQE says where the headers are", software_parser},
	{"tunnel.rx_checksum", "checksums within VXLAN are told right and wrong", inner_status},
	{"tunnel.rx_none", "a queue for tunnels gets a frame that is in none", no_tunnel},
};

const struct st_group st_group_tunnel = {checks, sizeof(checks) / sizeof(checks[0])};
