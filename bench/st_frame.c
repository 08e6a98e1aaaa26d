/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "st_frame.h"

void st_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void add16(struct st_frame *f, unsigned v)
{
	st_put16(f->b + f->len, v);
	f->len += 2;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

void st_ether(struct st_frame *f, const uint8_t dst[6], const uint8_t src[6], unsigned type)
{
	f->len = 12;
	f->l3 = f->l4 = 0;
	memcpy(f->b, dst, 6);
	memcpy(f->b + 6, src, 6);
	add16(f, type);
}

void st_vlan(struct st_frame *f, unsigned tci)
{
	unsigned type = get16(f->b + f->len - 2);

	st_put16(f->b + f->len - 2, 0x8100);
	add16(f, tci);
	add16(f, type);
}

void st_ipv4(struct st_frame *f, unsigned proto, uint32_t src, uint32_t dst)
{
	uint8_t *ip = f->b + f->len;
	uint32_t be;

	f->l3 = f->len;
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[8] = 64; /* time to live */
	ip[9] = (uint8_t)proto;
	be = htobe32(src);
	memcpy(ip + 12, &be, 4);
	be = htobe32(dst);
	memcpy(ip + 16, &be, 4);
	f->len += 20;
}

void st_ipv6(struct st_frame *f, unsigned proto, const uint8_t src[16], const uint8_t dst[16])
{
	uint8_t *ip = f->b + f->len;

	f->l3 = f->len;
	memset(ip, 0, 8);
	ip[0] = 0x60;
	ip[6] = (uint8_t)proto;
	ip[7] = 64; /* hop limit */
	memcpy(ip + 8, src, 16);
	memcpy(ip + 24, dst, 16);
	f->len += 40;
}

void st_l4(struct st_frame *f, unsigned proto, unsigned sport, unsigned dport)
{
	unsigned size = proto == ST_UDP ? 8 : 20;

	f->l4 = f->len;
	memset(f->b + f->len, 0, size);
	st_put16(f->b + f->len, sport);
	st_put16(f->b + f->len + 2, dport);
	if (proto == ST_TCP) {
		f->b[f->len + 12] = 0x50; /* five words of header */
		f->b[f->len + 13] = 0x02; /* SYN: no acknowledgement */
	}
	f->len += size;
}

void st_fill(struct st_frame *f, unsigned len, unsigned n)
{
	for (; f->len < len; f->len++)
		f->b[f->len] = (uint8_t)(f->len * 7 + (f->len >> 8) * 13 + n * 31 + (n >> 8) + 1);
}

static uint32_t sum(const uint8_t *p, unsigned n, uint32_t s)
{
	for (; n > 1; p += 2, n -= 2)
		s += get16(p);
	if (n)
		s += (uint32_t)p[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void finish_l4(struct st_frame *f, bool v4, unsigned proto)
{
	unsigned size = f->len - f->l4;
	uint8_t *field = f->b + f->l4 + (proto == ST_UDP ? 6 : 16);
	uint32_t s;

	if (proto == ST_UDP)
		st_put16(f->b + f->l4 + 4, size);
	st_put16(field, 0);
	s = sum(f->b + f->l3 + (v4 ? 12 : 8), v4 ? 8 : 32, size + proto);
	s = ~sum(f->b + f->l4, size, s) & 0xffff;
	st_put16(field, s == 0 && proto == ST_UDP ? 0xffff : s);
}

void st_finish(struct st_frame *f)
{
	uint8_t *ip = f->b + f->l3;
	bool v4;

	if (!f->l3)
		return;
	v4 = ip[0] >> 4 == 4;
	if (v4) {
		st_put16(ip + 2, f->len - f->l3);
		st_put16(ip + 10, 0);
		st_put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	} else {
		st_put16(ip + 4, f->len - f->l3 - 40);
	}
	if (f->l4)
		finish_l4(f, v4, v4 ? ip[9] : ip[6]);
}

uint32_t st_toeplitz(const uint8_t key[40], const uint8_t *bytes, unsigned len)
{
	uint32_t window =
		(uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
	uint32_t hash = 0;

	for (unsigned bit = 0; bit < len * 8; bit++) {
		unsigned next = bit + 32;

		if (bytes[bit / 8] & (0x80u >> bit % 8))
			hash ^= window;
		window = window << 1 | (key[next / 8] >> (7 - next % 8) & 1);
	}
	return hash;
}
