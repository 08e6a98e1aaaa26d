/* SPDX-License-Identifier: Apache-2.0 */
#include "devx_kit.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void cmd_init(struct cmd *c, unsigned opcode, size_t in_len, size_t out_len)
{
	memset(c, 0, sizeof(*c));
	cr_assert_leq(in_len, sizeof(c->in));
	c->in_len = in_len;
	c->out_len = out_len;
	cmd_set(c->in, 0, 16, opcode);
}

void cmd_set(uint8_t *base, unsigned bit, unsigned bits, uint64_t value)
{
	for (unsigned i = 0; i < bits; i++) {
		unsigned at = bit + bits - 1 - i;

		base[at / 8] = (uint8_t)(base[at / 8] & ~(0x80 >> at % 8));
		if (value >> i & 1)
			base[at / 8] |= (uint8_t)(0x80 >> at % 8);
	}
}

uint64_t cmd_get(const uint8_t *base, unsigned bit, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned at = bit; at < bit + bits; at++)
		value = value << 1 | (base[at / 8] >> (7 - at % 8) & 1);
	return value;
}

KIT_UNDO(mlx5dv_devx_obj_destroy, struct mlx5dv_devx_obj)

struct mlx5dv_devx_obj *cmd_create(struct kit *k, struct kit_port *p, struct cmd *c)
{
	struct mlx5dv_devx_obj *obj =
		mlx5dv_devx_obj_create(p->ctx, c->in, c->in_len, c->out, c->out_len);

	if (obj)
		kit_defer(k, undo_mlx5dv_devx_obj_destroy, obj);
	return obj;
}

uint32_t cmd_number(const struct cmd *c)
{
	return (uint32_t)cmd_get(c->out, 0x48, 24);
}

unsigned cmd_status(const struct cmd *c)
{
	return c->out[0];
}

uint64_t cmd_cap(const struct kit_port *p, unsigned which, unsigned bit, unsigned bits)
{
	uint8_t in[16] = {0}, *out = calloc(1, 16 + 4096);
	uint64_t value;

	cr_assert_not_null(out);
	cmd_set(in, 0, 16, 0x100);
	cmd_set(in, 0x30, 16, which << 1 | 1);
	cr_assert_eq(mlx5dv_devx_general_cmd(p->ctx, in, sizeof(in), out, 16 + 4096), 0);
	value = cmd_get(out + 16, bit, bits);
	free(out);
	return value;
}

static int undo_free(void *buf)
{
	free(buf);
	return 0;
}

KIT_UNDO(mlx5dv_devx_umem_dereg, struct mlx5dv_devx_umem)

struct cmd_mem cmd_mem(struct kit *k, struct kit_port *p, size_t size)
{
	struct cmd_mem m;

	m.buf = aligned_alloc(4096, size);
	cr_assert_not_null(m.buf);
	memset(m.buf, 0, size);
	kit_defer(k, undo_free, m.buf);
	m.umem = mlx5dv_devx_umem_reg(p->ctx, m.buf, size, IBV_ACCESS_LOCAL_WRITE);
	cr_assert_not_null(m.umem);
	kit_defer(k, undo_mlx5dv_devx_umem_dereg, m.umem);
	return m;
}

static int undo_uar(void *uar)
{
	mlx5dv_devx_free_uar(uar);
	return 0;
}

struct mlx5dv_devx_uar *cmd_uar(struct kit *k, struct kit_port *p)
{
	struct mlx5dv_devx_uar *uar = mlx5dv_devx_alloc_uar(p->ctx, MLX5DV_UAR_ALLOC_TYPE_NC);

	cr_assert_not_null(uar);
	kit_defer(k, undo_uar, uar);
	return uar;
}

void cmd_cq_fill(struct cmd *c, struct kit_port *p, const struct cmd_cq *cq,
		 struct mlx5dv_devx_uar *uar)
{
	uint8_t *context = c->in + 16;
	uint32_t eqn;

	cr_assert_eq(mlx5dv_devx_query_eqn(p->ctx, 0, &eqn), 0);
	cmd_init(c, 0x400, 272, 16);
	cmd_set(c->in, 0x2c0, 32, cq->mem.umem->umem_id);
	cmd_set(context, 0x20, 32, cq->mem.umem->umem_id);
	cmd_set(context, 0x63, 5, 6);
	cmd_set(context, 0x68, 24, uar->page_id);
	cmd_set(context, 0xb8, 8, eqn);
	cmd_set(context, 0x1c0, 64, RECORD);
}

struct cmd_cq cmd_cq(struct kit *k, struct kit_port *p, struct mlx5dv_devx_uar *uar)
{
	struct cmd_cq cq = {.mem = cmd_mem(k, p, MEM_SIZE)};
	struct cmd c;

	for (unsigned i = 0; i < 64; i++)
		cq.mem.buf[i * 64 + 63] = 0xf1; /* invalid, not ours yet */
	cmd_cq_fill(&c, p, &cq, uar);
	cq.obj = cmd_create(k, p, &c);
	cq.cqn = cmd_number(&c);
	return cq;
}

