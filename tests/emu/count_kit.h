/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what flows count: frames with a number of bytes that tells, and what is to be
 * counted. */
#ifndef TEST_COUNT_KIT_H
#define TEST_COUNT_KIT_H

#include "match_kit.h"
#include "tunnel_frames.h"

/* The frame that was made last, and that in it. */
extern struct frame f, in;

extern const struct inner udp4, tcp6;

void v4(unsigned proto, const char *src, unsigned dport);
void v6(unsigned proto, const char *src, unsigned dport);
void ether(const char *src, unsigned type);
void tagged(unsigned tci);
void to_group(const char *dst);
void vxlan(unsigned vni, const struct inner *inner);
void gre(unsigned type);

struct count {
	uint64_t packets, bytes;
};

/* Adds that frame, padded as the wire pads it. */
void add(struct count *c);

/* Waits for the counts of a flow of port b. */
void expect_count(const struct link *l, const char *flow, struct count want);

/* As match_open(), with a flow x that counts. */
struct link open_flow(const char *sections, const char *keys, const char *action);

void must_add(const struct link *l, const char *name, const char *keys);
void must_remove(const struct link *l, const char *name);

#endif
