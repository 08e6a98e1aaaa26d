/* SPDX-License-Identifier: Apache-2.0 */
/* Sending through unmodified libibverbs: frames, completions, doorbells, and what must fail. */
#include "kit.h"

#include <errno.h>

static struct kit k;
static struct ibv_cq *tx_cq, *rx_cq;
static struct ibv_qp *tx, *rx;

static void setup(void)
{
	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 32);
	rx_cq = kit_cq(&k, &k.b, 32);
	tx = kit_raw(&k, &k.a, tx_cq);
	rx = kit_raw(&k, &k.b, rx_cq);
	kit_catch_all(&k, rx);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(send, .init = setup, .fini = teardown, .timeout = 30);

Test(send, frames_of_every_size_arrive_unchanged)
{
	struct frame f;
	unsigned len;

	for (len = 60; len <= 1514; len += len < 130 ? 1 : 277) {
		kit_frame(&k, &f, len);
		kit_recv(rx, &k.b, 40, 2048);
		kit_send(tx, &k.a, &f, 0, IBV_SEND_SIGNALED);
		kit_expect_frame(rx_cq, &k.b, &f);
		kit_expect(tx_cq, IBV_WC_SUCCESS);
	}
}

Test(send, the_other_direction_of_the_cable_works_too)
{
	struct frame f;

	kit_catch_all(&k, tx);
	fr_ether(&f, k.a.mac, k.b.mac, 0x88b5);
	fr_payload(&f, 50);
	kit_recv(tx, &k.a, 3, 2048);
	kit_send(rx, &k.b, &f, 4, 0);
	kit_expect_frame(tx_cq, &k.a, &f);
}

Test(send, completions_carry_the_work_requests_in_order)
{
	struct ibv_wc wc[12];
	struct frame f;
	unsigned i;

	kit_frame(&k, &f, 60);
	for (i = 0; i < 12; i++)
		kit_send(tx, &k.a, &f, i, IBV_SEND_SIGNALED);
	cr_assert_eq(kit_wait(tx_cq, wc, 12), 12);
	for (i = 0; i < 12; i++) {
		cr_expect_eq(wc[i].status, IBV_WC_SUCCESS);
		cr_expect_eq(wc[i].wr_id, i);
		cr_expect_eq(wc[i].qp_num, tx->qp_num);
		cr_expect_eq(wc[i].opcode, IBV_WC_SEND);
	}
}

Test(send, an_unsignalled_frame_completes_in_silence)
{
	struct frame f;

	kit_frame(&k, &f, 60);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
	cr_expect_eq(kit_quiet(tx_cq), 0);
	kit_send(tx, &k.a, &f, 2, IBV_SEND_SIGNALED);
	cr_expect_eq(kit_expect(tx_cq, IBV_WC_SUCCESS), 2);
}

Test(send, two_segments_are_gathered_into_one_frame)
{
	struct ibv_sge sge[2];
	struct frame f;

	kit_frame(&k, &f, 300);
	memcpy(kit_slot(&k.a, 0), f.b, 33);
	memcpy(kit_slot(&k.a, 5), f.b + 33, 267);
	sge[0] = kit_sge(&k.a, 0, 33);
	sge[1] = kit_sge(&k.a, 5, 267);
	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, sge, 2, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(send, inline_data_needs_no_memory_key)
{
	struct ibv_sge sge;
	struct frame f;

	kit_frame(&k, &f, 60);
	sge = (struct ibv_sge){.addr = (uintptr_t)f.b, .length = f.len, .lkey = 0};
	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, &sge, 1, IBV_SEND_INLINE | IBV_SEND_SIGNALED);
	kit_expect_frame(rx_cq, &k.b, &f);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

Test(send, the_ring_wraps_and_goes_on)
{
	struct frame f;
	unsigned i;

	for (i = 0; i < 200; i++) {
		kit_frame(&k, &f, 60 + i);
		kit_recv(rx, &k.b, 40 + i % 16, 2048);
		kit_send(tx, &k.a, &f, i % 16, IBV_SEND_SIGNALED);
		cr_assert_eq(kit_expect(tx_cq, IBV_WC_SUCCESS), i % 16);
		kit_expect_frame(rx_cq, &k.b, &f);
	}
}

Test(send, checksums_are_computed_where_they_are_asked_for)
{
	struct frame f, blank;

	fr_ether(&f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&f, 17, "192.0.2.1", "192.0.2.2");
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 101);
	fr_finish(&f);
	blank = f;
	fr_put16(blank.b + f.l3 + 10, 0);
	fr_put16(blank.b + f.l4 + 6, 0);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &blank, 0, IBV_SEND_IP_CSUM);
	kit_expect_frame(rx_cq, &k.b, &f);
	kit_recv(rx, &k.b, 41, 2048);
	kit_send(tx, &k.a, &blank, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &blank);
}

Test(send, a_frame_above_the_mtu_is_lost_in_silence)
{
	struct frame f;

	/* the port takes MTU + 18: an Ethernet header and one tag */
	kit_frame(&k, &f, 1519);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(rx_cq), 0);
	kit_frame(&k, &f, 1518);
	kit_send(tx, &k.a, &f, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
}

/* Of the network interface of port p. */
static void set_mtu(const struct kit_port *p, unsigned mtu)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "for f in /sys/class/infiniband/%s/device/net/*/mtu; do echo %u >$f; done",
		 ibv_get_device_name(p->ctx->device), mtu);
	cr_assert_eq(system(command), 0);
}

