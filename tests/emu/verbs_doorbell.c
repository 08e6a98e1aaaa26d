/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work queue entries that the test writes itself with mlx5dv.h's builders, and doorbells that it
 * rings one half at a time: what a direct writer may rely on, and what must not work by luck.
 */
#include "kit.h"

#define EMPW	 0x29 /* PRM: enhanced multi-packet send */
#define CE_ERROR 0x00 /* completion on error */
#define CE_FIRST 0x04 /* on the first error only */
#define CE_EVER	 0x08

static struct kit k;
static struct ibv_cq *tx_cq, *rx_cq;
static struct ibv_qp *tx, *rx;
static struct mlx5dv_qp ring;
static struct frame sent;
static unsigned n_wqebb, bf_half;

static void *wqebb(unsigned i)
{
	return (uint8_t *)ring.sq.buf + (size_t)(i % ring.sq.wqe_cnt) * 64;
}

static void setup(void)
{
	struct mlx5dv_obj obj = {0};
	unsigned i;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	rx_cq = kit_cq(&k, &k.b, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
	rx = kit_raw(&k, &k.b, rx_cq);
	kit_catch_all(&k, rx);
	obj.qp.in = tx;
	obj.qp.out = &ring;
	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), 0);
	cr_assert_eq(ring.sq.stride, 64);
	cr_assert_geq(ring.sq.wqe_cnt, 16);
	for (i = 0; i < 8; i++)
		kit_recv(rx, &k.b, 40 + i, 2048);
	kit_frame(&k, &sent, 100);
	memcpy(kit_slot(&k.a, 0), sent.b, sent.len);
	n_wqebb = bf_half = 0;
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(doorbell, .init = setup, .fini = teardown, .timeout = 30);

static struct mlx5_wqe_ctrl_seg *begin(unsigned opcode, unsigned ce, unsigned segs)
{
	struct mlx5_wqe_ctrl_seg *ctrl = wqebb(n_wqebb);

	memset(ctrl, 0, 64);
	mlx5dv_set_ctrl_seg(ctrl, (uint16_t)n_wqebb, (uint8_t)opcode, 0, tx->qp_num, (uint8_t)ce,
			    (uint8_t)segs, 0, 0);
	n_wqebb += (segs + 3) / 4;
	return ctrl;
}

static void pointer(struct mlx5_wqe_ctrl_seg *ctrl, unsigned seg, unsigned len, uint32_t lkey)
{
	mlx5dv_set_data_seg((struct mlx5_wqe_data_seg *)ctrl + seg, len, lkey,
			    (uintptr_t)kit_slot(&k.a, 0));
}

/* A SEND of the frame in slot 0. */
static struct mlx5_wqe_ctrl_seg *send_wqe(unsigned ce)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(MLX5_OPCODE_SEND, ce, 3);

	pointer(ctrl, 2, sent.len, k.a.mr->lkey);
	return ctrl;
}

static void record(unsigned counter)
{
	/* pairs with the device's read of the record: entries first */
	__atomic_store_n(&ring.dbrec[MLX5_SND_DBR], htobe32(counter & 0xffff), __ATOMIC_RELEASE);
}

static void bell(const struct mlx5_wqe_ctrl_seg *ctrl)
{
	uint64_t word;

	memcpy(&word, ctrl, 8);
	/* the record before the register */
	kit_fence();
	*(volatile uint64_t *)((uint8_t *)ring.bf.reg + bf_half) = word;
	kit_fence();
	bf_half ^= ring.bf.size;
}

static void ring_all(const struct mlx5_wqe_ctrl_seg *last)
{
	record(n_wqebb);
	bell(last);
}

