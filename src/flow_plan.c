/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <infiniband/verbs.h>

#include "error.h"
#include "flow_plan.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	LARGE_GROUPS = 6, /* masks of one priority that may have more than one rule each */
};

/* ---- rules of one flow ----------------------------------------------------------------------- */

/*
 * One hash QP hashes one L3 and one L4 protocol, so a flow over several queues becomes a rule for
 * each class that it may match, the narrower ones first. What is no IP goes to the first queue.
 */
static const struct rss_class {
	uint16_t ethertype; /* 0: any */
	uint8_t proto;	    /* 0: any */
	uint8_t level;	    /* 0 narrowest */
	uint64_t fields;
} classes[] = {
	{ETHERTYPE_IPV4, PROTO_UDP, 0,
	 IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_UDP |
		 IBV_RX_HASH_DST_PORT_UDP},
	{ETHERTYPE_IPV4, PROTO_TCP, 0,
	 IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_TCP |
		 IBV_RX_HASH_DST_PORT_TCP},
	{ETHERTYPE_IPV6, PROTO_UDP, 0,
	 IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6 | IBV_RX_HASH_SRC_PORT_UDP |
		 IBV_RX_HASH_DST_PORT_UDP},
	{ETHERTYPE_IPV6, PROTO_TCP, 0,
	 IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6 | IBV_RX_HASH_SRC_PORT_TCP |
		 IBV_RX_HASH_DST_PORT_TCP},
	{ETHERTYPE_IPV4, 0, 1, IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4},
	{ETHERTYPE_IPV6, 0, 1, IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6},
	{0, 0, 2, 0},
};

enum { N_CLASSES = sizeof(classes) / sizeof(classes[0]) };

static void add_rule(struct dq_flow_plan *plan, const struct dq_rule *rule)
{
	plan->rules[plan->n_rules++] = *rule;
}

/* Whether an earlier rule of the same flow, from first on, takes all that this one would. */
static bool is_covered(const struct dq_flow_plan *plan, unsigned first, const struct dq_rule *rule)
{
	for (unsigned i = first; i < plan->n_rules; i++)
		if (dq_match_same(&plan->rules[i].match, &rule->match))
			return true;
	return false;
}

/* Only IP packets can match a rule that names one of IP's protocols. */
static bool is_ip_only(const struct dq_rule *base)
{
	return dq_match_has_protocol(&base->match);
}

/* Adds the rules that spread a flow over several queues; the number of levels of priority. */
static int spread(struct dq_flow_plan *plan, const struct dq_rule *base, uint64_t hash_fields)
{
	unsigned first = plan->n_rules;
	int levels = 0, level = -1;

	for (unsigned i = 0; i < N_CLASSES; i++) {
		struct dq_rule rule = *base;

		if (classes[i].fields & ~hash_fields ||
		    !dq_match_narrow(&rule.match, classes[i].ethertype, classes[i].proto) ||
		    is_covered(plan, first, &rule) || (!classes[i].fields && is_ip_only(base)))
			continue;
		if (classes[i].level != level)
			levels++;
		level = classes[i].level;
		rule.hash_fields = classes[i].fields;
		if (rule.priority != DQ_AUTO)
			rule.priority += levels - 1;
		add_rule(plan, &rule);
	}
	return levels;
}

static int check_flow(const struct dq_conf_flow *flow)
{
	const struct dq_match *m = &flow->match;
	bool ip = !(m->fields & DQ_MATCH_ETHERTYPE) || m->ethertype == ETHERTYPE_IPV4;

	if (m->fields & (DQ_MATCH_IPV4_SRC | DQ_MATCH_IPV4_DST) && !ip)
		return dq_error(EINVAL,
				"%s: ethertype=0x%04x excludes IPv4 addresses: leave it out",
				flow->where, m->ethertype);
	if (m->fields & (DQ_MATCH_UDP_SRC | DQ_MATCH_UDP_DST) && !ip &&
	    m->ethertype != ETHERTYPE_IPV6)
		return dq_error(EINVAL, "%s: ethertype=0x%04x excludes UDP: leave it out",
				flow->where, m->ethertype);
	/* The kernel takes 224.0.0.0/3 for a multicast rule and puts it behind all others. */
	if (m->fields & DQ_MATCH_IPV4_DST && (m->ipv4_dst_mask[0] & 0xf0) == 0xe0 &&
	    (m->ipv4_dst[0] & 0xf0) == 0xe0)
		return dq_error(EINVAL,
				"%s: ipv4_dst of a /3 prefix: use 224.0.0.0/4 and 240.0.0.0/4",
				flow->where);
	return 0;
}

