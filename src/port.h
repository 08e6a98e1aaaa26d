/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Ethernet port of a device: what the configuration says of its network interface, and the
 * queues and flows that lie on it.
 */
#ifndef DQ_PORT_H
#define DQ_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "config_model.h"
#include "device.h"
#include "stats.h"

struct dq_flow_table;

/* How a setting of the network interface was found, to be put back. */
struct dq_restore {
	bool done;
	uint64_t before, set;
};

struct daqiri_port {
	const struct dq_conf_port *conf; /* the context's */
	struct dq_device *dev;		 /* the context's */
	struct daqiri_port_info info;	 /* what does not change, and the rest as it was at open */
	struct dq_restore mtu, flags;
	struct daqiri_rxq **rxqs; /* the context's, as are the queues; in file order */
	struct daqiri_txq **txqs;
	unsigned n_rxqs, n_txqs;
	struct dq_flow_table *flows; /* NULL until the flows are made */
	struct dq_stat_files hw, net;
};

/* Checks the port, makes it as the configuration says, and notes its counters. */
int dq_port_create(struct daqiri_port **out, const struct dq_conf_port *conf, struct dq_device *dev,
		   unsigned port_num);

/* Puts the network interface back as it was. */
void dq_port_destroy(struct daqiri_port *port);

/* The log threshold of the context that a port is of. */
#define DQ_PORT_LOG(port) ((port)->dev->log)

#endif
