/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ConnectX reads and writes in the program's memory, as the programmer's reference manual
 * (PRM) lays it out: work queue entries, completion queue entries, doorbells. Written from the
 * manual's tables and from nothing of libdaqiri, so that a mistake of one is seen by the other.
 */
#ifndef EMU_HW_H
#define EMU_HW_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_WQEBB 64u          /* PRM: WQE basic block */
#define EMU_CACHE_LINE 64u
#define EMU_DS    16u          /* a WQE's size counts in units of 16 bytes */
/* What the 6-bit field can say; the next WQEBB would be above max_wqe_sz_sq anyway. */
#define EMU_MAX_DS 63u
/* Of an enhanced multi-packet WQE: 15 WQEBBs, as mlx5e and DPDK's mlx5 keep it. */
#define EMU_MAX_EMPW_DS 60u

/* PRM "WQE opcodes" */
enum {
	EMU_OP_NOP = 0x00,
	EMU_OP_SEND = 0x0a,
	EMU_OP_LSO = 0x0e,
	EMU_OP_WAIT = 0x0f,
	EMU_OP_EMPW = 0x29 /* enhanced multi-packet send */
};

/* Their modifiers, where they have any */
enum {
	EMU_OPMOD_LSO_MPW = 1, /* of LSO: frames of equal length, without a header */
	EMU_OPMOD_WAIT_TIME = 2
};

/* Control segment, 16 bytes at the start of every send WQE. */
struct emu_wqe_ctrl {
	__be32 opmod_idx_opcode; /* modifier 31:24, index of this WQE's first WQEBB 23:8, opcode 7:0 */
	__be32 qpn_ds;           /* queue number 31:8, size in 16-byte units 5:0 */
	uint8_t signature;
	uint8_t rsvd[2];
	uint8_t fm_ce_se; /* fence 7:5, completion mode 3:2, solicited event 1 */
	__be32 imm;
};

#define EMU_CTRL_CE(fm_ce_se) (((fm_ce_se) >> 2) & 3u)
enum { EMU_CE_ON_ERROR, EMU_CE_FIRST_ERROR, EMU_CE_ALWAYS, EMU_CE_EVENT };

/* Ethernet segment; inline_hdr may go on behind its 16 bytes. */
struct emu_wqe_eth {
	__be32 swp_offs;
	uint8_t cs_flags;
	uint8_t swp_flags;
	__be16 mss;
	__be32 metadata;
	__be16 inline_hdr_sz; /* 9:0 bytes of header; 15: insert this VLAN tag instead */
	uint8_t inline_hdr[2];
};

/* swp_offs: bytes of it, each in units of 2 bytes from the frame's begin */
enum { EMU_SWP_OUTER_L4, EMU_SWP_OUTER_L3, EMU_SWP_INNER_L4, EMU_SWP_INNER_L3, EMU_SWP_OFFS };

#define EMU_SWP_INNER_IPV6   0x01u
#define EMU_SWP_INNER_UDP    0x02u
#define EMU_SWP_OUTER_IPV6   0x10u
#define EMU_SWP_OUTER_UDP    0x20u
#define EMU_SWP_FLAGS        0x33u
#define EMU_ETH_L3_INNER_CSUM 0x10u
#define EMU_ETH_L4_INNER_CSUM 0x20u
#define EMU_ETH_L3_CSUM      0x40u
#define EMU_ETH_L4_CSUM      0x80u
#define EMU_ETH_INSERT_VLAN  0x8000u
#define EMU_ETH_INLINE_BYTES 0x3ffu
#define EMU_ETH_INSERT_SVLAN 0x0001u /* with INSERT_VLAN: a service tag; inline_hdr: the TCI */
#define EMU_ETH_MSS          0x3fffu

/* Wait segment, behind the control segment of a WAIT: PRM "Wait on time" */
struct emu_wqe_wait {
	__be32 operation;
	__be32 lkey;
	__be64 addr;
	__be64 value; /* in the format of the send queue's clock */
	__be64 mask;
};

#define EMU_WAIT_CYCLIC_SMALLER 5u /* till value is smaller than the clock, modulo the mask */

