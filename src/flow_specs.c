/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each spec takes its fields out of a copy of the match; what is left in the end can be said by
 * none. What mlx5_ib makes of them (parse_flow_attr()): the match as it was, and, of addresses, the
 * version of IP besides.
 */
#include <string.h>

#include "flow_layout.h"
#include "flow_specs.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };

enum { PROTO_TCP = 6, PROTO_UDP = 17, PROTO_GRE = 47 };

enum { ADDRESS_BYTES = 32 }; /* from DQ_AT_SRC_IPV6 on, of either version */

/* Of one section. */
struct headers {
	struct dq_match_buf *left;
	unsigned at;
	unsigned inner;	  /* IBV_FLOW_SPEC_INNER or 0 */
	unsigned version; /* of IP: 4, 6 or 0: not told */
	unsigned l4; /* the protocol that a spec of its own says, with IP's and without; 0: none */
};

static void move(void *to, uint8_t *from, size_t n)
{
	memcpy(to, from, n);
	memset(from, 0, n);
}

/* Out of the match, into a field of a spec. */
#define TAKE(match, where, spec, field)                                                            \
	(move(&(spec)->val.field, (match)->value + (where), sizeof((spec)->val.field)),            \
	 move(&(spec)->mask.field, (match)->mask + (where), sizeof((spec)->mask.field)))

static unsigned get_u16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static bool any(const uint8_t *bytes, size_t n)
{
	static const uint8_t none[DQ_SECTION_BYTES];

	return memcmp(bytes, none, n) != 0;
}

/* What a spec says beside its fields. */
static void clear(struct dq_match_buf *match, unsigned at, unsigned bits)
{
	match->mask[at] &= (uint8_t) ~(bits >> 8);
	match->mask[at + 1] &= (uint8_t)~bits;
	match->value[at] &= (uint8_t) ~(bits >> 8);
	match->value[at + 1] &= (uint8_t)~bits;
}

void dq_flow_specs_add(struct dq_flow_specs *specs, const void *spec, size_t size)
{
	size_t used = specs->attr.size - sizeof(specs->attr);

	memcpy(specs->specs + used, spec, size);
	specs->attr.size = (uint16_t)(specs->attr.size + size);
	specs->attr.num_of_specs++;
}

static unsigned ip_version(const struct dq_match_buf *match, unsigned at)
{
	unsigned type = get_u16(match->value + at + DQ_AT_ETHERTYPE);
	unsigned flags = get_u16(match->value + at + DQ_AT_FLAGS) & DQ_IP_VERSION;

	if (flags)
		return flags >> DQ_IP_VERSION_SHIFT;
	return type == ETHERTYPE_IPV4 ? 4 : type == ETHERTYPE_IPV6 ? 6 : 0;
}

static unsigned l4_of(const struct dq_match_buf *match, unsigned at)
{
	unsigned proto = match->value[at + DQ_AT_IP_PROTOCOL];

	if (proto == PROTO_TCP || proto == PROTO_UDP)
		return proto;
	return proto == PROTO_GRE && !at ? proto : 0;
}

static struct headers look_at(struct dq_match_buf *left, enum dq_match_section section)
{
	unsigned at = section * DQ_SECTION_BYTES;

	return (struct headers){.left = left,
				.at = at,
				.inner = section == DQ_SECTION_INNER ? IBV_FLOW_SPEC_INNER : 0,
				.version = ip_version(left, at),
				.l4 = l4_of(left, at)};
}

/* Always there for the outer headers: mlx5_ib asks the first spec whether a rule is for multicast.
 */
static void put_eth(struct dq_flow_specs *out, const struct headers *h)
{
	struct ibv_flow_spec_eth s = {.type = IBV_FLOW_SPEC_ETH | h->inner, .size = sizeof(s)};
	struct dq_match_buf *left = h->left;

	TAKE(left, h->at + DQ_AT_DMAC, &s, dst_mac);
	TAKE(left, h->at + DQ_AT_SMAC, &s, src_mac);
	TAKE(left, h->at + DQ_AT_ETHERTYPE, &s, ether_type);
	TAKE(left, h->at + DQ_AT_FIRST_VLAN, &s, vlan_tag);
	if (s.mask.vlan_tag)
		clear(left, h->at + DQ_AT_FLAGS, DQ_CVLAN_TAG);
	if (!h->inner || any((const uint8_t *)&s.mask, sizeof(s.mask)))
		dq_flow_specs_add(out, &s, sizeof(s));
}

static void put_ipv4(struct dq_flow_specs *out, const struct headers *h)
{
	struct ibv_flow_spec_ipv4_ext s = {.type = IBV_FLOW_SPEC_IPV4_EXT | h->inner,
					   .size = sizeof(s)};

	TAKE(h->left, h->at + DQ_AT_SRC_IPV4, &s, src_ip);
	TAKE(h->left, h->at + DQ_AT_DST_IPV4, &s, dst_ip);
	TAKE(h->left, h->at + DQ_AT_IP_PROTOCOL, &s, proto);
	dq_flow_specs_add(out, &s, sizeof(s));
}

