/* SPDX-License-Identifier: Apache-2.0 */
/* The flows of a port as a whole: made with the context, found by name, asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flow.h"
#include "flow_table.h"
#include "stats.h"

/* ---- the list -------------------------------------------------------------------------------- */

int dq_flows_reserve(struct dq_flow_table *table, unsigned n)
{
	unsigned capacity = table->capacity ? table->capacity : 4;
	struct dq_flow **flows;

	while (capacity - table->n_flows < n)
		capacity *= 2;
	flows = realloc(table->flows, capacity * sizeof(struct dq_flow *));
	if (!flows)
		return dq_error(ENOMEM, "%s: out of memory", table->port->conf->where);
	table->flows = flows;
	table->capacity = capacity;
	return 0;
}

void dq_flow_enter(struct dq_flow_table *table, struct dq_flow *flow)
{
	const char *name = flow->conf->name;

	flow->index = table->n_flows;
	table->flows[table->n_flows++] = flow;
	dq_hash_add(&table->by_name, &flow->by_name, dq_hash_bytes(name, strlen(name)));
	dq_hash_add(&table->by_tag, &flow->by_tag, flow->tag);
}

void dq_flow_leave(struct dq_flow_table *table, struct dq_flow *flow)
{
	struct dq_flow *last = table->flows[--table->n_flows];

	table->flows[flow->index] = last;
	last->index = flow->index;
	dq_hash_remove(&table->by_name, &flow->by_name);
	dq_hash_remove(&table->by_tag, &flow->by_tag);
}

struct dq_flow *dq_flow_find(const struct dq_flow_table *table, const char *name)
{
	uint64_t hash = dq_hash_bytes(name, strlen(name));

	for (struct dq_link *link = dq_hash_first(&table->by_name, hash); link;
	     link = dq_hash_next(link)) {
		struct dq_flow *flow = DQ_HASH_ENTRY(link, struct dq_flow, by_name);

		if (!strcmp(flow->conf->name, name))
			return flow;
	}
	return NULL;
}

/* ---- make and destroy ------------------------------------------------------------------------ */

static int create_flows(struct dq_flow_table *table, const struct dq_conf *conf, unsigned port)
{
	int ret = dq_flows_reserve(table, conf->n_flows);

	for (unsigned i = 0; !ret && i < conf->n_flows; i++) {
		struct dq_flow *flow;

		if (conf->flows[i].port != port)
			continue;
		/* Those that are chosen later go on from here. */
		if (conf->flows[i].tag > table->last_tag)
			table->last_tag = conf->flows[i].tag;
		ret = dq_flow_create(&flow, table, &conf->flows[i], NULL);
		if (!ret)
			dq_flow_enter(table, flow);
	}
	return ret;
}

/* All at once, so that those of narrow flows find priorities before those of wide ones. */
static int fill(struct dq_flow_table *table, const struct dq_conf *conf, unsigned port)
{
	int ret = dq_flow_create_unmatched(table);

	if (!ret && table->unmatched)
		ret = dq_flows_apply(table, &table->unmatched, 1);
	if (!ret)
		ret = create_flows(table, conf, port);
	return ret ? ret : dq_flows_apply(table, table->flows, table->n_flows);
}

int dq_flow_table_create(struct daqiri_port *port, const struct dq_conf *conf, unsigned index,
			 const struct dq_flow_queues *queues)
{
	struct dq_flow_table *table = calloc(1, sizeof(*table));
	int ret;

	if (!table)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	*table = (struct dq_flow_table){.port = port,
					.opened = conf,
					.index = index,
					.rxqs = queues->rxqs,
					.txqs = queues->txqs};
	dq_parser_init(&table->parser, conf, index);
	dq_order_init(&table->order, port->conf->where);
	dq_gate_init(table);
	port->flows = table;
	ret = fill(table, conf, index);
	if (ret)
		dq_flow_table_destroy(port);
	return ret;
}

