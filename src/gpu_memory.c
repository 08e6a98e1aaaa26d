/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that CUDA gives: on a GPU, or of the host and page-locked. */
#include "gpu.h"

#include <errno.h>

#include "error.h"

static int refuse(const char *where, const char *call, unsigned error)
{
	char text[160];

	dq_cuda_text(text, sizeof(text), call, error);
	return dq_error(error == DQ_CU_OUT_OF_MEMORY ? ENOMEM : EIO, "%s: %s", where, text);
}

int dq_gpu_enter(const struct dq_gpu *gpu, const char *where)
{
	const struct dq_cuda *cu = dq_cuda();
	struct CUctx_st *ctx;
	unsigned error = cu->cuDevicePrimaryCtxRetain(&ctx, gpu->device);

	if (error)
		return refuse(where, "cuDevicePrimaryCtxRetain", error);
	/* what was current lies below it, and is current again when it is popped */
	error = cu->cuCtxPushCurrent_v2(ctx);
	if (!error)
		return 0;
	cu->cuDevicePrimaryCtxRelease_v2(gpu->device);
	return refuse(where, "cuCtxPushCurrent", error);
}

void dq_gpu_leave(const struct dq_gpu *gpu)
{
	const struct dq_cuda *cu = dq_cuda();
	struct CUctx_st *ctx;

	cu->cuCtxPopCurrent_v2(&ctx);
	cu->cuDevicePrimaryCtxRelease_v2(gpu->device);
}

/* ---- on a GPU -------------------------------------------------------------------------------- */

static int no_room(const struct dq_gpu *gpu, uint64_t length, const char *where, unsigned error)
{
	size_t available = 0, total = 0;

	if (error != DQ_CU_OUT_OF_MEMORY)
		return refuse(where, "cuMemAlloc", error);
	dq_cuda()->cuMemGetInfo_v2(&available, &total);
	return dq_error(ENOMEM,
			"%s: needs %llu bytes of GPU %d, %s, which has %zu free of %zu: make "
			"num_bufs smaller, or name another GPU with affinity =",
			where, (unsigned long long)length, gpu->ordinal, gpu->name, available,
			total);
}

static int set_sync(uint64_t ptr, const char *where)
{
	const unsigned on = 1;
	unsigned error = dq_cuda()->cuPointerSetAttribute(&on, DQ_CU_SYNC_MEMOPS, ptr);

	return error ? refuse(where, "cuPointerSetAttribute(SYNC_MEMOPS)", error) : 0;
}

/*
 * Leaves, but for the reference to the context, where memory was made in it: with the last one the
 * driver would take the memory away. dq_gpu_leave() behind the memory's end gives it back.
 */
static void leave_retained(void)
{
	struct CUctx_st *ctx;

	dq_cuda()->cuCtxPopCurrent_v2(&ctx);
}

int dq_gpu_alloc(const struct dq_gpu *gpu, uint64_t *ptr, uint64_t length, const char *where)
{
	const struct dq_cuda *cu = dq_cuda();
	unsigned long long at;
	unsigned error;
	int ret = dq_gpu_enter(gpu, where);

	if (ret)
		return ret;
	error = cu->cuMemAlloc_v2(&at, length);
	ret = error ? no_room(gpu, length, where, error) : set_sync(at, where);
	if (!error && ret)
		cu->cuMemFree_v2(at);
	if (ret) {
		dq_gpu_leave(gpu);
		return ret;
	}
	leave_retained();
	*ptr = at;
	return 0;
}

void dq_gpu_free(const struct dq_gpu *gpu, uint64_t ptr)
{
	if (dq_gpu_enter(gpu, "free"))
		return;
	dq_cuda()->cuMemFree_v2(ptr);
	dq_gpu_leave(gpu);
	dq_cuda()->cuDevicePrimaryCtxRelease_v2(gpu->device);
}

int dq_gpu_sync_memops(const struct dq_gpu *gpu, uint64_t ptr, const char *where)
{
	int ret = dq_gpu_enter(gpu, where);

	if (ret)
		return ret;
	ret = set_sync(ptr, where);
	dq_gpu_leave(gpu);
	return ret;
}

/* ---- of the host ----------------------------------------------------------------------------- */

static int alloc_mapped(struct dq_pinned *out, uint64_t length, const char *where)
{
	const struct dq_cuda *cu = dq_cuda();
	unsigned long long device;
	void *host;
	unsigned error =
		cu->cuMemHostAlloc(&host, length, DQ_CU_HOST_PORTABLE | DQ_CU_HOST_DEVICEMAP);

	if (error == DQ_CU_OUT_OF_MEMORY)
		return dq_error(ENOMEM,
				"%s: CUDA cannot page-lock %llu bytes of the host's memory: make "
				"num_bufs smaller",
				where, (unsigned long long)length);
	if (error)
		return refuse(where, "cuMemHostAlloc", error);
	error = cu->cuMemHostGetDevicePointer_v2(&device, host, 0);
	if (error) {
		cu->cuMemFreeHost(host);
		return refuse(where, "cuMemHostGetDevicePointer", error);
	}
	*out = (struct dq_pinned){.host = host, .device = device};
	return 0;
}

int dq_gpu_alloc_pinned(const struct dq_gpu *gpu, struct dq_pinned *out, uint64_t length,
			const char *where)
{
	int ret = dq_gpu_enter(gpu, where);

	if (ret)
		return ret;
	ret = alloc_mapped(out, length, where);
	if (ret)
		dq_gpu_leave(gpu);
	else
		leave_retained();
	return ret;
}

void dq_gpu_free_pinned(const struct dq_gpu *gpu, void *host)
{
	if (dq_gpu_enter(gpu, "free"))
		return;
	dq_cuda()->cuMemFreeHost(host);
	dq_gpu_leave(gpu);
	dq_cuda()->cuDevicePrimaryCtxRelease_v2(gpu->device);
}

/*
 * ---- of the program: asked by cuPointerGetAttributes(), which takes addresses that CUDA does not
 * know, and tells zeros of them. cuPointerGetAttribute() fails for those, which compute-sanitizer
 * reports. ----
 */

const struct dq_gpu *dq_gpu_of(uint64_t ptr)
{
	const struct dq_cuda *cu = dq_cuda_if_loaded();
	unsigned attributes[] = {DQ_CU_MEMORY_TYPE, DQ_CU_DEVICE_ORDINAL};
	unsigned type = 0;
	int ordinal = -1;
	void *data[] = {&type, &ordinal};

	if (!cu || cu->cuPointerGetAttributes(2, attributes, data, ptr) ||
	    type != DQ_CU_MEMORYTYPE_DEVICE)
		return NULL;
	return dq_gpu_at(ordinal);
}

bool dq_gpu_range(uint64_t ptr, uint64_t length, uint64_t *end)
{
	const struct dq_cuda *cu = dq_cuda();
	unsigned attributes[] = {DQ_CU_RANGE_START, DQ_CU_RANGE_SIZE};
	unsigned long long start = 0;
	size_t size = 0;
	void *data[] = {&start, &size};

	*end = 0;
	if (!cu || cu->cuPointerGetAttributes(2, attributes, data, ptr) || !size)
		return true;
	*end = start + size;
	return length <= *end - ptr;
}
