/* SPDX-License-Identifier: Apache-2.0 */
/* A flow of a port: what the configuration says of it, where it sends to, and its rules. */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_plan.h"
#include "flow_specs.h"
#include "flow_table.h"
#include "txq.h"

/* first: the priority of the flow's first level, where it has one. */
static void init_rule(struct dq_flow *flow, struct dq_flow_rule *out, const struct dq_rule *rule,
		      int first)
{
	bool given = flow->conf->priority != DQ_AUTO;

	*out = (struct dq_flow_rule){
		.flow = flow,
		.hash_fields = rule->hash_fields,
		.placed = {.match = rule->match,
			   .flow = flow->conf,
			   .bits = dq_match_bits(&flow->conf->match),
			   .seq = flow->seq,
			   .level = (int)rule->level,
			   .given = given,
			   .priority = given ? first + (int)rule->level : DQ_AUTO,
			   .was = DQ_AUTO}};
}

/* Of a flow of sent frames a rule for each queue. `unmatched` ends at its priority. */
static int take_rules(struct dq_flow *flow, const struct dq_flow_plan *plan)
{
	unsigned n_senders = flow->conf->n_senders, each = n_senders ? n_senders : 1;
	int first = flow->conf->priority;

	if (first == DQ_PRIORITY_LAST)
		first -= (int)plan->levels - 1;
	flow->rules = calloc((size_t)plan->n_rules * each + 1, sizeof(*flow->rules));
	if (!flow->rules)
		return dq_error(ENOMEM, "%s: out of memory", flow->conf->where);
	flow->n_rules = plan->n_rules * each;
	for (unsigned i = 0; i < flow->n_rules; i++) {
		init_rule(flow, &flow->rules[i], &plan->rules[i / each], first);
		if (n_senders)
			dq_match_put_sender(&flow->rules[i].placed.match,
					    flow->senders[i % each]->qpn);
	}
	return 0;
}

static int fill(struct dq_flow *flow, struct dq_flow_table *table)
{
	struct dq_flow_plan plan;
	int ret = dq_flow_plan_make(&plan, flow->conf, table->port->dev->caps.rx_hash_fields);

	if (ret)
		return ret;
	ret = take_rules(flow, &plan);
	dq_flow_plan_free(&plan);
	return ret;
}

/* Has the NIC's parser read what the rules match by. */
static int take_words(struct dq_flow *flow, struct dq_flow_table *table)
{
	unsigned words = 0;
	int ret;

	for (unsigned i = 0; i < flow->n_rules; i++)
		words |= dq_match_words(&flow->rules[i].placed.match);
	ret = dq_parser_get(&table->parser, table->port->dev, words, flow->conf->where);
	if (!ret)
		flow->words = words;
	return ret;
}

/* txqs: what the flow's queues are indices into. */
static int find_senders(struct dq_flow *flow, struct daqiri_txq *const *txqs)
{
	const struct dq_conf_flow *conf = flow->conf;

	if (!conf->n_senders)
		return 0;
	flow->senders = calloc(conf->n_senders, sizeof(struct daqiri_txq *));
	if (!flow->senders)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	for (unsigned i = 0; i < conf->n_senders; i++)
		flow->senders[i] = txqs[conf->senders[i]];
	return 0;
}

static int make_reformat(struct dq_flow *flow, struct dq_device *dev)
{
	const struct dq_conf_flow *conf = flow->conf;

	if (conf->decap)
		return dq_flow_decap_create(&flow->reformat, dev, conf->decap, conf->where);
	if (conf->encap)
		return dq_flow_encap_create(&flow->reformat, dev, conf->encap, conf->where);
	return 0;
}

/* Verbs' counters go with rules of verbs: before one is made all must be such as verbs can say. */
static int make_counter(struct dq_flow *flow, struct dq_device *dev)
{
	const char *where = flow->conf->where, *unsaid = NULL;
	struct dq_flow_specs specs;
	int ret = dq_flow_counter_create(&flow->counter, dev, where);

	if (ret || !flow->counter.verbs)
		return ret;
	for (unsigned i = 0; !unsaid && i < flow->n_rules; i++) {
		flow->rules[i].placed.by_verbs = true;
		unsaid = dq_flow_specs_make(&specs, &flow->rules[i].placed.match);
	}
	if (!unsaid)
		return 0;
	return dq_error(EOPNOTSUPP,
			"%s count=on: %s has counters of verbs only, without DevX, which its "
			"context was not granted, and rules of verbs cannot say %s: leave count "
			"out, or run with the right to DevX",
			where, dev->info.rdma, unsaid);
}

static struct dq_flow *allocate(struct dq_flow_table *table, const struct dq_conf_flow *conf)
{
	struct dq_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->conf = conf;
	flow->tag = conf->tag;
	flow->seq = table->next_seq++;
	flow->target = (struct dq_flow_target){.port = table->port, .flow = conf};
	return flow;
}

int dq_flow_create(struct dq_flow **out, struct dq_flow_table *table,
		   const struct dq_conf_flow *conf, struct dq_conf *owner)
{
	struct dq_flow *flow = allocate(table, conf);
	int ret;

	if (!flow) {
		ret = dq_error(ENOMEM, "%s: out of memory", conf->where);
		dq_conf_free(owner);
		return ret;
	}
	flow->owner = owner;
	ret = dq_flow_target_init(&flow->target, owner ? table->port->rxqs : table->rxqs);
	if (!ret)
		ret = find_senders(flow, owner ? table->port->txqs : table->txqs);
	if (!ret)
		ret = fill(flow, table);
	if (!ret)
		ret = take_words(flow, table);
	if (!ret)
		ret = make_reformat(flow, table->port->dev);
	if (!ret && conf->count)
		ret = make_counter(flow, table->port->dev);
	if (ret)
		dq_flow_destroy(flow);
	else
		*out = flow;
	return ret;
}

int dq_flow_create_unmatched(struct dq_flow_table *table)
{
	const struct dq_conf_port *port = table->port->conf;
	int ret;

	if (port->unmatched == DQ_UNMATCHED_KERNEL)
		return 0;
	table->unmatched_conf = (struct dq_conf_flow){.where = port->where,
						      .name = "",
						      .priority = DQ_PRIORITY_LAST,
						      .drop = !port->n_queues,
						      .queues = port->queues,
						      .n_queues = port->n_queues,
						      .rss.fields = DQ_RSS_ALL};
	table->unmatched = allocate(table, &table->unmatched_conf);
	if (!table->unmatched)
		return dq_error(ENOMEM, "%s: out of memory", port->where);
	ret = dq_flow_target_init(&table->unmatched->target, table->rxqs);
	if (!ret)
		ret = fill(table->unmatched, table);
	for (unsigned i = 0; !ret && i < table->unmatched->n_rules; i++)
		if (table->unmatched->rules[i].placed.priority <= table->order.last)
			table->order.last = table->unmatched->rules[i].placed.priority - 1;
	return ret;
}

void dq_flow_destroy(struct dq_flow *flow)
{
	if (!flow)
		return;
	dq_parser_put(&flow->target.port->flows->parser, flow->target.port->dev, flow->words);
	dq_flow_target_destroy(&flow->target);
	dq_flow_reformat_destroy(flow->reformat, flow->target.port->dev);
	dq_flow_counter_destroy(&flow->counter, flow->target.port->dev);
	free(flow->rules);
	free(flow->senders);
	dq_conf_free(flow->owner);
	free(flow);
}
