/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_wqe.h"

#define BLOCK 64u

void kit_sq(struct kit_sq *sq, struct ibv_qp *qp)
{
	struct mlx5dv_obj obj = {0};

	memset(sq, 0, sizeof(*sq));
	sq->qp = qp;
	obj.qp.in = qp;
	obj.qp.out = &sq->dv;
	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), 0);
	cr_assert_eq(sq->dv.sq.stride, BLOCK);
}

static void put(struct kit_wqe *w, const void *data, unsigned n)
{
	cr_assert_leq(w->len + n, sizeof(w->b));
	memcpy(w->b + w->len, data, n);
	w->len += n;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	fr_put16(p, v >> 16);
	fr_put16(p + 2, v & 0xffff);
}

/* To the next segment, of 16 bytes. */
static void pad(struct kit_wqe *w)
{
	w->len = (w->len + 15) & ~15u;
}

void kit_wqe(struct kit_wqe *w, unsigned op, unsigned ce)
{
	memset(w, 0, sizeof(*w));
	w->op = op;
	w->ce = ce;
	w->len = 16;
}

void kit_wqe_eth(struct kit_wqe *w, unsigned cs, unsigned mss, const void *header, unsigned n)
{
	uint8_t eth[14] = {0};

	eth[4] = (uint8_t)cs;
	fr_put16(eth + 6, mss);
	fr_put16(eth + 12, n);
	put(w, eth, sizeof(eth));
	if (n)
		put(w, header, n);
	if (n < 2)
		w->len += 2 - n;
	pad(w);
}

void kit_wqe_data(struct kit_wqe *w, const struct ibv_sge *sge)
{
	uint8_t seg[16];

	put_be32(seg, sge->length);
	put_be32(seg + 4, sge->lkey);
	put_be32(seg + 8, (uint32_t)(sge->addr >> 32));
	put_be32(seg + 12, (uint32_t)sge->addr);
	put(w, seg, sizeof(seg));
}

void kit_wqe_inline(struct kit_wqe *w, const void *data, unsigned n)
{
	uint8_t head[4];

	put_be32(head, 0x80000000u | n);
	put(w, head, sizeof(head));
	put(w, data, n);
	pad(w);
}

void kit_wqe_bytes(struct kit_wqe *w, const void *data, unsigned n)
{
	put(w, data, n);
	pad(w);
}

void kit_wqe_write(struct kit_sq *sq, struct kit_wqe *w)
{
	unsigned blocks = (w->len + BLOCK - 1) / BLOCK, i;

	put_be32(w->b, (w->op & 0xff000000u) | (sq->n & 0xffff) << 8 | (w->op & 0xff));
	put_be32(w->b + 4, sq->qp->qp_num << 8 | w->len / 16);
	w->b[11] = (uint8_t)w->ce;
	cr_assert_leq(blocks, sq->dv.sq.wqe_cnt);
	for (i = 0; i < blocks; i++)
		memcpy((uint8_t *)sq->dv.sq.buf + (size_t)((sq->n + i) % sq->dv.sq.wqe_cnt) * BLOCK,
		       w->b + (size_t)i * BLOCK, BLOCK);
	sq->n += blocks;
}

void kit_sq_ring(struct kit_sq *sq)
{
	uint64_t word = 0;

	/* the device takes the queue from the word, the rest from the doorbell record */
	put_be32((uint8_t *)&word, ((sq->n - 1) & 0xffff) << 8);
	put_be32((uint8_t *)&word + 4, sq->qp->qp_num << 8);
	/* pairs with the device's read of the record: entries first */
	__atomic_store_n(&sq->dv.dbrec[MLX5_SND_DBR], htobe32(sq->n & 0xffff), __ATOMIC_RELEASE);
	kit_fence();
	*(volatile uint64_t *)((uint8_t *)sq->dv.bf.reg + sq->bf) = word;
	kit_fence();
	sq->bf ^= sq->dv.bf.size;
}

void kit_wqe_post(struct kit_sq *sq, struct kit_wqe *w)
{
	kit_wqe_write(sq, w);
	kit_sq_ring(sq);
}
