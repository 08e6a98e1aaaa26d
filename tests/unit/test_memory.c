/* SPDX-License-Identifier: Apache-2.0 */
/* Packet memory where the kernel has no NUMA, or forbids its calls. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <daqiri.h>

#include "memory.h"

int __wrap_numa_available(void);
int __wrap_numa_available(void)
{
	return -1;
}

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
	cr_assert(strstr(daqiri_error_detail(), "[region r] numa=1000"), "%s", daqiri_error_detail());
	cr_assert_eq(dq_memory_alloc_huge(&mem, &want), -EINVAL);
}
