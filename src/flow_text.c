/* SPDX-License-Identifier: Apache-2.0 */
/* A flow from the lines that its section would have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flow_table.h"
#include "txq.h"

int dq_flow_context_make(struct dq_flow_context *out, const struct daqiri_port *port)
{
	const struct dq_flow_table *table = port->flows;
	struct dq_conf *conf = &out->conf;

	*out = (struct dq_flow_context){.port = *port->conf};
	conf->ports = &out->port;
	conf->n_ports = 1;
	conf->rxqs = calloc(port->n_rxqs + 1, sizeof(*conf->rxqs));
	conf->flexes = calloc(table->opened->n_flexes + 1, sizeof(*conf->flexes));
	conf->txqs = calloc(port->n_txqs + 1, sizeof(*conf->txqs));
	if (!conf->rxqs || !conf->txqs || !conf->flexes)
		return dq_error(ENOMEM, "%s: out of memory", port->conf->where);
	for (unsigned i = 0; i < port->n_rxqs; i++) {
		conf->rxqs[i] = *port->rxqs[i]->conf;
		conf->rxqs[i].port = 0;
	}
	conf->n_rxqs = port->n_rxqs;
	for (unsigned i = 0; i < port->n_txqs; i++) {
		conf->txqs[i] = *port->txqs[i]->conf;
		conf->txqs[i].port = 0;
	}
	conf->n_txqs = port->n_txqs;
	conf->tunnels = table->opened->tunnels;
	conf->n_tunnels = table->opened->n_tunnels;
	for (unsigned i = 0; i < table->opened->n_flexes; i++) {
		conf->flexes[conf->n_flexes] = table->opened->flexes[i];
		conf->flexes[conf->n_flexes].port = 0;
		conf->n_flexes += table->opened->flexes[i].port == table->index;
	}
	return 0;
}

void dq_flow_context_free(struct dq_flow_context *context)
{
	free(context->conf.flexes);
	free(context->conf.txqs);
	free(context->conf.rxqs);
}

static int parse(struct daqiri_config **out, const struct dq_conf_port *port,
		 const struct daqiri_flow_text *text)
{
	size_t size = strlen(port->name) + strlen(text->name) + strlen(text->keys) + 16;
	char *section = malloc(size);
	int len, ret;

	if (!section)
		return dq_error(ENOMEM, "%s: out of memory", port->where);
	len = snprintf(section, size, "[flow %s %s]\n%s", port->name, text->name, text->keys);
	ret = daqiri_config_parse(out, section, (size_t)len, "daqiri_flow_add");
	free(section);
	return ret;
}

int dq_flow_from_text(struct dq_conf **out, const struct dq_flow_context *context,
		      const struct daqiri_flow_text *text)
{
	struct daqiri_config *cfg;
	struct dq_conf *conf;
	int ret = parse(&cfg, &context->port, text);

	if (ret)
		return ret;
	ret = dq_conf_resolve_flow(&conf, cfg, &context->conf);
	daqiri_config_destroy(cfg);
	if (ret)
		return ret;
	/* What stands between the brackets may have ended them. */
	if (strcmp(conf->flows[0].name, text->name) != 0) {
		dq_conf_free(conf);
		return dq_error(EINVAL, "%s: \"%s\" is no name of a flow", context->port.where,
				text->name);
	}
	*out = conf;
	return 0;
}
