/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of --selftest: every field that ibv_create_flow() can match, with a frame that has its
 * value and one that has it not. The latter is sent first: were it to match, it would come first.
 */
#include <endian.h>
#include <string.h>

#include "st.h"

#define ADDR_A 0xc6120001u /* RFC 2544 */
#define ADDR_B 0xc6130001u
#define TAG    0x1234u

/* What the frames of a check have; a rule matches some of it. */
struct fields {
	uint8_t dst[6], src[6];
	unsigned type, vlan; /* vlan 0: none */
	bool v6;
	uint32_t saddr, daddr; /* also the last bytes of IPv6 addresses */
	unsigned proto, sport, dport;
};

static void v6_addr(uint8_t at[16], uint32_t tail)
{
	static const uint8_t head[12] = {0x20, 0x01, 0x00, 0x02}; /* RFC 5180 */
	uint32_t be = htobe32(tail);

	memcpy(at, head, 12);
	memcpy(at + 12, &be, 4);
}

static void build(struct st_frame *f, const struct fields *v, unsigned n)
{
	uint8_t src[16], dst[16];

	st_ether(f, v->dst, v->src, v->type ? v->type : v->v6 ? 0x86dd : 0x0800);
	if (v->vlan)
		st_vlan(f, v->vlan);
	if (!v->type && v->v6) {
		v6_addr(src, v->saddr);
		v6_addr(dst, v->daddr);
		st_ipv6(f, v->proto, src, dst);
		st_l4(f, v->proto, v->sport, v->dport);
	} else if (!v->type) {
		st_ipv4(f, v->proto, v->saddr, v->daddr);
		st_l4(f, v->proto, v->sport, v->dport);
	}
	st_fill(f, 100, n);
	st_finish(f);
}

/* ---- specs of each field ---- */

static void eth_spec(struct st_rule *r, const struct fields *v)
{
	struct ibv_flow_spec_eth s = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(s)};

	memcpy(s.val.dst_mac, v->dst, 6);
	memset(s.mask.dst_mac, 0xff, 6);
	st_rule_add(r, &s, sizeof(s));
}

static void dmac(struct st_rule *r, const struct fields *v)
{
	eth_spec(r, v);
}

static void smac(struct st_rule *r, const struct fields *v)
{
	struct ibv_flow_spec_eth s = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(s)};

	memcpy(s.val.dst_mac, v->dst, 6);
	memset(s.mask.dst_mac, 0xff, 6);
	memcpy(s.val.src_mac, v->src, 6);
	memset(s.mask.src_mac, 0xff, 6);
	st_rule_add(r, &s, sizeof(s));
}

static void ethertype(struct st_rule *r, const struct fields *v)
{
	st_rule_eth(r, v->dst, v->type);
}

static void vlan(struct st_rule *r, const struct fields *v)
{
	struct ibv_flow_spec_eth s = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(s)};

	memcpy(s.val.dst_mac, v->dst, 6);
	memset(s.mask.dst_mac, 0xff, 6);
	s.val.vlan_tag = htobe16((uint16_t)(v->vlan & 0xfff));
	s.mask.vlan_tag = htobe16(0xfff);
	st_rule_add(r, &s, sizeof(s));
}

static void ipv4(struct st_rule *r, const struct fields *v, uint32_t src_mask, uint32_t dst_mask)
{
	struct ibv_flow_spec_ipv4 s = {.type = IBV_FLOW_SPEC_IPV4, .size = sizeof(s)};

	eth_spec(r, v);
	s.mask.src_ip = htobe32(src_mask);
	s.mask.dst_ip = htobe32(dst_mask);
	s.val.src_ip = htobe32(v->saddr & src_mask);
	s.val.dst_ip = htobe32(v->daddr & dst_mask);
	st_rule_add(r, &s, sizeof(s));
}

static void ipv4_src(struct st_rule *r, const struct fields *v)
{
	ipv4(r, v, 0xffffffff, 0);
}

static void ipv4_dst(struct st_rule *r, const struct fields *v)
{
	ipv4(r, v, 0, 0xffffffff);
}

static void ipv4_prefix(struct st_rule *r, const struct fields *v)
{
	ipv4(r, v, 0, 0xffffff00);
}

static void ipv4_proto(struct st_rule *r, const struct fields *v)
{
	struct ibv_flow_spec_ipv4_ext s = {.type = IBV_FLOW_SPEC_IPV4_EXT, .size = sizeof(s)};

	eth_spec(r, v);
	s.val.proto = (uint8_t)v->proto;
	s.mask.proto = 0xff;
	st_rule_add(r, &s, sizeof(s));
}

static void ipv6(struct st_rule *r, const struct fields *v, bool src)
{
	struct ibv_flow_spec_ipv6 s = {.type = IBV_FLOW_SPEC_IPV6, .size = sizeof(s)};

	eth_spec(r, v);
	v6_addr(src ? s.val.src_ip : s.val.dst_ip, src ? v->saddr : v->daddr);
	memset(src ? s.mask.src_ip : s.mask.dst_ip, 0xff, 16);
	st_rule_add(r, &s, sizeof(s));
}

static void ipv6_src(struct st_rule *r, const struct fields *v)
{
	ipv6(r, v, true);
}

static void ipv6_dst(struct st_rule *r, const struct fields *v)
{
	ipv6(r, v, false);
}

