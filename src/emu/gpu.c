/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu.h"

#include "caps.h"
#include "emu_dev.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* ---- the driver: cuda.h ---------------------------------------------------------------------- */

enum {
	MEMORY_TYPE = 2,       /* CU_POINTER_ATTRIBUTE_MEMORY_TYPE */
	IS_MANAGED = 8,	       /* CU_POINTER_ATTRIBUTE_IS_MANAGED */
	DEVICE_ORDINAL = 9,    /* CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL */
	RANGE_START = 11,      /* CU_POINTER_ATTRIBUTE_RANGE_START_ADDR */
	RANGE_SIZE = 12,       /* CU_POINTER_ATTRIBUTE_RANGE_SIZE */
	MEMORYTYPE_DEVICE = 2, /* CU_MEMORYTYPE_DEVICE */
	NON_BLOCKING = 1       /* CU_STREAM_NON_BLOCKING */
};

static struct driver {
	int (*cuPointerGetAttributes)(unsigned n, int *attributes, void **data,
				      unsigned long long ptr);
	int (*cuDeviceGet)(int *device, int ordinal);
	int (*cuDevicePrimaryCtxRetain)(void **ctx, int device);
	int (*cuCtxSetCurrent)(void *ctx);
	int (*cuStreamCreate)(void **stream, unsigned flags);
	int (*cuStreamSynchronize)(void *stream);
	int (*cuMemcpyHtoDAsync_v2)(unsigned long long to, const void *from, size_t n,
				    void *stream);
	int (*cuMemcpyDtoHAsync_v2)(void *to, unsigned long long from, size_t n, void *stream);
} cu;

static bool fill(void *lib)
{
#define ENTRY(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct driver, name)                                               \
	}
	static const struct {
		const char *name;
		size_t at;
	} entries[] = {
		ENTRY(cuPointerGetAttributes),	 ENTRY(cuDeviceGet),
		ENTRY(cuDevicePrimaryCtxRetain), ENTRY(cuCtxSetCurrent),
		ENTRY(cuStreamCreate),		 ENTRY(cuStreamSynchronize),
		ENTRY(cuMemcpyHtoDAsync_v2),	 ENTRY(cuMemcpyDtoHAsync_v2),
	};
#undef ENTRY

	for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *symbol = dlsym(lib, entries[i].name);

		if (!symbol)
			return false;
		memcpy((char *)&cu + entries[i].at, &symbol, sizeof(symbol));
	}
	return true;
}

/* Who has no driver loaded can have no memory of a GPU. */
static bool driver(void)
{
	static bool there;
	void *lib;

	if (there)
		return true;
	lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
	if (!lib)
		return false;
	there = fill(lib); /* and it stays loaded: lib is not closed */
	return there;
}

/* ---- control path ---------------------------------------------------------------------------- */

/* All in one call, which takes addresses that CUDA does not know: of them it tells zeros. */
bool emu_gpu_find(uint64_t addr, struct emu_gpu_range *range)
{
	int attributes[] = {MEMORY_TYPE, IS_MANAGED, DEVICE_ORDINAL, RANGE_START, RANGE_SIZE};
	unsigned type = 0, managed = 0;
	unsigned long long start = 0;
	size_t size = 0;
	int ordinal = 0;
	void *data[] = {&type, &managed, &ordinal, &start, &size};

	if (!driver() ||
	    cu.cuPointerGetAttributes(sizeof(data) / sizeof(data[0]), attributes, data, addr) ||
	    type != MEMORYTYPE_DEVICE || (managed & 0xff))
		return false;
	*range = (struct emu_gpu_range){start, size, ordinal};
	return true;
}

struct window {
	uint64_t addr, length;
	unsigned users;
	int ordinal;
};

static struct window windows[EMU_GPU_WINDOWS];
unsigned emu_gpu_n;

static struct window *same(uint64_t addr, uint64_t length)
{
	for (unsigned i = 0; i < emu_gpu_n; i++)
		if (windows[i].addr == addr && windows[i].length == length)
			return &windows[i];
	return NULL;
}

