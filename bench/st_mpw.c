/* SPDX-License-Identifier: Apache-2.0 */
/* Striding receive queues of --selftest, filled and read by hand as those of st_rxq.c. */
#include <errno.h>
#include <string.h>

#include "st.h"

#define WQES	    ST_MPW_WQES
#define LOG_STRIDE  6u
#define LOG_STRIDES 3u /* or the fewest that the device takes */

/* PRM, CQE of a striding queue: byte_cnt */
#define FILLER	   0x80000000u
#define STRIDES(n) ((n) >> 16 & 0x7fff)
#define LENGTH(n)  ((n)&0xffff)

ST_UNDO(ibv_destroy_wq, struct ibv_wq)

static size_t wqe_size(const struct st_mpw *m)
{
	return (size_t)1 << (m->log_stride + m->log_strides);
}

static uint8_t *wqe_mem(const struct st_mpw *m, unsigned i)
{
	return st_slot(m->rx.port, ST_TX_SLOTS) + i % WQES * wqe_size(m);
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

bool st_mpw_shape(struct st *st, struct st_mpw *m)
{
	const struct mlx5dv_striding_rq_caps *caps = &st->b->dv.striding_rq_caps;

	if (!(st->b->dv.comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ) ||
	    !(caps->supported_qpts & 1u << IBV_QPT_RAW_PACKET)) {
		st_skip(st, "the device does not report it");
		return false;
	}
	m->log_stride = larger(LOG_STRIDE, caps->min_single_stride_log_num_of_bytes);
	m->log_strides = larger(LOG_STRIDES, caps->min_single_wqe_log_num_of_strides);
	if (wqe_size(m) * WQES > (size_t)(ST_SLOTS - ST_TX_SLOTS) * ST_SLOT)
		st_skip(st, "WQEs of %zu bytes are more than this check has", wqe_size(m));
	if (wqe_size(m) < (size_t)2 * 1514)
		m->log_strides = 6; /* the longest frame, twice */
	return st_good(st);
}

static void make_wq(struct st *st, struct st_mpw *m)
{
	struct ibv_wq_init_attr attr = {
		.wq_type = IBV_WQT_RQ, .max_wr = WQES, .max_sge = 1, .pd = st->b->pd};
	struct mlx5dv_wq_init_attr dv = {
		.comp_mask = MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ,
		.striding_rq_attrs = {.single_stride_log_num_of_bytes = m->log_stride,
				      .single_wqe_log_num_of_strides = m->log_strides}};
	struct mlx5dv_obj obj = {0};

	if (!st_good(st))
		return;
	attr.cq = m->rx.cq.cq;
	m->rx.wq = mlx5dv_create_wq(st->b->ctx, &attr, &dv);
	st_need(st, m->rx.wq, "striding work queue: %s", strerror(errno));
	if (!m->rx.wq)
		return;
	st_defer(st, undo_ibv_destroy_wq, m->rx.wq);
	obj.rwq.in = m->rx.wq;
	obj.rwq.out = &m->rx.dv;
	st_need(st, !mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), "mlx5dv_init_obj: %s", strerror(errno));
	st_need(st, m->rx.dv.wqe_cnt == WQES, "the ring has %u entries, not %u", m->rx.dv.wqe_cnt,
		WQES);
}

void st_mpw_open(struct st *st, struct st_mpw *m, unsigned format)
{
	struct ibv_cq_init_attr_ex cq = {.cqe = 255};

	m->rx.port = st->b;
	if (format)
		st_cq_open_packed(st, st->b, &m->rx.cq, cq.cqe, format);
	else
		st_cq_open(st, st->b, &m->rx.cq, &cq);
	make_wq(st, m);
	st_rx_finish(st, &m->rx);
	if (!st_good(st))
		return;
	for (unsigned i = 0; i < WQES; i++) {
		/* PRM: a next segment, then one pointer */
		uint8_t *wqe = (uint8_t *)m->rx.dv.buf + (size_t)i * m->rx.dv.stride;

		memset(wqe, 0, 16);
		mlx5dv_set_data_seg((struct mlx5_wqe_data_seg *)(void *)(wqe + 16),
				    (uint32_t)wqe_size(m), st->b->mr->lkey,
				    (uintptr_t)wqe_mem(m, i));
	}
	st_rx_post(&m->rx, WQES);
}

/* Strides that the completion says were used: all of a WQE add up to what it has. */
static void use(struct st *st, struct st_mpw *m, const struct st_cqe *cqe)
{
	unsigned strides = STRIDES(cqe->len), all = 1u << m->log_strides;

	st_need(st, cqe->wqe_id == m->wqe % WQES || cqe->wqe_id == (uint16_t)m->wqe,
		"WQE %u, not %u: of the one before, %u of %u strides were told", cqe->wqe_id,
		m->wqe % WQES, m->used, all);
	st_need(st, cqe->counter == m->used, "stride %u, not %u", cqe->counter, m->used);
	m->used += strides;
	st_need(st, strides && m->used <= all, "%u strides of %u are used", m->used, all);
}

bool st_mpw_take(struct st *st, struct st_mpw *m, const struct st_cqe *cqe,
		 const struct st_frame *f)
{
	const uint8_t *at = wqe_mem(m, m->wqe) + ((size_t)m->used << m->log_stride);
	bool filler = cqe->len & FILLER;

	st_need(st, cqe->opcode == ST_CQE_RESP_SEND, "completion with opcode %u, 0x%02x",
		cqe->opcode, cqe->syndrome);
	use(st, m, cqe);
	m->fillers += filler;
	st_need(st, filler || LENGTH(cqe->len) == f->len, "the completion tells %u bytes, not %u",
		LENGTH(cqe->len), f->len);
	if (!filler && st_good(st))
		st_need(st, !memcmp(at, f->b, f->len), "a frame of %u bytes is not what was sent",
			f->len);
	if (st_good(st) && m->used == 1u << m->log_strides) {
		m->used = 0;
		m->wqe++;
		st_rx_post(&m->rx, 1);
	}
	return !filler;
}
