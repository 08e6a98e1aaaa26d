/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: what is refused, how it is told, and the way back; events. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "st.h"

#define EVENT_MS 500

ST_UNDO(ibv_destroy_comp_channel, struct ibv_comp_channel)

/* A SEND of len bytes at addr by key. */
static void send_raw(struct st_sq *sq, const void *at, unsigned len, uint32_t key)
{
	if (!sq->qp)
		return;
	st_wqe_begin(sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
	st_wqe_eth(sq, 0);
	mlx5dv_set_data_seg(st_wqe_seg(sq, 1), len, key, (uintptr_t)at);
	st_wqe_end(sq);
}

static void expect_error(struct st *st, struct st_cq *cq, uint8_t opcode, uint8_t syndrome)
{
	struct st_cqe cqe;

	if (!st_cq_poll(st, cq, &cqe, ST_WAIT_MS)) {
		st_need(st, false, "no completion where syndrome 0x%02x was due", syndrome);
		return;
	}
	st_need(st, cqe.opcode == opcode, "completion with opcode %u, not %u", cqe.opcode, opcode);
	st_need(st, cqe.syndrome == syndrome, "syndrome 0x%02x, not 0x%02x", cqe.syndrome,
		syndrome);
}

/* What is sent must not arrive, and the queue stops. */
static void bad_send(struct st *st, uint32_t key_xor, size_t offset)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	st_plain(st, &f, 100, 1);
	st_stage(st->a, 0, &f);
	send_raw(&l.sq, st->a->mem + offset, 100, st->a->mr->lkey ^ key_xor);
	st_sq_ring(&l.sq);
	expect_error(st, &l.sq.cq, ST_CQE_REQ_ERR, ST_SYN_PROT);
}

static void tx_key(struct st *st)
{
	bad_send(st, 1, 0);
}

static void tx_bounds(struct st *st)
{
	bad_send(st, 0, (size_t)ST_SLOTS * ST_SLOT - 99);
}

static void tx_flush(struct st *st)
{
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	send_raw(&l.sq, st->a->mem, 100, st->a->mr->lkey ^ 1);
	for (unsigned i = 0; i < 3; i++)
		send_raw(&l.sq, st->a->mem, 100, st->a->mr->lkey);
	st_sq_ring(&l.sq);
	expect_error(st, &l.sq.cq, ST_CQE_REQ_ERR, ST_SYN_PROT);
	for (unsigned i = 0; i < 3; i++)
		expect_error(st, &l.sq.cq, ST_CQE_REQ_ERR, ST_SYN_FLUSH);
}

static void tx_opcode(struct st *st)
{
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	st_wqe_begin(&l.sq, 0x1f, ST_CE_ALWAYS); /* PRM: no such opcode */
	st_wqe_eth(&l.sq, 0);
	st_wqe_end(&l.sq);
	st_sq_ring(&l.sq);
	expect_error(st, &l.sq.cq, ST_CQE_REQ_ERR, ST_SYN_QP_OP);
}

