/* SPDX-License-Identifier: Apache-2.0 */
/* What is legal and probably not meant. */
#include "config_model.h"
#include "log.h"

/* What a queue says of cores, whichever its port. */
struct seat {
	const char *where;
	int core;
	bool worker;
};

/* The i-th of both kinds, receive queues first. */
static struct seat seat_of(const struct dq_conf *conf, unsigned i)
{
	const struct dq_conf_txq *txq;

	if (i < conf->n_rxqs) {
		const struct dq_conf_rxq *rxq = &conf->rxqs[i];

		return (struct seat){rxq->where, rxq->cpu_core, rxq->worker};
	}
	txq = &conf->txqs[i - conf->n_rxqs];
	return (struct seat){txq->where, txq->cpu_core, txq->worker};
}

static void warn_cores(const struct dq_conf *conf)
{
	unsigned n = conf->n_rxqs + conf->n_txqs;

	for (unsigned i = 1; i < n; i++) {
		struct seat seat = seat_of(conf, i);

		for (unsigned k = 0; seat.core >= 0 && k < i; k++) {
			struct seat other = seat_of(conf, k);

			/* One worker serves all queues of its core: that is meant. */
			if (other.core != seat.core || (seat.worker && other.worker))
				continue;
			dq_log(conf->log_level, DAQIRI_LOG_WARN,
			       "%s cpu_core=%d: %s names this core too", seat.where, seat.core,
			       other.where);
			break;
		}
	}
}

static bool lists(const unsigned *queues, unsigned n, unsigned q)
{
	for (unsigned i = 0; i < n; i++)
		if (queues[i] == q)
			return true;
	return false;
}

static void warn_unfed(const struct dq_conf *conf, unsigned q)
{
	const struct dq_conf_port *port = &conf->ports[conf->rxqs[q].port];

	if (lists(port->queues, port->n_queues, q))
		return;
	for (unsigned i = 0; i < conf->n_flows; i++)
		if (lists(conf->flows[i].queues, conf->flows[i].n_queues, q))
			return;
	dq_log(conf->log_level, DAQIRI_LOG_WARN,
	       "%s: no flow leads to this queue: it will receive nothing", conf->rxqs[q].where);
}

static void warn_unused(const struct dq_conf *conf, unsigned region)
{
	if (conf->regions[region].n_ports)
		return;
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		if (dq_rxq_uses(&conf->rxqs[i], region))
			return;
	for (unsigned i = 0; i < conf->n_txqs; i++)
		if (dq_txq_uses(&conf->txqs[i], region))
			return;
	dq_log(conf->log_level, DAQIRI_LOG_WARN, "%s: no queue uses it and no port is named for it",
	       conf->regions[region].where);
}

static void warn_batch(const struct dq_conf *conf, const struct dq_conf_rxq *q)
{
	if (!q->worker || q->timeout_us || q->batch <= q->depth / 2)
		return;
	dq_log(conf->log_level, DAQIRI_LOG_WARN,
	       "%s batch=%u: without timeout_us a batch is handed over when it is full, which it "
	       "never is while the program holds more than %u packets of depth=%u: set timeout_us, "
	       "or a smaller batch",
	       q->where, q->batch, q->depth - q->batch, q->depth);
}

void dq_conf_warn_unfed(const struct dq_conf *conf)
{
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		warn_unfed(conf, i);
}

void dq_conf_warn(const struct dq_conf *conf)
{
	warn_cores(conf);
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		warn_batch(conf, &conf->rxqs[i]);
	for (unsigned i = 0; i < conf->n_regions; i++)
		warn_unused(conf, i);
}
