/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet pacing: what is refused, and that what is asked for is kept on the wire. Time is only
 * measured from below: a busy machine makes everything slower, nothing makes it faster.
 */
#include "kit_wqe.h"

#include <errno.h>
#include <time.h>

#define DEPTH	 512u
#define LEN	 1000u
#define OVERHEAD 24u	/* preamble, FCS, gap */
#define BURST	 16384u /* of a card that was told nothing else */

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;

static void setup(void)
{
	struct ibv_qp_cap cap = {.max_send_wr = DEPTH, .max_send_sge = 1};

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, DEPTH);
	tx = kit_raw_cap(&k, &k.a, tx_cq, cap);
	cr_assert_not_null(tx);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(rate, .init = setup, .fini = teardown, .timeout = 60);

static int limit(uint32_t kbps, uint32_t burst, uint16_t typical)
{
	struct ibv_qp_rate_limit_attr attr = {
		.rate_limit = kbps, .max_burst_sz = burst, .typical_pkt_sz = typical};

	return ibv_modify_qp_rate_limit(tx, &attr);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds until n frames of LEN bytes are sent. */
static double time_of(unsigned n)
{
	struct frame f;
	double begin;
	unsigned i;

	kit_frame(&k, &f, LEN);
	begin = now_s();
	for (i = 0; i < n; i++)
		kit_send(tx, &k.a, &f, 0, i == n - 1 ? IBV_SEND_SIGNALED : 0);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	return now_s() - begin;
}

/* What n frames take at least: the burst goes at once, the last frame need not end. */
static double least(unsigned n, unsigned kbps, unsigned burst)
{
	double bytes = (double)(n - 1) * (LEN + OVERHEAD) - burst;

	return bytes * 8 / (kbps * 1000.0);
}

Test(rate, the_device_tells_what_it_can)
{
	struct ibv_device_attr_ex attr;

	cr_assert_eq(ibv_query_device_ex(k.a.ctx, NULL, &attr), 0);
	cr_expect(attr.packet_pacing_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET);
	cr_expect_gt(attr.packet_pacing_caps.qp_rate_limit_max,
		     attr.packet_pacing_caps.qp_rate_limit_min);
}

Test(rate, frames_keep_to_the_rate)
{
	static const unsigned rates[] = {20000, 100000, 400000};
	unsigned i, n;

	for (i = 0; i < 3; i++) {
		n = rates[i] == 20000 ? 100 : 400;
		cr_assert_eq(limit(rates[i], 0, 0), 0);
		cr_expect_geq(time_of(n), least(n, rates[i], BURST), "%u kbps", rates[i]);
	}
}

Test(rate, a_smaller_burst_is_kept_to)
{
	cr_assert_eq(limit(50000, 2000, LEN), 0);
	/* within the burst of a card that was told nothing, all of these would go at once */
	cr_expect_geq(time_of(16), least(16, 50000, 2000));
}

Test(rate, a_time_of_silence_is_not_made_up_for)
{
	cr_assert_eq(limit(50000, 2000, 0), 0);
	time_of(4);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	cr_expect_geq(time_of(40), least(40, 50000, 2000));
}

Test(rate, multi_packet_entries_keep_to_it_too)
{
	struct ibv_sge sge = kit_sge(&k.a, 0, LEN);
	struct kit_wqe w;
	struct kit_sq sq;
	struct frame f;
	double begin;
	unsigned i, n;

	kit_frame(&k, &f, LEN);
	memcpy(kit_slot(&k.a, 0), f.b, f.len);
	kit_sq(&sq, tx);
	cr_assert_eq(limit(100000, 0, 0), 0);
	begin = now_s();
	for (i = 0; i < 20; i++) {
		kit_wqe(&w, KIT_OP_EMPW, i == 19 ? KIT_CE_EVER : KIT_CE_FIRST);
		kit_wqe_eth(&w, 0, 0, NULL, 0);
		for (n = 0; n < 10; n++)
			kit_wqe_data(&w, &sge);
		kit_wqe_post(&sq, &w);
	}
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	/* an entry is sent as a whole once its time has come */
	cr_expect_geq(now_s() - begin, least(200 - 10, 100000, BURST));
}

Test(rate, segments_of_a_large_send_keep_to_it_too)
{
	struct ibv_sge sge = {.addr = (uintptr_t)k.a.mem, .length = 200000, .lkey = k.a.mr->lkey};
	struct frame header;
	struct kit_wqe w;
	struct kit_sq sq;
	double begin;

	fr_ether(&header, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(&header, 6, "192.0.2.1", "192.0.2.2");
	fr_tcp(&header, 1, 2, FR_TCP_ACK);
	kit_sq(&sq, tx);
	cr_assert_eq(limit(100000, 0, 0), 0);
	begin = now_s();
	kit_wqe(&w, KIT_OP_LSO, KIT_CE_EVER);
	kit_wqe_eth(&w, 0, LEN - 54, header.b, header.len);
	kit_wqe_data(&w, &sge);
	kit_wqe_post(&sq, &w);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	cr_expect_geq(now_s() - begin, least(200, 100000, BURST));
}

Test(rate, no_rate_is_as_before)
{
	double slow, fast;

	cr_assert_eq(limit(10000, 0, 0), 0);
	slow = time_of(60);
	cr_assert_eq(limit(0, 0, 0), 0);
	fast = time_of(60);
	cr_expect_geq(slow, least(60, 10000, BURST));
	cr_expect_lt(fast, slow);
}

Test(rate, reset_ends_it)
{
	double slow, fast;

	cr_assert_eq(limit(10000, 0, 0), 0);
	slow = time_of(60);
	kit_to_state(tx, IBV_QPS_RESET);
	kit_to_state(tx, IBV_QPS_INIT);
	kit_to_state(tx, IBV_QPS_RTR);
	kit_to_state(tx, IBV_QPS_RTS);
	fast = time_of(60);
	cr_expect_lt(fast, slow);
}

Test(rate, the_way_to_rts_may_bring_one)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTS, .rate_limit = 50000};

	kit_to_state(tx, IBV_QPS_RESET);
	kit_to_state(tx, IBV_QPS_INIT);
	kit_to_state(tx, IBV_QPS_RTR);
	cr_assert_eq(ibv_modify_qp(tx, &attr, IBV_QP_STATE | IBV_QP_RATE_LIMIT), 0);
	cr_expect_geq(time_of(100), least(100, 50000, BURST));
}

