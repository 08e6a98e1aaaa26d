/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of --selftest, header after header, and sums by the book: RFC 1071, Microsoft's Toeplitz.
 */
#ifndef ST_FRAME_H
#define ST_FRAME_H

#include <stdint.h>

struct st_frame {
	uint8_t b[9600];
	unsigned len;
	unsigned l3, l4; /* offsets; 0: none */
};

enum { ST_TCP = 6, ST_UDP = 17 };

void st_put16(uint8_t *p, unsigned v);
void st_ether(struct st_frame *f, const uint8_t dst[6], const uint8_t src[6], unsigned type);
/* Directly behind st_ether(). */
void st_vlan(struct st_frame *f, unsigned tci);
void st_ipv4(struct st_frame *f, unsigned proto, uint32_t src, uint32_t dst);
void st_ipv6(struct st_frame *f, unsigned proto, const uint8_t src[16], const uint8_t dst[16]);
void st_l4(struct st_frame *f, unsigned proto, unsigned sport, unsigned dport);
/* A pattern that n changes everywhere, up to len bytes of frame. */
void st_fill(struct st_frame *f, unsigned len, unsigned n);
/* Lengths and right checksums. */
void st_finish(struct st_frame *f);

/* The hash of bytes by its definition, one bit after the other. */
uint32_t st_toeplitz(const uint8_t key[40], const uint8_t *bytes, unsigned len);

#endif
