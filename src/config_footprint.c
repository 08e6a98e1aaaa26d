/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue takes besides its packet memory: as rxq*.c, txq.c and worker_*.c allocate it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "config_stride.h"
#include "device_clock.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "rxq_compress.h"
#include "rxq_split.h"
#include "rxq_striding.h"
#include "worker.h"

enum {
	LOG_STRIDES = 6, /* of a striding WQE, where the device takes so few */
	WQES_MIN = 2,	 /* of a ring */
	FRAME_MAX = 65535,
	STRIDING_WQE = 32 /* libmlx5: a next segment before the data segment */
};

static uint64_t power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static uint64_t of_cyclic(const struct dq_conf_rxq *q)
{
	const struct daqiri_rxq *rxq = NULL;
	const struct dq_rx_bufs *bufs = NULL;
	uint64_t depth = q->depth, bufs_n = depth + q->spares;

	return (depth + 63) / 64 * sizeof(*rxq->eaten_map) +
	       depth * ((q->split ? 2u : 1u) * DQ_SEG + DQ_CQE + sizeof(*rxq->slots) +
			sizeof(*bufs->kept_at)) +
	       (q->split ? sizeof(struct dq_rx_split) : 0) + bufs_n * sizeof(*bufs->place) +
	       (q->spares + 1) * sizeof(*bufs->spares);
}

/* Where a WQE of the fewest strides does not hold a frame it has more: rxq_striding.c. */
static unsigned log_strides_of(const struct dq_conf_region *region)
{
	uint64_t frame = region->buf_size < FRAME_MAX ? region->buf_size : FRAME_MAX;
	unsigned log = LOG_STRIDES;

	while ((uint64_t)1 << (dq_stride_log(region) + log) < frame)
		log++;
	return log;
}

/* Buffers of a WQE each, and what says which of their packets are kept. */
static uint64_t of_stride_bufs(uint64_t n, uint64_t n_wqes, unsigned log_strides)
{
	const struct dq_rx_stride_bufs *bufs = NULL;
	uint64_t spares = n > n_wqes ? n - n_wqes : 0;

	return n * (sizeof(*bufs->pins) + sizeof(*bufs->stand_in) + sizeof(*bufs->place)) +
	       ((n << log_strides) / 64 + 1) * sizeof(*bufs->kept) +
	       (spares + 1) * sizeof(*bufs->spares);
}

static uint64_t of_striding(const struct dq_conf_rxq *q, const struct dq_conf_region *region)
{
	const struct dq_rx_striding *st = NULL;
	unsigned log = log_strides_of(region);
	uint64_t n_wqes = q->depth >> log, ring = power_of_two(n_wqes);
	uint64_t n_bufs = dq_strides_in(region, q->num_slots + q->spares) >> log;

	ring = ring < WQES_MIN ? WQES_MIN : ring;
	return sizeof(*st) + power_of_two(n_wqes << log) * DQ_CQE +
	       ring * (STRIDING_WQE + sizeof(*st->where) + sizeof(*st->buf) + sizeof(*st->end)) +
	       of_stride_bufs(n_bufs, n_wqes, log);
}

static uint64_t of_rxq(const struct dq_conf *conf, const struct dq_conf_rxq *q)
{
	uint64_t sum = sizeof(struct daqiri_rxq);

	sum += q->rx_mode == DQ_RX_STRIDING ? of_striding(q, &conf->regions[q->region])
					    : of_cyclic(q);
	/* auto: where the device has no real time */
	if (q->metadata & DAQIRI_META_TIMESTAMP && q->clock != DQ_CLOCK_REAL)
		sum += sizeof(struct dq_clock);
	if (q->compression != DQ_COMPRESSION_OFF && !(q->metadata & DAQIRI_META_TIMESTAMP))
		sum += sizeof(struct dq_rx_session);
	if (q->worker)
		sum += sizeof(struct dq_rx_hand) + sizeof(struct daqiri_rxq) +
		       power_of_two(q->depth) * sizeof(struct daqiri_pkt);
	return sum;
}

static uint64_t of_txq(const struct dq_conf_txq *q)
{
	uint64_t wqebbs = dq_txq_wqebbs(q);
	uint64_t sum = sizeof(struct daqiri_txq) + (uint64_t)q->depth * DQ_CQE +
		       wqebbs * (DQ_WQEBB + sizeof(struct dq_tx_mark));

	if (q->worker)
		sum += sizeof(struct dq_tx_hand) + sizeof(struct daqiri_txq) +
		       q->depth * sizeof(struct daqiri_pkt);
	return sum;
}

static bool is_named(const struct dq_conf *conf, const char *section, const char *kind,
		     const unsigned port_id[2])
{
	char name[DQ_LINE_MAX];

	snprintf(name, sizeof(name), "%s %s %u", kind, conf->ports[port_id[0]].name, port_id[1]);
	return !strcmp(name, section);
}

static uint64_t memory_of(const struct dq_conf *conf, const char *section)
{
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		if (is_named(conf, section, "rxq",
			     (unsigned[]){conf->rxqs[i].port, conf->rxqs[i].id}))
			return of_rxq(conf, &conf->rxqs[i]);
	for (unsigned i = 0; i < conf->n_txqs; i++)
		if (is_named(conf, section, "txq",
			     (unsigned[]){conf->txqs[i].port, conf->txqs[i].id}))
			return of_txq(&conf->txqs[i]);
	dq_error(ENOENT, "[%s]: there is no such queue", section);
	return 0;
}

uint64_t daqiri_config_queue_memory(const struct daqiri_config *cfg, const char *section)
{
	static const char *const all_ports[] = {"*", NULL};
	struct dq_conf *conf;
	uint64_t bytes;

	if (!cfg || !section) {
		dq_error(EINVAL, "daqiri_config_queue_memory: NULL argument");
		return 0;
	}
	if (dq_conf_resolve(&conf, cfg, all_ports))
		return 0;
	bytes = memory_of(conf, section);
	dq_conf_free(conf);
	return bytes;
}