void dq_flow_table_destroy(struct daqiri_port *port)
{
	struct dq_flow_table *table = port->flows;

	if (!table)
		return;
	dq_rule_destroy(table, &table->gate);
	dq_flows_withdraw(table, table->flows, table->n_flows);
	if (table->unmatched)
		dq_flows_withdraw(table, &table->unmatched, 1);
	for (unsigned i = 0; i < table->n_flows; i++)
		dq_flow_destroy(table->flows[i]);
	dq_flow_destroy(table->unmatched);
	dq_verbs_sink_destroy(table);
	dq_hash_free(&table->by_name);
	dq_hash_free(&table->by_tag);
	dq_order_free(&table->order);
	free(table->flows);
	free(table);
	port->flows = NULL;
}

static bool sends_to(const struct dq_flow *flow, const struct daqiri_rxq *q)
{
	for (unsigned i = 0; i < flow->conf->n_queues; i++)
		if (flow->target.queues[i] == q)
			return true;
	return false;
}

void dq_flow_each_user(const struct daqiri_port *port, const struct daqiri_rxq *q,
		       void (*fn)(void *arg, const char *where), void *arg)
{
	const struct dq_flow_table *table = port->flows;

	for (unsigned i = 0; i < table->n_flows; i++)
		if (sends_to(table->flows[i], q))
			fn(arg, table->flows[i]->conf->where);
}

bool dq_flow_unmatched_goes_to(const struct daqiri_port *port, const struct daqiri_rxq *q)
{
	const struct dq_flow_table *table = port->flows;

	return table->unmatched && sends_to(table->unmatched, q);
}

void dq_flow_each_taker(const struct daqiri_port *port, const struct daqiri_txq *q,
			void (*fn)(void *arg, const char *where), void *arg)
{
	const struct dq_flow_table *table = port->flows;

	for (unsigned i = 0; i < table->n_flows; i++) {
		const struct dq_flow *flow = table->flows[i];

		for (unsigned k = 0; k < flow->conf->n_senders; k++)
			if (flow->senders[k] == q)
				fn(arg, flow->conf->where);
	}
}

/* ---- public ---------------------------------------------------------------------------------- */

/* Locks the port's table and finds a flow in it; NULL, unlocked and with a detail: there is none.
 */
static struct dq_flow *lock_flow(const struct daqiri_port *port, const char *name)
{
	struct dq_flow_table *table = port->flows;
	struct dq_flow *flow;

	pthread_mutex_lock(port->lock);
	flow = dq_flow_find(table, name);
	if (flow)
		return flow;
	pthread_mutex_unlock(port->lock);
	dq_error(ENOENT, "%s: no flow named %s", port->conf->where, name);
	return NULL;
}

int daqiri_flow_id(const struct daqiri_port *port, const char *name, uint32_t *id)
{
	const struct dq_flow *flow;

	if (!port || !name || !id)
		return dq_error(EINVAL, "daqiri_flow_id: NULL argument");
	flow = lock_flow(port, name);
	if (!flow)
		return -ENOENT;
	*id = flow->tag;
	pthread_mutex_unlock(port->lock);
	return 0;
}

static int put_counts(const struct dq_flow *flow, struct dq_stat_list *list)
{
	struct dq_flow_count count;
	int ret;

	if (!dq_flow_counter_is_made(&flow->counter))
		return dq_error(EINVAL, "%s: has no counter: give it count = on",
				flow->conf->where);
	ret = dq_flow_counter_read(&flow->counter, &count);
	if (ret)
		return dq_error(-ret, "%s: its counter cannot be read: %s", flow->conf->where,
				strerror(-ret));
	dq_stat_put(list, "packets", count.packets);
	dq_stat_put(list, "bytes", count.bytes);
	return list->n;
}

int daqiri_flow_stats(const struct daqiri_port *port, const char *name, struct daqiri_stat *stats,
		      int max)
{
	struct dq_stat_list list = {.stats = stats, .max = stats ? max : 0};
	const struct dq_flow *flow;
	int ret;

	if (!port || !name || max < 0 || (max && !stats))
		return dq_error(EINVAL, "daqiri_flow_stats: NULL or negative argument");
	flow = lock_flow(port, name);
	if (!flow)
		return -ENOENT;
	ret = put_counts(flow, &list);
	pthread_mutex_unlock(port->lock);
	return ret;
}
