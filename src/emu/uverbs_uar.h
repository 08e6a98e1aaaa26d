/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_UVERBS_UAR_H
#define EMU_UVERBS_UAR_H

#include "uverbs.h"

/* The doorbell page of that index in this context, or NULL. */
struct emu_uar *emu_uar_find(struct emu_ctx *ctx, uint32_t index);
/* A queue rings there: the page stays. */
void emu_uar_get(struct emu_uar *uar);
void emu_uar_put(struct emu_uar *uar);

/* Is a doorbell page of the context mapped from here? */
bool emu_uar_at(const struct emu_ctx *ctx, uint64_t offset);

#endif
