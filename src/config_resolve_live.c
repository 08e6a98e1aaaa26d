/* SPDX-License-Identifier: Apache-2.0 */
/* One flow for a port that is open already. */
#include <errno.h>

#include "config_resolve.h"
#include "error.h"

static int resolve(struct dq_resolver *r)
{
	int err;

	r->conf->ports = r->open->ports;
	r->conf->n_ports = r->open->n_ports;
	r->conf->rxqs = r->open->rxqs;
	r->conf->n_rxqs = r->open->n_rxqs;
	r->conf->txqs = r->open->txqs;
	r->conf->n_txqs = r->open->n_txqs;
	r->conf->tunnels = r->open->tunnels;
	r->conf->n_tunnels = r->open->n_tunnels;
	r->conf->flexes = r->open->flexes;
	r->conf->n_flexes = r->open->n_flexes;
	err = dq_resolve_flows(r);
	/* The port knows which ids are free. */
	if (!err && !dq_section_number(r->flow_sec[0], "tag", 0))
		r->conf->flows[0].tag = 0;
	r->conf->ports = NULL;
	r->conf->rxqs = NULL;
	r->conf->txqs = NULL;
	r->conf->tunnels = NULL;
	r->conf->flexes = NULL;
	r->conf->n_ports = r->conf->n_rxqs = r->conf->n_txqs = 0;
	r->conf->n_tunnels = r->conf->n_flexes = 0;
	return err;
}

int dq_conf_resolve_flow(struct dq_conf **out, const struct daqiri_config *cfg,
			 const struct dq_conf *open)
{
	struct dq_resolver r = {.cfg = cfg, .open = open};

	if (cfg->n_sections != 1 || !dq_section_has_kind(&cfg->sections[0], "flow"))
		return dq_error(EINVAL, "%s: a flow to be added has lines \"key = value\" alone",
				cfg->path);
	return dq_conf_make(out, &r, resolve);
}
