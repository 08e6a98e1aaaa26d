/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: striding receive queues, where one WQE takes many frames. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "st.h"

#define WQES	    16u
#define LOG_STRIDE  6u
#define LOG_STRIDES 3u /* or the fewest that the device takes */
#define FRAMES	    300u

/* PRM, CQE of a striding queue: byte_cnt */
#define FILLER	   0x80000000u
#define STRIDES(n) ((n) >> 16 & 0x7fff)
#define LENGTH(n)  ((n)&0xffff)

ST_UNDO(ibv_destroy_wq, struct ibv_wq)

struct striding {
	struct st_sq sq;
	struct st_rx rx; /* its work queue is ours */
	unsigned log_stride, log_strides;
	unsigned wqe, used; /* where the next frame is due */
	unsigned fillers;
};

static size_t wqe_size(const struct striding *s)
{
	return (size_t)1 << (s->log_stride + s->log_strides);
}

static uint8_t *wqe_mem(const struct striding *s, unsigned i)
{
	return st_slot(s->rx.port, ST_TX_SLOTS) + i % WQES * wqe_size(s);
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* False: the check is skipped or has failed. */
static bool shape(struct st *st, struct striding *s)
{
	const struct mlx5dv_striding_rq_caps *caps = &st->b->dv.striding_rq_caps;

	if (!(st->b->dv.comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ) ||
	    !(caps->supported_qpts & 1u << IBV_QPT_RAW_PACKET)) {
		st_skip(st, "the device does not report it");
		return false;
	}
	s->log_stride = larger(LOG_STRIDE, caps->min_single_stride_log_num_of_bytes);
	s->log_strides = larger(LOG_STRIDES, caps->min_single_wqe_log_num_of_strides);
	if (wqe_size(s) * WQES > (size_t)(ST_SLOTS - ST_TX_SLOTS) * ST_SLOT)
		st_skip(st, "WQEs of %zu bytes are more than this check has", wqe_size(s));
	if (wqe_size(s) < (size_t)2 * 1514)
		s->log_strides = 6; /* the longest frame, twice */
	return st_good(st);
}

static void make_wq(struct st *st, struct striding *s)
{
	struct ibv_wq_init_attr attr = {
		.wq_type = IBV_WQT_RQ, .max_wr = WQES, .max_sge = 1, .pd = st->b->pd};
	struct mlx5dv_wq_init_attr dv = {
		.comp_mask = MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ,
		.striding_rq_attrs = {.single_stride_log_num_of_bytes = s->log_stride,
				      .single_wqe_log_num_of_strides = s->log_strides}};
	struct mlx5dv_obj obj = {0};

	if (!st_good(st))
		return;
	attr.cq = s->rx.cq.cq;
	s->rx.wq = mlx5dv_create_wq(st->b->ctx, &attr, &dv);
	st_need(st, s->rx.wq, "striding work queue: %s", strerror(errno));
	if (!s->rx.wq)
		return;
	st_defer(st, undo_ibv_destroy_wq, s->rx.wq);
	obj.rwq.in = s->rx.wq;
	obj.rwq.out = &s->rx.dv;
	st_need(st, !mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), "mlx5dv_init_obj: %s", strerror(errno));
	st_need(st, s->rx.dv.wqe_cnt == WQES, "the ring has %u entries, not %u", s->rx.dv.wqe_cnt,
		WQES);
}

static void post(struct striding *s, unsigned n)
{
	s->rx.pi = (uint16_t)(s->rx.pi + n);
	/* release: the WQEs are in memory before the device may look at them */
	__atomic_store_n((uint32_t *)(void *)&s->rx.dv.dbrec[MLX5_RCV_DBR], htobe32(s->rx.pi), __ATOMIC_RELEASE);
}

static void open_striding(struct st *st, struct striding *s)
{
	struct ibv_cq_init_attr_ex cq = {.cqe = 255};
	struct st_rule r;

	s->rx.port = st->b;
	st_sq_open(st, st->a, &s->sq, 64);
	st_cq_open(st, st->b, &s->rx.cq, &cq);
	make_wq(st, s);
	st_rx_finish(st, &s->rx);
	if (!st_good(st))
		return;
	for (unsigned i = 0; i < WQES; i++) {
		/* PRM: a next segment, then one pointer */
		uint8_t *wqe = (uint8_t *)s->rx.dv.buf + (size_t)i * s->rx.dv.stride;

		memset(wqe, 0, 16);
		mlx5dv_set_data_seg((struct mlx5_wqe_data_seg *)(void *)(wqe + 16),
				    (uint32_t)wqe_size(s), st->b->mr->lkey,
				    (uintptr_t)wqe_mem(s, i));
	}
	post(s, WQES);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, s->rx.qp, &r);
}

/* Strides that the completion says were used: all of a WQE add up to what it has. */
static void use(struct st *st, struct striding *s, const struct st_cqe *cqe)
{
	unsigned strides = STRIDES(cqe->len), all = 1u << s->log_strides;

	st_need(st, cqe->wqe_id == s->wqe % WQES || cqe->wqe_id == (uint16_t)s->wqe,
		"WQE %u, not %u: of the one before, %u of %u strides were told", cqe->wqe_id,
		s->wqe % WQES, s->used, all);
	st_need(st, cqe->counter == s->used, "stride %u, not %u", cqe->counter, s->used);
	s->used += strides;
	st_need(st, strides && s->used <= all, "%u strides of %u are used", s->used, all);
	if (s->used < all)
		return;
	s->used = 0;
	s->wqe++;
	post(s, 1);
}

static void expect(struct st *st, struct striding *s, const struct st_frame *f)
{
	struct st_cqe cqe = {0};
	const uint8_t *at = NULL;

	while (st_good(st)) {
		if (!st_cq_poll(st, &s->rx.cq, &cqe, ST_WAIT_MS)) {
			st_fail(st, "a frame of %u bytes did not arrive", f->len);
			return;
		}
		st_need(st, cqe.opcode == ST_CQE_RESP_SEND, "completion with opcode %u, 0x%02x",
			cqe.opcode, cqe.syndrome);
		at = wqe_mem(s, s->wqe) + ((size_t)s->used << s->log_stride);
		use(st, s, &cqe);
		if (!(cqe.len & FILLER))
			break;
		s->fillers++;
	}
	st_need(st, LENGTH(cqe.len) == f->len, "the completion tells %u bytes, not %u",
		LENGTH(cqe.len), f->len);
	st_need(st, !memcmp(at, f->b, f->len), "a frame of %u bytes is not what was sent", f->len);
}

static void striding(struct st *st)
{
	struct striding s = {.wqe = 0};
	struct st_frame f;

	if (!shape(st, &s))
		return;
	open_striding(st, &s);
	for (unsigned i = 0; i < FRAMES && st_good(st); i++) {
		st_plain(st, &f, 60 + i * 97 % 1455, i);
		st_send(&s.sq, i, &f);
		st_sq_wait(st, &s.sq);
		expect(st, &s, &f);
	}
	st_need(st, s.wqe > 2 * WQES, "only %u WQEs were used", s.wqe);
	st_need(st, s.fillers, "no WQE ended with strides left");
}

static const struct st_check checks[] = {
	{"rx.striding", "one WQE takes many frames, each stride of it is told", striding},
};

const struct st_group st_group_striding = {checks, sizeof(checks) / sizeof(checks[0])};
