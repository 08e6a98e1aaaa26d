/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CUDA driver for tests, on machines without a GPU: libcuda.so.1 and libnvidia-ml.so.1 by name,
 * never installed. Its memory lies where no CPU can touch it, as a GPU's does, and again elsewhere,
 * where its own copies do.
 *
 * Environment, words separated by commas:
 *   FAKE_CUDA=MACHINE  h100 (default), a6000, gb10, mixed (gb10 and a6000), none (no GPU), dead
 *                      (cuInit fails), old (a driver before CUDA 11.3)
 *   FAKE_CUDA_FAIL=…   alloc, pinned, sync, export, retain, flush, memcpy, module,
 *                      launch, kernel: what fails
 *   FAKE_CUDA_SKEW=N   device memory begins N bytes behind its page
 *   FAKE_CUDA_BAR1=N   bytes of BAR1; FAKE_CUDA_MEMORY=N bytes of a GPU's memory
 *   FAKE_CUDA_ORDER=N  the GPU's ordering of a NIC's writes (0: none)
 *   FAKE_CUDA_FLUSH=N  its options for flushing them (0: none)
 *   FAKE_CUDA_LOG=FILE one line for each call that makes, exports, marks or frees memory, or
 * flushes
 */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_EXPORT __attribute__((visibility("default")))
#define FAKE_GPUS   2

/* enum cudaError_enum */
enum fake_error {
	FAKE_OK = 0,
	FAKE_INVALID_VALUE = 1,
	FAKE_OUT_OF_MEMORY = 2,
	FAKE_NO_DEVICE = 100,
	FAKE_INVALID_DEVICE = 101,
	FAKE_INVALID_IMAGE = 200,
	FAKE_INVALID_CONTEXT = 201,
	FAKE_NOT_FOUND = 500,
	FAKE_NOT_READY = 600,
	FAKE_ILLEGAL_ADDRESS = 700,
	FAKE_NOT_SUPPORTED = 801,
	FAKE_UNKNOWN = 999
};

struct fake_gpu {
	const char *name, *pci;
	bool integrated, dmabuf;
	int ordering, flush_options;
	uint64_t memory, bar1;
};

/* The machine of FAKE_CUDA. */
const struct fake_gpu *fake_gpu(int device);
int fake_gpu_count(void);
bool fake_is(const char *machine);
FAKE_EXPORT bool fake_fails(const char *what);
uint64_t fake_number(const char *variable, uint64_t otherwise);
FAKE_EXPORT void fake_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct CUctx_st {
	int device, references;
};

/* The thread's current context; NULL: none. */
FAKE_EXPORT struct CUctx_st *fake_current(void);

/* Makes the copies that were begun on a stream. */
FAKE_EXPORT void fake_copies_end(const void *stream);

/* Where the driver itself has n bytes of an allocation; NULL: the range is none's. */
FAKE_EXPORT uint8_t *fake_bytes(uint64_t ptr, size_t n);

#endif
