/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda_kit.h"

#include <dlfcn.h>
#include <string.h>

static struct {
	unsigned (*cuInit)(unsigned);
	unsigned (*cuDeviceGet)(int *, int);
	unsigned (*cuDevicePrimaryCtxRetain)(void **, int);
	unsigned (*cuCtxSetCurrent)(void *);
	unsigned (*cuCtxGetCurrent)(void **);
	unsigned (*cuCtxPushCurrent_v2)(void *);
	unsigned (*cuCtxPopCurrent_v2)(void **);
	unsigned (*cuMemAlloc_v2)(unsigned long long *, size_t);
	unsigned (*cuMemFree_v2)(unsigned long long);
	unsigned (*cuMemGetHandleForAddressRange)(void *, unsigned long long, size_t, unsigned,
						  unsigned long long);
	unsigned (*cuMemcpyHtoD_v2)(unsigned long long, const void *, size_t);
	unsigned (*cuMemcpyDtoH_v2)(void *, unsigned long long, size_t);
} cu;

/* Pushed around each call, so that the thread's current context stays what the test made it. */
static void *own;

static bool load(void)
{
	static const char *const names[] = {
		"cuInit",
		"cuDeviceGet",
		"cuDevicePrimaryCtxRetain",
		"cuCtxSetCurrent",
		"cuCtxGetCurrent",
		"cuCtxPushCurrent_v2",
		"cuCtxPopCurrent_v2",
		"cuMemAlloc_v2",
		"cuMemFree_v2",
		"cuMemGetHandleForAddressRange",
		"cuMemcpyHtoD_v2",
		"cuMemcpyDtoH_v2",
	};
	void *lib = dlopen("libcuda.so.1", RTLD_NOW), *symbol;

	for (unsigned i = 0; lib && i < sizeof(names) / sizeof(names[0]); i++) {
		symbol = dlsym(lib, names[i]);
		if (!symbol)
			return false;
		memcpy((char *)&cu + i * sizeof(symbol), &symbol, sizeof(symbol));
	}
	return lib;
}

bool kit_cuda(void)
{
	static int state; /* 0: not tried, 1: there, -1: not */
	int device;

	if (!state)
		state = load() && !cu.cuInit(0) && !cu.cuDeviceGet(&device, 0) &&
					!cu.cuDevicePrimaryCtxRetain(&own, device)
				? 1
				: -1;
	return state > 0;
}

void *kit_cuda_context(int n)
{
	void *ctx;
	int device;

	if (!kit_cuda() || cu.cuDeviceGet(&device, n) ||
	    cu.cuDevicePrimaryCtxRetain(&ctx, device) || cu.cuCtxSetCurrent(ctx))
		return NULL;
	return ctx;
}

void *kit_cuda_current(void)
{
	void *ctx = NULL;

	return kit_cuda() && !cu.cuCtxGetCurrent(&ctx) ? ctx : NULL;
}

static bool enter(void)
{
	return kit_cuda() && !cu.cuCtxPushCurrent_v2(own);
}

static bool leave(unsigned error)
{
	void *ctx;

	cu.cuCtxPopCurrent_v2(&ctx);
	return !error;
}

uint64_t kit_cuda_alloc(size_t size)
{
	unsigned long long ptr = 0;

	return enter() && leave(cu.cuMemAlloc_v2(&ptr, size)) ? ptr : 0;
}

void kit_cuda_free(uint64_t ptr)
{
	if (enter())
		leave(cu.cuMemFree_v2(ptr));
}

int kit_cuda_export(uint64_t ptr, size_t size)
{
	int fd = -1;

	return enter() && leave(cu.cuMemGetHandleForAddressRange(&fd, ptr, size, 1, 0)) ? fd : -1;
}

bool kit_write(uint64_t at, const void *from, size_t n, bool gpu)
{
	if (gpu)
		return enter() && leave(cu.cuMemcpyHtoD_v2(at, from, n));
	memcpy((void *)(uintptr_t)at, from, n);
	return true;
}

bool kit_read(void *to, uint64_t at, size_t n, bool gpu)
{
	if (gpu)
		return enter() && leave(cu.cuMemcpyDtoH_v2(to, at, n));
	memcpy(to, (const void *)(uintptr_t)at, n);
	return true;
}