/* ---- what is refused ------------------------------------------------------------------------- */

Test(rate, a_rate_above_the_card_s_is_refused)
{
	struct ibv_device_attr_ex attr;

	cr_assert_eq(ibv_query_device_ex(k.a.ctx, NULL, &attr), 0);
	cr_expect_eq(limit(attr.packet_pacing_caps.qp_rate_limit_max, 0, 0), 0);
	cr_expect_eq(limit(attr.packet_pacing_caps.qp_rate_limit_max + 1, 0, 0), EINVAL);
}

Test(rate, a_burst_without_a_rate_is_refused)
{
	cr_expect_eq(limit(0, 4000, 0), EINVAL);
	cr_expect_eq(limit(0, 0, 1000), EINVAL);
}

Test(rate, a_queue_that_does_not_send_yet_has_none)
{
	kit_to_state(tx, IBV_QPS_RESET);
	kit_to_state(tx, IBV_QPS_INIT);
	cr_expect_eq(limit(1000, 0, 0), EINVAL);
}

Test(rate, the_table_of_rates_is_finite_and_shared_by_equal_ones)
{
	static struct ibv_qp *more[130];
	struct ibv_qp_cap cap = {.max_send_wr = 1, .max_send_sge = 1};
	struct ibv_qp_rate_limit_attr attr = {0};
	struct ibv_qp *sender = tx;
	unsigned i, failed = 0;

	for (i = 0; i < 130; i++) {
		more[i] = kit_raw_cap(&k, &k.a, tx_cq, cap);
		cr_assert_not_null(more[i]);
		attr.rate_limit = 1000 + i;
		if (ibv_modify_qp_rate_limit(more[i], &attr) == ENOSPC)
			failed++;
	}
	cr_expect_eq(failed, 3, "%u of 130 rates did not fit", failed);
	tx = sender;
	cr_expect_eq(limit(1000, 0, 0), 0, "an equal one is there already");
	cr_expect_eq(limit(7, 0, 0), ENOSPC);
}

/* ---- entries of the table as objects ----------------------------------------------------------
 */

static struct mlx5dv_pp *entry(uint32_t kbps, unsigned flags)
{
	__be32 context[12] = {htobe32(kbps)};

	return mlx5dv_pp_alloc(k.a.ctx, sizeof(context), context, flags);
}

Test(rate, equal_objects_share_an_index_and_dedicated_ones_do_not)
{
	struct mlx5dv_pp *a = entry(1000, 0), *b = entry(1000, 0), *c = entry(2000, 0);
	struct mlx5dv_pp *d = entry(1000, MLX5DV_PP_ALLOC_FLAGS_DEDICATED_INDEX);

	cr_assert(a && b && c && d, "%s", strerror(errno));
	cr_expect_neq(a->index, 0);
	cr_expect_eq(a->index, b->index);
	cr_expect_neq(a->index, c->index);
	cr_expect_neq(a->index, d->index);
	mlx5dv_pp_free(a);
	mlx5dv_pp_free(b);
	mlx5dv_pp_free(c);
	mlx5dv_pp_free(d);
}

Test(rate, an_object_without_a_rate_is_refused)
{
	cr_expect_null(entry(0, 0));
	cr_expect_eq(errno, EINVAL);
}
