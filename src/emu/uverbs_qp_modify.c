/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a raw packet queue pair, as the kernel's table and mlx5_ib's raw QPs have them. */
#include "uverbs_qp.h"
#include "uverbs_rate.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

/* enum ib_qp_attr_mask */
enum {
	MASK_STATE = 1u << 0,
	MASK_PORT = 1u << 5,
	MASK_RATE_LIMIT = 1u << 25
};

enum { QPS_SQE = 5 }; /* the send queue failed, the receive queue goes on */

struct transition {
	enum emu_qp_state from, to;
	uint32_t required, optional;
};

/* qp_state_table[][] of ib_core, the raw packet column; to RESET and ERR: from everywhere. */
static const struct transition transitions[] = {
	{ EMU_QPS_RESET, EMU_QPS_INIT, MASK_PORT, 0 },
	{ EMU_QPS_INIT, EMU_QPS_INIT, 0, 0 },
	{ EMU_QPS_INIT, EMU_QPS_RTR, 0, 0 },
	{ EMU_QPS_RTR, EMU_QPS_RTS, 0, MASK_RATE_LIMIT },
	{ EMU_QPS_RTS, EMU_QPS_RTS, 0, MASK_RATE_LIMIT },
};

static bool allowed(enum emu_qp_state from, enum emu_qp_state to, uint32_t mask)
{
	mask &= ~(uint32_t)MASK_STATE;
	if (to == EMU_QPS_RESET || to == EMU_QPS_ERR)
		return !mask;
	for (unsigned i = 0; i < EMU_COUNT(transitions); i++) {
		const struct transition *t = &transitions[i];

		if (t->from == from && t->to == to)
			return (mask & t->required) == t->required &&
			       !(mask & ~(t->required | t->optional));
	}
	return false;
}

static void set_rq(struct emu_rq *rq, enum emu_queue_state state)
{
	if (rq->state == state)
		return;
	if (state == EMU_QUEUE_ERR) {
		emu_rq_to_error(rq);
		return;
	}
	rq->state = state;
	emu_rq_reset(rq);
}

static void set_sq(struct emu_sq *sq, enum emu_queue_state state)
{
	if (sq->state == state)
		return;
	if (state == EMU_QUEUE_ERR) {
		emu_sq_to_error(sq);
		return;
	}
	sq->state = state;
	emu_sq_reset(sq);
}

/* modify_raw_packet_qp_sq of mlx5_ib: the new entry first; without a send queue it is nobody's */
static int take_rate(struct emu_qp *qp, const struct emu_rate *rate)
{
	uint16_t index = 0;
	int ret;

	if (!rate || !qp->sq)
		return 0;
	ret = rate->kbps ? emu_rate_get(qp->dev, rate, &index) : 0;
	if (ret)
		return ret;
	emu_rate_put(qp->dev, qp->rate_index);
	qp->rate_index = index;
	return 0;
}

/* modify_raw_packet_qp of mlx5_ib: receiving from INIT on, sending from RTS on */
static void move(struct emu_qp *qp, enum emu_qp_state to, const struct emu_rate *rate)
{
	static const struct emu_rate unlimited;

	if (to == EMU_QPS_RESET || to == EMU_QPS_ERR) {
		emu_rate_put(qp->dev, qp->rate_index);
		qp->rate_index = 0;
		rate = &unlimited;
	}
	emu_engine_pause();
	if (qp->rq && to == EMU_QPS_INIT && qp->state == EMU_QPS_RESET)
		set_rq(qp->rq, EMU_QUEUE_RDY);
	if (qp->sq && to == EMU_QPS_RTS && qp->state == EMU_QPS_RTR)
		set_sq(qp->sq, EMU_QUEUE_RDY);
	if (to == EMU_QPS_RESET || to == EMU_QPS_ERR) {
		enum emu_queue_state state = to == EMU_QPS_ERR ? EMU_QUEUE_ERR : EMU_QUEUE_RST;

		if (qp->rq)
			set_rq(qp->rq, state);
		if (qp->sq)
			set_sq(qp->sq, state);
	}
	if (qp->sq && rate)
		emu_rate_apply(qp->sq, rate);
	emu_engine_resume();
	qp->state = to;
}

