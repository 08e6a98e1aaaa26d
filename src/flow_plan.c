/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_plan.h"
#include "flow_range.h"
#include "flow_rss.h"

/* mlx5_ib: MLX5_FS_MAX_ENTRIES in MLX5_FS_MAX_TYPES groups, and what follows has one rule each */
enum { LARGE_GROUPS = 6, MAX_MATCHES = 9362 };

/* ---- rules of one flow ----------------------------------------------------------------------- */

/* What becomes of a match, as `unmatched` and flows have it. */
struct maker {
	struct dq_flow_plan *plan;
	const char *where; /* for messages */
	unsigned flow;
	int priority;
	struct dq_rss_ask rss; /* fields 0: no spreading */
	int levels;	       /* of priority that its rules take */
};

static int add_rule(struct maker *m, const struct dq_rss_rule *one)
{
	struct dq_flow_plan *plan = m->plan;
	unsigned max = plan->max_rules ? plan->max_rules * 2 : 16;
	struct dq_rule *rules;

	if (plan->n_rules == plan->max_rules) {
		rules = realloc(plan->rules, max * sizeof(*rules));
		if (!rules)
			return dq_error(ENOMEM, "%s: out of memory", m->where);
		plan->rules = rules;
		plan->max_rules = max;
	}
	plan->rules[plan->n_rules++] = (struct dq_rule){
		.flow = m->flow,
		.match = one->match,
		.hash_fields = one->hash_fields,
		.priority = m->priority == DQ_AUTO ? DQ_AUTO : m->priority + (int)one->level,
	};
	if (m->levels <= (int)one->level)
		m->levels = (int)one->level + 1;
	return 0;
}

static int add_spread(struct maker *m, const struct dq_match_buf *match)
{
	struct dq_rss_rule rules[DQ_RSS_CLASSES] = {{.match = *match}};
	unsigned n = m->rss.fields ? dq_flow_spread(rules, match, &m->rss) : 1;
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++)
		ret = add_rule(m, &rules[i]);
	return ret;
}

static int add_match(struct maker *m, const struct dq_match_buf *match)
{
	struct dq_match_buf first = *match, second;
	bool two = dq_match_split_multicast(&first, &second);
	int ret = add_spread(m, &first);

	return ret || !two ? ret : add_spread(m, &second);
}

/* All that a flow's ranges come to. */
static int add_matches(struct maker *m, const struct dq_conf_flow *flow)
{
	struct dq_match_buf match;
	struct dq_expansion x;
	int ret = 0;

	dq_expansion_init(&x, &flow->match);
	if (x.n_matches > MAX_MATCHES)
		return dq_error(EINVAL,
				"%s: its ranges take %u rules, more than the %d of one mask that a "
				"priority has room for: ranges whose ends are multiples of a power "
				"of two take fewer",
				flow->where, x.n_matches, MAX_MATCHES);
	for (unsigned i = 0; !ret && i < x.n_matches; i++) {
		dq_expansion_get(&x, i, &match);
		ret = add_match(m, &match);
	}
	return ret;
}

static int add_flow(struct dq_flow_plan *plan, const struct dq_flow_input *in, unsigned index)
{
	const struct dq_conf_flow *flow = in->flows[index];
	struct maker m = {
		.plan = plan, .where = flow->where, .flow = index, .priority = flow->priority};
	unsigned first = plan->n_rules;
	int ret;

	if (flow->n_queues > 1)
		m.rss = (struct dq_rss_ask){.fields = flow->rss.fields & in->rx_hash_fields,
					    .inner = flow->rss.inner || flow->decap,
					    .taken_off = flow->decap};
	ret = add_matches(&m, flow);
	if (ret)
		return ret;
	if (flow->n_queues > 1 && !plan->rules[first].hash_fields)
		return dq_error(EINVAL,
				"%s: its packets have nothing that the device can hash (its fields "
				"are 0x%llx, enum ibv_rx_hash_fields), so that they cannot be "
				"spread over %u queues: name one",
				flow->where, (unsigned long long)in->rx_hash_fields,
				flow->n_queues);
	if (flow->priority != DQ_AUTO && flow->priority + m.levels > DQ_PRIORITY_LAST)
		return dq_error(EINVAL,
				"%s priority=%d: spreading over %u queues takes %d priorities "
				"(UDP and TCP, IP, others); allowed 0..%d",
				flow->where, flow->priority, flow->n_queues, m.levels,
				DQ_PRIORITY_LAST - m.levels);
	return 0;
}

/* `unmatched`: a rule for everything, behind all others. The kernel is where packets go without
 * one. */
static int add_unmatched(struct dq_flow_plan *plan, const struct dq_flow_input *in)
{
	struct maker m = {.plan = plan,
			  .where = in->port->where,
			  .flow = in->n_flows,
			  .priority = DQ_PRIORITY_LAST};
	struct dq_match_buf all = {0};
	unsigned first = plan->n_rules;
	int ret;

	if (in->port->unmatched == DQ_UNMATCHED_KERNEL)
		return 0;
	if (in->port->unmatched == DQ_UNMATCHED_QUEUE && in->port->n_queues > 1)
		m.rss.fields = DQ_RSS_ALL & in->rx_hash_fields;
	ret = add_match(&m, &all);
	for (unsigned i = first; i < plan->n_rules; i++)
		plan->rules[i].priority -= m.levels - 1;
	return ret;
}

/* ---- priorities ------------------------------------------------------------------------------ */

static const char *flow_where(const struct dq_flow_input *in, unsigned flow)
{
	return flow < in->n_flows ? in->flows[flow]->where : in->port->where;
}

static bool is_any(const struct dq_match *m)
{
	return !m->outer.fields && !m->inner.fields && !m->fields;
}

/* The same packets for two flows: which queue would get them? The NIC would give them to both. */
static int check_duplicates(const struct dq_flow_input *in)
{
	for (unsigned i = 0; i < in->n_flows; i++) {
		for (unsigned k = 0; k < i; k++)
			if (dq_match_equal(&in->flows[i]->match, &in->flows[k]->match))
				return dq_error(EINVAL, "%s: matches the same packets as %s: %s",
						in->flows[i]->where, in->flows[k]->where,
						"name all queues in one flow");
		if (is_any(&in->flows[i]->match) && in->port->unmatched != DQ_UNMATCHED_KERNEL)
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
		if (rule->priority != DQ_AUTO &&
		    count_masks(plan, rule, rule->priority) >= LARGE_GROUPS)
			return dq_error(
				EINVAL,
				"%s: rules at priority %d look at more than the %d different "
				"sets of bits that the kernel has room for at one: leave "
				"priority out, or let ranges begin and end at multiples of a "
				"power of two",
				flow_where(in, rule->flow), rule->priority, LARGE_GROUPS);
	}
	return 0;
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
			"different ways (%d priorities): match the same fields in more of them, "
			"and "
			"let ranges begin and end at multiples of a power of two",
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
	for (unsigned i = 0; !ret && i < in->n_flows; i++)
		ret = add_flow(plan, in, i);
	if (!ret)
		ret = add_unmatched(plan, in);
	if (!ret)
		ret = check_given(plan, in);
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
