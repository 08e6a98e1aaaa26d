/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_UVERBS_LEGACY_H
#define EMU_UVERBS_LEGACY_H

#include "uverbs.h"

/* What GET_CONTEXT has done, for one that fails behind that: uverbs_device.c. */
void emu_context_undo(struct emu_ctx *ctx);

#endif
