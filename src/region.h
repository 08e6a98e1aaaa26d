/* SPDX-License-Identifier: Apache-2.0 */
/* Memory cut into slots and registered, with a key of its own, on each device that uses it. */
#ifndef DQ_REGION_H
#define DQ_REGION_H

#include <infiniband/verbs.h>

#include "config_model.h"
#include "device.h"
#include "gpu.h"
#include "memory.h"

struct dq_region_key {
	struct dq_device *dev;
	struct ibv_mr *mr;
};

/* How a NIC comes to the memory. */
enum dq_region_access { DQ_ACCESS_PAGES, DQ_ACCESS_DMABUF, DQ_ACCESS_PEERMEM };

struct daqiri_region {
	const struct dq_conf_region *conf; /* the context's */
	struct dq_memory mem;		   /* addr: host or GPU virtual address of slot 0 */
	uint64_t stride;
	enum dq_region_access access;
	int dmabuf_fd;		  /* access by dma-buf: */
	uint64_t dmabuf_offset;	  /* where slot 0 is in it */
	bool own_fd;		  /* it is to be closed */
	const struct dq_gpu *gpu; /* that the memory is on, or that pinned it; NULL: none */
	uint64_t gpu_addr;	  /* of slot 0, for code on a GPU; 0: none */
	bool relaxed;		  /* NICs may reorder their writes */
	char why[256];		  /* why this access; "" where there is no choice */
	struct dq_region_key *keys;
	unsigned n_keys;
};

/* Allocates the memory. node: where ports that use it are; -1 none. */
int dq_region_create(struct daqiri_region **out, const struct dq_conf_region *conf, int node,
		     enum daqiri_log_level log);
void dq_region_destroy(struct daqiri_region *region);

/* Registers the region on a device; once is enough. */
int dq_region_register(struct daqiri_region *region, struct dq_device *dev);

/* The registration on a device; NULL: none. */
struct ibv_mr *dq_region_mr(const struct daqiri_region *region, const struct dq_device *dev);

/* The same for a port, when others may register the region meanwhile: takes the context's lock. */
struct ibv_mr *dq_region_mr_of(const struct daqiri_region *region, const struct daqiri_port *port);

/* Whether no CPU can read or write its bytes. */
bool dq_region_on_gpu(const struct daqiri_region *region);

/* Logs what n regions take, by where it is. */
void dq_regions_log(struct daqiri_region *const *regions, unsigned n, enum daqiri_log_level level);

static inline uint64_t dq_region_slot(const struct daqiri_region *region, uint64_t index)
{
	return (uint64_t)(uintptr_t)region->mem.addr + index * region->stride;
}

/* ---- between region*.c ----------------------------------------------------------------------- */

/* region_gpu.c, region_app.c: memory of the kinds that need CUDA, or the program. */
int dq_region_alloc_pinned(struct daqiri_region *region, const struct dq_memory_want *want);
int dq_region_alloc_device(struct daqiri_region *region, const struct dq_memory_want *want);
int dq_region_take_app(struct daqiri_region *region, const struct dq_memory_want *want);
void dq_region_free_gpu(struct daqiri_region *region);

/* Finds the way for NICs to the GPU memory that the region has. */
int dq_region_export(struct daqiri_region *region);

#endif
