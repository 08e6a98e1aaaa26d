/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet, VLAN, IPv4, IPv6 and UDP headers as they lie in a frame: every length and byte order is
 * here once. Numbers are the CPU's, addresses are bytes in the order in which they are sent. Nothing
 * here is of the library: it is compiled into the program.
 *
 * The _put functions write one header each, at a place that has room for it, and return the place
 * behind it. daqiri_template_make() writes all headers of a frame once, and daqiri_template_fill()
 * copies them to a batch, with the lengths and the IPv4 checksum of each frame.
 */
#ifndef DAQIRI_HEADERS_H
#define DAQIRI_HEADERS_H

#include <daqiri.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the headers: IEEE 802.3, 802.1Q; RFC 791 without options, 8200, 768. */
#define DAQIRI_ETH_LEN	   14u
#define DAQIRI_VLAN_LEN	   4u
#define DAQIRI_IPV4_LEN	   20u
#define DAQIRI_IPV6_LEN	   40u
#define DAQIRI_UDP_LEN	   8u
#define DAQIRI_HEADERS_MAX 66u /* of all together */

#define DAQIRI_ETHERTYPE_IPV4  0x0800u
#define DAQIRI_ETHERTYPE_VLAN  0x8100u
#define DAQIRI_ETHERTYPE_IPV6  0x86ddu
#define DAQIRI_ETHERTYPE_ECPRI 0xaefeu

#define DAQIRI_PROTO_TCP 6u
#define DAQIRI_PROTO_UDP 17u

/* What an IP header says. */
struct daqiri_ip {
	uint8_t src[16], dst[16];  /* IPv4: the first four bytes of each */
	uint8_t proto;             /* DAQIRI_PROTO_UDP, … */
	uint8_t ttl;               /* IPv6: hop limit; 0: 64 */
	uint8_t tos;               /* IPv6: traffic class */
	uint8_t may_fragment;      /* IPv4: 0: the bit "do not fragment" is set */
	uint32_t id;               /* IPv4: identification, 16 bits; IPv6: flow label, 20 bits */
};

/* What all headers of a frame say. */
struct daqiri_headers {
	uint8_t dst_mac[6], src_mac[6];
	uint16_t vlan_tpid;        /* of a tag: DAQIRI_ETHERTYPE_VLAN; 0: no tag */
	uint16_t vlan_tci;         /* priority << 13 | drop-eligible << 12 | id */
	uint16_t ethertype;        /* where ip_version is 0 and nothing else is behind */
	uint8_t ip_version;        /* 4 or 6, and UDP behind it; 0: neither */
	struct daqiri_ip ip;       /* proto is not looked at */
	uint16_t udp_src, udp_dst;
};

/* Headers ready to be copied. What it holds is for the functions below. */
struct daqiri_template {
	uint8_t bytes[DAQIRI_HEADERS_MAX];
	uint8_t len;               /* of all headers */
	uint8_t l3;                /* where the IP header begins; len: there is none */
	uint8_t ip_version;
	uint32_t sum;              /* of the IPv4 header without its length */
};

