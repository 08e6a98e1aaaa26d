/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames for tests, built from the RFCs and from nothing of the code under test: headers are
 * appended one after the other, lengths and checksums filled in at the end.
 */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frame {
	uint8_t b[9100];
	unsigned len;
	unsigned l3, l4; /* offsets of the last IP and TCP/UDP headers; 0: none */
};

static inline void fr_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline unsigned fr_get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static inline void fr_add16(struct frame *f, unsigned v)
{
	fr_put16(f->b + f->len, v);
	f->len += 2;
}

static inline void fr_mac(uint8_t *p, const char *text)
{
	sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p[0], &p[1], &p[2], &p[3], &p[4], &p[5]);
}

/* Begins a frame with its Ethernet header. */
static inline void fr_ether(struct frame *f, const char *dst, const char *src, unsigned type)
{
	memset(f, 0, sizeof(*f));
	fr_mac(f->b, dst);
	fr_mac(f->b + 6, src);
	fr_put16(f->b + 12, type);
	f->len = 14;
}

/* A tag in front of what the last two bytes say; to be called directly after fr_ether(). */
static inline void fr_vlan(struct frame *f, unsigned tpid, unsigned tci)
{
	unsigned type = fr_get16(f->b + f->len - 2);

	fr_put16(f->b + f->len - 2, tpid);
	fr_add16(f, tci);
	fr_add16(f, type);
}

static inline void fr_ipv4(struct frame *f, unsigned proto, const char *src, const char *dst)
{
	uint8_t *ip = f->b + f->len;

	f->l3 = f->len;
	ip[0] = 0x45;
	fr_put16(ip + 4, 0x1234); /* identification */
	ip[8] = 64;		  /* time to live */
	ip[9] = (uint8_t)proto;
	inet_pton(AF_INET, src, ip + 12);
	inet_pton(AF_INET, dst, ip + 16);
	f->len += 20;
}

static inline void fr_ipv6(struct frame *f, unsigned next, const char *src, const char *dst)
{
	uint8_t *ip = f->b + f->len;

	f->l3 = f->len;
	ip[0] = 0x60;
	ip[6] = (uint8_t)next;
	ip[7] = 64;
	inet_pton(AF_INET6, src, ip + 8);
	inet_pton(AF_INET6, dst, ip + 24);
	f->len += 40;
}

static inline void fr_udp(struct frame *f, unsigned sport, unsigned dport)
{
	f->l4 = f->len;
	fr_add16(f, sport);
	fr_add16(f, dport);
	f->len += 4;
}

#define FR_TCP_ACK 0x10u
#define FR_TCP_SYN 0x02u
static inline void fr_tcp(struct frame *f, unsigned sport, unsigned dport, unsigned flags)
{
	f->l4 = f->len;
	fr_add16(f, sport);
	fr_add16(f, dport);
	f->b[f->len + 8] = 0x50; /* five words of header */
	f->b[f->len + 9] = (uint8_t)flags;
	f->len += 16;
}

/* n bytes that no shift or swap of another place equals soon. */
static inline void fr_payload(struct frame *f, unsigned n)
{
	while (n--) {
		f->b[f->len] = (uint8_t)(f->len * 7 + (f->len >> 8) * 13 + 1);
		f->len++;
	}
}

/* RFC 1071 by pairs of bytes; sum is the carry of what came before. */
static inline uint32_t fr_sum(const uint8_t *p, unsigned n, uint32_t sum)
{
	for (; n > 1; p += 2, n -= 2)
		sum += fr_get16(p);
	if (n)
		sum += (uint32_t)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The checksum that the TCP or UDP header should carry, its own field counted as zero. */
static inline unsigned fr_l4_csum(const struct frame *f)
{
	unsigned version = f->b[f->l3] >> 4, size = f->len - f->l4;
	unsigned proto = version == 4 ? f->b[f->l3 + 9] : f->b[f->l3 + 6];
	const uint8_t *addr = f->b + f->l3 + (version == 4 ? 12 : 8);
	unsigned field = f->l4 + (proto == 17 ? 6 : 16);
	uint32_t sum = fr_sum(addr, version == 4 ? 8 : 32, size + proto);

	sum = fr_sum(f->b + f->l4, field - f->l4, sum);
	sum = fr_sum(f->b + field + 2, f->len - field - 2, sum);
	sum = ~sum & 0xffff;
	return sum == 0 && proto == 17 ? 0xffff : sum;
}

static inline unsigned fr_l3_csum(const struct frame *f)
{
	const uint8_t *ip = f->b + f->l3;
	unsigned header = (ip[0] & 15u) * 4;

	return ~fr_sum(ip + 12, header - 12, fr_sum(ip, 10, 0)) & 0xffff;
}

static inline uint8_t *fr_l4_field(struct frame *f)
{
	unsigned proto = f->b[f->l3] >> 4 == 4 ? f->b[f->l3 + 9] : f->b[f->l3 + 6];

	return f->b + f->l4 + (proto == 17 ? 6 : 16);
}

/* Writes the lengths that follow from f->len; checksums stay as they are. */
static inline void fr_lengths(struct frame *f)
{
	if (!f->l3)
		return;
	if (f->b[f->l3] >> 4 == 4)
		fr_put16(f->b + f->l3 + 2, f->len - f->l3);
	else
		fr_put16(f->b + f->l3 + 4, f->len - f->l3 - 40);
	if (f->l4 && fr_l4_field(f) == f->b + f->l4 + 6)
		fr_put16(f->b + f->l4 + 4, f->len - f->l4);
}

/* Lengths and right checksums. */
static inline void fr_finish(struct frame *f)
{
	fr_lengths(f);
	if (f->l3 && f->b[f->l3] >> 4 == 4)
		fr_put16(f->b + f->l3 + 10, fr_l3_csum(f));
	if (f->l4)
		fr_put16(fr_l4_field(f), fr_l4_csum(f));
}

#endif
