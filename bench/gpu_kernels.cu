/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daqiri-perf's kernels, one warp a frame: C for nvcc or clang, without a toolkit's headers.
 *     nvcc -ptx -arch=compute_75 …
 *     clang -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_70 -O2 -S …
 */
#define PERF_DEVICE 1
#include <stdint.h>

#define PERF_LANES    32u
#define DEVICE	      static inline __attribute__((device))
#define KERNEL	      extern "C" __attribute__((global)) void
#define ALL_LANES     0xffffffffu
#define perf_at(a, n) ((void *)(uintptr_t)(a))

#ifdef __NVCC__
DEVICE uint32_t perf_lane(void)
{
	return threadIdx.x % PERF_LANES;
}
DEVICE uint32_t perf_frame_index(void)
{
	return (blockIdx.x * blockDim.x + threadIdx.x) / PERF_LANES;
}
DEVICE bool perf_any(bool v)
{
	return __any_sync(ALL_LANES, v);
}
DEVICE uint32_t perf_lane_xor(uint32_t v, int mask)
{
	return __shfl_xor_sync(ALL_LANES, v, mask);
}
DEVICE void perf_lanes_wait(void)
{
	__syncwarp();
}
#else
DEVICE uint32_t perf_lane(void)
{
	return (uint32_t)__nvvm_read_ptx_sreg_tid_x() % PERF_LANES;
}
DEVICE uint32_t perf_frame_index(void)
{
	return ((uint32_t)__nvvm_read_ptx_sreg_ctaid_x() * (uint32_t)__nvvm_read_ptx_sreg_ntid_x() +
		(uint32_t)__nvvm_read_ptx_sreg_tid_x()) /
	       PERF_LANES;
}
DEVICE bool perf_any(bool v)
{
	return __nvvm_vote_any_sync(ALL_LANES, v);
}
DEVICE uint32_t perf_lane_xor(uint32_t v, int mask)
{
	return (uint32_t)__nvvm_shfl_sync_bfly_i32(ALL_LANES, (int)v, mask, 31);
}
DEVICE void perf_lanes_wait(void)
{
	__nvvm_bar_warp_sync(ALL_LANES);
}
#endif

/* Of sums of 16-bit words of frames: 64 KiB of them fit into 32 bits. */
DEVICE uint64_t perf_lanes_sum(uint64_t v)
{
	uint32_t sum = (uint32_t)v;

	for (int mask = 16; mask; mask /= 2)
		sum += perf_lane_xor(sum, mask);
	return sum;
}

#include "gpu_body.h"

KERNEL perf_gpu_check(struct perf_gpu_check p)
{
	uint32_t i = perf_frame_index();

	if (i < p.n)
		perf_gpu_check_one(&p, i);
}

KERNEL perf_gpu_fill(struct perf_gpu_fill p)
{
	uint32_t i = perf_frame_index();

	if (i < p.n)
		perf_gpu_fill_one(&p, i);
}

KERNEL perf_gpu_gather(struct perf_gpu_gather p)
{
	uint32_t i = perf_frame_index();

	if (i < p.n)
		perf_gpu_gather_one(&p, i);
}
