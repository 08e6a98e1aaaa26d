/* SPDX-License-Identifier: Apache-2.0 */
/* Makes completions of each kind, polls them through libibverbs and copies their bytes. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#define ENTRIES 4u /* so that the ownership bit turns soon */
#define BUFFER	2048u

/* A port with one queue pair, whose completion queues tell flow tags. */
struct end {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq_ex *cq;
	struct mlx5dv_cq ring;
	struct ibv_qp *qp;
	uint32_t polled, posted;
};

static uint8_t memory[2][8][BUFFER] __attribute__((aligned(4096)));

static void need(int good, const char *what)
{
	if (!good)
		die(what);
}

static void to_state(struct ibv_qp *qp, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};

	need(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0)),
	     "ibv_modify_qp");
}

static void end_open(struct end *e, struct ibv_device *dev, unsigned i)
{
	struct ibv_cq_init_attr_ex cq_attr = {
		.cqe = ENTRIES - 1, .wc_flags = IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_FLOW_TAG};
	struct ibv_qp_init_attr attr = {
		.cap = {.max_send_wr = 8, .max_recv_wr = 8, .max_send_sge = 1, .max_recv_sge = 1},
		.qp_type = IBV_QPT_RAW_PACKET};
	struct mlx5dv_obj obj = {.cq = {.out = &e->ring}};

	*e = (struct end){.ctx = ibv_open_device(dev)};
	need(e->ctx && (e->pd = ibv_alloc_pd(e->ctx)), "opening a device");
	e->mr = ibv_reg_mr(e->pd, memory[i], sizeof(memory[i]), IBV_ACCESS_LOCAL_WRITE);
	e->cq = ibv_create_cq_ex(e->ctx, &cq_attr);
	need(e->mr && e->cq, "memory and completion queue");
	obj.cq.in = attr.send_cq = attr.recv_cq = ibv_cq_ex_to_cq(e->cq);
	e->qp = ibv_create_qp(e->pd, &attr);
	need(e->qp && !mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), "queue pair");
	to_state(e->qp, IBV_QPS_INIT);
	to_state(e->qp, IBV_QPS_RTR);
	to_state(e->qp, IBV_QPS_RTS);
}

static void end_close(struct end *e)
{
	need(!ibv_destroy_qp(e->qp), "ibv_destroy_qp");
	need(!ibv_destroy_cq(ibv_cq_ex_to_cq(e->cq)), "ibv_destroy_cq");
	need(!ibv_dereg_mr(e->mr), "ibv_dereg_mr");
	need(!ibv_dealloc_pd(e->pd), "ibv_dealloc_pd");
	need(!ibv_close_device(e->ctx), "ibv_close_device");
}

static struct ibv_flow *tag_frames(struct end *e, uint32_t tag)
{
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_action_tag tag;
	} rule = {
		.attr = {.type = IBV_FLOW_ATTR_NORMAL,
			 .size = sizeof(rule),
			 .port = 1,
			 .num_of_specs = tag ? 1 : 0},
		.tag = {.type = IBV_FLOW_SPEC_ACTION_TAG, .size = sizeof(rule.tag), .tag_id = tag},
	};
	struct ibv_flow *flow = ibv_create_flow(e->qp, &rule.attr);

	need(flow != NULL, "ibv_create_flow");
	return flow;
}

/* Takes the next completion; reading a good receive completion's length and tag. */
static void record_next(struct end *e, const char *what)
{
	struct golden_cqe *c = &record.cqes[record.n_cqes++];
	struct ibv_poll_cq_attr attr = {0};
	unsigned long tries;

	for (tries = 0; ibv_start_poll(e->cq, &attr); tries++)
		need(tries < 100000000, "no completion came");
	*c = (struct golden_cqe){.what = what,
				 .entries = e->ring.cqe_cnt,
				 .index = e->polled++,
				 .wr_id = (uint32_t)e->cq->wr_id,
				 .status = e->cq->status};
	if (c->status) {
		c->vendor_err = ibv_wc_read_vendor_err(e->cq);
	} else if (ibv_wc_read_opcode(e->cq) & IBV_WC_RECV) {
		c->recv = 1;
		c->byte_len = ibv_wc_read_byte_len(e->cq);
		c->tag = ibv_wc_read_flow_tag(e->cq);
	}
	memcpy(c->bytes, (uint8_t *)e->ring.buf + (c->index % c->entries) * 64, 64);
	ibv_end_poll(e->cq);
}

static void receive(struct end *e, unsigned len)
{
	struct ibv_sge sge = {.addr = (uintptr_t)memory[1][0], .length = len, .lkey = e->mr->lkey};
	struct ibv_recv_wr wr = {.wr_id = e->posted++, .sg_list = &sge, .num_sge = 1}, *bad;

	need(!ibv_post_recv(e->qp, &wr, &bad), "ibv_post_recv");
}

/* wrong_key: it will fail, and stop the queue. */
static void send_len(struct end *e, unsigned len, int wrong_key)
{
	struct ibv_sge sge = {.addr = (uintptr_t)memory[0][0],
			      .length = len,
			      .lkey = e->mr->lkey ^ (unsigned)wrong_key};
	struct ibv_send_wr wr = {.wr_id = e->posted++,
				 .sg_list = &sge,
				 .num_sge = 1,
				 .opcode = IBV_WR_SEND,
				 .send_flags = IBV_SEND_SIGNALED},
			   *bad;

	need(!ibv_post_send(e->qp, &wr, &bad), "ibv_post_send");
}

static void record_good(struct end *tx, struct end *rx)
{
	static const struct {
		const char *what;
		unsigned len;
		uint32_t tag;
	} sent[] = {
		{"received, 60 bytes, no tag", 60, 0},
		{"received, 1514 bytes, tag 1", 1514, 1},
		{"received, 256 bytes, tag 0xabcdef", 256, 0xabcdef},
		{"received, 64 bytes, tag 0xfffffe", 64, 0xfffffe},
		{"received, second round of the ring", 65, 2},
		{"received, second round, next", 66, 0},
	};
	struct ibv_flow *flow;
	unsigned i;

	for (i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		flow = tag_frames(rx, sent[i].tag);
		receive(rx, BUFFER);
		send_len(tx, sent[i].len, 0);
		record_next(tx, "sent");
		record_next(rx, sent[i].what);
		need(!ibv_destroy_flow(flow), "ibv_destroy_flow");
	}
}

static void record_errors(struct end *tx, struct end *rx)
{
	struct ibv_flow *flow = tag_frames(rx, 0);

	receive(rx, 64);
	receive(rx, 64);
	send_len(tx, 65, 0);
	record_next(tx, "sent");
	record_next(rx, "received, longer than its buffer");
	to_state(rx->qp, IBV_QPS_ERR);
	record_next(rx, "a receive buffer flushed");
	send_len(tx, 64, 1);
	record_next(tx, "sent with a wrong key");
	send_len(tx, 64, 0);
	record_next(tx, "a send flushed");
	need(!ibv_destroy_flow(flow), "ibv_destroy_flow");
}

void record_cqes(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct end tx, rx;

	need(list && list[0] && list[1], "two devices");
	end_open(&tx, list[0], 0);
	end_open(&rx, list[1], 1);
	ibv_free_device_list(list);
	record_good(&tx, &rx);
	record_errors(&tx, &rx);
	end_close(&tx);
	end_close(&rx);
}
