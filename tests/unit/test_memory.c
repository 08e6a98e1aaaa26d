/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet memory where the kernel has no NUMA, or forbids its calls; where a node has not enough;
 * and huge pages that the kernel gives elsewhere than was asked for.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <numaif.h>
#include <sys/mman.h>

#include <daqiri.h>

#include "memory.h"

/* ---- a kernel that has NUMA or not, and huge pages ------------------------------------------- */

static bool numa;      /* as the machine has it; else: none */
static int given = -1; /* the node that pages lie on; -1: the machine's own */

int __real_numa_available(void);
int __wrap_numa_available(void);
int __wrap_numa_available(void)
{
	return numa ? __real_numa_available() : -1;
}

/* Huge pages are ordinary ones. */
void *__real_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t at);
void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t at);
void *__wrap_mmap(void *addr, size_t n, int prot, int flags, int fd, off_t at)
{
	if (flags & MAP_HUGETLB)
		flags &= ((1 << MAP_HUGE_SHIFT) - 1) & ~MAP_HUGETLB;
	return __real_mmap(addr, n, prot, flags, fd, at);
}

long __real_get_mempolicy(int *mode, unsigned long *nodes, unsigned long max, void *addr,
			  unsigned flags);
long __wrap_get_mempolicy(int *mode, unsigned long *nodes, unsigned long max, void *addr,
			  unsigned flags);
long __wrap_get_mempolicy(int *mode, unsigned long *nodes, unsigned long max, void *addr,
			  unsigned flags)
{
	if (given < 0 || !(flags & MPOL_F_ADDR))
		return __real_get_mempolicy(mode, nodes, max, addr, flags);
	*mode = given;
	return 0;
}

static void need_numa(void)
{
	numa = true;
	if (__wrap_numa_available() < 0)
		cr_skip_test("no NUMA here");
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const struct dq_memory_want on_node_0 = {.where = "[region r]", .length = 5000, .node = 0};

Test(memory, without_numa_the_only_node_is_not_bound_to)
{
	struct dq_memory mem;

	cr_assert_eq(dq_memory_alloc_host(&mem, &on_node_0), 0);
	cr_assert_eq(mem.node, -1);
	cr_assert_geq(mem.length, 5000);
	dq_memory_free(&mem);
}

Test(memory, without_numa_a_node_that_is_not_there_is_refused_all_the_same)
{
	struct dq_memory_want want = on_node_0;
	struct dq_memory mem;

	want.node = 1000;
	cr_assert_eq(dq_memory_alloc_host(&mem, &want), -EINVAL);
	cr_assert(strstr(daqiri_error_detail(), "[region r] numa=1000"), "%s",
		  daqiri_error_detail());
	cr_assert_eq(dq_memory_alloc_huge(&mem, &want), -EINVAL);
}

/* As a kernel prints them. */
Test(memory, a_node_can_give_what_is_free_and_what_is_only_cached)
{
	static const char *const spare[] = {
		"Node 0 MemFree:         4842596 kB\n", "Node 1 Active(file):     4842596 kB\n",
		"Node 0 Inactive(file):  4842596 kB\n", "Node 12 SReclaimable:    4842596 kB\n"};
	static const char *const others[] = {
		"Node 0 MemTotal:        6776608 kB\n",
		"Node 0 Active:           584500 kB\n",
		"Node 0 Active(anon):       1692 kB\n",
		"Node 0 KReclaimable:     447224 kB\n", /* SReclaimable is part of it */
		"Node 0 HugePages_Free:      3\n",
		"MemFree: 5 kB\n",
		"\n"};

	for (unsigned i = 0; i < sizeof(spare) / sizeof(spare[0]); i++)
		cr_assert_eq(dq_meminfo_spare(spare[i]), 4842596ull * 1024, "%s", spare[i]);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert_eq(dq_meminfo_spare(others[i]), 0, "%s", others[i]);
}

Test(memory, what_a_node_cannot_give_is_refused_before_it_is_taken)
{
	struct dq_memory_want want = {.where = "[region r]", .length = 1ull << 46, .node = 0};
	struct dq_memory mem;

	need_numa();
	cr_assert_eq(dq_memory_alloc_host(&mem, &want), -ENOMEM);
	cr_assert(strstr(daqiri_error_detail(),
			 "[region r]: needs 70368744177664 bytes on NUMA node 0, which has "),
		  "%s", daqiri_error_detail());
	cr_assert(strstr(daqiri_error_detail(), " to give: make num_bufs smaller, or name another"),
		  "%s", daqiri_error_detail());
}

/* Not where they were asked for: not taken, and what would cure it is said. */
Test(memory, huge_pages_of_another_node_are_refused)
{
	struct dq_memory_want want = {.where = "[region r]", .length = 3 << 20, .node = 0};
	struct dq_memory mem;
	int ret;

	need_numa();
	given = 0;
	ret = dq_memory_alloc_huge(&mem, &want);
	if (ret == -EOPNOTSUPP || ret == -EINVAL)
		cr_skip_test("no huge pages here");
	cr_assert_eq(ret, 0, "%s", daqiri_error_detail());
	dq_memory_free(&mem);
	given = 1;
	cr_assert_eq(dq_memory_alloc_huge(&mem, &want), -ENOMEM);
	cr_assert(strstr(daqiri_error_detail(), " kB on NUMA node 0, "), "%s",
		  daqiri_error_detail());
	cr_assert(strstr(daqiri_error_detail(), " > /sys/devices/system/node/node0/hugepages/"),
		  "%s", daqiri_error_detail());
}
