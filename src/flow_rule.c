/* SPDX-License-Identifier: Apache-2.0 */
/* Rules in the device's root steering table, and the kernel's objects for their masks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "error.h"
#include "flow_table.h"
#include "log.h"

enum { MAX_ACTIONS = 4 }; /* where to, decap, tag, counter */

/* The kernel's object for a mask at a priority; rules with other values share it. */
struct dq_matcher {
	struct dq_matcher *next;
	struct mlx5dv_flow_matcher *matcher;
	struct dq_match_buf match; /* the mask of it */
	int priority;
	unsigned n_rules;
};

/* mlx5dv wants a size and the bytes behind it. */
struct match_arg {
	size_t size;
	uint64_t bytes[DQ_PARAM_BYTES / sizeof(uint64_t)];
};

_Static_assert(offsetof(struct match_arg, bytes) ==
		       offsetof(struct mlx5dv_flow_match_parameters, match_buf),
	       "struct mlx5dv_flow_match_parameters");

/* The mask or the value of a match. A kernel refuses more bytes than it knows sections for. */
static struct mlx5dv_flow_match_parameters *mask_arg(struct match_arg *arg,
						     const struct dq_match_buf *match)
{
	static const uint32_t no_ids[DQ_WORDS];

	arg->size = dq_match_size(match);
	dq_match_lay((uint8_t *)arg->bytes, match, true, no_ids);
	return (struct mlx5dv_flow_match_parameters *)arg;
}

static struct mlx5dv_flow_match_parameters *value_arg(struct match_arg *arg,
						      const struct dq_flow_table *table,
						      const struct dq_match_buf *match)
{
	arg->size = dq_match_size(match);
	dq_match_lay((uint8_t *)arg->bytes, match, false, table->parser.ids);
	return (struct mlx5dv_flow_match_parameters *)arg;
}

/* ---- matchers -------------------------------------------------------------------------------- */

/* NULL: *err says why. */
static struct dq_matcher *make_matcher(struct dq_flow_table *table, const struct dq_placed *rule,
				       int *err)
{
	struct match_arg arg;
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = (uint16_t)(rule->priority - DQ_PRIORITY_GATE),
		.match_criteria_enable = dq_match_criteria(&rule->match),
		.match_mask = mask_arg(&arg, &rule->match),
		.comp_mask = MLX5DV_FLOW_MATCHER_MASK_FT_TYPE,
		.ft_type = dq_match_is_sent(&rule->match) ? MLX5DV_FLOW_TABLE_TYPE_NIC_TX
							  : MLX5DV_FLOW_TABLE_TYPE_NIC_RX,
	};
	struct dq_matcher *m = calloc(1, sizeof(*m));

	if (!m) {
		*err = dq_error(ENOMEM, "%s: out of memory", rule->flow->where);
		return NULL;
	}
	errno = 0;
	m->matcher = mlx5dv_create_flow_matcher(table->port->dev->ctx, &attr);
	if (!m->matcher) {
		*err = dq_rule_explain(rule, "its flow matcher", errno ? errno : EIO);
		free(m);
		return NULL;
	}
	m->priority = rule->priority;
	m->match = rule->match;
	m->next = table->matchers;
	table->matchers = m;
	return m;
}

static struct dq_matcher *get_matcher(struct dq_flow_table *table, const struct dq_placed *rule,
				      int *err)
{
	struct dq_matcher *m = table->matchers;

	while (m && !(m->priority == rule->priority && dq_match_same_mask(&m->match, &rule->match)))
		m = m->next;
	if (!m)
		m = make_matcher(table, rule, err);
	if (m)
		m->n_rules++;
	return m;
}

