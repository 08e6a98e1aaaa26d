/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow matches of a tunnel's own header. */
#include <string.h>

#include "config_resolve.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_UDP = 17,
	PROTO_GRE = 47,
	VXLAN_PORT = 4789, /* RFC 7348 */
};

static const struct field {
	const char *key;
	enum dq_tunnel_field bit;
} fields[] = {{"vni", DQ_MATCH_VNI}, {"tni", DQ_MATCH_TNI}, {"gre_key", DQ_MATCH_GRE_KEY}};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

void dq_resolve_tunnel_fields(const struct dq_section *sec, struct dq_match *m)
{
	uint32_t *const values[N_FIELDS] = {&m->vni, &m->tni, &m->gre_key};

	for (unsigned i = 0; i < N_FIELDS; i++) {
		if (!dq_section_value(sec, fields[i].key))
			continue;
		m->fields |= fields[i].bit;
		*values[i] = (uint32_t)dq_section_number(sec, fields[i].key, 0);
	}
}

/* The outer headers that carry VXLAN: UDP to its port. */
static bool fits_vxlan(const struct dq_headers *h)
{
	bool dst = h->fields & DQ_MATCH_UDP_DST;

	return !(h->fields & DQ_MATCH_TCP) &&
	       !(h->fields & DQ_MATCH_IP_PROTO && h->ip_proto != PROTO_UDP) &&
	       !(dst && (h->udp_dst.first != VXLAN_PORT || h->udp_dst.last != VXLAN_PORT));
}

static bool fits_gre(const struct dq_headers *h)
{
	return !(h->fields & (DQ_MATCH_UDP | DQ_MATCH_TCP)) &&
	       !(h->fields & DQ_MATCH_IP_PROTO && h->ip_proto != PROTO_GRE);
}

static bool fits_ip(const struct dq_headers *h)
{
	return !(h->fields & DQ_MATCH_ETHERTYPE) || h->ethertype == ETHERTYPE_IPV4 ||
	       h->ethertype == ETHERTYPE_IPV6;
}

int dq_check_tunnel_fields(struct dq_resolver *r, const struct dq_section *sec,
			   const struct dq_match *m)
{
	const char *key = m->fields & DQ_MATCH_VNI   ? "vni"
			  : m->fields & DQ_MATCH_TNI ? "tni"
						     : "gre_key";

	if (!m->fields)
		return 0;
	if (m->fields & (m->fields - 1))
		return dq_blame_key(r->cfg, sec, key,
				    "vni, tni and gre_key are of three kinds of tunnels, and no "
				    "frame is in two: make a flow for each");
	if (!fits_ip(&m->outer))
		return dq_blame_key(
			r->cfg, sec, "ethertype",
			"contradicts %s, whose tunnels are carried by IP; allowed 0x0800, "
			"0x86dd",
			key);
	if (m->fields & DQ_MATCH_VNI && !fits_vxlan(&m->outer))
		return dq_blame_key(
			r->cfg, sec, key,
			"the NIC knows VXLAN by UDP port %d, which the match of the outer "
			"headers excludes; what is in the tunnel is matched by inner_ keys",
			VXLAN_PORT);
	if (m->fields & (DQ_MATCH_TNI | DQ_MATCH_GRE_KEY) && !fits_gre(&m->outer))
		return dq_blame_key(
			r->cfg, sec, key,
			"GRE is protocol %d of IP, which the match of the outer headers "
			"excludes; what is in the tunnel is matched by inner_ keys",
			PROTO_GRE);
	return 0;
}
