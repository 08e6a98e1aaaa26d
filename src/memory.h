/* SPDX-License-Identifier: Apache-2.0 */
/* Packet memory: whole pages, on one NUMA node, present from the start. */
#ifndef DQ_MEMORY_H
#define DQ_MEMORY_H

#include <stdint.h>

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

int dq_memory_alloc_host(struct dq_memory *out, const struct dq_memory_want *want);

/*
 * -ENOMEM: not that many huge pages there; the detail names page size, node, free and needed pages
 * and the command that makes them. Never anything but huge pages.
 */
int dq_memory_alloc_huge(struct dq_memory *out, const struct dq_memory_want *want);

void dq_memory_free(struct dq_memory *mem);

#endif
