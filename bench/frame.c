/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#define TTL 64

uint16_t perf_udp6_sum(const uint8_t *l3, uint32_t len)
{
	return perf_fold_carries(perf_sum16(l3 + 8, 32) + len + PERF_PROTO_UDP + perf_sum16(l3 + PERF_IPV6_LEN, len));
}

void perf_udp6_finish(uint8_t *l3, uint32_t len)
{
	uint8_t *field = l3 + PERF_IPV6_LEN + 6;
	uint16_t sum;

	perf_store16(field, 0);
	sum = (uint16_t)~perf_udp6_sum(l3, len);
	/* RFC 8200, 8.1: a sum of zero is sent as all ones. */
	perf_store16(field, sum ? sum : 0xffff);
}

static void put_ipv4(uint8_t *l3, const struct perf_flow *flow, uint32_t len)
{
	memset(l3, 0, PERF_IPV4_LEN);
	l3[0] = 0x45;
	perf_store16(l3 + 2, len);
	l3[6] = 0x40; /* do not fragment */
	l3[8] = TTL;
	l3[9] = PERF_PROTO_UDP;
	memcpy(l3 + 12, flow->src_ip, 4);
	memcpy(l3 + 16, flow->dst_ip, 4);
	perf_store16(l3 + 10, (uint16_t)~perf_fold_carries(perf_sum16(l3, PERF_IPV4_LEN)));
}

static void put_ipv6(uint8_t *l3, const struct perf_flow *flow, uint32_t len)
{
	memset(l3, 0, 8);
	l3[0] = 0x60;
	perf_store16(l3 + 4, len - PERF_IPV6_LEN);
	l3[6] = PERF_PROTO_UDP;
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
		perf_store16(p, PERF_TYPE_VLAN);
		perf_store16(p + 2, (uint32_t)flow->vlan);
		p += PERF_VLAN_LEN;
	}
	perf_store16(p, flow->ipv6 ? PERF_TYPE_IPV6 : PERF_TYPE_IPV4);
	h->ipv6 = flow->ipv6;
	h->frame_len = frame_len;
	h->l3 = (uint16_t)(p + 2 - h->bytes);
	h->len = (uint16_t)(h->l3 + perf_ip_len(flow->ipv6) + PERF_UDP_LEN);
	if (flow->ipv6)
		put_ipv6(h->bytes + h->l3, flow, frame_len - h->l3);
	else
		put_ipv4(h->bytes + h->l3, flow, frame_len - h->l3);
	udp = h->bytes + h->len - PERF_UDP_LEN;
	perf_store16(udp + 4, frame_len - h->l3 - perf_ip_len(flow->ipv6));
	h->sum = perf_headers_sum(h->bytes + h->l3, flow->ipv6);
}

bool perf_headers_parse(struct perf_headers *h, const uint8_t *frame, uint32_t len)
{
	struct perf_layout at;

	if (!perf_headers_find(&at, frame, len))
		return false;
	h->ipv6 = at.ipv6;
	h->frame_len = len;
	h->l3 = at.l3;
	h->len = at.len;
	h->sum = perf_headers_sum(frame + at.l3, at.ipv6);
	memcpy(h->bytes, frame, h->len);
	return true;
}
