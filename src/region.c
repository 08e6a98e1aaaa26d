/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "log.h"
#include "port.h"
#include "region.h"
#include "scan.h"

static const char *const access_names[] = {
	[DQ_ACCESS_PAGES] = "pages",
	[DQ_ACCESS_DMABUF] = "dmabuf",
	[DQ_ACCESS_PEERMEM] = "peermem",
};

/* ---- memory ---------------------------------------------------------------------------------- */

static int alloc_host(struct daqiri_region *region, const struct dq_memory_want *want)
{
	return dq_memory_alloc_host(&region->mem, want);
}

static int alloc_huge(struct daqiri_region *region, const struct dq_memory_want *want)
{
	return dq_memory_alloc_huge(&region->mem, want);
}

static int (*const allocate[])(struct daqiri_region *, const struct dq_memory_want *) = {
	[DQ_REGION_HOST] = alloc_host,
	[DQ_REGION_HUGE] = alloc_huge,
	[DQ_REGION_HOST_PINNED] = dq_region_alloc_pinned,
	[DQ_REGION_DEVICE] = dq_region_alloc_device,
	[DQ_REGION_APP] = dq_region_take_app,
};

static void free_memory(struct daqiri_region *region)
{
	if (region->conf->kind == DQ_REGION_HOST || region->conf->kind == DQ_REGION_HUGE)
		dq_memory_free(&region->mem);
	else
		dq_region_free_gpu(region);
}

static void log_region(const struct daqiri_region *region, enum daqiri_log_level log)
{
	const struct dq_conf_region *conf = region->conf;

	dq_log(log, DAQIRI_LOG_INFO,
	       "%s: %llu bytes in pages of %llu, %llu slots of %llu every %llu, NUMA node %d",
	       conf->where, (unsigned long long)region->mem.length,
	       (unsigned long long)region->mem.page_size, (unsigned long long)conf->num_bufs,
	       (unsigned long long)conf->buf_size, (unsigned long long)region->stride,
	       region->mem.node);
	if (region->gpu)
		dq_log(log, DAQIRI_LOG_INFO, "%s kind=%s: GPU %d, %s; NICs come to it by %s%s%s",
		       conf->where, dq_region_kind_name(conf->kind), region->gpu->ordinal,
		       region->gpu->name, access_names[region->access], region->why[0] ? ": " : "",
		       region->why);
}

int dq_region_create(struct daqiri_region **out, const struct dq_conf_region *conf, int node,
		     enum daqiri_log_level log)
{
	struct daqiri_region *region = calloc(1, sizeof(*region));
	struct dq_memory_want want = {.where = conf->where,
				      .page_size = conf->page_size,
				      .node = conf->numa == DQ_AUTO ? node : conf->numa,
				      .log = log};
	int ret;

	if (!region)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	region->conf = conf;
	region->dmabuf_fd = -1;
	region->stride = (conf->buf_size + conf->align - 1) & ~((uint64_t)conf->align - 1);
	want.length = region->stride * conf->num_bufs;
	ret = allocate[conf->kind](region, &want);
	if (ret) {
		free(region);
		return ret;
	}
	log_region(region, log);
	*out = region;
	return 0;
}

void dq_region_destroy(struct daqiri_region *region)
{
	if (!region)
		return;
	while (region->n_keys) {
		struct dq_region_key *key = &region->keys[--region->n_keys];

		dq_device_destroyed(key->dev, "a memory registration", ibv_dereg_mr(key->mr));
	}
	free(region->keys);
	free_memory(region);
	free(region);
}

bool dq_region_on_gpu(const struct daqiri_region *region)
{
	return region->gpu && region->conf->kind != DQ_REGION_HOST_PINNED;
}

void dq_regions_log(struct daqiri_region *const *regions, unsigned n, enum daqiri_log_level level)
{
	unsigned long long host = 0, gpu = 0, app = 0;

	for (unsigned i = 0; i < n; i++) {
		if (regions[i]->conf->kind == DQ_REGION_APP)
			app += regions[i]->mem.length;
		else if (dq_region_on_gpu(regions[i]))
			gpu += regions[i]->mem.length;
		else
			host += regions[i]->mem.length;
	}
	dq_log(level, DAQIRI_LOG_INFO,
	       "packet memory of %u regions: %llu bytes of the host, %llu of GPUs, %llu of the "
	       "program",
	       n, host, gpu, app);
}

struct ibv_mr *dq_region_mr(const struct daqiri_region *region, const struct dq_device *dev)
{
	for (unsigned i = 0; i < region->n_keys; i++)
		if (region->keys[i].dev == dev)
			return region->keys[i].mr;
	return NULL;
}

struct ibv_mr *dq_region_mr_of(const struct daqiri_region *region, const struct daqiri_port *port)
{
	struct ibv_mr *mr;

	pthread_mutex_lock(port->lock);
	mr = dq_region_mr(region, port->dev);
	pthread_mutex_unlock(port->lock);
	return mr;
}

/* ---- public --------------------------------------------------------------------------------- */

int daqiri_region_info(const struct daqiri_region *region, struct daqiri_region_info *info)
{
	struct daqiri_region_info now;

	if (!region || !info)
		return dq_error(EINVAL, "daqiri_region_info: NULL argument");
	now = (struct daqiri_region_info){.addr = dq_region_slot(region, 0),
					  .length = region->conf->num_bufs * region->stride,
					  .num_bufs = region->conf->num_bufs,
					  .buf_size = region->conf->buf_size,
					  .stride = region->stride,
					  .page_size = region->mem.page_size,
					  .numa_node = region->mem.node,
					  .kind = dq_region_kind_name(region->conf->kind),
					  .access = access_names[region->access],
					  .why = region->why,
					  .gpu = region->gpu ? region->gpu->ordinal : -1,
					  .gpu_addr = region->gpu_addr,
					  .relaxed_ordering = region->relaxed};
	return dq_info_copy(info, &now, sizeof(now));
}

int daqiri_region_key(const struct daqiri_region *region, const struct daqiri_port *port,
		      daqiri_key *key)
{
	struct ibv_mr *mr;

	if (!region || !port || !key)
		return dq_error(EINVAL, "daqiri_region_key: NULL argument");
	mr = dq_region_mr_of(region, port);
	if (!mr)
		return dq_error(ENOENT,
				"%s: not registered with the device of port %s: name the port in "
				"its key ports",
				region->conf->where, port->conf->name);
	*key = daqiri_key_from_lkey(mr->lkey);
	return 0;
}

/* Kept big endian: the NIC wants it so in every WQE. */
daqiri_key daqiri_key_from_lkey(uint32_t lkey)
{
	return dq_key_of_be32(dq_to_be32(lkey));
}
