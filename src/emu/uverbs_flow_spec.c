/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs flow specs into fte_match_param, field by field as mlx5_ib's parse_flow_attr() does it.
 * Pure functions.
 */
#include <errno.h>
#include <string.h>

#include "flow_spec.h"
#include "packet_deep.h"

/* PRM: byte offsets in fte_match_set_lyr_2_4, which begins fte_match_param */
enum {
	O_SMAC = 0,
	O_ETHERTYPE = 6,
	O_DMAC = 8,
	O_VLAN = 14,
	O_PROTO = 16,
	O_TOS = 17,
	O_IP_FLAGS = 18, /* cvlan_tag 15, svlan_tag 14, frag 13, ip_version 12:9 */
	O_TCP = 20,
	O_UDP = 28,
	O_SRC = 32,
	O_DST = 48
};

/* And of words of misc_parameters and misc_parameters_2. */
#define O_WORD(word)   ((word)*4u)
#define O_INNER	       O_WORD(EMU_W_INNER)
#define O_FLOW_LABEL   O_WORD(23) /* outer_ipv6_flow_label */
#define O_INNER_LABEL  O_WORD(EMU_W_INNER_LABEL)
#define O_GRE_PROTOCOL (O_WORD(EMU_W_SECOND_KIND) + 2)
#define O_GRE_KEY      O_WORD(EMU_W_GRE_KEY)
#define O_VNI	       O_WORD(21) /* vxlan_vni */

#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_GRE 47

/* Where the headers of a spec begin: the outer ones, or the inner ones. */
static unsigned base_of(uint32_t type)
{
	return type & EMU_SPEC_INNER ? O_INNER : 0;
}

static void put(struct emu_flow_ask *ask, unsigned at, const void *mask, const void *value,
		size_t size)
{
	memcpy(ask->mask + at, mask, size);
	memcpy(ask->value + at, value, size);
}

static void or_bits(struct emu_flow_ask *ask, unsigned at, uint16_t mask, uint16_t value)
{
	ask->mask[at] |= (uint8_t)(mask >> 8);
	ask->mask[at + 1] |= (uint8_t)mask;
	ask->value[at] |= (uint8_t)(value >> 8);
	ask->value[at + 1] |= (uint8_t)value;
}

static void put_ip_version(struct emu_flow_ask *ask, unsigned base, unsigned version)
{
	or_bits(ask, base + O_IP_FLAGS, 0xf << 9, (uint16_t)(version << 9));
}

/* A protocol that is named twice must be the same: set_proto(). */
static int put_proto(struct emu_flow_ask *ask, unsigned base, uint8_t mask, uint8_t value)
{
	unsigned at = base + O_PROTO;

	if (!mask)
		return 0;
	if (ask->mask[at] && (ask->mask[at] != mask || ask->value[at] != value))
		return -EINVAL;
	ask->mask[at] = mask;
	ask->value[at] = value;
	return 0;
}

static int eth_spec(const struct ib_uverbs_flow_spec_eth *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_eth_filter *m = &spec->mask, *v = &spec->val;
	unsigned base = base_of(spec->type);

	put(ask, base + O_DMAC, m->dst_mac, v->dst_mac, 6);
	put(ask, base + O_SMAC, m->src_mac, v->src_mac, 6);
	if (m->vlan_tag) {
		put(ask, base + O_VLAN, &m->vlan_tag, &v->vlan_tag, 2);
		or_bits(ask, base + O_IP_FLAGS, 1u << 15, 1u << 15);
	}
	put(ask, base + O_ETHERTYPE, &m->ether_type, &v->ether_type, 2);
	return 0;
}

static int ipv4_spec(const struct ib_uverbs_flow_spec_ipv4 *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_ipv4_filter *m = &spec->mask, *v = &spec->val;
	unsigned base = base_of(spec->type);

	if (m->ttl || m->flags)
		return -EOPNOTSUPP;
	put_ip_version(ask, base, 4);
	put(ask, base + O_SRC + 12, &m->src_ip, &v->src_ip, 4);
	put(ask, base + O_DST + 12, &m->dst_ip, &v->dst_ip, 4);
	put(ask, base + O_TOS, &m->tos, &v->tos, 1);
	return put_proto(ask, base, m->proto, v->proto);
}

