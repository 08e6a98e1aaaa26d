/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work queue entries as the device reads them: pure functions from numbers to bytes. Structures and
 * constants are those of mlx5dv.h (PRM: "WQE Format", "Ethernet Segment", "Enhanced Multi Packet
 * Send WQE"). No function here calls libibverbs.
 */
#ifndef DQ_MLX5_WQE_H
#define DQ_MLX5_WQE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"

enum {
	DQ_WQEBB = 64,	       /* MLX5_SEND_WQE_BB: what send queues are counted in */
	DQ_WQEBB_SEGS = 4,     /* segments of 16 bytes in it */
	DQ_SEG = 16,	       /* MLX5_SEND_WQE_DS */
	DQ_STRIDING_WQE = 32,  /* mlx5_wqe_srq_next_seg, unused, and a data segment */
	DQ_EMPW_HEAD_SEGS = 2, /* control and Ethernet segment */
	/*
	 * The 6-bit DS field would let 61 pointers in; 15 WQEBBs (60 segments) is what the kernel
	 * and other drivers keep to.
	 */
	DQ_EMPW_MAX_PTRS = 58,
	DQ_INLINE_L2 = 18,     /* MLX5_INLINE_MODE_L2: Ethernet header and a VLAN tag */
	DQ_OPCODE_WAIT = 0x0f, /* PRM: WAIT, here with opmod 2, "wait on time"; mlx5dv.h has neither */
	DQ_OPCODE_EMPW = 0x29, /* MLX5_OPCODE_ENHANCED_MPSW; mlx5dv.h does not name it */
};

/*
 * Ethernet segment, insert.type, which has the place of an inline header's size (kernel, mlx5/qp.h:
 * MLX5_ETH_WQE_INSERT_VLAN, MLX5_ETH_WQE_SVLAN).
 */
enum { DQ_INSERT_VLAN = 1 << 15, DQ_INSERT_SVLAN = 1 << 0 };

/* What an Ethernet segment asks for, of all frames of a queue. */
struct dq_wqe_eth {
	uint8_t cs_flags; /* MLX5_ETH_WQE_L3_CSUM and MLX5_ETH_WQE_L4_CSUM, or-ed; 0: none */
	uint16_t insert;  /* DQ_INSERT_*, or-ed; 0: no tag */
	uint16_t tci;	  /* of the tag */
};

/* fm_ce_se, bits 3:2: when a completion is written. */
enum dq_ce {
	DQ_CE_FIRST_ERROR = 1 << 2, /* only for the first WQE that fails */
	DQ_CE_ALWAYS = 2 << 2	    /* MLX5_WQE_CTRL_CQ_UPDATE */
};

_Static_assert(sizeof(struct mlx5_wqe_ctrl_seg) == DQ_SEG, "control segment");
_Static_assert(sizeof(struct mlx5_wqe_data_seg) == DQ_SEG, "data segment");
_Static_assert(sizeof(struct mlx5_wqe_srq_next_seg) == DQ_SEG, "next segment");
_Static_assert(offsetof(struct mlx5_wqe_eth_seg, inline_hdr_start) == 14, "Ethernet segment");

/* Segments and basic blocks of a WQE with n pointers behind its two head segments. */
static inline uint32_t dq_wqe_segs(uint32_t n)
{
	return DQ_EMPW_HEAD_SEGS + n;
}

static inline uint32_t dq_wqe_wqebbs(uint32_t segs)
{
	return (segs + DQ_WQEBB_SEGS - 1) / DQ_WQEBB_SEGS;
}

/* Basic blocks behind the first of such a WQE of n > 0 pointers. */
static inline uint32_t dq_wqe_more(uint32_t n)
{
	return (n + DQ_EMPW_HEAD_SEGS - 1) / DQ_WQEBB_SEGS;
}

/*
 * The control segment; returns its first 8 bytes, which a doorbell register takes. index: the WQEBB
 * that the WQE starts at, counting for ever (16 bits count); qpn: 24 bits; segs: all 16-byte
 * segments, 3..60.
 */
static inline __be64 dq_wqe_ctrl(struct mlx5_wqe_ctrl_seg *ctrl, uint32_t opcode_index,
				 uint32_t qpn_ds, enum dq_ce ce)
{
	__be64 head = dq_to_be64((uint64_t)opcode_index << 32 | qpn_ds);
	struct mlx5_wqe_ctrl_seg rest = {.fm_ce_se = (uint8_t)ce};

	memcpy(ctrl, &head, sizeof(head));
	memcpy((uint8_t *)ctrl + sizeof(head), (uint8_t *)&rest + sizeof(head),
	       sizeof(rest) - sizeof(head));
	return head;
}

/*
 * Control and Ethernet segment but for the first 8 bytes, which differ from WQE to WQE: a queue has
 * this ready, and copies it.
 */
struct dq_wqe_model {
	uint8_t bytes[2 * DQ_SEG];
} __attribute__((aligned(2 * DQ_SEG)));

static inline struct dq_wqe_model dq_wqe_model_of(const struct dq_wqe_eth *ask, enum dq_ce ce)
{
	struct mlx5_wqe_ctrl_seg ctrl = {.fm_ce_se = (uint8_t)ce};
	struct mlx5_wqe_eth_seg eth = {.cs_flags = ask->cs_flags,
				       .inline_hdr_sz = dq_to_be16(ask->insert)};
	__be16 tci = dq_to_be16(ask->tci);
	struct dq_wqe_model model;

	memcpy(eth.inline_hdr_start, &tci, sizeof(tci));
	memcpy(model.bytes, &ctrl, DQ_SEG);
	memcpy(model.bytes + DQ_SEG, &eth, DQ_SEG);
	return model;
}

/* Both segments of a WQE. head: the first 8 bytes; model: the others. */
static inline void dq_wqe_head(uint8_t *wqe, __be64 head, const struct dq_wqe_model *model)
{
	memcpy(wqe, &head, sizeof(head));
	memcpy(wqe + sizeof(head), model->bytes + sizeof(head), sizeof(*model) - sizeof(head));
}

/* Changes when a WQE that is written already makes a completion. */
static inline void dq_wqe_ask(uint8_t *wqe, enum dq_ce ce)
{
	wqe[offsetof(struct mlx5_wqe_ctrl_seg, fm_ce_se)] = (uint8_t)ce;
}

static inline uint32_t dq_wqe_opcode_index(uint32_t opcode, uint32_t index)
{
	return (index & 0xffff) << 8 | opcode;
}

static inline uint32_t dq_wqe_qpn_ds(uint32_t qpn, uint32_t segs)
{
	return qpn << 8 | segs;
}

/*
 * An Ethernet segment of 32 bytes that carries the frame's first n bytes, at most DQ_INLINE_L2, for
 * devices that look at the header in the WQE.
 */
static inline void dq_wqe_eth_inline(uint8_t *seg, const struct dq_wqe_eth *ask,
				     const uint8_t *frame, uint32_t n)
{
	struct mlx5_wqe_eth_seg *eth = (struct mlx5_wqe_eth_seg *)seg;

	memset(seg, 0, (size_t)2 * DQ_SEG);
	eth->cs_flags = ask->cs_flags;
	eth->inline_hdr_sz = dq_to_be16((uint16_t)n);
	memcpy(seg + offsetof(struct mlx5_wqe_eth_seg, inline_hdr_start), frame, n);
}

/* Segments of an Ethernet segment with n bytes of headers in it: 14 are before them. */
static inline uint32_t dq_wqe_lso_segs(uint32_t n)
{
	return (n + (uint32_t)offsetof(struct mlx5_wqe_eth_seg, inline_hdr_start) + DQ_SEG - 1) /
	       DQ_SEG;
}

/*
 * The Ethernet segment of a large send (PRM: "LSO"): n bytes of headers, which each packet of mss
 * bytes of the data behind gets. Checksums are filled in, as nobody else can.
 */
static inline void dq_wqe_eth_lso(uint8_t *seg, uint32_t mss, const uint8_t *headers, uint32_t n)
{
	struct mlx5_wqe_eth_seg *eth = (struct mlx5_wqe_eth_seg *)seg;

	memset(seg, 0, DQ_SEG);
	memset(seg + (size_t)(dq_wqe_lso_segs(n) - 1) * DQ_SEG, 0, DQ_SEG);
	eth->cs_flags = MLX5_ETH_WQE_L3_CSUM | MLX5_ETH_WQE_L4_CSUM;
	eth->mss = dq_to_be16((uint16_t)mss);
	eth->inline_hdr_sz = dq_to_be16((uint16_t)n);
	memcpy(seg + offsetof(struct mlx5_wqe_eth_seg, inline_hdr_start), headers, n);
}

/* A pointer to len bytes (1..2^31-1; the device reads 0 as 2^31). lkey: big endian, as in a key. */
static inline void dq_wqe_data(uint8_t *seg, uint64_t addr, uint32_t len, __be32 lkey)
{
	struct mlx5_wqe_data_seg *data = (struct mlx5_wqe_data_seg *)seg;

	data->byte_count = dq_to_be32(len);
	data->lkey = lkey;
	data->addr = dq_to_be64(addr);
}

/* A time as a WAIT WQE has it: the clock's bits of mask come to those of value. */
struct dq_wqe_time {
	uint64_t value, mask;
};

/*
 * A WQE that holds its queue until that time: control segment and a wait segment of 32 bytes (PRM,
 * "Wait segment": operation, lkey, va, value, mask; no memory is read where a time is waited for).
 */
static inline void dq_wqe_wait(uint8_t *wqe, uint32_t index, uint32_t qpn,
			       const struct dq_wqe_time *when)
{
	enum { OPMOD_TIME = 2, CYCLIC_SMALLER = 5, SEGS = 3 };
	uint32_t opcode_index = dq_wqe_opcode_index(DQ_OPCODE_WAIT, index) | OPMOD_TIME << 24;
	__be64 words[2] = {dq_to_be64(when->value), dq_to_be64(when->mask)};
	__be32 operation = dq_to_be32(CYCLIC_SMALLER);

	dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)wqe, opcode_index,
		    dq_wqe_qpn_ds(qpn, SEGS), DQ_CE_FIRST_ERROR);
	memset(wqe + DQ_SEG, 0, DQ_SEG);
	memcpy(wqe + DQ_SEG, &operation, sizeof(operation));
	memcpy(wqe + (size_t)2 * DQ_SEG, words, sizeof(words));
}

