/* SPDX-License-Identifier: Apache-2.0 */
/* A completion queue that its owner polls itself: ring and doorbell record. */
#ifndef DQ_CQ_H
#define DQ_CQ_H

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "device.h"

struct dq_cq {
	struct ibv_cq *cq;
	struct ibv_comp_channel *channel; /* NULL: nobody waits for it */
	uint64_t wc_flags; /* IBV_WC_EX_WITH_COMPLETION_TIMESTAMP*, before dq_cq_create(), or 0 */
	struct mlx5dv_cq dv;
	uint8_t mini; /* enum mlx5dv_cqe_comp_res_format; 0: completions are not compressed */
};

/*
 * A channel for its events, whose descriptor does not block; before dq_cq_create(). dq_cq_destroy()
 * frees it.
 */
int dq_cq_open_channel(struct dq_cq *cq, struct dq_device *dev, const char *where);

/* A queue of exactly entries (a power of two) CQEs of 64 bytes, compressed as out->mini says. where:
 * of its queue. */
int dq_cq_create(struct dq_cq *out, struct dq_device *dev, uint32_t entries, const char *where);
void dq_cq_destroy(struct dq_cq *cq, struct dq_device *dev);

/*
 * A ring that is not shaped as asked for: some setting, from the environment, changed it under us.
 * what: "the receive ring's WQE size".
 */
int dq_ring_differs(const char *where, const char *what, const uint32_t is_wanted[2],
		    const char *culprit);

/* Refuses to make a queue whose WQEs libmlx5 is told, by this variable, to want signatures in. */
int dq_ring_refuse_signature(const char *where, const char *variable);

#endif
