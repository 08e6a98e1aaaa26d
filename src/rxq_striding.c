/* SPDX-License-Identifier: Apache-2.0 */
/* Makes striding receive queues; their data path is rxq_stride*.c. */
#include <errno.h>
#include <stdlib.h>

#include "config_stride.h"
#include "error.h"
#include "log.h"
#include "mlx5_wqe.h"
#include "rxq_striding.h"

enum {
	LOG_STRIDES = 6,   /* of a WQE, where the device allows it: 64 */
	WQES_MIN = 2,	   /* one is filled while another one's packets are held */
	CQES_MAX_LOG = 22, /* log_max_cq_sz of all these devices */
	FRAME_MAX = 65535  /* what a completion's length can tell */
};

static int refuse(const struct daqiri_rxq *q, const char *what)
{
	return dq_error(EOPNOTSUPP,
			"%s rx_mode=striding: %s %s: use rx_mode=cyclic, which every device has",
			q->conf->where, q->port->dev->info.rdma, what);
}

/* What the device allows; the strides of a WQE are few, and hold a frame at least. */
static int choose_strides(struct daqiri_rxq *q)
{
	const struct dq_caps_striding *caps = &q->port->dev->caps.striding;
	uint64_t frame = q->region->conf->buf_size;
	struct dq_rx_striding *st = q->striding;

	if (!caps->raw_packet)
		return refuse(q, "has no striding receive queues for raw packets "
				 "(mlx5dv striding_rq_caps.supported_qpts)");
	if (st->log_stride < caps->log_stride_min || st->log_stride > caps->log_stride_max)
		return dq_error(EOPNOTSUPP,
				"%s rx_mode=striding: buf_size=%llu and align=%u make strides of "
				"%u bytes, and those of %s are %u to %u: change them, or use "
				"rx_mode=cyclic",
				q->conf->where, (unsigned long long)frame, q->region->conf->align,
				1u << st->log_stride, q->port->dev->info.rdma,
				1u << caps->log_stride_min, 1u << caps->log_stride_max);
	frame = frame < FRAME_MAX ? frame : FRAME_MAX;
	st->log_strides = caps->log_strides_min > LOG_STRIDES ? caps->log_strides_min : LOG_STRIDES;
	while (dq_rx_stride_buf_bytes(st) < frame)
		st->log_strides++;
	if (st->log_strides > caps->log_strides_max)
		return refuse(q, "has too few strides in a WQE for a frame of buf_size");
	st->strides = 1u << st->log_strides;
	return 0;
}

/*
 * As many WQEs as the depth gives; what the queue has of the region besides are spares. The rest of
 * it, less than one WQE's, is not used.
 */
static int choose_wqes(struct daqiri_rxq *q)
{
	const struct dq_conf_rxq *conf = q->conf;
	struct dq_rx_striding *st = q->striding;
	uint32_t most = q->port->dev->caps.max_wr;

	st->n_wqes = conf->depth >> st->log_strides;
	if (st->n_wqes < WQES_MIN)
		return dq_error(
			EINVAL,
			"%s rx_mode=striding: a depth of %u strides, of %u bytes each, does "
			"not make two WQEs of the %u strides that %s wants in each: depth "
			"must be at least %u, for which its region must give %llu buffers",
			conf->where, conf->depth, 1u << st->log_stride, st->strides,
			q->port->dev->info.rdma, WQES_MIN * st->strides,
			(unsigned long long)dq_strides_take(q->region->conf,
							    (uint64_t)WQES_MIN * st->strides));
	if (st->n_wqes > most)
		return dq_error(EINVAL,
				"%s rx_mode=striding: a depth of %u strides makes %u WQEs, and %s "
				"takes at most %u: make depth at most %llu",
				conf->where, conf->depth, st->n_wqes, q->port->dev->info.rdma, most,
				(unsigned long long)most * st->strides);
	st->bufs.n = (uint32_t)(dq_strides_in(q->region->conf, conf->num_slots + conf->spares) >>
				st->log_strides);
	st->mask = WQES_MIN - 1;
	while (st->mask + 1 < st->n_wqes)
		st->mask = 2 * st->mask + 1;
	return 0;
}

/* In the worst case every stride has a completion of its own, a packet's or a filler's. */
static int choose_cqes(struct daqiri_rxq *q)
{
	uint32_t strides = q->striding->n_wqes << q->striding->log_strides, log = 0;

	while (1u << log < strides)
		log++;
	if (log > CQES_MAX_LOG)
		return dq_error(EINVAL,
				"%s rx_mode=striding: %u strides want as many completions: make "
				"depth at most %u",
				q->conf->where, strides, 1u << CQES_MAX_LOG);
	q->mask = (1u << log) - 1;
	return 0;
}

