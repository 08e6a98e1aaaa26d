/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a cable in a process of its own, by plain verbs: for tests with several processes.
 *   verbs_peer recv COUNT   takes frames for port 1 on mlx5_1: prints "ready", then "received N"
 *                           when COUNT are there or nothing came for a second
 *   verbs_peer send COUNT   sends them from mlx5_0, in 20 lots, and prints "sent N"
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#include "../frames.h"

#define DEPTH 1024u
#define SLOT  128u

static struct {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_flow *flow;
} end;

static uint8_t memory[DEPTH][SLOT];

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "verbs_peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void to_state(enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};
	int mask = IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0);

	need(!ibv_modify_qp(end.qp, &attr, mask), "ibv_modify_qp");
}

static void open_end(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr attr = {.cap = {.max_send_wr = DEPTH,
						.max_recv_wr = DEPTH,
						.max_send_sge = 1,
						.max_recv_sge = 1},
					.qp_type = IBV_QPT_RAW_PACKET};
	unsigned i;

	need(list != NULL, "ibv_get_device_list");
	for (i = 0; list[i]; i++)
		if (!strcmp(ibv_get_device_name(list[i]), name))
			end.ctx = ibv_open_device(list[i]);
	ibv_free_device_list(list);
	need(end.ctx && (end.pd = ibv_alloc_pd(end.ctx)), name);
	end.mr = ibv_reg_mr(end.pd, memory, sizeof(memory), IBV_ACCESS_LOCAL_WRITE);
	end.cq = ibv_create_cq(end.ctx, DEPTH, NULL, NULL, 0);
	attr.send_cq = attr.recv_cq = end.cq;
	need(end.mr && end.cq && (end.qp = ibv_create_qp(end.pd, &attr)), "queue pair");
	to_state(IBV_QPS_INIT);
	to_state(IBV_QPS_RTR);
	to_state(IBV_QPS_RTS);
}

static struct ibv_sge buffer(unsigned i, unsigned len)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)memory[i % DEPTH], .length = len, .lkey = end.mr->lkey};
}

static void post_buffer(unsigned i)
{
	struct ibv_sge sge = buffer(i, SLOT);
	struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;

	need(!ibv_post_recv(end.qp, &wr, &bad), "ibv_post_recv");
}

static void take_port_1(void)
{
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_eth eth;
	} rule = {.attr = {.type = IBV_FLOW_ATTR_NORMAL,
			   .size = sizeof(rule),
			   .port = 1,
			   .num_of_specs = 1},
		  .eth = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(rule.eth)}};

	fr_mac(rule.eth.val.dst_mac, "02:da:01:00:00:02");
	memset(rule.eth.mask.dst_mac, 0xff, 6);
	end.flow = ibv_create_flow(end.qp, &rule.attr);
	need(end.flow != NULL, "ibv_create_flow");
}

static int receive(unsigned count)
{
	time_t last = time(NULL);
	unsigned n = 0, i;
	struct ibv_wc wc;

	for (i = 0; i < DEPTH; i++)
		post_buffer(i);
	take_port_1();
	puts("ready");
	fflush(stdout);
	while (n < count && (!n || time(NULL) <= last + 1)) {
		if (ibv_poll_cq(end.cq, 1, &wc) != 1)
			continue;
		need(wc.status == IBV_WC_SUCCESS, "a completion");
		post_buffer(i++);
		last = time(NULL);
		n++;
	}
	printf("received %u\n", n);
	return 0;
}

static int send_frames(unsigned count)
{
	struct ibv_send_wr wr = {.num_sge = 1,
				 .opcode = IBV_WR_SEND,
				 .send_flags = IBV_SEND_SIGNALED},
			   *bad;
	struct ibv_sge sge = buffer(0, 60);
	struct ibv_wc wc;
	struct frame f;
	unsigned n;

	fr_ether(&f, "02:da:01:00:00:02", "02:da:01:00:00:01", 0x88b5);
	fr_payload(&f, 46);
	memcpy(memory, f.b, f.len);
	wr.sg_list = &sge;
	for (n = 0; n < count; n++) {
		need(!ibv_post_send(end.qp, &wr, &bad), "ibv_post_send");
		while (ibv_poll_cq(end.cq, 1, &wc) == 0)
			;
		need(wc.status == IBV_WC_SUCCESS, "a completion");
		if (n % (count / 20 + 1) == 0)
			usleep(10000);
	}
	printf("sent %u\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	int send = argc == 3 && !strcmp(argv[1], "send");

	if (argc != 3 || (!send && strcmp(argv[1], "recv")))
		return fputs("usage: verbs_peer recv|send COUNT\n", stderr), 2;
	open_end(send ? "mlx5_0" : "mlx5_1");
	return (send ? send_frames : receive)((unsigned)atoi(argv[2]));
}
