/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving through unmodified libibverbs: work queues behind hash QPs, and what goes wrong. */
#include "kit.h"

#include <errno.h>
#include <inttypes.h>

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;
static struct kit_rx rx;
static unsigned priority; /* of the newest rule: before all older ones */

static void setup(void)
{
	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
	rx = kit_rx(&k, &k.b, 16);
	kit_catch_all(&k, rx.qp);
	priority = 15;
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(recv, .init = setup, .fini = teardown, .timeout = 30);

/* Sends one frame of len bytes and waits until it has left. */
static struct frame *send_len(unsigned len)
{
	static struct frame f;

	kit_frame(&k, &f, len);
	kit_send(tx, &k.a, &f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	return &f;
}

static uint64_t hw_counter(const char *name)
{
	char path[256];
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/hw_counters/%s",
		 ibv_get_device_name(k.b.ctx->device), name);
	file = fopen(path, "r");
	cr_assert_not_null(file, "%s: %s", path, strerror(errno));
	cr_assert_eq(fscanf(file, "%" SCNu64, &value), 1);
	fclose(file);
	return value;
}

Test(recv, a_work_queue_behind_a_hash_qp_takes_frames_in_order)
{
	unsigned i;

	kit_wq_fill(rx.wq, &k.b, 0, 16);
	for (i = 0; i < 16; i++)
		kit_expect_frame(rx.cq, &k.b, send_len(60 + i));
}

Test(recv, a_work_queue_goes_round_many_times)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		kit_wq_recv(rx.wq, &k.b, i % KIT_SLOTS, 2048);
		kit_expect_frame(rx.cq, &k.b, send_len(60 + i));
	}
}

Test(recv, a_frame_longer_than_its_buffer_is_an_error_and_the_queue_goes_on)
{
	struct ibv_wc wc;

	kit_wq_recv(rx.wq, &k.b, 0, 128);
	kit_wq_recv(rx.wq, &k.b, 1, 2048);
	memset(kit_slot(&k.b, 0), 0x55, KIT_SLOT);
	send_len(129);
	cr_assert_eq(kit_wait(rx.cq, &wc, 1), 1);
	cr_expect_eq(wc.status, IBV_WC_LOC_LEN_ERR);
	cr_expect_eq(wc.wr_id, 0);
	cr_expect_eq(kit_slot(&k.b, 0)[128], 0x55, "written beyond the buffer");
	kit_expect_frame(rx.cq, &k.b, send_len(1000));
}

Test(recv, a_frame_as_long_as_its_buffer_fits)
{
	kit_wq_recv(rx.wq, &k.b, 0, 128);
	memset(kit_slot(&k.b, 0), 0x55, KIT_SLOT);
	kit_expect_frame(rx.cq, &k.b, send_len(128));
	cr_expect_eq(kit_slot(&k.b, 0)[128], 0x55, "written beyond the frame");
}

Test(recv, a_frame_is_scattered_over_two_segments)
{
	struct ibv_cq *cq = kit_cq(&k, &k.b, 16);
	struct ibv_qp *qp = kit_raw(&k, &k.b, cq);
	struct ibv_sge sge[2] = {kit_sge(&k.b, 0, 32), kit_sge(&k.b, 1, 1000)};
	struct ibv_recv_wr wr = {.wr_id = 7, .sg_list = sge, .num_sge = 2}, *bad;
	struct kit_rule r;
	struct frame *f;

	kit_rule(&r, 0);
	cr_assert_not_null(kit_flow(&k, qp, &r));
	cr_assert_eq(ibv_post_recv(qp, &wr, &bad), 0);
	f = send_len(200);
	cr_expect_eq(kit_expect(cq, IBV_WC_SUCCESS), 7);
	cr_expect_arr_eq(kit_slot(&k.b, 0), f->b, 32);
	cr_expect_arr_eq(kit_slot(&k.b, 1), f->b + 32, 168);
	cr_expect_eq(kit_slot(&k.b, 0)[32], 0);
}

Test(recv, frames_without_a_buffer_are_counted_and_lost)
{
	uint64_t before = hw_counter("out_of_buffer");

	kit_wq_recv(rx.wq, &k.b, 0, 2048);
	kit_expect_frame(rx.cq, &k.b, send_len(60));
	send_len(61);
	send_len(62);
	cr_expect_eq(kit_quiet(rx.cq), 0);
	cr_expect_eq(hw_counter("out_of_buffer"), before + 2);
	kit_wq_recv(rx.wq, &k.b, 1, 2048);
	kit_expect_frame(rx.cq, &k.b, send_len(63));
	cr_expect_eq(hw_counter("out_of_buffer"), before + 2);
}

/* ---- keys: the queue stops ----------------------------------------------------------------- */

static void expect_stopped(struct ibv_sge sge)
{
	struct ibv_recv_wr wr = {.wr_id = 33, .sg_list = &sge, .num_sge = 1}, *bad;

	cr_assert_eq(ibv_post_wq_recv(rx.wq, &wr, &bad), 0);
	kit_wq_recv(rx.wq, &k.b, 1, 2048);
	send_len(60);
	cr_expect_eq(kit_expect(rx.cq, IBV_WC_LOC_PROT_ERR), 33);
	cr_expect_eq(kit_expect(rx.cq, IBV_WC_WR_FLUSH_ERR), 1);
	send_len(60);
	cr_expect_eq(kit_quiet(rx.cq), 0, "a stopped queue received");
}

