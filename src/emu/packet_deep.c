/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels, their inner headers and the rarer words of fte_match_param. Engine's thread. */
#include "packet_deep.h"

#include <endian.h>
#include <string.h>

#define ETHERTYPE_IPV4	  0x0800
#define ETHERTYPE_IPV6	  0x86dd
#define ETHERTYPE_TEB	  0x6558 /* transparent Ethernet bridging: RFC 7637 */
#define ETHERTYPE_MPLS_UC 0x8847
#define ETHERTYPE_MPLS_MC 0x8848

#define PROTO_ICMP  1
#define PROTO_IPIP  4
#define PROTO_IPV6  41
#define PROTO_GRE   47
#define PROTO_ESP   50
#define PROTO_ICMP6 58

#define PORT_GTPU      2152
#define PORT_VXLAN     4789
#define PORT_VXLAN_GPE 4790
#define PORT_GENEVE    6081
#define PORT_MPLS      6635 /* RFC 7510 */

#define GRE_CSUM 0x8000u
#define GRE_KEY	 0x2000u
#define GRE_SEQ	 0x1000u

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Where the IP packet ends. */
static uint32_t end_of(const struct emu_pkt *pkt, uint32_t len)
{
	uint32_t end = pkt->l4_off + pkt->l4_len;

	return pkt->l3_good && end < len ? end : len;
}

static enum emu_inner by_ethertype(uint16_t type)
{
	if (type == ETHERTYPE_TEB)
		return EMU_INNER_L2;
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 ? EMU_INNER_L3 : EMU_INNER_NONE;
}

static uint32_t gre_size(uint16_t flags)
{
	return 4u + (flags & GRE_CSUM ? 4u : 0) + (flags & GRE_KEY ? 4u : 0) +
	       (flags & GRE_SEQ ? 4u : 0);
}

/* TS 29.281: four more bytes where a flag of E, S, PN is set, then a list of extension headers. */
static uint32_t gtp_size(const uint8_t *gtp, uint32_t room)
{
	uint32_t size = 8;

	if (!(gtp[0] & 7))
		return size;
	size += 4;
	if (!(gtp[0] & 4))
		return size;
	while (size <= room && gtp[size - 1] && size < room) {
		if (!gtp[size])
			return room + 1;
		size += gtp[size] * 4u;
	}
	return size;
}

static void find_in_udp(struct emu_tunnel *t, const uint8_t *data, uint32_t room)
{
	static const enum emu_inner gpe[4] = {EMU_INNER_NONE, EMU_INNER_L3, EMU_INNER_L3,
					      EMU_INNER_L2};
	const uint8_t *h = data + t->header;

	switch (get16(h - 6)) { /* the destination port */
	case PORT_VXLAN:
		t->kind = EMU_TUNNEL_VXLAN;
		t->inner = EMU_INNER_L2;
		t->off = t->header + 8;
		break;
	case PORT_VXLAN_GPE:
		t->kind = EMU_TUNNEL_VXLAN_GPE;
		t->inner = h[3] < 4 ? gpe[h[3]] : EMU_INNER_NONE;
		t->off = t->header + 8;
		break;
	case PORT_GENEVE:
		t->kind = EMU_TUNNEL_GENEVE;
		t->inner = by_ethertype(get16(h + 2));
		t->off = t->header + 8 + (h[0] & 0x3fu) * 4;
		break;
	case PORT_GTPU:
		t->kind = EMU_TUNNEL_GTP;
		t->inner = h[1] == 0xff ? EMU_INNER_L3 : EMU_INNER_NONE; /* a G-PDU */
		t->off = t->header + gtp_size(h, room);
		break;
	case PORT_MPLS:
		t->kind = EMU_TUNNEL_MPLS_UDP;
		t->off = t->header + 4;
		break;
	default:
		break;
	}
}

