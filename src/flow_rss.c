/* SPDX-License-Identifier: Apache-2.0 */
#include <infiniband/verbs.h>

#include "flow_rss.h"

_Static_assert((int)DQ_RSS_IPV4_SRC == IBV_RX_HASH_SRC_IPV4 &&
		       (int)DQ_RSS_IPV4_DST == IBV_RX_HASH_DST_IPV4 &&
		       (int)DQ_RSS_IPV6_SRC == IBV_RX_HASH_SRC_IPV6 &&
		       (int)DQ_RSS_IPV6_DST == IBV_RX_HASH_DST_IPV6 &&
		       (int)DQ_RSS_TCP_SRC == IBV_RX_HASH_SRC_PORT_TCP &&
		       (int)DQ_RSS_TCP_DST == IBV_RX_HASH_DST_PORT_TCP &&
		       (int)DQ_RSS_UDP_SRC == IBV_RX_HASH_SRC_PORT_UDP &&
		       (int)DQ_RSS_UDP_DST == IBV_RX_HASH_DST_PORT_UDP,
	       "the configuration's fields are those of verbs");

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	IPV4 = IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4,
	IPV6 = IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6,
	TCP = IBV_RX_HASH_SRC_PORT_TCP | IBV_RX_HASH_DST_PORT_TCP,
	UDP = IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP,
};

static const struct rss_class {
	uint16_t ethertype; /* 0: any */
	uint8_t proto;	    /* 0: any */
	uint8_t narrow;	    /* 2: names a protocol of IP; 1: IP; 0: any packet */
	uint64_t l3, l4;    /* its fields */
} classes[DQ_RSS_CLASSES] = {
	{ETHERTYPE_IPV4, PROTO_UDP, 2, IPV4, UDP},
	{ETHERTYPE_IPV4, PROTO_TCP, 2, IPV4, TCP},
	{ETHERTYPE_IPV6, PROTO_UDP, 2, IPV6, UDP},
	{ETHERTYPE_IPV6, PROTO_TCP, 2, IPV6, TCP},
	{ETHERTYPE_IPV4, 0, 1, IPV4, 0},
	{ETHERTYPE_IPV6, 0, 1, IPV6, 0},
	{0, 0, 0, 0, 0},
};

/* Whether one of the rules takes all that this one would. */
static bool is_covered(const struct dq_rss_rule *rules, unsigned n,
		       const struct dq_match_buf *match)
{
	for (unsigned i = 0; i < n; i++)
		if (dq_match_same(&rules[i].match, match))
			return true;
	return false;
}

/* A class is of use if the fields of its narrowest protocol are asked for. */
static bool is_wanted(const struct rss_class *c, uint64_t hash_fields)
{
	return !c->narrow || (hash_fields & (c->l4 ? c->l4 : c->l3));
}

/* Whether the rules take all packets of a match that names a protocol of IP. */
static bool is_complete(const struct dq_rss_rule *rules, unsigned n,
			const struct dq_match_buf *match, enum dq_match_section section)
{
	static const uint16_t types[] = {ETHERTYPE_IPV4, ETHERTYPE_IPV6};

	if (!dq_match_has_protocol(match, section))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct dq_match_kind kind = {section, types[i], 0};
		struct dq_match_buf narrow = *match;

		if (dq_match_narrow(&narrow, &kind) && !is_covered(rules, n, &narrow))
			return false;
	}
	return true;
}

static uint64_t fields_of(const struct rss_class *c, const struct dq_rss_ask *ask)
{
	uint64_t fields = ask->fields & (c->l3 | c->l4);

	return fields && ask->inner && !ask->taken_off ? fields | IBV_RX_HASH_INNER : fields;
}

unsigned dq_flow_spread(struct dq_rss_rule rules[DQ_RSS_CLASSES], const struct dq_match_buf *match,
			const struct dq_rss_ask *ask)
{
	enum dq_match_section section = ask->inner ? DQ_SECTION_INNER : DQ_SECTION_OUTER;
	unsigned n = 0, narrow = 0;

	for (unsigned i = 0; i < DQ_RSS_CLASSES; i++) {
		const struct rss_class *c = &classes[i];
		struct dq_match_kind kind = {section, c->ethertype, c->proto};
		struct dq_rss_rule rule = {.match = *match, .hash_fields = fields_of(c, ask)};

		if (!is_wanted(c, ask->fields) || !dq_match_narrow(&rule.match, &kind) ||
		    is_covered(rules, n, &rule.match) ||
		    (!c->narrow && is_complete(rules, n, match, section)))
			continue;
		if (n)
			rule.level = rules[n - 1].level + (c->narrow != narrow);
		narrow = c->narrow;
		rules[n++] = rule;
	}
	return n;
}
