/* SPDX-License-Identifier: Apache-2.0 */
/* Regions, those that stand in a queue's section too. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config_resolve.h"

static const char *const kinds[] = {
	[DQ_REGION_HOST] = "host",
	[DQ_REGION_HUGE] = "huge",
	[DQ_REGION_HOST_PINNED] = "host_pinned",
	[DQ_REGION_DEVICE] = "device",
	[DQ_REGION_APP] = "app",
};

const char *dq_region_kind_name(enum dq_region_kind kind)
{
	return kinds[kind];
}

static enum dq_region_kind kind_of(const struct dq_section *sec)
{
	enum dq_region_kind kind = DQ_REGION_APP;

	while (kind > DQ_REGION_HOST && !dq_section_is(sec, "kind", kinds[kind]))
		kind--;
	return kind;
}

/* kind, num_bufs and buf_size are spelt alike in [region] and inside a queue. */
int dq_resolve_add_region(struct dq_resolver *r, const struct dq_section *sec, const char *name)
{
	struct dq_conf_region *region = &r->conf->regions[r->conf->n_regions];

	region->where = dq_resolver_where(r, sec);
	region->name = dq_pool_strdup(r->conf->pool, name);
	if (!region->where || !region->name)
		return dq_no_memory();
	region->kind = kind_of(sec);
	region->app = sec->memory;
	region->num_bufs = dq_section_number(sec, "num_bufs", 0);
	region->buf_size = dq_section_number(sec, "buf_size", 0);
	region->align = 64;
	region->numa = DQ_AUTO;
	region->relaxed_ordering = DQ_AUTO;
	r->region_sec[r->conf->n_regions++] = sec;
	return 0;
}

/* Keys that only some kinds have. */
static int check_kind_keys(struct dq_resolver *r, const struct dq_section *sec,
			   const struct dq_conf_region *region)
{
	bool gpu = region->kind == DQ_REGION_DEVICE || region->kind == DQ_REGION_HOST_PINNED;
	bool numa = region->kind == DQ_REGION_DEVICE || region->kind == DQ_REGION_APP;

	if (region->page_size && region->kind != DQ_REGION_HUGE)
		return dq_blame_key(r->cfg, sec, "page_size",
				    "only kind huge has a page size; allowed auto");
	if (numa && dq_section_number(sec, "numa", UINT64_MAX) != UINT64_MAX)
		return dq_blame_key(r->cfg, sec, "numa",
				    "kind %s has no NUMA node to choose; allowed auto",
				    kinds[region->kind]);
	if (!dq_section_is(sec, "gpu_export", "auto") && region->kind != DQ_REGION_DEVICE &&
	    region->kind != DQ_REGION_APP)
		return dq_blame_key(r->cfg, sec, "gpu_export",
				    "only kinds device and app have memory of a GPU; allowed auto");
	if (gpu || dq_section_is(sec, "affinity", "auto"))
		return 0;
	if (region->kind == DQ_REGION_APP)
		return dq_blame_key(r->cfg, sec, "affinity",
				    "the program's memory is where it is; allowed auto");
	if (dq_section_number(sec, "affinity", UINT64_MAX) == UINT64_MAX)
		return dq_blame_key(r->cfg, sec, "affinity",
				    "a GPU, and kind %s lies on a NUMA node; allowed auto, 0..1023",
				    kinds[region->kind]);
	return 0;
}

/* For kinds host and huge affinity is a NUMA node, for the others a GPU. */
static int resolve_place(struct dq_resolver *r, const struct dq_section *sec,
			 struct dq_conf_region *region)
{
	bool on_node = region->kind == DQ_REGION_HOST || region->kind == DQ_REGION_HUGE;
	uint64_t affinity = on_node ? dq_section_number(sec, "affinity", UINT64_MAX) : UINT64_MAX;
	uint64_t numa = dq_section_number(sec, "numa", affinity);

	if (affinity != UINT64_MAX && numa != affinity)
		return dq_blame_key(r->cfg, sec, "numa",
				    "affinity names another node; allowed %" PRIu64, affinity);
	region->numa = numa == UINT64_MAX ? DQ_AUTO : (int)numa;
	if (on_node || dq_section_is(sec, "affinity", "auto"))
		return 0;
	region->gpu = dq_pool_strdup(r->conf->pool, dq_section_value(sec, "affinity"));
	return region->gpu ? 0 : dq_no_memory();
}

static int resolve_region(struct dq_resolver *r, const struct dq_section *sec)
{
	struct dq_conf_region *region = &r->conf->regions[r->conf->n_regions];
	char name[DQ_NAME_MAX + 1];
	int err;

	dq_section_word(sec, 1, name);
	err = dq_resolve_add_region(r, sec, name);
	if (err)
		return err;
	region->align = (uint32_t)dq_section_number(sec, "align", 64);
	region->page_size = dq_section_number(sec, "page_size", 0);
	err = check_kind_keys(r, sec, region);
	if (!err)
		err = resolve_place(r, sec, region);
	if (err)
		return err;
	if (dq_section_is(sec, "gpu_export", "dmabuf"))
		region->gpu_export = DQ_EXPORT_DMABUF;
	else if (dq_section_is(sec, "gpu_export", "peermem"))
		region->gpu_export = DQ_EXPORT_PEERMEM;
	if (!dq_section_is(sec, "relaxed_ordering", "auto"))
		region->relaxed_ordering = dq_section_is(sec, "relaxed_ordering", "on");
	return 0;
}

int dq_borrow_region(struct dq_resolver *r, const struct dq_section *sec, const char *name)
{
	const struct dq_running *running = r->running;
	unsigned i = 0;

	while (running && i < running->n_regions && strcmp(running->regions[i]->name, name) != 0)
		i++;
	if (!running || i == running->n_regions)
		return -1;
	r->conf->regions[r->conf->n_regions] = *running->regions[i];
	r->conf->regions[r->conf->n_regions].borrowed = true;
	r->region_sec[r->conf->n_regions] = sec;
	return (int)r->conf->n_regions++;
}

int dq_resolve_regions(struct dq_resolver *r)
{
	/* Every queue may bring one of its own. */
	unsigned n = dq_count_kind(r->cfg, "region") + dq_count_kind(r->cfg, "rxq") +
		     dq_count_kind(r->cfg, "txq") + (r->running ? r->running->n_regions : 0);
	int err = 0;

	r->conf->regions = dq_resolver_alloc(r, n, sizeof(*r->conf->regions));
	r->region_sec = dq_resolver_alloc(r, n, sizeof(*r->region_sec));
	if (!r->conf->regions || !r->region_sec)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "region"))
			err = resolve_region(r, &r->cfg->sections[i]);
	return err;
}

static int resolve_port_list(struct dq_resolver *r, unsigned i)
{
	struct dq_conf_region *region = &r->conf->regions[i];
	const char *list = dq_section_value(r->region_sec[i], "ports");
	char name[DQ_NAME_MAX + 1];

	if (!list || !strcmp(list, "auto"))
		return 0;
	region->ports = dq_resolver_alloc(r, r->conf->n_ports, sizeof(*region->ports));
	if (!region->ports)
		return dq_no_memory();
	while (dq_list_next(&list, name, sizeof(name))) {
		int port = dq_port_index(r->conf, name);

		if (port < 0)
			return dq_blame_missing(r, r->region_sec[i], "ports", "port", name);
		region->ports[region->n_ports++] = (unsigned)port;
	}
	return 0;
}

int dq_resolve_region_ports(struct dq_resolver *r)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->conf->n_regions; i++)
		err = resolve_port_list(r, i);
	return err;
}
