/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of verbs (ibv_create_flow()), for the sake of their counters where the context has no DevX.
 * mlx5_ib has one table for a priority, whoever makes its rules (ib_prio_to_core_prio()), so that
 * they stand in one order with the others.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "flow_specs.h"
#include "flow_table.h"

/* ---- where dropped frames go ----------------------------------------------------------------- */

/* A rule of verbs is one of a QP, also where it drops; this one never receives. */
static int make_sink(struct dq_flow_table *table, const char *where)
{
	const struct dq_device *dev = table->port->dev;
	struct dq_verbs_sink *sink = &table->sink;
	struct ibv_qp_init_attr attr = {.qp_type = IBV_QPT_RAW_PACKET,
					.cap = {.max_recv_wr = 1, .max_recv_sge = 1}};
	int err;

	errno = 0;
	sink->cq = ibv_create_cq(dev->ctx, 1, NULL, NULL, 0);
	attr.send_cq = attr.recv_cq = sink->cq;
	if (sink->cq)
		sink->qp = ibv_create_qp(dev->pd, &attr);
	if (sink->qp)
		return 0;
	err = errno ? errno : EIO;
	dq_verbs_sink_destroy(table);
	return dq_error(err, "%s: no queue pair for its rules, which drop: %s", where,
			strerror(err));
}

void dq_verbs_sink_destroy(struct dq_flow_table *table)
{
	struct dq_verbs_sink *sink = &table->sink;

	if (sink->qp)
		dq_device_destroyed(table->port->dev, "a queue pair of flows that drop",
				    ibv_destroy_qp(sink->qp));
	if (sink->cq)
		dq_device_destroyed(table->port->dev, "a completion queue of flows that drop",
				    ibv_destroy_cq(sink->cq));
	*sink = (struct dq_verbs_sink){0};
}

/* ---- rules ----------------------------------------------------------------------------------- */

static int find_qp(struct dq_flow_table *table, struct dq_flow_rule *rule, struct ibv_qp **out)
{
	int ret = 0;

	if (!rule->flow->conf->drop)
		return dq_flow_target_find(&rule->flow->target, rule->hash_fields, out);
	if (!table->sink.qp)
		ret = make_sink(table, rule->flow->conf->where);
	*out = table->sink.qp;
	return ret;
}

static void add_actions(struct dq_flow_specs *specs, const struct dq_flow *flow)
{
	struct ibv_flow_spec_action_drop drop = {.type = IBV_FLOW_SPEC_ACTION_DROP,
						 .size = sizeof(drop)};
	struct ibv_flow_spec_action_tag tag = {
		.type = IBV_FLOW_SPEC_ACTION_TAG, .size = sizeof(tag), .tag_id = flow->tag};
	struct ibv_flow_spec_action_handle decap = {.type = IBV_FLOW_SPEC_ACTION_HANDLE,
						    .size = sizeof(decap),
						    .action = flow->reformat};
	struct ibv_flow_spec_counter_action count = {.type = IBV_FLOW_SPEC_ACTION_COUNT,
						     .size = sizeof(count),
						     .counters = flow->counter.verbs};

	if (flow->conf->drop)
		dq_flow_specs_add(specs, &drop, sizeof(drop));
	else if (flow->tag)
		dq_flow_specs_add(specs, &tag, sizeof(tag));
	if (flow->reformat)
		dq_flow_specs_add(specs, &decap, sizeof(decap));
	dq_flow_specs_add(specs, &count, sizeof(count));
}

int dq_verbs_rule_make(struct dq_flow_table *table, struct dq_flow_rule *rule)
{
	struct dq_flow_specs specs;
	struct ibv_qp *qp;
	int ret = find_qp(table, rule, &qp);

	if (ret)
		return ret;
	/* dq_flow_create() has asked before: */
	(void)dq_flow_specs_make(&specs, &rule->placed.match);
	add_actions(&specs, rule->flow);
	specs.attr.priority = (uint16_t)(rule->placed.priority - DQ_PRIORITY_GATE);
	errno = 0;
	rule->next_ibv = ibv_create_flow(qp, &specs.attr);
	return rule->next_ibv
		       ? 0
		       : dq_rule_explain(&rule->placed, "its flow rule", errno ? errno : EIO);
}
