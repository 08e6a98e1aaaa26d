/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic of system pages, which may be 4, 16 or 64 KiB, where the card counts in 4 KiB. Pure
 * functions; page is what sysconf(_SC_PAGESIZE) says.
 */
#ifndef EMU_PAGES_H
#define EMU_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "emu_hw.h"

/* Page offset of an entry of the driver's mmap space: index 15:8 above the command, 7:0 below. */
#define EMU_MMAP_UAR_OBJECT 9u

/* Doorbell pages of the card in one that a program can map. */
static inline uint32_t emu_uars_in(uint64_t page)
{
	return (uint32_t)(page / EMU_UAR_SIZE);
}

/* Where the n-th mapped page of a context lies in the uverbs file. */
static inline uint64_t emu_uar_mmap_offset(uint32_t n, uint64_t page)
{
	return ((uint64_t)(n >> 8) << 16 | EMU_MMAP_UAR_OBJECT << 8 | (n & 0xff)) * page;
}

/* Whether the card's doorbell page index lies in the mapped one that begins with first. */
static inline bool emu_uar_holds(uint32_t first, uint32_t index, uint64_t page)
{
	return index - first < emu_uars_in(page);
}

/* The whole pages that [addr, addr + length) touches; false: it goes round the end, or is empty. */
static inline bool emu_page_span(uint64_t addr, uint64_t length, uint64_t page, uint64_t span[2])
{
	uint64_t last = addr + length - 1;

	if (!length || last < addr || last > UINT64_MAX - page)
		return false;
	span[0] = addr & ~(page - 1);
	span[1] = (last & ~(page - 1)) + page;
	return true;
}

#endif
