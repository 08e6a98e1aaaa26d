/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_UVERBS_CLOCK_H
#define EMU_UVERBS_CLOCK_H

#include "uverbs.h"

/*
 * mlx5_ib offers the register (MLX5_IB_MMAP_CORE_CLOCK) only where a page holds no other ones. It
 * lies at the start of a page: struct mlx5_init_seg, internal_timer_h.
 */
bool emu_ctx_has_core_clock(void);

/* With the context: 0 or -ENOMEM. */
int emu_ctx_clock_open(struct emu_ctx *ctx);
void emu_ctx_clock_close(struct emu_ctx *ctx);

#endif
