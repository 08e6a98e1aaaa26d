/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

uint16_t perf_udp6_sum(const uint8_t *l3, uint32_t len)
{
	return perf_fold_carries(perf_sum16(l3 + 8, 32) + len + DAQIRI_PROTO_UDP +
				 perf_sum16(l3 + DAQIRI_IPV6_LEN, len));
}

void perf_udp6_finish(uint8_t *l3, uint32_t len)
{
	uint8_t *field = l3 + DAQIRI_IPV6_LEN + 6;
	uint16_t sum;

	perf_store16(field, 0);
	sum = (uint16_t)~perf_udp6_sum(l3, len);
	/* RFC 8200, 8.1: a sum of zero is sent as all ones. */
	perf_store16(field, sum ? sum : 0xffff);
}

/* The IP header and the UDP header behind it, of a packet of len bytes. */
static void put_ip(uint8_t *l3, const struct perf_flow *flow, uint32_t len)
{
	struct daqiri_ip ip = {.proto = DAQIRI_PROTO_UDP};
	uint8_t *udp;

	memcpy(ip.src, flow->src_ip, sizeof(ip.src));
	memcpy(ip.dst, flow->dst_ip, sizeof(ip.dst));
	len -= perf_ip_len(flow->ipv6);
	udp = flow->ipv6 ? daqiri_ipv6_put(l3, &ip, len) : daqiri_ipv4_put(l3, &ip, len);
	daqiri_udp_put(udp, 0, 0, len - DAQIRI_UDP_LEN);
}

void perf_headers_build(struct perf_headers *h, const struct perf_flow *flow, uint32_t frame_len)
{
	uint32_t type = flow->ipv6 ? DAQIRI_ETHERTYPE_IPV6 : DAQIRI_ETHERTYPE_IPV4;
	bool tagged = flow->vlan >= 0;
	uint8_t *l3;

	memset(h, 0, sizeof(*h));
	l3 = daqiri_eth_put(h->bytes, flow->dst_mac, flow->src_mac,
			    tagged ? DAQIRI_ETHERTYPE_VLAN : type);
	if (tagged)
		l3 = daqiri_vlan_put(l3, (uint32_t)flow->vlan, type);
	h->ipv6 = flow->ipv6;
	h->frame_len = frame_len;
	h->l3 = (uint16_t)(l3 - h->bytes);
	h->len = (uint16_t)(h->l3 + perf_ip_len(flow->ipv6) + DAQIRI_UDP_LEN);
	put_ip(l3, flow, frame_len - h->l3);
	h->sum = perf_headers_sum(l3, flow->ipv6);
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
