/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in frames: VXLAN (RFC 7348), NVGRE (RFC 7637) and GRE (RFC 2784, 2890). */
#ifndef TEST_TUNNEL_FRAMES_H
#define TEST_TUNNEL_FRAMES_H

#include "../frames.h"

#define INNER_SRC "02:11:22:33:44:55"
#define INNER_DST "02:66:77:88:99:aa"

/* version 4 or 6; proto 17 or 6, others without ports. */
struct inner {
	unsigned version, proto, sport, dport;
	const char *src, *dst;
};

static inline void tf_inner(struct frame *f, const struct inner *in)
{
	fr_ether(f, INNER_DST, INNER_SRC, in->version == 4 ? 0x0800 : 0x86dd);
	if (in->version == 4)
		fr_ipv4(f, in->proto, in->src, in->dst);
	else
		fr_ipv6(f, in->proto, in->src, in->dst);
	if (in->proto == 17)
		fr_udp(f, in->sport, in->dport);
	if (in->proto == 6)
		fr_tcp(f, in->sport, in->dport, FR_TCP_ACK);
	fr_payload(f, 50);
	fr_finish(f);
}

static inline void tf_add(struct frame *f, const void *bytes, unsigned n)
{
	memcpy(f->b + f->len, bytes, n);
	f->len += n;
}

/* Outer headers over IPv4; port 0: GRE. */
static inline void tf_outer(struct frame *f, const char *dst, unsigned port)
{
	fr_ether(f, dst, "02:00:00:00:00:77", 0x0800);
	fr_ipv4(f, port ? 17 : 47, "192.0.2.1", "198.51.100.2");
	if (port)
		fr_udp(f, 50000, port);
}

static inline void tf_vxlan(struct frame *f, const char *dst, unsigned vni,
			    const struct frame *inner)
{
	uint8_t header[8] = {0x08,	   0, 0, 0, (uint8_t)(vni >> 16), (uint8_t)(vni >> 8),
			     (uint8_t)vni, 0};

	tf_outer(f, dst, 4789);
	tf_add(f, header, 8);
	tf_add(f, inner->b, inner->len);
	fr_finish(f);
}

/* flags: 0x2000 with a key. type 0x6558 carries the frame, others its packet. */
static inline void tf_gre(struct frame *f, const char *dst, unsigned flags, unsigned type)
{
	tf_outer(f, dst, 0);
	fr_add16(f, flags);
	fr_add16(f, type);
}

static inline void tf_gre_end(struct frame *f, const struct frame *inner, unsigned skip)
{
	tf_add(f, inner->b + skip, inner->len - skip);
	f->l4 = 0;
	fr_finish(f);
}

static inline void tf_key(struct frame *f, uint32_t key)
{
	fr_add16(f, key >> 16);
	fr_add16(f, key & 0xffff);
}

#endif
