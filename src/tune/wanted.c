/* SPDX-License-Identifier: Apache-2.0 */
#include <daqiri.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "machine.h"
#include "wanted.h"

static struct tune_wanted_port *port_named(struct tune_wanted *w, const char *name)
{
	for (unsigned i = 0; i < w->n_ports; i++)
		if (!strcmp(w->port[i].name, name))
			return &w->port[i];
	return NULL;
}

static const char *value(const struct daqiri_config *cfg, const char *section, const char *key)
{
	const char *v = daqiri_config_get(cfg, section, key);

	return v ? v : "";
}

static int add_port(struct tune_wanted *w, const struct daqiri_config *cfg, const char *section)
{
	struct tune_wanted_port *p = TUNE_GROW(w, port, n_ports);
	uint64_t mtu;

	if (!p)
		return -ENOMEM;
	tune_put(p->name, sizeof(p->name), section + strlen("port "));
	tune_put(p->address, sizeof(p->address), value(cfg, section, "address"));
	if (!daqiri_config_get_u64(cfg, section, "mtu", &mtu))
		p->mtu = (long long)mtu;
	return 0;
}

static int add_region(struct tune_wanted *w, const struct daqiri_config *cfg, const char *section,
		      const char *name)
{
	struct tune_wanted_region *r = TUNE_GROW(w, region, n_regions);
	uint64_t n = 0, size = 0, align = 64, node;

	if (!r)
		return -ENOMEM;
	tune_put(r->name, sizeof(r->name), name);
	tune_put(r->kind, sizeof(r->kind), value(cfg, section, "kind"));
	tune_put(r->affinity, sizeof(r->affinity), value(cfg, section, "affinity"));
	daqiri_config_get_u64(cfg, section, "num_bufs", &n);
	daqiri_config_get_u64(cfg, section, "buf_size", &size);
	daqiri_config_get_u64(cfg, section, "align", &align);
	daqiri_config_get_u64(cfg, section, "page_size", &r->page);
	r->bytes = n * ((size + align - 1) / align * align);
	r->node = -1;
	if (!daqiri_config_get_u64(cfg, section, "numa", &node) ||
	    (strcmp(r->kind, "device") && strcmp(r->kind, "host_pinned") &&
	     !daqiri_config_get_u64(cfg, section, "affinity", &node)))
		r->node = (int)node;
	return 0;
}

static void use_region(struct tune_wanted *w, const char *name, const char *port)
{
	for (unsigned i = 0; i < w->n_regions; i++)
		if (!strcmp(w->region[i].name, name) && !*w->region[i].port)
			tune_put(w->region[i].port, sizeof(w->region[i].port), port);
}

static int add_queue(struct tune_wanted *w, const struct daqiri_config *cfg, const char *section)
{
	char name[64], *save = NULL, *one, regions[128];
	struct tune_wanted_port *port;
	uint64_t core;
	int ret = 0;

	if (sscanf(section, "%*s %63s", name) != 1)
		return 0;
	port = port_named(w, name);
	if (!port)
		return 0;
	if (!daqiri_config_get_u64(cfg, section, "cpu_core", &core)) {
		tune_cores_add(&port->cores, (unsigned)core);
		tune_cores_add(&w->cores, (unsigned)core);
	}
	if (!strcmp(value(cfg, section, "clock"), "real") ||
	    !strcmp(value(cfg, section, "timed"), "on"))
		port->real_time = true;
	if (*value(cfg, section, "kind")) {
		ret = add_region(w, cfg, section, section);
		use_region(w, section, port->name);
	}
	tune_put(regions, sizeof(regions), value(cfg, section, "regions"));
	for (one = strtok_r(regions, ", ", &save); one; one = strtok_r(NULL, ", ", &save))
		use_region(w, one, port->name);
	return ret;
}

static void add_flow(struct tune_wanted *w, const struct daqiri_config *cfg, const char *section)
{
	struct tune_wanted_port *port;
	const char *key, *v;
	char name[64];

	if (sscanf(section, "%*s %63s", name) != 1)
		return;
	port = port_named(w, name);
	for (unsigned i = 0; port && !daqiri_config_entry(cfg, section, i, &key, &v); i++)
		if (!strcmp(key, "flex") || !strcmp(key, "ipv4_len") ||
		    (!strcmp(key, "ecpri") && !strcmp(v, "on")))
			port->flex = true;
}

/* The largest number of a list of sizes; imix has frames of 1514 bytes. */
static long long largest(const char *sizes)
{
	long long most = 0, one;

	if (!strcmp(sizes, "imix"))
		return 1514;
	for (const char *p = sizes; *p; p += *p == ',') {
		char *end;

		one = strtoll(p, &end, 10);
		if (end == p)
			break;
		most = one > most ? one : most;
		p = end + strcspn(end, ",");
	}
	return most;
}

/* Once, however many streams go there. */
static int add_peer(struct tune_wanted *w, const struct tune_wanted_port *port, const char *address)
{
	struct tune_wanted_peer *peer;

	for (unsigned i = 0; i < w->n_peers; i++)
		if (!strcmp(w->peer[i].port, port->name) &&
		    !strcasecmp(w->peer[i].address, address))
			return 0;
	peer = TUNE_GROW(w, peer, n_peers);
	if (!peer)
		return -ENOMEM;
	tune_put(peer->port, sizeof(peer->port), port->name);
	tune_put(peer->address, sizeof(peer->address), address);
	return 0;
}

