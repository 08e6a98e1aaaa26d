/* SPDX-License-Identifier: Apache-2.0 */
/* The receive rules of a port, in the device's root steering table. */
#ifndef DQ_FLOW_H
#define DQ_FLOW_H

#include <stdbool.h>

#include "config_model.h"
#include "port.h"
#include "rxq.h"

struct dq_flow_table;

/* The context's queues, by their index in the configuration. */
struct dq_flow_queues {
	struct daqiri_rxq *const *rxqs;
	struct daqiri_txq *const *txqs;
};

/*
 * Makes all rules of port number index of the configuration. The port's `flows` is set on success;
 * a failed rule fails it all.
 */
int dq_flow_table_create(struct daqiri_port *port, const struct dq_conf *conf, unsigned index,
			 const struct dq_flow_queues *queues);
void dq_flow_table_destroy(struct daqiri_port *port);

/* Calls fn with the section of each flow that sends packets to the queue. */
void dq_flow_each_user(const struct daqiri_port *port, const struct daqiri_rxq *q,
		       void (*fn)(void *arg, const char *where), void *arg);
/* Whether unmatched = queue names it. */
bool dq_flow_unmatched_goes_to(const struct daqiri_port *port, const struct daqiri_rxq *q);

/* The same of flows that take frames which the queue sends. */
void dq_flow_each_taker(const struct daqiri_port *port, const struct daqiri_txq *q,
			void (*fn)(void *arg, const char *where), void *arg);

#endif
