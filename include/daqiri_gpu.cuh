/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets in code of a GPU: descriptors of a batch, their frames, what stands in them.
 *
 * For nvcc, and for clang with or without a toolkit; no other CUDA header is needed. In C and C++ for
 * the CPU the same functions are the CPU's, so that code can be shared and tested without a GPU.
 *
 * A batch is what daqiri_rx_poll() has written, in memory that the GPU reads, too: page-locked memory
 * of the host (cudaHostAlloc()) polled into, or a copy. After polling call daqiri_rx_gpu_flush(), then
 * launch; give the packets back with daqiri_rx_release() when the kernel has ended, not before.
 */
#ifndef DAQIRI_GPU_CUH
#define DAQIRI_GPU_CUH

#include <daqiri.h>

/* On the CPU, and where the compiler makes code for a GPU there, too. */
#if defined(__CUDACC__) || defined(__CUDA__)
#define DAQIRI_GPU_FN static inline __attribute__((host)) __attribute__((device))
#else
#define DAQIRI_GPU_FN static inline
#endif

/* Passed to a kernel by value. */
struct daqiri_gpu_batch {
	const struct daqiri_pkt *pkts; /* n descriptors, by the address that the GPU has for them */
	uint64_t shift;                /* daqiri_gpu_shift() of the packets' region */
	uint32_t n;
};

/* Descriptor i; NULL from n on, for the threads beyond the last packet. */
DAQIRI_GPU_FN const struct daqiri_pkt *daqiri_gpu_pkt(const struct daqiri_gpu_batch *batch,
						      uint32_t i)
{
	return i < batch->n ? batch->pkts + i : NULL;
}

/* length bytes of packet i from byte offset on; NULL where it has no such bytes, or there is none. */
DAQIRI_GPU_FN uint8_t *daqiri_gpu_bytes(const struct daqiri_gpu_batch *batch, uint32_t i,
					uint32_t offset, uint32_t length)
{
	const struct daqiri_pkt *pkt = daqiri_gpu_pkt(batch, i);

	if (!pkt || offset > pkt->len || length > pkt->len - offset)
		return NULL;
	return (uint8_t *)(uintptr_t)(pkt->addr + batch->shift + offset);
}

/* Numbers as they stand in frames, most significant byte first, at any address. */
DAQIRI_GPU_FN uint16_t daqiri_gpu_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

DAQIRI_GPU_FN uint32_t daqiri_gpu_be32(const uint8_t *p)
{
	return (uint32_t)daqiri_gpu_be16(p) << 16 | daqiri_gpu_be16(p + 2);
}

DAQIRI_GPU_FN uint64_t daqiri_gpu_be64(const uint8_t *p)
{
	return (uint64_t)daqiri_gpu_be32(p) << 32 | daqiri_gpu_be32(p + 4);
}

/* As daqiri_key_flow(): the flow that a packet matched; 0: none. */
DAQIRI_GPU_FN uint32_t daqiri_gpu_flow(const struct daqiri_pkt *pkt)
{
	uint32_t flow = daqiri_gpu_be32((const uint8_t *)&pkt->key) & 0xffffff;

	return flow == 0xffffff ? 0 : flow;
}

/*
 * From the addresses of a region's packets to those that the GPU has for them: 0 for regions of kind
 * device, and on most machines for host_pinned. On the CPU.
 */
static inline uint64_t daqiri_gpu_shift(const struct daqiri_region *region)
{
	struct daqiri_region_info info;

	info.size = sizeof(info);
	return daqiri_region_info(region, &info) || !info.gpu_addr ? 0 : info.gpu_addr - info.addr;
}

#endif
