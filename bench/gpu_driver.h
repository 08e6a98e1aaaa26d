/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CUDA driver, loaded when a queue's memory first needs it, and one context, with our kernels,
 * for each GPU. The main thread opens and closes; launching is for the thread of a queue.
 */
#ifndef PERF_GPU_DRIVER_H
#define PERF_GPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;
struct CUevent_st;

#define F(name, args) typedef unsigned perf_fn_##name args;
#include "gpu_driver.def"
#undef F

struct perf_cuda {
#define F(name, args) perf_fn_##name *name;
#include "gpu_driver.def"
#undef F
};

#define PERF_CU_NOT_READY	  600u /* CUDA_ERROR_NOT_READY */
#define PERF_CU_HOST_PORTABLE_MAP 3u   /* CU_MEMHOSTALLOC_PORTABLE | _DEVICEMAP */
#define PERF_CU_NON_BLOCKING	  1u   /* CU_STREAM_NON_BLOCKING */
#define PERF_CU_NO_TIMING	  2u   /* CU_EVENT_DISABLE_TIMING */

enum perf_kernel { PERF_KERNEL_CHECK, PERF_KERNEL_FILL, PERF_KERNEL_GATHER, PERF_KERNELS };

struct perf_gpu {
	struct perf_gpu *next;
	int index, device;
	char name[64];
	struct CUctx_st *ctx;
	struct CUmod_st *module;
	struct CUfunc_st *kernels[PERF_KERNELS];
};

/* Memory of the host that the GPU reads and writes as its own. */
struct perf_shared {
	void *host;
	unsigned long long gpu;
};

/* Whether the kernels are in this daqiri-perf. */
int perf_gpu_built(void);

/* The driver; valid once a GPU is open. */
const struct perf_cuda *perf_cuda(void);

/* The GPU of that CUDA index, opened at the first call; NULL after a message. */
struct perf_gpu *perf_gpu_open(int index);
/* All that are open. */
void perf_gpu_close_all(void);

/* Makes the GPU's context the thread's, and the thread's own again. */
void perf_gpu_enter(const struct perf_gpu *gpu);
void perf_gpu_leave(void);

/* n frames, a warp each; 0 or the driver's error. Between enter and leave. */
unsigned perf_gpu_launch(const struct perf_gpu *gpu, enum perf_kernel kernel, uint32_t n,
			 void *params, struct CUstream_st *stream);

/* -1 after a message. Between enter and leave. */
int perf_shared_make(struct perf_shared *s, size_t size);
void perf_shared_free(struct perf_shared *s);
/* The same of the GPU's own memory, filled from the host where from is not NULL. */
int perf_gpu_memory(unsigned long long *ptr, const void *from, size_t size);

/* "CALL: CUDA_ERROR_… (…)" on standard error; -1. Any thread. */
int perf_cuda_fail(const char *call, unsigned error);

#endif
