/* SPDX-License-Identifier: Apache-2.0 */
/* A port that is driven by plain verbs: the far one, and the near one of libibverbs' rows. */
#ifndef PEERS_PORT_H
#define PEERS_PORT_H

#include "peers.h"

#include <infiniband/verbs.h>

struct peers_port {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq *send_cq, *recv_cq;
	struct ibv_qp *qp;
	struct ibv_flow *flow;
};

void peers_need(bool good, const char *what);

/* Device and memory, then send_cq, recv_cq and qp of the simple kind. */
void peers_port_open(struct peers_port *p, const char *device, void *memory, size_t size);
void peers_port_make_queue(struct peers_port *p);
/* When qp is made. */
void peers_port_start(struct peers_port *p);
/* The rule that frames to this end come to qp. */
void peers_port_take_all(struct peers_port *p, bool is_far);

/* Rule and queue, then memory and device. */
void peers_port_end_queue(struct peers_port *p);
void peers_port_close(struct peers_port *p);

#endif