/* Segments of a frame of so many bytes in the WQE itself: a be32 before it, and padding. */
static inline uint32_t dq_wqe_inline_segs(uint32_t len)
{
	return (len + (uint32_t)sizeof(uint32_t) + DQ_SEG - 1) / DQ_SEG;
}

/*
 * Basic blocks that a packet may take in a queue that copies frames of up to so many bytes: those
 * of an eMPW with nothing but the longest of them.
 */
static inline uint32_t dq_wqe_inline_wqebbs(uint32_t inline_max)
{
	return dq_wqe_wqebbs(dq_wqe_segs(inline_max ? dq_wqe_inline_segs(inline_max) : 1));
}

/* And of the ring for depth packets of so many each, a power of two: as libmlx5 rounds. */
static inline uint32_t dq_wqe_ring_of(uint32_t depth, uint32_t blocks)
{
	uint32_t wqebbs = depth;

	while (wqebbs < (uint64_t)depth * blocks)
		wqebbs *= 2;
	return wqebbs;
}

static inline uint32_t dq_wqe_ring(uint32_t depth, uint32_t inline_max)
{
	return dq_wqe_ring_of(depth, dq_wqe_inline_wqebbs(inline_max));
}

/* A receive WQE of a striding queue: len bytes of memory, all its strides. */
static inline void dq_wqe_stride(uint8_t *wqe, uint64_t addr, uint32_t len, __be32 lkey)
{
	memset(wqe, 0, DQ_SEG);
	dq_wqe_data(wqe + DQ_SEG, addr, len, lkey);
}

/* The same WQE with other memory. */
static inline void dq_wqe_stride_move(uint8_t *wqe, uint64_t addr)
{
	((struct mlx5_wqe_data_seg *)(wqe + DQ_SEG))->addr = dq_to_be64(addr);
}

#endif
