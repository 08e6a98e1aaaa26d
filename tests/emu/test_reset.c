/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues that have stopped, or not, begin anew. */
#include <errno.h>

#include <infiniband/mlx5dv.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* Queue 0 gets what goes to MAC_B, queue 1 what goes to MAC_OTHER; 16 spares each. */
#define MAC_OTHER "02:da:01:00:00:77"
#define TWO_QUEUES(mode)                                                                           \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region other]\nkind = host\nnum_bufs = 80\nbuf_size = 2048\n"                            \
	"[region tx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n" mode "[rxq b 1]\nregions = other\n"   \
	"[flow b one]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"                                 \
	"[flow b two]\ndst_mac = " MAC_OTHER "\nqueue = 1\ntag = 78\n"

static void fail(struct daqiri_rxq *q)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_ERR};
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_pkt pkts[16];
	int n;

	cr_assert_eq(ibv_modify_wq(daqiri_rxq_ibv_wq(q), &attr), 0);
	while ((n = daqiri_rx_poll(q, pkts, 16)) >= 0)
		;
	cr_assert_eq(n, -EIO);
	cr_assert_eq(daqiri_rxq_error(q, &err), 1);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
}

/* Sends and receives until the burst's end, and once more; numbers go on. */
static void pass(const struct link *l, struct daqiri_rxq *q, struct kit_burst *burst)
{
	kit_send(l->tx, burst);
	kit_expect(q, burst);
	burst->first += burst->n;
}

/* The same for the other queue, without a look at flow ids. */
static void expect_other(struct daqiri_rxq *q, struct kit_burst *burst)
{
	struct daqiri_pkt pkts[64];
	uint32_t number;

	cr_assert_eq(kit_receive(q, pkts, (int)burst->n), (int)burst->n);
	for (uint32_t i = 0; i < burst->n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, burst->first + i);
	}
	daqiri_rx_release(q, (int)burst->n);
	burst->first += burst->n;
}

/* Rings are left and begun at every place of the completion ring. */
static void reset_again_and_again(const char *text)
{
	struct link l = kit_open_link(text);
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct kit_burst burst = {.min = 60, .max = 1514, .dst = MAC_B};

	for (int round = 1; round <= 40; round++) {
		burst.n = (uint32_t)(round * 7 % 50) + 1;
		for (int i = 0; i < 5; i++)
			pass(&l, l.rx, &burst);
		fail(l.rx);
		cr_assert_eq(daqiri_rxq_reset(l.rx, 0), 0, "%s", daqiri_error_detail());
		cr_assert_eq(daqiri_rxq_error(l.rx, &err), 0, "the error is still told");
		cr_assert_eq(kit_port_stat(l.b, "rx_resets"), (uint64_t)round);
	}
	pass(&l, l.rx, &burst);
	cr_assert_eq(kit_port_stat(l.b, "rx_reset_drops"), 0u);
	daqiri_close(l.dq);
}

Test(reset, a_queue_that_has_stopped_goes_on)
{
	reset_again_and_again(TWO_QUEUES("depth = 64\n"));
}

Test(reset, a_striding_queue_that_has_stopped_goes_on)
{
	reset_again_and_again(TWO_QUEUES("rx_mode = striding\n"));
}

Test(reset, packets_that_are_held_forbid_it_or_become_invalid)
{
	struct link l = kit_open_link(TWO_QUEUES("depth = 64\n"));
	struct kit_burst burst = {.n = 40, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[40];

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 40), 40);
	cr_assert_eq(daqiri_rxq_reset(l.rx, 0), -EBUSY);
	assert_detail("[rxq b 0]: cannot be reset, 40 packets are polled and not released");
	daqiri_rx_release(l.rx, 39);
	cr_assert_eq(daqiri_rxq_reset(l.rx, 0), -EBUSY);
	cr_assert_eq(daqiri_rxq_reset(l.rx, DAQIRI_RESET_INVALIDATE), 0);
	daqiri_rx_release(l.rx, 5);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 39, 1), -EINVAL, "it is not held any more");
	for (int i = 0; i < 10; i++)
		pass(&l, l.rx, &burst);
	daqiri_close(l.dq);
}

