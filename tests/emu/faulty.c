/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program sees of scripted faults. Each test needs the script that cli/emu-faults.test gives
 * it, and runs there only.
 */
#include <config.h>

#include "kit.h"

#include <errno.h>
#include <time.h>

static struct kit k;
static struct ibv_cq *tx_cq, *rx_cq;
static struct ibv_qp *tx, *rx;
static struct frame frames[32];

static void setup(void)
{
	unsigned i;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 32);
	rx_cq = kit_cq(&k, &k.b, 32);
	tx = kit_raw(&k, &k.a, tx_cq);
	rx = kit_raw(&k, &k.b, rx_cq);
	kit_catch_all(&k, rx);
	for (i = 0; i < 16; i++)
		kit_recv(rx, &k.b, 40 + i, 2048);
	for (i = 0; i < 32; i++)
		kit_frame(&k, &frames[i], 100 + i);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(frame, .init = setup, .fini = teardown, .timeout = 30);
TestSuite(queue, .init = setup, .fini = teardown, .timeout = 30);
TestSuite(port, .init = setup, .fini = teardown, .timeout = 30);

static void send_one(unsigned i)
{
	kit_send(tx, &k.a, &frames[i], i % 16, 0);
}

static void expect(unsigned i)
{
	kit_expect_frame(rx_cq, &k.b, &frames[i]);
}

static void send_three(void)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		send_one(i);
}

