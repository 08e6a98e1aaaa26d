/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the NIC counts for a flow: one counter that all rules of the flow share. It is the
 * firmware's object, made through DevX, or, where there is no DevX, verbs' counters: those go with
 * rules of verbs alone (flow_verbs.c), which cannot say all that ours match.
 */
#ifndef DQ_FLOW_COUNTER_H
#define DQ_FLOW_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

struct mlx5dv_devx_obj;

struct dq_flow_counter {
	struct mlx5dv_devx_obj *obj;
	struct ibv_counters *verbs; /* without DevX; both NULL: the flow counts nothing */
	uint32_t id;		    /* of obj */
};

/* where: of the flow, for messages. */
int dq_flow_counter_create(struct dq_flow_counter *out, struct dq_device *dev, const char *where);

static inline bool dq_flow_counter_is_made(const struct dq_flow_counter *counter)
{
	return counter->obj || counter->verbs;
}

/* Its rules must be gone. */
void dq_flow_counter_destroy(struct dq_flow_counter *counter, struct dq_device *dev);

struct dq_flow_count {
	uint64_t packets, bytes;
};

/* Enters the kernel. Any thread. Those of verbs are there to be read while a rule has them. */
int dq_flow_counter_read(const struct dq_flow_counter *counter, struct dq_flow_count *out);

#endif
