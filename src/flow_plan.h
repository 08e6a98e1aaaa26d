/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the flows of a port to the rules of its steering table, with their priorities. Pure
 * functions, without a device.
 */
#ifndef DQ_FLOW_PLAN_H
#define DQ_FLOW_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "config_model.h"
#include "flow_match.h"

enum {
	/* MLX5_IB_FLOW_LAST_PRIO, 15, less the first one, which daqiri_port_drop_all() keeps. */
	DQ_PRIORITY_LAST = 14,
};

/* A rule. Two rules with different masks that one packet may match never share a priority. */
struct dq_rule {
	unsigned flow; /* index into the plan's input; n_flows: `unmatched` */
	struct dq_match_buf match;
	uint64_t hash_fields; /* enum ibv_rx_hash_fields; 0: to the first queue */
	int priority;	      /* DQ_AUTO until it is planned */
};

struct dq_flow_plan {
	struct dq_rule *rules;
	unsigned n_rules, max_rules;
};

/* What a plan is made from: flows of one port, in file order, and what to do with the rest. */
struct dq_flow_input {
	const struct dq_conf_flow *const *flows;
	unsigned n_flows;
	const struct dq_conf_port *port;
	uint64_t rx_hash_fields; /* that the device has */
};

/*
 * -EINVAL: two flows with the same match, or priorities that cannot be kept apart; the detail names
 * both. Free with dq_flow_plan_free().
 */
int dq_flow_plan_make(struct dq_flow_plan *plan, const struct dq_flow_input *in);
void dq_flow_plan_free(struct dq_flow_plan *plan);

#endif