static inline uint8_t *daqiri_be16_put(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint32_t daqiri_be16_get(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* RFC 1071: the ones' complement sum of len bytes, and of sum, in 16 bits. Its complement is sent. */
static inline uint32_t daqiri_sum16(const uint8_t *bytes, uint32_t len, uint64_t sum)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += daqiri_be16_get(bytes + i);
	if (i < len)
		sum += (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

/* Without a tag; before one, ethertype is the tag's (DAQIRI_ETHERTYPE_VLAN). */
static inline uint8_t *daqiri_eth_put(uint8_t *at, const uint8_t dst[6], const uint8_t src[6],
				      uint32_t ethertype)
{
	__builtin_memcpy(at, dst, 6);
	__builtin_memcpy(at + 6, src, 6);
	return daqiri_be16_put(at + 12, ethertype);
}

/* Behind the Ethernet header, whose ethertype says that a tag comes; ethertype: of what is behind. */
static inline uint8_t *daqiri_vlan_put(uint8_t *at, uint32_t tci, uint32_t ethertype)
{
	return daqiri_be16_put(daqiri_be16_put(at, tci), ethertype);
}

/* payload_len: bytes behind this header, at most 65515. Its checksum is right. */
static inline uint8_t *daqiri_ipv4_put(uint8_t *at, const struct daqiri_ip *ip,
				       uint32_t payload_len)
{
	at[0] = 0x45; /* version 4, five words */
	at[1] = ip->tos;
	daqiri_be16_put(at + 2, DAQIRI_IPV4_LEN + payload_len);
	daqiri_be16_put(at + 4, ip->id);
	daqiri_be16_put(at + 6, ip->may_fragment ? 0 : 0x4000);
	at[8] = ip->ttl ? ip->ttl : 64;
	at[9] = ip->proto;
	daqiri_be16_put(at + 10, 0);
	__builtin_memcpy(at + 12, ip->src, 4);
	__builtin_memcpy(at + 16, ip->dst, 4);
	daqiri_be16_put(at + 10, ~daqiri_sum16(at, DAQIRI_IPV4_LEN, 0));
	return at + DAQIRI_IPV4_LEN;
}

/* payload_len: bytes behind this header, at most 65535. */
static inline uint8_t *daqiri_ipv6_put(uint8_t *at, const struct daqiri_ip *ip,
				       uint32_t payload_len)
{
	at[0] = (uint8_t)(0x60u | ip->tos >> 4);
	at[1] = (uint8_t)((uint32_t)ip->tos << 4 | (ip->id >> 16 & 0xf));
	daqiri_be16_put(at + 2, ip->id);
	daqiri_be16_put(at + 4, payload_len);
	at[6] = ip->proto;
	at[7] = ip->ttl ? ip->ttl : 64;
	__builtin_memcpy(at + 8, ip->src, 16);
	__builtin_memcpy(at + 24, ip->dst, 16);
	return at + DAQIRI_IPV6_LEN;
}

/*
 * payload_len: bytes behind this header, at most 65527. The checksum is 0, which over IPv4 says that
 * there is none: daqiri_udp_finish() writes it, or the NIC does ([txq] checksum = l4).
 */
static inline uint8_t *daqiri_udp_put(uint8_t *at, uint32_t src, uint32_t dst, uint32_t payload_len)
{
	daqiri_be16_put(at, src);
	daqiri_be16_put(at + 2, dst);
	daqiri_be16_put(at + 4, DAQIRI_UDP_LEN + payload_len);
	daqiri_be16_put(at + 6, 0);
	return at + DAQIRI_UDP_LEN;
}

/*
 * Writes the UDP checksum of a packet that is complete otherwise: l3 is where its IP header, without
 * options or extensions, begins, and len bytes are the packet to the end of the datagram. It reads
 * them all.
 */
static inline void daqiri_udp_finish(uint8_t *l3, uint32_t len)
{
	uint32_t ip_len = l3[0] >> 4 == 4 ? DAQIRI_IPV4_LEN : DAQIRI_IPV6_LEN;
	uint32_t addresses = l3[0] >> 4 == 4 ? 8 : 32, sum;
	uint8_t *udp = l3 + ip_len;

	daqiri_be16_put(udp + 6, 0);
	/* RFC 768, 8200: the pseudo header is addresses, protocol and length. */
	sum = daqiri_sum16(udp - addresses, addresses, (uint64_t)DAQIRI_PROTO_UDP + len - ip_len);
	sum = ~daqiri_sum16(udp, len - ip_len, sum) & 0xffff;
	/* A sum of zero is sent as all ones. */
	daqiri_be16_put(udp + 6, sum ? sum : 0xffff);
}

/* ---- a frame's headers at once --------------------------------------------------------------- */

/* Headers of a frame with nothing behind them. -EINVAL: ip_version is not 0, 4 or 6. */
static inline int daqiri_template_make(struct daqiri_template *t, const struct daqiri_headers *h)
{
	struct daqiri_ip ip = h->ip;
	uint32_t type = h->ip_version == 4   ? DAQIRI_ETHERTYPE_IPV4
			: h->ip_version == 6 ? DAQIRI_ETHERTYPE_IPV6
					     : h->ethertype;
	uint8_t *at = t->bytes;

	if (h->ip_version != 0 && h->ip_version != 4 && h->ip_version != 6)
		return -22; /* -EINVAL */
	ip.proto = DAQIRI_PROTO_UDP;
	at = daqiri_eth_put(at, h->dst_mac, h->src_mac, h->vlan_tpid ? h->vlan_tpid : type);
	if (h->vlan_tpid)
		at = daqiri_vlan_put(at, h->vlan_tci, type);
	t->l3 = (uint8_t)(at - t->bytes);
	t->ip_version = h->ip_version;
	t->sum = 0;
	if (h->ip_version == 4) {
		at = daqiri_ipv4_put(at, &ip, 0);
		/* Length and checksum are of each frame. */
		daqiri_be16_put(at - 18, 0);
		daqiri_be16_put(at - 10, 0);
		t->sum = daqiri_sum16(at - DAQIRI_IPV4_LEN, DAQIRI_IPV4_LEN, 0);
	} else if (h->ip_version == 6) {
		at = daqiri_ipv6_put(at, &ip, 0);
	}
	if (h->ip_version)
		at = daqiri_udp_put(at, h->udp_src, h->udp_dst, 0);
	t->len = (uint8_t)(at - t->bytes);
	return 0;
}

/*
 * Writes the headers of a frame of frame_len bytes, which is not shorter than they and whose IP
 * packet is not longer than 65535. All but a UDP checksum is right then: it is 0.
 */
static inline void daqiri_template_put(const struct daqiri_template *t, uint8_t *frame,
				       uint32_t frame_len)
{
	uint32_t len = frame_len - t->l3;
	uint8_t *l3 = frame + t->l3, *behind = frame + t->len;

	__builtin_memcpy(frame, t->bytes, t->len);
	if (t->ip_version == 4) {
		daqiri_be16_put(l3 + 2, len);
		daqiri_be16_put(l3 + 10, ~daqiri_sum16(l3, 0, (uint64_t)t->sum + len));
		daqiri_be16_put(behind - 4, len - DAQIRI_IPV4_LEN);
	} else if (t->ip_version == 6) {
		daqiri_be16_put(l3 + 4, len - DAQIRI_IPV6_LEN);
		daqiri_be16_put(behind - 4, len - DAQIRI_IPV6_LEN);
	}
}

/*
 * The same for the first of n packets, each of its len bytes, at its addr, which the CPU writes.
 * Returns how many: all, or those before one that is too short, or too long for its IP header.
 */
static inline int daqiri_template_fill(const struct daqiri_template *t,
				       const struct daqiri_pkt *pkts, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (pkts[i].len < t->len || (t->ip_version && pkts[i].len - t->l3 > 65535))
			break;
		daqiri_template_put(t, (uint8_t *)(uintptr_t)pkts[i].addr, pkts[i].len);
	}
	return i;
}

#ifdef __cplusplus
}
#endif

#endif
