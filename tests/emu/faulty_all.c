/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two send and two receive queues at full load while the device's script lets sends and receives
 * fail, frames get lost and overtake each other, and the far port go down and up: each queue that
 * stops is reset and goes on, no other is touched, and every packet is accounted for by counters.
 * Runs under cli/rx-reset.test only, which has the script.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dq_kit.h"

#define MAC_OTHER "02:da:01:00:00:77"

enum { FRAMES = 40000, MOST = 1 << 22, SHORTER_MS = 800, LAST = 2000 };

/* A stream: a send queue, a receive queue, and what went through them. */
struct stream {
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx;
	const char *dst;
	uint32_t posted, received, tx_resets, rx_resets;
	uint8_t *seen; /* by number */
};

static struct link open_all(struct stream s[2])
{
	struct link l = kit_open_link(
		"[region rx]\nkind = host\nnum_bufs = 2048\nbuf_size = 2048\n"
		"[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"
		"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
		"[txq a 0]\nregions = tx\n[txq a 1]\nregions = tx\ntx_inline = 128\n"
		"[rxq b 0]\nregions = rx\n[rxq b 1]\nregions = rx\n"
		"[flow b one]\ndst_mac = " MAC_B "\nqueue = 0\n"
		"[flow b two]\ndst_mac = " MAC_OTHER "\nqueue = 1\n");

	for (unsigned i = 0; i < 2; i++) {
		s[i] = (struct stream){.tx = daqiri_txq_get(l.a, i),
				       .rx = daqiri_rxq_get(l.b, i),
				       .dst = i ? MAC_OTHER : MAC_B,
				       .seen = calloc(MOST, 1)};
		cr_assert_not_null(s[i].seen);
	}
	return l;
}

static void send_some(struct stream *s)
{
	struct daqiri_pkt pkts[32];
	int n = daqiri_tx_reserve(s->tx, pkts, 32);

	for (int i = 0; i < n; i++) {
		pkts[i].len = 60 + (s->posted + (uint32_t)i) % 400;
		kit_fill((void *)(uintptr_t)pkts[i].addr, pkts[i].len, s->dst,
			 s->posted + (uint32_t)i);
	}
	n = daqiri_tx_post(s->tx, pkts, n);
	if (n >= 0) {
		s->posted += (uint32_t)n;
		cr_assert_lt(s->posted, (uint32_t)MOST);
		return;
	}
	cr_assert_eq(n, -EIO);
	cr_assert_eq(daqiri_txq_reset(s->tx, 0), 0, "%s", daqiri_error_detail());
	s->tx_resets++;
}

/* Any order, but none twice, of the other stream, or changed. */
static void receive_some(struct stream *s)
{
	struct daqiri_pkt pkts[32];
	uint32_t number;
	int n = daqiri_rx_poll(s->rx, pkts, 32);

	for (int i = 0; i < n; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_lt(number, s->posted);
		cr_assert(!s->seen[number]++, "frame %u came twice", number);
		s->received++;
	}
	if (n >= 0) {
		daqiri_rx_release(s->rx, n);
		return;
	}
	cr_assert_eq(n, -EIO);
	cr_assert_eq(daqiri_rxq_reset(s->rx, 0), 0, "%s", daqiri_error_detail());
	s->rx_resets++;
}

static void load(struct stream s[2])
{
	/* Longer than the port is down. */
	int64_t end = kit_deadline() - SHORTER_MS;

	while (s[0].posted + s[1].posted < FRAMES || !kit_is_late(end))
		for (unsigned i = 0; i < 2; i++) {
			send_some(&s[i]);
			receive_some(&s[i]);
		}
}

/* Until nothing is outstanding; a queue that stops meanwhile is reset. */
static void drain(struct stream s[2])
{
	for (int64_t end = kit_deadline() - 1500; !kit_is_late(end);)
		for (unsigned i = 0; i < 2; i++) {
			struct daqiri_queue_error err = {.size = sizeof(err)};

			daqiri_tx_completed(s[i].tx);
			if (daqiri_txq_error(s[i].tx, &err) > 0) {
				cr_assert_eq(daqiri_txq_reset(s[i].tx, 0), 0);
				s[i].tx_resets++;
			}
			receive_some(&s[i]);
		}
}

static uint64_t stat_of(int (*stats)(void *q, struct daqiri_stat *s, int max), void *q,
			const char *end)
{
	struct daqiri_stat list[32];
	int n = stats(q, list, 32);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i].name);

		/* "tx_q0_resets" */
		if (len == 6 + strlen(end) && !strcmp(list[i].name + 6, end))
			return list[i].value;
	}
	cr_assert_fail("no counter %s", end);
	return 0;
}

