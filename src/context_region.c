/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of a context, registered with the devices of the ports that use them. */
#include "context.h"

/* Calls fn for each port that uses a region, until it returns other than 0. */
static int each_port_of(struct daqiri *dq, const struct dq_conf *conf, unsigned region,
			int (*fn)(void *arg, struct daqiri_port *port), void *arg)
{
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

int dq_part_make_region(struct daqiri *dq, struct dq_part *part, unsigned index)
{
	const struct dq_conf *conf = part->conf;
	int node = -1, ret = 0;

	if (conf->regions[index].borrowed) {
		part->regions[index] = dq_context_region(dq, conf->regions[index].name);
	} else {
		each_port_of(dq, conf, index, note_node, &node);
		ret = dq_region_create(&part->regions[index], &conf->regions[index], node,
				       conf->log_level);
	}
	return ret ? ret : each_port_of(dq, conf, index, register_on, part->regions[index]);
}
