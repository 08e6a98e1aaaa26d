/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of kind app: memory that the program has made. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "error.h"
#include "region.h"

static int check_size(const struct daqiri_region *region, const struct dq_memory_want *want)
{
	const struct daqiri_memory *app = &region->conf->app;

	if (!app->size)
		return dq_error(EINVAL,
				"%s kind=app: the program has not given it its memory: "
				"daqiri_config_set_memory()",
				want->where);
	if (app->length < want->length)
		return dq_error(EINVAL,
				"%s kind=app: the program's memory has %llu bytes, %llu slots of "
				"%llu take %llu: make num_bufs at most %llu",
				want->where, (unsigned long long)app->length,
				(unsigned long long)region->conf->num_bufs,
				(unsigned long long)region->stride,
				(unsigned long long)want->length,
				(unsigned long long)(app->length / region->stride));
	if (app->addr & (region->conf->align - 1))
		return dq_error(EINVAL,
				"%s kind=app: the program's memory begins at 0x%llx, which is no "
				"multiple of align=%u",
				want->where, (unsigned long long)app->addr, region->conf->align);
	return 0;
}

/* The card has one page size for both: addr and its place in the dma-buf must agree below it. */
static int check_dmabuf(const struct daqiri_region *region, const struct dq_memory_want *want)
{
	const struct daqiri_memory *app = &region->conf->app;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (region->conf->gpu_export == DQ_EXPORT_PEERMEM)
		return dq_error(EINVAL,
				"%s gpu_export=peermem: the program gives a dma-buf; allowed "
				"auto, dmabuf",
				want->where);
	if (!((app->addr ^ app->dmabuf_offset) & (page - 1)))
		return 0;
	return dq_error(EINVAL,
			"%s kind=app: address 0x%llx is offset 0x%llx of the dma-buf: they must "
			"agree below the page size, %llu",
			want->where, (unsigned long long)app->addr,
			(unsigned long long)app->dmabuf_offset, (unsigned long long)page);
}

static int take_dmabuf(struct daqiri_region *region, const struct dq_memory_want *want)
{
	int ret = check_dmabuf(region, want);

	if (ret)
		return ret;
	region->access = DQ_ACCESS_DMABUF;
	region->dmabuf_fd = region->conf->app.dmabuf_fd;
	region->dmabuf_offset = region->conf->app.dmabuf_offset;
	snprintf(region->why, sizeof(region->why), "the program gave a dma-buf");
	return 0;
}

/*
 * Of the program's GPU memory. Several allocations that are mapped behind each other may do, so only
 * a failure is blamed on the first one's end.
 */
static int export_range(struct daqiri_region *region, const struct dq_memory_want *want)
{
	uint64_t addr = region->conf->app.addr, end;
	int ret = dq_region_export(region);

	if (!ret || dq_gpu_range(addr, want->length, &end))
		return ret;
	return dq_error(EINVAL,
			"%s kind=app: %llu bytes at 0x%llx reach beyond the end of their allocation "
			"on GPU %d, %s, 0x%llx: make num_bufs at most %llu",
			want->where, (unsigned long long)want->length, (unsigned long long)addr,
			region->gpu->ordinal, region->gpu->name, (unsigned long long)end,
			(unsigned long long)((end - addr) / region->stride));
}

int dq_region_take_app(struct daqiri_region *region, const struct dq_memory_want *want)
{
	const struct daqiri_memory *app = &region->conf->app;
	int ret = check_size(region, want);

	if (ret)
		return ret;
	region->mem = (struct dq_memory){.addr = (void *)(uintptr_t)app->addr,
					 .length = want->length,
					 .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
					 .node = -1};
	region->gpu = dq_gpu_of(app->addr);
	if (region->gpu) {
		region->gpu_addr = app->addr;
		/* Before the export, which makes a descriptor. */
		ret = dq_gpu_sync_memops(region->gpu, app->addr, want->where);
	}
	if (ret)
		return ret;
	if (app->dmabuf_fd >= 0)
		ret = take_dmabuf(region, want);
	else if (region->gpu)
		ret = export_range(region, want);
	else if (region->conf->gpu_export != DQ_EXPORT_AUTO)
		ret = dq_error(EINVAL,
			       "%s kind=app: gpu_export is set, and the program's memory at 0x%llx "
			       "is not on a GPU",
			       want->where, (unsigned long long)app->addr);
	return ret;
}
