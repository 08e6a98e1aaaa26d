/* SPDX-License-Identifier: Apache-2.0 */
#include "peers_ibv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void peers_ibv_need(bool good, const char *what)
{
	if (!good)
		peers_fail("%s: %s", what, strerror(errno));
}

static void build_requests(struct peers_ibv *v)
{
	for (uint32_t i = 0; i < PEERS_DEPTH; i++) {
		uint32_t next = (i + 1) % PEERS_DEPTH;

		v->recv_sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)v->in[i], .length = PEERS_SLOT, .lkey = v->mr->lkey};
		v->recv_wr[i] = (struct ibv_recv_wr){.wr_id = (uintptr_t)v->in[i],
						     .sg_list = &v->recv_sge[i],
						     .num_sge = 1,
						     .next = &v->recv_wr[next]};
		v->send_sge[i] =
			(struct ibv_sge){.addr = (uintptr_t)v->out[i], .lkey = v->mr->lkey};
		v->send_wr[i] = (struct ibv_send_wr){.sg_list = &v->send_sge[i],
						     .num_sge = 1,
						     .opcode = IBV_WR_SEND,
						     .next = &v->send_wr[next]};
	}
}

void peers_ibv_begin(struct peers_ibv *v)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	size_t half = (size_t)PEERS_DEPTH * PEERS_SLOT;
	uint8_t *memory = NULL;

	peers_ibv_need(list != NULL, "ibv_get_device_list");
	for (unsigned i = 0; list[i] && !v->ctx; i++)
		if (!strcmp(ibv_get_device_name(list[i]), "mlx5_0"))
			v->ctx = ibv_open_device(list[i]);
	ibv_free_device_list(list);
	peers_ibv_need(v->ctx != NULL, "mlx5_0");
	v->pd = ibv_alloc_pd(v->ctx);
	peers_ibv_need(v->pd && !posix_memalign((void **)&memory, 4096, 2 * half), "memory");
	memset(memory, 0, 2 * half);
	v->in = (void *)memory;
	v->out = (void *)(memory + half);
	v->mr = ibv_reg_mr(v->pd, memory, 2 * half, IBV_ACCESS_LOCAL_WRITE);
	peers_ibv_need(v->mr != NULL, "ibv_reg_mr");
	build_requests(v);
}

static void to_state(struct peers_ibv *v, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};
	int mask = IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0);

	peers_ibv_need(!ibv_modify_qp(v->qp, &attr, mask), "ibv_modify_qp");
}

static void take_all(struct peers_ibv *v)
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

	peers_frame_build(frame, 0, PEERS_MAX_FRAME, false);
	memcpy(rule.eth.val.dst_mac, frame, 6);
	memset(rule.eth.mask.dst_mac, 0xff, 6);
	v->flow = ibv_create_flow(v->qp, &rule.attr);
	peers_ibv_need(v->flow != NULL, "ibv_create_flow");
}

void peers_ibv_start(struct peers_ibv *v)
{
	to_state(v, IBV_QPS_INIT);
	to_state(v, IBV_QPS_RTR);
	to_state(v, IBV_QPS_RTS);
	peers_ibv_recycle(v, PEERS_DEPTH);
	peers_ibv_need(!v->error, "ibv_post_recv");
	take_all(v);
}

void peers_ibv_end(struct peers_ibv *v)
{
	ibv_destroy_flow(v->flow);
	ibv_destroy_qp(v->qp);
	ibv_destroy_cq(v->send_cq);
	ibv_destroy_cq(v->recv_cq);
	ibv_dereg_mr(v->mr);
	free(v->in);
}

void peers_ibv_recycle(struct peers_ibv *v, uint32_t n)
{
	struct ibv_recv_wr *first = &v->recv_wr[v->recv_at % PEERS_DEPTH], *bad;
	struct ibv_recv_wr *last = &v->recv_wr[(v->recv_at + n - 1) % PEERS_DEPTH];
	struct ibv_recv_wr *next = last->next;

	last->next = NULL;
	v->error |= ibv_post_recv(v->qp, first, &bad);
	last->next = next;
	v->recv_at += n;
}
