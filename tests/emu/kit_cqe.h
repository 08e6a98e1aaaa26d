/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For verbs programs that read completions themselves, as PRM and mlx5dv.h lay them out: libmlx5
 * knows neither strides nor compressed completions.
 */
#ifndef TEST_KIT_CQE_H
#define TEST_KIT_CQE_H

#include "kit.h"

struct kit_cqes {
	struct mlx5dv_cq dv;
	uint32_t ci;
};

void kit_cqes(struct kit_cqes *c, struct ibv_cq *cq);
/* The slot of index i, the half that counts of a 128-byte one. */
uint8_t *kit_cqe_slot(const struct kit_cqes *c, uint32_t i);
/* The next completion; NULL: none came within ms. It stays the program's until kit_cqe_done(). */
struct mlx5_cqe64 *kit_cqe(struct kit_cqes *c, unsigned ms);
/* n entries are read; they are the device's again. */
void kit_cqe_done(struct kit_cqes *c, uint32_t n);

/* A striding receive queue behind a hash QP that takes everything. */
struct kit_mpw {
	struct ibv_cq *cq;
	struct ibv_wq *wq;
	struct ibv_qp *qp;
	struct kit_cqes cqes;
	struct mlx5dv_rwq dv;
	unsigned depth, log_stride, log_strides, shift;
	uint8_t *mem; /* depth WQEs of memory, one behind the other */
	struct ibv_mr *mr;
	uint32_t posted;
};

/* NULL and errno where it is refused. */
struct ibv_wq *kit_mpw_wq(struct kit *k, struct kit_port *p, struct ibv_cq *cq,
			  const struct kit_mpw *want);
/* cq, depth, log_stride, log_strides and shift (0 or 2) are given. */
void kit_mpw(struct kit *k, struct kit_port *p, struct kit_mpw *m);
/* n more WQEs, each with the memory of its slot. */
void kit_mpw_post(struct kit_mpw *m, unsigned n);

#endif
