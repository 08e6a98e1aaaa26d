/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>

#include "log.h"
#include "memory.h"

void dq_policy_enter(struct dq_policy *old, const struct dq_memory_want *want, int node)
{
	struct bitmask *mask = node < 0 ? NULL : numa_allocate_nodemask();

	*old = (struct dq_policy){.nodes = mask ? numa_allocate_nodemask() : NULL};
	if (mask && old->nodes) {
		numa_bitmask_setbit(mask, (unsigned)node);
		old->set = !get_mempolicy(&old->mode, old->nodes->maskp, old->nodes->size + 1, NULL,
					  0) &&
			   !set_mempolicy(MPOL_BIND, mask->maskp, mask->size + 1);
		if (!old->set)
			dq_log(want->log, DAQIRI_LOG_WARN,
			       "%s: memory cannot be bound to node %d: %s; does the container lack "
			       "CAP_SYS_NICE?",
			       want->where, node, strerror(errno));
	}
	if (mask)
		numa_free_nodemask(mask);
}

void dq_policy_leave(struct dq_policy *old)
{
	if (old->set)
		set_mempolicy(old->mode, old->mode == MPOL_DEFAULT ? NULL : old->nodes->maskp,
			      old->mode == MPOL_DEFAULT ? 0 : old->nodes->size + 1);
	if (old->nodes)
		numa_free_nodemask(old->nodes);
}
