/* SPDX-License-Identifier: Apache-2.0 */
/* Memory keys that are made of pieces of others: what a queue may read through them. */
#include "devx_kit.h"

#include <errno.h>

static struct kit k;
static struct ibv_cq *cq;
static struct ibv_qp *tx;
static struct kit_rx rx;

static void setup(void)
{
	kit_open(&k);
	cq = kit_cq(&k, &k.a, 16);
	tx = kit_raw(&k, &k.a, cq);
	rx = kit_rx(&k, &k.b, 16);
	kit_catch_all(&k, rx.qp);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(devx_mkey, .init = setup, .fini = teardown, .timeout = 60);

struct piece {
	unsigned length, key;
	const void *at;
};

#define IOVA 0x700000u
enum { BAD_PARAM = 0x03, BAD_RES = 0x05, BAD_INPUT_LEN = 0x50 };

/* A key of n pieces, which are a multiple of four with those that are empty. */
static void fill(struct cmd *c, const struct piece *pieces, unsigned n)
{
	unsigned length = 0, i;

	cmd_init(c, 0x200, 272 + 16 * 4, 16);
	for (i = 0; i < n; i++) {
		cmd_set(c->in + 272 + 16 * i, 0, 32, pieces[i].length);
		cmd_set(c->in + 272 + 16 * i, 0x20, 32, pieces[i].key);
		cmd_set(c->in + 272 + 16 * i, 0x40, 64, (uintptr_t)pieces[i].at);
		length += pieces[i].length;
	}
	cmd_set(c->in, 0x300, 32, 4);
	cmd_set(c->in + 16, 0x14, 2, 3); /* local write and read */
	cmd_set(c->in + 16, 0x16, 2, 2); /* KLM */
	cmd_set(c->in + 16, 0x20, 24, 0xffffff);
	cmd_set(c->in + 16, 0x38, 8, 0x42);
	cmd_set(c->in + 16, 0x68, 24, cmd_pdn(k.a.pd));
	cmd_set(c->in + 16, 0x80, 64, IOVA);
	cmd_set(c->in + 16, 0xc0, 64, length);
	cmd_set(c->in + 16, 0x1a0, 32, 4);
}

static uint32_t key_of(const struct piece *pieces, unsigned n)
{
	struct cmd c;

	fill(&c, pieces, n);
	cr_assert_not_null(cmd_create(&k, &k.a, &c), "status %u", cmd_status(&c));
	return cmd_number(&c) << 8 | 0x42;
}

static enum ibv_wc_status send_from(uint32_t key, unsigned offset, unsigned length)
{
	struct ibv_sge sge = {.addr = IOVA + offset, .length = length, .lkey = key};
	struct ibv_wc wc;

	kit_post_send(tx, &sge, 1, IBV_SEND_SIGNALED);
	cr_assert_eq(kit_wait(cq, &wc, 1), 1);
	return wc.status;
}

/* Two frames beside each other, and one elsewhere. */
static void frames(struct frame *f, struct piece pieces[3])
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		kit_frame(&k, &f[i], 100);
		f[i].b[f[i].len - 1] = (uint8_t)(i + 1);
		pieces[i] = (struct piece){100, k.a.mr->lkey,
					   i == 2 ? kit_slot(&k.a, 9) : k.a.mem + (size_t)i * 100};
		memcpy((void *)(uintptr_t)pieces[i].at, f[i].b, 100);
	}
}

Test(devx_mkey, pieces_lie_one_behind_the_other_in_a_key)
{
	struct piece p[3];
	struct frame f[3], both;
	uint32_t key;
	unsigned i;

	frames(f, p);
	cr_assert_eq(f[0].len, 100);
	key = key_of(p, 3);
	for (i = 0; i < 3; i++) {
		kit_wq_recv(rx.wq, &k.b, i, KIT_SLOT);
		cr_assert_eq(send_from(key, 100 * i, 100), IBV_WC_SUCCESS, "piece %u", i);
		kit_expect_frame(rx.cq, &k.b, &f[i]);
	}
	kit_wq_recv(rx.wq, &k.b, 3, KIT_SLOT);
	cr_assert_eq(send_from(key, 0, 200), IBV_WC_SUCCESS, "over two that touch");
	both = f[0];
	memcpy(both.b + 100, f[1].b, 100);
	both.len = 200;
	kit_expect_frame(rx.cq, &k.b, &both);
}

