/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues of --selftest, filled and read by hand as those of st_queue.c. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "st.h"

#define REST_AT 5120u /* where the second part of a split frame goes, in its slot */
#define BAD_KEY 1u    /* bits that turn a key into one of no region: its variant, PRM mkey 7:0 */

ST_UNDO(ibv_destroy_wq, struct ibv_wq)
ST_UNDO(ibv_destroy_qp, struct ibv_qp)
ST_UNDO(ibv_destroy_rwq_ind_table, struct ibv_rwq_ind_table)

static struct mlx5_wqe_data_seg *rx_wqe(const struct st_rx *rx, unsigned i)
{
	return (struct mlx5_wqe_data_seg *)(void *)((uint8_t *)rx->dv.buf +
						    (size_t)i * rx->dv.stride);
}

static void write_wqes(struct st_rx *rx, const struct st_rx_opts *o)
{
	unsigned len = o->buf_len ? o->buf_len : ST_SLOT;

	for (unsigned i = 0; i < ST_RX_DEPTH; i++) {
		uint8_t *at = st_slot(rx->port, rx->slot + i);

		mlx5dv_set_data_seg(rx_wqe(rx, i), o->split ? o->split : len, rx->port->mr->lkey,
				    (uintptr_t)at);
		if (o->split)
			mlx5dv_set_data_seg(rx_wqe(rx, i) + 1, REST_AT, rx->port->mr->lkey,
					    (uintptr_t)(at + REST_AT));
	}
}

void st_rx_keys(struct st_rx *rx, bool good)
{
	if (!rx->wq)
		return;
	for (unsigned i = 0; i < ST_RX_DEPTH; i++)
		*(uint32_t *)(void *)&rx_wqe(rx, i)->lkey =
			htobe32(rx->port->mr->lkey ^ (good ? 0 : BAD_KEY));
}

void st_rx_post(struct st_rx *rx, unsigned n)
{
	rx->pi = (uint16_t)(rx->pi + n);
	/* release: the WQEs are in memory before the device may look at them */
	__atomic_store_n((uint32_t *)(void *)&rx->dv.dbrec[MLX5_RCV_DBR], htobe32(rx->pi),
			 __ATOMIC_RELEASE);
}

static void set_state(struct st *st, struct st_rx *rx, enum ibv_wq_state state)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = state};
	int err;

	if (!st_good(st))
		return;
	err = ibv_modify_wq(rx->wq, &attr);
	st_need(st, !err, "work queue to state %d: %s", (int)state, strerror(err));
}

static void make_table(struct st *st, struct st_rx *rx)
{
	struct ibv_rwq_ind_table_init_attr attr = {.ind_tbl = &rx->wq};

	if (!st_good(st))
		return;
	rx->table = ibv_create_rwq_ind_table(rx->port->ctx, &attr);
	st_need(st, rx->table, "indirection table of one: %s", strerror(errno));
	if (rx->table)
		st_defer(st, undo_ibv_destroy_rwq_ind_table, rx->table);
}

static struct ibv_qp *make_qp(struct st *st, const struct st_port *p,
			      struct ibv_rwq_ind_table *table, struct ibv_rx_hash_conf conf,
			      unsigned flags)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_RX_HASH | IBV_QP_INIT_ATTR_IND_TABLE,
		.pd = p->pd,
		.rwq_ind_tbl = table,
		.rx_hash_conf = conf,
	};
	struct mlx5dv_qp_init_attr dv = {.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
					 .create_flags = flags};
	struct ibv_qp *qp;

	if (!st_good(st))
		return NULL;
	qp = flags ? mlx5dv_create_qp(p->ctx, &attr, &dv) : ibv_create_qp_ex(p->ctx, &attr);
	st_need(st, qp, "hash queue pair: %s", strerror(errno));
	if (qp)
		st_defer(st, undo_ibv_destroy_qp, qp);
	return qp;
}

static struct ibv_rx_hash_conf hash_conf(uint64_t fields, const uint8_t key[40])
{
	return (struct ibv_rx_hash_conf){.rx_hash_function = IBV_RX_HASH_FUNC_TOEPLITZ,
					 .rx_hash_key_len = 40,
					 .rx_hash_key = (uint8_t *)(uintptr_t)key,
					 .rx_hash_fields_mask = fields};
}

static void make_wq(struct st *st, struct st_rx *rx, const struct st_rx_opts *o)
{
	struct ibv_wq_init_attr attr = {.wq_type = IBV_WQT_RQ,
					.max_wr = ST_RX_DEPTH,
					.max_sge = o->split ? 2 : 1,
					.pd = rx->port->pd,
					.cq = rx->cq.cq,
					.comp_mask = o->create_flags ? IBV_WQ_INIT_ATTR_FLAGS : 0,
					.create_flags = o->create_flags};
	struct mlx5dv_obj obj = {0};

	if (!st_good(st))
		return;
	rx->wq = ibv_create_wq(rx->port->ctx, &attr);
	st_need(st, rx->wq, "work queue: %s", strerror(errno));
	if (!rx->wq)
		return;
	st_defer(st, undo_ibv_destroy_wq, rx->wq);
	obj.rwq.in = rx->wq;
	obj.rwq.out = &rx->dv;
	st_need(st, !mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), "mlx5dv_init_obj: %s", strerror(errno));
	st_need(st, rx->dv.wqe_cnt == ST_RX_DEPTH, "the ring has %u entries, not %u",
		rx->dv.wqe_cnt, ST_RX_DEPTH);
}

