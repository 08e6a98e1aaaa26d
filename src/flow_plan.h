/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a flow to the rules of a port's steering table, and which of them come before others of them.
 * Pure functions, without a device.
 */
#ifndef DQ_FLOW_PLAN_H
#define DQ_FLOW_PLAN_H

#include <stdint.h>

#include "config_model.h"
#include "flow_match.h"

enum {
	/* MLX5_IB_FLOW_LAST_PRIO, 15, less the first one, which daqiri_port_drop_all() keeps. */
	DQ_PRIORITY_LAST = 14,
	/* mlx5_ib: MLX5_FS_MAX_TYPES, groups of a priority, one mask each, */
	DQ_LARGE_GROUPS = 6,
	/* and their rules (MLX5_FS_MAX_ENTRIES); what follows has one rule each */
	DQ_GROUP_RULES = 9362,
};

struct dq_rule {
	struct dq_match_buf match;
	uint64_t hash_fields; /* enum ibv_rx_hash_fields; 0: to the first queue */
	unsigned level;	      /* two rules that one packet may match never share one; lower wins */
};

struct dq_flow_plan {
	struct dq_rule *rules;
	unsigned n_rules, max_rules;
	unsigned levels; /* that the rules have: 0..levels-1 */
};

/*
 * rx_hash_fields: that the device has. -EINVAL: ranges that take too many rules, or nothing to spread
 * by; the detail names the flow. Free with dq_flow_plan_free().
 */
int dq_flow_plan_make(struct dq_flow_plan *plan, const struct dq_conf_flow *flow,
		      uint64_t rx_hash_fields);
void dq_flow_plan_free(struct dq_flow_plan *plan);

#endif