static void l4(struct st_rule *r, const struct fields *v, bool src)
{
	struct ibv_flow_spec_tcp_udp s = {
		.type = v->proto == ST_UDP ? IBV_FLOW_SPEC_UDP : IBV_FLOW_SPEC_TCP,
		.size = sizeof(s),
	};

	ipv4(r, v, 0, 0xffffffff);
	if (src) {
		s.val.src_port = htobe16((uint16_t)v->sport);
		s.mask.src_port = 0xffff;
	} else {
		s.val.dst_port = htobe16((uint16_t)v->dport);
		s.mask.dst_port = 0xffff;
	}
	st_rule_add(r, &s, sizeof(s));
}

static void l4_src(struct st_rule *r, const struct fields *v)
{
	l4(r, v, true);
}

static void l4_dst(struct st_rule *r, const struct fields *v)
{
	l4(r, v, false);
}

/* ---- the table ---- */

enum change { DST, SRC, TYPE, VLAN, SADDR, DADDR, DADDR_HIGH, PROTO, SPORT, DPORT };

struct field {
	const char *id;
	void (*specs)(struct st_rule *r, const struct fields *v);
	enum change change; /* what the frame that must not match has different */
	bool plain, v6, tcp, tag;
};

static const struct field field_table[] = {
	{.id = "match.dst_mac", dmac, DST, .plain = true},
	{.id = "match.src_mac", smac, SRC, .plain = true},
	{.id = "match.ethertype", ethertype, TYPE, .plain = true},
	{.id = "match.vlan_id", vlan, VLAN, .plain = true, .tag = true},
	{.id = "match.ipv4_src", ipv4_src, SADDR},
	{.id = "match.ipv4_dst", ipv4_dst, DADDR},
	{.id = "match.ipv4_prefix", ipv4_prefix, DADDR_HIGH},
	{.id = "match.ip_proto", ipv4_proto, PROTO},
	{.id = "match.ipv6_src", ipv6_src, SADDR, .v6 = true},
	{.id = "match.ipv6_dst", ipv6_dst, DADDR, .v6 = true},
	{.id = "match.udp_src", l4_src, SPORT},
	{.id = "match.udp_dst", l4_dst, DPORT},
	{.id = "match.tcp_src", l4_src, SPORT, .tcp = true},
	{.id = "match.tcp_dst", l4_dst, DPORT, .tcp = true},
};

static void alter(struct fields *v, enum change change)
{
	switch (change) {
	case DST:
		v->dst[5] ^= 0x40;
		break;
	case SRC:
		v->src[5] ^= 0x40;
		break;
	case TYPE:
		v->type = 0x88b7;
		break;
	case VLAN:
		v->vlan ^= 1;
		break;
	case SADDR:
		v->saddr++;
		break;
	case DADDR:
		v->daddr++;
		break;
	case DADDR_HIGH:
		v->daddr += 0x100;
		break;
	case PROTO:
		v->proto = ST_TCP;
		break;
	case SPORT:
		v->sport++;
		break;
	case DPORT:
		v->dport++;
		break;
	}
}

static void hit_and_miss(struct st *st, const struct field *field)
{
	struct fields v = {.type = field->plain ? ST_TYPE : 0,
			   .vlan = field->tag ? 0x123 : 0,
			   .v6 = field->v6,
			   .saddr = ADDR_A,
			   .daddr = ADDR_B,
			   .proto = field->tcp ? ST_TCP : ST_UDP,
			   .sport = 1000,
			   .dport = 2000};
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct st_rule r;
	struct fields miss;
	struct st_link l;

	memcpy(v.dst, st->b->info.mac, 6);
	memcpy(v.src, st->a->info.mac, 6);
	miss = v;
	alter(&miss, field->change);
	st_rule(&r, 1);
	field->specs(&r, &v);
	st_rule_tag(&r, TAG);
	st_sq_open(st, st->a, &l.sq, 64);
	st_rx_open(st, st->b, &l.rx, NULL);
	st_flow(st, l.rx.qp, &r);
	if (!st_good(st))
		return;
	build(&f, &miss, 1);
	st_send(&l.sq, 0, &f);
	build(&f, &v, 2);
	st_send(&l.sq, 1, &f);
	st_rx_expect(st, &l.rx, &f, &cqe);
	st_need(st, cqe.tag == TAG, "flow tag 0x%x, not 0x%x", cqe.tag, TAG);
}

static void run_field(struct st *st)
{
	for (unsigned i = 0; i < sizeof(field_table) / sizeof(field_table[0]); i++)
		if (!strcmp(field_table[i].id, st->check->id))
			hit_and_miss(st, &field_table[i]);
}

#define FIELD(name, doc)                                                                           \
	{                                                                                          \
		"match." name, doc " matches, another does not", run_field                         \
	}
static const struct st_check checks[] = {
	FIELD("dst_mac", "destination MAC address"),
	FIELD("src_mac", "source MAC address"),
	FIELD("ethertype", "EtherType"),
	FIELD("vlan_id", "VLAN id"),
	FIELD("ipv4_src", "IPv4 source address"),
	FIELD("ipv4_dst", "IPv4 destination address"),
	FIELD("ipv4_prefix", "IPv4 destination prefix"),
	FIELD("ip_proto", "IP protocol"),
	FIELD("ipv6_src", "IPv6 source address"),
	FIELD("ipv6_dst", "IPv6 destination address"),
	FIELD("udp_src", "UDP source port"),
	FIELD("udp_dst", "UDP destination port"),
	FIELD("tcp_src", "TCP source port"),
	FIELD("tcp_dst", "TCP destination port"),
};

const struct st_group st_group_match = {checks, sizeof(checks) / sizeof(checks[0])};
