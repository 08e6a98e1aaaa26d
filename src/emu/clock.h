/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's free-running clock as programs read it: a page with the register itself, and a page in
 * which the kernel tells how to make time of day of it.
 */
#ifndef EMU_CLOCK_H
#define EMU_CLOCK_H

#include "emu.h"

/* Of the driver's mmap space: enum mlx5_ib_mmap_cmd */
#define EMU_MMAP_CORE_CLOCK 5u
#define EMU_MMAP_CLOCK_INFO 7u

/* struct mlx5_ib_clock_info, which kernel headers before 4.17 lack */
struct emu_clock_info {
	uint32_t sign; /* changes by 2; odd while the rest changes */
	uint32_t reserved;
	uint64_t nsec; /* time of day when the clock stood at cycles */
	uint64_t cycles, frac;
	uint32_t mult, shift;
	uint64_t mask, overflow_period;
};

struct emu_clock_pages {
	LIST_ENTRY(emu_clock_pages) link;
	uint64_t *core; /* internal_timer_h and _l: one big-endian number; NULL: not offered */
	struct emu_clock_info *info;
};

/* What the counter shows after ns: it counts nanoseconds, as well as it can. */
uint64_t emu_clock_count(uint64_t ns);

/* With the engine standing still: from now on the device writes these pages. */
void emu_clock_add(struct emu_clock_pages *clock);
void emu_clock_remove(struct emu_clock_pages *clock);
/* In a child of fork: there are none. */
void emu_clock_forget(void);

/* By the engine, as often as it looks at anything: the clock has come to ns. */
void emu_clock_tick(uint64_t ns);

#endif