int emu_gpu_add(uint64_t addr, uint64_t length, int ordinal)
{
	struct window *w = same(addr, length);

	if (w) {
		w->users++;
		return 0;
	}
	if (emu_gpu_n == EMU_GPU_WINDOWS)
		return -ENOMEM;
	windows[emu_gpu_n++] = (struct window){addr, length, 1, ordinal};
	return 0;
}

void emu_gpu_remove(uint64_t addr, uint64_t length)
{
	struct window *w = same(addr, length);

	if (w && !--w->users)
		*w = windows[--emu_gpu_n];
}

/* ---- engine ---------------------------------------------------------------------------------- */

#define MAX_GPUS 64

/* Each GPU that was met has a stream of its own, which waits for none of the program's. */
static struct {
	void *ctx, *stream;
} gpus[MAX_GPUS];
static int current = -1; /* GPU whose context is the engine's thread's */
static bool fetching;	 /* copies from it were begun */
static bool unsettled;	 /* copies to it were */
static bool refused;	 /* one that was waited for since emu_gpu_settle() */

static const struct window *window_of(const void *at)
{
	uint64_t addr = (uintptr_t)at;

	for (unsigned i = 0; i < emu_gpu_n; i++)
		if (addr - windows[i].addr < windows[i].length)
			return &windows[i];
	return NULL;
}

bool emu_gpu_lookup(const void *at)
{
	return window_of(at);
}

static bool open_gpu(int ordinal)
{
	int device;

	return !cu.cuDeviceGet(&device, ordinal) &&
	       !cu.cuDevicePrimaryCtxRetain(&gpus[ordinal].ctx, device) &&
	       !cu.cuCtxSetCurrent(gpus[ordinal].ctx) &&
	       !cu.cuStreamCreate(&gpus[ordinal].stream, NON_BLOCKING);
}

/* Waits for what was begun. */
static bool wait_for_copies(void)
{
	bool done = !cu.cuStreamSynchronize(gpus[current].stream);

	refused |= unsettled && !done;
	fetching = unsettled = false;
	return done;
}

/* The stream for what lies there; NULL: none. */
static void *stream_of(const void *at)
{
	const struct window *w = window_of(at);

	if (!w || w->ordinal < 0 || w->ordinal >= MAX_GPUS)
		return NULL;
	if (w->ordinal == current)
		return gpus[current].stream;
	if ((unsettled || fetching) && !wait_for_copies())
		return NULL;
	if (gpus[w->ordinal].stream ? cu.cuCtxSetCurrent(gpus[w->ordinal].ctx)
				    : !open_gpu(w->ordinal))
		return NULL;
	current = w->ordinal;
	return gpus[current].stream;
}

/* What one WQE can send: frames and pieces of them, one behind the other. */
static uint8_t bounce[(1u << EMU_LOG_MAX_LSO) + EMU_MAX_FRAME];
static uint32_t used;

void emu_gpu_begin(void)
{
	used = 0;
}

const uint8_t *emu_gpu_fetch(const void *at, uint32_t n)
{
	void *stream = stream_of(at);
	uint8_t *to = bounce + used;

	if (n > sizeof(bounce) - used)
		n = (uint32_t)sizeof(bounce) - used;
	used += n;
	if (!stream || cu.cuMemcpyDtoHAsync_v2(to, (uintptr_t)at, n, stream))
		return NULL;
	fetching = true;
	return to;
}

bool emu_gpu_fetched(void)
{
	return !fetching || wait_for_copies();
}

uint32_t emu_gpu_room(void)
{
	return (uint32_t)sizeof(bounce) - used;
}

bool emu_gpu_store(void *at, const void *from, uint32_t n)
{
	void *stream = stream_of(at);

	/* the driver has copied what is not page-locked before it returns */
	if (!stream || cu.cuMemcpyHtoDAsync_v2((uintptr_t)at, from, n, stream))
		return false;
	unsettled = true;
	return true;
}

bool emu_gpu_unsettled(void)
{
	return unsettled || refused;
}

bool emu_gpu_settle(void)
{
	bool done;

	if (unsettled)
		wait_for_copies();
	done = !refused;
	refused = false;
	return done;
}