/* rate: NULL where none was given */
static int modify(struct emu_call *call, const struct ib_uverbs_modify_qp *req,
		  const struct emu_rate *rate)
{
	struct emu_object *obj = emu_object_find(call->ctx, EMU_TYPE_QP, req->qp_handle);
	enum emu_qp_state to;
	uint32_t mask = req->attr_mask;
	struct emu_qp *qp;
	int ret;

	if (!obj)
		return -EINVAL;
	qp = obj->impl;
	if (qp->rss)
		return -EOPNOTSUPP;
	to = mask & MASK_STATE ? (enum emu_qp_state)req->qp_state : qp->state;
	if ((mask & MASK_PORT) && req->port_num != 1)
		return -EINVAL;
	if (!allowed(qp->state, to, mask))
		return -EINVAL;
	ret = take_rate(qp, rate);
	if (!ret)
		move(qp, to, rate);
	return ret;
}

int emu_qp_modify(struct emu_call *call)
{
	struct ib_uverbs_modify_qp req;

	emu_write_in(call, &req, sizeof(req));
	if (req.attr_mask & MASK_RATE_LIMIT) /* only the extended command has the field */
		return -EOPNOTSUPP;
	return modify(call, &req, NULL);
}

int emu_qp_modify_ex(struct emu_call *call)
{
	struct ib_uverbs_ex_modify_qp_resp resp = { .response_length = sizeof(resp) };
	struct mlx5_ib_modify_qp_resp provider = { .response_length = sizeof(provider) };
	struct mlx5_ib_modify_qp wish;
	struct ib_uverbs_ex_modify_qp req;
	struct emu_rate rate;
	int ret = emu_uhw_in(call, &wish, sizeof(wish));

	emu_write_in(call, &req, sizeof(req));
	rate = (struct emu_rate){req.rate_limit, wish.burst_info.max_burst_sz,
				 wish.burst_info.typical_pkt_sz};
	if (!ret && (wish.comp_mask || wish.burst_info.reserved))
		ret = -EOPNOTSUPP;
	/* __mlx5_ib_modify_qp: a burst is a rate's */
	if (!ret && (req.base.attr_mask & MASK_RATE_LIMIT) && !rate.kbps &&
	    (rate.max_burst || rate.typical_size))
		ret = -EINVAL;
	if (!ret)
		ret = modify(call, &req.base,
			     req.base.attr_mask & MASK_RATE_LIMIT ? &rate : NULL);
	if (ret)
		return ret;
	emu_write_out(call, &resp, sizeof(resp));
	emu_uhw_out(call, &provider, sizeof(provider));
	return 0;
}

/* sqrq_to_qp_state of mlx5_ib: the queues may have failed without being asked to */
static uint8_t seen_state(const struct emu_qp *qp)
{
	if (qp->rq && qp->rq->state == EMU_QUEUE_ERR)
		return EMU_QPS_ERR;
	if (qp->sq && qp->sq->state == EMU_QUEUE_ERR)
		return qp->rq ? QPS_SQE : EMU_QPS_ERR;
	return (uint8_t)qp->state;
}

int emu_qp_query(struct emu_call *call)
{
	struct ib_uverbs_query_qp_resp resp = { 0 };
	struct ib_uverbs_query_qp req;
	struct emu_object *obj;
	const struct emu_qp *qp;

	emu_write_in(call, &req, sizeof(req));
	obj = emu_object_find(call->ctx, EMU_TYPE_QP, req.qp_handle);
	if (!obj)
		return -EINVAL;
	qp = obj->impl;
	if (qp->rss)
		return -EOPNOTSUPP;
	emu_engine_pause(); /* a queue's state is the engine's */
	resp.qp_state = seen_state(qp);
	emu_engine_resume();
	resp.cur_qp_state = resp.qp_state;
	resp.port_num = 1;
	resp.max_send_wr = qp->max_send_wr;
	resp.max_recv_wr = qp->max_recv_wr;
	resp.max_send_sge = qp->max_send_sge;
	resp.max_recv_sge = qp->max_recv_sge;
	resp.max_inline_data = qp->max_inline;
	resp.sq_sig_all = qp->sq && qp->sq->sig_all;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}
