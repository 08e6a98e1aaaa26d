/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "error.h"
#include "flow.h"
#include "flow_plan.h"
#include "log.h"

enum { CRITERIA_OUTER = 1 << 0 }; /* MATCH_CRITERIA_ENABLE_OUTER_BIT */

/* The kernel's object for a mask at a priority; rules with other values share it. */
struct matcher {
	struct mlx5dv_flow_matcher *matcher;
	struct dq_match_buf match;
	int priority;
};

/* A hash QP over the table of one flow. */
struct hash_qp {
	struct ibv_qp *qp;
	unsigned flow;
	uint64_t fields;
};

struct dq_flow_table {
	struct daqiri_port *port;
	const struct dq_conf *conf;
	struct daqiri_rxq *const *rxqs;
	struct dq_flow_input in;
	const struct dq_conf_flow **flows; /* of this port */
	struct dq_flow_plan plan;
	struct dq_rss_table *tables; /* of each flow, and of `unmatched`; unused: no table */
	struct hash_qp *qps;
	struct matcher *matchers;
	struct ibv_flow **rules; /* n_rules of the plan's are made */
	unsigned n_qps, n_matchers, n_rules;
};

/* ---- where a rule sends to ------------------------------------------------------------------- */

static const char *rule_where(const struct dq_flow_table *ft, const struct dq_rule *rule)
{
	return rule->flow < ft->in.n_flows ? ft->flows[rule->flow]->where : ft->in.port->where;
}

static unsigned rule_queues(const struct dq_flow_table *ft, const struct dq_rule *rule,
			    const unsigned **queues)
{
	if (rule->flow < ft->in.n_flows) {
		*queues = ft->flows[rule->flow]->queues;
		return ft->flows[rule->flow]->n_queues;
	}
	*queues = ft->in.port->queues;
	return ft->in.port->n_queues;
}

static int make_table(struct dq_flow_table *ft, const struct dq_rule *rule,
		      struct dq_rss_want *want)
{
	const unsigned *queues;
	unsigned n = rule_queues(ft, rule, &queues);
	struct ibv_wq **wqs;
	int ret;

	if (ft->tables[rule->flow].table)
		return 0;
	wqs = calloc(n, sizeof(struct ibv_wq *));
	if (!wqs)
		return dq_error(ENOMEM, "%s: out of memory", want->where);
	for (unsigned i = 0; i < n; i++)
		wqs[i] = ft->rxqs[queues[i]]->wq;
	want->wqs = wqs;
	want->n_wqs = n;
	ret = dq_rss_table_create(&ft->tables[rule->flow], want);
	free(wqs);
	return ret;
}

/* The QP for a rule: of its one queue, or a hash QP, which rules of one flow may share. */
static int find_target(struct dq_flow_table *ft, const struct dq_rule *rule, struct ibv_qp **out)
{
	struct dq_rss_want want = {.dev = ft->port->dev, .where = rule_where(ft, rule)};
	struct hash_qp *qp = &ft->qps[ft->n_qps];
	const unsigned *queues;
	int ret;

	rule_queues(ft, rule, &queues);
	if (!rule->hash_fields) {
		*out = ft->rxqs[queues[0]]->qp;
		return 0;
	}
	ret = make_table(ft, rule, &want);
	for (unsigned i = 0; !ret && i < ft->n_qps; i++) {
		if (ft->qps[i].flow == rule->flow && ft->qps[i].fields == rule->hash_fields) {
			*out = ft->qps[i].qp;
			return 0;
		}
	}
	if (!ret)
		ret = dq_rss_qp_create(&qp->qp, &ft->tables[rule->flow], rule->hash_fields, &want);
	if (ret)
		return ret;
	qp->flow = rule->flow;
	qp->fields = rule->hash_fields;
	ft->n_qps++;
	*out = qp->qp;
	return 0;
}

/* ---- matchers and rules ---------------------------------------------------------------------- */

/* mlx5dv wants a size and the bytes behind it. */
struct match_arg {
	size_t size;
	uint64_t bytes[DQ_MATCH_BYTES / sizeof(uint64_t)];
};

