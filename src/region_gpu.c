/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of kinds device and host_pinned. */
#include <errno.h>
#include <numaif.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "region.h"

enum { WHERE = 512 };

/* "conf.ini:3: [region rx] kind=device" */
static const char *place(const struct daqiri_region *region, char buf[WHERE])
{
	snprintf(buf, WHERE, "%s kind=%s", region->conf->where,
		 dq_region_kind_name(region->conf->kind));
	return buf;
}

static int find_gpu(struct daqiri_region *region, const struct dq_memory_want *want,
		    const char *where)
{
	const struct dq_gpu_want gpu = {.where = where,
					.affinity = region->conf->gpu,
					.node = want->node,
					.discrete = region->conf->kind == DQ_REGION_DEVICE};

	return dq_gpu_find(&region->gpu, &gpu);
}

/* ---- host_pinned ----------------------------------------------------------------------------- */

/* The node that the memory really is on; -1: it cannot be told. */
static int node_of(const void *addr)
{
	int node;

	return get_mempolicy(&node, NULL, 0, (void *)(uintptr_t)addr, MPOL_F_NODE | MPOL_F_ADDR)
		       ? -1
		       : node;
}

static void note_node(struct daqiri_region *region, const struct dq_memory_want *want, int node)
{
	region->mem.node = node_of(region->mem.addr);
	if (node >= 0 && region->mem.node >= 0 && region->mem.node != node)
		dq_log(want->log, DAQIRI_LOG_WARN,
		       "%s: CUDA took its memory on NUMA node %d, not on %d", want->where,
		       region->mem.node, node);
}

int dq_region_alloc_pinned(struct daqiri_region *region, const struct dq_memory_want *want)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct dq_pinned pinned;
	struct dq_policy old;
	char where[WHERE];
	int node, ret = find_gpu(region, want, place(region, where));

	if (!ret)
		ret = dq_memory_node(want, &node);
	if (ret)
		return ret;
	region->mem.length = dq_whole_pages(want->length, page);
	region->mem.page_size = page;
	dq_policy_enter(&old, want, node);
	ret = dq_gpu_alloc_pinned(region->gpu, &pinned, region->mem.length, where);
	dq_policy_leave(&old);
	if (ret)
		return ret;
	region->mem.addr = pinned.host;
	region->gpu_addr = pinned.device;
	note_node(region, want, node);
	return 0;
}

/* ---- device ---------------------------------------------------------------------------------- */

/* A NIC sees at most a BAR1 of the GPU's memory. */
static int check_bar1(const struct daqiri_region *region, const char *where)
{
	const struct dq_gpu *gpu = region->gpu;

	if (!gpu->bar1 || region->mem.length <= gpu->bar1)
		return 0;
	return dq_error(ENOMEM,
			"%s: needs %llu bytes of GPU %d, %s, whose BAR1 shows NICs %llu at once: "
			"make num_bufs at most %llu, or BAR1 larger (resizable BAR in the "
			"firmware's setup)",
			where, (unsigned long long)region->mem.length, gpu->ordinal, gpu->name,
			(unsigned long long)gpu->bar1,
			(unsigned long long)(gpu->bar1 / region->stride));
}

static int check_device(struct daqiri_region *region, const char *where)
{
	struct dq_export e = {.gpu = region->gpu, .where = where, .want = region->conf->gpu_export};
	int ret = dq_gpu_export_check(&e);

	return ret ? ret : check_bar1(region, where);
}

int dq_region_export(struct daqiri_region *region)
{
	char where[WHERE];
	struct dq_export e = {.gpu = region->gpu,
			      .where = place(region, where),
			      .ptr = (uint64_t)(uintptr_t)region->mem.addr,
			      .length = region->mem.length,
			      .want = region->conf->gpu_export};
	int ret = dq_gpu_export(&e);

	if (ret)
		return ret;
	region->access = e.fd < 0 ? DQ_ACCESS_PEERMEM : DQ_ACCESS_DMABUF;
	region->dmabuf_fd = e.fd;
	region->dmabuf_offset = e.offset;
	region->own_fd = e.fd >= 0;
	region->gpu_addr = e.ptr;
	snprintf(region->why, sizeof(region->why), "%s", e.why);
	return 0;
}

int dq_region_alloc_device(struct daqiri_region *region, const struct dq_memory_want *want)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), ptr;
	char where[WHERE];
	int ret = find_gpu(region, want, place(region, where));

	region->mem.length = dq_whole_pages(want->length, page);
	region->mem.page_size = page;
	region->mem.node = -1;
	if (!ret)
		ret = check_device(region, where);
	if (!ret)
		ret = dq_gpu_alloc(region->gpu, &ptr, region->mem.length, where);
	if (ret)
		return ret;
	region->mem.addr = (void *)(uintptr_t)ptr;
	ret = dq_region_export(region);
	if (ret)
		dq_gpu_free(region->gpu, ptr);
	return ret;
}

void dq_region_free_gpu(struct daqiri_region *region)
{
	if (region->own_fd)
		close(region->dmabuf_fd);
	if (region->conf->kind == DQ_REGION_DEVICE)
		dq_gpu_free(region->gpu, (uint64_t)(uintptr_t)region->mem.addr);
	else if (region->conf->kind == DQ_REGION_HOST_PINNED)
		dq_gpu_free_pinned(region->gpu, region->mem.addr);
}
