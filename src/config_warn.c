/* SPDX-License-Identifier: Apache-2.0 */
/* What is legal and probably not meant. */
#include "config_model.h"
#include "log.h"

/* Queues of one core, whichever the port: the i-th of both kinds, receive queues first. */
static int core_of(const struct dq_conf *conf, unsigned i, const char **where)
{
	if (i < conf->n_rxqs) {
		*where = conf->rxqs[i].where;
		return conf->rxqs[i].cpu_core;
	}
	*where = conf->txqs[i - conf->n_rxqs].where;
	return conf->txqs[i - conf->n_rxqs].cpu_core;
}

static void warn_cores(const struct dq_conf *conf)
{
	unsigned n = conf->n_rxqs + conf->n_txqs;
	const char *where, *other;

	for (unsigned i = 1; i < n; i++) {
		int core = core_of(conf, i, &where);

		for (unsigned k = 0; core >= 0 && k < i; k++) {
			if (core_of(conf, k, &other) != core)
				continue;
			dq_log(conf->log_level, DAQIRI_LOG_WARN,
			       "%s cpu_core=%d: %s names this core too", where, core, other);
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
		if (conf->rxqs[i].region == region)
			return;
	for (unsigned i = 0; i < conf->n_txqs; i++)
		if (conf->txqs[i].region == (int)region)
			return;
	dq_log(conf->log_level, DAQIRI_LOG_WARN, "%s: no queue uses it and no port is named for it",
	       conf->regions[region].where);
}

void dq_conf_warn(const struct dq_conf *conf)
{
	warn_cores(conf);
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		warn_unfed(conf, i);
	for (unsigned i = 0; i < conf->n_regions; i++)
		warn_unused(conf, i);
}
