/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receive queue begins anew: its work queue goes through RESET, where the device forgets all WQEs
 * and begins with WQE 0, while completions go on where they were. What is in the completion queue
 * is read by ourselves: libmlx5 does not clean one that mlx5dv_init_obj() has shown. Flows and RSS
 * tables point to the work queue, and stay.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "counter.h"
#include "error.h"
#include "owner.h"
#include "reset.h"
#include "rxq.h"
#include "rxq_ring.h"

/* Reads the completion, which is an error's or no receive's at all. */
static void count_error(struct daqiri_rxq *q, const struct mlx5_cqe64 *cqe)
{
	struct dq_cqe_error err = {0};

	if (dq_cqe_opcode(dq_cqe_op_own(cqe)) == MLX5_CQE_RESP_ERR)
		err = dq_cqe_read_error(cqe);
	dq_rx_note_error(q, &err);
}

void dq_rx_drain(struct daqiri_rxq *q, bool (*is_packet)(const struct mlx5_cqe64 *cqe))
{
	if (q->session)
		dq_rx_session_drop(q);
	for (; dq_rx_has_completion(q); q->ci++) {
		struct mlx5_cqe64 *cqe = &q->cqes[q->ci & q->mask];

		/* Pairs with the device's write of the ownership byte. */
		dq_from_device();
		if (q->session)
			dq_rx_expand(q);
		if (dq_cqe_opcode(dq_cqe_op_own(cqe)) != MLX5_CQE_RESP_SEND)
			count_error(q, cqe);
		else if (is_packet(cqe))
			dq_counter_add(&q->count.reset_drops, 1);
		if (q->session)
			dq_cqe_use_up(cqe);
	}
	dq_rx_ring_cq(q);
}

static bool is_packet(const struct mlx5_cqe64 *cqe)
{
	(void)cqe;
	return true;
}

/*
 * The i-th completion from here on is that of WQE i: instead of another way to find a packet's
 * buffer, each WQE gets the buffer that the table has for its completion.
 */
void dq_rx_restart_cyclic(struct daqiri_rxq *q)
{
	uint32_t depth = q->mask + 1;

	dq_rx_drain(q, is_packet);
	q->wqe0 = q->ci;
	for (uint32_t i = 0; i < depth; i++)
		q->bufs.point(q, i, q->slots[(q->wqe0 + i) & q->mask]);
	memset(q->eaten_map, 0, (depth + 63) / 64 * sizeof(*q->eaten_map));
	q->eaten = 0;
	q->posted = depth;
}

/* ---- the work queue -------------------------------------------------------------------------- */

/*
 * The kernel takes the state that it left the queue in for its present one. Where the device, which
 * put it into its error state by itself, minds that, it is told.
 */
static int stop(const struct daqiri_rxq *q)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RESET};
	int err = ibv_modify_wq(q->wq, &attr);

	if (err) {
		attr.attr_mask |= IBV_WQ_ATTR_CURR_STATE;
		attr.curr_wq_state = IBV_WQS_ERR;
		err = ibv_modify_wq(q->wq, &attr);
	}
	return err ? dq_error(err, "%s: cannot be reset: %s", q->conf->where, strerror(err)) : 0;
}

static void set_stopped(struct daqiri_rxq *q, bool stopped)
{
	__atomic_store_n(&q->stopped, stopped, __ATOMIC_RELAXED);
}

/* The queue could be stopped but not started: it stays as one that has met an error. */
static int fail(struct daqiri_rxq *q, int ret)
{
	q->first_error = (struct daqiri_queue_error){.text = "it could not be started again"};
	set_stopped(q, true);
	/* Pairs with the acquire load in daqiri_rxq_error(). */
	__atomic_store_n(&q->error_seen, true, __ATOMIC_RELEASE);
	return ret;
}

static int reset(struct daqiri_rxq *q)
{
	int ret = stop(q);

	if (ret)
		return ret;
	q->restart(q);
	q->held = 0;
	ret = dq_rxq_start(q);
	if (ret)
		return fail(q, ret);
	set_stopped(q, false);
	__atomic_store_n(&q->error_seen, false, __ATOMIC_RELAXED);
	dq_counter_add(&q->count.resets, 1);
	return 0;
}

/* ---- public ---------------------------------------------------------------------------------- */

int daqiri_rxq_reset(struct daqiri_rxq *q, unsigned flags)
{
	int ret;

	if (!q)
		return dq_error(EINVAL, "daqiri_rxq_reset: NULL queue");
	ret = dq_reset_check(q->conf->where, "daqiri_rxq_reset", flags, q->hand != NULL);
	if (ret)
		return ret;
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	if (q->held && !(flags & DAQIRI_RESET_INVALIDATE))
		return dq_error(EBUSY,
				"%s: cannot be reset, %u packets are polled and not released: "
				"release them, or give them up with DAQIRI_RESET_INVALIDATE",
				q->conf->where, q->held);
	return reset(q);
}
