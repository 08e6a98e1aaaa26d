/* SPDX-License-Identifier: Apache-2.0 */
/* Header parsing and checksums. Runs on the engine's thread, once per frame. */
#include "packet.h"

#include <endian.h>
#include <string.h>

#include "emu_hw.h"

#define ETHERTYPE_IPV4	0x0800
#define ETHERTYPE_IPV6	0x86dd
#define ETHERTYPE_CVLAN 0x8100
#define ETHERTYPE_SVLAN 0x88a8

#define PROTO_TCP 6
#define PROTO_UDP 17

#define UDP_PORT_VXLAN 4789

/* PRM, fte_match_set_lyr_2_4 and fte_match_set_misc: word numbers of what we fill in */
enum {
	W_SMAC = 0, /* smac 47:16; smac 15:0 shares word 1 with the ethertype */
	W_ETHERTYPE = 1,
	W_DMAC = 2, /* dmac 47:16; dmac 15:0 shares word 3 with the first tag */
	W_VLAN = 3,
	W_IP = 4, /* protocol, dscp, ecn, cvlan, svlan, frag, version, TCP flags */
	W_TCP = 5,
	W_TTL = 6,
	W_UDP = 7,
	W_SRC = 8,
	W_DST = 12,
	W_SECOND_VLAN = 18,
	W_SECOND_KIND = 19,
	W_VXLAN = 21,
	W_FLOW_LABEL = 23
};

#define IP_CVLAN     (1u << 15)
#define IP_SVLAN     (1u << 14)
#define IP_FRAG	     (1u << 13)
#define SECOND_CVLAN (1u << 31)
#define SECOND_SVLAN (1u << 29)

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* Adds with end-around carry: a one's complement sum of 64 bits folds to one of 16. */
static inline uint64_t add_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/*
 * The sum of the last 0 to 7 bytes. By loads of their own size: bytes copied one by one and then
 * read as a word would stall on the store buffer.
 */
static uint64_t sum_tail(const uint8_t *data, size_t len)
{
	uint32_t four = 0;
	uint16_t two = 0;
	uint64_t sum = 0;

	if (len & 4) {
		memcpy(&four, data, 4);
		data += 4;
	}
	if (len & 2) {
		memcpy(&two, data, 2);
		data += 2;
	}
	if (len & 1)
		sum = htobe16((uint16_t)(*data << 8));
	return sum + four + two;
}

static uint64_t sum_words(const uint8_t *data, size_t len, uint64_t sum)
{
	uint64_t other = 0, a, b;

	for (; len >= 16; data += 16, len -= 16) {
		memcpy(&a, data, 8);
		memcpy(&b, data + 8, 8);
		sum = add_carry(sum, a);
		other = add_carry(other, b);
	}
	sum = add_carry(sum, other);
	if (len & 8) {
		memcpy(&a, data, 8);
		sum = add_carry(sum, a);
		data += 8;
	}
	return add_carry(sum, sum_tail(data, len & 7));
}

