/* SPDX-License-Identifier: Apache-2.0 */
/* A context: everything that one configuration describes. */
#ifndef DQ_CONTEXT_H
#define DQ_CONTEXT_H

#include "config_model.h"
#include "device.h"
#include "port.h"
#include "region.h"
#include "rxq.h"
#include "txq.h"

struct dq_workers;

struct daqiri {
	struct dq_conf *conf;	    /* the objects point into it */
	struct dq_device *devices;  /* a list */
	struct daqiri_port **ports; /* by index in conf; NULL: not made yet */
	struct daqiri_region **regions;
	struct daqiri_rxq **rxqs;
	struct daqiri_txq **txqs;
	struct daqiri_rxq **port_rxqs; /* the same again, port by port: daqiri_port.rxqs */
	struct daqiri_txq **port_txqs;
	struct dq_workers *workers;   /* NULL: no queue is in worker mode */
	struct dq_device *next_event; /* where daqiri_event_get() looks next */
};

/* Makes all regions that conf has; those that were made are in dq->regions also where it fails. */
int dq_context_make_regions(struct daqiri *dq);

#endif
