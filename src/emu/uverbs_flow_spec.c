/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs flow specs into fte_match_param, field by field as mlx5_ib does it. Pure functions. */
#include <errno.h>
#include <string.h>

#include "flow.h"

/* ib_verbs.h, enum ib_flow_spec_type: not in the uapi headers */
enum {
	SPEC_ETH = 0x20,
	SPEC_IPV4 = 0x30,
	SPEC_IPV6 = 0x31,
	SPEC_ESP = 0x34,
	SPEC_TCP = 0x40,
	SPEC_UDP = 0x41,
	SPEC_VXLAN = 0x50,
	SPEC_GRE = 0x51,
	SPEC_MPLS = 0x60,
	SPEC_INNER = 0x100,
	SPEC_ACTION_TAG = 0x1000,
	SPEC_ACTION_DROP = 0x1001,
	SPEC_ACTION_HANDLE = 0x1002,
	SPEC_ACTION_COUNT = 0x1003
};

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
	O_DST = 48,
	O_FLOW_LABEL = 64 + 28 /* misc_parameters.outer_ipv6_flow_label */
};

#define ETHERTYPE_IPV4	  0x0800
#define ETHERTYPE_IPV6	  0x86dd
#define ETHERTYPE_MPLS_UC 0x8847
#define ETHERTYPE_MPLS_MC 0x8848

