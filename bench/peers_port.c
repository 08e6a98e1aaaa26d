/* SPDX-License-Identifier: Apache-2.0 */
#include "peers_port.h"

#include <errno.h>
#include <string.h>

void peers_need(bool good, const char *what)
{
	if (!good)
		peers_fail("%s: %s", what, strerror(errno));
}

static struct ibv_context *open_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = NULL;

	peers_need(list != NULL, "ibv_get_device_list");
	for (unsigned i = 0; list[i] && !ctx; i++)
		if (!strcmp(ibv_get_device_name(list[i]), name))
			ctx = ibv_open_device(list[i]);
	ibv_free_device_list(list);
	peers_need(ctx != NULL, name);
	return ctx;
}

void peers_port_open(struct peers_port *p, const char *device, void *memory, size_t size)
{
	p->ctx = open_device(device);
	p->pd = ibv_alloc_pd(p->ctx);
	peers_need(p->pd != NULL, "ibv_alloc_pd");
	p->mr = ibv_reg_mr(p->pd, memory, size, IBV_ACCESS_LOCAL_WRITE);
	peers_need(p->mr != NULL, "ibv_reg_mr");
}

void peers_port_make_queue(struct peers_port *p)
{
	struct ibv_qp_init_attr attr = {.cap = {.max_send_wr = PEERS_DEPTH,
						.max_recv_wr = PEERS_DEPTH,
						.max_send_sge = 1,
						.max_recv_sge = 1},
					.qp_type = IBV_QPT_RAW_PACKET};

	p->send_cq = ibv_create_cq(p->ctx, PEERS_DEPTH, NULL, NULL, 0);
	p->recv_cq = ibv_create_cq(p->ctx, PEERS_DEPTH, NULL, NULL, 0);
	peers_need(p->send_cq && p->recv_cq, "ibv_create_cq");
	attr.send_cq = p->send_cq;
	attr.recv_cq = p->recv_cq;
	p->qp = ibv_create_qp(p->pd, &attr);
	peers_need(p->qp != NULL, "ibv_create_qp");
}

static void to_state(struct peers_port *p, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};
	int mask = IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0);

	peers_need(!ibv_modify_qp(p->qp, &attr, mask), "ibv_modify_qp");
}

void peers_port_start(struct peers_port *p)
{
	to_state(p, IBV_QPS_INIT);
	to_state(p, IBV_QPS_RTR);
	to_state(p, IBV_QPS_RTS);
}

void peers_port_take_all(struct peers_port *p, bool is_far)
{
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_eth eth;
	} rule = {.attr = {.type = IBV_FLOW_ATTR_NORMAL,
			   .size = sizeof(rule),
			   .port = 1,
			   .num_of_specs = 1},
		  .eth = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(rule.eth)}};
	uint8_t frame[PEERS_MAX_FRAME];

	peers_frame_build(frame, 0, PEERS_MAX_FRAME, is_far);
	memcpy(rule.eth.val.dst_mac, frame, 6);
	memset(rule.eth.mask.dst_mac, 0xff, 6);
	p->flow = ibv_create_flow(p->qp, &rule.attr);
	peers_need(p->flow != NULL, "ibv_create_flow");
}

void peers_port_end_queue(struct peers_port *p)
{
	ibv_destroy_flow(p->flow);
	ibv_destroy_qp(p->qp);
	ibv_destroy_cq(p->send_cq);
	ibv_destroy_cq(p->recv_cq);
}

void peers_port_close(struct peers_port *p)
{
	ibv_dereg_mr(p->mr);
	ibv_dealloc_pd(p->pd);
	ibv_close_device(p->ctx);
}
