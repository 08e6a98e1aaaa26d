/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "rxq.h"
#include "rxq_clock.h"
#include "rxq_split.h"
#include "rxq_compress.h"
#include "rxq_striding.h"
#include "scan.h"
#include "worker.h"

enum { N_COUNTERS = 9 };
_Static_assert((int)N_COUNTERS <= (int)DQ_PORT_SUMS, "sums of a port");

static const char *const counter_names[N_COUNTERS] = {"packets",       "bytes",	 "errors",
						      "length_errors", "kept",	 "kept_out",
						      "no_spare",      "resets", "reset_drops"};
static const char *const sum_names[N_COUNTERS] = {
	"rx_packets",  "rx_bytes",    "rx_errors", "rx_length_errors", "rx_kept",
	"rx_kept_out", "rx_no_spare", "rx_resets", "rx_reset_drops"};

const struct daqiri_rxq *dq_rxq_real(const struct daqiri_rxq *q)
{
	return q->hand ? q->hand->real : q;
}

struct daqiri_rxq *dq_rxq_face(struct daqiri_rxq *q)
{
	return q->hand ? q->hand->face : q;
}

static void read_counters(const struct daqiri_rxq *q, uint64_t values[N_COUNTERS])
{
	values[0] = dq_counter_get(&q->count.packets);
	values[1] = dq_counter_get(&q->count.bytes);
	values[2] = dq_counter_get(&q->count.errors);
	values[3] = dq_counter_get(&q->count.length_errors);
	values[4] = dq_counter_get(&q->count.kept);
	values[5] = dq_counter_get(&q->count.kept_out);
	values[6] = dq_counter_get(&q->count.no_spare);
	values[7] = dq_counter_get(&q->count.resets);
	values[8] = dq_counter_get(&q->count.reset_drops);
}

/* ---- make and destroy ----------------------------------------------------------------------- */

/* A frame of the interface's full MTU, with a VLAN tag, must fit a slot. */
static int check_room(const struct dq_conf_rxq *conf, const struct daqiri_port *port,
		      const struct daqiri_region *region)
{
	uint64_t need = (uint64_t)port->info.mtu + DQ_ETHERNET_HEADER;

	if (port->info.netdev[0] && region->conf->buf_size < need)
		return dq_error(
			EINVAL,
			"%s: slots of buf_size=%llu bytes are too small for frames of up to "
			"%llu (interface %s has MTU %u, and 18 bytes of header): make "
			"buf_size at least that, or open the port with mtu=%llu in [port %s]",
			conf->where, (unsigned long long)region->conf->buf_size,
			(unsigned long long)need, port->info.netdev, port->info.mtu,
			(unsigned long long)(region->conf->buf_size > DQ_ETHERNET_HEADER
						     ? region->conf->buf_size - DQ_ETHERNET_HEADER
						     : 0),
			port->conf->name);
	return 0;
}

static int check_sizes(const struct dq_conf_rxq *conf, const struct daqiri_port *port,
		       struct daqiri_region *const regions[2])
{
	int ret = regions[1] ? dq_rx_split_check(conf, port, regions)
			     : check_room(conf, port, regions[0]);

	if (ret)
		return ret;
	if (conf->rx_mode != DQ_RX_STRIDING && conf->depth > port->dev->caps.max_wr)
		return dq_error(EINVAL, "%s depth=%u: %s takes at most %u", conf->where,
				conf->depth, port->dev->info.rdma, port->dev->caps.max_wr);
	/* Not where the rings are made: there this error means the clock, rxq_clock.c. */
	if (conf->vlan_strip && !port->dev->caps.vlan_strip)
		return dq_error(EOPNOTSUPP, "%s: vlan_strip=on: %s takes no VLAN tags out: use off",
				conf->where, port->dev->info.rdma);
	return 0;
}

static int create_wq(struct daqiri_rxq *q)
{
	struct dq_device *dev = q->port->dev;
	struct ibv_wq_init_attr attr = {.wq_type = IBV_WQT_RQ,
					.max_wr = q->conf->depth,
					.max_sge = q->split ? 2 : 1,
					.pd = dev->pd,
					.cq = q->cq.cq};

	if (q->conf->vlan_strip) {
		attr.comp_mask |= IBV_WQ_INIT_ATTR_FLAGS;
		attr.create_flags = IBV_WQ_FLAGS_CVLAN_STRIPPING;
	}
	errno = 0;
	q->wq = q->striding ? dq_rx_striding_create_wq(q, &attr) : ibv_create_wq(dev->ctx, &attr);
	if (q->wq)
		return 0;
	if (errno == EPERM)
		return dq_error(EPERM,
				"%s: receiving raw packets needs CAP_NET_RAW: run as root, with "
				"setpriv --ambient-caps +net_raw, or with AmbientCapabilities="
				"CAP_NET_RAW in its systemd unit",
				q->conf->where);
	return dq_error(errno ? errno : EIO, "%s: no work queue of %u entries: %s", q->conf->where,
			attr.max_wr, strerror(errno ? errno : EIO));
}

