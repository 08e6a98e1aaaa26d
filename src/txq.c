/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.h"
#include "error.h"
#include "log.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "scan.h"
#include "txq.h"
#include "worker.h"

enum { N_COUNTERS = 7 };

static const char *const counter_names[N_COUNTERS] = {"packets", "bytes",  "completed",	 "errors",
						      "full",	 "resets", "reset_drops"};
static const char *const sum_names[N_COUNTERS] = {"tx_packets",	   "tx_bytes", "tx_completed",
						  "tx_errors",	   "tx_full",  "tx_resets",
						  "tx_reset_drops"};

const struct daqiri_txq *dq_txq_real(const struct daqiri_txq *q)
{
	return q->hand ? q->hand->real : q;
}

struct daqiri_txq *dq_txq_face(struct daqiri_txq *q)
{
	return q->hand ? q->hand->face : q;
}

/* Of a real queue. Its face alone knows what the program was refused. */
static void read_counters(const struct daqiri_txq *q, uint64_t values[N_COUNTERS])
{
	values[0] = dq_counter_get(&q->posted);
	values[1] = dq_counter_get(&q->count.bytes);
	/* Not after done, which a reset raises before: else packets could be missing for a while.
	 */
	values[6] = dq_counter_get(&q->count.reset_drops);
	values[2] = dq_counter_get(&q->done) - values[6];
	values[3] = dq_counter_get(&q->count.errors);
	values[4] = dq_counter_get(&(q->hand ? q->hand->face : q)->count.full);
	values[5] = dq_counter_get(&q->count.resets);
}

/* ---- make and destroy ----------------------------------------------------------------------- */

/*
 * A thread domain gives the queue a doorbell register that no other queue writes. Without it (no
 * write-combining: virtual machines, some Arm) the register may be shared: see use_doorbell().
 */
static void create_domain(struct daqiri_txq *q)
{
	struct dq_device *dev = q->port->dev;
	struct ibv_td_init_attr td_attr = {0};
	struct ibv_parent_domain_init_attr attr = {.pd = dev->pd};

	q->td = ibv_alloc_td(dev->ctx, &td_attr);
	if (!q->td) {
		dq_log(dev->log, DAQIRI_LOG_INFO,
		       "%s: no thread domain (%s): 8-byte doorbells on a shared page",
		       q->conf->where, strerror(errno));
		return;
	}
	attr.td = q->td;
	q->parent = ibv_alloc_parent_domain(dev->ctx, &attr);
	if (q->parent)
		return;
	dq_log(dev->log, DAQIRI_LOG_WARN, "%s: no parent domain: %s", q->conf->where,
	       strerror(errno));
	dq_device_destroyed(dev, "a thread domain", ibv_dealloc_td(q->td));
	q->td = NULL;
}

static int explain_qp(const struct daqiri_txq *q, int err)
{
	if (err == EPERM)
		return dq_error(err,
				"%s: sending raw packets needs CAP_NET_RAW: run as root, with "
				"setpriv --ambient-caps +net_raw, or with AmbientCapabilities="
				"CAP_NET_RAW in its systemd unit",
				q->conf->where);
	return dq_error(err, "%s: no send queue of depth=%u on %s: %s", q->conf->where,
			q->conf->depth, q->port->dev->info.rdma, strerror(err));
}

static int create_qp(struct daqiri_txq *q)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = q->cq.cq,
		.recv_cq = q->cq.cq,
		/* One pointer and no inline data: 64 bytes, so that depth is counted in WQEBBs. */
		.cap = {.max_send_wr = q->conf->depth, .max_send_sge = 1},
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = q->parent ? q->parent : q->port->dev->pd,
	};

	errno = 0;
	q->qp = ibv_create_qp_ex(q->port->dev->ctx, &attr);
	return q->qp ? 0 : explain_qp(q, errno ? errno : EIO);
}

