/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's memory as the kernel sees it: an address that leads nowhere is -EFAULT and no
 * crash, and what was read once is not looked at again.
 */
#ifndef EMU_UVERBS_COPY_H
#define EMU_UVERBS_COPY_H

#include "uverbs.h"

/* 0 or -EFAULT. */
int emu_user_read(void *to, uint64_t from, size_t n);
int emu_user_write(uint64_t to, const void *from, size_t n);

/* The ioctl's header and attributes become call->hdr: 0 or -errno. */
int emu_call_read(struct emu_call *call, uint64_t arg);
/* What attr points at becomes a copy, for this call; out: one that goes back. */
int emu_call_fetch(struct emu_call *call, struct ib_uverbs_attr *attr, bool out);
/* Changes go back to the program and the copies away. ret, or -EFAULT. */
int emu_call_finish(struct emu_call *call, int ret);

#endif
