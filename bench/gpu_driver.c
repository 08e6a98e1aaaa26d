/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_abi.h"
#include "gpu_driver.h"
#include "msg.h"

#define DRIVER "libcuda.so.1"

#ifdef HAVE_GPU_KERNELS
extern const unsigned char perf_gpu_image[]; /* PTX, ends with 0; made by the build */
#else
static const unsigned char perf_gpu_image[] = "";
#endif

/* The main thread's; workers only read. */
static struct perf_cuda table;
static struct perf_gpu *gpus;
static int loaded;

static const struct {
	const char *name;
	size_t at; /* in struct perf_cuda */
} entries[] = {
#define F(name, args) {#name, offsetof(struct perf_cuda, name)},
#include "gpu_driver.def"
#undef F
};

static const char *const kernel_names[PERF_KERNELS] = {"perf_gpu_check", "perf_gpu_fill",
						       "perf_gpu_gather"};

int perf_gpu_built(void)
{
	return perf_gpu_image[0] != 0;
}

const struct perf_cuda *perf_cuda(void)
{
	return &table;
}

int perf_cuda_fail(const char *call, unsigned error)
{
	const char *name = NULL, *text = NULL;

	table.cuGetErrorName(error, &name);
	table.cuGetErrorString(error, &text);
	return perf_fail("%s: %s (%s)", call, name ? name : "?", text ? text : "?");
}

/* The library has it loaded already, for the memory itself. It is never unloaded: CUDA cannot be.
 */
static int load(void)
{
	void *lib = loaded ? NULL : dlopen(DRIVER, RTLD_NOW | RTLD_LOCAL);
	unsigned error;

	if (loaded)
		return 0;
	if (!lib)
		return perf_fail("%s", dlerror());
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *symbol = dlsym(lib, entries[i].name);

		if (!symbol)
			return perf_fail("this " DRIVER " is too old: it lacks %s: update it",
					 entries[i].name);
		memcpy((char *)&table + entries[i].at, &symbol, sizeof(symbol));
	}
	error = table.cuInit(0);
	if (error)
		return perf_cuda_fail("cuInit", error);
	loaded = 1;
	return 0;
}

static int load_kernels(struct perf_gpu *gpu)
{
	unsigned error = table.cuModuleLoadData(&gpu->module, perf_gpu_image);

	if (error)
		return perf_cuda_fail("cuModuleLoadData", error);
	for (int i = 0; i < PERF_KERNELS; i++) {
		error = table.cuModuleGetFunction(&gpu->kernels[i], gpu->module, kernel_names[i]);
		if (error)
			return perf_cuda_fail("cuModuleGetFunction", error);
	}
	return 0;
}

static void gpu_free(struct perf_gpu *gpu)
{
	if (gpu->ctx) {
		perf_gpu_enter(gpu);
		if (gpu->module)
			table.cuModuleUnload(gpu->module);
		perf_gpu_leave();
		table.cuDevicePrimaryCtxRelease_v2(gpu->device);
	}
	free(gpu);
}

static int gpu_start(struct perf_gpu *gpu)
{
	struct daqiri_gpu_info info = {.size = sizeof(info)};
	char affinity[16];
	unsigned error;
	int ret;

	snprintf(affinity, sizeof(affinity), "%d", gpu->index);
	if (!daqiri_gpu_info(affinity, &info))
		snprintf(gpu->name, sizeof(gpu->name), "%s", info.name);
	error = table.cuDeviceGet(&gpu->device, gpu->index);
	if (error)
		return perf_cuda_fail("cuDeviceGet", error);
	error = table.cuDevicePrimaryCtxRetain(&gpu->ctx, gpu->device);
	if (error)
		return perf_cuda_fail("cuDevicePrimaryCtxRetain", error);
	perf_gpu_enter(gpu);
	ret = load_kernels(gpu);
	perf_gpu_leave();
	return ret;
}

struct perf_gpu *perf_gpu_open(int index)
{
	struct perf_gpu *gpu = gpus;

	while (gpu && gpu->index != index)
		gpu = gpu->next;
	if (gpu || load())
		return gpu;
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu) {
		perf_fail("out of memory");
		return NULL;
	}
	gpu->index = index;
	if (gpu_start(gpu)) {
		gpu_free(gpu);
		return NULL;
	}
	gpu->next = gpus;
	gpus = gpu;
	return gpu;
}

void perf_gpu_close_all(void)
{
	while (gpus) {
		struct perf_gpu *gpu = gpus;

		gpus = gpu->next;
		gpu_free(gpu);
	}
}

void perf_gpu_enter(const struct perf_gpu *gpu)
{
	table.cuCtxPushCurrent_v2(gpu->ctx);
}

void perf_gpu_leave(void)
{
	struct CUctx_st *ctx;

	table.cuCtxPopCurrent_v2(&ctx);
}

unsigned perf_gpu_launch(const struct perf_gpu *gpu, enum perf_kernel kernel, uint32_t n,
			 void *params, struct CUstream_st *stream)
{
	void *list[] = {params};

	return table.cuLaunchKernel(gpu->kernels[kernel], (n + PERF_GPU_WARPS - 1) / PERF_GPU_WARPS,
				    1, 1, PERF_GPU_WARPS * 32, 1, 1, 0, stream, list, NULL);
}

int perf_shared_make(struct perf_shared *s, size_t size)
{
	unsigned error = table.cuMemHostAlloc(&s->host, size, PERF_CU_HOST_PORTABLE_MAP);

	if (error) {
		s->host = NULL;
		return perf_cuda_fail("cuMemHostAlloc", error);
	}
	memset(s->host, 0, size);
	error = table.cuMemHostGetDevicePointer_v2(&s->gpu, s->host, 0);
	return error ? perf_cuda_fail("cuMemHostGetDevicePointer", error) : 0;
}

void perf_shared_free(struct perf_shared *s)
{
	if (s->host)
		table.cuMemFreeHost(s->host);
	s->host = NULL;
}

int perf_gpu_memory(unsigned long long *ptr, const void *from, size_t size)
{
	unsigned error = table.cuMemAlloc_v2(ptr, size);

	if (error) {
		*ptr = 0;
		return perf_cuda_fail("cuMemAlloc", error);
	}
	error = from ? table.cuMemcpyHtoD_v2(*ptr, from, size) : 0;
	return error ? perf_cuda_fail("cuMemcpyHtoD", error) : 0;
}