static void put(struct emu_flow_ask *ask, unsigned at, const void *mask, const void *value)
{
	const uint8_t size = at == O_SMAC || at == O_DMAC ? 6 : at == O_SRC || at == O_DST ? 16 : 2;

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

static void put_ip_version(struct emu_flow_ask *ask, unsigned version)
{
	or_bits(ask, O_IP_FLAGS, 0xf << 9, (uint16_t)(version << 9));
}

/* A protocol that is named twice must be the same. */
static int put_proto(struct emu_flow_ask *ask, uint8_t mask, uint8_t value)
{
	if (!mask)
		return 0;
	if (ask->mask[O_PROTO] && (ask->mask[O_PROTO] != mask || ask->value[O_PROTO] != value))
		return -EINVAL;
	ask->mask[O_PROTO] = mask;
	ask->value[O_PROTO] = value;
	return 0;
}

static int eth_spec(const struct ib_uverbs_flow_spec_eth *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_eth_filter *m = &spec->mask, *v = &spec->val;

	put(ask, O_DMAC, m->dst_mac, v->dst_mac);
	put(ask, O_SMAC, m->src_mac, v->src_mac);
	if (m->vlan_tag) {
		put(ask, O_VLAN, &m->vlan_tag, &v->vlan_tag);
		or_bits(ask, O_IP_FLAGS, 1u << 15, 1u << 15);
	}
	put(ask, O_ETHERTYPE, &m->ether_type, &v->ether_type);
	return 0;
}

static int ipv4_spec(const struct ib_uverbs_flow_spec_ipv4 *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_ipv4_filter *m = &spec->mask, *v = &spec->val;

	if (m->ttl || m->flags)
		return -EOPNOTSUPP;
	put_ip_version(ask, 4);
	memcpy(ask->mask + O_SRC + 12, &m->src_ip, 4);
	memcpy(ask->value + O_SRC + 12, &v->src_ip, 4);
	memcpy(ask->mask + O_DST + 12, &m->dst_ip, 4);
	memcpy(ask->value + O_DST + 12, &v->dst_ip, 4);
	ask->mask[O_TOS] = m->tos;
	ask->value[O_TOS] = v->tos;
	return put_proto(ask, m->proto, v->proto);
}

static int ipv6_spec(const struct ib_uverbs_flow_spec_ipv6 *spec, struct emu_flow_ask *ask)
{
	const struct ib_uverbs_flow_ipv6_filter *m = &spec->mask, *v = &spec->val;
	const __be32 label = emu_to_be32(0xfffff);
	__be32 word;

	if (m->hop_limit || m->reserved)
		return -EOPNOTSUPP;
	put_ip_version(ask, 6);
	put(ask, O_SRC, m->src_ip, v->src_ip);
	put(ask, O_DST, m->dst_ip, v->dst_ip);
	ask->mask[O_TOS] = m->traffic_class;
	ask->value[O_TOS] = v->traffic_class;
	word = m->flow_label & label;
	memcpy(ask->mask + O_FLOW_LABEL, &word, 4);
	word = v->flow_label & label;
	memcpy(ask->value + O_FLOW_LABEL, &word, 4);
	return put_proto(ask, m->next_hdr, v->next_hdr);
}

static int port_spec(const struct ib_uverbs_flow_spec_tcp_udp *spec, struct emu_flow_ask *ask)
{
	bool tcp = spec->type == SPEC_TCP;
	unsigned at = tcp ? O_TCP : O_UDP;
	int rc = put_proto(ask, 0xff, tcp ? 6 : 17);

	if (rc)
		return rc;
	put(ask, at, &spec->mask.src_port, &spec->val.src_port);
	put(ask, at + 2, &spec->mask.dst_port, &spec->val.dst_port);
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

/* The spec at hand, in a union of our own: it need not be aligned, nor as long as we know it. */
union spec {
	struct ib_uverbs_flow_spec_hdr hdr;
	struct ib_uverbs_flow_spec_eth eth;
	struct ib_uverbs_flow_spec_ipv4 ipv4;
	struct ib_uverbs_flow_spec_ipv6 ipv6;
	struct ib_uverbs_flow_spec_tcp_udp port;
	struct ib_uverbs_flow_spec_action_tag tag;
	struct ib_uverbs_flow_spec_action_drop drop;
};

static size_t spec_size(uint32_t type)
{
	switch (type) {
	case SPEC_ETH:
		return sizeof(struct ib_uverbs_flow_spec_eth);
	case SPEC_IPV4:
		return sizeof(struct ib_uverbs_flow_spec_ipv4);
	case SPEC_IPV6:
		return sizeof(struct ib_uverbs_flow_spec_ipv6);
	case SPEC_TCP:
	case SPEC_UDP:
		return sizeof(struct ib_uverbs_flow_spec_tcp_udp);
	case SPEC_ACTION_TAG:
		return sizeof(struct ib_uverbs_flow_spec_action_tag);
	case SPEC_ACTION_DROP:
		return sizeof(struct ib_uverbs_flow_spec_action_drop);
	default:
		return 0;
	}
}

/*
 * A filter spec is a value and a mask of the same length, which the program chooses: what is
 * shorter than ours is filled up with zeros, what is longer must be zero in its mask (IB core).
 */
static int read_filter(const struct ib_uverbs_flow_spec_hdr *hdr, union spec *spec)
{
	const size_t head = sizeof(*hdr), ours = (spec_size(hdr->type) - head) / 2;
	const size_t theirs = (hdr->size - head) / 2, n = theirs < ours ? theirs : ours;
	const uint8_t *from = (const uint8_t *)hdr + head;
	uint8_t *to = (uint8_t *)spec + head;
	size_t i;

	for (i = ours; i < theirs; i++)
		if (from[theirs + i])
			return -EINVAL;
	memset(spec, 0, sizeof(*spec));
	memcpy(spec, hdr, head);
	memcpy(to, from, n);
	memcpy(to + ours, from + theirs, n);
	return 0;
}

static int read_spec(const struct ib_uverbs_flow_spec_hdr *hdr, union spec *spec)
{
	size_t size = spec_size(hdr->type);

	if (hdr->type < SPEC_ACTION_TAG)
		return read_filter(hdr, spec);
	if (hdr->size != size)
		return -EINVAL;
	memcpy(spec, hdr, size);
	return 0;
}

/* The kernel knows these; this device does not offer them. */
static bool known_elsewhere(uint32_t type)
{
	switch (type & ~(uint32_t)SPEC_INNER) {
	case SPEC_ESP:
	case SPEC_VXLAN:
	case SPEC_GRE:
	case SPEC_MPLS:
	case SPEC_ACTION_HANDLE:
	case SPEC_ACTION_COUNT:
		return true;
	default:
		return (type & SPEC_INNER) && spec_size(type & ~(uint32_t)SPEC_INNER);
	}
}

int emu_flow_spec(const struct ib_uverbs_flow_spec_hdr *hdr, struct emu_flow_ask *ask)
{
	union spec spec;
	int rc;

	if (!spec_size(hdr->type))
		return known_elsewhere(hdr->type) ? -EOPNOTSUPP : -EINVAL;
	rc = read_spec(hdr, &spec);
	if (rc)
		return rc;
	switch (hdr->type) {
	case SPEC_ETH:
		return eth_spec(&spec.eth, ask);
	case SPEC_IPV4:
		return ipv4_spec(&spec.ipv4, ask);
	case SPEC_IPV6:
		return ipv6_spec(&spec.ipv6, ask);
	case SPEC_ACTION_TAG:
		return tag_spec(&spec.tag, ask);
	case SPEC_ACTION_DROP:
		ask->flags |= EMU_RULE_DROP;
		return 0;
	default:
		return port_spec(&spec.port, ask);
	}
}

/*
 * A rule that multicast frames alone can meet goes into the multicast table. The kernel judges by
 * the first spec only, and an IPv4 one by its value without its mask.
 */
bool emu_flow_specs_multicast(const struct ib_uverbs_flow_attr *attr)
{
	const struct ib_uverbs_flow_spec_hdr *first = attr->flow_specs;
	union spec spec;

	if (attr->type != EMU_FLOW_NORMAL || !attr->num_of_specs)
		return false;
	if (!spec_size(first->type) || read_spec(first, &spec))
		return false;
	if (spec.hdr.type == SPEC_IPV4)
		return (emu_from_be32(spec.ipv4.val.dst_ip) & 0xf0000000) == 0xe0000000;
	return spec.hdr.type == SPEC_ETH && (spec.eth.mask.dst_mac[0] & 1) &&
	       (spec.eth.val.dst_mac[0] & 1);
}

/* An ethertype beside an IP spec must be matched as a whole and be that protocol's, or MPLS. */
static bool ethertype_fits(uint16_t type, uint32_t ip_spec)
{
	return (type == ETHERTYPE_IPV4 && ip_spec == SPEC_IPV4) ||
	       (type == ETHERTYPE_IPV6 && ip_spec == SPEC_IPV6) || type == ETHERTYPE_MPLS_UC ||
	       type == ETHERTYPE_MPLS_MC;
}

bool emu_flow_specs_agree(const struct ib_uverbs_flow_attr *attr)
{
	const uint8_t *at = (const uint8_t *)attr->flow_specs;
	const struct ib_uverbs_flow_spec_hdr *hdr;
	uint16_t mask = 0, type = 0;
	uint32_t ip_spec = 0;
	union spec spec;
	unsigned i;

	for (i = 0; i < attr->num_of_specs; i++, at += hdr->size) {
		hdr = (const struct ib_uverbs_flow_spec_hdr *)(const void *)at;
		if (hdr->type == SPEC_IPV4 || hdr->type == SPEC_IPV6)
			ip_spec = hdr->type;
		if (hdr->type != SPEC_ETH || read_spec(hdr, &spec) || !spec.eth.mask.ether_type)
			continue;
		mask = emu_from_be16(spec.eth.mask.ether_type);
		type = emu_from_be16(spec.eth.val.ether_type);
	}
	if (!mask || !ip_spec)
		return true;
	return mask == 0xffff && ethertype_fits(type, ip_spec);
}
