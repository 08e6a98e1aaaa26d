/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rules of one flow send packets to: a queue's QP, or hash QPs over a table of queues. */
#ifndef DQ_FLOW_TARGET_H
#define DQ_FLOW_TARGET_H

#include "config_model.h"
#include "port.h"
#include "rss.h"
#include "rxq.h"

struct dq_hash_qp;

struct dq_flow_target {
	const struct daqiri_port *port;
	const struct dq_conf_flow *flow;
	struct daqiri_rxq **queues; /* the flow's; NULL: it has none */
	struct dq_rss_table table;  /* made with the first hash QP */
	struct dq_hash_qp *qps;
	unsigned n_qps;
};

/* rxqs: what the flow's queues are indices into. */
int dq_flow_target_init(struct dq_flow_target *target, struct daqiri_rxq *const *rxqs);

/* The QP for rules of these hash fields, as in struct dq_rule; 0: that of the first queue. */
int dq_flow_target_find(struct dq_flow_target *target, uint64_t hash_fields, struct ibv_qp **out);

/* The rules must be gone. */
void dq_flow_target_destroy(struct dq_flow_target *target);

#endif