/* Memory pointer segment, of send and receive WQEs alike. */
struct emu_wqe_data {
	__be32 byte_count; /* 31: inline data follows instead, in a send WQE */
	__be32 lkey;
	__be64 addr;
};

#define EMU_INLINE_SEG  0x80000000u
#define EMU_LKEY_END    0x100u /* PRM: terminates a receive WQE's scatter list */
#define EMU_2GB         0x80000000u /* byte_count 0 means this in a pointer segment */

/* First segment of the receive WQEs of linked lists and of striding queues. */
struct emu_wqe_next {
	uint8_t rsvd[2];
	__be16 next_wqe_index; /* of linked lists only */
	uint8_t signature;
	uint8_t rsvd5[11];
};

/* Striding queues, as mlx5_ib and libmlx5 bound them (MLX5_{MIN,MAX}_SINGLE_STRIDE_LOG_NUM_BYTES) */
#define EMU_LOG_STRIDE_MIN   6u
#define EMU_LOG_STRIDE_MAX   13u
#define EMU_LOG_STRIDES_MIN  3u /* where ext_stride_num_range is set; else 9 */
#define EMU_LOG_STRIDES_MAX  16u
#define EMU_TWO_BYTE_SHIFT   2u

/* CQE byte_cnt of a striding queue: length 15:0, strides 30:16 */
#define EMU_MPW_STRIDES_SHIFT 16u
#define EMU_MPW_FILLER        0x80000000u

/* Completion queue entry, PRM "CQE format"; 128-byte entries have it in their second half. */
struct emu_cqe {
	uint8_t tunnel; /* EMU_CQE_TUNNELED, _OUTER_IPV6 */
	uint8_t rsvd1;
	__be16 wqe_id;
	uint8_t rsvd4[8];
	__be32 rx_hash_result;
	uint8_t rx_hash_type;
	uint8_t rsvd17[3];
	__be16 checksum; /* one's complement sum of the bytes behind the L2 header */
	uint8_t rsvd22[6];
	uint8_t hds_ip_ext;
	uint8_t l4_hdr_type_etc;
	__be16 vlan_info;
	__be32 srqn_uidx;
	uint8_t rsvd36[8];
	__be32 byte_cnt;
	__be64 timestamp;
	__be32 sop_drop_qpn; /* RX: flow tag; TX: opcode of the WQE and queue number */
	__be16 wqe_counter;
	uint8_t signature;
	uint8_t op_own;
};

/*
 * Compressed completions, PRM "CQE compression": a title CQE whose format is EMU_CQE_COMPRESSED and
 * whose byte count is the number of completions, then arrays of eight of these.
 */
struct emu_mini_cqe {
	union {
		__be32 rx_hash_result;
		struct {
			__be16 checksum;
			__be16 stridx;
		};
	};
	__be32 byte_cnt;
};

#define EMU_CQE_FORMAT(op_own) (((op_own) >> 2) & 3u)
#define EMU_CQE_COMPRESSED     (3u << 2)
#define EMU_MINI_ARRAY         8u  /* small completions in a slot */
#define EMU_MINI_MAX           64u /* in a session: cqe_compression_max_num */

/* PRM "Completion queue context": mini_cqe_format */
enum emu_mini_format {
	EMU_MINI_HASH = 0,
	EMU_MINI_CSUM = 1,
	EMU_MINI_CSUM_STRIDX = 3
};

struct emu_err_cqe {
	uint8_t rsvd0[32];
	__be32 srqn_uidx;
	uint8_t rsvd36[16];
	uint8_t hw_err_synd;
	uint8_t hw_synd_type;
	uint8_t vendor_err_synd;
	uint8_t syndrome;
	__be32 s_wqe_opcode_qpn;
	__be16 wqe_counter;
	uint8_t signature;
	uint8_t op_own;
};