static int tx_stats(void *q, struct daqiri_stat *s, int max)
{
	return daqiri_txq_stats(q, s, max);
}

static int rx_stats(void *q, struct daqiri_stat *s, int max)
{
	return daqiri_rxq_stats(q, s, max);
}

/* A counter of the wire: what libdaqiri does not show. */
static uint64_t wire(const struct daqiri_port *port, const char *name)
{
	struct daqiri_port_info info = {.size = sizeof(info)};
	unsigned long long value = 0;
	char path[256];
	FILE *f;

	cr_assert_eq(daqiri_port_info(port, &info), 0);
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/counters/%s", info.rdma,
		 name);
	f = fopen(path, "r");
	cr_assert(f && fscanf(f, "%llu", &value) == 1, "%s", path);
	fclose(f);
	return value;
}

struct wires {
	uint64_t sent, arrived, no_buffer;
};

static struct wires look(const struct link *l)
{
	return (struct wires){wire(l->a, "port_xmit_packets"), wire(l->b, "port_rcv_packets"),
			      kit_port_stat(l->b, "hw_out_of_buffer")};
}

/* What was posted completed or was dropped by a reset; what arrived was polled or is counted. */
static void account(const struct link *l, const struct stream s[2], const struct wires *before)
{
	struct wires now = look(l);
	uint64_t completed = 0, posted = 0, dropped = 0, told = now.no_buffer - before->no_buffer;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t done = stat_of(tx_stats, s[i].tx, "completed");
		uint64_t lost = stat_of(tx_stats, s[i].tx, "reset_drops");

		cr_assert_eq(done + lost, s[i].posted, "queue %u", i);
		cr_assert_eq(stat_of(tx_stats, s[i].tx, "resets"), s[i].tx_resets);
		cr_assert_eq(stat_of(rx_stats, s[i].rx, "resets"), s[i].rx_resets);
		cr_assert_eq(stat_of(rx_stats, s[i].rx, "packets"), s[i].received);
		completed += done;
		dropped += lost;
		posted += s[i].posted;
		told += s[i].received + stat_of(rx_stats, s[i].rx, "length_errors") +
			stat_of(rx_stats, s[i].rx, "reset_drops") + s[i].rx_resets;
	}
	cr_assert(completed <= now.sent - before->sent && now.sent - before->sent <= posted,
		  "%llu completed, %llu sent, %llu posted", (unsigned long long)completed,
		  (unsigned long long)(now.sent - before->sent), (unsigned long long)posted);
	cr_assert_eq(told, now.arrived - before->arrived);
	cr_assert_lt(now.arrived - before->arrived, now.sent - before->sent,
		     "frames were lost on the cable");
	cr_assert_gt(dropped, 0u);
}

/* When the script is over all queues have all their frames. */
static void last_frames(struct stream *s)
{
	uint32_t from = s->posted;

	while (s->posted - from < LAST) {
		send_some(s);
		receive_some(s);
		/* What is under way shall not be more than the receive queue has room for. */
		while (daqiri_tx_completed(s->tx) != stat_of(tx_stats, s->tx, "packets"))
			receive_some(s);
	}
	for (int64_t end = kit_deadline(); !kit_is_late(end) && !s->seen[s->posted - 1];)
		receive_some(s);
	for (uint32_t i = from; i < s->posted; i++)
		cr_assert(s->seen[i], "frame %u of the last ones is missing", i - from);
}

Test(all, queues_stop_and_go_on_and_every_packet_is_accounted_for, .timeout = 60)
{
	struct stream s[2];
	struct link l = open_all(s);
	struct wires before = look(&l);
	uint64_t resets[4];

	load(s);
	drain(s);
	account(&l, s, &before);
	resets[0] = s[0].tx_resets + s[1].tx_resets;
	resets[1] = s[0].rx_resets + s[1].rx_resets;
	cr_assert_eq(resets[0], 3u, "each failed send stopped one queue, and no other");
	cr_assert_eq(resets[1], 3u, "each failed receive, likewise");
	last_frames(&s[0]);
	last_frames(&s[1]);
	resets[2] = s[0].tx_resets + s[1].tx_resets;
	resets[3] = s[0].rx_resets + s[1].rx_resets;
	cr_assert(resets[2] == resets[0] && resets[3] == resets[1]);
	free(s[0].seen);
	free(s[1].seen);
	daqiri_close(l.dq);
}