static void tx_restart(struct st *st)
{
	struct st_cqe cqe;
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	if (!st_good(st))
		return;
	st_expect_mark(st, &l.sq, &l.rx);
	send_raw(&l.sq, st->a->mem, 100, st->a->mr->lkey ^ 1);
	st_sq_ring(&l.sq);
	while (st_cq_poll(st, &l.sq.cq, &cqe, ST_WAIT_MS) && cqe.opcode != ST_CQE_REQ_ERR)
		;
	st_sq_restart(st, &l.sq);
	for (unsigned i = 0; i < 8 && st_good(st); i++) {
		st_plain(st, &f, 100, i);
		st_send(&l.sq, i, &f);
		st_need(st, st_sq_wait(st, &l.sq) == i, "WQE %u completed as another", i);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void tx_others(struct st *st)
{
	struct st_frame f;
	struct st_sq sq;
	struct st_link l;

	st_link_open(st, &l);
	st_sq_open(st, st->a, &sq, 64);
	if (!st_good(st))
		return;
	send_raw(&sq, st->a->mem, 100, st->a->mr->lkey ^ 1);
	st_sq_ring(&sq);
	expect_error(st, &sq.cq, ST_CQE_REQ_ERR, ST_SYN_PROT);
	st_plain(st, &f, 100, 1);
	st_send(&l.sq, 0, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
}

/* ---- receive ---- */

static void rx_key(struct st *st)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	st_rx_keys(&l.rx, false);
	st_plain(st, &f, 100, 1);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	expect_error(st, &l.rx.cq, ST_CQE_RESP_ERR, ST_SYN_PROT);
	for (unsigned i = 1; i < ST_RX_DEPTH; i++)
		expect_error(st, &l.rx.cq, ST_CQE_RESP_ERR, ST_SYN_FLUSH);
}

static void rx_restart(struct st *st)
{
	struct st_frame f;
	struct st_link l;

	st_link_open(st, &l);
	st_expect_mark(st, &l.sq, &l.rx);
	st_rx_keys(&l.rx, false);
	st_plain(st, &f, 100, 1);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	expect_error(st, &l.rx.cq, ST_CQE_RESP_ERR, ST_SYN_PROT);
	st_rx_restart(st, &l.rx);
	st_rx_keys(&l.rx, true);
	for (unsigned i = 0; i < 8 && st_good(st); i++) {
		st_plain(st, &f, 100, i);
		st_send(&l.sq, i, &f);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static void rx_length(struct st *st)
{
	const struct st_rx_opts small = {.buf_len = 128};
	struct st_frame f;
	struct st_rule r;
	struct st_link l;

	st_sq_open(st, st->a, &l.sq, 64);
	st_rx_open(st, st->b, &l.rx, &small);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, l.rx.qp, &r);
	st_plain(st, &f, 129, 1);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	expect_error(st, &l.rx.cq, ST_CQE_RESP_ERR, ST_SYN_LENGTH);
	st_need(st, st_slot(st->b, l.rx.slot)[128] == 0x55, "written behind the buffer");
	st_plain(st, &f, 128, 2);
	st_send(&l.sq, 1, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
}

static void rx_others(struct st *st)
{
	struct st_frame f;
	struct st_rule r;
	struct st_link l;
	struct st_rx bad;

	st_link_open(st, &l);
	st_rx_open(st, st->b, &bad, NULL);
	st_rx_keys(&bad, false);
	st_rule(&r, 0);
	st_rule_eth(&r, st->b->info.mac, 0x88b7);
	st_flow(st, bad.qp, &r);
	if (!st_good(st))
		return;
	st_ether(&f, st->b->info.mac, st->a->info.mac, 0x88b7);
	st_fill(&f, 64, 1);
	st_send(&l.sq, 0, &f);
	expect_error(st, &bad.cq, ST_CQE_RESP_ERR, ST_SYN_PROT);
	st_plain(st, &f, 100, 1);
	st_send(&l.sq, 1, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
}

static const struct st_check errors[] = {
	{"error.tx_key", "a wrong key stops a send queue", tx_key},
	{"error.tx_bounds", "so does a frame that leaves its region", tx_bounds},
	{"error.tx_opcode", "so does an opcode that does not exist", tx_opcode},
	{"error.tx_flush", "what was posted behind it completes as flushed", tx_flush},
	{"error.tx_restart", "after a reset the queue sends again, from its beginning", tx_restart},
	{"error.tx_others", "other send queues go on", tx_others},
	{"error.rx_key", "a wrong key stops a receive queue, its buffers come back", rx_key},
	{"error.rx_restart", "after a reset the queue receives again", rx_restart},
	{"error.rx_length", "a frame too long for its buffer costs that buffer only", rx_length},
	{"error.rx_others", "other receive queues go on", rx_others},
};

const struct st_group st_group_error = {errors, sizeof(errors) / sizeof(errors[0])};

/* ---- events ---- */

/* Arms by hand: the record and the register, sequence number 0. */
static void arm(struct st_cq *cq)
{
	uint32_t word = cq->ci & 0xffffff; /* PRM: any completion, sequence 0 */
	uint64_t bell = htobe64((uint64_t)word << 32 | cq->dv.cqn);

	__atomic_store_n((uint32_t *)(void *)&cq->dv.dbrec[1], htobe32(word), __ATOMIC_RELEASE);
	__sync_synchronize(); /* the record first */
	*(volatile uint64_t *)(void *)((uint8_t *)cq->dv.cq_uar + 0x20) = bell;
	__sync_synchronize();
}

static bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static struct ibv_comp_channel *open_channel(struct st *st, struct st_link *l)
{
	struct st_rx_opts opts = {0};
	struct st_rule r;

	opts.channel = ibv_create_comp_channel(st->b->ctx);
	st_need(st, opts.channel, "completion channel: %s", strerror(errno));
	if (!opts.channel)
		return NULL;
	st_defer(st, undo_ibv_destroy_comp_channel, opts.channel);
	st_sq_open(st, st->a, &l->sq, 64);
	st_rx_open(st, st->b, &l->rx, &opts);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, l->rx.qp, &r);
	return opts.channel;
}

static void completion_event(struct st *st)
{
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq = NULL;
	struct st_frame f;
	struct st_link l = {0};
	void *context;

	channel = open_channel(st, &l);
	if (!st_good(st) || !l.rx.cq.dv.dbrec)
		return;
	arm(&l.rx.cq);
	st_plain(st, &f, 100, 1);
	st_send(&l.sq, 0, &f);
	if (!readable(channel->fd, EVENT_MS)) {
		st_fail(st, "a frame came and no event in %d ms", EVENT_MS);
		return;
	}
	st_need(st, !ibv_get_cq_event(channel, &cq, &context) && cq == l.rx.cq.cq,
		"the event is of another completion queue");
	if (cq)
		ibv_ack_cq_events(cq, 1);
	st_rx_expect(st, &l.rx, &f, NULL);
	st_send(&l.sq, 1, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
	st_need(st, !readable(channel->fd, 10), "an event that nobody asked for");
}

static void no_event(struct st *st)
{
	struct ibv_comp_channel *channel;
	struct st_frame f;
	struct st_link l;

	channel = open_channel(st, &l);
	st_plain(st, &f, 100, 1);
	if (!st_good(st))
		return;
	st_send(&l.sq, 0, &f);
	st_rx_expect(st, &l.rx, &f, NULL);
	st_need(st, !readable(channel->fd, 10), "an event of a queue that was not armed");
}

static bool take_async(struct st *st, enum ibv_event_type type)
{
	struct ibv_async_event ev;
	bool found;

	if (ibv_get_async_event(st->a->ctx, &ev))
		return false;
	found = ev.event_type == type;
	ibv_ack_async_event(&ev);
	return found;
}

/* More completions than the queue holds, and nobody reads them. */
static void overrun(struct st *st)
{
	uint64_t end = st_now_ns() + EVENT_MS * 1000000ull;
	bool told = false;
	struct st_sq sq;

	st_sq_open(st, st->a, &sq, 64);
	if (!st_good(st))
		return;
	while (!told && st_now_ns() < end) {
		for (unsigned i = 0; i < 32; i++) {
			st_wqe_begin(&sq, ST_OP_NOP, ST_CE_ALWAYS);
			st_wqe_end(&sq);
		}
		if (sq.pi <= sq.cq.dv.cqe_cnt + 64)
			st_sq_ring(&sq);
		while (!told && readable(st->a->ctx->async_fd, 5))
			told = take_async(st, IBV_EVENT_CQ_ERR);
	}
	st_need(st, told, "a completion queue overran and no event came in %d ms", EVENT_MS);
}

static const struct st_check events[] = {
	{"event.completion", "an armed completion queue gives one event", completion_event},
	{"event.unarmed", "one that is not armed gives none", no_event},
	{"event.overrun", "an overrun completion queue is told", overrun},
};

const struct st_group st_group_event = {events, sizeof(events) / sizeof(events[0])};