_Static_assert(offsetof(struct match_arg, bytes) ==
		       offsetof(struct mlx5dv_flow_match_parameters, match_buf),
	       "struct mlx5dv_flow_match_parameters");

static struct mlx5dv_flow_match_parameters *match_arg(struct match_arg *arg, const uint8_t *bytes)
{
	arg->size = sizeof(arg->bytes);
	memcpy(arg->bytes, bytes, sizeof(arg->bytes));
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
		return dq_error(err,
				"%s: a rule with this match and another flow id, of another program, "
				"exists already: end that program, or change the match or the tag",
				where);
	return dq_error(err, "%s: %s refused: %s", where, what, strerror(err));
}

static int find_matcher(struct dq_flow_table *ft, const struct dq_rule *rule,
			struct mlx5dv_flow_matcher **out)
{
	struct matcher *m = &ft->matchers[ft->n_matchers];
	struct match_arg arg;
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = (uint16_t)rule->priority,
		.match_criteria_enable = dq_match_is_any(&rule->match) ? 0 : CRITERIA_OUTER,
		.match_mask = match_arg(&arg, rule->match.mask),
	};

	for (unsigned i = 0; i < ft->n_matchers; i++) {
		if (ft->matchers[i].priority == rule->priority &&
		    dq_match_same_mask(&ft->matchers[i].match, &rule->match)) {
			*out = ft->matchers[i].matcher;
			return 0;
		}
	}
	errno = 0;
	m->matcher = mlx5dv_create_flow_matcher(ft->port->dev->ctx, &attr);
	if (!m->matcher)
		return explain(rule_where(ft, rule), "its flow matcher", errno ? errno : EIO);
	m->priority = rule->priority;
	m->match = rule->match;
	ft->n_matchers++;
	*out = m->matcher;
	return 0;
}

/* `unmatched = drop` is a rule without a queue; that of `unmatched = queue` has no flow id. */
static int fill_actions(struct dq_flow_table *ft, const struct dq_rule *rule,
			struct mlx5dv_flow_action_attr actions[2])
{
	const unsigned *queues;
	int ret;

	if (!rule_queues(ft, rule, &queues)) {
		actions[0].type = MLX5DV_FLOW_ACTION_DROP;
		return 1;
	}
	actions[0].type = MLX5DV_FLOW_ACTION_DEST_IBV_QP;
	ret = find_target(ft, rule, &actions[0].qp);
	if (ret)
		return ret;
	if (rule->flow == ft->in.n_flows)
		return 1;
	actions[1].type = MLX5DV_FLOW_ACTION_TAG;
	actions[1].tag_value = ft->flows[rule->flow]->tag;
	return 2;
}

static int add_rule(struct dq_flow_table *ft, const struct dq_rule *rule)
{
	struct mlx5dv_flow_action_attr actions[2] = {0};
	struct mlx5dv_flow_matcher *matcher = NULL;
	int n = fill_actions(ft, rule, actions), ret;
	struct match_arg arg;
	struct ibv_flow *flow;

	if (n < 0)
		return n;
	ret = find_matcher(ft, rule, &matcher);
	if (ret)
		return ret;
	errno = 0;
	flow = mlx5dv_create_flow(matcher, match_arg(&arg, rule->match.value), (size_t)n, actions);
	if (!flow)
		return explain(rule_where(ft, rule), "its flow rule", errno ? errno : EIO);
	ft->rules[ft->n_rules++] = flow;
	dq_log(ft->port->dev->log, DAQIRI_LOG_DEBUG, "%s: rule at priority %d, hash fields 0x%llx",
	       rule_where(ft, rule), rule->priority, (unsigned long long)rule->hash_fields);
	return 0;
}

/* ---- make and destroy ------------------------------------------------------------------------ */

static int collect_flows(struct dq_flow_table *ft, unsigned port)
{
	ft->flows = calloc(ft->conf->n_flows + 1, sizeof(struct dq_conf_flow *));
	if (!ft->flows)
		return dq_error(ENOMEM, "%s: out of memory", ft->port->conf->where);
	ft->in.flows = ft->flows;
	ft->in.port = ft->port->conf;
	ft->in.rx_hash_fields = ft->port->dev->caps.rx_hash_fields;
	for (unsigned i = 0; i < ft->conf->n_flows; i++)
		if (ft->conf->flows[i].port == port)
			ft->flows[ft->in.n_flows++] = &ft->conf->flows[i];
	return dq_flow_plan_make(&ft->plan, &ft->in);
}

