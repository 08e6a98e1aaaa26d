/* SPDX-License-Identifier: Apache-2.0 */
/* Packet memory: whole pages, on one NUMA node, present from the start. */
#ifndef DQ_MEMORY_H
#define DQ_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/mman.h>

#include <daqiri.h>

struct dq_memory {
	void *addr;
	uint64_t length; /* whole pages */
	uint64_t page_size;
	int node; /* that it is bound to; -1 none */
};

/* What is wanted. */
struct dq_memory_want {
	const char *where;  /* of the region's section, for messages */
	uint64_t length;    /* bytes that are needed */
	uint64_t page_size; /* huge only; 0: any that has enough pages */
	int node;	    /* -1: any */
	enum daqiri_log_level log;
};

/* Pages of a size, any power of two, that length bytes need. */
static inline uint64_t dq_pages_for(uint64_t length, uint64_t page_size)
{
	return length / page_size + (length % page_size != 0);
}

static inline uint64_t dq_whole_pages(uint64_t length, uint64_t page_size)
{
	return dq_pages_for(length, page_size) * page_size;
}

/* A huge page's size as mmap() wants it, above MAP_HUGE_SHIFT; 16 GiB reach the sign bit. */
static inline int dq_huge_flag(uint64_t page_size)
{
	return (int)((unsigned)__builtin_ctzll(page_size) << MAP_HUGE_SHIFT);
}

/*
 * The node that memory can be bound to for this want; -1 where none is asked for, and where the
 * kernel has no NUMA or forbids its calls (some containers), which on a machine of one node changes
 * nothing. -EINVAL: there is no such node.
 */
int dq_memory_node(const struct dq_memory_want *want, int *node);

/*
 * The bytes of a line of a node's meminfo that a new mapping may get: what is free, and what the
 * kernel only caches. 0 of all others.
 */
uint64_t dq_meminfo_spare(const char *line);

/* Memory policy of the calling thread, kept while memory is taken on one node. */
struct dq_policy {
	bool set; /* to the node; else what is taken may be anywhere */
	int mode;
	struct bitmask *nodes;
};

/* node -1: nothing is changed. */
void dq_policy_enter(struct dq_policy *old, const struct dq_memory_want *want, int node);
void dq_policy_leave(struct dq_policy *old);

int dq_memory_alloc_host(struct dq_memory *out, const struct dq_memory_want *want);

/*
 * -ENOMEM: not that many huge pages there; the detail names page size, node, free and needed pages
 * and the command that makes them. Never anything but huge pages.
 */
int dq_memory_alloc_huge(struct dq_memory *out, const struct dq_memory_want *want);

void dq_memory_free(struct dq_memory *mem);

#endif
