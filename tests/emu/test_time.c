/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time stamps of packets: against the stamps in the completions themselves and what libmlx5 makes
 * of them, and against the clocks of device and machine. make check runs it on a device that has
 * both formats; cli/rx-time.test on those that have one, and on clocks that drift and wrap, and
 * says so by TEST_CLOCK.
 */
#include <config.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <daqiri_verbs.h>
#include <infiniband/mlx5dv.h>

#include "dq_kit.h"

enum { FRAMES = 64, SLACK_NS = 1000000000, RIGHT_NS = 1000 };

#define LINK(keys)                                                                                 \
	PORTS "[txq a 0]\nregions = tx\ndepth = 64\n"                                              \
	      "[rxq b 0]\nregions = rx\ndepth = 1024\nmetadata = timestamp, hash\n" keys           \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

/* What daqiri-emu --clock was given. */
static const char *device_clock(void)
{
	const char *clock = getenv("TEST_CLOCK");

	return clock ? clock : "both";
}

/* Real time is not built where rdma-core does not name it. */
static bool device_has(const char *clock)
{
	if (!HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS && !strcmp(clock, "real"))
		return false;
	return !strcmp(device_clock(), "both") || !strcmp(device_clock(), clock);
}

/* ---- what is right --------------------------------------------------------------------------- */

/* A receive queue's completions, and how many of them were seen. */
struct watch {
	struct link l;
	struct mlx5dv_cq cq;
	struct ibv_context *ctx;
	bool real;
	uint32_t seen;
	uint64_t last;
};

static struct watch watch_link(const char *text)
{
	struct watch w = {.l = kit_open_link(text)};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct mlx5dv_obj obj = {.cq = {.in = daqiri_rxq_ibv_cq(w.l.rx), .out = &w.cq}};

