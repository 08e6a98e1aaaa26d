/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named barriers between this CPU and the device, for memory that the device reads and writes by
 * DMA (write-back, coherent) and for its doorbell registers (uncached or write-combining).
 *
 * x86-64 keeps stores to write-back memory in order, and loads too: towards a DMA device only the
 * compiler must be held back. Only stores to write-combining memory need SFENCE. AArch64 orders
 * nothing by itself: the outer shareable domain is the one that devices are in.
 */
#ifndef DQ_BARRIER_H
#define DQ_BARRIER_H

#include <stdint.h>

#if defined(__CHECKER__) /* sparse has none of the compiler's built-ins */
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__x86_64__)

#define DQ_COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

#define DQ_DMA_WMB() DQ_COMPILER_BARRIER()
#define DQ_DMA_RMB() DQ_COMPILER_BARRIER()
#define DQ_DMA_MB()  DQ_COMPILER_BARRIER()
#define DQ_WC_MB()   __asm__ volatile("sfence" ::: "memory")

#elif defined(__aarch64__)

#define DQ_DMA_WMB() __asm__ volatile("dmb oshst" ::: "memory")
#define DQ_DMA_RMB() __asm__ volatile("dmb oshld" ::: "memory")
#define DQ_DMA_MB()  __asm__ volatile("dmb osh" ::: "memory")
#define DQ_WC_MB()   __asm__ volatile("dsb st" ::: "memory")

#else
#error "barrier.h knows x86-64 and AArch64 only"
#endif

/*
 * 64 bytes to a register, from its first to its last, with the widest stores that every such CPU
 * has. Both are aligned to 64 bytes.
 */
static inline void dq_store_64(void *to, const void *from)
{
#if defined(__SSE2__) && !defined(__CHECKER__)
	for (int i = 0; i < 4; i++)
		((volatile __m128i *)to)[i] = ((const __m128i *)from)[i];
#elif defined(__aarch64__) && !defined(__CHECKER__)
	vst4q_u64((uint64_t *)to, vld4q_u64((const uint64_t *)from));
#else
	for (int i = 0; i < 8; i++)
		((volatile uint64_t *)to)[i] = ((const uint64_t *)from)[i];
#endif
}

/* All stores before it are seen by the device before any store after it: WQE, then its counter. */
static inline void dq_to_device(void)
{
	DQ_DMA_WMB();
}

/*
 * Loads before it are done before any load or store after it: the ownership bit, then what the
 * device wrote before it set that bit.
 */
static inline void dq_from_device(void)
{
	DQ_DMA_RMB();
}

/*
 * Everything this CPU did with memory before it is done before any store after it: use a buffer,
 * then hand it back to the device.
 */
static inline void dq_hand_back(void)
{
	DQ_DMA_MB();
}

/* Stores to memory before it are seen by the device before a doorbell store to an uncached page. */
static inline void dq_before_doorbell(void)
{
	DQ_DMA_WMB();
}

/* The same before a doorbell store to a write-combining page, which x86 would let overtake. */
static inline void dq_before_doorbell_wc(void)
{
	DQ_WC_MB();
}

/*
 * Pushes a store to a write-combining page out to the device now, and keeps a later store to the
 * same register half from being merged with it.
 */
static inline void dq_flush_doorbell_wc(void)
{
	DQ_WC_MB();
}

#endif
