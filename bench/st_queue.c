/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion and send queues of --selftest, written and read as the PRM and mlx5dv.h say and with
 * nothing of libdaqiri, so that both are judged by the same device and the device by both.
 */
#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "st.h"

#define SPINS 2000u /* looks at a CQE before the core is offered to others */

/* PRM "CQE format": offsets into its 64 bytes */
enum {
	AT_WQE_ID = 2,
	AT_HASH = 12,
	AT_HASH_TYPE = 16,
	AT_SUM = 20,
	AT_OK = 28,
	AT_L3L4 = 29,
	AT_VLAN = 30,
	AT_BYTES = 44,
	AT_TIMESTAMP = 48,
	AT_SYNDROME = 55,
	AT_TAG = 56,
	AT_COUNTER = 60,
	AT_OWNER = 63
};

ST_UNDO(ibv_destroy_cq, struct ibv_cq)
ST_UNDO(ibv_destroy_qp, struct ibv_qp)

/* What the device reads next is in memory before what is written next. */
static void to_device(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb oshst" ::: "memory");
#elif defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("" ::: "memory");
#else
	__sync_synchronize();
#endif
}

/* Write-combining and device memory: everything before is on its way before anything after. */
static void flush_stores(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dsb st" ::: "memory");
#elif defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("sfence" ::: "memory");
#else
	__sync_synchronize();
#endif
}

/* ---- completion queues ---- */

static void adopt(struct st *st, struct st_cq *cq)
{
	struct mlx5dv_obj obj = {0};

	st_need(st, cq->cq, "completion queue: %s", strerror(errno));
	if (!cq->cq)
		return;
	st_defer(st, undo_ibv_destroy_cq, cq->cq);
	obj.cq.in = cq->cq;
	obj.cq.out = &cq->dv;
	st_need(st, !mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), "mlx5dv_init_obj: %s", strerror(errno));
}

void st_cq_open(struct st *st, struct st_port *p, struct st_cq *cq,
		const struct ibv_cq_init_attr_ex *want)
{
	struct ibv_cq_init_attr_ex attr = *want;
	struct ibv_cq_ex *ex = NULL;

	memset(cq, 0, sizeof(*cq));
	if (!st_good(st))
		return;
	if (attr.wc_flags)
		ex = ibv_create_cq_ex(p->ctx, &attr);
	else
		cq->cq = ibv_create_cq(p->ctx, (int)attr.cqe, NULL, attr.channel, 0);
	if (ex)
		cq->cq = ibv_cq_ex_to_cq(ex);
	if (!cq->cq && attr.wc_flags && errno == EOPNOTSUPP) {
		st_skip(st, "the device has no completions of this kind");
		return;
	}
	adopt(st, cq);
}

void st_cq_open_packed(struct st *st, struct st_port *p, struct st_cq *cq, unsigned entries,
		       unsigned format)
{
	struct ibv_cq_init_attr_ex attr = {.cqe = entries};
	struct mlx5dv_cq_init_attr dv = {.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE,
					 .cqe_comp_res_format = (uint8_t)format};
	struct ibv_cq_ex *ex;

	memset(cq, 0, sizeof(*cq));
	if (!st_good(st))
		return;
	ex = mlx5dv_create_cq(p->ctx, &attr, &dv);
	if (ex)
		cq->cq = ibv_cq_ex_to_cq(ex);
	adopt(st, cq);
}

uint8_t *st_cq_slot(const struct st_cq *cq, uint32_t index)
{
	uint32_t n = cq->dv.cqe_cnt, size = cq->dv.cqe_size;
	uint8_t *at = (uint8_t *)cq->dv.buf + (size_t)(index & (n - 1)) * size;

	return at + size - 64; /* 128-byte entries: the second half */
}

