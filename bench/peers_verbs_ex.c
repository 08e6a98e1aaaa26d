/* SPDX-License-Identifier: Apache-2.0 */
/* libibverbs' extended interface: ibv_start_poll and its like, ibv_wr_*; without locks. */
#include "peers_ibv.h"
#include "peers_lib.h"

#include <stdlib.h>
#include <string.h>

/* What is told of a packet. */
struct told {
	uint64_t addr;
	uint32_t len, tag, flags;
	uint64_t time;
};

struct self {
	struct peers_ibv v;
	struct ibv_td *td;
	struct ibv_pd *domain;
	struct ibv_qp_ex *qp;
	struct ibv_cq_ex *recv_cq, *send_cq;
	struct told told[PEERS_MAX_BURST];
	bool timestamp;
};

/* ---- counted --------------------------------------------------------------------------------- */

static void read_len(struct ibv_cq_ex *cq, struct told *told)
{
	told->addr = cq->wr_id;
	told->len = ibv_wc_read_byte_len(cq);
}

static void read_checksum(struct ibv_cq_ex *cq, struct told *told)
{
	read_len(cq, told);
	told->flags = ibv_wc_read_wc_flags(cq);
	told->tag = ibv_wc_read_flow_tag(cq);
}

static void read_timestamp(struct ibv_cq_ex *cq, struct told *told)
{
	read_checksum(cq, told);
	told->time = ibv_wc_read_completion_ts(cq);
}

/* Made for each tier, as a program would write it. */
static inline __attribute__((always_inline)) void
poll_with(struct peers_rig *rig, void (*read_cqe)(struct ibv_cq_ex *, struct told *))
{
	struct self *self = rig->self;
	struct ibv_cq_ex *cq = self->recv_cq;
	struct ibv_poll_cq_attr attr = {0};
	uint32_t got = 0;

	if (ibv_start_poll(cq, &attr))
		return;
	do {
		if (cq->status != IBV_WC_SUCCESS)
			break;
		read_cqe(cq, &self->told[got++]);
	} while (got < rig->n && !ibv_next_poll(cq));
	ibv_end_poll(cq);
	rig->got = got;
}

static void receive_len(struct peers_rig *rig)
{
	poll_with(rig, read_len);
}

static void receive_checksum(struct peers_rig *rig)
{
	poll_with(rig, read_checksum);
}

static void receive_timestamp(struct peers_rig *rig)
{
	poll_with(rig, read_timestamp);
}

static void receive(struct peers_rig *rig)
{
	struct self *self = rig->self;

	if (self->timestamp)
		receive_timestamp(rig);
	else if (*rig->row->options)
		receive_checksum(rig);
	else
		receive_len(rig);
}

/* One completion for the burst before. */
static void reap(struct peers_rig *rig)
{
	struct self *self = rig->self;
	struct ibv_poll_cq_attr attr = {0};

	if (ibv_start_poll(self->send_cq, &attr)) {
		self->v.error |= rig->sent != 0;
		return;
	}
	self->v.error |= self->send_cq->status != IBV_WC_SUCCESS;
	ibv_end_poll(self->send_cq);
}

static void send_them(struct peers_rig *rig)
{
	struct self *self = rig->self;
	struct peers_ibv *v = &self->v;
	uint32_t n = rig->n, lkey = v->port.mr->lkey;

	ibv_wr_start(self->qp);
	for (uint32_t i = 0; i < n; i++) {
		const struct ibv_sge *sge = &v->send_sge[(v->send_at + i) % PEERS_DEPTH];

		self->qp->wr_flags = i + 1 < n ? 0 : IBV_SEND_SIGNALED;
		ibv_wr_send(self->qp);
		ibv_wr_set_sge(self->qp, lkey, sge->addr, sge->length);
	}
	v->error |= ibv_wr_complete(self->qp);
	v->send_at += n;
}

static void recycle(struct peers_rig *rig)
{
	peers_ibv_recycle(rig->self, rig->n);
}

/* ---- opening --------------------------------------------------------------------------------- */

