/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_cqe.h"

#include <errno.h>
#include <time.h>

KIT_UNDO(ibv_destroy_wq, struct ibv_wq)
KIT_UNDO(ibv_dereg_mr, struct ibv_mr)

static int undo_free(void *mem)
{
	free(mem);
	return 0;
}

void kit_cqes(struct kit_cqes *c, struct ibv_cq *cq)
{
	struct mlx5dv_obj obj = {.cq = {.in = cq, .out = &c->dv}};

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	c->ci = 0;
}

uint8_t *kit_cqe_slot(const struct kit_cqes *c, uint32_t i)
{
	uint8_t *slot = (uint8_t *)c->dv.buf + (size_t)(i & (c->dv.cqe_cnt - 1)) * c->dv.cqe_size;

	return slot + c->dv.cqe_size - sizeof(struct mlx5_cqe64);
}

static bool is_ours(const struct kit_cqes *c)
{
	const uint8_t *op_own = kit_cqe_slot(c, c->ci) + 63;
	uint8_t byte = __atomic_load_n(op_own, __ATOMIC_ACQUIRE);

	return byte >> 4 != MLX5_CQE_INVALID && (byte & 1) == !!(c->ci & c->dv.cqe_cnt);
}

struct mlx5_cqe64 *kit_cqe(struct kit_cqes *c, unsigned ms)
{
	unsigned naps = ms * 20;

	while (!is_ours(c)) {
		if (!naps--)
			return NULL;
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
	return (struct mlx5_cqe64 *)(void *)kit_cqe_slot(c, c->ci);
}

void kit_cqe_done(struct kit_cqes *c, uint32_t n)
{
	/* As drivers do: what was an array of small ones must not look like a completion later. */
	for (uint32_t i = 0; i < n; i++)
		kit_cqe_slot(c, c->ci + i)[63] = MLX5_CQE_INVALID << 4;
	c->ci += n;
	__atomic_store_n(c->dv.dbrec, htobe32(c->ci & 0xffffff), __ATOMIC_RELEASE);
}

struct ibv_wq *kit_mpw_wq(struct kit *k, struct kit_port *p, struct ibv_cq *cq,
			  const struct kit_mpw *want)
{
	struct ibv_wq_init_attr attr = {
		.wq_type = IBV_WQT_RQ, .max_wr = want->depth, .max_sge = 1, .pd = p->pd, .cq = cq};
	struct mlx5dv_wq_init_attr dv = {
		.comp_mask = MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ,
		.striding_rq_attrs = {.single_stride_log_num_of_bytes = want->log_stride,
				      .single_wqe_log_num_of_strides = want->log_strides,
				      .two_byte_shift_en = want->shift != 0}};
	struct ibv_wq *wq = mlx5dv_create_wq(p->ctx, &attr, &dv);

	if (wq)
		kit_defer(k, undo_ibv_destroy_wq, wq);
	return wq;
}

static size_t wqe_bytes(const struct kit_mpw *m)
{
	return (size_t)1 << (m->log_stride + m->log_strides);
}

void kit_mpw(struct kit *k, struct kit_port *p, struct kit_mpw *m)
{
	struct ibv_wq_attr ready = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RDY};
	struct mlx5dv_obj obj = {.rwq = {.out = &m->dv}};

	kit_cqes(&m->cqes, m->cq);
	m->mem = aligned_alloc(4096, (m->depth * wqe_bytes(m) + 4095) & ~(size_t)4095);
	cr_assert_not_null(m->mem);
	kit_defer(k, undo_free, m->mem);
	memset(m->mem, 0x5a, m->depth * wqe_bytes(m));
	m->mr = ibv_reg_mr(p->pd, m->mem, m->depth * wqe_bytes(m), IBV_ACCESS_LOCAL_WRITE);
	cr_assert_not_null(m->mr);
	kit_defer(k, undo_ibv_dereg_mr, m->mr);
	m->wq = obj.rwq.in = kit_mpw_wq(k, p, m->cq, m);
	cr_assert_not_null(m->wq, "%s", strerror(errno));
	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), 0);
	cr_assert_eq(m->dv.stride, 32);
	cr_assert_eq(ibv_modify_wq(m->wq, &ready), 0);
	m->qp = kit_hash_qp(k, p, kit_table(k, p, &m->wq, 0), 0);
	cr_assert_not_null(m->qp, "%s", strerror(errno));
	kit_catch_all(k, m->qp);
	m->posted = 0;
}

void kit_mpw_post(struct kit_mpw *m, unsigned n)
{
	for (; n; n--, m->posted++) {
		size_t slot = m->posted & (m->depth - 1);
		uint8_t *wqe = (uint8_t *)m->dv.buf + slot * m->dv.stride;
		struct mlx5_wqe_data_seg *seg =
			(struct mlx5_wqe_data_seg *)(void *)(wqe +
							     sizeof(struct mlx5_wqe_srq_next_seg));

		seg->addr = htobe64((uintptr_t)m->mem + slot * wqe_bytes(m));
		seg->lkey = htobe32(m->mr->lkey);
		seg->byte_count = htobe32((uint32_t)wqe_bytes(m));
	}
	__atomic_store_n(m->dv.dbrec, htobe32(m->posted & 0xffff), __ATOMIC_RELEASE);
}
