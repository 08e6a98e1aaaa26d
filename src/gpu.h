/* SPDX-License-Identifier: Apache-2.0 */
/* The GPUs of this machine, as the CUDA driver numbers them, and memory on them. */
#ifndef DQ_GPU_H
#define DQ_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <daqiri.h>

#include "cuda_api.h"

struct dq_gpu {
	int ordinal;
	int device; /* CUdevice */
	char name[64];
	char pci[16]; /* "0000:17:00.0" */
	char uuid[48];
	bool integrated;
	bool dmabuf;	/* its memory can be exported */
	int ordering;	/* CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING */
	int flush;	/* CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS */
	int numa;	/* -1: unknown */
	uint64_t bytes; /* of memory */
	uint64_t bar1;	/* bytes of the window that others see its memory through; 0: unknown */
};

/* Which GPU is wanted. */
struct dq_gpu_want {
	const char *where;    /* for messages: "… [region rx] kind=device" */
	const char *affinity; /* index, PCI address or UUID; NULL: auto */
	int node;	      /* auto prefers a GPU of this node; -1: no matter */
	bool discrete;	      /* and one with memory of its own */
};

/* -ENODEV: no driver or no such GPU, and the detail lists those that are there. Static. */
int dq_gpu_find(const struct dq_gpu **out, const struct dq_gpu_want *want);
const struct dq_gpu *dq_gpu_at(int ordinal);

/* NVML's word on the BAR1 of the GPU at a PCI address; 0: not known. */
uint64_t dq_gpu_bar1(const char *pci);

/* ---- memory: gpu_memory.c -------------------------------------------------------------------- */

/*
 * Makes the GPU's primary context the calling thread's, and gives the thread its own back. What
 * stands between the two may fail: leave in any case.
 */
int dq_gpu_enter(const struct dq_gpu *gpu, const char *where);
void dq_gpu_leave(const struct dq_gpu *gpu);

/* length bytes of the GPU's memory, for a NIC to write to. Free: dq_gpu_free(). */
int dq_gpu_alloc(const struct dq_gpu *gpu, uint64_t *ptr, uint64_t length, const char *where);
void dq_gpu_free(const struct dq_gpu *gpu, uint64_t ptr);

/* Memory of the host that is page-locked and mapped for the GPUs; device: where they see it. */
struct dq_pinned {
	void *host;
	uint64_t device;
};
int dq_gpu_alloc_pinned(const struct dq_gpu *gpu, struct dq_pinned *out, uint64_t length,
			const char *where);
void dq_gpu_free_pinned(const struct dq_gpu *gpu, void *host);

/* Whether ptr is memory of a GPU, and which; NULL: it is not, or the program has no CUDA. */
const struct dq_gpu *dq_gpu_of(uint64_t ptr);

/* Whether all of a range is of the allocation that ptr is of; *end: where that ends, 0 unknown. */
bool dq_gpu_range(uint64_t ptr, uint64_t length, uint64_t *end);

/* A synchronous copy that follows what the NIC wrote. */
int dq_gpu_sync_memops(const struct dq_gpu *gpu, uint64_t ptr, const char *where);

/* ---- giving it to a NIC: gpu_export.c -------------------------------------------------------- */

enum dq_gpu_export { DQ_EXPORT_AUTO, DQ_EXPORT_DMABUF, DQ_EXPORT_PEERMEM };

/* A range that a NIC is to have, and what was found for it. */
struct dq_export {
	const struct dq_gpu *gpu;
	const char *where;
	uint64_t ptr, length;
	enum dq_gpu_export want;
	/* results */
	int fd;		 /* of a dma-buf, to be closed; -1: by peermem */
	uint64_t offset; /* of ptr in it */
	char why[256];	 /* why this way */
};

int dq_gpu_export(struct dq_export *e);

/* Whether it can come to that, before there is any memory: ptr and length do not count. */
int dq_gpu_export_check(struct dq_export *e);

/* NULL: a module is loaded with which a NIC finds GPU memory by its address; else what is amiss. */
const char *dq_peermem_lack(void);

/* Whether the list of a kernel's symbols has the interface that such a module needs. */
bool dq_peermem_possible(const char *kallsyms);

#endif
