/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet, VLAN, IPv4 or IPv6, and UDP headers: built once for each frame size of a stream, copied
 * into every frame; taken apart and judged by the receiver.
 */
#ifndef PERF_FRAME_H
#define PERF_FRAME_H

#include "headers.h"

/* Who speaks to whom. */
struct perf_flow {
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	int vlan;        /* id; -1: no tag */
	bool ipv6;
	uint8_t src_ip[16]; /* IPv4: the first four */
	uint8_t dst_ip[16];
};

/* Headers with UDP ports 0; frame_len is at least perf_frame_min(). */
void perf_headers_build(struct perf_headers *h, const struct perf_flow *flow, uint32_t frame_len);

/* Takes a received frame's headers apart and judges lengths and the IPv4 checksum. */
bool perf_headers_parse(struct perf_headers *h, const uint8_t *frame, uint32_t len);

/*
 * The Internet checksum of a UDP datagram of len bytes in IPv6, pseudo header included, over what
 * its checksum field holds: 0xffff in a frame that is right.
 */
uint16_t perf_udp6_sum(const uint8_t *l3, uint32_t len);

/* Writes the UDP checksum of a finished IPv6 frame. */
void perf_udp6_finish(uint8_t *l3, uint32_t len);

/* Copies the headers to the beginning of a frame. */
static inline void perf_headers_copy(uint8_t *frame, const struct perf_headers *h)
{
	const uint8_t *tail = h->bytes + h->len - 16;

	memcpy(frame, h->bytes, 32);
	if (h->len > 48)
		memcpy(frame + 32, h->bytes + 32, 24);
	memcpy(frame + h->len - 16, tail, 16);
}

/* Writes one whole frame of h->frame_len bytes. */
static inline void perf_frame_write(uint8_t *frame, const struct perf_headers *h,
				    struct perf_ports ports, const struct perf_mark *mark)
{
	uint8_t *at = frame + h->len;

	perf_headers_copy(frame, h);
	perf_store16(at - 8, ports.src);
	perf_store16(at - 6, ports.dst);
	perf_mark_put(at, mark, h->sum ^ perf_ports_sum(ports, h->ipv6));
	perf_pattern_fill(at + PERF_MARK_LEN, h->frame_len - h->len - PERF_MARK_LEN,
			  perf_pattern_seed(mark->stream, mark->seq));
	if (h->ipv6)
		perf_udp6_finish(frame + h->l3, h->frame_len - h->l3 - 40);
}

#endif
