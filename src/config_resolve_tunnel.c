/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels, and what a flow matches of their own headers. */
#include <errno.h>
#include <string.h>

#include "config_resolve.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_UDP = 17,
	PROTO_GRE = 47,
	VXLAN_PORT = 4789,     /* RFC 7348 */
	FIRST_DYNAMIC = 49152, /* RFC 6335 */
	N_DYNAMIC = 16384,
};

static const struct field {
	const char *key;
	enum dq_tunnel_field bit;
} fields[] = {{"vni", DQ_MATCH_VNI}, {"tni", DQ_MATCH_TNI}, {"gre_key", DQ_MATCH_GRE_KEY}};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

int dq_resolve_tunnel_fields(struct dq_resolver *r, const struct dq_section *sec,
			     struct dq_match *m)
{
	uint32_t *const values[N_FIELDS] = {&m->vni, &m->tni, &m->gre_key};

	for (unsigned i = 0; i < N_FIELDS; i++) {
		uint32_t value = (uint32_t)dq_section_number(sec, fields[i].key, 0);

		if (!dq_section_value(sec, fields[i].key))
			continue;
		if (m->fields & fields[i].bit && *values[i] != value)
			return dq_blame_key(
				r->cfg, sec, fields[i].key,
				"the tunnel that decap names has another one; it may be "
				"left out here");
		m->fields |= fields[i].bit;
		*values[i] = value;
	}
	return 0;
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

	uint32_t kinds = m->fields & ~(uint32_t)DQ_MATCH_GRE_PROTOCOL;

	if (!m->fields)
		return 0;
	if (m->fields & DQ_MATCH_GRE_PROTOCOL)
		kinds |= DQ_MATCH_GRE_KEY; /* which may be given besides */
	if (kinds & (kinds - 1))
		return dq_blame_key(
			r->cfg, sec, key,
			"vni, tni and gre_key are of three kinds of tunnels, as decap may "
			"be, and no frame is in two: make a flow for each");
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
	if (kinds & (DQ_MATCH_TNI | DQ_MATCH_GRE_KEY) && !fits_gre(&m->outer))
		return dq_blame_key(
			r->cfg, sec, key,
			"GRE is protocol %d of IP, which the match of the outer headers "
			"excludes; what is in the tunnel is matched by inner_ keys",
			PROTO_GRE);
	return 0;
}

/* ---- [tunnel] ---- */

/* The type of tunnel that a key is of. */
static const struct type_key {
	const char *key;
	enum dq_tunnel_type type;
	bool required;
} type_keys[] = {{"vni", DQ_TUNNEL_VXLAN, true},      {"tni", DQ_TUNNEL_NVGRE, true},
		 {"protocol", DQ_TUNNEL_GRE, false},  {"udp_src", DQ_TUNNEL_VXLAN, false},
		 {"udp_dst", DQ_TUNNEL_VXLAN, false}, {"flow_id", DQ_TUNNEL_NVGRE, false}};

static const char *const types[] = {"vxlan", "gre", "nvgre"};

static int check_keys(struct dq_resolver *r, const struct dq_section *sec, enum dq_tunnel_type type)
{
	for (unsigned i = 0; i < sizeof(type_keys) / sizeof(type_keys[0]); i++) {
		const struct type_key *k = &type_keys[i];
		bool given = dq_section_find(sec, k->key);

		if (given && k->type != type)
			return dq_blame_key(r->cfg, sec, k->key, "is of type = %s only",
					    types[k->type]);
		if (!given && k->type == type && k->required)
			return dq_blame_key(r->cfg, sec, "type", "needs %s", k->key);
	}
	return 0;
}

/* An address alone. False: it is not given, or a prefix, which is blamed. */
static int read_address(struct dq_resolver *r, const struct dq_section *sec, const char *key,
			uint8_t addr[4])
{
	const char *value = dq_section_value(sec, key);
	unsigned len = 32;

	if (value && dq_parse_prefix(value, addr, &len) && len != 32)
		return dq_blame_key(r->cfg, sec, key, "is a prefix; allowed A.B.C.D");
	return 0;
}

/* VXLAN's source port stands for the frames that are in it; by default, for the network. */
static uint16_t udp_src(const struct dq_section *sec, uint32_t vni)
{
	return (uint16_t)dq_section_number(sec, "udp_src", FIRST_DYNAMIC + vni % N_DYNAMIC);
}

static int read_header(struct dq_resolver *r, const struct dq_section *sec,
		       struct dq_conf_tunnel *t)
{
	int err = read_address(r, sec, "ipv4_src", t->ipv4_src);

