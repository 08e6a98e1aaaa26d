/* SPDX-License-Identifier: Apache-2.0 */
/* What both ways to use libibverbs share: memory, work requests built beforehand, the rule. */
#ifndef PEERS_IBV_H
#define PEERS_IBV_H

#include "peers_port.h"

struct peers_ibv {
	struct peers_port port;
	uint8_t (*in)[PEERS_SLOT], (*out)[PEERS_SLOT];
	/* A ring of each: packet k has request k, and request k is followed by k + 1. */
	struct ibv_recv_wr recv_wr[PEERS_DEPTH];
	struct ibv_send_wr send_wr[PEERS_DEPTH];
	struct ibv_sge recv_sge[PEERS_DEPTH], send_sge[PEERS_DEPTH];
	uint32_t recv_at; /* next to be posted, for ever */
	uint32_t send_at;
	int error; /* of any counted call */
};

/* Device, memory, work requests. */
void peers_ibv_begin(struct peers_ibv *v);
/* When qp is made: its states, all buffers, the rule. */
void peers_ibv_start(struct peers_ibv *v);
/* When the queue has ended: the rest. */
void peers_ibv_close(struct peers_ibv *v);

/* Counted: PEERS_RECYCLE of both. */
void peers_ibv_recycle(struct peers_ibv *v, uint32_t n);

#endif
