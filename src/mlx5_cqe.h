/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion queue entries as the device writes them, 64 bytes: pure functions from bytes to
 * numbers (PRM: "Completion Queue Entry Format"). No function here calls libibverbs.
 */
#ifndef DQ_MLX5_CQE_H
#define DQ_MLX5_CQE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"

enum {
	DQ_CQE = 64,
	/*
	 * op_own: opcode in bits 7:4, format in 3:2, solicited event in 1, owner in 0. Of a plain
	 * completion, neither compressed nor with inline data, the format is 0.
	 */
	DQ_CQE_OPCODE_OWNER = 0xf0 | 3 << 2 | MLX5_CQE_OWNER_MASK,
	DQ_CQE_FLOW_TAG = 0xffffff, /* of sop_drop_qpn */
	DQ_CQE_INDEX = 0xffffff	    /* consumer index in the CQ's doorbell record */
};

_Static_assert(sizeof(struct mlx5_cqe64) == DQ_CQE, "CQE");
_Static_assert(sizeof(struct mlx5_err_cqe) == DQ_CQE, "error CQE");
_Static_assert(offsetof(struct mlx5_cqe64, op_own) == 63, "CQE ownership byte");
_Static_assert(offsetof(struct mlx5_err_cqe, syndrome) == 55, "error CQE syndrome");

/* The ownership byte, read once: the device writes it last. */
static inline uint8_t dq_cqe_op_own(const struct mlx5_cqe64 *cqe)
{
	return __atomic_load_n(&cqe->op_own, __ATOMIC_RELAXED);
}

static inline unsigned dq_cqe_opcode(uint8_t op_own)
{
	return op_own >> 4;
}

/*
 * Whether an entry is the software's. owner: the parity that entries of this lap of the ring carry,
 * (index / entries) & 1. An entry never written yet has the opcode MLX5_CQE_INVALID.
 */
static inline bool dq_cqe_is_ours(uint8_t op_own, unsigned owner)
{
	return (op_own & MLX5_CQE_OWNER_MASK) == owner && dq_cqe_opcode(op_own) != MLX5_CQE_INVALID;
}

/* What opcode and owner of a good receive completion read, compared under DQ_CQE_OPCODE_OWNER. */
static inline uint8_t dq_cqe_good_recv(unsigned owner)
{
	return (uint8_t)(MLX5_CQE_RESP_SEND << 4 | owner);
}

/*
 * Compressed completions, basic layout (PRM, "CQE compression"; the kernel: en_rx.c,
 * mlx5e_decompress_cqes_start() and _cont()): a title, of format 3 in op_own, stands for as many
 * completions as its byte_cnt says, and takes as many slots, of which the device writes some only:
 * arrays of eight small completions in the slot behind the title, and from then on in each eighth
 * one, counted from the title. What they do not say is the same in all, and as in the title.
 */
enum { DQ_CQE_FORMAT = 3 << 2, DQ_MINI_ARRAY = 8, DQ_CQE_USED = MLX5_CQE_INVALID << 4 };

/* Struct mlx5_mini_cqe8 of the kernel. */
struct dq_mini_cqe {
	union {
		__be32 hash; /* MLX5DV_CQE_RES_FORMAT_HASH */
		struct {     /* _CSUM_STRIDX */
			__be16 checksum;
			__be16 stride;
		};
	};
	__be32 byte_cnt;
};

_Static_assert(DQ_MINI_ARRAY * sizeof(struct dq_mini_cqe) == DQ_CQE, "an array fills a slot");

/* What opcode, format and owner of a title read, compared under DQ_CQE_OPCODE_OWNER. */
static inline uint8_t dq_cqe_title(unsigned owner)
{
	return (uint8_t)(dq_cqe_good_recv(owner) | DQ_CQE_FORMAT);
}

/*
 * The device writes the first slot of what it tells next, and perhaps none behind it: a slot that
 * was read must not look like one that is new when its parity comes round again.
 */
static inline void dq_cqe_use_up(struct mlx5_cqe64 *cqe)
{
	cqe->op_own = (uint8_t)DQ_CQE_USED;
}

static inline uint16_t dq_cqe_wqe_counter(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be16(cqe->wqe_counter);
}

static inline uint32_t dq_cqe_len(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be32(cqe->byte_cnt);
}

/*
 * A completion of a striding receive queue (PRM, "Striding RQ"; the kernel's mpwrq_* in
 * en_rx.c): wqe_id names the WQE, wqe_counter its first stride, and byte_cnt is filler, strides and
 * length in one. A filler has strides that stay empty, and no packet.
 */
#define DQ_CQE_FILLER 0x80000000u
enum { DQ_CQE_STRIDES_SHIFT = 16, DQ_CQE_STRIDES = 0x7fff, DQ_CQE_STRIDE_LEN = 0xffff };

static inline uint16_t dq_cqe_wqe_id(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be16(cqe->wqe_id);
}

static inline bool dq_cqe_is_filler(const struct mlx5_cqe64 *cqe)
{
	return (cqe->byte_cnt & dq_to_be32(DQ_CQE_FILLER)) != 0;
}

static inline uint32_t dq_cqe_strides(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be32(cqe->byte_cnt) >> DQ_CQE_STRIDES_SHIFT & DQ_CQE_STRIDES;
}

static inline uint32_t dq_cqe_stride_len(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be32(cqe->byte_cnt) & DQ_CQE_STRIDE_LEN;
}

/* The flow tag as a key: left big endian, which costs nothing per packet. */
static inline __be32 dq_cqe_flow_key(const struct mlx5_cqe64 *cqe)
{
	return cqe->sop_drop_qpn & dq_to_be32(DQ_CQE_FLOW_TAG);
}