int dq_txq_start(struct daqiri_txq *q)
{
	static const enum ibv_qp_state path[] = {IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS};

	for (unsigned i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		struct ibv_qp_attr attr = {.qp_state = path[i],
					   .port_num = (uint8_t)q->port->info.port_num};
		int mask = IBV_QP_STATE | (path[i] == IBV_QPS_INIT ? IBV_QP_PORT : 0);
		int err = ibv_modify_qp(q->qp, &attr, mask);

		if (err)
			return explain_qp(q, err);
	}
	return 0;
}

/*
 * A register of the queue's own is written in alternating halves. One that may be shared, with
 * other queues of ours or with the program's, takes 8-byte stores, which cannot tear, at its first
 * half.
 */
static void use_doorbell(struct daqiri_txq *q, const struct mlx5dv_qp *qp)
{
	uint8_t *half = qp->bf.reg;

	q->bf = half;
	q->bf_flip = q->td ? (uintptr_t)half ^ (uintptr_t)(half + qp->bf.size) : 0;
	q->bf_flush = qp->bf.size != 0;
}

static int use_ring(struct daqiri_txq *q)
{
	struct mlx5dv_qp qp = {0};
	struct mlx5dv_obj obj = {.qp = {.in = q->qp, .out = &qp}};

	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP))
		return dq_error(EIO, "%s: send ring not accessible", q->conf->where);
	if (qp.sq.stride != DQ_WQEBB || qp.sq.wqe_cnt != q->conf->depth)
		return dq_error(
			EPROTO, "%s: the send ring has %u entries of %u bytes, not %u of %u",
			q->conf->where, qp.sq.wqe_cnt, qp.sq.stride, q->conf->depth, DQ_WQEBB);
	q->ring = qp.sq.buf;
	q->dbrec = qp.dbrec + MLX5_SND_DBR;
	q->qpn = q->qp->qp_num;
	use_doorbell(q, &qp);
	return 0;
}

/* Ways to write and show, by instructions. */
static const struct {
	dq_tx_write_fn empw, send;
	dq_tx_show_fn show;
} ways[] = {
	[DQ_SIMD_PORTABLE] = {dq_tx_write_empw_portable, dq_tx_write_send_portable,
			      dq_tx_show_portable},
#ifdef DQ_X86_SIMD
	[DQ_SIMD_SSE42] = {dq_tx_write_empw_sse42, dq_tx_write_send_sse42, dq_tx_show_portable},
	[DQ_SIMD_AVX2] = {dq_tx_write_empw_avx2, dq_tx_write_send_avx2, dq_tx_show_avx2},
#endif
};

static void explain(struct daqiri_txq *q)
{
	const struct dq_caps *caps = &q->port->dev->caps;

	q->mode = caps->empw && !q->gather ? "empw" : "send";
	if (q->gather)
		snprintf(q->why, sizeof(q->why),
			 "packets of two regions: a WQE of many packets has one piece of each");
	else if (caps->empw)
		snprintf(q->why, sizeof(q->why), "the device takes up to %u packets in a WQE",
			 caps->empw_ptrs);
	else if (caps->min_inline)
		snprintf(q->why, sizeof(q->why),
			 "the device wants the first %u bytes of each frame in its WQE",
			 caps->min_inline);
	else
		snprintf(q->why, sizeof(q->why), "the device takes one packet in a WQE");
}

static int choose_writer(struct daqiri_txq *q)
{
	const struct dq_caps *caps = &q->port->dev->caps;
	int ret;

	q->simd = q->conf->simd;
	ret = dq_simd_choose(&q->simd, q->conf->where);
	if (ret)
		return ret;
	q->show = ways[q->simd].show;
	/* An eMPW's pointers are a packet each: only a SEND can gather. */
	if (q->payload.region)
		q->gather = dq_tx_gather_portable;
	if (caps->empw && !q->gather)
		q->write = ways[q->simd].empw;
	else
		q->write = caps->min_inline ? dq_tx_write_send_inline : ways[q->simd].send;
	q->max_ptrs = caps->empw_ptrs;
	explain(q);
	return 0;
}

