/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CUDA driver, loaded when a configuration first needs it: nothing of it is linked or included,
 * so that one library runs on machines with and without a GPU. Prototypes and numbers are those of
 * cuda.h; enumerations are passed as the unsigned that they are.
 */
#ifndef DQ_CUDA_API_H
#define DQ_CUDA_API_H

#include <stddef.h>

struct CUctx_st;
struct CUuuid_st;

enum {
	/* enum cudaError_enum */
	DQ_CU_OUT_OF_MEMORY = 2,
	/* enum CUdevice_attribute_enum, CU_DEVICE_ATTRIBUTE_… */
	DQ_CU_INTEGRATED = 18,
	DQ_CU_FLUSH_WRITES_OPTIONS = 117, /* GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS */
	DQ_CU_WRITES_ORDERING = 118,	  /* GPU_DIRECT_RDMA_WRITES_ORDERING */
	DQ_CU_DMA_BUF_SUPPORTED = 124,
	/* enum CUpointer_attribute_enum, CU_POINTER_ATTRIBUTE_… */
	DQ_CU_MEMORY_TYPE = 2,
	DQ_CU_SYNC_MEMOPS = 6,
	DQ_CU_DEVICE_ORDINAL = 9,
	DQ_CU_RANGE_START = 11, /* RANGE_START_ADDR */
	DQ_CU_RANGE_SIZE = 12,
	/* enum CUmemorytype_enum */
	DQ_CU_MEMORYTYPE_DEVICE = 2,
	/* CU_MEMHOSTALLOC_… */
	DQ_CU_HOST_PORTABLE = 1,
	DQ_CU_HOST_DEVICEMAP = 2,
	/* enum CUmemRangeHandleType_enum */
	DQ_CU_RANGE_DMA_BUF_FD = 1,
	/* enum CUflushGPUDirectRDMAWritesOptions_enum */
	DQ_CU_FLUSH_OPTION_HOST = 1,
	/* enum CUGPUDirectRDMAWritesOrdering_enum */
	DQ_CU_ORDERING_OWNER = 100,
	/* enum CUflushGPUDirectRDMAWritesScope_enum and …Target_enum */
	DQ_CU_FLUSH_TO_OWNER = 100,
	DQ_CU_FLUSH_CURRENT_CTX = 0
};

/* Types of the functions, then one pointer for each. */
#define F(needed, name, args) typedef unsigned dq_fn_##name args;
#include "cuda_api.def"
#undef F

struct dq_cuda {
#define F(needed, name, args) dq_fn_##name *name;
#include "cuda_api.def"
#undef F
};

/*
 * The driver, loaded and initialised at the first call; NULL: there is none, and dq_cuda_lack()
 * tells why. Any thread.
 */
const struct dq_cuda *dq_cuda(void);
const char *dq_cuda_lack(void);

/* The same where the program itself has the driver loaded already; it is not loaded for this. */
const struct dq_cuda *dq_cuda_if_loaded(void);

/* "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)" */
void dq_cuda_text(char *buf, size_t size, const char *call, unsigned error);

#endif