	cr_assert_eq(daqiri_rxq_info(w.l.rx, &info), 0);
	w.real = !strcmp(info.clock, "real");
	w.ctx = daqiri_port_ibv_context(w.l.b);
	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	return w;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t next_stamp(struct watch *w)
{
	const struct mlx5_cqe64 *cqe = w->cq.buf;

	return be64toh(cqe[w->seen++ & (w->cq.cqe_cnt - 1)].timestamp);
}

static uint64_t right_ns(const struct watch *w, uint64_t stamp)
{
	struct mlx5dv_clock_info info;

	if (w->real)
		return (stamp >> 32) * 1000000000 + (stamp & UINT32_MAX);
	cr_assert_eq(mlx5dv_get_clock_info(w->ctx, &info), 0);
	return mlx5dv_ts_to_ns(&info, stamp);
}

static void expect_time(struct watch *w, uint64_t ns)
{
	uint64_t right = right_ns(w, next_stamp(w));

	if (w->real)
		cr_assert_eq(ns, right);
	else
		cr_assert(ns - right + RIGHT_NS <= 2 * RIGHT_NS, "%lu, not %lu", (unsigned long)ns,
			  (unsigned long)right);
	cr_assert_geq(ns, w->last, "back by %lu ns", (unsigned long)(w->last - ns));
	w->last = ns;
}

/* Polls by at most max until n packets have come. */
static void expect_times(struct watch *w, int n, int max)
{
	struct daqiri_rx_meta meta[FRAMES];
	struct daqiri_pkt pkts[FRAMES];
	int64_t end = kit_deadline();

	while (n > 0 && !kit_is_late(end)) {
		int got = daqiri_rx_poll_meta(w->l.rx, pkts, meta, max < n ? max : n);

		cr_assert_geq(got, 0, "%s", daqiri_error_detail());
		for (int i = 0; i < got; i++)
			expect_time(w, meta[i].time_ns);
		daqiri_rx_release(w->l.rx, got);
		n -= got;
	}
	cr_assert_eq(n, 0, "%d packets have not come", n);
}

/* And not before they were sent, nor after they were polled. */
static void expect_burst(struct watch *w, int n, int max)
{
	uint64_t before = now_ns();

	kit_send(w->l.tx,
		 &(struct kit_burst){.n = (uint32_t)n, .min = 60, .max = 1500, .dst = MAC_B});
	expect_times(w, n, max);
	cr_assert_geq(w->last, before - SLACK_NS);
	cr_assert_leq(w->last, now_ns() + SLACK_NS);
}

static void expect_bursts(const char *text, unsigned rounds)
{
	static const int max[] = {1, 3, 8, 17, FRAMES};
	struct watch w = watch_link(text);

	for (unsigned i = 0; i < rounds; i++)
		expect_burst(&w, FRAMES, max[i % 5]);
	daqiri_close(w.l.dq);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static bool has_any(void)
{
	return device_has("free") || device_has("real");
}

Test(time, packets_have_the_times_of_their_completions)
{
	if (!has_any())
		return;
	expect_bursts(LINK(""), 100);
	expect_bursts("[daqiri]\nsimd = portable\n" LINK(""), 100);
	if (device_has("free"))
		expect_bursts(LINK("clock = free\n"), 100);
	if (device_has("free"))
		expect_bursts("[daqiri]\nsimd = portable\n" LINK("clock = free\n"), 100);
	if (device_has("real"))
		expect_bursts(LINK("clock = real\n"), 20);
}

/* The free-running counter's page is what the device had reached some time before. */
Test(time, the_counter_was_read_before_and_after)
{
	struct ibv_values_ex before = {.comp_mask = IBV_VALUES_MASK_RAW_CLOCK}, after = before;
	uint64_t stamp;
	struct watch w;

	if (!device_has("free"))
		return;
	w = watch_link(LINK("clock = free\n"));
	expect_burst(&w, 1, 1);
	cr_assert_eq(ibv_query_rt_values_ex(w.ctx, &before), 0);
	kit_send(w.l.tx, &(struct kit_burst){.n = 1, .min = 60, .max = 60, .dst = MAC_B});
	w.seen++;
	cr_assert_eq(kit_poll_any(w.l.rx), 1);
	w.seen--;
	stamp = next_stamp(&w);
	for (int64_t end = kit_deadline(); !kit_is_late(end);) {
		cr_assert_eq(ibv_query_rt_values_ex(w.ctx, &after), 0);
		if ((uint32_t)((uint64_t)after.raw_clock.tv_nsec - stamp) < UINT32_MAX / 2)
			break;
	}
	cr_expect_lt((uint32_t)(stamp - (uint64_t)before.raw_clock.tv_nsec), UINT32_MAX / 2);
	cr_expect_lt((uint32_t)((uint64_t)after.raw_clock.tv_nsec - stamp), UINT32_MAX / 2);
	daqiri_close(w.l.dq);
}

static void go_on(const char *text, uint64_t ns)
{
	struct watch w = watch_link(text);
	uint64_t end = now_ns() + ns;

	for (unsigned i = 0; now_ns() < end; i++)
		expect_burst(&w, 1 + (int)(i % FRAMES), FRAMES);
	daqiri_close(w.l.dq);
}

/* Longer than the kernel leaves its page alone; TEST_SECONDS: longer than the counter takes to
 * wrap. */
Test(time, times_go_on)
{
	const char *seconds = getenv("TEST_SECONDS");
	uint64_t ns = seconds ? strtoull(seconds, NULL, 10) * 1000000000 : 1200000000;

	if (has_any())
		go_on(device_has("free") ? LINK("clock = free\n") : LINK(""), ns);
}

/* Frames of several strides: where they do not fit there is a filler, which has no packet. */
static void expect_striding(const char *clock)
{
	struct daqiri_rx_meta meta[FRAMES];
	struct daqiri_pkt pkts[FRAMES];
	uint64_t last = 0, before = now_ns();
	struct link l;
	char text[1024];

	snprintf(text, sizeof(text),
		 "[region rx]\nkind = host\nnum_bufs = 1152\nbuf_size = 9018\n"
		 "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 9100\n"
		 "[port a]\naddress = " MAC_A "\nmtu = 9000\n"
		 "[port b]\naddress = " MAC_B "\nmtu = 9000\n"
		 "[txq a 0]\nregions = tx\ndepth = 64\n"
		 "[rxq b 0]\nregions = rx\nrx_mode = striding\nmetadata = timestamp\nclock = %s\n"
		 "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n",
		 clock);
	l = kit_open_link(text);
	for (unsigned round = 0; round < 50; round++) {
		int64_t end = kit_deadline();
		int n = 0;

		kit_send(l.tx, &(struct kit_burst){.first = round * 179,
						   .n = FRAMES,
						   .min = 60,
						   .max = 9000,
						   .dst = MAC_B});
		while (n < FRAMES && !kit_is_late(end))
			n += daqiri_rx_poll_meta(l.rx, pkts + n, meta + n, FRAMES - n);
		cr_assert_eq(n, FRAMES);
		for (int i = 0; i < n; i++) {
			cr_assert_geq(meta[i].time_ns, last);
			last = meta[i].time_ns;
		}
		cr_assert(last >= before - SLACK_NS && last <= now_ns() + SLACK_NS);
		daqiri_rx_release(l.rx, n);
	}
	daqiri_close(l.dq);
}

Test(time, striding_queues_have_times)
{
	if (device_has("free"))
		expect_striding("free");
	if (device_has("real"))
		expect_striding("real");
}

Test(time, without_time_stamps_there_is_no_clock)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct link l = kit_open_link(ONE_WAY("64"));

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_expect_null(info.clock);
	cr_expect_null(info.clock_why);
	daqiri_close(l.dq);
}

static void expect_clock(const char *text, const char *clock, const char *why)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct link l = kit_open_link(text);

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_expect_str_eq(info.clock, clock);
	cr_expect_str_eq(info.clock_why, why);
	daqiri_close(l.dq);
}

Test(time, the_clock_is_the_one_asked_for_or_the_better_one)
{
	if (!has_any())
		return;
	if (device_has("real"))
		expect_clock(LINK(""), "real", "the device has it");
	else
		expect_clock(LINK(""), "free", "the device has no real-time stamps");
	if (device_has("real"))
		expect_clock(LINK("clock = real\n"), "real", "asked for");
	if (device_has("free"))
		expect_clock(LINK("clock = free\n"), "free", "asked for");
}

Test(time, a_clock_that_is_not_there_is_refused_with_the_cure)
{
	if (!device_has("real")) {
		cr_expect_eq(kit_try_text(LINK("clock = real\n")), -EOPNOTSUPP);
		assert_detail("[rxq b 0] clock=real: ");
		assert_detail("time stamps of the real time: set clock=auto");
#if HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS
		assert_detail("REAL_TIME_CLOCK_ENABLE=1");
#endif
	}
	if (!device_has("free")) {
		cr_expect_eq(kit_try_text(LINK("clock = free\n")), -EOPNOTSUPP);
		assert_detail("[rxq b 0] clock=free: mlx5_");
		assert_detail("only of the real time: ");
	}
}