/* "FROM > TO" */
static int add_pair(struct tune_wanted *w, struct tune_wanted_port *port, const char *pair)
{
	char from[64], to[64];

	if (sscanf(pair, " %63[0-9a-fA-F.:] > %63[0-9a-fA-F.:]", from, to) != 2)
		return 0;
	if (!*port->source && !strchr(from, ':'))
		tune_put(port->source, sizeof(port->source), from);
	return add_peer(w, port, to);
}

static int add_ends(struct tune_wanted *w, const char *tx, const char *rx)
{
	struct tune_wanted_pair *pair;

	for (unsigned i = 0; i < w->n_pairs; i++)
		if (!strcmp(w->pair[i].tx, tx) && !strcmp(w->pair[i].rx, rx))
			return 0;
	pair = TUNE_GROW(w, pair, n_pairs);
	if (!pair)
		return -ENOMEM;
	tune_put(pair->tx, sizeof(pair->tx), tx);
	tune_put(pair->rx, sizeof(pair->rx), rx);
	return 0;
}

static int add_stream(struct tune_wanted *w, const struct daqiri_config *cfg, const char *section)
{
	static const char *const ends[] = {"tx", "rx"};
	long long frame = largest(value(cfg, section, "size"));
	const struct tune_wanted_port *from = NULL;
	uint64_t core;
	int ret = 0;

	if (!daqiri_config_get_u64(cfg, section, "cpu_core", &core))
		tune_cores_add(&w->cores, (unsigned)core);
	for (unsigned i = 0; !ret && i < 2; i++) {
		struct tune_wanted_port *port;
		char name[64];

		if (sscanf(value(cfg, section, ends[i]), "%63s", name) != 1)
			continue;
		port = port_named(w, name);
		if (!port)
			continue;
		port->frame = frame > port->frame ? frame : port->frame;
		if (i) {
			ret = from ? add_ends(w, from->name, port->name) : 0;
			continue;
		}
		from = port;
		ret = add_pair(w, port, value(cfg, section, "ipv4"));
		if (!ret)
			ret = add_pair(w, port, value(cfg, section, "ipv6"));
	}
	return ret;
}

/* Ports before queues, whatever the order in the file. */
static int take(struct tune_wanted *w, const struct daqiri_config *cfg)
{
	const char *s;
	int ret = 0;

	for (unsigned i = 0; !ret && (s = daqiri_config_section(cfg, i)); i++) {
		if (!strncmp(s, "port ", 5))
			ret = add_port(w, cfg, s);
		else if (!strncmp(s, "region ", 7))
			ret = add_region(w, cfg, s, s + 7);
	}
	for (unsigned i = 0; !ret && (s = daqiri_config_section(cfg, i)); i++) {
		if (!strncmp(s, "rxq ", 4) || !strncmp(s, "txq ", 4))
			ret = add_queue(w, cfg, s);
		else if (!strncmp(s, "flow ", 5))
			add_flow(w, cfg, s);
		else if (!strncmp(s, "stream ", 7))
			ret = add_stream(w, cfg, s);
	}
	return ret;
}

int tune_wanted_load(struct tune_wanted *w, const char *path)
{
	struct daqiri_config *cfg;
	int ret;

	memset(w, 0, sizeof(*w));
	ret = daqiri_config_load(&cfg, path);
	if (ret)
		return ret;
	ret = daqiri_config_check(cfg);
	if (!ret)
		ret = take(w, cfg);
	w->given = !ret;
	w->memory = daqiri_config_memory(cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

void tune_wanted_free(struct tune_wanted *w)
{
	free(w->port);
	free(w->region);
	free(w->peer);
	free(w->pair);
	memset(w, 0, sizeof(*w));
}

bool tune_wanted_pci(const char *name, const struct tune_pci *pci)
{
	return !strcasecmp(name, pci->addr) ||
	       (!strncmp(pci->addr, "0000:", 5) && !strcasecmp(name, pci->addr + 5));
}

const struct tune_wanted_port *tune_wanted_port(const struct tune_wanted *w,
						const struct tune_nic *nic)
{
	for (unsigned i = 0; i < w->n_ports; i++) {
		const char *a = w->port[i].address;

		if (tune_wanted_pci(a, &nic->pci) || (*nic->rdma && !strcmp(a, nic->rdma)) ||
		    (*nic->netdev && !strcmp(a, nic->netdev)) ||
		    (*nic->mac && !strcasecmp(a, nic->mac)))
			return &w->port[i];
	}
	return NULL;
}

const struct tune_nic *tune_wanted_port_nic(const struct tune_machine *m,
					    const struct tune_wanted *w,
					    const struct tune_wanted_port *port)
{
	for (unsigned i = 0; i < m->n_nics; i++)
		if (tune_wanted_port(w, &m->nic[i]) == port)
			return &m->nic[i];
	return NULL;
}

bool tune_wanted_nic(const struct tune_wanted *w, const struct tune_nic *nic)
{
	return !w->given || tune_wanted_port(w, nic);
}

bool tune_wanted_gpu(const struct tune_wanted *w)
{
	for (unsigned i = 0; i < w->n_regions; i++)
		if (!strcmp(w->region[i].kind, "device"))
			return true;
	return false;
}