uint16_t emu_csum(const uint8_t *data, size_t len, uint64_t sum)
{
	sum = sum_words(data, len, sum);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * Rules see the ports also where the IP header claims more than the frame holds: the parser takes
 * what is there (rdma-core's tests of flow rules send such frames and cards match them); only the
 * checksums are not judged then.
 */
static void parse_l4(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	const uint8_t *l4 = data + pkt->l4_off;
	uint32_t left = len - pkt->l4_off;
	uint32_t flags, header;

	if (pkt->frag || pkt->l4_off > len)
		return;
	if (pkt->ip_proto == PROTO_UDP && left >= 8) {
		pkt->l4 = EMU_L4_UDP;
		memcpy(&pkt->match[W_UDP], l4, 4);
		if (get16(l4 + 2) == UDP_PORT_VXLAN && left >= 16)
			pkt->match[W_VXLAN] = htobe32(get32(l4 + 12) & 0xffffff00);
	} else if (pkt->ip_proto == PROTO_TCP && left >= 20) {
		pkt->l4 = EMU_L4_TCP;
		memcpy(&pkt->match[W_TCP], l4, 4);
		flags = get16(l4 + 12) & 0x1ff;
		pkt->match[W_IP] |= htobe32(flags);
		header = (uint32_t)(l4[12] >> 4) * 4;
		pkt->tcp_ack = flags & 0x10;
		pkt->tcp_empty = pkt->l4_len == header;
	}
}

static void parse_ipv4(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	const uint8_t *ip = data + pkt->l3_off;
	uint32_t left = len - pkt->l3_off;
	uint32_t ihl, total, frag;

	if (left < 20 || ip[0] >> 4 != 4)
		return;
	pkt->l3 = EMU_L3_IPV4;
	ihl = (uint32_t)(ip[0] & 0xf) * 4;
	total = get16(ip + 2);
	frag = get16(ip + 6) & 0x3fff; /* more fragments, or an offset */
	pkt->frag = frag != 0;
	pkt->ip_proto = ip[9];
	pkt->ip_ext = ihl > 20;
	pkt->match[W_IP] |= htobe32((uint32_t)ip[9] << 24 | (uint32_t)ip[1] << 16 |
				    (frag ? IP_FRAG : 0) | 4u << 9);
	pkt->match[W_TTL] = htobe32((uint32_t)(ip[0] & 0xf) << 12 | ip[8]);
	memcpy(&pkt->match[W_SRC + 3], ip + 12, 4);
	memcpy(&pkt->match[W_DST + 3], ip + 16, 4);
	if (ihl < 20 || total < ihl)
		return;
	pkt->l3_good = total <= left;
	pkt->l4_off = (uint16_t)(pkt->l3_off + ihl);
	pkt->l4_len = total - ihl;
	parse_l4(pkt, data, pkt->l3_off + (total < left ? total : left));
}

/* Walks over the extension headers that may stand before the transport header. */
static uint32_t skip_extensions(struct emu_pkt *pkt, const uint8_t *ip, uint32_t end)
{
	uint32_t off = 40, size;
	unsigned i;

	for (i = 0; i < 8; i++) {
		if (pkt->ip_proto != 0 && pkt->ip_proto != 43 && pkt->ip_proto != 44 &&
		    pkt->ip_proto != 60)
			break;
		if (off + 8 > end)
			break;
		size = 8;
		if (pkt->ip_proto == 44)
			pkt->frag = pkt->frag || (get16(ip + off + 2) & 0xfff9);
		else
			size += (uint32_t)ip[off + 1] * 8;
		pkt->ip_ext = true;
		pkt->ip_proto = ip[off];
		off += size;
	}
	return off;
}

static void parse_ipv6(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	const uint8_t *ip = data + pkt->l3_off;
	uint32_t left = len - pkt->l3_off;
	uint32_t total, off, tos;

	if (left < 40 || ip[0] >> 4 != 6)
		return;
	pkt->l3 = EMU_L3_IPV6;
	total = 40u + get16(ip + 4);
	tos = get32(ip) >> 20 & 0xff;
	pkt->ip_proto = ip[6];
	off = skip_extensions(pkt, ip, total < left ? total : left);
	pkt->match[W_IP] |= htobe32((uint32_t)pkt->ip_proto << 24 | tos << 16 |
				    (pkt->frag ? IP_FRAG : 0) | 6u << 9);
	pkt->match[W_TTL] = htobe32(ip[7]);
	pkt->match[W_FLOW_LABEL] = htobe32(get32(ip) & 0xfffff);
	memcpy(&pkt->match[W_SRC], ip + 8, 16);
	memcpy(&pkt->match[W_DST], ip + 24, 16);
	if (off > total)
		return;
	pkt->l3_good = total <= left;
	pkt->l4_off = (uint16_t)(pkt->l3_off + off);
	pkt->l4_len = total - off;
	parse_l4(pkt, data, pkt->l3_off + (total < left ? total : left));
}

/* Up to two tags; returns the ethertype behind them. */
static uint16_t parse_vlan(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	uint16_t type = get16(data + 12);
	uint32_t off = 14;
	unsigned tags;
	uint16_t tci;

	for (tags = 0; tags < 2 && (type == ETHERTYPE_CVLAN || type == ETHERTYPE_SVLAN); tags++) {
		if (off + 4 > len)
			break;
		tci = get16(data + off);
		if (tags == 0) {
			pkt->vlan = type == ETHERTYPE_CVLAN;
			pkt->vlan_tci = tci;
			pkt->match[W_VLAN] |= htobe32(tci);
			pkt->match[W_IP] |= htobe32(pkt->vlan ? IP_CVLAN : IP_SVLAN);
		} else {
			pkt->match[W_SECOND_VLAN] = htobe32((uint32_t)tci << 16);
			pkt->match[W_SECOND_KIND] =
				htobe32(type == ETHERTYPE_CVLAN ? SECOND_CVLAN : SECOND_SVLAN);
		}
		type = get16(data + off + 2);
		off += 4;
	}
	pkt->l3_off = (uint16_t)off;
	return type;
}

/* In parts, each short enough for the compiler to write it out: rep stos takes long to begin. */
static inline void clear(struct emu_pkt *pkt)
{
	const size_t words = sizeof(pkt->match) / 2;

	memset(pkt->match, 0, words);
	memset(pkt->match + EMU_PKT_WORDS / 2, 0, words);
	memset(&pkt->l3_off, 0, sizeof(*pkt) - offsetof(struct emu_pkt, l3_off));
}

void emu_pkt_parse(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	uint16_t type;

	clear(pkt);
	if (len < 14)
		return;
	/* whole words: a word that was written in halves would stall who reads it soon after */
	memcpy(&pkt->match[W_SMAC], data + 6, 4);
	pkt->match[W_ETHERTYPE] = htobe32((uint32_t)get16(data + 10) << 16);
	memcpy(&pkt->match[W_DMAC], data, 4);
	pkt->match[W_VLAN] = htobe32((uint32_t)get16(data + 4) << 16);
	type = get16(data + 12);
	pkt->l3_off = 14;
	if (type == ETHERTYPE_CVLAN || type == ETHERTYPE_SVLAN)
		type = parse_vlan(pkt, data, len);
	pkt->match[W_ETHERTYPE] |= htobe32(type);
	if (type == ETHERTYPE_IPV4)
		parse_ipv4(pkt, data, len);
	else if (type == ETHERTYPE_IPV6)
		parse_ipv6(pkt, data, len);
}

void emu_pkt_parse_ip(struct emu_pkt *pkt, const uint8_t *data, uint32_t len)
{
	clear(pkt);
	if (len && data[0] >> 4 == 4)
		parse_ipv4(pkt, data, len);
	else
		parse_ipv6(pkt, data, len);
}

/* Sum of the pseudo header's fields, in memory order, for l4_len bytes of pkt->ip_proto. */
static uint64_t pseudo_sum(const struct emu_pkt *pkt, const uint8_t *data, uint32_t l4_len)
{
	const uint8_t *ip = data + pkt->l3_off;
	uint64_t sum = (uint64_t)htobe32(l4_len) + htobe16(pkt->ip_proto);

	if (pkt->l3 == EMU_L3_IPV4)
		return sum_words(ip + 12, 8, sum);
	return sum_words(ip + 8, 32, sum);
}

static bool l4_csum_good(const struct emu_pkt *pkt, const uint8_t *data)
{
	const uint8_t *l4 = data + pkt->l4_off;
	uint32_t len = pkt->l4_len;

	if (pkt->l4 == EMU_L4_UDP) {
		len = get16(l4 + 4);
		if (len < 8 || len > pkt->l4_len)
			return false;
		if (get16(l4 + 6) == 0) /* the sender made none: right in IPv4, wrong in IPv6 */
			return pkt->l3 == EMU_L3_IPV4;
	}
	return emu_csum(l4, len, pseudo_sum(pkt, data, len)) == 0xffff;
}

struct emu_pkt_status emu_pkt_verify(const struct emu_pkt *pkt, const uint8_t *data)
{
	struct emu_pkt_status st = {EMU_CQE_L2_OK, 0};
	const uint8_t *ip = data + pkt->l3_off;
	size_t ihl;

	if (pkt->l3 == EMU_L3_NONE)
		return st;
	st.type = pkt->l3 == EMU_L3_IPV4 ? EMU_CQE_L3_IPV4 : EMU_CQE_L3_IPV6;
	if (pkt->ip_ext)
		st.type |= EMU_CQE_IP_EXT;
	if (pkt->frag)
		st.type |= EMU_CQE_IP_FRAG;
	if (!pkt->l3_good)
		return st;
	ihl = (size_t)(ip[0] & 0xf) * 4;
	if (pkt->l3 == EMU_L3_IPV6 || emu_csum(ip, ihl, 0) == 0xffff)
		st.ok |= EMU_CQE_L3_OK;
	if (pkt->l4 == EMU_L4_UDP)
		st.type |= EMU_CQE_L4_UDP;
	else if (pkt->l4 == EMU_L4_TCP)
		st.type |= !pkt->tcp_ack    ? EMU_CQE_L4_TCP
			   : pkt->tcp_empty ? EMU_CQE_L4_TCP_EMPTY_ACK
					    : EMU_CQE_L4_TCP_ACK;
	if (pkt->l4 != EMU_L4_NONE && l4_csum_good(pkt, data))
		st.ok |= EMU_CQE_L4_OK;
	return st;
}

uint16_t emu_pkt_sum(const struct emu_pkt *pkt, const uint8_t *data)
{
	if (!pkt->l3_good)
		return 0;
	return emu_csum(data + pkt->l3_off, pkt->l4_off - pkt->l3_off + pkt->l4_len, 0);
}

static void insert_l4(const struct emu_pkt *pkt, uint8_t *data)
{
	uint8_t *l4 = data + pkt->l4_off;
	uint8_t *field = l4 + (pkt->l4 == EMU_L4_UDP ? 6 : 16);
	uint32_t len = pkt->l4_len;
	uint16_t sum;

	if (pkt->l4 == EMU_L4_UDP) {
		len = get16(l4 + 4);
		if (len < 8 || len > pkt->l4_len)
			return;
	}
	memset(field, 0, 2);
	sum = (uint16_t)~emu_csum(l4, len, pseudo_sum(pkt, data, len));
	if (pkt->l4 == EMU_L4_UDP && sum == 0)
		sum = 0xffff; /* RFC 768: zero would mean "none" */
	memcpy(field, &sum, 2);
}

void emu_pkt_insert_csum(uint8_t *data, uint32_t len, bool l3, bool l4)
{
	struct emu_pkt pkt;
	uint8_t *ip;
	uint16_t sum;

	emu_pkt_parse(&pkt, data, len);
	if (!pkt.l3_good)
		return;
	if (l3 && pkt.l3 == EMU_L3_IPV4) {
		ip = data + pkt.l3_off;
		memset(ip + 10, 0, 2);
		sum = (uint16_t)~emu_csum(ip, (size_t)(ip[0] & 0xf) * 4, 0);
		memcpy(ip + 10, &sum, 2);
	}
	if (l4 && pkt.l4 != EMU_L4_NONE)
		insert_l4(&pkt, data);
}
