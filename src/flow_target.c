/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_target.h"

/* Rules of one flow that hash the same fields share one. */
struct dq_hash_qp {
	struct ibv_qp *qp;
	uint64_t fields;
};

int dq_flow_target_init(struct dq_flow_target *target, struct daqiri_rxq *const *rxqs)
{
	const struct dq_conf_flow *flow = target->flow;

	if (!flow->n_queues)
		return 0;
	target->queues = calloc(flow->n_queues, sizeof(struct daqiri_rxq *));
	if (!target->queues)
		return dq_error(ENOMEM, "%s: out of memory", flow->where);
	for (unsigned i = 0; i < flow->n_queues; i++)
		target->queues[i] = rxqs[flow->queues[i]];
	return 0;
}

static int make_table(struct dq_flow_target *target, struct dq_rss_want *want)
{
	const struct dq_conf_flow *flow = target->flow;
	struct ibv_wq **wqs;
	int ret;

	if (target->table.table)
		return 0;
	wqs = calloc(flow->n_queues, sizeof(struct ibv_wq *));
	if (!wqs)
		return dq_error(ENOMEM, "%s: out of memory", want->where);
	for (unsigned i = 0; i < flow->n_queues; i++)
		wqs[i] = target->queues[i]->wq;
	want->wqs = wqs;
	want->n_wqs = flow->n_queues;
	ret = dq_rss_table_create(&target->table, want);
	free(wqs);
	return ret;
}

static int add_qp(struct dq_flow_target *target, uint64_t hash_fields)
{
	const struct dq_conf_rss *rss = &target->flow->rss;
	struct dq_rss_want want = {.dev = target->port->dev,
				   .where = target->flow->where,
				   .loopback = target->port->conf->loopback,
				   .key = rss->has_key ? rss->key : NULL};
	struct dq_hash_qp *qps = realloc(target->qps, (target->n_qps + 1) * sizeof(*qps));
	int ret;

	if (!qps)
		return dq_error(ENOMEM, "%s: out of memory", want.where);
	target->qps = qps;
	qps[target->n_qps].fields = hash_fields;
	ret = make_table(target, &want);
	if (!ret)
		ret = dq_rss_qp_create(&qps[target->n_qps].qp, &target->table, hash_fields, &want);
	if (!ret)
		target->n_qps++;
	return ret;
}

int dq_flow_target_find(struct dq_flow_target *target, uint64_t hash_fields, struct ibv_qp **out)
{
	unsigned i = 0;
	int ret;

	if (!hash_fields) {
		*out = target->queues[0]->qp;
		return 0;
	}
	while (i < target->n_qps && target->qps[i].fields != hash_fields)
		i++;
	ret = i < target->n_qps ? 0 : add_qp(target, hash_fields);
	if (!ret)
		*out = target->qps[i].qp;
	return ret;
}

void dq_flow_target_destroy(struct dq_flow_target *target)
{
	struct dq_device *dev = target->port->dev;

	while (target->n_qps)
		dq_device_destroyed(dev, "a hash QP",
				    ibv_destroy_qp(target->qps[--target->n_qps].qp));
	dq_rss_table_destroy(&target->table, dev);
	free(target->qps);
	free(target->queues);
	target->qps = NULL;
	target->queues = NULL;
}
