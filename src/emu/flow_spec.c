/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs flow specs: read as the IB core does it, and checked across each other. Pure functions. */
#include "flow_spec.h"

#include <errno.h>
#include <string.h>

#define ETHERTYPE_IPV4	  0x0800
#define ETHERTYPE_IPV6	  0x86dd
#define ETHERTYPE_MPLS_UC 0x8847
#define ETHERTYPE_MPLS_MC 0x8848

/* 0: the IB core knows no such spec. */
static size_t spec_size(uint32_t type)
{
	switch (type < EMU_SPEC_ACTION_TAG ? type & ~EMU_SPEC_INNER : type) {
	case EMU_SPEC_ETH:
		return sizeof(struct ib_uverbs_flow_spec_eth);
	case EMU_SPEC_IPV4:
		return sizeof(struct ib_uverbs_flow_spec_ipv4);
	case EMU_SPEC_IPV6:
		return sizeof(struct ib_uverbs_flow_spec_ipv6);
	case EMU_SPEC_ESP:
		return sizeof(struct ib_uverbs_flow_spec_esp);
	case EMU_SPEC_TCP:
	case EMU_SPEC_UDP:
		return sizeof(struct ib_uverbs_flow_spec_tcp_udp);
	case EMU_SPEC_VXLAN: /* there is no tunnel in a tunnel */
		return type & EMU_SPEC_INNER ? 0 : sizeof(struct ib_uverbs_flow_spec_tunnel);
	case EMU_SPEC_GRE:
		return sizeof(struct ib_uverbs_flow_spec_gre);
	case EMU_SPEC_MPLS:
		return sizeof(struct ib_uverbs_flow_spec_mpls);
	case EMU_SPEC_ACTION_TAG:
		return sizeof(struct ib_uverbs_flow_spec_action_tag);
	case EMU_SPEC_ACTION_DROP:
		return sizeof(struct ib_uverbs_flow_spec_action_drop);
	case EMU_SPEC_ACTION_HANDLE:
		return sizeof(struct ib_uverbs_flow_spec_action_handle);
	case EMU_SPEC_ACTION_COUNT:
		return sizeof(struct ib_uverbs_flow_spec_action_count);
	default:
		return 0;
	}
}

/*
 * A filter spec is a value and a mask of the same length, which the program chooses: what is
 * shorter than ours is filled up with zeros, what is longer must be zero in its mask
 * (spec_filter_size()).
 */
static int read_filter(const uint8_t *bytes, size_t size, union emu_spec *spec)
{
	const size_t head = sizeof(spec->hdr), ours = (spec_size(spec->hdr.type) - head) / 2;
	const size_t theirs = (size - head) / 2, n = theirs < ours ? theirs : ours;
	uint8_t *to = (uint8_t *)spec + head;
	size_t i;

	if (!theirs)
		return -EINVAL;
	for (i = ours; i < theirs; i++)
		if (bytes[head + theirs + i])
			return -EINVAL;
	memcpy(to, bytes + head, n);
	memcpy(to + ours, bytes + head + theirs, n);
	return 0;
}

/* ib_uverbs_kern_spec_to_ib_spec_filter() */
static int check_ranges(const union emu_spec *spec)
{
	switch (spec->hdr.type & ~EMU_SPEC_INNER) {
	case EMU_SPEC_IPV6:
		return (emu_from_be32(spec->ipv6.mask.flow_label) |
			emu_from_be32(spec->ipv6.val.flow_label)) >>
				       20
			       ? -EINVAL
			       : 0;
	case EMU_SPEC_VXLAN:
		return (emu_from_be32(spec->tunnel.mask.tunnel_id) |
			emu_from_be32(spec->tunnel.val.tunnel_id)) >>
				       24
			       ? -EINVAL
			       : 0;
	default:
		return 0;
	}
}

static int read_spec(const uint8_t *bytes, size_t left, union emu_spec *spec)
{
	size_t size;
	int rc;

	memset(spec, 0, sizeof(*spec));
	if (left < sizeof(spec->hdr))
		return -EINVAL;
	memcpy(&spec->hdr, bytes, sizeof(spec->hdr));
	if (spec->hdr.size < sizeof(spec->hdr) || spec->hdr.size > left || spec->hdr.reserved)
		return -EINVAL;
	size = spec_size(spec->hdr.type);
	if (!size)
		return -EINVAL;
	if (spec->hdr.type < EMU_SPEC_ACTION_TAG) {
		rc = read_filter(bytes, spec->hdr.size, spec);
		return rc ? rc : check_ranges(spec);
	}
	if (spec->hdr.size != size)
		return spec->hdr.type == EMU_SPEC_ACTION_HANDLE ? -EOPNOTSUPP : -EINVAL;
	memcpy(spec, bytes, size);
	return 0;
}

int emu_specs_read(const struct ib_uverbs_flow_attr *attr, struct emu_specs *specs)
{
	const uint8_t *at = (const uint8_t *)attr->flow_specs;
	size_t left = attr->size;
	int rc;

	for (specs->n = 0; specs->n < attr->num_of_specs; specs->n++) {
		rc = read_spec(at, left, &specs->spec[specs->n]);
		if (rc)
			return rc;
		at += specs->spec[specs->n].hdr.size;
		left -= specs->spec[specs->n].hdr.size;
	}
	return left ? -EINVAL : 0;
}

/*
 * A rule that multicast frames alone can meet goes into the multicast table. The kernel judges by
 * the first spec only, and an IPv4 one by its value without its mask.
 */
bool emu_specs_multicast(const struct emu_specs *specs)
{
	const union emu_spec *first = &specs->spec[0];

	if (!specs->n)
		return false;
	if (first->hdr.type == EMU_SPEC_IPV4)
		return (emu_from_be32(first->ipv4.val.dst_ip) & 0xf0000000) == 0xe0000000;
	return first->hdr.type == EMU_SPEC_ETH && (first->eth.mask.dst_mac[0] & 1) &&
	       (first->eth.val.dst_mac[0] & 1);
}

/* An ethertype beside an IP spec must be matched as a whole and be that protocol's, or MPLS. */
static bool ethertype_fits(uint16_t type, uint32_t ip_spec)
{
	return (type == ETHERTYPE_IPV4 && ip_spec == EMU_SPEC_IPV4) ||
	       (type == ETHERTYPE_IPV6 && ip_spec == EMU_SPEC_IPV6) || type == ETHERTYPE_MPLS_UC ||
	       type == ETHERTYPE_MPLS_MC;
}

static bool layer_agrees(const struct emu_specs *specs, uint32_t inner)
{
	uint16_t mask = 0, type = 0;
	uint32_t ip_spec = 0;
	unsigned i;

	for (i = 0; i < specs->n; i++) {
		const union emu_spec *spec = &specs->spec[i];

		if (spec->hdr.type == (EMU_SPEC_IPV4 | inner) ||
		    spec->hdr.type == (EMU_SPEC_IPV6 | inner))
			ip_spec = spec->hdr.type & ~EMU_SPEC_INNER;
		if (spec->hdr.type != (EMU_SPEC_ETH | inner) || !spec->eth.mask.ether_type)
			continue;
		mask = emu_from_be16(spec->eth.mask.ether_type);
		type = emu_from_be16(spec->eth.val.ether_type);
	}
	if (!mask || !ip_spec)
		return true;
	return mask == 0xffff && ethertype_fits(type, ip_spec);
}

bool emu_specs_agree(const struct emu_specs *specs)
{
	return layer_agrees(specs, 0) && layer_agrees(specs, EMU_SPEC_INNER);
}
