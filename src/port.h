/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Ethernet port of a device: what the configuration says of its network interface, and the
 * queues and flows that lie on it.
 */
#ifndef DQ_PORT_H
#define DQ_PORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bell.h"
#include "config_model.h"
#include "device.h"
#include "ethtool.h"
#include "stats.h"

struct dq_flow_table;
struct daqiri_rxq;
struct daqiri_txq;

enum { DQ_PORT_SUMS = 16 };

/* How a setting of the network interface was found, to be put back. */
struct dq_restore {
	bool done;
	uint64_t before, set;
};

struct daqiri_port {
	const struct dq_conf_port *conf; /* the context's */
	struct dq_device *dev;		 /* the context's */
	struct daqiri_port_info info;	 /* what does not change, and the rest as it was at open */
	bool link_told;			 /* up, as daqiri_event_get() told last, or at open */
	struct dq_restore mtu, flags;
	pthread_mutex_t *lock;	  /* the context's: guards the lists of queues, and what was counted */
	struct dq_bell *bell;	  /* the context's */
	struct daqiri_rxq **rxqs; /* the context's, in the order in which they were made */
	struct daqiri_txq **txqs;
	unsigned n_rxqs, n_txqs;
	uint64_t rx_gone[DQ_PORT_SUMS]; /* what queues counted that are not there any more */
	uint64_t tx_gone[DQ_PORT_SUMS];
	struct dq_flow_table *flows; /* NULL until the flows are made */
	struct dq_stat_files hw, net;
	struct dq_ethtool *ethtool; /* NULL: no counters */
};

/* Checks the port, makes it as the configuration says, and notes its counters. */
int dq_port_create(struct daqiri_port **out, const struct dq_conf_port *conf, struct dq_device *dev,
		   unsigned port_num);

/* Puts the network interface back as it was. */
void dq_port_destroy(struct daqiri_port *port);

/*
 * The port's lists of queues, which daqiri_rxq_get() and daqiri_port_stats() go by; the context's lock
 * is held. Removing one that is not there does nothing.
 */
int dq_port_add_rxq(struct daqiri_port *port, struct daqiri_rxq *q);
int dq_port_add_txq(struct daqiri_port *port, struct daqiri_txq *q);
void dq_port_remove_rxq(struct daqiri_port *port, struct daqiri_rxq *q);
void dq_port_remove_txq(struct daqiri_port *port, struct daqiri_txq *q);

/* The queue with that number; NULL: none. */
struct daqiri_rxq *dq_port_rxq(const struct daqiri_port *port, unsigned id);
struct daqiri_txq *dq_port_txq(const struct daqiri_port *port, unsigned id);

/* The log threshold of the context that a port is of. */
#define DQ_PORT_LOG(port) ((port)->dev->log)

#endif