struct emu_tunnel emu_tunnel_find(const struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	struct emu_tunnel t = {.header = pkt->l4_off}, none = {.kind = EMU_TUNNEL_NONE};
	uint32_t end = end_of(pkt, len);

	if (!pkt->l3_good || pkt->frag || t.header + 4 > end)
		return none;
	if (pkt->l4 == EMU_L4_UDP && t.header + 16 <= end) {
		t.header += 8;
		find_in_udp(&t, data, end - t.header);
	} else if (pkt->ip_proto == PROTO_GRE) {
		t.kind = EMU_TUNNEL_GRE;
		t.inner = by_ethertype(get16(data + t.header + 2));
		t.off = t.header + gre_size(get16(data + t.header));
	} else if (pkt->ip_proto == PROTO_IPIP || pkt->ip_proto == PROTO_IPV6) {
		t.kind = EMU_TUNNEL_IP;
		t.inner = EMU_INNER_L3;
		t.off = t.header;
	}
	return t.kind == EMU_TUNNEL_NONE || t.off > end ? none : t;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void put(uint32_t *words, unsigned at, uint32_t value)
{
	words[at] |= htobe32(value);
}

static void transport_words(uint32_t *w, const struct emu_pkt *pkt, const uint8_t *data,
			    uint32_t len)
{
	const uint8_t *l4 = data + pkt->l4_off;

	if (!pkt->l3_good || pkt->frag || pkt->l4_off + 8u > end_of(pkt, len))
		return;
	if (pkt->l4 == EMU_L4_TCP) {
		put(w, EMU_W_SEQ, get32(l4 + 4));
		put(w, EMU_W_ACK, get32(l4 + 8));
	} else if (pkt->ip_proto == PROTO_ICMP && pkt->l3 == EMU_L3_IPV4) {
		put(w, EMU_W_ICMP_TYPE, (uint32_t)get16(l4) << 16);
		put(w, EMU_W_ICMP_DATA, get32(l4 + 4));
	} else if (pkt->ip_proto == PROTO_ICMP6 && pkt->l3 == EMU_L3_IPV6) {
		put(w, EMU_W_ICMP_TYPE, get16(l4));
		put(w, EMU_W_ICMP6_DATA, get32(l4 + 4));
	} else if (pkt->ip_proto == PROTO_ESP) {
		put(w, EMU_W_SPI, get32(l4));
	}
}

static void gre_words(uint32_t *w, const uint8_t *h, uint32_t room)
{
	uint16_t flags = get16(h), type = get16(h + 2);
	uint32_t size = gre_size(flags), key = flags & GRE_CSUM ? 8 : 4;

	put(w, EMU_W_GRE, (uint32_t)(flags & (GRE_CSUM | GRE_KEY | GRE_SEQ)) << 16);
	put(w, EMU_W_SECOND_KIND, type);
	if ((flags & GRE_KEY) && key + 4 <= room)
		put(w, EMU_W_GRE_KEY, get32(h + key));
	if ((type == ETHERTYPE_MPLS_UC || type == ETHERTYPE_MPLS_MC) && size + 4 <= room)
		put(w, EMU_W_MPLS_GRE, get32(h + size));
}

static void gtp_words(uint32_t *w, const uint8_t *h, uint32_t room)
{
	put(w, EMU_W_GTP_DW0, get32(h));
	put(w, EMU_W_GTP_TYPE, (uint32_t)h[1] << 24 | (uint32_t)(h[0] & 7) << 16);
	put(w, EMU_W_GTP_TEID, get32(h + 4));
	if (room >= 12 && (h[0] & 7))
		put(w, EMU_W_GTP_DW2, get32(h + 8));
	if (room >= 16 && (h[0] & 4))
		put(w, EMU_W_GTP_EXT, get32(h + 12));
}

static void tunnel_words(uint32_t *w, const struct emu_tunnel *t, const uint8_t *data, uint32_t end)
{
	const uint8_t *h = data + t->header;
	uint32_t room = end - t->header;

	for (unsigned i = 0; i < 4 && (i + 1) * 4 <= room && t->kind != EMU_TUNNEL_IP; i++)
		put(w, EMU_W_TUNNEL + i, get32(h + (size_t)i * 4));
	switch (t->kind) {
	case EMU_TUNNEL_GRE:
		gre_words(w, h, room);
		break;
	case EMU_TUNNEL_VXLAN_GPE:
		put(w, EMU_W_GPE_VNI, get32(h + 4) >> 8);
		put(w, EMU_W_GPE_PROTO, (uint32_t)h[3] << 24 | (uint32_t)h[0] << 16);
		break;
	case EMU_TUNNEL_GENEVE:
		put(w, EMU_W_GENEVE, (get32(h + 4) & 0xffffff00) | (uint32_t)h[1] >> 7);
		put(w, EMU_W_GENEVE_OPT, (uint32_t)(h[0] & 0x3f) << 16 | get16(h + 2));
		break;
	case EMU_TUNNEL_GTP:
		gtp_words(w, h, room);
		break;
	case EMU_TUNNEL_MPLS_UDP:
		put(w, EMU_W_MPLS_UDP, get32(h));
		break;
	default:
		break;
	}
}

/* The inner headers look to their words as the outer ones look to theirs. */
static void inner_words(uint32_t *w, const struct emu_tunnel *t, const uint8_t *data, uint32_t len)
{
	uint32_t misc[EMU_DEEP_WORDS] = {0};
	struct emu_pkt in;
	uint16_t type;

	if (t->inner == EMU_INNER_L2)
		emu_pkt_parse(&in, data, len);
	else
		emu_pkt_parse_ip(&in, data, len);
	memcpy(&w[EMU_W_INNER], in.match, 16 * sizeof(w[0]));
	w[EMU_W_INNER_LABEL] |= in.match[23];
	put(w, EMU_W_SECOND_VLAN, be32toh(in.match[EMU_W_SECOND_VLAN]) >> 16);
	put(w, EMU_W_SECOND_KIND, (be32toh(in.match[EMU_W_SECOND_KIND]) & 0xa0000000) >> 1);
	transport_words(misc, &in, data, len);
	w[EMU_W_INNER_SEQ] |= misc[EMU_W_SEQ];
	w[EMU_W_INNER_ACK] |= misc[EMU_W_ACK];
	w[EMU_W_INNER_SPI] |= misc[EMU_W_SPI];
	type = (uint16_t)be32toh(in.match[1]);
	if (t->inner == EMU_INNER_L2 && (type == ETHERTYPE_MPLS_UC || type == ETHERTYPE_MPLS_MC) &&
	    in.l3_off + 4u <= len)
		put(w, EMU_W_INNER_MPLS, get32(data + in.l3_off));
}

void emu_pkt_parse_deep(uint32_t words[EMU_DEEP_WORDS], const struct emu_pkt *pkt,
			const uint8_t *data, uint32_t len)
{
	uint16_t type = (uint16_t)be32toh(pkt->match[1]);
	uint32_t end = end_of(pkt, len);
	struct emu_tunnel t;

	memcpy(words, pkt->match, EMU_PKT_WORDS * sizeof(words[0]));
	memset(words + EMU_PKT_WORDS, 0, (EMU_DEEP_WORDS - EMU_PKT_WORDS) * sizeof(words[0]));
	if ((type == ETHERTYPE_MPLS_UC || type == ETHERTYPE_MPLS_MC) && pkt->l3_off + 4u <= len)
		put(words, EMU_W_MPLS, get32(data + pkt->l3_off));
	transport_words(words, pkt, data, len);
	t = emu_tunnel_find(pkt, data, len);
	if (t.kind == EMU_TUNNEL_NONE)
		return;
	tunnel_words(words, &t, data, end);
	if (t.inner != EMU_INNER_NONE && t.off < end)
		inner_words(words, &t, data + t.off, end - t.off);
}
