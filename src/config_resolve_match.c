/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow matches. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, PROTO_TCP = 6, PROTO_UDP = 17 };

enum kind { MAC, BYTE, WORD, PORTS, PREFIX4, PREFIX6 };

#define AT(field) offsetof(struct dq_headers, field)

static const struct field {
	const char *key;
	enum dq_match_field bit;
	enum kind kind;
	size_t at; /* in struct dq_headers; a prefix's mask comes behind its value */
} fields[] = {
	{"src_mac", DQ_MATCH_SRC_MAC, MAC, AT(src_mac)},
	{"dst_mac", DQ_MATCH_DST_MAC, MAC, AT(dst_mac)},
	{"ethertype", DQ_MATCH_ETHERTYPE, WORD, AT(ethertype)},
	{"vlan_id", DQ_MATCH_VLAN_ID, WORD, AT(vlan_id)},
	{"vlan_pcp", DQ_MATCH_VLAN_PCP, BYTE, AT(vlan_pcp)},
	{"ipv4_src", DQ_MATCH_IPV4_SRC, PREFIX4, AT(ipv4_src)},
	{"ipv4_dst", DQ_MATCH_IPV4_DST, PREFIX4, AT(ipv4_dst)},
	{"ipv6_src", DQ_MATCH_IPV6_SRC, PREFIX6, AT(ipv6_src)},
	{"ipv6_dst", DQ_MATCH_IPV6_DST, PREFIX6, AT(ipv6_dst)},
	{"ip_proto", DQ_MATCH_IP_PROTO, BYTE, AT(ip_proto)},
	{"udp_src", DQ_MATCH_UDP_SRC, PORTS, AT(udp_src)},
	{"udp_dst", DQ_MATCH_UDP_DST, PORTS, AT(udp_dst)},
	{"tcp_src", DQ_MATCH_TCP_SRC, PORTS, AT(tcp_src)},
	{"tcp_dst", DQ_MATCH_TCP_DST, PORTS, AT(tcp_dst)},
};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

_Static_assert(AT(ipv4_src_mask) == AT(ipv4_src) + 4 && AT(ipv4_dst_mask) == AT(ipv4_dst) + 4 &&
		       AT(ipv6_src_mask) == AT(ipv6_src) + 16 &&
		       AT(ipv6_dst_mask) == AT(ipv6_dst) + 16,
	       "a prefix's mask comes behind its value");

/* ---- values ---- */

static void put_prefix(uint8_t *at, const char *value, unsigned bytes)
{
	unsigned len = 0;

	if (bytes == 4)
		dq_parse_prefix(value, at, &len);
	else
		dq_parse_prefix6(value, at, &len);
	for (unsigned i = 0; i < len; i++)
		at[bytes + i / 8] |= (uint8_t)(0x80 >> i % 8);
}

/* The checks of single values were passed: nothing here fails. */
static void put_value(uint8_t *at, enum kind kind, const char *value)
{
	struct dq_range *range = (struct dq_range *)(void *)at;
	uint64_t first = 0, last = 0;

	if (kind == BYTE || kind == WORD || kind == PORTS)
		dq_parse_range(value, UINT16_MAX, &first, &last);
	switch (kind) {
	case MAC:
		dq_parse_mac(value, at);
		break;
	case BYTE:
		*at = (uint8_t)first;
		break;
	case WORD:
		*(uint16_t *)(void *)at = (uint16_t)first;
		break;
	case PORTS:
		*range = (struct dq_range){(uint16_t)first, (uint16_t)last};
		break;
	case PREFIX4:
		put_prefix(at, value, 4);
		break;
	case PREFIX6:
		put_prefix(at, value, 16);
		break;
	}
}

/* A key of the outer headers, or the same of the inner ones. */
static const char *key_of(char buf[32], unsigned i, bool inner)
{
	snprintf(buf, 32, "%s%s", inner ? "inner_" : "", fields[i].key);
	return buf;
}

static void add_word(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? ", " : "", word);
}

void dq_match_keys(char *buf, size_t size, const struct dq_match *match)
{
	static const char *const tunnel[] = {"vni", "tni", "gre_key", "decap", "ipv4_len"};
	const struct dq_headers *headers[] = {&match->outer, &match->inner};
	char key[32];

	buf[0] = '\0';
	for (unsigned i = 0; i < 2 * N_FIELDS; i++)
		if (headers[i / N_FIELDS]->fields & fields[i % N_FIELDS].bit)
			add_word(buf, size, key_of(key, i % N_FIELDS, i / N_FIELDS));
	for (unsigned i = 0; i < sizeof(tunnel) / sizeof(tunnel[0]); i++)
		if (match->fields >> i & 1)
			add_word(buf, size, tunnel[i]);
}

