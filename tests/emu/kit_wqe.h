/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send WQEs that a test writes itself, byte by byte from the PRM, on a queue of libmlx5: for what
 * ibv_post_send() cannot say. They may wrap at the ring's end, as a driver's do.
 */
#ifndef TEST_KIT_WQE_H
#define TEST_KIT_WQE_H

#include "kit.h"

/* PRM: opcode, and its modifier above it */
enum {
	KIT_OP_NOP = 0x00,
	KIT_OP_SEND = 0x0a,
	KIT_OP_LSO = 0x0e,
	KIT_OP_LSO_MPW = 0x0100000e,
	KIT_OP_WAIT_CQ = 0x0f,
	KIT_OP_WAIT_TIME = 0x0200000f,
	KIT_OP_EMPW = 0x29
};
/* completion modes */
enum { KIT_CE_ERROR = 0x0, KIT_CE_FIRST = 0x4, KIT_CE_EVER = 0x8, KIT_CE_EVENT = 0xc };
/* cs_flags of the Ethernet segment */
enum { KIT_CS_L3_INNER = 0x10, KIT_CS_L4_INNER = 0x20, KIT_CS_L3 = 0x40, KIT_CS_L4 = 0x80 };

struct kit_sq {
	struct ibv_qp *qp;
	struct mlx5dv_qp dv;
	unsigned n;  /* WQEBBs posted */
	unsigned bf; /* offset of the BlueFlame half that is next */
};

struct kit_wqe {
	uint8_t b[1024];
	unsigned op, ce, len;
};

/* Takes the send side of qp over: nothing was posted on it yet. */
void kit_sq(struct kit_sq *sq, struct ibv_qp *qp);
/* The control segment; those behind follow it in the order of the calls. */
void kit_wqe(struct kit_wqe *w, unsigned op, unsigned ce);
/* The Ethernet segment, with n bytes of header in it. */
void kit_wqe_eth(struct kit_wqe *w, unsigned cs, unsigned mss, const void *header, unsigned n);
void kit_wqe_data(struct kit_wqe *w, const struct ibv_sge *sge);
void kit_wqe_inline(struct kit_wqe *w, const void *data, unsigned n);
/* Bytes as they are. */
void kit_wqe_bytes(struct kit_wqe *w, const void *data, unsigned n);
/* Writes it to the ring; kit_sq_ring() rings for all that were. */
void kit_wqe_write(struct kit_sq *sq, struct kit_wqe *w);
void kit_sq_ring(struct kit_sq *sq);
/* Both. */
void kit_wqe_post(struct kit_sq *sq, struct kit_wqe *w);

#endif