Test(doorbell, a_hand_written_send_arrives)
{
	ring_all(send_wqe(CE_EVER));
	kit_expect_frame(rx_cq, &k.b, &sent);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(doorbell, an_entry_without_any_doorbell_is_not_sent)
{
	struct mlx5_wqe_ctrl_seg *ctrl = send_wqe(CE_EVER);

	cr_expect_eq(kit_quiet(rx_cq), 0);
	ring_all(ctrl);
	kit_expect_frame(rx_cq, &k.b, &sent);
}

Test(doorbell, the_doorbell_record_alone_sends_nothing)
{
	struct mlx5_wqe_ctrl_seg *ctrl = send_wqe(CE_EVER);

	record(n_wqebb);
	cr_expect_eq(kit_quiet(rx_cq), 0);
	bell(ctrl);
	kit_expect_frame(rx_cq, &k.b, &sent);
}

Test(doorbell, the_register_without_the_record_sends_nothing)
{
	struct mlx5_wqe_ctrl_seg *ctrl = send_wqe(CE_EVER);

	bell(ctrl);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(doorbell, one_doorbell_sends_many_entries)
{
	struct mlx5_wqe_ctrl_seg *last = NULL;
	unsigned i;

	for (i = 0; i < 8; i++)
		last = send_wqe(i == 7 ? CE_EVER : CE_FIRST);
	ring_all(last);
	for (i = 0; i < 8; i++)
		kit_expect_frame(rx_cq, &k.b, &sent);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(doorbell, doorbells_in_alternating_halves_lose_nothing)
{
	unsigned i;

	for (i = 0; i < 1000; i++) {
		ring_all(send_wqe(CE_FIRST));
		kit_expect_frame(rx_cq, &k.b, &sent);
		kit_recv(rx, &k.b, 40, 2048);
	}
}

/* ---- completion modes ---------------------------------------------------------------------- */

static struct mlx5_wqe_ctrl_seg *bad_wqe(unsigned ce)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(MLX5_OPCODE_SEND, ce, 3);

	pointer(ctrl, 2, sent.len, k.a.mr->lkey ^ 1);
	return ctrl;
}

Test(doorbell, completion_on_error_writes_one_for_each_flushed_entry)
{
	bad_wqe(CE_ERROR);
	send_wqe(CE_ERROR);
	ring_all(send_wqe(CE_ERROR));
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	kit_expect(tx_cq, IBV_WC_WR_FLUSH_ERR);
	kit_expect(tx_cq, IBV_WC_WR_FLUSH_ERR);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(doorbell, completion_on_first_error_writes_just_one)
{
	bad_wqe(CE_FIRST);
	send_wqe(CE_FIRST);
	ring_all(send_wqe(CE_FIRST));
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

Test(doorbell, a_signalled_entry_is_flushed_with_a_completion)
{
	bad_wqe(CE_FIRST);
	send_wqe(CE_FIRST);
	ring_all(send_wqe(CE_EVER));
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	kit_expect(tx_cq, IBV_WC_WR_FLUSH_ERR);
	cr_expect_eq(kit_quiet(tx_cq), 0);
}

/* ---- malformed entries --------------------------------------------------------------------- */

Test(doorbell, an_entry_with_the_number_of_another_queue_is_refused)
{
	struct mlx5_wqe_ctrl_seg *ctrl = send_wqe(CE_EVER), right = *ctrl;

	ctrl->qpn_ds = htobe32((tx->qp_num + 1) << 8 | 3);
	ring_all(&right);
	kit_expect(tx_cq, IBV_WC_LOC_QP_OP_ERR);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(doorbell, an_unknown_opcode_is_refused)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(0x3e, CE_EVER, 3);

	pointer(ctrl, 2, sent.len, k.a.mr->lkey);
	ring_all(ctrl);
	kit_expect(tx_cq, IBV_WC_LOC_QP_OP_ERR);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(doorbell, an_entry_of_more_than_15_blocks_is_refused)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(EMPW, CE_EVER, 61);
	unsigned i;

	memset((uint8_t *)ctrl + 16, 0, 16);
	for (i = 0; i < 59; i++)
		pointer(ctrl, 2 + i, sent.len, k.a.mr->lkey);
	ring_all(ctrl);
	kit_expect(tx_cq, IBV_WC_LOC_QP_OP_ERR);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

/* ---- enhanced multi-packet send ------------------------------------------------------------ */

Test(doorbell, one_multi_packet_entry_sends_each_pointer_as_a_frame)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(EMPW, CE_EVER, 2 + 5);
	unsigned i;

	memset((uint8_t *)ctrl + 16, 0, 16);
	for (i = 0; i < 5; i++)
		pointer(ctrl, 2 + i, sent.len, k.a.mr->lkey);
	ring_all(ctrl);
	for (i = 0; i < 5; i++)
		kit_expect_frame(rx_cq, &k.b, &sent);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(tx_cq), 0, "more than one completion for one entry");
}

Test(doorbell, a_multi_packet_entry_may_carry_frames_inline)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(EMPW, CE_EVER, 2 + 14);
	uint8_t *seg = (uint8_t *)ctrl + 32;
	uint32_t header = htobe32(0x80000000u | sent.len); /* MLX5_INLINE_SEG */
	unsigned i;

	memset((uint8_t *)ctrl + 16, 0, 16);
	for (i = 0; i < 2; i++, seg += 7 * 16) { /* 4 + 100 bytes are 6.5 segments */
		memcpy(seg, &header, 4);
		memcpy(seg + 4, sent.b, sent.len);
	}
	ring_all(ctrl);
	kit_expect_frame(rx_cq, &k.b, &sent);
	kit_expect_frame(rx_cq, &k.b, &sent);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(doorbell, a_bad_pointer_in_a_multi_packet_entry_stops_the_queue)
{
	struct mlx5_wqe_ctrl_seg *ctrl = begin(EMPW, CE_FIRST, 4);

	pointer(ctrl, 2, sent.len, k.a.mr->lkey);
	pointer(ctrl, 3, sent.len, k.a.mr->lkey ^ 1);
	ring_all(ctrl);
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	ring_all(send_wqe(CE_EVER));
	kit_expect(tx_cq, IBV_WC_WR_FLUSH_ERR);
}

Test(doorbell, the_counter_wraps_at_16_bits)
{
	unsigned i;

	for (i = 0; i < 65536 + 40; i += 8) {
		struct mlx5_wqe_ctrl_seg *last = NULL;
		unsigned j;

		for (j = 0; j < 8; j++)
			last = begin(MLX5_OPCODE_NOP, j == 7 ? CE_EVER : CE_FIRST, 1);
		ring_all(last);
		kit_expect(tx_cq, IBV_WC_SUCCESS);
	}
	ring_all(send_wqe(CE_EVER));
	kit_expect_frame(rx_cq, &k.b, &sent);
}
