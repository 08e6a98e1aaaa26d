/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a frame, judged and summed: by the CPU, and by code of a GPU (PERF_DEVICE). */
#ifndef PERF_HEADERS_H
#define PERF_HEADERS_H

#include <daqiri_headers.h>

#include "payload.h"

/* UDP ports of one frame. */
struct perf_ports {
	uint16_t src, dst;
};

/* The headers of frames of one size, and what the receiver compares. */
struct perf_headers {
	uint64_t sum; /* perf_headers_sum() */
	uint32_t frame_len;
	uint16_t len; /* of all headers: where the mark stands */
	uint16_t l3;  /* where the IP header stands */
	bool ipv6;
	uint8_t bytes[DAQIRI_HEADERS_MAX + 6];
};

/* Where the headers of a frame stand. */
struct perf_layout {
	uint16_t len; /* of all: where the mark stands */
	uint16_t l3;
	bool ipv6;
};

PERF_FN uint32_t perf_ip_len(bool ipv6)
{
	return ipv6 ? DAQIRI_IPV6_LEN : DAQIRI_IPV4_LEN;
}

/* The shortest frame that holds the headers and our mark. */
PERF_FN uint32_t perf_frame_min(bool ipv6, bool vlan)
{
	return DAQIRI_ETH_LEN + (vlan ? DAQIRI_VLAN_LEN : 0) + perf_ip_len(ipv6) + DAQIRI_UDP_LEN +
	       PERF_MARK_LEN;
}

/* Sum of 16-bit words, RFC 1071, taken 32 bits at a time and not folded. */
PERF_FN uint64_t perf_sum16(const uint8_t *p, uint32_t len)
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

PERF_FN uint16_t perf_fold_carries(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * A sum of the L3 and L4 headers for perf_mark_check(): of all bytes that stay as they are from end
 * to end, that is without TTL (hop limit), IPv4 header checksum and UDP checksum.
 */
PERF_FN uint64_t perf_headers_sum(const uint8_t *l3, bool ipv6)
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

/* What perf_headers_sum() gains when the UDP ports change from 0. */
PERF_FN uint64_t perf_ports_sum(struct perf_ports ports, bool ipv6)
{
	uint64_t word = (uint64_t)ports.src << 16 | ports.dst;

	return ipv6 ? perf_turn(word << 32, 61) : perf_turn(word, 31);
}

PERF_FN bool perf_ipv4_good(const uint8_t *l3, uint32_t len)
{
	/* A UDP checksum of 0: we send none, and the check covers what it would. */
	return l3[0] == 0x45 && perf_load16(l3 + 2) == len && !(perf_load16(l3 + 6) & 0x3fff) &&
	       l3[9] == DAQIRI_PROTO_UDP &&
	       perf_fold_carries(perf_sum16(l3, DAQIRI_IPV4_LEN)) == 0xffff &&
	       perf_load16(l3 + 24) == len - DAQIRI_IPV4_LEN && !perf_load16(l3 + 26);
}

PERF_FN bool perf_ipv6_good(const uint8_t *l3, uint32_t len)
{
	return l3[0] >> 4 == 6 && perf_load16(l3 + 4) == len - DAQIRI_IPV6_LEN &&
	       l3[6] == DAQIRI_PROTO_UDP && perf_load16(l3 + 44) == len - DAQIRI_IPV6_LEN;
}

/* Finds a received frame's headers and judges lengths and the IPv4 checksum. */
PERF_FN bool perf_headers_find(struct perf_layout *at, const uint8_t *frame, uint32_t len)
{
	uint32_t l3 = DAQIRI_ETH_LEN;
	uint16_t type;

	if (len < perf_frame_min(false, false))
		return false;
	type = perf_load16(frame + 12);
	if (type == DAQIRI_ETHERTYPE_VLAN) {
		l3 += DAQIRI_VLAN_LEN;
		type = perf_load16(frame + 16);
	}
	if (type != DAQIRI_ETHERTYPE_IPV4 && type != DAQIRI_ETHERTYPE_IPV6)
		return false;
	at->ipv6 = type == DAQIRI_ETHERTYPE_IPV6;
	if (len < perf_frame_min(at->ipv6, l3 != DAQIRI_ETH_LEN))
		return false;
	at->l3 = (uint16_t)l3;
	at->len = (uint16_t)(l3 + perf_ip_len(at->ipv6) + DAQIRI_UDP_LEN);
	return at->ipv6 ? perf_ipv6_good(frame + l3, len - l3)
			: perf_ipv4_good(frame + l3, len - l3);
}

#endif