static int make_rules(struct dq_flow_table *ft)
{
	unsigned n = ft->plan.n_rules + 1;
	int ret = 0;

	ft->tables = calloc(ft->in.n_flows + 1, sizeof(*ft->tables));
	ft->qps = calloc(n, sizeof(*ft->qps));
	ft->matchers = calloc(n, sizeof(*ft->matchers));
	ft->rules = calloc(n, sizeof(struct ibv_flow *));
	if (!ft->tables || !ft->qps || !ft->matchers || !ft->rules)
		return dq_error(ENOMEM, "%s: out of memory", ft->port->conf->where);
	for (unsigned i = 0; !ret && i < ft->plan.n_rules; i++)
		ret = add_rule(ft, &ft->plan.rules[i]);
	return ret;
}

int dq_flow_table_create(struct daqiri_port *port, const struct dq_conf *conf, unsigned index,
			 struct daqiri_rxq *const *rxqs)
{
	struct dq_flow_table *ft = calloc(1, sizeof(*ft));
	int ret;

	if (!ft)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	*ft = (struct dq_flow_table){.port = port, .conf = conf, .rxqs = rxqs};
	port->flows = ft;
	ret = collect_flows(ft, index);
	if (!ret)
		ret = make_rules(ft);
	if (ret)
		dq_flow_table_destroy(port);
	return ret;
}

void dq_flow_table_destroy(struct daqiri_port *port)
{
	struct dq_flow_table *ft = port->flows;
	struct dq_device *dev = port->dev;

	if (!ft)
		return;
	while (ft->n_rules)
		dq_device_destroyed(dev, "a flow rule", ibv_destroy_flow(ft->rules[--ft->n_rules]));
	while (ft->n_matchers)
		dq_device_destroyed(
			dev, "a flow matcher",
			mlx5dv_destroy_flow_matcher(ft->matchers[--ft->n_matchers].matcher));
	while (ft->n_qps)
		dq_device_destroyed(dev, "a hash QP", ibv_destroy_qp(ft->qps[--ft->n_qps].qp));
	for (unsigned i = 0; ft->tables && i <= ft->in.n_flows; i++)
		dq_rss_table_destroy(&ft->tables[i], dev);
	dq_flow_plan_free(&ft->plan);
	free(ft->rules);
	free(ft->matchers);
	free(ft->qps);
	free(ft->tables);
	free(ft->flows);
	free(ft);
	port->flows = NULL;
}

static bool sends_to(const struct dq_flow_table *ft, const unsigned *queues, unsigned n,
		     const struct daqiri_rxq *q)
{
	for (unsigned i = 0; i < n; i++)
		if (ft->rxqs[queues[i]] == q)
			return true;
	return false;
}

void dq_flow_each_user(const struct daqiri_port *port, const struct daqiri_rxq *q,
		       void (*fn)(void *arg, const char *where), void *arg)
{
	const struct dq_flow_table *ft = port->flows;

	for (unsigned i = 0; ft && i < ft->in.n_flows; i++)
		if (sends_to(ft, ft->flows[i]->queues, ft->flows[i]->n_queues, q))
			fn(arg, ft->flows[i]->where);
	if (ft && sends_to(ft, port->conf->queues, port->conf->n_queues, q))
		fn(arg, port->conf->where);
}

/* ---- public ---------------------------------------------------------------------------------- */

int daqiri_flow_id(const struct daqiri_port *port, const char *name, uint32_t *id)
{
	const struct dq_flow_table *ft = port ? port->flows : NULL;

	if (!port || !name || !id)
		return dq_error(EINVAL, "daqiri_flow_id: NULL argument");
	for (unsigned i = 0; ft && i < ft->in.n_flows; i++) {
		if (!strcmp(ft->flows[i]->name, name)) {
			*id = ft->flows[i]->tag;
			return 0;
		}
	}
	return dq_error(ENOENT, "%s: no flow named %s", port->conf->where, name);
}
