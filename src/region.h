/* SPDX-License-Identifier: Apache-2.0 */
/* Memory cut into slots and registered, with a key of its own, on each device that uses it. */
#ifndef DQ_REGION_H
#define DQ_REGION_H

#include <infiniband/verbs.h>

#include "config_model.h"
#include "device.h"
#include "memory.h"

struct dq_region_key {
	struct dq_device *dev;
	struct ibv_mr *mr;
};

struct daqiri_region {
	const struct dq_conf_region *conf; /* the context's */
	struct dq_memory mem;
	uint64_t stride;
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

static inline uint64_t dq_region_slot(const struct daqiri_region *region, uint64_t index)
{
	return (uint64_t)(uintptr_t)region->mem.addr + index * region->stride;
}

#endif