Test(frame, drop)
{
	send_three();
	expect(0);
	expect(2);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(frame, duplicate)
{
	send_three();
	expect(0);
	expect(1);
	expect(1);
	expect(2);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(frame, corrupt)
{
	struct ibv_wc wc[3];
	const uint8_t *got;
	unsigned i, bits = 0;

	send_three();
	cr_assert_eq(kit_wait(rx_cq, wc, 3), 3);
	cr_assert_arr_eq(kit_slot(&k.b, (unsigned)wc[0].wr_id), frames[0].b, frames[0].len);
	cr_assert_arr_eq(kit_slot(&k.b, (unsigned)wc[2].wr_id), frames[2].b, frames[2].len);
	got = kit_slot(&k.b, (unsigned)wc[1].wr_id);
	cr_assert_eq(wc[1].byte_len, frames[1].len);
	cr_expect_arr_eq(got, frames[1].b, 14);
	for (i = 0; i < frames[1].len; i++)
		bits += (unsigned)__builtin_popcount(got[i] ^ frames[1].b[i]);
	cr_expect_eq(bits, 1, "%u bits differ", bits);
}

Test(frame, reorder)
{
	send_three();
	expect(0);
	expect(2);
	expect(1);
}

Test(frame, reorder_of_the_last_one)
{
	send_one(0);
	send_one(1);
	expect(0);
	expect(1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

Test(frame, delay)
{
	uint64_t begin = now_ms();

	send_three();
	expect(0);
	expect(2);
	expect(1);
	cr_expect_geq(now_ms() - begin, 199);
}

/* Prints which of 32 frames came, for a comparison of runs. */
Test(frame, at_random)
{
	char came[33] = "--------------------------------";
	struct ibv_wc wc;
	unsigned i, n;
	FILE *f;

	for (i = 0; i < 4; i++) {
		for (n = 0; n < 8; n++) {
			kit_send(tx, &k.a, &frames[i * 8 + n], n, IBV_SEND_SIGNALED);
			kit_expect(tx_cq, IBV_WC_SUCCESS);
		}
		/* what was sent has come, or never will */
		while (ibv_poll_cq(rx_cq, 1, &wc) == 1) {
			came[wc.byte_len - 100] = 'x';
			kit_recv(rx, &k.b, (unsigned)wc.wr_id, 2048);
		}
	}
	f = fopen(getenv("CAME"), "w");
	cr_assert_not_null(f);
	fprintf(f, "%s\n", came);
	fclose(f);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

Test(queue, send_error)
{
	struct ibv_wc wc[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		kit_send(tx, &k.a, &frames[i], i, IBV_SEND_SIGNALED);
	cr_assert_eq(kit_wait(tx_cq, wc, 3), 3);
	cr_expect_eq(wc[0].status, IBV_WC_SUCCESS);
	cr_expect_eq(wc[1].status, IBV_WC_LOC_PROT_ERR);
	cr_expect_eq(wc[2].status, IBV_WC_WR_FLUSH_ERR);
}

Test(queue, receive_error)
{
	struct ibv_wc wc[3];

	send_three();
	cr_assert_eq(kit_wait(rx_cq, wc, 3), 3);
	cr_expect_eq(wc[0].status, IBV_WC_SUCCESS);
	cr_expect_eq(wc[1].status, IBV_WC_LOC_LEN_ERR);
	cr_expect_eq(wc[2].status, IBV_WC_SUCCESS);
}

static void expect_event(struct ibv_context *ctx, enum ibv_event_type type)
{
	struct ibv_async_event event;

	cr_assert(kit_readable(ctx->async_fd, 5000), "no event of type %d", (int)type);
	cr_assert_eq(ibv_get_async_event(ctx, &event), 0);
	cr_expect_eq(event.event_type, type, "%s", ibv_event_type_str(event.event_type));
	ibv_ack_async_event(&event);
}

Test(queue, overrun)
{
	struct ibv_wc wc[3];

	send_three();
	expect_event(k.b.ctx, IBV_EVENT_CQ_ERR);
	cr_expect_eq(kit_wait(rx_cq, wc, 2), 2);
	cr_expect_eq(kit_quiet(rx_cq), 0);
	while (kit_readable(k.b.ctx->async_fd, 50))
		expect_event(k.b.ctx, IBV_EVENT_QP_FATAL);
}

/* ---- ports and devices ------------------------------------------------------------------------
 */

static enum ibv_port_state state_of(struct ibv_context *ctx)
{
	struct ibv_port_attr attr;

	cr_assert_eq(ibv_query_port(ctx, 1, &attr), 0);
	return attr.state;
}

Test(port, down_and_up)
{
	expect_event(k.b.ctx, IBV_EVENT_PORT_ERR);
	cr_expect_eq(state_of(k.b.ctx), IBV_PORT_DOWN);
	cr_expect_eq(state_of(k.a.ctx), IBV_PORT_ACTIVE);
	send_one(0);
	cr_expect_eq(kit_quiet(rx_cq), 0, "a frame came to a port without a carrier");
	expect_event(k.b.ctx, IBV_EVENT_PORT_ACTIVE);
	cr_expect_eq(state_of(k.b.ctx), IBV_PORT_ACTIVE);
	send_one(1);
	expect(1);
}

/* Nothing can be destroyed after this: the process just ends. */
Test(device, fatal)
{
	struct ibv_port_attr attr;

	kit_open(&k);
	expect_event(k.a.ctx, IBV_EVENT_DEVICE_FATAL);
	cr_expect_eq(ibv_query_port(k.a.ctx, 1, &attr), EIO);
	cr_expect_null(ibv_alloc_pd(k.a.ctx));
	cr_expect_eq(errno, EIO);
	cr_expect_eq(ibv_query_port(k.b.ctx, 1, &attr), 0, "the other port is well");
}

/* ---- calls ------------------------------------------------------------------------------------
 */

Test(call, fails_with_its_errno)
{
	struct ibv_cq *cq;

	kit_open(&k);
	kit_cq(&k, &k.a, 4);
	cq = ibv_create_cq(k.a.ctx, 4, NULL, NULL, 0);
	cr_expect_null(cq);
	cr_expect_eq(errno, ENOSPC);
	kit_cq(&k, &k.a, 4);
	kit_close(&k);
}

Test(call, of_a_registration)
{
	struct ibv_mr *mr;

	kit_open(&k); /* has registered two regions */
	mr = ibv_reg_mr(k.a.pd, k.a.mem, 4096, 0);
	cr_expect_null(mr);
	cr_expect_eq(errno, ENOMEM);
	mr = ibv_reg_mr(k.a.pd, k.a.mem, 4096, 0);
	cr_assert_not_null(mr);
	cr_expect_eq(ibv_dereg_mr(mr), 0);
	kit_close(&k);
}

Test(call, of_a_dma_buf)
{
	kit_open(&k); /* has registered two regions */
#if HAVE_DECL_IBV_REG_DMABUF_MR
	cr_expect_null(ibv_reg_dmabuf_mr(k.a.pd, 0, 4096, 0, -1, 0));
	cr_expect_eq(errno, ENOMEM);
	cr_expect_null(ibv_reg_dmabuf_mr(k.a.pd, 0, 4096, 0, -1, 0));
	cr_expect_eq(errno, EBADF);
#endif
	kit_close(&k);
}