static int add_flow(struct dq_flow_plan *plan, const struct dq_flow_input *in, unsigned index)
{
	const struct dq_conf_flow *flow = in->flows[index];
	struct dq_rule base = {.flow = index, .priority = flow->priority};
	unsigned first = plan->n_rules;
	int levels = 1, ret = check_flow(flow);

	if (ret)
		return ret;
	dq_match_encode(&base.match, &flow->match);
	if (flow->n_queues > 1)
		levels = spread(plan, &base, in->rx_hash_fields);
	else
		add_rule(plan, &base);
	if (flow->n_queues > 1 && !plan->rules[first].hash_fields)
		return dq_error(EINVAL,
				"%s: packets that are no IP cannot be spread over %u queues: "
				"name one",
				flow->where, flow->n_queues);
	if (flow->priority != DQ_AUTO && flow->priority + levels > DQ_PRIORITY_LAST)
		return dq_error(EINVAL,
				"%s priority=%d: spreading over %u queues takes %d priorities "
				"(UDP and TCP, IP, others); allowed 0..%d",
				flow->where, flow->priority, flow->n_queues, levels,
				DQ_PRIORITY_LAST - levels);
	return 0;
}

/* `unmatched`: a rule for everything, behind all others. The kernel is where packets go without
 * one. */
static void add_unmatched(struct dq_flow_plan *plan, const struct dq_flow_input *in)
{
	struct dq_rule base = {.flow = in->n_flows, .priority = DQ_PRIORITY_LAST};
	unsigned first = plan->n_rules;
	int levels = 1;

	if (in->port->unmatched == DQ_UNMATCHED_KERNEL)
		return;
	if (in->port->unmatched == DQ_UNMATCHED_QUEUE && in->port->n_queues > 1)
		levels = spread(plan, &base, in->rx_hash_fields);
	else
		add_rule(plan, &base);
	for (unsigned i = first; i < plan->n_rules; i++)
		plan->rules[i].priority -= levels - 1;
}

/* ---- priorities ------------------------------------------------------------------------------ */

static const char *flow_where(const struct dq_flow_input *in, unsigned flow)
{
	return flow < in->n_flows ? in->flows[flow]->where : in->port->where;
}

/* The same packets for two flows: which queue would get them? The NIC would give them to both. */
static int check_duplicates(const struct dq_flow_input *in)
{
	struct dq_match_buf a, b;

	for (unsigned i = 0; i < in->n_flows; i++) {
		dq_match_encode(&a, &in->flows[i]->match);
		for (unsigned k = 0; k < i; k++) {
			dq_match_encode(&b, &in->flows[k]->match);
			if (dq_match_same(&a, &b))
				return dq_error(EINVAL, "%s: matches the same packets as %s: %s",
						in->flows[i]->where, in->flows[k]->where,
						"name all queues in one flow");
		}
		if (!in->flows[i]->match.fields && in->port->unmatched != DQ_UNMATCHED_KERNEL)
			return dq_error(EINVAL, "%s: matches everything, as unmatched of %s does",
					in->flows[i]->where, in->port->where);
	}
	return 0;
}

/* Whether a rule may be at a priority, given those that are placed already. */
static bool clashes(const struct dq_flow_plan *plan, const struct dq_rule *rule, int priority,
		    const struct dq_rule **with)
{
	for (unsigned i = 0; i < plan->n_rules; i++) {
		const struct dq_rule *other = &plan->rules[i];

		if (other != rule && other->priority == priority &&
		    dq_match_overlap(&other->match, &rule->match)) {
			*with = other;
			return true;
		}
	}
	return false;
}

static int check_given(const struct dq_flow_plan *plan, const struct dq_flow_input *in)
{
	const struct dq_rule *with;

	for (unsigned i = 0; i < plan->n_rules; i++) {
		const struct dq_rule *rule = &plan->rules[i];

		if (rule->priority != DQ_AUTO && clashes(plan, rule, rule->priority, &with))
			return dq_error(EINVAL,
					"%s: has priority %d, as %s, and a packet may match both: "
					"which comes first is not defined; choose another, or auto",
					flow_where(in, rule->flow), rule->priority,
					flow_where(in, with->flow));
	}
	return 0;
}

