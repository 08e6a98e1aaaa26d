/* SPDX-License-Identifier: Apache-2.0 */
/* Completion queues through unmodified libibverbs: overrun, arming, events. */
#include "kit.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

static struct kit k;
static struct ibv_qp *tx, *rx;
static struct ibv_cq *tx_cq, *cq;

static void setup(void)
{
	struct ibv_qp_cap cap = {
		.max_send_wr = 1, .max_recv_wr = 64, .max_send_sge = 1, .max_recv_sge = 1};
	unsigned i;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	cq = kit_event_cq(&k, &k.b, 15);
	tx = kit_raw(&k, &k.a, tx_cq);
	rx = kit_raw_cap(&k, &k.b, cq, cap);
	cr_assert_not_null(rx, "%s", strerror(errno));
	kit_catch_all(&k, rx);
	for (i = 0; i < 17; i++)
		kit_recv(rx, &k.b, i, 2048);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(cq, .init = setup, .fini = teardown, .timeout = 30);

static void send_one(void)
{
	struct frame f;

	kit_frame(&k, &f, 60);
	kit_send(tx, &k.a, &f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

static bool event_within(int ms)
{
	struct ibv_cq *which;
	void *context;

	if (!kit_readable(cq->channel->fd, ms))
		return false;
	cr_assert_eq(ibv_get_cq_event(cq->channel, &which, &context), 0);
	cr_expect_eq(which, cq);
	ibv_ack_cq_events(cq, 1);
	return true;
}

Test(cq, an_armed_queue_tells_of_the_next_completion_once)
{
	cr_assert_eq(ibv_req_notify_cq(cq, 0), 0);
	cr_expect_not(event_within(50));
	send_one();
	cr_expect(event_within(1000));
	send_one();
	cr_expect_not(event_within(50), "a second event without arming again");
	cr_expect_eq(kit_expect(cq, IBV_WC_SUCCESS), 0);
	cr_expect_eq(kit_expect(cq, IBV_WC_SUCCESS), 1);
}

static bool selected(int fd, int ms)
{
	struct timeval limit = {.tv_usec = ms * 1000};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &limit) == 1;
}

Test(cq, select_waits_for_a_channel)
{
	cr_assert_eq(ibv_req_notify_cq(cq, 0), 0);
	cr_expect_not(selected(cq->channel->fd, 50));
	send_one();
	cr_expect(selected(cq->channel->fd, 900));
	cr_expect(event_within(0));
	cr_expect_not(selected(cq->channel->fd, 0));
}

static int watch(int epoll, int fd, uint32_t how)
{
	struct epoll_event event = {.events = EPOLLIN | how, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The descriptor that is ready; -1: none in time. */
static int ready(int epoll, int ms)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, ms) == 1 ? event.data.fd : -1;
}

Test(cq, epoll_waits_for_a_channel_by_level_and_by_edge)
{
	const uint32_t how[] = {0, EPOLLET};
	unsigned i;

	for (i = 0; i < 2; i++) {
		int epoll = epoll_create1(EPOLL_CLOEXEC), fd = cq->channel->fd;

		cr_assert_eq(watch(epoll, fd, how[i]), 0);
		cr_assert_eq(ibv_req_notify_cq(cq, 0), 0);
		cr_expect_eq(ready(epoll, 50), -1);
		send_one();
		cr_expect_eq(ready(epoll, 1000), fd);
		cr_expect_eq(ready(epoll, 0), how[i] ? -1 : fd);
		cr_expect(event_within(0));
		cr_expect_eq(ready(epoll, 0), -1);
		kit_expect(cq, IBV_WC_SUCCESS);
		close(epoll);
	}
}

Test(cq, a_queue_that_is_not_armed_tells_nothing)
{
	send_one();
	cr_expect_not(event_within(50));
	kit_expect(cq, IBV_WC_SUCCESS);
}

Test(cq, arming_works_again_and_again)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		cr_assert_eq(ibv_req_notify_cq(cq, 0), 0);
		send_one();
		cr_expect(event_within(1000), "event %u", i);
		kit_expect(cq, IBV_WC_SUCCESS);
		kit_recv(rx, &k.b, 0, 2048);
	}
}

