/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that no CPU can read or write: a GPU's. A card comes to it over PCIe; this device through
 * the CUDA driver that the program has loaded, which knows it by the address that the program has.
 * Such memory "lies" at that address in this process: emu_mem() gives it, emu_gpu_holds() tells it
 * from memory that is there, and bytes go through emu_gpu_fetch() and emu_gpu_store().
 */
#ifndef EMU_GPU_H
#define EMU_GPU_H

#include <stdbool.h>
#include <stdint.h>

#define EMU_GPU_WINDOWS 1024u

/* What the driver says of an address. */
struct emu_gpu_range {
	uint64_t start, length; /* of the allocation */
	int ordinal;		/* CUDA's number of the GPU */
};

/* ---- control path ---------------------------------------------------------------------------- */

/* False: no memory of a GPU, or the program has no CUDA driver. Enters no kernel. */
bool emu_gpu_find(uint64_t addr, struct emu_gpu_range *range);

/* [addr, addr + length) is registered, once more or once less. 0 or -ENOMEM. Engine paused. */
int emu_gpu_add(uint64_t addr, uint64_t length, int ordinal);
void emu_gpu_remove(uint64_t addr, uint64_t length);

/* ---- engine ---------------------------------------------------------------------------------- */

extern unsigned emu_gpu_n; /* windows */

bool emu_gpu_lookup(const void *at);
static inline bool emu_gpu_holds(const void *at)
{
	return emu_gpu_n && emu_gpu_lookup(at);
}

/*
 * A copy of n bytes, or of the first that any frame can have, which is there when emu_gpu_fetched()
 * has returned true, and valid until emu_gpu_begin(). NULL: the driver refused.
 */
const uint8_t *emu_gpu_fetch(const void *at, uint32_t n);
bool emu_gpu_fetched(void);
void emu_gpu_begin(void);
uint32_t emu_gpu_room(void); /* for fetches, until emu_gpu_begin() */

/* Writes; what is written is there when emu_gpu_settle() has returned true. False: refused. */
bool emu_gpu_store(void *at, const void *from, uint32_t n);
bool emu_gpu_unsettled(void);
bool emu_gpu_settle(void);

#endif