static const uint8_t *cqe_ready(const struct st_cq *cq)
{
	const uint8_t *at = st_cq_slot(cq, cq->ci);
	uint8_t own;

	/* acquire: the rest of the CQE, and the frame, are read after the owner bit */
	own = __atomic_load_n(at + AT_OWNER, __ATOMIC_ACQUIRE);
	return own >> 4 != 15 && (own & 1) == !!(cq->ci & cq->dv.cqe_cnt) ? at : NULL;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t st_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

static void read_cqe(const uint8_t *at, struct st_cqe *out)
{
	uint64_t ts;

	memcpy(&ts, at + AT_TIMESTAMP, 8);
	*out = (struct st_cqe){
		.opcode = at[AT_OWNER] >> 4,
		.packed = (at[AT_OWNER] >> 2 & 3) == 3,
		.tunneled = at[0] & 1,
		.syndrome = at[AT_SYNDROME],
		.hash_type = at[AT_HASH_TYPE],
		.ok = at[AT_OK],
		.l3l4 = at[AT_L3L4],
		.vlan = get16(at + AT_VLAN),
		.counter = get16(at + AT_COUNTER),
		.wqe_id = get16(at + AT_WQE_ID),
		.len = st_get32(at + AT_BYTES),
		.tag = st_get32(at + AT_TAG) & 0xffffff,
		.hash = st_get32(at + AT_HASH),
		.sum = get16(at + AT_SUM),
		.timestamp = be64toh(ts),
	};
}

bool st_cq_peek(struct st *st, struct st_cq *cq, struct st_cqe *out, unsigned ms)
{
	uint64_t end = st_now_ns() + ms * 1000000ull;
	const uint8_t *at;

	if (!st_good(st))
		return false;
	for (unsigned spin = 1; !(at = cqe_ready(cq)); spin++) {
		if (spin % SPINS)
			continue;
		if (st_now_ns() >= end)
			return false;
		sched_yield();
	}
	read_cqe(at, out);
	return true;
}

void st_cq_give_back(struct st_cq *cq, uint32_t n)
{
	uint32_t end = cq->ci + n;

	/* the device wrote small completions over owner bits: now as the last round left them */
	for (; n > 1 && cq->ci != end; cq->ci++)
		st_cq_slot(cq, cq->ci)[AT_OWNER] = cq->ci & cq->dv.cqe_cnt ? 0xf1 : 0xf0;
	cq->ci = end;
	/* release: the CQE was read before the device may write it again */
	__atomic_store_n((uint32_t *)(void *)&cq->dv.dbrec[0], htobe32(cq->ci & 0xffffff),
			 __ATOMIC_RELEASE);
}

bool st_cq_poll(struct st *st, struct st_cq *cq, struct st_cqe *out, unsigned ms)
{
	if (!st_cq_peek(st, cq, out, ms))
		return false;
	st_cq_give_back(cq, 1);
	return true;
}

/* ---- send queues ---- */

void st_sq_state(struct st *st, struct st_sq *sq, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = (uint8_t)sq->port->info.port_num};
	int mask = IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0);
	int err;

	if (!st_good(st))
		return;
	err = ibv_modify_qp(sq->qp, &attr, mask);
	st_need(st, !err, "queue pair to state %d: %s", (int)state, strerror(err));
}

static void to_ready(struct st *st, struct st_sq *sq)
{
	st_sq_state(st, sq, IBV_QPS_INIT);
	st_sq_state(st, sq, IBV_QPS_RTR);
	st_sq_state(st, sq, IBV_QPS_RTS);
}

void st_sq_restart(struct st *st, struct st_sq *sq)
{
	struct st_cqe cqe;

	while (st_cq_poll(st, &sq->cq, &cqe, 5))
		;
	st_sq_state(st, sq, IBV_QPS_RESET);
	to_ready(st, sq);
	sq->pi = 0;
}

void st_sq_open(struct st *st, struct st_port *p, struct st_sq *sq, unsigned depth)
{
	struct ibv_cq_init_attr_ex cq = {.cqe = depth * 2};
	struct ibv_qp_init_attr attr = {.qp_type = IBV_QPT_RAW_PACKET,
					.cap = {.max_send_wr = depth, .max_send_sge = 1}};
	struct mlx5dv_obj obj = {0};

	memset(sq, 0, sizeof(*sq));
	sq->port = p;
	st_cq_open(st, p, &sq->cq, &cq);
	if (!st_good(st))
		return;
	attr.send_cq = attr.recv_cq = sq->cq.cq;
	sq->qp = ibv_create_qp(p->pd, &attr);
	st_need(st, sq->qp, "raw packet queue pair: %s", strerror(errno));
	if (!sq->qp)
		return;
	st_defer(st, undo_ibv_destroy_qp, sq->qp);
	obj.qp.in = sq->qp;
	obj.qp.out = &sq->dv;
	st_need(st, !mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), "mlx5dv_init_obj: %s", strerror(errno));
	to_ready(st, sq);
}