Test(send, the_mtu_of_the_receiver_counts_too)
{
	struct frame f;

	set_mtu(&k.a, 4000);
	kit_frame(&k, &f, 1519);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_eq(kit_quiet(rx_cq), 0);
	set_mtu(&k.b, 4000);
	kit_send(tx, &k.a, &f, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
	set_mtu(&k.a, 1500);
	set_mtu(&k.b, 1500);
}

/* ---- keys and bounds ----------------------------------------------------------------------- */

static void expect_send_error(struct ibv_sge *sge, enum ibv_wc_status status)
{
	struct ibv_qp_attr attr;
	struct ibv_qp_init_attr init;

	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, sge, 1, IBV_SEND_SIGNALED);
	cr_expect_eq(kit_expect(tx_cq, status), KIT_SLOTS);
	cr_expect_eq(kit_quiet(rx_cq), 0, "the frame was sent all the same");
	cr_assert_eq(ibv_query_qp(tx, &attr, IBV_QP_STATE, &init), 0);
	cr_expect_neq(attr.qp_state, IBV_QPS_RTS);
}

Test(send, a_key_that_does_not_exist_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);

	sge.lkey += 0x100 * 1000;
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
}

Test(send, a_key_of_the_wrong_variant_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);

	sge.lkey ^= 1;
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
}

Test(send, one_byte_beyond_the_memory_region_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, KIT_SLOTS - 1, 60);

	sge.addr += KIT_SLOT - 59;
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
}

Test(send, the_last_bytes_of_the_memory_region_can_be_sent)
{
	struct ibv_sge sge = kit_sge(&k.a, KIT_SLOTS - 1, 60);
	struct frame f;

	kit_frame(&k, &f, 60);
	sge.addr += KIT_SLOT - 60;
	memcpy((void *)(uintptr_t)sge.addr, f.b, 60);
	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, &sge, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(send, one_byte_before_the_memory_region_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);

	sge.addr--;
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
}

Test(send, the_key_of_another_protection_domain_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);
	struct ibv_pd *pd = ibv_alloc_pd(k.a.ctx);
	struct ibv_mr *mr = ibv_reg_mr(pd, k.a.mem, KIT_SLOT, IBV_ACCESS_LOCAL_WRITE);

	cr_assert_not_null(mr);
	sge.lkey = mr->lkey;
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
	cr_expect_eq(ibv_dereg_mr(mr), 0);
	cr_expect_eq(ibv_dealloc_pd(pd), 0);
}

Test(send, the_key_of_a_region_that_is_gone_is_a_protection_error)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);
	struct ibv_mr *mr = ibv_reg_mr(k.a.pd, k.a.mem, KIT_SLOT, 0);

	cr_assert_not_null(mr);
	sge.lkey = mr->lkey;
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	expect_send_error(&sge, IBV_WC_LOC_PROT_ERR);
}

Test(send, memory_without_write_permission_can_be_sent)
{
	struct ibv_mr *mr = ibv_reg_mr(k.a.pd, k.a.mem, KIT_SLOT, 0);
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);
	struct frame f;

	kit_frame(&k, &f, 60);
	memcpy(k.a.mem, f.b, 60);
	sge.lkey = mr->lkey;
	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, &sge, 1, 0);
	kit_expect_frame(rx_cq, &k.b, &f);
	cr_expect_eq(ibv_dereg_mr(mr), 0);
}

Test(send, after_an_error_everything_is_flushed)
{
	struct ibv_sge bad = kit_sge(&k.a, 0, 60);
	struct ibv_wc wc[4];
	struct frame f;

	bad.lkey ^= 1;
	kit_frame(&k, &f, 60);
	kit_recv(rx, &k.b, 40, 2048);
	kit_post_send(tx, &bad, 1, 0);
	kit_send(tx, &k.a, &f, 1, 0);
	kit_send(tx, &k.a, &f, 2, IBV_SEND_SIGNALED);
	/* libmlx5 asks for a completion on any error (CE 0), so unsignalled ones are told too */
	cr_assert_eq(kit_wait(tx_cq, wc, 3), 3);
	cr_expect_eq(wc[0].status, IBV_WC_LOC_PROT_ERR);
	cr_expect_eq(wc[1].status, IBV_WC_WR_FLUSH_ERR);
	cr_expect_eq(wc[1].wr_id, 1);
	cr_expect_eq(wc[2].status, IBV_WC_WR_FLUSH_ERR);
	cr_expect_eq(wc[2].wr_id, 2);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}

Test(send, a_queue_in_error_works_again_after_reset)
{
	struct ibv_sge bad = kit_sge(&k.a, 0, 60);
	struct frame f;

	bad.lkey ^= 1;
	kit_post_send(tx, &bad, 1, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_LOC_PROT_ERR);
	kit_to_state(tx, IBV_QPS_RESET);
	kit_to_state(tx, IBV_QPS_INIT);
	kit_to_state(tx, IBV_QPS_RTR);
	kit_to_state(tx, IBV_QPS_RTS);
	kit_frame(&k, &f, 60);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 9, IBV_SEND_SIGNALED);
	cr_expect_eq(kit_expect(tx_cq, IBV_WC_SUCCESS), 9);
	kit_expect_frame(rx_cq, &k.b, &f);
}

Test(send, a_queue_moved_to_error_flushes_what_is_posted_later)
{
	struct frame f;

	kit_to_state(tx, IBV_QPS_ERR);
	kit_frame(&k, &f, 60);
	kit_recv(rx, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 5, IBV_SEND_SIGNALED);
	cr_expect_eq(kit_expect(tx_cq, IBV_WC_WR_FLUSH_ERR), 5);
	cr_expect_eq(kit_quiet(rx_cq), 0);
}
