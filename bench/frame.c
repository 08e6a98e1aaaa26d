/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>

#include "frame.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100 /* IEEE 802.1Q */
#define ETH_LEN        14u
#define VLAN_LEN       4u
#define IPV4_LEN       20u /* without options: we send none */
#define IPV6_LEN       40u
#define UDP_LEN        8u
#define TTL            64

static uint32_t ip_len(bool ipv6)
{
	return ipv6 ? IPV6_LEN : IPV4_LEN;
}

uint32_t perf_frame_min(bool ipv6, bool vlan)
{
	return ETH_LEN + (vlan ? VLAN_LEN : 0) + ip_len(ipv6) + UDP_LEN + PERF_MARK_LEN;
}

/* Sum of 16-bit words, RFC 1071, taken 32 bits at a time and not folded. */
static uint64_t sum16(const uint8_t *p, uint32_t len)
{
	uint64_t sum = 0, v;

	for (; len >= 8; len -= 8, p += 8) {
		v = perf_load64(p);
		sum += (v >> 32) + (uint32_t)v;
	}
	for (; len >= 2; len -= 2, p += 2)
		sum += perf_load16(p);
	return len ? sum + ((uint64_t)*p << 8) : sum;
}

static uint16_t fold_carries(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t perf_udp6_sum(const uint8_t *l3, uint32_t len)
{
	return fold_carries(sum16(l3 + 8, 32) + len + IPPROTO_UDP + sum16(l3 + IPV6_LEN, len));
}

void perf_udp6_finish(uint8_t *l3, uint32_t len)
{
	uint8_t *field = l3 + IPV6_LEN + 6;
	uint16_t sum;

	perf_store16(field, 0);
	sum = (uint16_t)~perf_udp6_sum(l3, len);
	/* RFC 8200, 8.1: a sum of zero is sent as all ones. */
	perf_store16(field, sum ? sum : 0xffff);
}

uint64_t perf_headers_sum(const uint8_t *l3, bool ipv6)
{
	uint64_t sum;

	if (ipv6) {
		/* Byte 7 is the hop limit, the last two of UDP its checksum. */
		sum = perf_turn(perf_load64(l3) & ~0xffull, 7);
		for (unsigned i = 1; i < 5; i++)
			sum ^= perf_turn(perf_load64(l3 + (size_t)8 * i), 7 + 12 * i);
		return sum ^ perf_turn(perf_load64(l3 + 40) & ~0xffffull, 61);
	}
	/* Byte 8 is the TTL, 10 and 11 the header checksum. */
	sum = perf_turn(perf_load64(l3), 7);
	sum ^= perf_turn(perf_load64(l3 + 8) & ~0xff00ffff00000000ull, 19);
	sum ^= perf_turn(perf_load64(l3 + 16), 31);
	return sum ^ perf_turn(perf_load16(l3 + 24), 43);
}

static void put_ipv4(uint8_t *l3, const struct perf_flow *flow, uint32_t len)
{
	memset(l3, 0, IPV4_LEN);
	l3[0] = 0x45;
	perf_store16(l3 + 2, len);
	l3[6] = 0x40; /* do not fragment */
	l3[8] = TTL;
	l3[9] = IPPROTO_UDP;
	memcpy(l3 + 12, flow->src_ip, 4);
	memcpy(l3 + 16, flow->dst_ip, 4);
	perf_store16(l3 + 10, (uint16_t)~fold_carries(sum16(l3, IPV4_LEN)));
}

static void put_ipv6(uint8_t *l3, const struct perf_flow *flow, uint32_t len)
{
	memset(l3, 0, 8);
	l3[0] = 0x60;
	perf_store16(l3 + 4, len - IPV6_LEN);
	l3[6] = IPPROTO_UDP;
	l3[7] = TTL;
	memcpy(l3 + 8, flow->src_ip, 16);
	memcpy(l3 + 24, flow->dst_ip, 16);
}

void perf_headers_build(struct perf_headers *h, const struct perf_flow *flow, uint32_t frame_len)
{
	uint8_t *p = h->bytes;
	uint8_t *udp;

	memset(h, 0, sizeof(*h));
	memcpy(p, flow->dst_mac, 6);
	memcpy(p + 6, flow->src_mac, 6);
	p += 12;
	if (flow->vlan >= 0) {
		perf_store16(p, ETHERTYPE_VLAN);
		perf_store16(p + 2, (uint32_t)flow->vlan);
		p += VLAN_LEN;
	}
	perf_store16(p, flow->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	h->ipv6 = flow->ipv6;
	h->frame_len = frame_len;
	h->l3 = (uint16_t)(p + 2 - h->bytes);
	h->len = (uint16_t)(h->l3 + ip_len(flow->ipv6) + UDP_LEN);
	if (flow->ipv6)
		put_ipv6(h->bytes + h->l3, flow, frame_len - h->l3);
	else
		put_ipv4(h->bytes + h->l3, flow, frame_len - h->l3);
	udp = h->bytes + h->len - UDP_LEN;
	perf_store16(udp + 4, frame_len - h->l3 - ip_len(flow->ipv6));
	h->sum = perf_headers_sum(h->bytes + h->l3, flow->ipv6);
}

static bool ipv4_good(const uint8_t *l3, uint32_t len)
{
	/* A UDP checksum of 0: we send none, and the check covers what it would. */
	return l3[0] == 0x45 && perf_load16(l3 + 2) == len && !(perf_load16(l3 + 6) & 0x3fff) &&
	       l3[9] == IPPROTO_UDP && fold_carries(sum16(l3, IPV4_LEN)) == 0xffff &&
	       perf_load16(l3 + 24) == len - IPV4_LEN && !perf_load16(l3 + 26);
}

static bool ipv6_good(const uint8_t *l3, uint32_t len)
{
	return l3[0] >> 4 == 6 && perf_load16(l3 + 4) == len - IPV6_LEN && l3[6] == IPPROTO_UDP &&
	       perf_load16(l3 + 44) == len - IPV6_LEN;
}

bool perf_headers_parse(struct perf_headers *h, const uint8_t *frame, uint32_t len)
{
	uint32_t l3 = ETH_LEN;
	uint16_t type;

	if (len < perf_frame_min(false, false))
		return false;
	type = perf_load16(frame + 12);
	if (type == ETHERTYPE_VLAN) {
		l3 += VLAN_LEN;
		type = perf_load16(frame + 16);
	}
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return false;
	h->ipv6 = type == ETHERTYPE_IPV6;
	if (len < perf_frame_min(h->ipv6, l3 != ETH_LEN))
		return false;
	if (!(h->ipv6 ? ipv6_good(frame + l3, len - l3) : ipv4_good(frame + l3, len - l3)))
		return false;
	h->frame_len = len;
	h->l3 = (uint16_t)l3;
	h->len = (uint16_t)(l3 + ip_len(h->ipv6) + UDP_LEN);
	h->sum = perf_headers_sum(frame + l3, h->ipv6);
	memcpy(h->bytes, frame, h->len);
	return true;
}