static void put_matcher(struct dq_flow_table *table, struct dq_matcher *m)
{
	struct dq_matcher **p = &table->matchers;

	if (!m || --m->n_rules)
		return;
	while (*p != m)
		p = &(*p)->next;
	*p = m->next;
	dq_device_destroyed(table->port->dev, "a flow matcher",
			    mlx5dv_destroy_flow_matcher(m->matcher));
	free(m);
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* Where a received frame goes to, and with what id. Actions from the n-th on, or a negative errno.
 */
static int fill_target(struct dq_flow_rule *rule, struct mlx5dv_flow_action_attr *actions, int n)
{
	struct dq_flow *flow = rule->flow;
	int ret;

	if (flow->conf->drop) {
		actions[n++].type = MLX5DV_FLOW_ACTION_DROP;
		return n;
	}
	actions[n].type = MLX5DV_FLOW_ACTION_DEST_IBV_QP;
	ret = dq_flow_target_find(&flow->target, rule->hash_fields, &actions[n++].qp);
	if (ret)
		return ret;
	if (flow->tag) {
		actions[n].type = MLX5DV_FLOW_ACTION_TAG;
		actions[n++].tag_value = flow->tag;
	}
	return n;
}

/* Target, tunnel, counter: what is sent goes on to the cable. The number of actions, or a negative
 * errno. */
static int fill_actions(struct dq_flow_rule *rule, struct mlx5dv_flow_action_attr *actions)
{
	struct dq_flow *flow = rule->flow;
	int n = flow->conf->encap ? 0 : fill_target(rule, actions, 0);

	if (n < 0)
		return n;
	if (flow->reformat) {
		actions[n].type = MLX5DV_FLOW_ACTION_IBV_FLOW_ACTION;
		actions[n++].action = flow->reformat;
	}
	if (flow->counter.obj) {
		actions[n].type = MLX5DV_FLOW_ACTION_COUNTERS_DEVX;
		actions[n++].obj = flow->counter.obj;
	}
	return n;
}

static int make_raw(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	struct mlx5dv_flow_action_attr actions[MAX_ACTIONS] = {0};
	int n = fill_actions(rule, actions), ret;
	struct match_arg arg;

	if (n < 0)
		return n;
	rule->next_matcher = get_matcher(table, &rule->placed, &ret);
	if (!rule->next_matcher)
		return ret;
	errno = 0;
	rule->next_ibv =
		mlx5dv_create_flow(rule->next_matcher->matcher,
				   value_arg(&arg, table, &rule->placed.match), (size_t)n, actions);
	if (rule->next_ibv)
		return 0;
	ret = dq_rule_explain(&rule->placed, "its flow rule", errno ? errno : EIO);
	put_matcher(table, rule->next_matcher);
	return ret;
}

int dq_rule_make(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	bool by_verbs = rule->placed.by_verbs;
	int ret = by_verbs ? dq_verbs_rule_make(table, rule) : make_raw(table, rule);

	if (ret)
		return ret;
	dq_log(table->port->dev->log, DAQIRI_LOG_DEBUG,
	       "%s: rule at priority %d, hash fields 0x%llx%s", rule->flow->conf->where,
	       rule->placed.priority, (unsigned long long)rule->hash_fields,
	       by_verbs ? ", of verbs, with their counters" : "");
	return 0;
}

static void destroy(struct dq_flow_table *table, struct ibv_flow *ibv, struct dq_matcher *matcher)
{
	dq_device_destroyed(table->port->dev, "a flow rule", ibv_destroy_flow(ibv));
	put_matcher(table, matcher);
}

void dq_rule_unmake(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	destroy(table, rule->next_ibv, rule->next_matcher);
	rule->next_ibv = NULL;
}

void dq_rule_settle(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	if (rule->ibv)
		destroy(table, rule->ibv, rule->matcher);
	rule->ibv = rule->next_ibv;
	rule->matcher = rule->next_matcher;
	rule->next_ibv = NULL;
}

int dq_rule_try_destroy(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	int err = rule->ibv ? ibv_destroy_flow(rule->ibv) : 0;

	if (err || !rule->ibv)
		return -err;
	put_matcher(table, rule->matcher);
	rule->ibv = NULL;
	return 0;
}

void dq_rule_destroy(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	if (rule->ibv)
		destroy(table, rule->ibv, rule->matcher);
	rule->ibv = NULL;
}