int cmd_poll(struct cmd_cq *cq, struct mlx5_cqe64 *cqe)
{
	struct mlx5_cqe64 *at = (void *)(cq->mem.buf + (cq->ci & 63) * 64);
	const struct timespec nap = {0, 100000};

	for (unsigned i = 0; i < 20000; i++, nanosleep(&nap, NULL)) {
		uint8_t own = __atomic_load_n(&at->op_own, __ATOMIC_ACQUIRE);

		if (own >> 4 == 0xf || (own & 1) != (cq->ci >> 6 & 1))
			continue;
		memcpy(cqe, at, sizeof(*cqe));
		cq->ci++;
		*(uint32_t *)(void *)(cq->mem.buf + RECORD) = htobe32(cq->ci & 0xffffff);
		return own >> 4;
	}
	return -1;
}

uint32_t cmd_pdn(struct ibv_pd *pd)
{
	struct mlx5dv_pd dv = {0};
	struct mlx5dv_obj obj = {.pd = {.in = pd, .out = &dv}};

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_PD), 0);
	return dv.pdn;
}

uint32_t cmd_new_number(struct kit *k, struct kit_port *p, unsigned opcode,
			struct mlx5dv_devx_obj **obj)
{
	struct cmd c;

	cmd_init(&c, opcode, 16, 16);
	*obj = cmd_create(k, p, &c);
	cr_assert_not_null(*obj);
	cr_assert_neq(cmd_number(&c), 0);
	return cmd_number(&c);
}

void cmd_wq_fill(uint8_t *wq, struct kit_port *p, const struct cmd_mem *mem, unsigned stride)
{
	cmd_set(wq, 0, 4, 1); /* cyclic */
	cmd_set(wq, 0x48, 24, cmd_pdn(p->pd));
	cmd_set(wq, 0x80, 64, RECORD);
	cmd_set(wq, 0x10c, 4, stride);
	cmd_set(wq, 0x11b, 5, 5); /* 32 of them */
	cmd_set(wq, 0x140, 32, mem->umem->umem_id);
	cmd_set(wq, 0x160, 32, mem->umem->umem_id);
}

void cmd_sq_fill(struct cmd *c, struct kit_port *p, const struct cmd_tx *tx)
{
	uint8_t *context = c->in + 32;

	cmd_init(c, 0x904, 272, 16);
	cmd_set(context, 0x03, 1, 1); /* flush in error */
	cmd_set(context, 0x28, 24, 0x123);
	cmd_set(context, 0x48, 24, tx->cq.cqn);
	cmd_set(context, 0x100, 16, 1);
	cmd_set(context, 0x168, 24, tx->tisn);
	cmd_wq_fill(context + 48, p, &tx->mem, 6);
	cmd_set(context + 48, 0x68, 24, tx->uar->page_id);
}

int cmd_to_state(struct mlx5dv_devx_obj *obj, unsigned opcode, uint32_t number, unsigned from,
		 unsigned to)
{
	struct cmd c;

	cmd_init(&c, opcode, 272, 16);
	cmd_set(c.in, 0x40, 4, from);
	cmd_set(c.in, 0x48, 24, number);
	cmd_set(c.in + 32, 0x08, 4, to);
	return mlx5dv_devx_obj_modify(obj, c.in, c.in_len, c.out, c.out_len);
}

void cmd_tx_domain(struct kit *k, struct kit_port *p, struct cmd_tx *tx)
{
	struct cmd c;

	tx->uar = cmd_uar(k, p);
	tx->tdn = cmd_new_number(k, p, 0x816, &tx->td);
	cmd_init(&c, 0x912, 192, 16);
	cmd_set(c.in + 32, 0x128, 24, tx->tdn);
	tx->tis = cmd_create(k, p, &c);
	cr_assert_not_null(tx->tis);
	tx->tisn = cmd_number(&c);
	tx->cq = cmd_cq(k, p, tx->uar);
	cr_assert_not_null(tx->cq.obj);
	tx->mem = cmd_mem(k, p, MEM_SIZE);
}

void cmd_tx_open(struct kit *k, struct kit_port *p, struct cmd_tx *tx)
{
	struct cmd c;

	cmd_tx_domain(k, p, tx);
	cmd_sq_fill(&c, p, tx);
	tx->sq = cmd_create(k, p, &c);
	cr_assert_not_null(tx->sq, "status %u", cmd_status(&c));
	tx->sqn = cmd_number(&c);
	cr_assert_eq(cmd_to_state(tx->sq, 0x905, tx->sqn, 0, 1), 0);
}

void cmd_tx_send(struct kit_port *p, struct cmd_tx *tx, unsigned index, unsigned slot, unsigned len)
{
	uint8_t *wqe = tx->mem.buf + (index & 31) * 64;
	uint64_t bell;

	memset(wqe, 0, 64);
	mlx5dv_set_ctrl_seg((void *)wqe, (uint16_t)index, MLX5_OPCODE_SEND, 0, tx->sqn,
			    MLX5_WQE_CTRL_CQ_UPDATE, 3, 0, 0);
	mlx5dv_set_data_seg((void *)(wqe + 32), len, p->mr->lkey, (uintptr_t)kit_slot(p, slot));
	kit_fence();
	((uint32_t *)(void *)(tx->mem.buf + RECORD))[1] = htobe32((index + 1) & 0xffff);
	kit_fence();
	memcpy(&bell, wqe, sizeof(bell));
	*(volatile uint64_t *)tx->uar->reg_addr = bell;
}