static bool is_vlan(unsigned i)
{
	return fields[i].bit & (DQ_MATCH_VLAN_ID | DQ_MATCH_VLAN_PCP);
}

static void read_headers(const struct dq_section *sec, struct dq_headers *h, bool inner)
{
	const char *value;
	char key[32];

	for (unsigned i = 0; i < N_FIELDS; i++) {
		if (inner && is_vlan(i))
			continue;
		value = dq_section_value(sec, key_of(key, i, inner));
		if (!value)
			continue;
		h->fields |= fields[i].bit;
		put_value((uint8_t *)h + fields[i].at, fields[i].kind, value);
	}
}

/* ---- contradictions ---- */

/* What is being judged. */
struct judged {
	struct dq_resolver *r;
	const struct dq_section *sec;
	const struct dq_headers *h;
	bool inner;
};

/* Blames the first of these fields that is given. */
static int blame(const struct judged *j, uint32_t bits, const char *why)
{
	unsigned i = 0;
	char key[32];

	while (i < N_FIELDS - 1 && !(j->h->fields & bits & fields[i].bit))
		i++;
	return dq_blame_key(j->r->cfg, j->sec, key_of(key, i, j->inner), "%s", why);
}

static int check_l3(const struct judged *j)
{
	const struct dq_headers *h = j->h;
	bool v4 = h->fields & DQ_MATCH_IPV4, v6 = h->fields & DQ_MATCH_IPV6;
	bool ip = h->fields & (DQ_MATCH_UDP | DQ_MATCH_TCP | DQ_MATCH_IP_PROTO);

	if (v4 && v6)
		return blame(j, DQ_MATCH_IPV6,
			     "an IPv4 address is given, too, and no frame has both: make two "
			     "flows");
	if (!(h->fields & DQ_MATCH_ETHERTYPE))
		return 0;
	if (v4 && h->ethertype != ETHERTYPE_IPV4)
		return blame(j, DQ_MATCH_ETHERTYPE,
			     "contradicts the IPv4 address; allowed 0x0800, which may be left out");
	if (v6 && h->ethertype != ETHERTYPE_IPV6)
		return blame(j, DQ_MATCH_ETHERTYPE,
			     "contradicts the IPv6 address; allowed 0x86dd, which may be left out");
	if (ip && h->ethertype != ETHERTYPE_IPV4 && h->ethertype != ETHERTYPE_IPV6)
		return blame(
			j, DQ_MATCH_ETHERTYPE,
			"contradicts the match of IP's protocol or of its ports; allowed 0x0800, "
			"0x86dd");
	return 0;
}

static int check_l4(const struct judged *j)
{
	const struct dq_headers *h = j->h;
	bool udp = h->fields & DQ_MATCH_UDP, tcp = h->fields & DQ_MATCH_TCP;

	if (udp && tcp)
		return blame(j, DQ_MATCH_TCP,
			     "a UDP port is given, too, and no frame has both: make two flows");
	if (!(h->fields & DQ_MATCH_IP_PROTO))
		return 0;
	if (udp && h->ip_proto != PROTO_UDP)
		return blame(j, DQ_MATCH_IP_PROTO,
			     "contradicts the UDP port; allowed 17, which may be left out");
	if (tcp && h->ip_proto != PROTO_TCP)
		return blame(j, DQ_MATCH_IP_PROTO,
			     "contradicts the TCP port; allowed 6, which may be left out");
	if (!h->ip_proto && !(h->fields & (DQ_MATCH_ETHERTYPE | DQ_MATCH_IPV4 | DQ_MATCH_IPV6)))
		return blame(
			j, DQ_MATCH_IP_PROTO,
			"the NIC takes frames without IP for such, too: add ethertype = 0x86dd "
			"or 0x0800");
	return 0;
}

static int check_headers(const struct judged *j)
{
	int err = check_l3(j);

	return err ? err : check_l4(j);
}

int dq_resolve_match(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m)
{
	struct judged outer = {r, sec, &m->outer, false}, inner = {r, sec, &m->inner, true};
	int err;

	read_headers(sec, &m->outer, false);
	read_headers(sec, &m->inner, true);
	err = dq_resolve_tunnel_fields(r, sec, m);
	if (!err)
		err = dq_resolve_words(r, sec, m);
	if (err)
		return err;
	if (!m->outer.fields && !m->inner.fields && !m->fields && !dq_section_value(sec, "encap"))
		return dq_blame_key(r->cfg, sec, NULL,
				    "matches nothing in particular: give a match such as udp_dst, "
				    "or use unmatched = queue N in the [port]");
	err = check_headers(&outer);
	if (!err)
		err = check_headers(&inner);
	return err ? err : dq_check_tunnel_fields(r, sec, m);
}