	if (!err)
		err = read_address(r, sec, "ipv4_dst", t->ipv4_dst);
	t->has_ips = dq_section_value(sec, "ipv4_src") && dq_section_value(sec, "ipv4_dst");
	t->ttl = (uint8_t)dq_section_number(sec, "ttl", 0);
	t->tos = (uint8_t)dq_section_number(sec, "tos", 0);
	t->flow_id = (uint8_t)dq_section_number(sec, "flow_id", 0);
	t->udp_src = udp_src(sec, t->vni);
	t->udp_dst = (uint16_t)dq_section_number(sec, "udp_dst", 0);
	return err;
}

static int read_tunnel(struct dq_resolver *r, const struct dq_section *sec,
		       struct dq_conf_tunnel *t)
{
	const char *src = dq_section_value(sec, "mac_src"), *dst = dq_section_value(sec, "mac_dst");
	char name[DQ_NAME_MAX + 1];
	int err;

	dq_section_word(sec, 1, name);
	t->name = dq_pool_strdup(r->conf->pool, name);
	t->where = dq_resolver_where(r, sec);
	if (!t->name || !t->where)
		return dq_no_memory();
	while (t->type < DQ_TUNNEL_NVGRE && !dq_section_is(sec, "type", types[t->type]))
		t->type++;
	t->has_macs = src && dst && dq_parse_mac(src, t->mac_src) && dq_parse_mac(dst, t->mac_dst);
	t->vni = (uint32_t)dq_section_number(sec, "vni", 0);
	t->tni = (uint32_t)dq_section_number(sec, "tni", 0);
	t->protocol = (uint16_t)dq_section_number(sec, "protocol", 0);
	err = read_header(r, sec, t);
	return err ? err : check_keys(r, sec, t->type);
}

int dq_resolve_tunnels(struct dq_resolver *r)
{
	unsigned n = dq_count_kind(r->cfg, "tunnel");
	int err = 0;

	r->conf->tunnels = dq_resolver_alloc(r, n, sizeof(*r->conf->tunnels));
	if (!r->conf->tunnels)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "tunnel"))
			err = read_tunnel(r, &r->cfg->sections[i],
					  &r->conf->tunnels[r->conf->n_tunnels++]);
	return err;
}

const struct dq_conf_tunnel *dq_find_tunnel(struct dq_resolver *r, const struct dq_section *sec,
					    const char *key)
{
	const char *name = dq_section_value(sec, key);

	for (unsigned i = 0; i < r->conf->n_tunnels; i++)
		if (!strcmp(r->conf->tunnels[i].name, name))
			return &r->conf->tunnels[i];
	dq_blame_key(r->cfg, sec, key, "there is no [tunnel %s]%s", name,
		     r->open ? " in what the context was opened with" : "");
	return NULL;
}

/* ---- decap ---- */

static void match_tunnel(struct dq_match *m, const struct dq_conf_tunnel *t)
{
	static const enum dq_tunnel_field bits[] = {DQ_MATCH_VNI, DQ_MATCH_GRE_PROTOCOL,
						    DQ_MATCH_TNI};

	m->fields |= bits[t->type];
	m->vni = t->vni;
	m->tni = t->tni;
	m->gre_protocol = t->type == DQ_TUNNEL_GRE ? t->protocol : 0;
}

/* GRE carries packets: the Ethernet header of what arrives is of our making. */
static int check_gre(struct dq_resolver *r, const struct dq_section *sec,
		     const struct dq_conf_tunnel *t)
{
	if (t->type != DQ_TUNNEL_GRE)
		return 0;
	if (!t->has_macs)
		return dq_blame_key(r->cfg, sec, "decap",
				    "what GRE carries has no Ethernet header and gets one: give "
				    "mac_src and mac_dst in [tunnel %s]",
				    t->name);
	if (t->protocol != ETHERTYPE_IPV4 && t->protocol != ETHERTYPE_IPV6)
		return dq_blame_key(r->cfg, sec, "decap",
				    "the NIC takes GRE off from IP only: protocol of [tunnel %s]; "
				    "allowed 0x0800, 0x86dd",
				    t->name);
	return 0;
}

int dq_resolve_decap(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow)
{
	const struct dq_conf_tunnel *t;
	int err;

	if (!dq_section_value(sec, "decap"))
		return 0;
	t = dq_find_tunnel(r, sec, "decap");
	if (!t)
		return -EINVAL;
	if (t->type == DQ_TUNNEL_VXLAN && t->udp_dst != VXLAN_PORT)
		return dq_blame_key(
			r->cfg, sec, "decap",
			"the NIC takes UDP port %d alone for VXLAN, and other ports are "
			"the kernel's to tell it of: udp_dst = %d in [tunnel %s], which "
			"may be left out",
			VXLAN_PORT, VXLAN_PORT, t->name);
	err = check_gre(r, sec, t);
	if (err)
		return err;
	if (dq_section_is(sec, "drop", "on"))
		return dq_blame_key(r->cfg, sec, "decap",
				    "the flow drops its frames: leave it out");
	match_tunnel(&flow->match, t);
	flow->decap = t;
	return 0;
}
