/* SPDX-License-Identifier: Apache-2.0 */
/* Protection domains, and memory that the device may touch. */
#ifndef EMU_UVERBS_MEM_H
#define EMU_UVERBS_MEM_H

#include "uverbs.h"

struct emu_pd {
	uint32_t pdn;
};

/* Linux 5.12; older headers lack it. */
#define EMU_METHOD_REG_DMABUF_MR 4

uint32_t emu_pdn(const struct emu_object *pd);

/*
 * What the kernel pins. Nothing is pinned here, but it must be mapped (-EFAULT), writable where
 * asked, and within RLIMIT_MEMLOCK (-ENOMEM, or -EPERM where that is 0) unless CAP_IPC_LOCK.
 */
struct emu_pin {
	uint64_t pages;
};

int emu_pin(struct emu_pin *pin, uint64_t addr, uint64_t length, bool writable);
void emu_unpin(struct emu_pin *pin);
/* The same without pinning: is it mapped? 0 or -EFAULT. */
int emu_mapped(uint64_t addr, uint64_t length, bool writable);

/* A memory key that is not in use; its key is set, it is not live yet. NULL: none is left. */
struct emu_mkey *emu_mkey_take(struct emu_dev *dev);

/* The next free number for a QP, CQ, RQ, PD: 24 bits, never 0. */
uint32_t emu_number(struct emu_dev *dev);

#endif
