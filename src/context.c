/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include <daqiri_verbs.h>

#include "context.h"
#include "error.h"
#include "event.h"
#include "flow.h"
#include "scan.h"
#include "worker.h"

/* What daqiri_attach() was given. */
struct attached {
	const struct daqiri_attach_port *ports;
	unsigned n;
};

/* ---- devices and ports ----------------------------------------------------------------------- */

static struct dq_device *add_device(struct daqiri *dq, struct dq_device *dev)
{
	dev->next = dq->devices;
	dq->devices = dev;
	return dev;
}

static int find_opened(struct daqiri *dq, struct ibv_device *ibdev, struct dq_device **out)
{
	int ret;

	for (*out = dq->devices; *out; *out = (*out)->next)
		if ((*out)->owned && (*out)->ctx->device == ibdev)
			return 0;
	ret = dq_device_open(out, ibdev, dq->conf->log_level);
	if (!ret)
		add_device(dq, *out);
	return ret;
}

static int find_attached(struct daqiri *dq, const struct daqiri_attach_port *attach,
			 struct dq_device **out)
{
	int ret;

	for (*out = dq->devices; *out; *out = (*out)->next)
		if (!(*out)->owned && (*out)->ctx == attach->context && (*out)->pd == attach->pd)
			return 0;
	ret = dq_device_attach(out, attach->context, attach->pd, dq->conf->log_level);
	if (!ret)
		add_device(dq, *out);
	return ret;
}

static const struct daqiri_attach_port *attach_of(const struct attached *attached, const char *name)
{
	for (unsigned i = 0; i < attached->n; i++)
		if (!strcmp(attached->ports[i].name, name))
			return &attached->ports[i];
	return NULL;
}

/* Two ports of a configuration on one port of a NIC would take each other's packets. */
static int check_twice(const struct daqiri *dq, unsigned index)
{
	const struct daqiri_port_info *a = &dq->ports[index]->info, *b;

	for (unsigned i = 0; i < index; i++) {
		b = &dq->ports[i]->info;
		if (!strcmp(a->rdma, b->rdma) && a->port_num == b->port_num)
			return dq_error(EINVAL,
					"%s: is the same port, %s port %u, as %s: use one "
					"section, with more queues",
					dq->conf->ports[index].where, a->rdma, a->port_num,
					dq->conf->ports[i].where);
	}
	return 0;
}

static int make_port(struct daqiri *dq, unsigned index, const struct dq_scan *scan,
		     const struct attached *attached)
{
	const struct dq_conf_port *conf = &dq->conf->ports[index];
	const struct daqiri_attach_port *attach = attach_of(attached, conf->name);
	const struct dq_seat *seat;
	struct dq_device *dev;
	unsigned port_num;
	int ret;

	if (attach) {
		port_num = attach->port_num;
		ret = find_attached(dq, attach, &dev);
	} else {
		ret = dq_scan_find(scan, conf->address, conf->where, &seat);
		if (ret)
			return ret;
		port_num = seat->info.port_num;
		ret = find_opened(dq, seat->ibdev, &dev);
	}
	if (!ret)
		ret = dq_port_create(&dq->ports[index], conf, dev, port_num);
	if (ret)
		return ret;
	dq->ports[index]->lock = &dq->lock;
	dq->ports[index]->bell = &dq->bell;
	return check_twice(dq, index);
}

static int make_ports(struct daqiri *dq, const struct attached *attached)
{
	struct dq_scan scan;
	int ret = dq_scan_begin(&scan);

	if (ret)
		return ret;
	for (unsigned i = 0; !ret && i < dq->conf->n_ports; i++)
		ret = make_port(dq, i, &scan, attached);
	dq_scan_end(&scan);
	return ret;
}

/* ---- open and close -------------------------------------------------------------------------- */

static int make_flows(struct daqiri *dq)
{
	const struct dq_flow_queues queues = {dq->opened->rxqs, dq->opened->txqs};
	int ret = 0;

	for (unsigned i = 0; !ret && i < dq->conf->n_ports; i++)
		ret = dq_flow_table_create(dq->ports[i], dq->conf, i, &queues);
	return ret;
}

/* What is made is taken down by daqiri_close(), which knows what is there. */
static int build(struct daqiri *dq, const struct attached *attached)
{
	int ret;

	dq->ports = calloc(dq->conf->n_ports + 1, sizeof(struct daqiri_port *));
	if (!dq->ports)
		return dq_error(ENOMEM, "out of memory for a context");
	ret = make_ports(dq, attached);
	if (!ret)
		ret = dq_part_make(dq, dq->opened);
	if (!ret)
		ret = make_flows(dq);
	return ret ? ret : dq_part_start(dq, dq->opened);
}

static int open_context(struct daqiri **out, struct dq_conf *conf, const struct attached *attached)
{
	struct daqiri *dq = calloc(1, sizeof(*dq));
	struct dq_part *part = NULL;
	int ret;

	if (!dq) {
		dq_conf_free(conf);
		return dq_error(ENOMEM, "out of memory for a context");
	}
	ret = dq_part_create(&part, conf);
	if (ret) {
		free(dq);
		return ret;
	}
	pthread_mutex_init(&dq->lock, NULL);
	dq->parts = dq->opened = part;
	dq->bell.fd = dq->event_fd = -1;
	dq->conf = conf;
	dq_conf_warn(conf);
	dq_conf_warn_unfed(conf);
	ret = build(dq, attached);
	if (ret)
		daqiri_close(dq);
	else
		*out = dq;
	return ret;
}

