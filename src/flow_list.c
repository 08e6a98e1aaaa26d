/* SPDX-License-Identifier: Apache-2.0 */
/* The flows of a port, told one by one: from a copy, so that who is told may change them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flow_table.h"
#include "txq.h"

/* One block: the infos, then the ids of all their queues, then all their names. */
struct copy {
	struct daqiri_flow_info *info;
	uint32_t *ids;
	char *text;
};

static unsigned queues_of(const struct dq_flow *flow)
{
	return flow->conf->n_senders ? flow->conf->n_senders : flow->conf->n_queues;
}

/* info is NULL where there is no memory. */
static struct copy copy_new(const struct dq_flow_table *table)
{
	size_t n_ids = 0, n_text = 0, n = table->n_flows;
	struct copy copy = {0};

	for (unsigned i = 0; i < table->n_flows; i++) {
		n_ids += queues_of(table->flows[i]);
		n_text += strlen(table->flows[i]->conf->name) + 1;
	}
	copy.info = calloc(1, n * sizeof(*copy.info) + n_ids * sizeof(*copy.ids) + n_text + 1);
	if (copy.info) {
		copy.ids = (uint32_t *)(void *)(copy.info + n);
		copy.text = (char *)(copy.ids + n_ids);
	}
	return copy;
}

static void put_queues(struct copy *copy, struct daqiri_flow_info *info, const struct dq_flow *flow)
{
	bool sent = flow->conf->n_senders;

	info->n_queues = queues_of(flow);
	info->queues = copy->ids;
	for (unsigned i = 0; i < info->n_queues; i++)
		*copy->ids++ = sent ? flow->senders[i]->conf->id : flow->target.queues[i]->conf->id;
}

static void put(struct copy *copy, struct daqiri_flow_info *info, const struct dq_flow *flow)
{
	size_t len = strlen(flow->conf->name) + 1;

	info->size = sizeof(*info);
	info->name = memcpy(copy->text, flow->conf->name, len);
	copy->text += len;
	info->id = flow->tag;
	info->n_rules = flow->n_rules;
	info->priority = flow->rules[0].placed.was;
	for (unsigned i = 1; i < flow->n_rules; i++)
		if (flow->rules[i].placed.was < info->priority)
			info->priority = flow->rules[i].placed.was;
	info->drop = flow->conf->drop;
	info->count = flow->conf->count;
	info->encap = flow->conf->encap != NULL;
	put_queues(copy, info, flow);
}

/* To be freed; n: how many. */
static struct daqiri_flow_info *take(const struct dq_flow_table *table, unsigned *n)
{
	struct copy copy = copy_new(table);

	for (*n = 0; copy.info && *n < table->n_flows; ++*n)
		put(&copy, &copy.info[*n], table->flows[*n]);
	return copy.info;
}

int daqiri_flow_each(const struct daqiri_port *port,
		     int (*fn)(void *arg, const struct daqiri_flow_info *info), void *arg)
{
	struct daqiri_flow_info *info;
	int ret = 0;
	unsigned n;

	if (!port || !fn)
		return dq_error(EINVAL, "daqiri_flow_each: NULL argument");
	pthread_mutex_lock(port->lock);
	info = take(port->flows, &n);
	pthread_mutex_unlock(port->lock);
	if (!info)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	for (unsigned i = 0; !ret && i < n; i++)
		ret = fn(arg, &info[i]);
	free(info);
	return ret;
}