Test(recv, a_wrong_key_stops_the_queue)
{
	struct ibv_sge sge = kit_sge(&k.b, 0, 2048);

	sge.lkey ^= 1;
	expect_stopped(sge);
}

Test(recv, a_buffer_that_leaves_its_region_stops_the_queue)
{
	struct ibv_sge sge = kit_sge(&k.b, KIT_SLOTS - 1, 60);

	sge.addr += KIT_SLOT - 59;
	expect_stopped(sge);
}

Test(recv, a_region_without_write_permission_stops_the_queue)
{
	struct ibv_mr *mr = ibv_reg_mr(k.b.pd, k.b.mem, KIT_SLOT, 0);
	struct ibv_sge sge = kit_sge(&k.b, 0, 2048);

	cr_assert_not_null(mr);
	sge.lkey = mr->lkey;
	expect_stopped(sge);
	cr_expect_eq(k.b.mem[0], 0, "read-only memory was written");
	cr_expect_eq(ibv_dereg_mr(mr), 0);
}

Test(recv, a_key_of_another_protection_domain_stops_the_queue)
{
	struct ibv_pd *pd = ibv_alloc_pd(k.b.ctx);
	struct ibv_mr *mr = ibv_reg_mr(pd, k.b.mem, KIT_SLOT, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_sge sge = kit_sge(&k.b, 0, 2048);

	cr_assert_not_null(mr);
	sge.lkey = mr->lkey;
	expect_stopped(sge);
	cr_expect_eq(ibv_dereg_mr(mr), 0);
	cr_expect_eq(ibv_dealloc_pd(pd), 0);
}

static void wq_state(enum ibv_wq_state state)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = state};

	cr_assert_eq(ibv_modify_wq(rx.wq, &attr), 0, "to state %d", (int)state);
}

Test(recv, a_work_queue_moved_to_error_flushes_its_buffers)
{
	kit_wq_fill(rx.wq, &k.b, 0, 2);
	wq_state(IBV_WQS_ERR);
	cr_expect_eq(kit_expect(rx.cq, IBV_WC_WR_FLUSH_ERR), 0);
	cr_expect_eq(kit_expect(rx.cq, IBV_WC_WR_FLUSH_ERR), 1);
	send_len(60);
	cr_expect_eq(kit_quiet(rx.cq), 0);
}

Test(recv, a_work_queue_restarts_at_its_first_entry_after_reset)
{
	kit_wq_fill(rx.wq, &k.b, 0, 3);
	kit_expect_frame(rx.cq, &k.b, send_len(60));
	wq_state(IBV_WQS_ERR);
	kit_expect(rx.cq, IBV_WC_WR_FLUSH_ERR);
	kit_expect(rx.cq, IBV_WC_WR_FLUSH_ERR);
	wq_state(IBV_WQS_RESET);
	wq_state(IBV_WQS_RDY);
	kit_wq_fill(rx.wq, &k.b, 9, 2);
	kit_expect_frame(rx.cq, &k.b, send_len(61));
	kit_expect_frame(rx.cq, &k.b, send_len(62));
}

/* ---- checksum status ----------------------------------------------------------------------- */

/* On a queue pair: libmlx5's ibv_poll_cq() tells no checksum status of work queues. */
static unsigned flags_of(struct frame *f)
{
	struct ibv_cq *cq = kit_cq(&k, &k.b, 4);
	struct ibv_qp *qp = kit_raw(&k, &k.b, cq);
	struct kit_rule r;
	struct ibv_wc wc;

	kit_rule(&r, --priority);
	cr_assert_not_null(kit_flow(&k, qp, &r));
	kit_recv(qp, &k.b, 0, 2048);
	kit_send(tx, &k.a, f, 0, 0);
	cr_assert_eq(kit_wait(cq, &wc, 1), 1);
	cr_assert_eq(wc.status, IBV_WC_SUCCESS);
	return wc.wc_flags & IBV_WC_IP_CSUM_OK;
}

static void udp_frame(struct frame *f, unsigned payload)
{
	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, 17, "192.0.2.1", "192.0.2.2");
	fr_udp(f, 1000, 2000);
	fr_payload(f, payload);
	fr_finish(f);
}

Test(recv, right_checksums_are_reported)
{
	struct frame f;

	udp_frame(&f, 40);
	cr_expect(flags_of(&f));
	udp_frame(&f, 41);
	cr_expect(flags_of(&f));
}

Test(recv, wrong_checksums_are_reported_and_the_frame_is_delivered)
{
	struct frame f;

	udp_frame(&f, 40);
	f.b[f.len - 1] ^= 1;
	cr_expect_not(flags_of(&f), "UDP checksum");
	cr_expect_arr_eq(kit_slot(&k.b, 0), f.b, f.len);
	udp_frame(&f, 40);
	f.b[f.l3 + 10] ^= 1;
	cr_expect_not(flags_of(&f), "IPv4 header checksum");
}

Test(recv, a_frame_that_is_no_ip_has_no_right_checksum)
{
	struct frame f;

	kit_frame(&k, &f, 100);
	cr_expect_not(flags_of(&f));
}
