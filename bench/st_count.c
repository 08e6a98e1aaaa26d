/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: the port's counters, and time stamps. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "st.h"

#define FRAMES	32u
#define LAG_MS	100u /* counters are read from the device a little later than they move */
#define MAX_AGE 20u

/* Where a counter stands when it has reached least, or does not any more. */
static uint64_t settled(const struct st_port *p, const char *name, uint64_t least)
{
	uint64_t value = 0, end = st_now_ns() + LAG_MS * 1000000ull;

	while (st_counter(p, name, &value) && value < least && st_now_ns() < end)
		st_sleep_us(200);
	st_sleep_us(MAX_AGE * 1000); /* what is too much shows then */
	st_counter(p, name, &value);
	return value;
}

/* Sends FRAMES frames and demands that the counter moves by just so many. */
static void moves(struct st *st, const struct st_port *p, const char *name, uint64_t each)
{
	uint64_t before, after;
	struct st_frame f;
	struct st_link l;

	if (!st_counter(p, name, &before)) {
		st_skip(st, "there is no %s", name);
		return;
	}
	st_link_open(st, &l);
	before = settled(p, name, 0);
	for (unsigned i = 0; i < FRAMES && st_good(st); i++) {
		st_plain(st, &f, 100, i);
		st_send(&l.sq, i, &f);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
	after = settled(p, name, before + FRAMES * each);
	st_need(st, after - before == FRAMES * each, "%s moved by %" PRIu64 ", not %" PRIu64, name,
		after - before, FRAMES * each);
}

static void tx_packets(struct st *st)
{
	moves(st, st->a, "counters/port_xmit_packets", 1);
}

static void rx_packets(struct st *st)
{
	moves(st, st->b, "counters/port_rcv_packets", 1);
}

static void unicast(struct st *st)
{
	moves(st, st->b, "counters/unicast_rcv_packets", 1);
}

/* A receiver that is not fed: 64 buffers and 70 frames. */
static void out_of_buffer(struct st *st)
{
	static const char name[] = "hw_counters/out_of_buffer";
	uint64_t before, after;
	struct st_frame f;
	struct st_link l;

	if (!st_counter(st->b, name, &before)) {
		st_skip(st, "there is no %s", name);
		return;
	}
	st_link_open(st, &l);
	before = settled(st->b, name, 0);
	for (unsigned i = 0; i < ST_RX_DEPTH + 6 && st_good(st); i++) {
		st_plain(st, &f, 100, i);
		st_send(&l.sq, i, &f);
		st_sq_wait(st, &l.sq);
	}
	after = settled(st->b, name, before + 6);
	st_need(st, after - before == 6, "out_of_buffer moved by %" PRIu64 ", not 6",
		after - before);
	for (unsigned i = 0; i < ST_RX_DEPTH; i++) {
		st_plain(st, &f, 100, i);
		st_rx_expect(st, &l.rx, &f, NULL);
	}
}

static const struct st_check counts[] = {
	{"count.tx_packets", "port_xmit_packets moves by what was sent", tx_packets},
	{"count.rx_packets", "port_rcv_packets moves by what came", rx_packets},
	{"count.rx_unicast", "unicast_rcv_packets moves by what came", unicast},
	{"count.out_of_buffer", "out_of_buffer counts what found no buffer", out_of_buffer},
};

const struct st_group st_group_count = {counts, sizeof(counts) / sizeof(counts[0])};

/* ---- clock ---- */

#define APART_US 60000u /* between two frames whose stamps are compared with our own clock */

static bool no_clock(struct st *st)
{
	if (st->b->attr.hca_core_clock)
		return false;
	st_skip(st, "the device does not report the frequency of its clock");
	return true;
}

static void open_stamped(struct st *st, struct st_link *l)
{
	const struct st_rx_opts opts = {.cq_flags = IBV_WC_EX_WITH_BYTE_LEN |
						    IBV_WC_EX_WITH_COMPLETION_TIMESTAMP};
	struct st_rule r;

	st_sq_open(st, st->a, &l->sq, 64);
	st_rx_open(st, st->b, &l->rx, &opts);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, l->rx.qp, &r);
}

/* A frame's stamp, and our own time before it was sent and after it had come. */
static uint64_t stamp(struct st *st, struct st_link *l, uint64_t *before, uint64_t *after)
{
	struct st_cqe cqe = {0};
	struct st_frame f;

	st_plain(st, &f, 64, 1);
	*before = st_now_ns();
	if (st_good(st))
		st_send(&l->sq, 0, &f);
	st_rx_expect(st, &l->rx, &f, &cqe);
	*after = st_now_ns();
	return cqe.timestamp;
}

static void monotonic(struct st *st)
{
	uint64_t last = 0, now, before, after;
	struct st_link l;

	if (no_clock(st))
		return;
	open_stamped(st, &l);
	for (unsigned i = 0; i < 200 && st_good(st); i++) {
		now = stamp(st, &l, &before, &after);
		st_need(st, now > last, "stamp %u is %" PRIu64 " behind the one before", i,
			last - now);
		last = now;
	}
}

/*
 * Between two stamps lies at most the time from before the first frame to after the second, and at
 * least the time between; 1 % is left for both clocks.
 */
static void rate(struct st *st)
{
	uint64_t b1, a1, b2, a2, first, second;
	double ns, least, most;
	struct st_link l;

	if (no_clock(st))
		return;
	open_stamped(st, &l);
	first = stamp(st, &l, &b1, &a1);
	st_sleep_us(APART_US);
	second = stamp(st, &l, &b2, &a2);
	ns = (double)(second - first) * 1e6 / (double)st->b->attr.hca_core_clock;
	least = (double)(b2 - a1) * 0.99;
	most = (double)(a2 - b1) * 1.01;
	st_need(st, ns >= least && ns <= most,
		"two stamps are %.0f ns apart at the reported %" PRIu64
		" kHz; by our clock it was %.0f to %.0f",
		ns, st->b->attr.hca_core_clock, least, most);
}

static uint64_t core_clock(struct st *st)
{
	struct ibv_values_ex values = {.comp_mask = IBV_VALUES_MASK_RAW_CLOCK};
	int err;

	if (!st_good(st))
		return 0;
	err = ibv_query_rt_values_ex(st->b->ctx, &values);
	if (err == EOPNOTSUPP || err == ENOTSUP)
		st_skip(st, "the core clock cannot be read here");
	else
		st_need(st, !err, "ibv_query_rt_values_ex: %s", strerror(err));
	return (uint64_t)values.raw_clock.tv_nsec;
}

/* The clock's page and the stamps of frames are one clock. */
static void core(struct st *st)
{
	uint64_t first, second, now, before, after;
	struct st_link l;

	if (no_clock(st))
		return;
	open_stamped(st, &l);
	first = core_clock(st);
	now = stamp(st, &l, &before, &after);
	second = core_clock(st);
	st_need(st, first <= now && now <= second,
		"a stamp of %" PRIu64 " between readings of %" PRIu64 " and %" PRIu64, now, first,
		second);
}

static const struct st_check clocks[] = {
	{"clock.monotonic", "stamps of frames grow", monotonic},
	{"clock.rate", "they grow at the reported frequency", rate},
	{"clock.core", "the core clock agrees with them", core},
};

const struct st_group st_group_clock = {clocks, sizeof(clocks) / sizeof(clocks[0])};
