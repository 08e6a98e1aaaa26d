/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_range.h"

unsigned dq_range_split(struct dq_range_part parts[DQ_RANGE_PARTS], const struct dq_range *range)
{
	uint32_t first = range->first, end = (uint32_t)range->last + 1;
	unsigned n = 0;

	while (first < end) {
		uint32_t size =
			first ? first & -first : 1U << 16; /* what a prefix there may have */

		while (size > end - first)
			size /= 2;
		parts[n++] = (struct dq_range_part){(uint16_t)first, (uint16_t) ~(size - 1)};
		first += size;
	}
	return n;
}

void dq_expansion_init(struct dq_expansion *x, const struct dq_match *match)
{
	struct dq_match_range list[DQ_MATCH_RANGES];

	x->n_ranges = dq_match_ranges(match, list);
	x->n_matches = 1;
	dq_match_encode(&x->base, match);
	for (unsigned i = 0; i < x->n_ranges; i++) {
		x->ranges[i].at = list[i].at;
		x->ranges[i].n_parts = dq_range_split(x->ranges[i].parts, &list[i].range);
		x->n_matches *= x->ranges[i].n_parts;
	}
}

void dq_expansion_get(const struct dq_expansion *x, unsigned i, struct dq_match_buf *out)
{
	*out = x->base;
	for (unsigned k = 0; k < x->n_ranges; k++) {
		const struct dq_expanded_range *range = &x->ranges[k];
		const struct dq_range_part *part = &range->parts[i % range->n_parts];

		dq_match_put_bits(out, range->at, part->value, part->mask);
		i /= range->n_parts;
	}
}