/* The i-th WQE points to the i-th slot of the queue, until a packet in it is kept. */
static void bind_slots(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq)
{
	const struct ibv_mr *mr = dq_region_mr(q->region, q->port->dev);
	uint32_t buf_size = (uint32_t)q->region->conf->buf_size;

	for (uint32_t i = 0; i < rwq->wqe_cnt; i++)
		dq_wqe_data((uint8_t *)rwq->buf + (size_t)i * DQ_SEG, q->slots[i], buf_size,
			    dq_to_be32(mr->lkey));
	q->bufs.wqes = rwq->buf;
}

/* Writes every WQE once. */
static int bind(struct daqiri_rxq *q)
{
	uint32_t size = q->striding ? DQ_STRIDING_WQE : (q->split ? 2 : 1) * DQ_SEG;
	uint32_t entries = q->striding ? q->striding->mask + 1 : q->conf->depth;
	struct mlx5dv_rwq rwq = {0};
	struct mlx5dv_obj obj = {.rwq = {.in = q->wq, .out = &rwq}};

	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ))
		return dq_error(EIO, "%s: receive ring not accessible", q->conf->where);
	if (rwq.stride != size)
		return dq_ring_differs(q->conf->where, "the size of a receive WQE",
				       (uint32_t[]){rwq.stride, size}, "MLX5_RWQ_SIGNATURE");
	if (rwq.wqe_cnt != entries)
		return dq_error(EPROTO, "%s: the receive ring has %u entries, not %u",
				q->conf->where, rwq.wqe_cnt, entries);
	q->rq_dbrec = rwq.dbrec;
	if (q->striding)
		dq_rx_striding_bind(q, &rwq);
	else if (q->split)
		dq_rx_split_bind(q, &rwq);
	else
		bind_slots(q, &rwq);
	return 0;
}

int dq_rxq_start(struct daqiri_rxq *q)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RDY};
	int err = ibv_modify_wq(q->wq, &attr);

	if (err)
		return dq_error(err, "%s: cannot be started: %s", q->conf->where, strerror(err));
	q->posted = q->striding ? q->striding->n_wqes : q->conf->depth;
	/* Pairs with the device's read of the counter: the WQEs are in memory before it. */
	dq_to_device();
	dq_doorbell_record(q->rq_dbrec, q->posted & 0xffff);
	return 0;
}

static const dq_rx_take_fn cyclic_takers[] = {
	[DQ_SIMD_PORTABLE] = dq_rx_take_portable,
#ifdef DQ_X86_SIMD
	[DQ_SIMD_SSE42] = dq_rx_take_sse42,
	[DQ_SIMD_AVX2] = dq_rx_take_avx2,
#endif
};

static const dq_rx_take_fn cyclic_slot_takers[] = {
	[DQ_SIMD_PORTABLE] = dq_rx_take_slots_portable,
#ifdef DQ_X86_SIMD
	[DQ_SIMD_SSE42] = dq_rx_take_slots_sse42,
	[DQ_SIMD_AVX2] = dq_rx_take_slots_avx2,
#endif
};

static const dq_rx_take_fn striding_takers[] = {
	[DQ_SIMD_PORTABLE] = dq_rx_stride_portable,
#ifdef DQ_X86_SIMD
	[DQ_SIMD_SSE42] = dq_rx_stride_sse42,
	[DQ_SIMD_AVX2] = dq_rx_stride_avx2,
#endif
};

static int choose_taker(struct daqiri_rxq *q)
{
	int ret;

	q->simd = q->conf->simd;
	ret = dq_simd_choose(&q->simd, q->conf->where);
	if (ret)
		return ret;
	q->poll = q->striding ? dq_rx_poll_striding : dq_rx_poll_cyclic;
	q->release = q->striding ? dq_rx_release_striding : dq_rx_release_cyclic;
	q->take = q->striding ? striding_takers[q->simd] : cyclic_takers[q->simd];
	q->take_slots = cyclic_slot_takers[q->simd];
	q->keep = q->striding ? dq_rx_keep_striding : dq_rx_keep_cyclic;
	q->give_back = q->striding ? dq_rx_give_back_striding : dq_rx_give_back_cyclic;
	dq_rx_choose_tell(q);
	if (q->tell && !q->striding)
		q->poll = dq_rx_poll_cyclic_meta;
	if (q->session)
		dq_rx_session_choose(q);
	q->restart = q->striding ? dq_rx_restart_striding : dq_rx_restart_cyclic;
	if (q->split)
		dq_rx_split_choose(q);
	return 0;
}