void st_wqe_begin(struct st_sq *sq, unsigned opcode, unsigned ce)
{
	memset(sq->wqe, 0, sizeof(sq->wqe));
	mlx5dv_set_ctrl_seg((struct mlx5_wqe_ctrl_seg *)(void *)sq->wqe, sq->pi, (uint8_t)opcode, 0,
			    0, (uint8_t)ce, 0, 0, 0);
	sq->begun = 1;
}

void *st_wqe_seg(struct st_sq *sq, unsigned ds)
{
	void *at = sq->wqe + (size_t)sq->begun * 16;

	sq->begun += ds;
	return at;
}

struct mlx5_wqe_eth_seg *st_wqe_eth(struct st_sq *sq, unsigned cs_flags)
{
	struct mlx5_wqe_eth_seg *eth = st_wqe_seg(sq, 1);

	eth->cs_flags = (uint8_t)cs_flags;
	return eth;
}

void st_wqe_ptr(struct st_sq *sq, const void *at, unsigned len)
{
	mlx5dv_set_data_seg(st_wqe_seg(sq, 1), len, sq->port->mr->lkey, (uintptr_t)at);
}

void st_wqe_inline(struct st_sq *sq, const void *at, unsigned len)
{
	uint8_t *seg = st_wqe_seg(sq, (4 + len + 15) / 16);
	uint32_t head = htobe32(0x80000000u | len); /* PRM: inline data segment */

	memcpy(seg, &head, 4);
	memcpy(seg + 4, at, len);
}

void st_wqe_end(struct st_sq *sq)
{
	struct mlx5_wqe_ctrl_seg *ctrl = (struct mlx5_wqe_ctrl_seg *)(void *)sq->wqe;
	unsigned n = (sq->begun + 3) / 4;

	*(uint32_t *)(void *)&ctrl->qpn_ds = htobe32(sq->qp->qp_num << 8 | sq->begun);
	for (unsigned i = 0; i < n; i++, sq->pi++)
		memcpy((uint8_t *)sq->dv.sq.buf + (size_t)(sq->pi & (sq->dv.sq.wqe_cnt - 1)) * 64,
		       sq->wqe + (size_t)i * 64, 64);
	sq->last = *ctrl;
}

void st_sq_record(struct st_sq *sq)
{
	to_device(); /* the WQEs first */
	__atomic_store_n((uint32_t *)(void *)&sq->dv.dbrec[MLX5_SND_DBR], htobe32(sq->pi),
			 __ATOMIC_RELAXED);
}

void st_sq_bell(struct st_sq *sq, const struct mlx5_wqe_ctrl_seg *ctrl)
{
	uint64_t word;

	memcpy(&word, ctrl, 8);
	flush_stores(); /* the record first */
	*(volatile uint64_t *)(void *)((uint8_t *)sq->dv.bf.reg + sq->bf_off) = word;
	flush_stores();
	sq->bf_off ^= sq->dv.bf.size; /* 0: a page without BlueFlame has no second half */
}

void st_sq_ring(struct st_sq *sq)
{
	st_sq_record(sq);
	st_sq_bell(sq, &sq->last);
}

uint8_t *st_stage(struct st_port *p, unsigned slot, const struct st_frame *f)
{
	return memcpy(st_slot(p, slot % ST_TX_SLOTS), f->b, f->len);
}

void st_send(struct st_sq *sq, unsigned slot, const struct st_frame *f)
{
	if (!sq->qp)
		return;
	st_wqe_begin(sq, MLX5_OPCODE_SEND, ST_CE_ALWAYS);
	st_wqe_eth(sq, 0);
	st_wqe_ptr(sq, st_stage(sq->port, slot, f), f->len);
	st_wqe_end(sq);
	st_sq_ring(sq);
}

uint16_t st_sq_wait(struct st *st, struct st_sq *sq)
{
	struct st_cqe cqe = {0};

	if (!st_cq_poll(st, &sq->cq, &cqe, ST_WAIT_MS))
		st_fail(st, "no completion of a sent frame in %d ms", ST_WAIT_MS);
	else
		st_need(st, cqe.opcode == ST_CQE_REQ,
			"a sent frame ended in error: syndrome 0x%02x", cqe.syndrome);
	return cqe.counter;
}