_Static_assert(sizeof(struct emu_wqe_ctrl) == 16, "PRM: control segment");
_Static_assert(sizeof(struct emu_wqe_eth) == 16, "PRM: Ethernet segment");
_Static_assert(offsetof(struct emu_wqe_eth, inline_hdr) == 14, "PRM: inline header");
_Static_assert(sizeof(struct emu_wqe_wait) == 32, "PRM: wait segment");
_Static_assert(sizeof(struct emu_wqe_data) == 16, "PRM: pointer segment");
_Static_assert(sizeof(struct emu_wqe_next) == 16, "PRM: next segment");
_Static_assert(sizeof(struct emu_cqe) == 64, "PRM: CQE");
_Static_assert(sizeof(struct emu_mini_cqe) == 8, "PRM: mini CQE");
_Static_assert(sizeof(struct emu_err_cqe) == 64, "PRM: error CQE");
_Static_assert(offsetof(struct emu_cqe, hds_ip_ext) == 28, "PRM: CQE checksum status");
_Static_assert(offsetof(struct emu_cqe, byte_cnt) == 44, "PRM: CQE byte count");
_Static_assert(offsetof(struct emu_cqe, sop_drop_qpn) == 56, "PRM: CQE flow tag");
_Static_assert(offsetof(struct emu_err_cqe, syndrome) == 55, "PRM: error syndrome");

/* CQE opcodes, op_own 7:4 */
enum {
	EMU_CQE_REQ = 0,
	EMU_CQE_RESP_SEND = 2,
	EMU_CQE_REQ_ERR = 13,
	EMU_CQE_RESP_ERR = 14,
	EMU_CQE_INVALID = 15
};

/* hds_ip_ext and l4_hdr_type_etc: one 16-bit field, here by bytes */
#define EMU_CQE_L2_OK       0x01u
#define EMU_CQE_L3_OK       0x02u
#define EMU_CQE_L4_OK       0x04u
#define EMU_CQE_CV          0x01u /* a tag was stripped and lies in vlan_info */
#define EMU_CQE_IP_EXT      0x02u /* IPv4 options or IPv6 extension headers */
#define EMU_CQE_L3_IPV6     0x04u
#define EMU_CQE_L3_IPV4     0x08u
#define EMU_CQE_L4_TCP      0x10u /* no acknowledgement */
#define EMU_CQE_L4_UDP      0x20u
#define EMU_CQE_L4_TCP_EMPTY_ACK 0x30u
#define EMU_CQE_L4_TCP_ACK  0x40u
#define EMU_CQE_IP_FRAG     0x80u

/* Of queues with tunnel offloads: what hds_ip_ext and l4_hdr_type_etc say is the inner packet's. */
#define EMU_CQE_TUNNELED    0x01u
#define EMU_CQE_OUTER_IPV6  0x02u

/* rx_hash_type: which fields went into the hash */
#define EMU_CQE_HASH_SRC_IPV4 0x01u
#define EMU_CQE_HASH_SRC_IPV6 0x02u
#define EMU_CQE_HASH_DST_IPV4 0x04u
#define EMU_CQE_HASH_DST_IPV6 0x08u
#define EMU_CQE_HASH_SRC_TCP  0x10u
#define EMU_CQE_HASH_SRC_UDP  0x20u
#define EMU_CQE_HASH_DST_TCP  0x40u
#define EMU_CQE_HASH_DST_UDP  0x80u

/* PRM "CQE syndromes" */
enum emu_syndrome {
	EMU_SYN_NONE = 0,
	EMU_SYN_LOCAL_LENGTH = 0x01,
	EMU_SYN_LOCAL_QP_OP = 0x02,
	EMU_SYN_LOCAL_PROT = 0x04,
	EMU_SYN_FLUSHED = 0x05
};

/* Doorbell page */
#define EMU_UAR_CQ_DB   0x20u  /* 64 bits: sequence, command, consumer index, CQ number */
#define EMU_UAR_BF      0x800u /* first BlueFlame register */
#define EMU_UAR_BF_STEP 0x100u /* a half of a register */
#define EMU_UAR_BF_N    8u     /* halves in a page's 4 KiB */
#define EMU_UAR_SIZE    0x1000u

/* Arm word, dbrec[1] and the upper half of the CQ doorbell */
#define EMU_ARM_SN(w)        (((w) >> 28) & 3u)
#define EMU_ARM_SOLICITED(w) (((w) >> 24) & 1u)
#define EMU_ARM_CI(w)        ((w)&0xffffffu)

#endif
