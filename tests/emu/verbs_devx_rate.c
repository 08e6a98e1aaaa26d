/* SPDX-License-Identifier: Apache-2.0 */
/* Send queues made by commands of the firmware that are paced by an entry of the card's table. */
#include "devx_kit.h"

#include <errno.h>
#include <time.h>

#define LEN	 1000u
#define OVERHEAD 24u /* of a frame on the wire: preamble, FCS, gap */
#define FRAMES	 30u
#define KBPS	 5000u
#define BURST	 2000u

enum { MODIFY_SQ = 0x905, BAD_PARAM = 0x03 };

static struct kit k;
static struct cmd_tx tx;

static void setup(void)
{
	kit_open(&k);
	cmd_tx_domain(&k, &k.a, &tx);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(devx_rate, .init = setup, .fini = teardown, .timeout = 60);

static int undo_pp(void *pp)
{
	mlx5dv_pp_free(pp);
	return 0;
}

/* An entry of KBPS and BURST in the table. */
static struct mlx5dv_pp *entry(struct ibv_context *ctx, unsigned flags)
{
	uint8_t context[48] = {0};
	struct mlx5dv_pp *pp;

	cmd_set(context, 0, 32, KBPS);
	cmd_set(context, 32, 32, BURST);
	pp = mlx5dv_pp_alloc(ctx, sizeof(context), context, flags);
	cr_assert_not_null(pp, "%s", strerror(errno));
	return pp;
}

/* NULL where it is refused; else ready to send. */
static struct mlx5dv_devx_obj *queue(struct cmd *c, unsigned index)
{
	cmd_sq_fill(c, &k.a, &tx);
	cmd_set(c->in + 32, 0xf0, 16, index);
	tx.sq = cmd_create(&k, &k.a, c);
	if (!tx.sq)
		return NULL;
	tx.sqn = cmd_number(c);
	cr_assert_eq(cmd_to_state(tx.sq, MODIFY_SQ, tx.sqn, 0, 1), 0);
	return tx.sq;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds that FRAMES take, from index first on. */
static double time_of(unsigned first)
{
	double begin = now_s();
	struct mlx5_cqe64 cqe;
	struct frame f;
	unsigned i;

	kit_frame(&k, &f, LEN);
	memcpy(kit_slot(&k.a, 0), f.b, f.len);
	for (i = 0; i < FRAMES; i++)
		cmd_tx_send(&k.a, &tx, first + i, 0, f.len);
	for (i = 0; i < FRAMES; i++)
		cr_assert_eq(cmd_poll(&tx.cq, &cqe), MLX5_CQE_REQ);
	return now_s() - begin;
}

/* The burst goes at once, and the last frame need not end. */
static double least(void)
{
	return ((FRAMES - 1) * (double)(LEN + OVERHEAD) - BURST) * 8 / (KBPS * 1000.0);
}

static int set_rate(unsigned index, struct cmd *c)
{
	cmd_init(c, MODIFY_SQ, 272, 16);
	cmd_set(c->in, 0x40, 4, 1);
	cmd_set(c->in, 0x48, 24, tx.sqn);
	cmd_set(c->in, 0x80, 64, 1);
	cmd_set(c->in + 32, 0x08, 4, 1);
	cmd_set(c->in + 32, 0xf0, 16, index);
	return mlx5dv_devx_obj_modify(tx.sq, c->in, c->in_len, c->out, c->out_len);
}

Test(devx_rate, a_queue_keeps_to_the_entry_that_it_was_made_with)
{
	struct mlx5dv_pp *pp = entry(k.a.ctx, 0);
	struct cmd c;

	kit_defer(&k, undo_pp, pp);
	cr_assert_not_null(queue(&c, pp->index), "status %u", cmd_status(&c));
	cr_expect_geq(time_of(0), least());
}

Test(devx_rate, a_queue_is_given_an_entry_and_loses_it)
{
	struct mlx5dv_pp *pp = entry(k.a.ctx, MLX5DV_PP_ALLOC_FLAGS_DEDICATED_INDEX);
	struct cmd c;

	kit_defer(&k, undo_pp, pp);
	cr_assert_not_null(queue(&c, 0));
	cr_assert_eq(set_rate(pp->index, &c), 0, "status %u", cmd_status(&c));
	cr_expect_geq(time_of(0), least());
	cmd_init(&c, 0x907, 16, 272);
	cmd_set(c.in, 0x48, 24, tx.sqn);
	cr_assert_eq(mlx5dv_devx_obj_query(tx.sq, c.in, c.in_len, c.out, c.out_len), 0);
	cr_expect_eq(cmd_get(c.out + 32, 0xf0, 16), pp->index);
	cr_assert_eq(set_rate(0, &c), 0);
	cr_expect_lt(time_of(FRAMES), least());
}

Test(devx_rate, an_entry_that_is_not_there)
{
	struct mlx5dv_pp *pp = entry(k.a.ctx, 0);
	unsigned index = pp->index;
	struct cmd c;

	mlx5dv_pp_free(pp);
	cr_expect_null(queue(&c, index));
	cr_expect_eq(cmd_status(&c), BAD_PARAM);
	cr_expect_null(queue(&c, 0xffff));
	cr_assert_not_null(queue(&c, 0));
	cr_expect_eq(set_rate(index, &c), EREMOTEIO);
	cr_expect_eq(cmd_status(&c), BAD_PARAM);
}

/* packet_pacing_uid: an entry that was not shared is of its own program. */
Test(devx_rate, an_entry_of_another_context)
{
	struct mlx5dv_context_attr attr = {.flags = MLX5DV_CONTEXT_FLAGS_DEVX};
	struct ibv_context *other = mlx5dv_open_device(k.a.ctx->device, &attr);
	struct mlx5dv_pp *own, *shared;
	struct cmd c;

	cr_assert_not_null(other);
	own = entry(other, MLX5DV_PP_ALLOC_FLAGS_DEDICATED_INDEX);
	shared = entry(other, 0);
	cr_expect_null(queue(&c, own->index));
	cr_expect_eq(cmd_status(&c), BAD_PARAM);
	cr_expect_not_null(queue(&c, shared->index));
	mlx5dv_pp_free(own);
	mlx5dv_pp_free(shared);
	cr_assert_eq(ibv_close_device(other), 0);
}

/* Only a queue that is ready: what changes its state leaves the rate alone. */
Test(devx_rate, a_queue_in_reset_is_given_none)
{
	struct mlx5dv_pp *pp = entry(k.a.ctx, 0);
	struct cmd c;

	kit_defer(&k, undo_pp, pp);
	cr_assert_not_null(queue(&c, 0));
	cr_assert_eq(set_rate(pp->index, &c), 0);
	cmd_set(c.in + 32, 0x08, 4, 0); /* to reset, with a rate */
	cr_expect_eq(mlx5dv_devx_obj_modify(tx.sq, c.in, c.in_len, c.out, c.out_len), EREMOTEIO);
	cr_expect_eq(cmd_status(&c), BAD_PARAM);
}
