/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue takes besides its packet memory: as rxq*.c, txq.c and worker_*.c allocate it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "mlx5_wqe.h"
#include "rxq_split.h"
#include "rxq_striding.h"
#include "worker.h"

enum {
	STRIDES = 64,	  /* of a striding WQE, where the device takes so few */
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

	return depth * ((q->split ? 2u : 1u) * DQ_SEG + DQ_CQE + sizeof(*rxq->slots) +
			sizeof(*bufs->kept_at)) +
	       (q->split ? sizeof(struct dq_rx_split) : 0) + bufs_n * sizeof(*bufs->place) +
	       (q->spares + 1) * sizeof(*bufs->spares);
}

static uint64_t of_striding(const struct dq_conf_rxq *q)
{
	const struct dq_rx_striding *st = NULL;
	uint64_t wqes = power_of_two((q->depth + STRIDES - 1) / STRIDES);

	return sizeof(*st) + power_of_two(q->depth) * DQ_CQE +
	       wqes * (STRIDING_WQE + sizeof(*st->where) + sizeof(*st->end));
}

static uint64_t of_rxq(const struct dq_conf_rxq *q)
{
	bool striding = q->rx_mode == DQ_RX_STRIDING;
	uint64_t sum = sizeof(struct daqiri_rxq) + (q->depth + 63) / 64 * sizeof(uint64_t);

	sum += striding ? of_striding(q) : of_cyclic(q);
	if (q->worker)
		sum += sizeof(struct dq_rx_hand) + sizeof(struct daqiri_rxq) +
		       power_of_two(q->depth) * sizeof(struct daqiri_pkt);
	return sum;
}

static uint64_t of_txq(const struct dq_conf_txq *q)
{
	uint64_t wqebbs = dq_wqe_ring(q->depth, q->tx_inline);
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
			return of_rxq(&conf->rxqs[i]);
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
