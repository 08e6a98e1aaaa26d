/* SPDX-License-Identifier: Apache-2.0 */
#include "peers_ibv.h"

#include <stdlib.h>
#include <string.h>

static void build_requests(struct peers_ibv *v)
{
	for (uint32_t i = 0; i < PEERS_DEPTH; i++) {
		uint32_t next = (i + 1) % PEERS_DEPTH;

		v->recv_sge[i] = (struct ibv_sge){.addr = (uintptr_t)v->in[i],
						  .length = PEERS_SLOT,
						  .lkey = v->port.mr->lkey};
		v->recv_wr[i] = (struct ibv_recv_wr){.wr_id = (uintptr_t)v->in[i],
						     .sg_list = &v->recv_sge[i],
						     .num_sge = 1,
						     .next = &v->recv_wr[next]};
		v->send_sge[i] =
			(struct ibv_sge){.addr = (uintptr_t)v->out[i], .lkey = v->port.mr->lkey};
		v->send_wr[i] = (struct ibv_send_wr){.sg_list = &v->send_sge[i],
						     .num_sge = 1,
						     .opcode = IBV_WR_SEND,
						     .next = &v->send_wr[next]};
	}
}

void peers_ibv_begin(struct peers_ibv *v)
{
	size_t half = (size_t)PEERS_DEPTH * PEERS_SLOT;
	uint8_t *memory = NULL;

	peers_need(!posix_memalign((void **)&memory, 4096, 2 * half), "memory");
	memset(memory, 0, 2 * half);
	v->in = (void *)memory;
	v->out = (void *)(memory + half);
	peers_port_open(&v->port, "mlx5_0", memory, 2 * half);
	build_requests(v);
}

void peers_ibv_start(struct peers_ibv *v)
{
	peers_port_start(&v->port);
	peers_ibv_recycle(v, PEERS_DEPTH);
	peers_need(!v->error, "ibv_post_recv");
	peers_port_take_all(&v->port, false);
}

void peers_ibv_close(struct peers_ibv *v)
{
	peers_port_close(&v->port);
	free(v->in);
}

void peers_ibv_recycle(struct peers_ibv *v, uint32_t n)
{
	struct ibv_recv_wr *first = &v->recv_wr[v->recv_at % PEERS_DEPTH], *bad;
	struct ibv_recv_wr *last = &v->recv_wr[(v->recv_at + n - 1) % PEERS_DEPTH];
	struct ibv_recv_wr *next = last->next;

	last->next = NULL;
	v->error |= ibv_post_recv(v->port.qp, first, &bad);
	last->next = next;
	v->recv_at += n;
}