/* How many different masks other than the rule's a priority has. */
static unsigned count_masks(const struct dq_flow_plan *plan, const struct dq_rule *rule,
			    int priority)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n_rules; i++) {
		const struct dq_rule *a = &plan->rules[i];
		bool first =
			a->priority == priority && !dq_match_same_mask(&a->match, &rule->match);

		for (unsigned k = 0; first && k < i; k++)
			if (plan->rules[k].priority == priority)
				first = !dq_match_same_mask(&a->match, &plan->rules[k].match);
		n += first;
	}
	return n;
}

/* Behind every rule of `ahead` that overlaps, and at no priority where it would clash. */
static int place(struct dq_flow_plan *plan, const struct dq_flow_input *in, struct dq_rule *rule,
		 struct dq_rule *const *ahead, unsigned n_ahead)
{
	const struct dq_rule *with;
	int priority = 0, last = DQ_PRIORITY_LAST - 1;

	for (unsigned i = 0; i < n_ahead; i++)
		if (dq_match_overlap(&ahead[i]->match, &rule->match) &&
		    ahead[i]->priority >= priority)
			priority = ahead[i]->priority + 1;
	for (unsigned i = 0; i < plan->n_rules; i++)
		if (plan->rules[i].flow == in->n_flows && plan->rules[i].priority <= last)
			last = plan->rules[i].priority - 1;
	while (priority <= last && (clashes(plan, rule, priority, &with) ||
				    count_masks(plan, rule, priority) >= LARGE_GROUPS))
		priority++;
	if (priority > last)
		return dq_error(
			EINVAL,
			"%s: no priority is left for it: the flows of %s overlap in too many "
			"different ways (%d priorities): match the same fields in more of them",
			flow_where(in, rule->flow), in->port->where, last + 1);
	rule->priority = priority;
	return 0;
}

struct ranked {
	unsigned flow, bits;
};

/* The narrower match first; else as in the file. */
static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->bits != y->bits)
		return x->bits > y->bits ? -1 : 1;
	return x->flow < y->flow ? -1 : 1;
}

static int place_all(struct dq_flow_plan *plan, const struct dq_flow_input *in)
{
	struct ranked *ranked = calloc(in->n_flows + 1, sizeof(*ranked));
	struct dq_rule **placed = calloc(plan->n_rules + 1, sizeof(struct dq_rule *));
	unsigned n_placed = 0;
	int ret = ranked && placed ? 0 : dq_error(ENOMEM, "%s: out of memory", in->port->where);

	for (unsigned i = 0; !ret && i < in->n_flows; i++)
		ranked[i] = (struct ranked){i, dq_match_bits(&in->flows[i]->match)};
	if (!ret)
		qsort(ranked, in->n_flows, sizeof(*ranked), by_rank);
	for (unsigned i = 0; !ret && i < in->n_flows; i++) {
		for (unsigned k = 0; !ret && k < plan->n_rules; k++) {
			struct dq_rule *rule = &plan->rules[k];

			if (rule->flow != ranked[i].flow || rule->priority != DQ_AUTO)
				continue;
			ret = place(plan, in, rule, placed, n_placed);
			placed[n_placed++] = rule;
		}
	}
	free(placed);
	free(ranked);
	return ret;
}

int dq_flow_plan_make(struct dq_flow_plan *plan, const struct dq_flow_input *in)
{
	int ret = check_duplicates(in);

	*plan = (struct dq_flow_plan){0};
	if (ret)
		return ret;
	plan->rules = calloc((size_t)(in->n_flows + 1) * N_CLASSES, sizeof(*plan->rules));
	if (!plan->rules)
		return dq_error(ENOMEM, "%s: out of memory", in->port->where);
	for (unsigned i = 0; !ret && i < in->n_flows; i++)
		ret = add_flow(plan, in, i);
	if (!ret) {
		add_unmatched(plan, in);
		ret = check_given(plan, in);
	}
	if (!ret)
		ret = place_all(plan, in);
	if (ret)
		dq_flow_plan_free(plan);
	return ret;
}

void dq_flow_plan_free(struct dq_flow_plan *plan)
{
	free(plan->rules);
	*plan = (struct dq_flow_plan){0};
}
