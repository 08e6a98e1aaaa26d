/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and contexts. */
#include "fake_cuda.h"

#include <stdio.h>
#include <string.h>

struct CUuuid_st {
	char bytes[16];
};

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct {
	unsigned error;
	const char *name, *text;
} errors[] = {
	{FAKE_OK, "CUDA_SUCCESS", "no error"},
	{FAKE_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{FAKE_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{FAKE_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
	{FAKE_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{FAKE_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
	 "an illegal memory access was encountered"},
	{FAKE_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	{FAKE_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	{FAKE_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{FAKE_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
	{FAKE_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

FAKE_EXPORT unsigned cuGetErrorName(unsigned error, const char **text);
FAKE_EXPORT unsigned cuGetErrorName(unsigned error, const char **text)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error) {
			*text = errors[i].name;
			return FAKE_OK;
		}
	*text = NULL;
	return FAKE_INVALID_VALUE;
}

FAKE_EXPORT unsigned cuGetErrorString(unsigned error, const char **text);
FAKE_EXPORT unsigned cuGetErrorString(unsigned error, const char **text)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error) {
			*text = errors[i].text;
			return FAKE_OK;
		}
	*text = NULL;
	return FAKE_INVALID_VALUE;
}

/* ---- devices --------------------------------------------------------------------------------- */

FAKE_EXPORT unsigned cuInit(unsigned flags);
FAKE_EXPORT unsigned cuInit(unsigned flags)
{
	(void)flags;
	if (fake_is("none"))
		return FAKE_NO_DEVICE;
	return fake_is("dead") ? FAKE_UNKNOWN : FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceGetCount(int *n);
FAKE_EXPORT unsigned cuDeviceGetCount(int *n)
{
	*n = fake_gpu_count();
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceGet(int *device, int ordinal);
FAKE_EXPORT unsigned cuDeviceGet(int *device, int ordinal)
{
	if (!fake_gpu(ordinal))
		return FAKE_INVALID_DEVICE;
	*device = ordinal;
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceGetName(char *name, int size, int device);
FAKE_EXPORT unsigned cuDeviceGetName(char *name, int size, int device)
{
	snprintf(name, (size_t)size, "%s", fake_gpu(device)->name);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceGetUuid_v2(struct CUuuid_st *uuid, int device);
FAKE_EXPORT unsigned cuDeviceGetUuid_v2(struct CUuuid_st *uuid, int device)
{
	for (int i = 0; i < 16; i++)
		uuid->bytes[i] = (char)(0xa0 + 16 * device + i);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceGetPCIBusId(char *address, int size, int device);
FAKE_EXPORT unsigned cuDeviceGetPCIBusId(char *address, int size, int device)
{
	snprintf(address, (size_t)size, "%s", fake_gpu(device)->pci);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDeviceTotalMem_v2(size_t *bytes, int device);
FAKE_EXPORT unsigned cuDeviceTotalMem_v2(size_t *bytes, int device)
{
	*bytes = fake_gpu(device)->memory;
	return FAKE_OK;
}

/* enum CUdevice_attribute_enum */
FAKE_EXPORT unsigned cuDeviceGetAttribute(int *value, unsigned attribute, int device);
FAKE_EXPORT unsigned cuDeviceGetAttribute(int *value, unsigned attribute, int device)
{
	const struct fake_gpu *gpu = fake_gpu(device);

	if (fake_is("old") && attribute > 100)
		return FAKE_INVALID_VALUE;
	switch (attribute) {
	case 18: /* INTEGRATED */
		*value = gpu->integrated;
		return FAKE_OK;
	case 117: /* GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS */
		*value = gpu->flush_options;
		return FAKE_OK;
	case 118: /* GPU_DIRECT_RDMA_WRITES_ORDERING */
		*value = gpu->ordering;
		return FAKE_OK;
	case 124: /* DMA_BUF_SUPPORTED */
		*value = gpu->dmabuf;
		return FAKE_OK;
	default:
		return FAKE_INVALID_VALUE;
	}
}

/* ---- contexts -------------------------------------------------------------------------------- */

enum { DEPTH = 16 };

static struct CUctx_st primary[FAKE_GPUS];
static __thread struct CUctx_st *stack[DEPTH];
static __thread int depth;

struct CUctx_st *fake_current(void)
{
	return depth ? stack[depth - 1] : NULL;
}

FAKE_EXPORT unsigned cuDevicePrimaryCtxRetain(struct CUctx_st **ctx, int device);
FAKE_EXPORT unsigned cuDevicePrimaryCtxRetain(struct CUctx_st **ctx, int device)
{
	if (fake_fails("retain"))
		return FAKE_UNKNOWN;
	primary[device].device = device;
	__atomic_add_fetch(&primary[device].references, 1, __ATOMIC_SEQ_CST);
	*ctx = &primary[device];
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuDevicePrimaryCtxRelease_v2(int device);
FAKE_EXPORT unsigned cuDevicePrimaryCtxRelease_v2(int device)
{
	int left = __atomic_sub_fetch(&primary[device].references, 1, __ATOMIC_SEQ_CST);

	if (!left)
		fake_log("context %d ends", device);
	return left < 0 ? FAKE_INVALID_CONTEXT : FAKE_OK;
}

FAKE_EXPORT unsigned cuCtxPushCurrent_v2(struct CUctx_st *ctx);
FAKE_EXPORT unsigned cuCtxPushCurrent_v2(struct CUctx_st *ctx)
{
	if (depth == DEPTH)
		return FAKE_INVALID_CONTEXT;
	stack[depth++] = ctx;
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuCtxPopCurrent_v2(struct CUctx_st **ctx);
FAKE_EXPORT unsigned cuCtxPopCurrent_v2(struct CUctx_st **ctx)
{
	if (!depth)
		return FAKE_INVALID_CONTEXT;
	*ctx = stack[--depth];
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuCtxGetCurrent(struct CUctx_st **ctx);
FAKE_EXPORT unsigned cuCtxGetCurrent(struct CUctx_st **ctx)
{
	*ctx = fake_current();
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuCtxSetCurrent(struct CUctx_st *ctx);
FAKE_EXPORT unsigned cuCtxSetCurrent(struct CUctx_st *ctx)
{
	if (!depth)
		depth = 1;
	stack[depth - 1] = ctx;
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuFlushGPUDirectRDMAWrites(unsigned target, unsigned scope);
FAKE_EXPORT unsigned cuFlushGPUDirectRDMAWrites(unsigned target, unsigned scope)
{
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	fake_log("flush target %u scope %u", target, scope);
	return fake_fails("flush") ? FAKE_UNKNOWN : FAKE_OK;
}
