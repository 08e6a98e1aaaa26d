/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping until a packet comes. The completion queue is armed by ourselves: ibv_req_notify_cq()
 * would tell the device libmlx5's consumer index, which stays 0 on a ring that we read.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "error.h"
#include "owner.h"
#include "rxq_ring.h"

/*
 * PRM, "CQ doorbell record": the second word is the arm command, with its sequence number above
 * command and index. libmlx5: MLX5_CQ_ARM_DB, mlx5_arm_cq().
 */
enum { ARM_RECORD = 1, ARM_SN_SHIFT = 28, ARM_SN_MASK = 3 };

/* Reads the events that are there: each makes the descriptor quiet, and the next arming new. */
static int take_events(struct daqiri_rxq *q)
{
	struct ibv_cq *cq;
	void *context;

	while (!ibv_get_cq_event(q->cq.channel, &cq, &context)) {
		ibv_ack_cq_events(cq, 1);
		q->arm_sn++;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return dq_error(errno ? errno : EIO, "%s: its completion events cannot be read: %s",
			q->conf->where, strerror(errno));
}

/*
 * The device takes the command from the record; the register tells it that there is one. If a
 * completion has come that is not before ci, it sends the event at once.
 */
static void arm(struct daqiri_rxq *q)
{
	uint32_t word = (q->arm_sn & ARM_SN_MASK) << ARM_SN_SHIFT | MLX5_CQ_DB_REQ_NOT |
			(q->ci & DQ_CQE_INDEX);
	uint8_t *bell = (uint8_t *)q->cq.dv.cq_uar + MLX5_CQ_DOORBELL;

	dq_doorbell_record(&q->cq_dbrec[ARM_RECORD], word);
	/*
	 * Pairs with the device's read of the record once the register was written. libmlx5 maps
	 * the page write-combining where it can (mlx5_arm_cq(): mmio_wc_start()).
	 */
	dq_before_doorbell_wc();
	*(volatile __be64 *)(void *)bell = dq_to_be64((uint64_t)word << 32 | q->cq.dv.cqn);
	/* Out before the ring is looked at again, and before the thread sleeps. */
	dq_flush_doorbell_wc();
}

static int refuse_worker(const struct daqiri_rxq *q)
{
	return dq_error(EOPNOTSUPP,
			"%s mode=worker: a thread of the library polls the queue and never sleeps, "
			"so there is nothing to wait on: use mode = direct",
			q->conf->where);
}

int daqiri_rxq_fd(const struct daqiri_rxq *q)
{
	if (!q)
		return dq_error(EINVAL, "daqiri_rxq_fd: NULL queue");
	if (q->hand)
		return refuse_worker(q);
	return q->cq.channel->fd;
}

int daqiri_rxq_arm(struct daqiri_rxq *q)
{
	int ret;

	if (!q)
		return dq_error(EINVAL, "daqiri_rxq_arm: NULL queue");
	if (q->hand)
		return refuse_worker(q);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	ret = take_events(q);
	if (ret || dq_rx_has_completion(q))
		return ret ? ret : 1;
	if (q->stopped)
		return dq_rx_is_stopped(q);
	arm(q);
	return dq_rx_has_completion(q);
}
