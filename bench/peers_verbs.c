/* SPDX-License-Identifier: Apache-2.0 */
/* libibverbs as it always was: ibv_post_send, ibv_post_recv, ibv_poll_cq. */
#include "peers_ibv.h"
#include "peers_lib.h"

#include <stdlib.h>

struct self {
	struct peers_ibv v;
	struct ibv_wc wc[PEERS_MAX_BURST], sent;
	int reaped;
};

static bool open_it(struct peers_rig *rig)
{
	struct self *self = peers_zeroed(sizeof(*self));
	struct peers_ibv *v = &self->v;

	peers_ibv_begin(v);
	peers_port_make_queue(&v->port);
	peers_ibv_start(v);
	peers_say(rig, "chose", "ibv_poll_cq, ibv_post_recv, ibv_post_send");
	rig->self = self;
	return true;
}

static void close_it(struct peers_rig *rig)
{
	struct self *self = rig->self;

	peers_need(!self->v.error, "a work request");
	peers_port_end_queue(&self->v.port);
	peers_ibv_close(&self->v);
	free(self);
}

/* ---- counted --------------------------------------------------------------------------------- */

/* One completion for the burst before. */
static void reap(struct peers_rig *rig)
{
	struct self *self = rig->self;

	self->reaped = ibv_poll_cq(self->v.port.send_cq, 1, &self->sent);
}

/* wr_id is the address, so that nothing is left to be done with what it returns. */
static void receive(struct peers_rig *rig)
{
	struct self *self = rig->self;

	rig->got = (uint32_t)ibv_poll_cq(self->v.port.recv_cq, (int)rig->n, self->wc);
}

static void send_them(struct peers_rig *rig)
{
	struct peers_ibv *v = &((struct self *)rig->self)->v;
	struct ibv_send_wr *last = &v->send_wr[(v->send_at + rig->n - 1) % PEERS_DEPTH], *bad;
	struct ibv_send_wr *next = last->next;

	last->next = NULL;
	last->send_flags = IBV_SEND_SIGNALED;
	v->error |= ibv_post_send(v->port.qp, &v->send_wr[v->send_at % PEERS_DEPTH], &bad);
	last->send_flags = 0;
	last->next = next;
	v->send_at += rig->n;
}

static void recycle(struct peers_rig *rig)
{
	peers_ibv_recycle(rig->self, rig->n);
}

/* ---- not counted ----------------------------------------------------------------------------- */

static struct peers_frame received(struct peers_rig *rig, uint32_t i)
{
	struct self *self = rig->self;
	const struct ibv_wc *wc = &self->wc[i];

	if (wc->status != IBV_WC_SUCCESS)
		peers_fail("receive: %s", ibv_wc_status_str(wc->status));
	return (struct peers_frame){(const uint8_t *)(uintptr_t)wc->wr_id, wc->byte_len};
}

static uint8_t *slot(struct peers_rig *rig, uint32_t i)
{
	struct self *self = rig->self;

	if (!i && rig->sent && (self->reaped != 1 || self->sent.status != IBV_WC_SUCCESS))
		peers_fail("send: %d completions, %s", self->reaped,
			   ibv_wc_status_str(self->sent.status));
	return self->v.out[(self->v.send_at + i) % PEERS_DEPTH];
}

static void set_len(struct peers_rig *rig, uint32_t i, uint32_t len)
{
	struct peers_ibv *v = &((struct self *)rig->self)->v;

	v->send_sge[(v->send_at + i) % PEERS_DEPTH].length = len;
}

const struct peers_ops peers_verbs = {
	.open = open_it,
	.close = close_it,
	.step = {[PEERS_REAP] = reap,
		 [PEERS_RECEIVE] = receive,
		 [PEERS_SEND] = send_them,
		 [PEERS_RECYCLE] = recycle},
	.received = received,
	.slot = slot,
	.set_len = set_len,
};
