/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages: of the size and on the node asked for, or an error that tells how to get them. */
#include <dirent.h>
#include <errno.h>
#include <linux/mman.h>
#include <numa.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"
#include "memory.h"
#include "sysfs.h"

enum { MAX_SIZES = 16 };

/* The sizes that this kernel has, smallest first. */
static int list_sizes(uint64_t sizes[MAX_SIZES])
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *entry;
	unsigned long long kb;
	int n = 0, at;

	while (dir && n < MAX_SIZES && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "hugepages-%llukB", &kb) != 1)
			continue;
		for (at = n++; at > 0 && sizes[at - 1] > kb * 1024; at--)
			sizes[at] = sizes[at - 1];
		sizes[at] = kb * 1024;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Where the kernel counts pages of a size, on a node or, node -1, in all. */
static void pool_folder(char *path, size_t size, uint64_t page_size, int node)
{
	if (node < 0)
		snprintf(path, size, "/sys/kernel/mm/hugepages/hugepages-%llukB",
			 (unsigned long long)page_size / 1024);
	else
		snprintf(path, size, "/sys/devices/system/node/node%d/hugepages/hugepages-%llukB",
			 node, (unsigned long long)page_size / 1024);
}

static uint64_t pool_count(uint64_t page_size, int node, const char *what)
{
	char folder[128];
	uint64_t n = 0;

	pool_folder(folder, sizeof(folder), page_size, node);
	dq_sysfs_read_u64(&n, "%s/%s", folder, what);
	return n;
}

static int no_such_size(const struct dq_memory_want *want, const uint64_t *sizes, int n)
{
	char list[256] = "none";
	size_t len = 0;

	for (int i = 0; i < n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%lluK", i ? ", " : "",
					(unsigned long long)(sizes[i] / 1024));
	return dq_error(EINVAL, "%s page_size=%lluK: this kernel has huge pages of: %s",
			want->where, (unsigned long long)(want->page_size / 1024), list);
}

/* What the kernel takes where no size is named; 0: it does not tell. */
static uint64_t default_size(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kb = 0;
	char line[128];

	while (f && !kb && fgets(line, sizeof(line), f))
		if (sscanf(line, "Hugepagesize: %llu kB", &kb) != 1)
			kb = 0;
	if (f)
		fclose(f);
	return kb * 1024;
}

static bool has_enough(const struct dq_memory_want *want, int node, uint64_t page_size)
{
	return pool_count(page_size, node, "free_hugepages") >=
	       dq_pages_for(want->length, page_size);
}

/* The kernel's default size, or else the smallest of which there are enough, if there is one. */
static uint64_t auto_size(const struct dq_memory_want *want, int node, const uint64_t *sizes, int n)
{
	uint64_t usual = default_size();

	if (!usual)
		usual = sizes[0];
	for (int i = 0; i < n && !has_enough(want, node, usual); i++)
		if (has_enough(want, node, sizes[i]))
			return sizes[i];
	return usual;
}

static int choose_size(const struct dq_memory_want *want, int node, uint64_t *out)
{
	uint64_t sizes[MAX_SIZES];
	int n = list_sizes(sizes);

	if (!n)
		return dq_error(EOPNOTSUPP, "%s kind=huge: this kernel has no huge pages",
				want->where);
	*out = want->page_size ? want->page_size : auto_size(want, node, sizes, n);
	for (int i = 0; i < n; i++)
		if (sizes[i] == *out)
			return 0;
	return no_such_size(want, sizes, n);
}

static int too_few(const struct dq_memory_want *want, int node, uint64_t page_size)
{
	uint64_t needed = dq_pages_for(want->length, page_size);
	uint64_t available = pool_count(page_size, node, "free_hugepages");
	uint64_t total = pool_count(page_size, node, "nr_hugepages");
	uint64_t missing = needed > available ? needed - available : 0;
	char folder[128], on[32] = "this machine";

	pool_folder(folder, sizeof(folder), page_size, node);
	if (node >= 0)
		snprintf(on, sizeof(on), "NUMA node %d", node);
	return dq_error(ENOMEM,
			"%s kind=huge: needs %llu huge pages of %llu kB on %s, %llu are free: "
			"echo %llu > %s/nr_hugepages",
			want->where, (unsigned long long)needed,
			(unsigned long long)page_size / 1024, on, (unsigned long long)available,
			(unsigned long long)(total + missing), folder);
}

/*
 * Whether every page is there, and on the node. MAP_POPULATE keeps silent about pages that it could
 * not get; touching one of those would be a SIGBUS.
 */
static bool is_complete(uint8_t *addr, uint64_t length, uint64_t page_size, int node)
{
	unsigned char present;
	int on;

	for (uint64_t at = 0; at < length; at += page_size) {
		if (mincore(addr + at, 1, &present) || !(present & 1))
			return false;
		if (node >= 0 &&
		    !get_mempolicy(&on, NULL, 0, addr + at, MPOL_F_NODE | MPOL_F_ADDR) &&
		    on != node)
			return false;
	}
	return true;
}

int dq_memory_alloc_huge(struct dq_memory *out, const struct dq_memory_want *want)
{
	int node, ret = dq_memory_node(want, &node);
	uint64_t page_size = 0, length;
	struct dq_policy old;
	uint8_t *addr;

	if (!ret)
		ret = choose_size(want, node, &page_size);
	if (ret)
		return ret;
	length = dq_whole_pages(want->length, page_size);
	dq_policy_enter(&old, want, node);
	addr = mmap(NULL, length, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE |
			    dq_huge_flag(page_size),
		    -1, 0);
	dq_policy_leave(&old);
	if (addr == MAP_FAILED)
		return too_few(want, node, page_size);
	if (!is_complete(addr, length, page_size, node)) {
		munmap(addr, length);
		return too_few(want, node, page_size);
	}
	*out = (struct dq_memory){.addr = addr,
				  .length = length,
				  .page_size = page_size,
				  .node = old.set ? node : -1};
	return 0;
}
