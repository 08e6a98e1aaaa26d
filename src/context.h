/* SPDX-License-Identifier: Apache-2.0 */
/* A context: everything that one configuration describes. */
#ifndef DQ_CONTEXT_H
#define DQ_CONTEXT_H

#include <pthread.h>

#include "bell.h"
#include "config_model.h"
#include "device.h"
#include "port.h"
#include "region.h"
#include "rxq.h"
#include "txq.h"

struct dq_worker;

/* What one configuration describes: that of daqiri_open(), or one that was added. */
struct dq_part {
	struct dq_part *next;
	struct dq_conf *conf;		/* the objects point into it */
	struct daqiri_region **regions; /* by index in conf; NULL: not made, or not any more */
	struct daqiri_rxq **rxqs;
	struct daqiri_txq **txqs;
};

struct daqiri {
	/*
	 * Guards what daqiri_add() and those that take away change: the lists of parts and of the
	 * ports' queues. The data path never takes it.
	 */
	pthread_mutex_t lock;
	const struct dq_conf *conf;   /* of daqiri_open() */
	struct dq_device *devices;    /* a list */
	struct daqiri_port **ports;   /* by index in conf; NULL: not made yet */
	struct dq_part *parts;	      /* a list, the last made first */
	struct dq_part *opened;	      /* of them, conf's */
	struct dq_worker *workers;    /* a list */
	struct dq_device *next_event; /* where daqiri_event_get() looks next */
	struct dq_bell bell;	      /* rung by queues that stop, once event_fd is asked for */
	int event_fd;		      /* an epoll of it and of the devices; -1: not asked for yet */
};

#define DQ_FOREACH_PART(part, dq)                                                                  \
	for (struct dq_part *part = (dq)->parts; part; part = part->next)

/* The region of that name, "" is none's; dq->lock is held. NULL: none. */
struct daqiri_region *dq_context_region(const struct daqiri *dq, const char *name);

/* ---- context_part.c -------------------------------------------------------------------------- */

/* A part of nothing; it owns conf, also where that fails. */
int dq_part_create(struct dq_part **out, struct dq_conf *conf);

/* Frees the part without what is in it. */
void dq_part_free(struct dq_part *part);

/*
 * Makes all regions and queues of the part, the context's ports being there. What was made is in the
 * part's lists also where it fails.
 */
int dq_part_make(struct daqiri *dq, struct dq_part *part);

/* The ports get to know the part's queues, and workers serve them. */
int dq_part_start(struct daqiri *dq, struct dq_part *part);

/* Undoes both. */
void dq_part_clear(struct daqiri *dq, struct dq_part *part);

/* Takes one queue away, with its private region, whoever uses it. */
void dq_part_remove_rxq(struct daqiri *dq, struct dq_part *part, unsigned index);
void dq_part_remove_txq(struct daqiri *dq, struct dq_part *part, unsigned index);

/* ---- context_region.c ------------------------------------------------------------------------ */

/* Makes a region of the part, or, where it is another part's, registers it for the part's ports. */
int dq_part_make_region(struct daqiri *dq, struct dq_part *part, unsigned index);

#endif
