/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two receive queues under load while the device's scripted faults hit one or the other: each that
 * stops is reset and goes on, and every frame is accounted for. Runs under cli/rx-reset.test only,
 * which has the script.
 */
#include <errno.h>
#include <stdio.h>

#include "dq_kit.h"

#define MAC_OTHER "02:da:01:00:00:77"

enum { FRAMES = 30000 };

struct side {
	struct daqiri_rxq *q;
	const char *dst;
	uint32_t sent, received, next, resets;
};

static struct link open_two(const char *mode)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"
		 "[region other]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"
		 "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
		 "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
		 "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n%s\n"
		 "[rxq b 1]\nregions = other\n%s\n"
		 "[flow b one]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 1\n"
		 "[flow b two]\ndst_mac = " MAC_OTHER "\nqueue = 1\ntag = 2\n",
		 mode, mode);
	return kit_open_link(text);
}

/* Numbers may be left out, but never come twice or out of order, nor changed. */
static void poll_once(struct side *side)
{
	struct daqiri_pkt pkts[16];
	uint32_t number;
	int n = daqiri_rx_poll(side->q, pkts, 16);

	for (int i = 0; i < n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_geq(number, side->next);
		side->next = number + 1;
		side->received++;
	}
	if (n >= 0) {
		daqiri_rx_release(side->q, n);
		return;
	}
	cr_assert_eq(n, -EIO);
	cr_assert_eq(daqiri_rxq_reset(side->q, 0), 0, "%s", daqiri_error_detail());
	side->resets++;
}

static void run(struct link *l, struct side side[2])
{
	struct kit_burst burst = {.min = 60, .max = 500};

	for (uint32_t turn = 0; side[0].sent + side[1].sent < FRAMES; turn++) {
		struct side *to = &side[turn & 1];

		burst.n = turn % 31 + 1;
		burst.first = to->sent;
		burst.dst = to->dst;
		kit_send(l->tx, &burst);
		to->sent += burst.n;
		poll_once(&side[0]);
		poll_once(&side[1]);
	}
	kit_wait_sent(l->tx, side[0].sent + side[1].sent);
	for (int64_t end = kit_deadline() - 1500; !kit_is_late(end);) {
		poll_once(&side[0]);
		poll_once(&side[1]);
	}
}

static uint64_t stat_of(const struct daqiri_rxq *q, unsigned i)
{
	struct daqiri_stat stats[32];

	cr_assert_gt(daqiri_rxq_stats(q, stats, 32), (int)i);
	return stats[i].value;
}

/* The frame whose error stopped a queue is the only one that no counter but resets tells of. */
static void load(const char *mode)
{
	struct link l = open_two(mode);
	struct side side[2] = {{.q = l.rx, .dst = MAC_B},
			       {.q = daqiri_rxq_get(l.b, 1), .dst = MAC_OTHER}};
	uint64_t before = kit_port_stat(l.b, "hw_out_of_buffer"), dropped, sum;

	run(&l, side);
	dropped = kit_port_stat(l.b, "hw_out_of_buffer") - before;
	sum = kit_port_stat(l.b, "rx_packets") + kit_port_stat(l.b, "rx_length_errors") +
	      kit_port_stat(l.b, "rx_resets") + kit_port_stat(l.b, "rx_reset_drops") + dropped;
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), side[0].received + side[1].received);
	cr_assert_eq(sum, side[0].sent + side[1].sent);
	cr_assert_eq(kit_port_stat(l.b, "rx_resets"), side[0].resets + side[1].resets);
	cr_assert_geq(side[0].resets, 3u);
	cr_assert_geq(side[1].resets, 3u);
	cr_assert_gt(kit_port_stat(l.b, "rx_length_errors"), 0u);
	daqiri_close(l.dq);
}

Test(load, queues_that_stop_are_reset_and_no_frame_is_unaccounted)
{
	load("depth = 256");
}

Test(load, striding_queues_that_stop_are_reset_and_no_frame_is_unaccounted)
{
	load("rx_mode = striding");
}

/* One fault, which hits queue 0: the other has all its frames. */
Test(load, only_the_queue_that_is_hit_stops)
{
	struct link l = open_two("depth = 512");
	struct side side[2] = {{.q = l.rx, .dst = MAC_B},
			       {.q = daqiri_rxq_get(l.b, 1), .dst = MAC_OTHER}};

	run(&l, side);
	cr_assert_eq(side[0].resets, 1u);
	cr_assert_eq(side[1].resets, 0u);
	cr_assert_eq(stat_of(side[1].q, 2), 0u, "errors");
	cr_assert_eq(side[1].received, side[1].sent);
	cr_assert_eq(side[1].next, side[1].sent);
	cr_assert_lt(side[0].received, side[0].sent);
	cr_assert_eq(side[0].next, side[0].sent, "the last ones came again");
	daqiri_close(l.dq);
}
