/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule before all others that drops everything: a port is shut and opened by one change of the
 * device, however many flows it has.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "flow_table.h"

void dq_gate_init(struct dq_flow_table *table)
{
	table->gate_conf =
		(struct dq_conf_flow){.where = table->port->conf->where, .name = "", .drop = true};
	table->gate_flow = (struct dq_flow){.conf = &table->gate_conf};
	table->gate = (struct dq_flow_rule){
		.flow = &table->gate_flow,
		.placed = {.flow = &table->gate_conf, .priority = DQ_PRIORITY_GATE}};
}

static int set_gate(struct daqiri_port *port, bool shut)
{
	struct dq_flow_table *table = port->flows;
	int ret = 0;

	pthread_mutex_lock(port->lock);
	if (shut && !table->gate.ibv) {
		ret = dq_rule_make(table, &table->gate);
		if (!ret)
			dq_rule_settle(table, &table->gate);
	} else if (!shut) {
		ret = dq_rule_try_destroy(table, &table->gate);
	}
	if (ret && !shut)
		dq_error(-ret, "%s: stays shut: the kernel keeps the rule that drops all: %s",
			 port->conf->where, strerror(-ret));
	pthread_mutex_unlock(port->lock);
	return ret;
}

int daqiri_port_drop_all(struct daqiri_port *port)
{
	return port ? set_gate(port, true) : dq_error(EINVAL, "daqiri_port_drop_all: port is NULL");
}

int daqiri_port_allow_all(struct daqiri_port *port)
{
	return port ? set_gate(port, false)
		    : dq_error(EINVAL, "daqiri_port_allow_all: port is NULL");
}