Test(devx_mkey, nothing_behind_the_last_piece)
{
	struct piece p[3];
	struct frame f[3];

	frames(f, p);
	cr_expect_eq(send_from(key_of(p, 3), 201, 100), IBV_WC_LOC_PROT_ERR);
}

/* The key is longer than its pieces. */
Test(devx_mkey, nothing_where_there_is_no_piece)
{
	struct piece p[3];
	struct frame f[3];
	struct cmd c;

	frames(f, p);
	fill(&c, p, 1);
	cmd_set(c.in + 16, 0xc0, 64, 4096);
	cr_assert_not_null(cmd_create(&k, &k.a, &c));
	cr_expect_eq(send_from(cmd_number(&c) << 8 | 0x42, 1, 100), IBV_WC_LOC_PROT_ERR);
}

Test(devx_mkey, a_piece_is_no_longer_than_its_own_key_allows)
{
	struct piece p = {100, k.a.mr->lkey, k.a.mem + KIT_SLOTS * KIT_SLOT - 99};

	cr_expect_eq(send_from(key_of(&p, 1), 0, 100), IBV_WC_LOC_PROT_ERR);
}

Test(devx_mkey, a_piece_of_another_protection_domain_is_not_read)
{
	struct ibv_pd *pd = ibv_alloc_pd(k.a.ctx);
	struct ibv_mr *mr = ibv_reg_mr(pd, k.a.mem, 4096, 0);
	struct piece p = {100, mr->lkey, k.a.mem};

	cr_expect_eq(send_from(key_of(&p, 1), 0, 100), IBV_WC_LOC_PROT_ERR);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	cr_assert_eq(ibv_dealloc_pd(pd), 0);
}

/* Keys are looked at when they are used. */
Test(devx_mkey, a_piece_goes_with_its_own_key)
{
	struct ibv_mr *mr = ibv_reg_mr(k.a.pd, k.a.mem, 4096, 0);
	struct piece p = {100, mr->lkey, k.a.mem};
	uint32_t key = key_of(&p, 1);

	cr_expect_eq(send_from(key, 0, 100), IBV_WC_SUCCESS);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	cr_expect_eq(send_from(key, 0, 100), IBV_WC_LOC_PROT_ERR);
}

Test(devx_mkey, pieces_are_of_direct_keys)
{
	struct piece p = {100, k.a.mr->lkey, k.a.mem};

	p = (struct piece){100, key_of(&p, 1), (void *)(uintptr_t)IOVA};
	cr_expect_eq(send_from(key_of(&p, 1), 0, 100), IBV_WC_LOC_PROT_ERR);
}

static void refused(struct cmd *c, unsigned status)
{
	errno = 0;
	cr_expect_null(cmd_create(&k, &k.a, c));
	cr_expect_eq(errno, EREMOTEIO);
	cr_expect_eq(cmd_status(c), status, "status %u, not %u", cmd_status(c), status);
}

Test(devx_mkey, a_list_that_is_none)
{
	struct piece p = {100, k.a.mr->lkey, k.a.mem};
	struct cmd c;

	fill(&c, &p, 1);
	cmd_set(c.in, 0x300, 32, 3);
	cmd_set(c.in + 16, 0x1a0, 32, 3);
	refused(&c, BAD_PARAM);
	fill(&c, &p, 1);
	cmd_set(c.in, 0x300, 32, 8);
	refused(&c, BAD_PARAM); /* the context says 4 */
	cmd_set(c.in + 16, 0x1a0, 32, 8);
	refused(&c, BAD_INPUT_LEN);
	fill(&c, &p, 1);
	cmd_set(c.in + 16, 0x68, 24, 0x7fffff);
	refused(&c, BAD_RES);
}