/* What the kind of ring needs besides the ring. payload: NULL where frames are one piece. */
static int prepare(struct daqiri_rxq *q, struct daqiri_region *payload)
{
	const struct dq_conf_rxq *conf = q->conf;

	q->base = dq_region_slot(q->region, conf->first_slot);
	if (conf->rx_mode == DQ_RX_STRIDING)
		return dq_rx_striding_prepare(q);
	q->mask = conf->depth - 1;
	q->stride = (uint32_t)q->region->stride;
	q->eaten_map = calloc((conf->depth + 63) / 64, sizeof(*q->eaten_map));
	if (!q->eaten_map || dq_rx_bufs_init(q, conf->spares))
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	return payload ? dq_rx_split_prepare(q, payload) : 0;
}

static int make_rings(struct daqiri_rxq *q)
{
	struct dq_device *dev = q->port->dev;
	int ret = dq_cq_open_channel(&q->cq, dev, q->conf->where);

	if (!ret)
		ret = dq_cq_create(&q->cq, dev, q->mask + 1, q->conf->where);
	if (!ret)
		ret = create_wq(q);
	if (ret)
		dq_cq_destroy(&q->cq, dev);
	q->cqes = q->cq.dv.buf;
	q->cq_dbrec = q->cq.dv.dbrec;
	return ret;
}

static void explain(struct daqiri_rxq *q)
{
	static const char *const modes[] = {
		[DQ_RX_AUTO] = "rx_mode=auto: cyclic takes the fewest instructions a packet",
		[DQ_RX_CYCLIC] = "rx_mode=cyclic was asked for",
		[DQ_RX_STRIDING] = "rx_mode=striding was asked for"};

	snprintf(q->why, sizeof(q->why), "%s; %s", modes[q->conf->rx_mode],
		 dq_rx_why_compressed(q));
}

static int init(struct daqiri_rxq *q, struct daqiri_region *payload)
{
	const struct dq_conf_rxq *conf = q->conf;
	char prefix[16];
	int ret = prepare(q, payload);

	if (ret)
		return ret;
	ret = dq_rx_choose_compression(q);
	if (ret)
		return ret;
	explain(q);
	ret = choose_taker(q);
	if (ret)
		return ret;
	snprintf(prefix, sizeof(prefix), "rx_q%u", conf->id);
	ret = dq_stat_names_make(&q->names, prefix, counter_names, N_COUNTERS);
	if (ret)
		return ret;
	ret = dq_ring_refuse_signature(conf->where, "MLX5_RWQ_SIGNATURE");
	if (!ret)
		ret = dq_rx_clock_choose(q, make_rings);
	if (!ret)
		ret = bind(q);
	if (!ret)
		ret = dq_rxq_start(q);
	return ret ? ret : dq_rxq_create_target(q);
}

int dq_rxq_create(struct daqiri_rxq **out, const struct dq_conf_rxq *conf, struct daqiri_port *port,
		  struct daqiri_region *const regions[2])
{
	struct daqiri_rxq *q;
	int ret = check_sizes(conf, port, regions);

	if (ret)
		return ret;
	q = aligned_alloc(_Alignof(struct daqiri_rxq), sizeof(*q));
	if (!q)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	*q = (struct daqiri_rxq){.conf = conf, .port = port, .region = regions[0]};
	ret = init(q, regions[1]);
	if (ret)
		dq_rxq_destroy(q);
	else
		*out = q;
	return ret;
}

void dq_rxq_destroy(struct daqiri_rxq *q)
{
	struct dq_device *dev = q ? q->port->dev : NULL;

	if (!q)
		return;
	if (q->qp)
		dq_device_destroyed(dev, "a receive hash QP", ibv_destroy_qp(q->qp));
	dq_rss_table_destroy(&q->table, dev);
	if (q->wq)
		dq_device_destroyed(dev, "a receive queue", ibv_destroy_wq(q->wq));
	dq_cq_destroy(&q->cq, dev);
	dq_stat_names_free(&q->names);
	dq_rx_striding_destroy(q);
	dq_rx_split_destroy(q);
	dq_rx_bufs_free(q);
	dq_rx_clock_free(q);
	free(q->session);
	free(q->eaten_map);
	free(q);
}