static void keep_and_reset(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.n = 50, .min = 60, .max = 900, .dst = MAC_B};
	struct daqiri_pkt pkts[50];
	uint32_t number;

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 50), 50);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts + 7, 20), 20);
	cr_assert_eq(daqiri_rxq_reset(l.rx, DAQIRI_RESET_INVALIDATE), 0);
	for (burst.first = 50; burst.first < 1000;)
		pass(&l, l.rx, &burst);
	for (uint32_t i = 7; i < 27; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, i);
	}
	cr_assert_eq(daqiri_rx_give_back(l.rx, pkts + 7, 20), 20);
	/* Keeping goes on after a reset: the WQEs are not where their completions are. */
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 50), 50);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 50), 50);
	daqiri_rx_release(l.rx, 50);
	for (int i = 0; i < 10; i++) {
		burst.first += 50;
		pass(&l, l.rx, &burst);
	}
	for (uint32_t i = 0; i < 50; i++)
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
	daqiri_close(l.dq);
}

Test(reset, kept_packets_stay)
{
	keep_and_reset(TWO_QUEUES("depth = 64\n"));
}

Test(reset, kept_packets_of_a_striding_queue_stay)
{
	keep_and_reset(TWO_QUEUES("rx_mode = striding\ndepth = 256\n"));
}

static void drop_what_came(const char *text)
{
	struct link l = kit_open_link(text);
	struct kit_burst burst = {.n = 33, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkt;

	pass(&l, l.rx, &burst);
	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 66);
	cr_assert_eq(daqiri_rxq_reset(l.rx, 0), 0);
	cr_assert_eq(kit_port_stat(l.b, "rx_reset_drops"), 33u);
	cr_assert_eq(daqiri_rx_poll(l.rx, &pkt, 1), 0);
	for (int i = 0; i < 10; i++)
		pass(&l, l.rx, &burst);
	daqiri_close(l.dq);
}

Test(reset, what_was_not_polled_is_dropped_and_counted)
{
	drop_what_came(TWO_QUEUES("depth = 64\n"));
}

Test(reset, what_was_not_polled_is_dropped_and_counted_in_strides)
{
	drop_what_came(TWO_QUEUES("rx_mode = striding\n"));
}

Test(reset, other_queues_are_not_disturbed)
{
	struct link l = kit_open_link(TWO_QUEUES("depth = 64\n"));
	struct daqiri_rxq *other = daqiri_rxq_get(l.b, 1);
	struct kit_burst burst = {.n = 30, .min = 60, .max = 60, .dst = MAC_OTHER};
	struct kit_burst here = {.n = 30, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_queue_error err = {.size = sizeof(err)};

	kit_send(l.tx, &burst);
	expect_other(other, &burst);
	kit_send(l.tx, &burst);
	fail(l.rx);
	cr_assert_eq(daqiri_rxq_error(other, &err), 0);
	expect_other(other, &burst);
	kit_send(l.tx, &burst);
	expect_other(other, &burst);
	kit_send(l.tx, &burst);
	cr_assert_eq(daqiri_rxq_reset(l.rx, 0), 0);
	expect_other(other, &burst);
	pass(&l, l.rx, &here);
	daqiri_close(l.dq);
}

/* The device finds a key in a WQE that is none: it stops the queue by itself. */
Test(reset, a_queue_that_the_device_stopped_goes_on)
{
	struct link l = kit_open_link(TWO_QUEUES("depth = 64\n"));
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct mlx5dv_rwq rwq = {0};
	struct mlx5dv_obj obj = {.rwq = {.in = daqiri_rxq_ibv_wq(l.rx), .out = &rwq}};
	struct mlx5_wqe_data_seg *wqe;
	__be32 lkey;

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), 0);
	pass(&l, l.rx, &burst);
	wqe = (struct mlx5_wqe_data_seg *)rwq.buf + 30;
	lkey = wqe->lkey;
	wqe->lkey = 0x11;
	kit_send(l.tx, &burst);
	burst.n = 10;
	kit_expect(l.rx, &burst);
	cr_assert_eq(kit_poll_any(l.rx), -EIO);
	cr_assert_eq(daqiri_rxq_error(l.rx, &err), 1);
	cr_assert_eq(err.syndrome, 0x04);
	wqe->lkey = lkey;
	cr_assert_eq(daqiri_rxq_reset(l.rx, 0), 0, "%s", daqiri_error_detail());
	burst.n = 50;
	for (int i = 0; i < 10; i++)
		pass(&l, l.rx, &burst);
	daqiri_close(l.dq);
}

Test(reset, misuse_is_refused)
{
	struct link l = kit_open_link(TWO_QUEUES("depth = 64\n"));
	struct kit_burst burst = {.n = 50, .min = 60, .max = 60, .dst = MAC_B};

	cr_assert_eq(daqiri_rxq_reset(NULL, 0), -EINVAL);
	assert_detail("daqiri_rxq_reset");
	cr_assert_eq(daqiri_rxq_reset(l.rx, 2), -EINVAL);
	assert_detail("[rxq b 0]");
	pass(&l, l.rx, &burst);
	daqiri_close(l.dq);
}