Test(cq, arming_with_a_completion_unread_tells_at_once)
{
	struct ibv_wc wc;

	/* the armed consumer index lies behind the device's: PRM, "CQ arm" */
	send_one();
	cr_assert_eq(ibv_req_notify_cq(cq, 0), 0);
	cr_expect(event_within(1000));
	cr_expect_eq(kit_wait(cq, &wc, 1), 1);
}

static struct mlx5dv_cq dv;

static void arm(bool record, bool bell)
{
	struct mlx5dv_obj obj = {.cq = {.in = cq, .out = &dv}};
	uint32_t word = 0; /* sequence 0, any completion, consumer index 0 */

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	if (record)
		__atomic_store_n(&dv.dbrec[1], htobe32(word), __ATOMIC_RELEASE);
	kit_fence();
	if (bell)
		*(volatile uint64_t *)((uint8_t *)dv.cq_uar + MLX5_CQ_DOORBELL) =
			htobe64((uint64_t)word << 32 | dv.cqn);
	kit_fence();
}

Test(cq, the_arm_record_alone_arms_nothing)
{
	arm(true, false);
	send_one();
	cr_expect_not(event_within(50));
	arm(false, true);
	cr_expect(event_within(1000), "the doorbell after the record");
}

Test(cq, the_arm_doorbell_without_the_record_arms_nothing)
{
	arm(false, true);
	send_one();
	cr_expect_not(event_within(50));
}

Test(cq, an_overrun_queue_is_an_event_and_dead)
{
	struct ibv_async_event ev;
	unsigned i;

	cr_assert_eq(cq->cqe + 1, 16);
	for (i = 0; i < 16; i++)
		send_one();
	cr_expect_not(kit_readable(k.b.ctx->async_fd, 50), "full is not yet overrun");
	send_one();
	cr_assert(kit_readable(k.b.ctx->async_fd, 1000), "no event");
	cr_assert_eq(ibv_get_async_event(k.b.ctx, &ev), 0);
	cr_expect_eq(ev.event_type, IBV_EVENT_CQ_ERR);
	cr_expect_eq(ev.element.cq, cq);
	ibv_ack_async_event(&ev);
}

Test(cq, an_emptied_queue_goes_round_without_overrun)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		send_one();
		kit_expect(cq, IBV_WC_SUCCESS);
		kit_recv(rx, &k.b, 0, 2048);
	}
	cr_expect_not(kit_readable(k.b.ctx->async_fd, 20));
}

Test(cq, an_extended_queue_reports_tag_and_length)
{
	struct ibv_cq_ex *ex =
		kit_cq_ex(&k, &k.b, IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_FLOW_TAG);
	struct ibv_poll_cq_attr poll = {0};
	struct ibv_qp *qp = kit_raw(&k, &k.b, ibv_cq_ex_to_cq(ex));
	struct kit_rule r;
	int i;

	kit_rule(&r, 3);
	kit_rule_eth(&r, k.b.mac, NULL, 0);
	kit_rule_tag(&r, 0xabcdef);
	cr_assert_not_null(kit_flow(&k, qp, &r));
	kit_recv(qp, &k.b, 20, 2048);
	send_one();
	for (i = 0; ibv_start_poll(ex, &poll) == ENOENT; i++, usleep(1000))
		cr_assert_lt(i, 2000, "nothing came");
	cr_expect_eq(ex->wr_id, 20);
	cr_expect_eq(ibv_wc_read_byte_len(ex), 60);
	cr_expect_eq(ibv_wc_read_flow_tag(ex), 0xabcdef);
	ibv_end_poll(ex);
}