static int ipv6_spec(const struct ib_uverbs_flow_spec_ipv6 *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_ipv6_filter *m = &spec->mask, *v = &spec->val;
	unsigned base = base_of(spec->type);

	if (m->hop_limit || m->reserved)
		return -EOPNOTSUPP;
	put_ip_version(ask, base, 6);
	put(ask, base + O_SRC, m->src_ip, v->src_ip, 16);
	put(ask, base + O_DST, m->dst_ip, v->dst_ip, 16);
	put(ask, base + O_TOS, &m->traffic_class, &v->traffic_class, 1);
	put(ask, base ? O_INNER_LABEL : O_FLOW_LABEL, &m->flow_label, &v->flow_label, 4);
	return put_proto(ask, base, m->next_hdr, v->next_hdr);
}

static int port_spec(const struct ib_uverbs_flow_spec_tcp_udp *spec, struct emu_flow_ask *ask)
{
	bool tcp = (spec->type & ~EMU_SPEC_INNER) == EMU_SPEC_TCP;
	unsigned base = base_of(spec->type), at = base + (tcp ? O_TCP : O_UDP);
	int rc = put_proto(ask, base, 0xff, tcp ? PROTO_TCP : PROTO_UDP);

	if (rc)
		return rc;
	put(ask, at, &spec->mask.src_port, &spec->val.src_port, 2);
	put(ask, at + 2, &spec->mask.dst_port, &spec->val.dst_port, 2);
	return 0;
}

static int gre_spec(const struct ib_uverbs_flow_spec_gre *spec, struct emu_flow_ask *ask)
{
	int rc;

	if (spec->mask.c_ks_res0_ver)
		return -EOPNOTSUPP;
	rc = put_proto(ask, base_of(spec->type), 0xff, PROTO_GRE);
	if (rc)
		return rc;
	put(ask, O_GRE_PROTOCOL, &spec->mask.protocol, &spec->val.protocol, 2);
	put(ask, O_GRE_KEY, &spec->mask.key, &spec->val.key, 4);
	return 0;
}

/* Which label depends on what stands before it. */
static int mpls_spec(const struct ib_uverbs_flow_spec_mpls *spec, struct emu_flow_ask *ask)
{
	unsigned word = spec->type & EMU_SPEC_INNER ? EMU_W_INNER_MPLS : EMU_W_MPLS;

	if (ask->previous == EMU_SPEC_UDP)
		word = EMU_W_MPLS_UDP;
	else if (ask->previous == EMU_SPEC_GRE)
		word = EMU_W_MPLS_GRE;
	put(ask, O_WORD(word), &spec->mask.label, &spec->val.label, 4);
	return 0;
}

static int vxlan_spec(const struct ib_uverbs_flow_spec_tunnel *spec, struct emu_flow_ask *ask)
{
	__be32 mask = emu_to_be32(emu_from_be32(spec->mask.tunnel_id) << 8);
	__be32 value = emu_to_be32(emu_from_be32(spec->val.tunnel_id) << 8);

	put(ask, O_VNI, &mask, &value, 4);
	return 0;
}

static int tag_spec(const struct ib_uverbs_flow_spec_action_tag *spec, struct emu_flow_ask *ask)
{
	if (spec->tag_id >= 1u << 24)
		return -EINVAL;
	ask->tag = spec->tag_id;
	ask->flags |= EMU_RULE_HAS_TAG;
	return 0;
}

static int match_spec(const union emu_spec *spec, struct emu_flow_ask *ask)
{
	switch (spec->hdr.type & ~EMU_SPEC_INNER) {
	case EMU_SPEC_ETH:
		return eth_spec(&spec->eth, ask);
	case EMU_SPEC_IPV4:
		return ipv4_spec(&spec->ipv4, ask);
	case EMU_SPEC_IPV6:
		return ipv6_spec(&spec->ipv6, ask);
	case EMU_SPEC_TCP:
	case EMU_SPEC_UDP:
		return port_spec(&spec->port, ask);
	case EMU_SPEC_VXLAN:
		return vxlan_spec(&spec->tunnel, ask);
	case EMU_SPEC_GRE:
		return gre_spec(&spec->gre, ask);
	case EMU_SPEC_MPLS:
		return mpls_spec(&spec->mpls, ask);
	case EMU_SPEC_ESP: /* Linux has it no longer: it was for cards with an FPGA */
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

int emu_flow_spec(const union emu_spec *spec, struct emu_flow_ask *ask)
{
	int rc = 0;

	switch (spec->hdr.type) {
	case EMU_SPEC_ACTION_TAG:
		rc = tag_spec(&spec->tag, ask);
		break;
	case EMU_SPEC_ACTION_DROP:
		ask->flags |= EMU_RULE_DROP;
		break;
	case EMU_SPEC_ACTION_HANDLE:
	case EMU_SPEC_ACTION_COUNT:
		break; /* objects: the caller's */
	default:
		rc = match_spec(spec, ask);
		break;
	}
	ask->previous = spec->hdr.type;
	return rc;
}
