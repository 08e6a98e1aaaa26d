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
#include "txq_timed.h"
#include "worker.h"

enum { N_COUNTERS = 7 };
_Static_assert((int)N_COUNTERS <= (int)DQ_PORT_SUMS, "sums of a port");

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
 * write-combining: virtual machines, some Arm) the register may be shared:
 * dq_txq_choose_doorbell().
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
	if (err == EOPNOTSUPP && q->timer)
		return dq_txq_refuse_clock(q);
	return dq_error(err, "%s: no send queue of depth=%u on %s: %s", q->conf->where,
			q->conf->depth, q->port->dev->info.rdma, strerror(err));
}

static int create_qp(struct daqiri_txq *q)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = q->cq.cq,
		.recv_cq = q->cq.cq,
		/* One pointer and no inline data: 64 bytes, so that they are counted in WQEBBs. */
		.cap = {.max_send_wr = q->mask + 1, .max_send_sge = 1},
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
	int ret;

	for (unsigned i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		struct ibv_qp_attr attr = {.qp_state = path[i],
					   .port_num = (uint8_t)q->port->info.port_num};
		int mask = IBV_QP_STATE | (path[i] == IBV_QPS_INIT ? IBV_QP_PORT : 0);
		int err = ibv_modify_qp(q->qp, &attr, mask);

		if (err)
			return explain_qp(q, err);
	}
	ret = dq_txq_timed_start(q);
	return ret ? ret : dq_txq_pace(q);
}

static int use_ring(struct daqiri_txq *q)
{
	struct mlx5dv_qp qp = {0};
	struct mlx5dv_obj obj = {.qp = {.in = q->qp, .out = &qp}};

	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP))
		return dq_error(EIO, "%s: send ring not accessible", q->conf->where);
	if (qp.sq.stride != DQ_WQEBB || qp.sq.wqe_cnt != q->mask + 1)
		return dq_error(EPROTO,
				"%s: the send ring has %u entries of %u bytes, not %u of %u",
				q->conf->where, qp.sq.wqe_cnt, qp.sq.stride, q->mask + 1, DQ_WQEBB);
	q->ring = qp.sq.buf;
	q->dbrec = qp.dbrec + MLX5_SND_DBR;
	q->qpn = q->qp->qp_num;
	dq_txq_choose_doorbell(q, &(struct dq_doorbell){qp.bf.reg, qp.bf.size});
	return dq_txq_set_src_mac(q);
}

uint32_t dq_txq_opcode(const struct daqiri_txq *q)
{
	return dq_txq_has_empw(q) ? DQ_OPCODE_EMPW : MLX5_OPCODE_SEND;
}

static void take_slots(struct daqiri_txq *q)
{
	const struct daqiri_region *region = q->region;

	if (!region)
		return;
	q->n_slots = (uint32_t)q->conf->num_slots;
	q->slot_stride = (uint32_t)region->stride;
	q->slot_size = (uint32_t)region->conf->buf_size;
	q->slot_base = dq_region_slot(region, q->conf->first_slot);
	q->slot_bytes = (uint64_t)q->n_slots * q->slot_stride;
	q->slot_key = daqiri_key_from_lkey(dq_region_mr(region, q->port->dev)->lkey);
}

static void take_payloads(struct daqiri_txq *q, struct daqiri_region *region)
{
	if (!region)
		return;
	q->payload = (struct dq_tx_payload){.base = dq_region_slot(region, q->conf->payload_slot),
					    .stride = (uint32_t)region->stride,
					    .size = (uint32_t)region->conf->buf_size,
					    .region = region};
	q->payload.key = daqiri_key_from_lkey(dq_region_mr(region, q->port->dev)->lkey);
}

static int init(struct daqiri_txq *q, struct daqiri_region *payload)
{
	const struct dq_conf_txq *conf = q->conf;
	char prefix[16];
	int ret;

	take_slots(q);
	take_payloads(q, payload);
	ret = dq_txq_choose(q);
	if (!ret)
		ret = dq_txq_check_pacing(q);
	if (!ret)
		ret = dq_txq_timed_create(q);
	if (ret)
		return ret;
	q->mask = dq_txq_wqebbs(conf) - 1;
	q->cq_mask = conf->depth - 1;
	q->limit = conf->depth;
	q->marks = calloc(q->mask + 1, sizeof(*q->marks));
	if (!q->marks)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	snprintf(prefix, sizeof(prefix), "tx_q%u", conf->id);
	ret = dq_stat_names_make(&q->names, prefix, counter_names, N_COUNTERS);
	/*
	 * One CQE for each packet, and no WQE is without one: it cannot overrun, not even when the
	 * ring is flushed in error.
	 */
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

int dq_txq_create(struct daqiri_txq **out, const struct dq_conf_txq *conf, struct daqiri_port *port,
		  struct daqiri_region *const regions[2])
{
	struct daqiri_txq *q;
	int ret = dq_txq_check(conf, port->dev, regions);

	if (!ret)
		ret = dq_txq_check_tso(conf, port, regions);
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
	dq_txq_timed_destroy(q);
	free(q->marks);
	free(q);
}

/* ---- public --------------------------------------------------------------------------------- */

int daqiri_txq_info(const struct daqiri_txq *q, struct daqiri_txq_info *info)
{
	struct daqiri_txq_info now;
	struct dq_pacing pacing;

	if (!q || !info)
		return dq_error(EINVAL, "daqiri_txq_info: NULL argument");
	pacing = dq_txq_pacing(q);
	now = (struct daqiri_txq_info){.id = q->conf->id,
				       .depth = q->conf->depth,
				       .buf_size = q->slot_size,
				       .cpu_core = q->conf->cpu_core,
				       .port = q->port,
				       .region = q->region,
				       .simd = dq_simd_name(q->simd),
				       .tx_mode = q->mode,
				       .why = q->why,
				       .tx_inline = q->inline_max,
				       .latency = q->write_more != NULL,
				       .payload_size = q->payload.size,
				       .payload_region = q->payload.region,
				       .checksum = dq_checksum_name(q->conf->checksum),
				       .src_mac = q->conf->src_mac,
				       .clock = dq_txq_clock_name(q),
				       .tso_mss = q->conf->tso,
				       .tso_max = q->conf->tso ? q->port->dev->caps.max_tso : 0,
				       .vlan_push = q->eth.insert != 0,
				       .vlan_push_tci = q->eth.tci,
				       .vlan_push_tpid = q->eth.insert ? q->conf->vlan_tpid : 0,
				       .pacing_mbps = pacing.mbps,
				       .pacing_burst = pacing.burst,
				       .pacing_size = pacing.size,
				       .pacing_min_kbps = q->port->dev->caps.pacing_min_kbps,
				       .pacing_max_kbps = q->port->dev->caps.pacing_max_kbps};
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

void dq_txq_add_counts(const struct daqiri_txq *q, uint64_t *sums)
{
	uint64_t values[N_COUNTERS];

	read_counters(q, values);
	for (int k = 0; k < N_COUNTERS; k++)
		sums[k] += values[k];
}

void dq_txq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list)
{
	uint64_t sums[N_COUNTERS];

	memcpy(sums, port->tx_gone, sizeof(sums));
	for (unsigned i = 0; i < port->n_txqs; i++)
		dq_txq_add_counts(port->txqs[i], sums);
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