static struct ibv_cq_ex *make_cq(struct self *self, uint64_t flags)
{
	struct ibv_cq_init_attr_ex attr = {.cqe = PEERS_DEPTH,
					   .wc_flags = flags,
					   .comp_mask = IBV_CQ_INIT_ATTR_MASK_FLAGS |
							IBV_CQ_INIT_ATTR_MASK_PD,
					   .flags = IBV_CREATE_CQ_ATTR_SINGLE_THREADED,
					   .parent_domain = self->domain};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(self->v.port.ctx, &attr);

	peers_need(cq != NULL, "ibv_create_cq_ex");
	return cq;
}

static void make_queue(struct self *self, uint64_t flags)
{
	struct ibv_qp_init_attr_ex attr = {.cap = {.max_send_wr = PEERS_DEPTH,
						   .max_recv_wr = PEERS_DEPTH,
						   .max_send_sge = 1,
						   .max_recv_sge = 1},
					   .qp_type = IBV_QPT_RAW_PACKET,
					   .comp_mask = IBV_QP_INIT_ATTR_PD |
							IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
					   .pd = self->domain,
					   .send_ops_flags = IBV_QP_EX_WITH_SEND};
	struct peers_ibv *v = &self->v;

	self->recv_cq = make_cq(self, flags);
	self->send_cq = make_cq(self, 0);
	v->port.recv_cq = ibv_cq_ex_to_cq(self->recv_cq);
	v->port.send_cq = ibv_cq_ex_to_cq(self->send_cq);
	attr.send_cq = v->port.send_cq;
	attr.recv_cq = v->port.recv_cq;
	v->port.qp = ibv_create_qp_ex(v->port.ctx, &attr);
	peers_need(v->port.qp != NULL, "ibv_create_qp_ex");
	self->qp = ibv_qp_to_qp_ex(v->port.qp);
}

static bool open_it(struct peers_rig *rig)
{
	struct ibv_td_init_attr td = {0};
	struct ibv_parent_domain_init_attr domain = {0};
	struct self *self = peers_zeroed(sizeof(*self));
	uint64_t flags = IBV_WC_EX_WITH_BYTE_LEN;

	peers_ibv_begin(&self->v);
	self->td = ibv_alloc_td(self->v.port.ctx, &td);
	domain.pd = self->v.port.pd;
	domain.td = self->td;
	self->domain = ibv_alloc_parent_domain(self->v.port.ctx, &domain);
	peers_need(self->td && self->domain, "thread domain");
	self->timestamp = !strcmp(rig->row->options, "timestamp");
	if (*rig->row->options)
		flags |= IBV_WC_EX_WITH_FLOW_TAG;
	if (self->timestamp)
		flags |= IBV_WC_EX_WITH_COMPLETION_TIMESTAMP;
	make_queue(self, flags);
	peers_ibv_start(&self->v);
	peers_say(rig, "chose", "ibv_start_poll, ibv_post_recv, ibv_wr_send");
	rig->self = self;
	return true;
}

static void close_it(struct peers_rig *rig)
{
	struct self *self = rig->self;

	peers_need(!self->v.error, "a work request");
	peers_port_end_queue(&self->v.port);
	ibv_dealloc_pd(self->domain);
	ibv_dealloc_td(self->td);
	peers_ibv_close(&self->v);
	free(self);
}

/* ---- not counted ----------------------------------------------------------------------------- */

static struct peers_frame received(struct peers_rig *rig, uint32_t i)
{
	const struct self *self = rig->self;
	const struct told *told = &self->told[i];

	if (*rig->row->options && !(told->flags & IBV_WC_IP_CSUM_OK))
		peers_fail("the checksum of packet %u of the burst is not told", i);
	if (self->timestamp && !told->time)
		peers_fail("packet %u of the burst has no timestamp", i);
	return (struct peers_frame){(const uint8_t *)(uintptr_t)told->addr, told->len};
}

static uint8_t *slot(struct peers_rig *rig, uint32_t i)
{
	const struct self *self = rig->self;

	return self->v.out[(self->v.send_at + i) % PEERS_DEPTH];
}

static void set_len(struct peers_rig *rig, uint32_t i, uint32_t len)
{
	struct peers_ibv *v = &((struct self *)rig->self)->v;

	v->send_sge[(v->send_at + i) % PEERS_DEPTH].length = len;
}

const struct peers_ops peers_verbs_ex = {
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