int daqiri_open_config(struct daqiri **out, const struct daqiri_config *cfg)
{
	const struct attached none = {0};
	struct dq_conf *conf;
	int ret;

	if (!out || !cfg)
		return dq_error(EINVAL, "daqiri_open_config: NULL argument");
	ret = dq_conf_resolve(&conf, cfg, NULL);
	return ret ? ret : open_context(out, conf, &none);
}

int daqiri_open(struct daqiri **out, const char *ini_path)
{
	struct daqiri_config *cfg;
	int ret;

	if (!out || !ini_path)
		return dq_error(EINVAL, "daqiri_open: NULL argument");
	ret = daqiri_config_load(&cfg, ini_path);
	if (ret)
		return ret;
	ret = daqiri_open_config(out, cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

static int check_attach(const struct daqiri_attach_port *port)
{
	if (port->size < sizeof(*port) || !port->name || !port->context || !port->pd)
		return dq_error(EINVAL,
				"daqiri_attach: a port lacks its size, name, context or pd");
	if (port->pd->context != port->context)
		return dq_error(EINVAL, "daqiri_attach: port %s: its pd is of another context",
				port->name);
	if (!mlx5dv_is_supported(port->context->device))
		return dq_error(EINVAL, "daqiri_attach: port %s: %s is no mlx5 device", port->name,
				ibv_get_device_name(port->context->device));
	if (!port->port_num)
		return dq_error(EINVAL, "daqiri_attach: port %s: port numbers begin at 1",
				port->name);
	return 0;
}

/* Each attached port must be one of the configuration, or it would silently stay unused. */
static int check_names(const struct dq_conf *conf, const struct attached *attached)
{
	for (unsigned i = 0; i < attached->n; i++) {
		unsigned p = 0;

		while (p < conf->n_ports &&
		       strcmp(conf->ports[p].name, attached->ports[i].name) != 0)
			p++;
		if (p == conf->n_ports)
			return dq_error(EINVAL, "daqiri_attach: the configuration has no [port %s]",
					attached->ports[i].name);
		if (attach_of(attached, attached->ports[i].name) != &attached->ports[i])
			return dq_error(EINVAL, "daqiri_attach: port %s is given twice",
					attached->ports[i].name);
	}
	return 0;
}

int daqiri_attach(struct daqiri **out, const struct daqiri_config *cfg,
		  const struct daqiri_attach_port *ports, unsigned n)
{
	const struct attached attached = {.ports = ports, .n = n};
	struct dq_conf *conf;
	const char **names;
	int ret = 0;

	if (!out || !cfg || (n && !ports))
		return dq_error(EINVAL, "daqiri_attach: NULL argument");
	for (unsigned i = 0; !ret && i < n; i++)
		ret = check_attach(&ports[i]);
	if (ret)
		return ret;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return dq_error(ENOMEM, "out of memory for a context");
	for (unsigned i = 0; i < n; i++)
		names[i] = ports[i].name;
	ret = dq_conf_resolve(&conf, cfg, names);
	free(names);
	if (ret)
		return ret;
	ret = check_names(conf, &attached);
	if (ret) {
		dq_conf_free(conf);
		return ret;
	}
	return open_context(out, conf, &attached);
}

static void destroy_objects(struct daqiri *dq)
{
	const struct dq_conf *conf = dq->conf;

	for (unsigned i = conf->n_ports; dq->ports && i--;)
		if (dq->ports[i])
			dq_flow_table_destroy(dq->ports[i]);
	/* The last made first: it may use regions of those before it. */
	DQ_FOREACH_PART (part, dq)
		dq_part_clear(dq, part);
	for (unsigned i = conf->n_ports; dq->ports && i--;)
		dq_port_destroy(dq->ports[i]);
}

void daqiri_close(struct daqiri *dq)
{
	struct dq_device *dev, *next;
	struct dq_part *part;

	if (!dq)
		return;
	/* A device that is gone says so here at the latest: its EIOs are then no errors. */
	dq_events_drain(dq);
	dq_workers_stop(dq);
	destroy_objects(dq);
	for (dev = dq->devices; dev; dev = next) {
		next = dev->next;
		dq_device_destroy(dev);
	}
	dq_events_close(dq);
	free(dq->ports);
	while ((part = dq->parts)) {
		dq->parts = part->next;
		dq_part_free(part);
	}
	pthread_mutex_destroy(&dq->lock);
	free(dq);
}

/* ---- lookup ---------------------------------------------------------------------------------- */

struct daqiri_port *daqiri_port_find(struct daqiri *dq, const char *name)
{
	for (unsigned i = 0; dq && name && i < dq->conf->n_ports; i++)
		if (!strcmp(dq->conf->ports[i].name, name))
			return dq->ports[i];
	return NULL;
}

struct daqiri_port *daqiri_port_get(struct daqiri *dq, unsigned i)
{
	return dq && i < dq->conf->n_ports ? dq->ports[i] : NULL;
}

/* Private regions have no name; a region that several parts use has it in each. */
struct daqiri_region *dq_context_region(const struct daqiri *dq, const char *name)
{
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_regions; i++)
			if (part->regions[i] && !strcmp(part->conf->regions[i].name, name))
				return part->regions[i];
	return NULL;
}

struct daqiri_region *daqiri_region_find(struct daqiri *dq, const char *name)
{
	struct daqiri_region *region;

	if (!dq || !name || !name[0])
		return NULL;
	pthread_mutex_lock(&dq->lock);
	region = dq_context_region(dq, name);
	pthread_mutex_unlock(&dq->lock);
	return region;
}