uint32_t dq_txq_opcode(const struct daqiri_txq *q)
{
	return q->port->dev->caps.empw && !q->gather ? DQ_OPCODE_EMPW : MLX5_OPCODE_SEND;
}

static int take_slots(struct daqiri_txq *q)
{
	const struct daqiri_region *region = q->region;

	if (!region)
		return 0;
	q->n_slots = (uint32_t)q->conf->num_slots;
	q->slot_stride = (uint32_t)region->stride;
	q->slot_size = (uint32_t)region->conf->buf_size;
	q->slot_base = dq_region_slot(region, q->conf->first_slot);
	q->slot_bytes = (uint64_t)q->n_slots * q->slot_stride;
	return daqiri_region_key(region, q->port, &q->slot_key);
}

static int take_payloads(struct daqiri_txq *q, struct daqiri_region *region)
{
	if (!region)
		return 0;
	q->payload = (struct dq_tx_payload){.base = dq_region_slot(region, q->conf->payload_slot),
					    .stride = (uint32_t)region->stride,
					    .size = (uint32_t)region->conf->buf_size,
					    .region = region};
	return daqiri_region_key(region, q->port, &q->payload.key);
}

static int init(struct daqiri_txq *q, struct daqiri_region *payload)
{
	const struct dq_conf_txq *conf = q->conf;
	char prefix[16];
	int ret = take_slots(q);

	if (!ret)
		ret = take_payloads(q, payload);
	if (!ret)
		ret = choose_writer(q);
	if (ret)
		return ret;
	q->mask = conf->depth - 1;
	q->limit = conf->depth;
	q->marks = calloc(conf->depth, sizeof(*q->marks));
	if (!q->marks)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	snprintf(prefix, sizeof(prefix), "tx_q%u", conf->id);
	ret = dq_stat_names_make(&q->names, prefix, counter_names, N_COUNTERS);
	/* One CQE for each WQEBB: it cannot overrun, not even when the ring is flushed in error. */
	if (!ret)
		ret = dq_cq_create(&q->cq, q->port->dev, conf->depth, conf->where);
	if (ret)
		return ret;
	q->cqes = q->cq.dv.buf;
	q->cq_dbrec = q->cq.dv.dbrec;
	create_domain(q);
	/* Nothing in a send ring's shape would tell. */
	ret = dq_ring_refuse_signature(conf->where, "MLX5_QP_SIGNATURE");
	if (!ret)
		ret = create_qp(q);
	if (!ret)
		ret = use_ring(q);
	if (ret)
		return ret;
	dq_tx_prepare(q, dq_txq_opcode(q));
	return dq_txq_start(q);
}

/* What the device takes, and whether a card that wants each frame's header inline can be given it:
 * the CPU copies it. */
static int check_device(const struct dq_conf_txq *conf, const struct dq_device *dev,
			struct daqiri_region *const regions[2])
{
	const struct daqiri_region *region = regions[0];

	if (regions[1] && dev->caps.min_inline)
		return dq_error(EOPNOTSUPP,
				"%s: %s wants the first %u bytes of each frame in the send queue, "
				"and this version does not gather besides: give the queue one "
				"region",
				conf->where, dev->info.rdma, dev->caps.min_inline);
	if (region && dev->caps.min_inline && dq_region_on_gpu(region))
		return dq_error(EOPNOTSUPP,
				"%s: %s wants the first %u bytes of each frame in the send queue, "
				"and no CPU can read them from the GPU's memory of %s: use kind = "
				"host_pinned",
				conf->where, dev->info.rdma, dev->caps.min_inline,
				region->conf->where);
	if (conf->depth > dev->caps.max_wr)
		return dq_error(EINVAL, "%s depth=%u: %s takes at most %u", conf->where,
				conf->depth, dev->info.rdma, dev->caps.max_wr);
	return 0;
}

