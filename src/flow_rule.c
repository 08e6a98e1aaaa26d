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

static int explain(const char *where, const char *what, int err)
{
	if (err == EPERM)
		return dq_error(
			err,
			"%s: receive rules need CAP_NET_RAW: run as root, with setpriv "
			"--ambient-caps +net_raw, or with AmbientCapabilities=CAP_NET_RAW in "
			"its systemd unit",
			where);
	if (err == EEXIST)
		return dq_error(
			err,
			"%s: a rule with this match and another flow id, of another program, "
			"exists already: end that program, or change the match or the tag",
			where);
	return dq_error(err, "%s: %s refused: %s", where, what, strerror(err));
}

/* ---- matchers -------------------------------------------------------------------------------- */

static int make_matcher(struct dq_flow_table *table, const struct dq_placed *rule,
			struct dq_matcher **out)
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
	int err;

	if (!m)
		return dq_error(ENOMEM, "%s: out of memory", rule->flow->where);
	errno = 0;
	m->matcher = mlx5dv_create_flow_matcher(table->port->dev->ctx, &attr);
	if (!m->matcher) {
		err = errno ? errno : EIO;
		free(m);
		return explain(rule->flow->where, "its flow matcher", err);
	}
	m->priority = rule->priority;
	m->match = rule->match;
	m->next = table->matchers;
	table->matchers = m;
	*out = m;
	return 0;
}

static int get_matcher(struct dq_flow_table *table, const struct dq_placed *rule,
		       struct dq_matcher **out)
{
	struct dq_matcher *m = table->matchers;
	int ret = 0;

	while (m && !(m->priority == rule->priority && dq_match_same_mask(&m->match, &rule->match)))
		m = m->next;
	if (!m)
		ret = make_matcher(table, rule, &m);
	if (ret)
		return ret;
	m->n_rules++;
	*out = m;
	return 0;
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

int dq_rule_explain(const struct dq_flow_rule *rule, int err)
{
	const char *where = rule->flow->conf->where;
	bool unknown = err == EINVAL || err == EOPNOTSUPP;

	if (unknown && rule->flow->reformat)
		return dq_error(err,
				"%s: %s refused: %s. Where the device is in switchdev mode: "
				"devlink dev eswitch set DEVICE encap-mode none",
				where, rule->flow->conf->encap ? "encap" : "decap", strerror(err));
	if (unknown && dq_match_words(&rule->placed.match))
		return dq_error(
			err,
			"%s: its flow rule refused: %s. Does the kernel know matches of the "
			"programmable parser (misc_parameters_4), and the device words that "
			"are matched in part? A ConnectX-7 may take flex_mask = 0xffffffff "
			"alone, and then neither ipv4_len nor ecpri_type",
			where, strerror(err));
	if (unknown && dq_match_criteria(&rule->placed.match) > 1u << DQ_SECTION_OUTER)
		return dq_error(err,
				"%s: its flow rule refused: %s. Does the device match tunnels and "
				"their inner headers? Leave vni, tni, gre_key and inner_ keys out",
				where, strerror(err));
	return explain(where, "its flow rule", err);
}

static int make_raw(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	struct mlx5dv_flow_action_attr actions[MAX_ACTIONS] = {0};
	int n = fill_actions(rule, actions), ret;
	struct match_arg arg;

	if (n < 0)
		return n;
	ret = get_matcher(table, &rule->placed, &rule->next_matcher);
	if (ret)
		return ret;
	errno = 0;
	rule->next_ibv =
		mlx5dv_create_flow(rule->next_matcher->matcher,
				   value_arg(&arg, table, &rule->placed.match), (size_t)n, actions);
	if (rule->next_ibv)
		return 0;
	ret = dq_rule_explain(rule, errno ? errno : EIO);
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
