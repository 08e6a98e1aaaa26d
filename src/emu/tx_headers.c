/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the headers of an outgoing frame are, and the checksums in them. The card's parser knows
 * Ethernet with tags, IP with extension headers, TCP, UDP, and of tunnels VXLAN, Geneve, GRE and IP
 * in IP; the software parser's offsets (PRM, "Ethernet segment", swp_*) stand in for what it did
 * not find. Reads and writes inside [data, data + len) only, whatever the bytes say.
 */
#include <string.h>

#include "tx.h"

#define ETHERTYPE_IPV4	0x0800
#define ETHERTYPE_IPV6	0x86dd
#define ETHERTYPE_CVLAN 0x8100
#define ETHERTYPE_SVLAN 0x88a8
#define ETHERTYPE_TEB	0x6558 /* an Ethernet frame in a tunnel */

#define PROTO_HOPOPTS 0
#define PROTO_IPIP    4
#define PROTO_IPV6    41
#define PROTO_ROUTING 43
#define PROTO_GRE     47
#define PROTO_DSTOPTS 60

#define PORT_VXLAN  4789
#define PORT_GENEVE 6081

#define GRE_CSUM 0x8000
#define GRE_KEY	 0x2000
#define GRE_SEQ	 0x1000

#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */

struct view {
	const uint8_t *data;
	uint32_t len;
	bool lso;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* ---- one IP header --------------------------------------------------------------------------- */

static void find_l4(const struct view *v, struct emu_tx_header *h, uint32_t at, unsigned proto)
{
	uint32_t left = at < h->end ? h->end - at : 0, size;

	if (proto == EMU_PROTO_UDP && left >= 8)
		size = 8;
	else if (proto == EMU_PROTO_TCP && left >= 20)
		size = (uint32_t)(v->data[at + 12] >> 4) * 4;
	else
		return;
	if (size < 8 || size > left)
		return;
	h->l4 = (uint16_t)at;
	h->proto = (uint8_t)proto;
	h->behind = (uint16_t)(at + size);
}

/* Protocol behind the header, or -1; *at steps behind it. */
static int find_ipv4(const struct view *v, struct emu_tx_header *h, uint32_t *at)
{
	const uint8_t *ip = v->data + *at;
	uint32_t left = v->len - *at, ihl, total;

	if (left < 20)
		return -1;
	ihl = (uint32_t)(ip[0] & 0xf) * 4;
	total = v->lso ? left : get16(ip + 2);
	if (ihl < 20 || total < ihl || total > left)
		return -1;
	h->version = 4;
	h->l3 = (uint16_t)*at;
	h->end = *at + total;
	*at += ihl;
	return get16(ip + 6) & IPV4_FRAGMENT ? -1 : ip[9];
}

static int find_ipv6(const struct view *v, struct emu_tx_header *h, uint32_t *at)
{
	const uint8_t *ip = v->data + *at;
	uint32_t left = v->len - *at, total;
	unsigned next;

	if (left < 40)
		return -1;
	total = v->lso ? left : 40u + get16(ip + 4);
	if (total > left)
		return -1;
	h->version = 6;
	h->l3 = (uint16_t)*at;
	h->end = *at + total;
	next = ip[6];
	for (*at += 40; next == PROTO_HOPOPTS || next == PROTO_ROUTING || next == PROTO_DSTOPTS;) {
		if (*at + 8 > h->end)
			return -1;
		next = v->data[*at];
		*at += 8u + v->data[*at + 1] * 8u;
	}
	return (int)next;
}

/* Protocol of what lies at *at, behind the IP header; -1: nothing that the parser knows. */
static int find_ip(const struct view *v, struct emu_tx_header *h, uint32_t *at)
{
	int proto;

	if (*at >= v->len || *at > UINT16_MAX / 2)
		return -1;
	switch (v->data[*at] >> 4) {
	case 4:
		proto = find_ipv4(v, h, at);
		break;
	case 6:
		proto = find_ipv6(v, h, at);
		break;
	default:
		return -1;
	}
	if (proto >= 0)
		find_l4(v, h, *at, (unsigned)proto);
	return proto;
}

/* From an Ethernet header at *at to what it carries: true if that is IP. */
static bool skip_ether(const struct view *v, uint32_t *at)
{
	uint16_t type;

	if (*at + 14 > v->len)
		return false;
	type = get16(v->data + *at + 12);
	*at += 14;
	while (type == ETHERTYPE_CVLAN || type == ETHERTYPE_SVLAN) {
		if (*at + 4 > v->len)
			return false;
		type = get16(v->data + *at + 2);
		*at += 4;
	}
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

static bool skip_payload(const struct view *v, uint32_t *at, uint16_t type)
{
	if (type == ETHERTYPE_TEB)
		return skip_ether(v, at);
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
}

static bool skip_udp_tunnel(const struct view *v, const struct emu_tx_header *outer, uint32_t *at)
{
	const uint8_t *tunnel = v->data + outer->behind;
	uint16_t port;

	if (outer->behind + 8u > v->len)
		return false;
	port = get16(v->data + outer->l4 + 2);
	*at = outer->behind + 8u;
	if (port == PORT_VXLAN)
		return skip_ether(v, at);
	if (port != PORT_GENEVE)
		return false;
	*at += (tunnel[0] & 0x3fu) * 4u; /* options */
	return skip_payload(v, at, get16(tunnel + 2));
}

static bool skip_gre(const struct view *v, uint32_t *at)
{
	const uint8_t *gre = v->data + *at;
	uint16_t flags;

	if (*at + 4 > v->len)
		return false;
	flags = get16(gre);
	*at += 4;
	*at += flags & GRE_CSUM ? 4 : 0;
	*at += flags & GRE_KEY ? 4 : 0;
	*at += flags & GRE_SEQ ? 4 : 0;
	return skip_payload(v, at, get16(gre + 2));
}

/* Is there a tunnel's IP packet, and where? */
static bool find_tunnel(const struct view *v, const struct emu_tx_header *outer, int proto,
			uint32_t *at)
{
	if (outer->l4)
		return outer->proto == EMU_PROTO_UDP && skip_udp_tunnel(v, outer, at);
	if (proto == PROTO_GRE)
		return skip_gre(v, at);
	return proto == PROTO_IPIP || proto == PROTO_IPV6;
}

/* ---- the software parser ----------------------------------------------------------------------
 */

static void from_software(const struct view *v, struct emu_tx_header *h, uint32_t l3, uint32_t l4,
			  unsigned proto)
{
	uint32_t at = l3;

	if (!h->l3 && l3)
		find_ip(v, h, &at);
	if (h->l3 && !h->l4 && l4 > h->l3)
		find_l4(v, h, l4, proto);
}

void emu_tx_find(const struct emu_tx *tx, const uint8_t *data, uint32_t len, bool lso,
		 struct emu_tx_headers *h)
{
	const struct view v = {data, len, lso};
	uint32_t at = 0;
	int proto;

	memset(h, 0, sizeof(*h));
	if (skip_ether(&v, &at)) {
		proto = find_ip(&v, &h->outer, &at);
		if (find_tunnel(&v, &h->outer, proto, &at))
			find_ip(&v, &h->inner, &at);
	}
	if (emu_broken(PARSER_OFFSETS))
		return;
	from_software(&v, &h->outer, tx->swp[EMU_SWP_OUTER_L3] * 2u, tx->swp[EMU_SWP_OUTER_L4] * 2u,
		      tx->swp_flags & EMU_SWP_OUTER_UDP ? EMU_PROTO_UDP : EMU_PROTO_TCP);
	from_software(&v, &h->inner, tx->swp[EMU_SWP_INNER_L3] * 2u, tx->swp[EMU_SWP_INNER_L4] * 2u,
		      tx->swp_flags & EMU_SWP_INNER_UDP ? EMU_PROTO_UDP : EMU_PROTO_TCP);
}

/* ---- checksums ------------------------------------------------------------------------------- */

static void csum_l3(uint8_t *data, const struct emu_tx_header *h)
{
	uint8_t *ip = data + h->l3;
	uint16_t sum;

	if (h->version != 4)
		return;
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~emu_csum(ip, (size_t)(ip[0] & 0xf) * 4, 0);
	memcpy(ip + 10, &sum, 2);
}

static void csum_l4(uint8_t *data, const struct emu_tx_header *h)
{
	uint8_t *l4 = data + h->l4, *field = l4 + (h->proto == EMU_PROTO_UDP ? 6 : 16);
	const uint8_t *addr = data + h->l3 + (h->version == 4 ? 12 : 8);
	uint32_t len = h->end - h->l4;
	uint16_t sum;

	if (!h->l4)
		return;
	if (h->proto == EMU_PROTO_UDP && get16(l4 + 4) < len)
		len = get16(l4 + 4);
	if (len < 8)
		return;
	memset(field, 0, 2);
	sum = emu_csum(addr, h->version == 4 ? 8 : 32, (uint64_t)htobe32(len) + htobe16(h->proto));
	sum = (uint16_t)~emu_csum(l4, len, sum);
	if (h->proto == EMU_PROTO_UDP && sum == 0)
		sum = 0xffff; /* RFC 768: zero would mean "none" */
	memcpy(field, &sum, 2);
}

/* What is inside first: the outer checksum covers it. */
void emu_tx_csum_at(const struct emu_tx *tx, uint8_t *data, const struct emu_tx_headers *h)
{
	if ((tx->csum & EMU_ETH_L3_INNER_CSUM) && !emu_broken(INNER_CSUM))
		csum_l3(data, &h->inner);
	if ((tx->csum & EMU_ETH_L4_INNER_CSUM) && !emu_broken(INNER_CSUM))
		csum_l4(data, &h->inner);
	if (tx->csum & EMU_ETH_L3_CSUM)
		csum_l3(data, &h->outer);
	if (tx->csum & EMU_ETH_L4_CSUM)
		csum_l4(data, &h->outer);
}

void emu_tx_csum(const struct emu_tx *tx, uint8_t *data, uint32_t len)
{
	struct emu_tx_headers h;

	emu_tx_find(tx, data, len, false, &h);
	emu_tx_csum_at(tx, data, &h);
}
