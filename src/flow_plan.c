/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_plan.h"
#include "flow_range.h"
#include "flow_rss.h"

/* What becomes of a flow. */
struct maker {
	struct dq_flow_plan *plan;
	const struct dq_conf_flow *flow;
	struct dq_rss_ask rss; /* fields 0: no spreading */
};

static int add_rule(const struct maker *m, const struct dq_rss_rule *one)
{
	struct dq_flow_plan *plan = m->plan;
	unsigned max = plan->max_rules ? plan->max_rules * 2 : 16;
	struct dq_rule *rules;

	if (plan->n_rules == plan->max_rules) {
		rules = realloc(plan->rules, max * sizeof(*rules));
		if (!rules)
			return dq_error(ENOMEM, "%s: out of memory", m->flow->where);
		plan->rules = rules;
		plan->max_rules = max;
	}
	plan->rules[plan->n_rules++] = (struct dq_rule){
		.match = one->match, .hash_fields = one->hash_fields, .level = one->level};
	if (plan->levels <= one->level)
		plan->levels = one->level + 1;
	return 0;
}

static int add_spread(const struct maker *m, const struct dq_match_buf *match)
{
	struct dq_rss_rule rules[DQ_RSS_CLASSES] = {{.match = *match}};
	unsigned n = m->rss.fields ? dq_flow_spread(rules, match, &m->rss) : 1;
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++)
		ret = add_rule(m, &rules[i]);
	return ret;
}

static int add_match(const struct maker *m, const struct dq_match_buf *match)
{
	struct dq_match_buf first = *match, second;
	bool two = dq_match_split_multicast(&first, &second);
	int ret = add_spread(m, &first);

	return ret || !two ? ret : add_spread(m, &second);
}

/* All that a flow's ranges come to. */
static int add_matches(const struct maker *m)
{
	struct dq_match_buf match;
	struct dq_expansion x;
	int ret = 0;

	dq_expansion_init(&x, &m->flow->match);
	if (x.n_matches > DQ_GROUP_RULES)
		return dq_error(EINVAL,
				"%s: its ranges take %u rules, more than the %d of one mask that a "
				"priority has room for: ranges whose ends are multiples of a power "
				"of two take fewer",
				m->flow->where, x.n_matches, DQ_GROUP_RULES);
	for (unsigned i = 0; !ret && i < x.n_matches; i++) {
		dq_expansion_get(&x, i, &match);
		ret = add_match(m, &match);
	}
	return ret;
}

/* Whether the flow's priority has room for its levels; that of `unmatched` ends the others'. */
static int check_levels(const struct dq_flow_plan *plan, const struct dq_conf_flow *flow)
{
	int levels = (int)plan->levels;

	if (flow->priority == DQ_AUTO || flow->priority == DQ_PRIORITY_LAST ||
	    flow->priority + levels <= DQ_PRIORITY_LAST)
		return 0;
	return dq_error(EINVAL,
			"%s priority=%d: spreading over %u queues takes %d priorities "
			"(UDP and TCP, IP, others); allowed 0..%d",
			flow->where, flow->priority, flow->n_queues, levels,
			DQ_PRIORITY_LAST - levels);
}

static int make(struct dq_flow_plan *plan, const struct dq_conf_flow *flow, uint64_t rx_hash_fields)
{
	struct maker m = {.plan = plan, .flow = flow};
	int ret;

	if (flow->n_queues > 1)
		m.rss = (struct dq_rss_ask){.fields = flow->rss.fields & rx_hash_fields,
					    .inner = flow->rss.inner || flow->decap,
					    .taken_off = flow->decap};
	ret = add_matches(&m);
	if (ret)
		return ret;
	if (flow->n_queues > 1 && !plan->rules[0].hash_fields)
		return dq_error(EINVAL,
				"%s: its packets have nothing that the device can hash (its fields "
				"are 0x%llx, enum ibv_rx_hash_fields), so that they cannot be "
				"spread over %u queues: name one",
				flow->where, (unsigned long long)rx_hash_fields, flow->n_queues);
	return check_levels(plan, flow);
}

int dq_flow_plan_make(struct dq_flow_plan *plan, const struct dq_conf_flow *flow,
		      uint64_t rx_hash_fields)
{
	int ret;

	*plan = (struct dq_flow_plan){0};
	ret = make(plan, flow, rx_hash_fields);
	if (ret)
		dq_flow_plan_free(plan);
	return ret;
}

void dq_flow_plan_free(struct dq_flow_plan *plan)
{
	free(plan->rules);
	*plan = (struct dq_flow_plan){0};
}
