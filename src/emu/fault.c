/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "emu.h"

#include <errno.h>
#include <string.h>

static const char *const names[EMU_FAULTS] = {
	[EMU_FAULT_LINK_DOWN] = "link-down",	 [EMU_FAULT_INFINIBAND] = "infiniband",
	[EMU_FAULT_NO_ACCESS] = "no-access",	 [EMU_FAULT_NO_NET_RAW] = "no-net-raw",
	[EMU_FAULT_NO_DEVX] = "no-devx",	 [EMU_FAULT_NO_EMPW] = "no-empw",
	[EMU_FAULT_INLINE_L2] = "inline-l2",	 [EMU_FAULT_SMALL] = "small",
	[EMU_FAULT_NO_RSS] = "no-rss",		 [EMU_FAULT_NO_CQE_V1] = "no-cqe-v1",
	[EMU_FAULT_NO_ROCE] = "no-roce",	 [EMU_FAULT_NO_DMABUF] = "no-dmabuf",
	[EMU_FAULT_SMALL_MR] = "small-mr",	 [EMU_FAULT_NO_COMPRESSION] = "no-compression",
	[EMU_FAULT_NO_OFFLOADS] = "no-offloads", [EMU_FAULT_ESWITCH_ENCAP] = "eswitch-encap",
	[EMU_FAULT_WHOLE_WORDS] = "whole-words",
};

const char *emu_fault_name(unsigned fault)
{
	return fault < EMU_FAULTS ? names[fault] : NULL;
}

bool emu_fault_add(uint32_t *faults, const char *name)
{
	for (unsigned i = 0; i < EMU_FAULTS; i++) {
		if (!strcmp(names[i], name)) {
			*faults |= 1u << i;
			return true;
		}
	}
	return false;
}

bool emu_fault(enum emu_fault fault)
{
	/* what has an option of its own too */
	if ((fault == EMU_FAULT_NO_DEVX && !emu_settings.devx) ||
	    (fault == EMU_FAULT_NO_EMPW && !emu_settings.empw) ||
	    (fault == EMU_FAULT_NO_NET_RAW && !emu_settings.net_raw))
		return true;
	return emu_settings.faults >> fault & 1;
}

int emu_fault_net_raw(void)
{
	return emu_fault(EMU_FAULT_NO_NET_RAW) ? -EPERM : 0;
}
