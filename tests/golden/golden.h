/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorder writes down: the bytes that libmlx5 leaves in a ring, beside what it was asked
 * for; and completions, beside what libmlx5 reads from them.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdint.h>

struct golden_sge {
	uint64_t addr;
	uint32_t len, lkey;
};

/* One send work request. */
struct golden_wqe {
	const char *what;
	uint32_t index; /* of its first WQEBB, counting for ever */
	uint32_t qpn;
	uint32_t signalled; /* IBV_SEND_SIGNALED was set */
	uint32_t csum;	    /* IBV_SEND_IP_CSUM was set */
	uint32_t n_sge;	    /* 0: the frame is inline or in a TSO header */
	struct golden_sge sge[2];
	uint32_t n_bytes; /* of the WQE: 16 times its segments */
	uint8_t bytes[128];
};

/* One receive work request on a ring whose WQEs have room for max_sge segments. */
struct golden_rwqe {
	const char *what;
	uint32_t max_sge, n_sge;
	struct golden_sge sge[2];
	uint32_t n_bytes;
	uint8_t bytes[32];
};

struct golden_cqe {
	const char *what;
	uint32_t entries; /* of its CQ */
	uint32_t index;	  /* its place, counting for ever */
	uint32_t recv;	  /* ibv_wc.opcode has IBV_WC_RECV (good ones only) */
	uint32_t wr_id;	  /* the work request's index in its ring */
	uint32_t status, vendor_err;
	uint32_t byte_len; /* good receive completions */
	uint32_t tag;	   /* as ibv_wc_read_flow_tag() tells */
	uint8_t bytes[64];
};

/* The frame that was sent: n bytes, each its place times 3. */
#define GOLDEN_HEADER 18u
static inline uint8_t golden_byte(unsigned i)
{
	return (uint8_t)(i * 3);
}

#endif
