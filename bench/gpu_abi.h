/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What daqiri-perf and its kernels hand to each other: gpu_kernels.cu is compiled for a GPU,
 * gpu_body.h in it for the CPU too (tests). All addresses are the GPU's.
 */
#ifndef PERF_GPU_ABI_H
#define PERF_GPU_ABI_H

#include <daqiri.h>

#include "headers.h"

/* What verify.h calls them. */
enum perf_gpu_mode { PERF_GPU_OFF, PERF_GPU_HEADER, PERF_GPU_FULL };
enum perf_gpu_judgement {
	PERF_GPU_GOOD,
	PERF_GPU_GOOD_END,
	PERF_GPU_BAD_PAYLOAD,
	PERF_GPU_BAD_HEADER,
	PERF_GPU_OTHER_STREAM,
	PERF_GPU_NOT_OURS
};

/*
 * The first piece of a frame in two has all that is not pattern: this much at least, or the whole
 * frame. VLAN tag, IPv6, mark: perf_frame_min(true, true).
 */
#define PERF_GPU_HEAD 84u

/* A stream whose frames may come by: of struct perf_expect what does not change. */
struct perf_gpu_expect {
	uint16_t id;
	uint16_t dst_lo, dst_hi; /* UDP ports */
	bool ipv6;
	uint8_t dst_ip[16];
};

#define PERF_GPU_PATH 18u /* bytes of the longest L2 header */

/* Of a frame; the L2 header is judged by the CPU, which learns what is right. */
struct perf_gpu_result {
	uint64_t seq;
	uint64_t time_ns;
	uint16_t stream;   /* id */
	uint16_t index;	   /* of the stream among the expected */
	uint8_t judgement; /* enum perf_gpu_judgement */
	uint8_t path_len;  /* of the L2 header; 0: nothing to compare */
	uint8_t hops;	   /* IPv6: its hop limit */
	uint8_t path[PERF_GPU_PATH + 7];
};

/* perf_gpu_check(): judges the frames of n descriptors. */
struct perf_gpu_check {
	uint64_t pkts;	  /* const struct daqiri_pkt[n] */
	uint64_t rests;	  /* the same, of what follows each; 0: frames are in one piece */
	uint64_t results; /* struct perf_gpu_result[n] */
	uint64_t expects; /* const struct perf_gpu_expect[n_expects] */
	uint64_t shift;	  /* from the addresses in descriptors to the GPU's; */
	uint64_t rest_shift;
	uint32_t n, n_expects;
	uint32_t mode; /* enum perf_gpu_mode */
};

/* perf_gpu_fill(): writes frames seq, seq + 1, … to where n descriptors say. */
struct perf_gpu_fill {
	uint64_t pkts;
	uint64_t rests; /* 0: one piece, whose length is the frame's */
	uint64_t headers; /* const struct perf_headers[n_sizes] */
	uint64_t shift, rest_shift;
	uint64_t seq;
	uint64_t time_ns;
	uint32_t n, n_sizes;
	uint32_t n_src, n_dst; /* UDP ports, from src_lo and dst_lo on */
	uint16_t src_lo, dst_lo;
	uint16_t stream; /* id */
	uint8_t type;	 /* enum perf_type */
};

/* perf_gpu_gather(): packs frames from byte skip on, length bytes of each, one behind the other. */
struct perf_gpu_gather {
	uint64_t pkts;
	uint64_t out;
	uint64_t shift;
	uint32_t n, skip;
	uint32_t length; /* bytes of a packed frame, a multiple of 8; what a frame lacks is 0 */
};

#define PERF_GPU_WARPS 4u /* frames, one a warp, of a block */

#endif
