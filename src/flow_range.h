/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of ports by what a rule can say, a value and a mask: the fewest prefixes that no port is
 * in twice. A match with ranges is as many matches as their prefixes can be combined. Pure
 * functions.
 */
#ifndef DQ_FLOW_RANGE_H
#define DQ_FLOW_RANGE_H

#include "flow_match.h"

enum {
	DQ_RANGE_PARTS = 30, /* of 1..65534, which takes the most: 2 * 16 - 2 */
};

struct dq_range_part {
	uint16_t value, mask;
};

unsigned dq_range_split(struct dq_range_part parts[DQ_RANGE_PARTS], const struct dq_range *range);

struct dq_expansion {
	struct dq_match_buf base;
	unsigned n_ranges;
	struct dq_expanded_range {
		unsigned at; /* its bytes in the match */
		unsigned n_parts;
		struct dq_range_part parts[DQ_RANGE_PARTS];
	} ranges[DQ_MATCH_RANGES];
	unsigned n_matches;
};

void dq_expansion_init(struct dq_expansion *x, const struct dq_match *match);

/* The i-th of n_matches. */
void dq_expansion_get(const struct dq_expansion *x, unsigned i, struct dq_match_buf *out);

#endif