static void put_ipv6(struct dq_flow_specs *out, const struct headers *h)
{
	struct ibv_flow_spec_ipv6 s = {.type = IBV_FLOW_SPEC_IPV6 | h->inner, .size = sizeof(s)};

	TAKE(h->left, h->at + DQ_AT_SRC_IPV6, &s, src_ip);
	TAKE(h->left, h->at + DQ_AT_DST_IPV6, &s, dst_ip);
	TAKE(h->left, h->at + DQ_AT_IP_PROTOCOL, &s, next_hdr);
	dq_flow_specs_add(out, &s, sizeof(s));
}

/* An ethertype says it already; specs are for addresses, protocols, and the version by itself. */
static void put_ip(struct dq_flow_specs *out, const struct headers *h)
{
	bool told = get_u16(h->left->mask + h->at + DQ_AT_FLAGS) & DQ_IP_VERSION;
	bool protocol = h->left->mask[h->at + DQ_AT_IP_PROTOCOL] && !h->l4;

	if (!told && !protocol && !any(h->left->mask + h->at + DQ_AT_SRC_IPV6, ADDRESS_BYTES))
		return;
	if (h->version == 4)
		put_ipv4(out, h);
	else if (h->version == 6)
		put_ipv6(out, h);
	if (h->version)
		clear(h->left, h->at + DQ_AT_FLAGS, DQ_IP_VERSION);
}

static void put_ports(struct dq_flow_specs *out, const struct headers *h)
{
	struct ibv_flow_spec_tcp_udp s = {.size = sizeof(s)};
	bool tcp = h->l4 == PROTO_TCP;

	s.type = (tcp ? IBV_FLOW_SPEC_TCP : IBV_FLOW_SPEC_UDP) | h->inner;
	TAKE(h->left, h->at + (tcp ? DQ_AT_TCP_SPORT : DQ_AT_UDP_SPORT), &s, src_port);
	TAKE(h->left, h->at + (tcp ? DQ_AT_TCP_DPORT : DQ_AT_UDP_DPORT), &s, dst_port);
	dq_flow_specs_add(out, &s, sizeof(s));
}

/* The bits that say which of its fields are there are refused (c_ks_res0_ver): no key without them.
 */
static void put_gre(struct dq_flow_specs *out, const struct headers *h)
{
	struct ibv_flow_spec_gre s = {.type = IBV_FLOW_SPEC_GRE, .size = sizeof(s)};

	TAKE(h->left, DQ_AT_GRE_PROTOCOL, &s, protocol);
	dq_flow_specs_add(out, &s, sizeof(s));
}

/* Says the protocol besides, the same as that of IP's spec, if there is one. */
static void put_l4(struct dq_flow_specs *out, const struct headers *h)
{
	if (!h->l4)
		return;
	if (h->l4 == PROTO_GRE)
		put_gre(out, h);
	else
		put_ports(out, h);
	clear(h->left, h->at + DQ_AT_IP_PROTOCOL, 0xff00);
}

static void put_headers(struct dq_flow_specs *out, const struct headers *h)
{
	put_eth(out, h);
	put_ip(out, h);
	put_l4(out, h);
}

static void put_vxlan(struct dq_flow_specs *out, struct dq_match_buf *left)
{
	struct ibv_flow_spec_tunnel s = {.type = IBV_FLOW_SPEC_VXLAN_TUNNEL, .size = sizeof(s)};

	if (!left->mask[DQ_AT_VXLAN_VNI])
		return;
	/* 24 bits of a big-endian word */
	move((uint8_t *)&s.val.tunnel_id + 1, left->value + DQ_AT_VXLAN_VNI, 3);
	move((uint8_t *)&s.mask.tunnel_id + 1, left->mask + DQ_AT_VXLAN_VNI, 3);
	dq_flow_specs_add(out, &s, sizeof(s));
}

/* By the first bits that tell; the last one is for all others. */
static const struct {
	unsigned at;
	uint8_t bits;
	const char *name;
} unsaid[] = {
	{DQ_AT_SENDER, 0xff, "encap"},
	{DQ_AT_GRE_FLAGS, (DQ_GRE_ALL & ~DQ_GRE_HAS_KEY) >> 8, "tni"},
	{DQ_AT_GRE_FLAGS, DQ_GRE_HAS_KEY >> 8, "gre_key"},
	{DQ_AT_IP_PROTOCOL, 0xff, "ip_proto without ethertype"},
	{DQ_SECTION_INNER * DQ_SECTION_BYTES + DQ_AT_IP_PROTOCOL, 0xff,
	 "inner_ip_proto without inner_ethertype"},
	{DQ_AT_WORDS, 0, "words of the programmable parser"},
};

static const char *name_left(const struct dq_match_buf *left)
{
	static const struct dq_match_buf none;
	unsigned last = sizeof(unsaid) / sizeof(unsaid[0]) - 1, i = 0;

	if (dq_match_same_mask(left, &none))
		return NULL;
	while (i < last && !(left->mask[unsaid[i].at] & unsaid[i].bits))
		i++;
	return unsaid[i].name;
}

const char *dq_flow_specs_make(struct dq_flow_specs *out, const struct dq_match_buf *match)
{
	struct dq_match_buf left = *match;
	struct headers outer = look_at(&left, DQ_SECTION_OUTER);
	struct headers inner = look_at(&left, DQ_SECTION_INNER);

	*out = (struct dq_flow_specs){
		.attr = {.type = IBV_FLOW_ATTR_NORMAL, .size = sizeof(out->attr), .port = 1}};
	put_headers(out, &outer);
	put_vxlan(out, &left);
	put_headers(out, &inner);
	return name_left(&left);
}
