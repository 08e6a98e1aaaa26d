/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "memory.h"
#include "sysfs.h"

static uint64_t base_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool node_is_there(int node)
{
	char text[16];

	if (numa_available() >= 0)
		return node <= numa_max_node() &&
		       numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node);
	/* a kernel without NUMA has node 0, whether it shows it or not */
	return !node || dq_sysfs_read(text, sizeof(text), "/sys/devices/system/node/node%d/cpulist",
				      node) >= 0;
}

int dq_memory_node(const struct dq_memory_want *want, int *node)
{
	*node = -1;
	if (want->node < 0)
		return 0;
	if (!node_is_there(want->node))
		return dq_error(EINVAL,
				"%s numa=%d: this machine, or this process, has no such node",
				want->where, want->node);
	if (numa_available() >= 0)
		*node = want->node;
	return 0;
}

uint64_t dq_meminfo_spare(const char *line)
{
	static const char *const spare[] = {
		"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
	unsigned long long kb;
	char name[32];

	if (sscanf(line, "Node %*d %31s %llu kB", name, &kb) != 2)
		return 0;
	for (unsigned i = 0; i < sizeof(spare) / sizeof(spare[0]); i++)
		if (!strcmp(name, spare[i]))
			return kb * 1024;
	return 0;
}

/* What a node can give; UINT64_MAX: that is not known. */
static uint64_t spare_of(int node)
{
	char text[8192], *rest = text, *line;
	uint64_t bytes = 0;

	dq_sysfs_read_text(text, sizeof(text), "/sys/devices/system/node/node%d/meminfo", node);
	while ((line = strsep(&rest, "\n")))
		bytes += dq_meminfo_spare(line);
	return bytes ? bytes : UINT64_MAX;
}

static int check_spare(const struct dq_memory_want *want, int node)
{
	uint64_t spare;

	if (node < 0)
		return 0;
	/* A strict binding to a node that is full would wake the out-of-memory killer. */
	spare = spare_of(node);
	if (spare < want->length)
		return dq_error(
			ENOMEM,
			"%s: needs %llu bytes on NUMA node %d, which has %llu to give: make "
			"num_bufs smaller, or name another node with numa =",
			want->where, (unsigned long long)want->length, node,
			(unsigned long long)spare);
	return 0;
}

/* Binds memory, not yet touched, to a node. */
static int bind_node(const struct dq_memory_want *want, void *addr, uint64_t length, int *node)
{
	struct bitmask *mask;
	long ret;

	if (*node < 0)
		return 0;
	mask = numa_allocate_nodemask();
	if (!mask)
		return dq_error(ENOMEM, "%s: out of memory", want->where);
	numa_bitmask_setbit(mask, (unsigned)*node);
	ret = mbind(addr, length, MPOL_BIND, mask->maskp, mask->size + 1, 0);
	numa_free_nodemask(mask);
	if (!ret)
		return 0;
	dq_log(want->log, DAQIRI_LOG_WARN,
	       "%s: memory cannot be bound to node %d: %s; does the container lack CAP_SYS_NICE?",
	       want->where, *node, strerror(errno));
	*node = -1;
	return 0;
}

/* Makes every page present now, so that nothing faults on the data path. */
static void touch(uint8_t *addr, uint64_t length, uint64_t page_size)
{
	for (uint64_t i = 0; i < length; i += page_size)
		*(volatile uint8_t *)(addr + i) = 0;
}

int dq_memory_alloc_host(struct dq_memory *out, const struct dq_memory_want *want)
{
	uint64_t page_size = base_page_size(), length = dq_whole_pages(want->length, page_size);
	int node, ret = dq_memory_node(want, &node);
	void *addr;

	if (!ret)
		ret = check_spare(want, node);
	if (ret)
		return ret;
	addr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return dq_error(ENOMEM,
				"%s: no memory for %llu bytes: make num_bufs smaller, or raise the "
				"limit on address space (ulimit -v)",
				want->where, (unsigned long long)length);
	ret = bind_node(want, addr, length, &node);
	if (ret) {
		munmap(addr, length);
		return ret;
	}
	touch(addr, length, page_size);
	*out = (struct dq_memory){
		.addr = addr, .length = length, .page_size = page_size, .node = node};
	return 0;
}

void dq_memory_free(struct dq_memory *mem)
{
	if (mem->addr)
		munmap(mem->addr, mem->length);
	*mem = (struct dq_memory){0};
}
