/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A send queue begins anew: its QP goes through RESET, where the device forgets all WQEs and begins
 * with WQE 0, while completions go on where they were. What is in the completion queue is read by
 * ourselves: libmlx5 does not clean one that mlx5dv_init_obj() has shown.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "error.h"
#include "owner.h"
#include "reset.h"
#include "txq.h"

static int stop(const struct daqiri_txq *q)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RESET};
	int err = ibv_modify_qp(q->qp, &attr, IBV_QP_STATE);

	return err ? dq_error(err, "%s: cannot be reset: %s", q->conf->where, strerror(err)) : 0;
}

void dq_txq_drop_outstanding(struct daqiri_txq *q)
{
	uint64_t dropped = q->posted - q->done;

	__atomic_store_n(&q->done, q->posted, __ATOMIC_RELAXED);
	dq_counter_add(&q->count.reset_drops, dropped);
	q->others_done = q->others;
	q->others_last = q->posted;
}

/* The device begins with WQEBB 0, of which the first is slot 0's again; the program may post. */
static void restart(struct daqiri_txq *q)
{
	q->pi = 0;
	q->signalled = q->ci;
	q->limit = q->cq_mask + 1;
	dq_tx_prepare(q, dq_txq_opcode(q));
	dq_doorbell_record(q->dbrec, 0);
	/* Pairs with the device's read of the counter once the QP, which the kernel starts, is
	 * rung. */
	dq_to_device();
}

static void set_error(struct daqiri_txq *q, bool stopped)
{
	__atomic_store_n(&q->stopped, stopped, __ATOMIC_RELAXED);
	/* Pairs with the acquire load in daqiri_txq_error(). */
	__atomic_store_n(&q->error_seen, stopped, __ATOMIC_RELEASE);
}

static int reset(struct daqiri_txq *q)
{
	int ret = stop(q);

	if (ret)
		return ret;
	dq_tx_drain(q);
	dq_txq_drop_outstanding(q);
	restart(q);
	ret = dq_txq_start(q);
	if (ret) {
		/* It stays as one that has met an error. */
		q->limit = 0;
		q->first_error =
			(struct daqiri_queue_error){.text = "it could not be started again"};
		set_error(q, true);
		return ret;
	}
	set_error(q, false);
	dq_counter_add(&q->count.resets, 1);
	return 0;
}

int daqiri_txq_reset(struct daqiri_txq *q, unsigned flags)
{
	int ret;

	if (!q)
		return dq_error(EINVAL, "daqiri_txq_reset: NULL queue");
	ret = dq_reset_check(q->conf->where, "daqiri_txq_reset", flags, q->hand != NULL);
	if (ret)
		return ret;
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	dq_tx_reap(q);
	if (q->posted != q->done && !q->stopped && !(flags & DAQIRI_RESET_INVALIDATE))
		return dq_error(EBUSY,
				"%s: cannot be reset, %llu packets are posted and not completed: "
				"wait for daqiri_tx_completed(), or give them up with "
				"DAQIRI_RESET_INVALIDATE",
				q->conf->where, (unsigned long long)(q->posted - q->done));
	return reset(q);
}