int dq_txq_create(struct daqiri_txq **out, const struct dq_conf_txq *conf, struct daqiri_port *port,
		  struct daqiri_region *const regions[2])
{
	struct daqiri_txq *q;
	int ret = check_device(conf, port->dev, regions);

	if (ret)
		return ret;
	q = aligned_alloc(_Alignof(struct daqiri_txq), sizeof(*q));
	if (!q)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	*q = (struct daqiri_txq){.conf = conf, .port = port, .region = regions[0]};
	ret = init(q, regions[1]);
	if (ret)
		dq_txq_destroy(q);
	else
		*out = q;
	return ret;
}

void dq_txq_destroy(struct daqiri_txq *q)
{
	struct dq_device *dev = q ? q->port->dev : NULL;

	if (!q)
		return;
	if (q->qp)
		dq_device_destroyed(dev, "a send queue", ibv_destroy_qp(q->qp));
	if (q->parent)
		dq_device_destroyed(dev, "a parent domain", ibv_dealloc_pd(q->parent));
	if (q->td)
		dq_device_destroyed(dev, "a thread domain", ibv_dealloc_td(q->td));
	dq_cq_destroy(&q->cq, dev);
	dq_stat_names_free(&q->names);
	free(q->marks);
	free(q);
}

/* ---- public --------------------------------------------------------------------------------- */

int daqiri_txq_info(const struct daqiri_txq *q, struct daqiri_txq_info *info)
{
	struct daqiri_txq_info now;

	if (!q || !info)
		return dq_error(EINVAL, "daqiri_txq_info: NULL argument");
	now = (struct daqiri_txq_info){.id = q->conf->id,
				       .depth = q->conf->depth,
				       .buf_size = q->slot_size,
				       .cpu_core = q->conf->cpu_core,
				       .port = q->port,
				       .region = q->region,
				       .simd = dq_simd_name(q->simd),
				       .tx_mode = q->mode,
				       .why = q->why,
				       .payload_size = q->payload.size,
				       .payload_region = q->payload.region};
	return dq_info_copy(info, &now, sizeof(now));
}

int daqiri_txq_stats(const struct daqiri_txq *q, struct daqiri_stat *stats, int max)
{
	struct dq_stat_list list = {.stats = stats, .max = stats ? max : 0};
	uint64_t values[N_COUNTERS];

	if (!q || max < 0 || (max && !stats))
		return dq_error(EINVAL, "daqiri_txq_stats: NULL or negative argument");
	read_counters(dq_txq_real(q), values);
	for (int i = 0; i < N_COUNTERS; i++)
		dq_stat_put(&list, q->names.names[i], values[i]);
	return list.n;
}

void dq_txq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list)
{
	uint64_t sums[N_COUNTERS] = {0}, values[N_COUNTERS];

	for (unsigned i = 0; i < port->n_txqs; i++) {
		read_counters(port->txqs[i], values);
		for (int k = 0; k < N_COUNTERS; k++)
			sums[k] += values[k];
	}
	for (int k = 0; k < N_COUNTERS; k++)
		dq_stat_put(list, sum_names[k], sums[k]);
}

int daqiri_txq_error(const struct daqiri_txq *q, struct daqiri_queue_error *err)
{
	struct daqiri_queue_error now;

	if (!q || !err)
		return dq_error(EINVAL, "daqiri_txq_error: NULL argument");
	q = dq_txq_real(q);
	/* Pairs with the release store in note_error(), txq_post.c: first_error is complete. */
	if (!__atomic_load_n(&q->error_seen, __ATOMIC_ACQUIRE))
		return dq_device_queue_error(q->port->dev, NULL, err);
	now = q->first_error;
	now.errors = dq_counter_get(&q->count.errors);
	now.rebuild = DAQIRI_REBUILD_QUEUE;
	return dq_device_queue_error(q->port->dev, &now, err);
}