static inline uint32_t dq_key_to_flow(__be32 key)
{
	uint32_t tag = dq_from_be32(key) & DQ_CQE_FLOW_TAG;

	/* 0xffffff: what old kernels give to a rule without a tag. */
	return tag == DQ_CQE_FLOW_TAG ? 0 : tag;
}

/*
 * What a completion tells of its packet. mlx5dv.h names no hash; the kernel does
 * (linux/mlx5/device.h, struct mlx5_cqe64: rss_hash_result; libmlx5 reads it from rsvd4 too).
 */
enum { DQ_CQE_HASH = 12 };

static inline uint32_t dq_cqe_hash(const struct mlx5_cqe64 *cqe)
{
	__be32 hash;

	__builtin_memcpy(&hash, (const uint8_t *)cqe + DQ_CQE_HASH, sizeof(hash));
	return dq_from_be32(hash);
}

/*
 * l4_hdr_type_etc (the kernel: l4_l3_hdr_type, get_cqe_l4_hdr_type(), get_cqe_l3_hdr_type(),
 * cqe_has_vlan(); DPDK: hdr_type_etc of struct mlx5_cqe, MLX5_CQE_RX_IP_FRAG_PACKET).
 */
enum {
	DQ_CQE_VLAN = 0x01,    /* vlan_info holds a tag that was stripped */
	DQ_CQE_IP_EXT = 0x02,  /* IPv4 options or IPv6 extension headers */
	DQ_CQE_L3_SHIFT = 2,   /* 2 bits: 0 none, 1 IPv6, 2 IPv4 (CQE_L3_HDR_TYPE_*) */
	DQ_CQE_L4_SHIFT = 4,   /* 3 bits: 0 none, 1, 3, 4 TCP, 2 UDP (CQE_L4_HDR_TYPE_*) */
	DQ_CQE_IP_FRAG = 0x80, /* a fragment */
	/* hds_ip_ext: the kernel's CQE_L3_OK, CQE_L4_OK */
	DQ_CQE_CSUM_OK = MLX5_CQE_L3_OK | MLX5_CQE_L4_OK
};

static inline uint16_t dq_cqe_vlan(const struct mlx5_cqe64 *cqe)
{
	return cqe->l4_hdr_type_etc & DQ_CQE_VLAN ? dq_from_be16(cqe->vlan_info) : 0;
}

static inline unsigned dq_cqe_l3(const struct mlx5_cqe64 *cqe)
{
	return cqe->l4_hdr_type_etc >> DQ_CQE_L3_SHIFT & 3;
}

static inline unsigned dq_cqe_l4(const struct mlx5_cqe64 *cqe)
{
	return cqe->l4_hdr_type_etc >> DQ_CQE_L4_SHIFT & 7;
}

/*
 * A time stamp is the free-running counter, or the real time: seconds and nanoseconds in 32 bits
 * each (the kernel's mlx5_real_time_cyc2time()).
 */
static inline uint64_t dq_cqe_stamp(const struct mlx5_cqe64 *cqe)
{
	return dq_from_be64(cqe->timestamp);
}

static inline uint64_t dq_cqe_real_ns(const struct mlx5_cqe64 *cqe)
{
	uint64_t stamp = dq_cqe_stamp(cqe);

	return (stamp >> 32) * 1000000000 + (uint32_t)stamp;
}

struct dq_cqe_error {
	uint8_t syndrome;
	uint8_t vendor_syndrome;
	uint16_t wqe_counter;
};

static inline struct dq_cqe_error dq_cqe_read_error(const struct mlx5_cqe64 *cqe)
{
	const struct mlx5_err_cqe *err = (const struct mlx5_err_cqe *)cqe;

	/* mlx5dv.h declares this counter as a plain number; it is big endian as all others. */
	return (struct dq_cqe_error){.syndrome = err->syndrome,
				     .vendor_syndrome = err->vendor_err_synd,
				     .wqe_counter =
					     dq_from_be16((DQ_FORCE __be16)err->wqe_counter)};
}

/* Whether a receive queue has stopped for good: local QP operation, local protection, flush. */
static inline bool dq_cqe_stops_rq(uint8_t syndrome)
{
	return syndrome == MLX5_CQE_SYNDROME_LOCAL_QP_OP_ERR ||
	       syndrome == MLX5_CQE_SYNDROME_LOCAL_PROT_ERR ||
	       syndrome == MLX5_CQE_SYNDROME_WR_FLUSH_ERR;
}

/* PRM, "Completion with error": the syndrome in words. */
static inline const char *dq_cqe_syndrome_text(uint8_t syndrome)
{
	switch (syndrome) {
	case 0:
		return "none";
	case MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR:
		return "local length error: a frame longer than its buffer";
	case MLX5_CQE_SYNDROME_LOCAL_QP_OP_ERR:
		return "local QP operation error: a malformed work request";
	case MLX5_CQE_SYNDROME_LOCAL_PROT_ERR:
		return "local protection error: a wrong memory key, or memory outside of it";
	case MLX5_CQE_SYNDROME_WR_FLUSH_ERR:
		return "flushed: the queue had stopped before";
	case MLX5_CQE_SYNDROME_MW_BIND_ERR:
		return "memory window bind error";
	case MLX5_CQE_SYNDROME_BAD_RESP_ERR:
		return "bad response error";
	case MLX5_CQE_SYNDROME_LOCAL_ACCESS_ERR:
		return "local access error";
	default:
		return "an error of a kind that raw packets do not have";
	}
}

#endif