static int allocate(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;

	st->where = calloc(st->mask + 1, sizeof(*st->where));
	st->buf = calloc(st->mask + 1, sizeof(*st->buf));
	st->end = calloc(st->mask + 1, sizeof(*st->end));
	return st->where && st->buf && st->end && !dq_rx_stride_bufs_init(q)
		       ? 0
		       : dq_error(ENOMEM, "%s: out of memory", q->conf->where);
}

int dq_rx_striding_prepare(struct daqiri_rxq *q)
{
	int ret;

	q->striding = calloc(1, sizeof(*q->striding));
	if (!q->striding)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	q->striding->log_stride = (uint8_t)dq_stride_log(q->region->conf);
	ret = choose_strides(q);
	if (!ret)
		ret = choose_wqes(q);
	if (!ret)
		ret = choose_cqes(q);
	return ret ? ret : allocate(q);
}

struct ibv_wq *dq_rx_striding_create_wq(struct daqiri_rxq *q, struct ibv_wq_init_attr *attr)
{
	const struct dq_rx_striding *st = q->striding;
	struct mlx5dv_wq_init_attr dv = {
		.comp_mask = MLX5DV_WQ_INIT_ATTR_MASK_STRIDING_RQ,
		.striding_rq_attrs = {.single_stride_log_num_of_bytes = st->log_stride,
				      .single_wqe_log_num_of_strides = st->log_strides}};

	attr->max_wr = st->mask + 1;
	return mlx5dv_create_wq(q->port->dev->ctx, attr, &dv);
}

void dq_rx_striding_bind(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq)
{
	const struct ibv_mr *mr = dq_region_mr(q->region, q->port->dev);
	struct dq_rx_striding *st = q->striding;
	uint32_t len = dq_rx_stride_buf_bytes(st);

	st->wqes = rwq->buf;
	for (uint32_t i = 0; i <= st->mask; i++) {
		st->buf[i] = i % st->n_wqes;
		st->where[i] = dq_rx_stride_addr(q, st->buf[i]);
		dq_wqe_stride(st->wqes + (size_t)i * DQ_STRIDING_WQE, st->where[i], len,
			      dq_to_be32(mr->lkey));
	}
	dq_log(q->port->dev->log, DAQIRI_LOG_INFO,
	       "%s: striding: %u WQEs of %u strides of %u bytes, in a ring of %u, and %u "
	       "completions",
	       q->conf->where, st->n_wqes, st->strides, 1u << st->log_stride, st->mask + 1,
	       q->mask + 1);
}

static bool is_packet(const struct mlx5_cqe64 *cqe)
{
	return !dq_cqe_is_filler(cqe);
}

/* Buffers of the ring with kept packets in them leave it; their spares stand in for them. */
static void retire_pinned(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;
	struct dq_rx_stride_bufs *bufs = &st->bufs;

	for (uint32_t wqe = st->oldest; wqe != q->posted; wqe++) {
		uint32_t buf = st->buf[wqe & st->mask];

		if (!bufs->pins[buf])
			continue;
		bufs->place[buf] = DQ_STRIDE_KEPT;
		bufs->place[bufs->stand_in[buf]] = 0; /* some place of the ring */
	}
}

/* The buffers that are in the ring, in any order, get its first places: there are n_wqes of them.
 */
static void deal_anew(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;
	uint32_t n = 0;

	for (uint32_t buf = 0; buf < st->bufs.n; buf++)
		if (st->bufs.place[buf] <= st->mask) {
			st->bufs.place[buf] = n;
			st->buf[n++] = buf;
		}
	for (uint32_t i = 0; i <= st->mask; i++) {
		st->buf[i] = st->buf[i % st->n_wqes];
		st->where[i] = dq_rx_stride_addr(q, st->buf[i]);
		dq_wqe_stride_move(st->wqes + (size_t)i * DQ_STRIDING_WQE, st->where[i]);
	}
}

void dq_rx_restart_striding(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;

	dq_rx_drain(q, is_packet);
	retire_pinned(q);
	deal_anew(q);
	st->wqe = st->oldest = st->polled = st->reached = 0;
	q->posted = st->n_wqes;
}

void dq_rx_striding_destroy(struct daqiri_rxq *q)
{
	if (!q->striding)
		return;
	dq_rx_stride_bufs_free(q->striding);
	free(q->striding->where);
	free(q->striding->buf);
	free(q->striding->end);
	free(q->striding);
}
