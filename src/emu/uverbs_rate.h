/* SPDX-License-Identifier: Apache-2.0 */
/* Packet pacing: the card's table of rates. All with emu_lock. */
#ifndef EMU_UVERBS_RATE_H
#define EMU_UVERBS_RATE_H

#include "uverbs.h"

/* What a queue is paced by; kbps 0: by nothing. */
struct emu_rate {
	uint32_t kbps, max_burst; /* of bytes; 0: the card's own */
	uint16_t typical_size;
};

/* An entry for rate in the device's table: 0 and its index, -EINVAL (out of range), -ENOSPC. */
int emu_rate_get(struct emu_dev *dev, const struct emu_rate *rate, uint16_t *index);
/* Index 0 is that of no rate. */
void emu_rate_put(struct emu_dev *dev, uint16_t index);
/* What stands at index; kbps 0 where nothing does. */
struct emu_rate emu_rate_at(const struct emu_dev *dev, uint16_t index);
/* May a queue of ctx be paced by the entry? 0 is none. */
bool emu_rate_usable(const struct emu_ctx *ctx, uint16_t index);
/* While the engine stands still: the queue keeps to rate from now on. */
void emu_rate_apply(struct emu_sq *sq, const struct emu_rate *rate);

#endif
