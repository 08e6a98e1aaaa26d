/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that come and go while queues are polled. */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_table.h"

enum { TAG_MAX = 0xfffffe };

/* ---- add ------------------------------------------------------------------------------------- */

static struct dq_flow *find_tag(const struct dq_flow_table *table, uint32_t tag)
{
	struct dq_link *link = dq_hash_first(&table->by_tag, tag);

	return link ? DQ_HASH_ENTRY(link, struct dq_flow, by_tag) : NULL;
}

/* One that no flow has, and that none had for as long as possible: its packets may be on their way.
 */
static int choose_tag(struct dq_flow_table *table, struct dq_conf_flow *conf)
{
	if (table->n_flows >= TAG_MAX)
		return dq_error(ENOSPC, "%s: no flow id is free", conf->where);
	do
		table->last_tag = table->last_tag % TAG_MAX + 1;
	while (find_tag(table, table->last_tag));
	conf->tag = table->last_tag;
	return 0;
}

static int check_unique(const struct dq_flow_table *table, const struct dq_conf_flow *conf)
{
	const struct dq_flow *other = dq_flow_find(table, conf->name);

	if (other)
		return dq_error(EINVAL, "%s: there is a flow of this name already: %s", conf->where,
				other->conf->where);
	other = conf->tag ? find_tag(table, conf->tag) : NULL;
	if (other)
		return dq_error(EINVAL, "%s tag=%u: the tag of %s too", conf->where, conf->tag,
				other->conf->where);
	return 0;
}

/* A flow to be added, until it is one. */
struct text_flow {
	struct dq_conf *conf; /* NULL: none yet, or the flow's by now */
	struct dq_flow *flow; /* in the table; NULL: not yet */
};

/*
 * Those that name a tag come first, so that no other one gets it; in rank all are as they were
 * given.
 */
static int create(struct dq_flow_table *table, struct text_flow *texts, unsigned n, bool named)
{
	uint64_t first = table->next_seq;
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++) {
		struct dq_conf *conf = texts[i].conf;

		if (!conf || (conf->flows[0].tag != 0) != named)
			continue;
		ret = check_unique(table, &conf->flows[0]);
		if (!ret && !named)
			ret = choose_tag(table, &conf->flows[0]);
		if (ret)
			break;
		texts[i].conf = NULL;
		table->next_seq = first + i;
		ret = dq_flow_create(&texts[i].flow, table, &conf->flows[0], conf);
		if (ret)
			break;
		dq_flow_enter(table, texts[i].flow);
		/* Those that are chosen later go on from here. */
		if (texts[i].flow->conf->tag > table->last_tag)
			table->last_tag = texts[i].flow->conf->tag;
	}
	table->next_seq = first;
	return ret;
}

/* The first n flows of a list, which are in the table and not in the device, go again. */
static void forget(struct dq_flow_table *table, struct dq_flow **flows, unsigned n)
{
	while (n--) {
		dq_flow_leave(table, flows[n]);
		dq_flow_destroy(flows[n]);
	}
}

static int read_all(struct text_flow *out, struct dq_flow_table *table,
		    const struct daqiri_flow_text *texts, unsigned n)
{
	struct dq_flow_context context;
	int ret = dq_flow_context_make(&context, table->port);

	for (unsigned i = 0; !ret && i < n; i++)
		ret = dq_flow_from_text(&out[i].conf, &context, &texts[i]);
	dq_flow_context_free(&context);
	return ret;
}

/* texts: n, not read yet. */
static int add_all(struct dq_flow_table *table, const struct daqiri_flow_text *texts, unsigned n,
		   struct text_flow *made)
{
	struct dq_flow **flows = calloc(n + 1, sizeof(struct dq_flow *));
	unsigned k = 0;
	int ret = flows ? read_all(made, table, texts, n)
			: dq_error(ENOMEM, "%s: out of memory", table->port->conf->where);

	if (!ret)
		ret = dq_flows_reserve(table, n);
	if (!ret)
		ret = create(table, made, n, true);
	if (!ret)
		ret = create(table, made, n, false);
	table->next_seq += n;
	for (unsigned i = 0; flows && i < n; i++) {
		dq_conf_free(made[i].conf);
		if (made[i].flow)
			flows[k++] = made[i].flow;
	}
	if (!ret)
		ret = dq_flows_apply(table, flows, k);
	if (ret)
		forget(table, flows, k);
	free(flows);
	return ret;
}

int daqiri_flow_add_batch(struct daqiri_port *port, const struct daqiri_flow_text *flows, int n)
{
	struct text_flow *made;
	int ret;

	if (!port || n < 0 || (n && !flows))
		return dq_error(EINVAL, "daqiri_flow_add_batch: NULL or negative argument");
	for (int i = 0; i < n; i++)
		if (!flows[i].name || !flows[i].keys)
			return dq_error(EINVAL, "daqiri_flow_add_batch: flow %d has no %s", i,
					flows[i].name ? "keys" : "name");
	made = calloc((size_t)n + 1, sizeof(*made));
	if (!made)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	pthread_mutex_lock(port->lock);
	ret = add_all(port->flows, flows, (unsigned)n, made);
	pthread_mutex_unlock(port->lock);
	free(made);
	return ret;
}

int daqiri_flow_add(struct daqiri_port *port, const char *name, const char *keys)
{
	const struct daqiri_flow_text text = {.name = name, .keys = keys};

	if (!port || !name || !keys)
		return dq_error(EINVAL, "daqiri_flow_add: NULL argument");
	return daqiri_flow_add_batch(port, &text, 1);
}

/* ---- remove ---------------------------------------------------------------------------------- */

/* The flows of n names, in the order of the names. */
static int find_all(struct dq_flow_table *table, const char *const *names, unsigned n,
		    struct dq_flow **flows)
{
	for (unsigned i = 0; i < n; i++) {
		struct dq_flow *flow = dq_flow_find(table, names[i]);

		if (!flow)
			return dq_error(ENOENT, "%s: no flow named %s", table->port->conf->where,
					names[i]);
		if (flow->leaving)
			return dq_error(EINVAL, "%s: is named twice", flow->conf->where);
		flow->leaving = true;
		flows[i] = flow;
	}
	return 0;
}

static int remove_all(struct dq_flow_table *table, const char *const *names, unsigned n,
		      struct dq_flow **flows)
{
	int ret = find_all(table, names, n, flows);

	for (unsigned i = 0; ret && i < n && flows[i]; i++)
		flows[i]->leaving = false;
	if (ret)
		return ret;
	dq_flows_withdraw(table, flows, n);
	forget(table, flows, n);
	return 0;
}

int daqiri_flow_remove_batch(struct daqiri_port *port, const char *const *names, int n)
{
	struct dq_flow **flows;
	int ret;

	if (!port || n < 0 || (n && !names))
		return dq_error(EINVAL, "daqiri_flow_remove_batch: NULL or negative argument");
	for (int i = 0; i < n; i++)
		if (!names[i])
			return dq_error(EINVAL, "daqiri_flow_remove_batch: name %d is NULL", i);
	flows = calloc((size_t)n + 1, sizeof(struct dq_flow *));
	if (!flows)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	pthread_mutex_lock(port->lock);
	ret = remove_all(port->flows, names, (unsigned)n, flows);
	pthread_mutex_unlock(port->lock);
	free(flows);
	return ret;
}

int daqiri_flow_remove(struct daqiri_port *port, const char *name)
{
	if (!port || !name)
		return dq_error(EINVAL, "daqiri_flow_remove: NULL argument");
	return daqiri_flow_remove_batch(port, &name, 1);
}