void st_rx_finish(struct st *st, struct st_rx *rx)
{
	static const uint8_t no_key[40];

	make_table(st, rx);
	rx->qp = make_qp(st, rx->port, rx->table, hash_conf(0, no_key), rx->qp_flags);
	set_state(st, rx, IBV_WQS_RDY);
}

void st_rx_open(struct st *st, struct st_port *p, struct st_rx *rx, const struct st_rx_opts *o)
{
	static const struct st_rx_opts plain;
	struct ibv_cq_init_attr_ex cq = {.cqe = ST_RX_DEPTH * 2};

	o = o ? o : &plain;
	cq.wc_flags = o->cq_flags;
	cq.channel = o->channel;
	memset(rx, 0, sizeof(*rx));
	rx->port = p;
	rx->slot = ST_TX_SLOTS + st->n_rx++ * ST_RX_DEPTH;
	rx->qp_flags = o->qp_flags;
	if (o->format)
		st_cq_open_packed(st, p, &rx->cq, ST_RX_DEPTH * 2 - 1, o->format);
	else
		st_cq_open(st, p, &rx->cq, &cq);
	make_wq(st, rx, o);
	st_rx_finish(st, rx);
	if (!st_good(st))
		return;
	memset(st_slot(p, rx->slot), 0x55, (size_t)ST_RX_DEPTH * ST_SLOT);
	write_wqes(rx, o);
	st_rx_post(rx, ST_RX_DEPTH);
}

void st_rx_restart(struct st *st, struct st_rx *rx)
{
	struct st_cqe cqe;

	while (st_cq_poll(st, &rx->cq, &cqe, 5))
		;
	set_state(st, rx, IBV_WQS_RESET);
	set_state(st, rx, IBV_WQS_RDY);
	if (!st_good(st))
		return;
	rx->pi = 0;
	rx->held = false;
	st_rx_post(rx, ST_RX_DEPTH);
}

struct ibv_qp *st_rss_open(struct st *st, struct st_rx *const *rx, unsigned n, uint64_t fields,
			   const uint8_t key[40])
{
	struct ibv_wq *wqs[ST_MAX_RX];
	struct ibv_rwq_ind_table_init_attr attr = {.ind_tbl = wqs};
	struct ibv_rwq_ind_table *table;

	if (!st_good(st))
		return NULL;
	for (unsigned i = 0; i < n; i++)
		wqs[i] = rx[i]->wq;
	while (1u << attr.log_ind_tbl_size < n)
		attr.log_ind_tbl_size++;
	table = ibv_create_rwq_ind_table(rx[0]->port->ctx, &attr);
	st_need(st, table, "indirection table of %u: %s", n, strerror(errno));
	if (table)
		st_defer(st, undo_ibv_destroy_rwq_ind_table, table);
	return make_qp(st, rx[0]->port, table, hash_conf(fields, key), rx[0]->qp_flags);
}

/* ---- receiving ---- */

static bool poll_any(struct st *st, struct st_rx *rx, struct st_cqe *cqe, unsigned ms)
{
	if (!st_good(st))
		return false;
	if (rx->held)
		st_rx_post(rx, 1);
	rx->held = false;
	if (!st_cq_poll(st, &rx->cq, cqe, ms))
		return false;
	rx->held = true;
	cqe->data = st_slot(rx->port, rx->slot + cqe->counter % ST_RX_DEPTH);
	return true;
}

bool st_rx_poll(struct st *st, struct st_rx *rx, struct st_cqe *cqe, unsigned ms)
{
	while (poll_any(st, rx, cqe, ms))
		if (!rx->only_from || cqe->opcode != ST_CQE_RESP_SEND ||
		    !memcmp(cqe->data + 6, rx->only_from, 6))
			return true;
	return false;
}

static void compare(struct st *st, const uint8_t *got, const struct st_frame *f, unsigned len)
{
	for (unsigned i = 0; i < len && st_good(st); i++) {
		uint8_t want = i < f->len ? f->b[i] : 0;

		st_need(st, got[i] == want, "byte %u of %u is 0x%02x, not 0x%02x", i, len, got[i],
			want);
	}
}

void st_rx_expect(struct st *st, struct st_rx *rx, const struct st_frame *f, struct st_cqe *cqe)
{
	unsigned len = f->len < 60 ? 60 : f->len; /* the wire pads */
	struct st_cqe own = {0};

	cqe = cqe ? cqe : &own;
	memset(cqe, 0, sizeof(*cqe));
	if (!st_good(st))
		return;
	if (!st_rx_poll(st, rx, cqe, ST_WAIT_MS)) {
		st_fail(st, "a frame of %u bytes did not arrive in %d ms", f->len, ST_WAIT_MS);
		return;
	}
	st_need(st, cqe->opcode == ST_CQE_RESP_SEND,
		"completion with opcode %u, syndrome 0x%02x in place of a frame", cqe->opcode,
		cqe->syndrome);
	st_need(st, cqe->len == len, "the completion tells %u bytes, not %u", cqe->len, len);
	if (st_good(st))
		compare(st, cqe->data, f, len);
}
