/* SPDX-License-Identifier: Apache-2.0 */
/* From a match to the rules that spread its packets over several queues. Pure functions. */
#ifndef DQ_FLOW_RSS_H
#define DQ_FLOW_RSS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow_match.h"

enum { DQ_RSS_CLASSES = 7 };

/* What is to be hashed. */
struct dq_rss_ask {
	uint64_t fields; /* enum ibv_rx_hash_fields, without INNER */
	bool inner;	 /* of the headers within a tunnel, */
	bool taken_off;	 /* which is gone when they are hashed */
};

struct dq_rss_rule {
	struct dq_match_buf match;
	uint64_t hash_fields; /* enum ibv_rx_hash_fields; 0: to the first queue */
	unsigned level;	      /* 0: before those of level 1, which a packet may match, too … */
};

/*
 * One hash QP hashes one L3 and one L4 protocol: a rule for each class of packets that the match
 * may have, the narrower ones first. What none of the fields is in goes to the first queue. The
 * number of rules.
 */
unsigned dq_flow_spread(struct dq_rss_rule rules[DQ_RSS_CLASSES], const struct dq_match_buf *match,
			const struct dq_rss_ask *ask);

#endif
