/* SPDX-License-Identifier: Apache-2.0 */
/* A match in the device's format, and what can be said of two of them. Pure functions. */
#ifndef DQ_FLOW_MATCH_H
#define DQ_FLOW_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "config_model.h"

/* fte_match_set_lyr_2_4 (PRM), the outer headers: all that we match. */
enum { DQ_MATCH_BYTES = 64 };

struct dq_match_buf {
	uint8_t mask[DQ_MATCH_BYTES], value[DQ_MATCH_BYTES]; /* value: 0 outside the mask */
};

void dq_match_encode(struct dq_match_buf *out, const struct dq_match *match);

/*
 * Adds an ethertype and an IP protocol (0: none) to a match. False: they contradict it, and it is
 * not to be used any more.
 */
bool dq_match_narrow(struct dq_match_buf *match, uint16_t ethertype, uint8_t proto);

/* Whether the match names an IP protocol, so that nothing but IP packets match it. */
bool dq_match_has_protocol(const struct dq_match_buf *match);

bool dq_match_same_mask(const struct dq_match_buf *a, const struct dq_match_buf *b);
bool dq_match_same(const struct dq_match_buf *a, const struct dq_match_buf *b);

/* Whether some packet may match both. */
bool dq_match_overlap(const struct dq_match_buf *a, const struct dq_match_buf *b);

/* How narrow it is: the number of bits that it looks at. */
unsigned dq_match_bits(const struct dq_match *match);

/* Whether it matches everything. */
bool dq_match_is_any(const struct dq_match_buf *match);

#endif
