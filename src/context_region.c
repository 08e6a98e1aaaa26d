/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of a context, registered with the devices of the ports that use them. */
#include "context.h"

/* Calls fn for each port that uses a region, until it returns other than 0. */
static int each_port_of(struct daqiri *dq, unsigned region,
			int (*fn)(void *arg, struct daqiri_port *port), void *arg)
{
	const struct dq_conf *conf = dq->conf;
	int ret = 0;

	for (unsigned i = 0; !ret && i < conf->regions[region].n_ports; i++)
		ret = fn(arg, dq->ports[conf->regions[region].ports[i]]);
	for (unsigned i = 0; !ret && i < conf->n_rxqs; i++)
		if (dq_rxq_uses(&conf->rxqs[i], region))
			ret = fn(arg, dq->ports[conf->rxqs[i].port]);
	for (unsigned i = 0; !ret && i < conf->n_txqs; i++)
		if (dq_txq_uses(&conf->txqs[i], region))
			ret = fn(arg, dq->ports[conf->txqs[i].port]);
	for (unsigned i = 0; !ret && i < conf->n_rxqs; i++)
		if (dq_rxq_uses(&conf->rxqs[i], region) && conf->rxqs[i].forward >= 0)
			ret = fn(arg, dq->ports[conf->rxqs[i].forward]);
	return ret;
}

/* The node of the first port that has one. */
static int note_node(void *arg, struct daqiri_port *port)
{
	*(int *)arg = port->info.numa_node;
	return port->info.numa_node >= 0;
}

static int register_on(void *arg, struct daqiri_port *port)
{
	return dq_region_register(arg, port->dev);
}

static int make_region(struct daqiri *dq, unsigned index)
{
	int node = -1, ret;

	each_port_of(dq, index, note_node, &node);
	ret = dq_region_create(&dq->regions[index], &dq->conf->regions[index], node,
			       dq->conf->log_level);
	return ret ? ret : each_port_of(dq, index, register_on, dq->regions[index]);
}

int dq_context_make_regions(struct daqiri *dq)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < dq->conf->n_regions; i++)
		ret = make_region(dq, i);
	if (!ret)
		dq_regions_log(dq->regions, dq->conf->n_regions, dq->conf->log_level);
	return ret;
}
