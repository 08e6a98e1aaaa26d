/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Situations that programs must tell their users of: cards, kernels and rights that are less than
 * the usual ones. Chosen with daqiri-emu --fault for a whole wire.
 */
#ifndef EMU_FAULT_H
#define EMU_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum emu_fault {
	EMU_FAULT_LINK_DOWN,  /* no carrier */
	EMU_FAULT_INFINIBAND, /* the port's link layer */
	EMU_FAULT_NO_ACCESS,  /* the device file belongs to another user */
	EMU_FAULT_NO_NET_RAW, /* the process lacks CAP_NET_RAW */
	EMU_FAULT_NO_DEVX,    /* the kernel grants it to nobody */
	EMU_FAULT_NO_EMPW,    /* no enhanced multi-packet send */
	EMU_FAULT_INLINE_L2,  /* headers wanted in the WQE */
	EMU_FAULT_SMALL,      /* queues of at most EMU_SMALL_WR entries */
	EMU_FAULT_NO_RSS,     /* no hash QPs */
	EMU_FAULT_NO_CQE_V1,  /* completions of the first version only */
	EMU_FAULT_NO_ROCE,    /* devlink's enable_roce is false: no table of GIDs */
	EMU_FAULT_NO_DMABUF,  /* a kernel without on-demand paging: it registers none */
	EMU_FAULT_SMALL_MR,   /* registrations of at most EMU_SMALL_MR bytes */
	EMU_FAULT_NO_COMPRESSION, /* completions are never compressed */
	EMU_FAULT_NO_OFFLOADS,	  /* sends frames as they are: no checksums, tags, large sends, rates */
	EMU_FAULT_ESWITCH_ENCAP,  /* switchdev mode has the tunnels: the NIC's own tables have none */
	EMU_FAULT_WHOLE_WORDS,	  /* words of the programmable parser are matched whole or not at all */
	EMU_FAULTS
};

#define EMU_SMALL_WR 256u
#define EMU_SMALL_MR 65536u

/* The name of a fault on the command line; NULL: there are no more. */
const char *emu_fault_name(unsigned fault);
/* Adds the fault of this name to a set; false: there is none. */
bool emu_fault_add(uint32_t *faults, const char *name);
/* Whether this wire has the fault. */
bool emu_fault(enum emu_fault fault);
/* What the kernel answers where it asks for CAP_NET_RAW: 0 or -EPERM. */
int emu_fault_net_raw(void);

#endif