void dq_rxq_forward(struct daqiri_rxq *q, struct daqiri_port *to)
{
	q->forward = to;
	q->key_hides = dq_to_be32(UINT32_MAX);
	q->key_set = dq_to_be32(dq_region_mr(q->region, to->dev)->lkey);
	if (q->split)
		dq_rx_split_forward(q, to);
}

/* ---- public --------------------------------------------------------------------------------- */

static uint32_t depth_of(const struct daqiri_rxq *q)
{
	const struct dq_rx_striding *st = q->striding;

	return st ? st->n_wqes << st->log_strides : q->conf->depth;
}

/* On a striding queue each holds one packet at least, and up to a WQE's. */
static uint32_t spares_of(const struct daqiri_rxq *q)
{
	const struct dq_rx_striding *st = q->striding;

	return st ? st->bufs.n - st->n_wqes : q->conf->spares;
}

/* The longest frame. */
static uint32_t room_of(const struct daqiri_rxq *q)
{
	return q->split ? q->split->at + q->split->room : (uint32_t)q->region->conf->buf_size;
}

int daqiri_rxq_info(const struct daqiri_rxq *q, struct daqiri_rxq_info *info)
{
	struct daqiri_rxq_info now;

	if (!q || !info)
		return dq_error(EINVAL, "daqiri_rxq_info: NULL argument");
	now = (struct daqiri_rxq_info){.id = q->conf->id,
				       .depth = depth_of(q),
				       .buf_size = room_of(q),
				       .cpu_core = q->conf->cpu_core,
				       .port = q->port,
				       .region = q->region,
				       .simd = dq_simd_name(q->simd),
				       .spares = spares_of(q),
				       .forward = q->forward,
				       .rx_mode = q->striding ? "striding" : "cyclic",
				       .cqe_compression = q->session ? "on" : "off",
				       .why = q->why,
				       .split = q->conf->split,
				       .payload_region = q->split ? q->split->region : NULL,
				       .clock = dq_rx_clock_name(q),
				       .clock_why = dq_rx_clock_why(q),
				       .metadata = q->conf->metadata,
				       .vlan_strip = q->conf->vlan_strip};
	return dq_info_copy(info, &now, sizeof(now));
}

int daqiri_rxq_stats(const struct daqiri_rxq *q, struct daqiri_stat *stats, int max)
{
	struct dq_stat_list list = {.stats = stats, .max = stats ? max : 0};
	uint64_t values[N_COUNTERS];

	if (!q || max < 0 || (max && !stats))
		return dq_error(EINVAL, "daqiri_rxq_stats: NULL or negative argument");
	read_counters(dq_rxq_real(q), values);
	for (int i = 0; i < N_COUNTERS; i++)
		dq_stat_put(&list, q->names.names[i], values[i]);
	return list.n;
}

void dq_rxq_add_counts(const struct daqiri_rxq *q, uint64_t *sums)
{
	uint64_t values[N_COUNTERS];

	read_counters(q, values);
	for (int k = 0; k < N_COUNTERS; k++)
		sums[k] += values[k];
}

void dq_rxq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list)
{
	uint64_t sums[N_COUNTERS];

	memcpy(sums, port->rx_gone, sizeof(sums));
	for (unsigned i = 0; i < port->n_rxqs; i++)
		dq_rxq_add_counts(port->rxqs[i], sums);
	for (int k = 0; k < N_COUNTERS; k++)
		dq_stat_put(list, sum_names[k], sums[k]);
}

int daqiri_rxq_error(const struct daqiri_rxq *q, struct daqiri_queue_error *err)
{
	struct daqiri_queue_error now;

	if (!q || !err)
		return dq_error(EINVAL, "daqiri_rxq_error: NULL argument");
	q = dq_rxq_real(q);
	/* Pairs with the release store in note_error(): first_error is complete. */
	if (!__atomic_load_n(&q->error_seen, __ATOMIC_ACQUIRE))
		return dq_device_queue_error(q->port->dev, NULL, err);
	now = q->first_error;
	now.errors = dq_counter_get(&q->count.errors);
	now.rebuild = __atomic_load_n(&q->stopped, __ATOMIC_RELAXED) ? DAQIRI_REBUILD_QUEUE
								     : DAQIRI_REBUILD_NONE;
	return dq_device_queue_error(q->port->dev, &now, err);
}
