/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: libdaqiri's own data path, by daqiri.h alone. */
#include <stdio.h>
#include <string.h>

#include "st_lib.h"

static void batches(struct st *st, struct st_lib_opts o, unsigned batch)
{
	unsigned n = 0;
	struct st_lib l;

	st_lib_open(st, &l, o);
	for (; n < 2000 && st_good(st); n += batch) {
		st_lib_send(st, l.tx, n, batch);
		st_lib_expect(st, l.rx, n, batch);
	}
	if (st_good(st))
		st_lib_wait_sent(st, l.tx, n);
}

static void batch_1(struct st *st)
{
	batches(st, (struct st_lib_opts){.depth = 256}, 1);
}

static void batch_32(struct st *st)
{
	batches(st, (struct st_lib_opts){.depth = 256}, 32);
}

static void batch_64(struct st *st)
{
	batches(st, (struct st_lib_opts){.depth = 256}, 64);
}

static void ring_wrap(struct st *st)
{
	batches(st, (struct st_lib_opts){.depth = 64}, 23);
}

static void huge(struct st *st)
{
	batches(st, (struct st_lib_opts){.kind = "huge", .depth = 256}, 64);
}

/* ---- many queues ---- */

static void rss_send(struct st *st, struct st_lib *l, unsigned n)
{
	struct daqiri_pkt pkt;
	struct st_frame f;

	st_udp(st, &f, 1000 + n * 7, 5000, n);
	st_need(st, daqiri_tx_reserve(l->tx, &pkt, 1) == 1, "no free slot");
	if (!st_good(st))
		return;
	memcpy((void *)(uintptr_t)pkt.addr, f.b, f.len);
	pkt.len = f.len;
	st_need(st, daqiri_tx_post(l->tx, &pkt, 1) == 1, "daqiri_tx_post: %s",
		daqiri_error_detail());
}

static int rss_queue(struct st *st, struct st_lib *l)
{
	uint64_t end = st_lib_deadline();
	struct daqiri_pkt pkt;

	while (st_good(st) && st_now_ns() < end) {
		for (unsigned q = 0; q < 4; q++) {
			struct daqiri_rxq *rx = daqiri_rxq_get(l->b, q);

			if (!st_lib_poll(st, rx, &pkt, 0))
				continue;
			daqiri_rx_release(rx, 1);
			return (int)q;
		}
	}
	st_need(st, false, "a frame came to none of four queues");
	return 0;
}

static void rss(struct st *st)
{
	int seen[64], now;
	unsigned used = 0;
	struct st_lib l;

	st_lib_open(st, &l,
		    (struct st_lib_opts){.depth = 64, .queues = 4, .flow = "udp_dst = 5000\n"});
	for (unsigned n = 0; n < 128 && st_good(st); n++) {
		rss_send(st, &l, n % 64);
		now = rss_queue(st, &l);
		if (n < 64)
			seen[n] = now;
		st_need(st, seen[n % 64] == now, "flow %u went to queue %d and to %d", n % 64,
			seen[n % 64], now);
		used |= 1u << now;
	}
	st_need(st, used == 15, "queues used: 0x%x of 0xf", used);
}

/* ---- what does not fit ---- */

static void post_len(struct st *st, struct st_lib *l, unsigned len, unsigned n)
{
	struct daqiri_pkt pkt;
	struct st_frame f;

	st_need(st, daqiri_tx_reserve(l->tx, &pkt, 1) == 1, "no free slot");
	if (!st_good(st))
		return;
	st_plain(st, &f, len, n);
	memcpy((void *)(uintptr_t)pkt.addr, f.b, len);
	pkt.len = len;
	st_need(st, daqiri_tx_post(l->tx, &pkt, 1) == 1, "daqiri_tx_post: %s",
		daqiri_error_detail());
}

static void shortest(struct st *st)
{
	struct daqiri_pkt pkt;
	struct st_frame f;
	struct st_lib l;

	st_lib_open(st, &l, (struct st_lib_opts){.depth = 64});
	for (unsigned len = 14; len < 60 && st_good(st); len++) {
		post_len(st, &l, len, len);
		if (!st_lib_poll(st, l.rx, &pkt, ST_WAIT_MS)) {
			st_need(st, false, "a frame of %u bytes did not arrive", len);
			return;
		}
		st_plain(st, &f, len, len);
		memset(f.b + len, 0, 60 - len);
		f.len = 60;
		st_lib_judge(st, &pkt, &f);
		daqiri_rx_release(l.rx, 1);
	}
}

static void oversize(struct st *st)
{
	unsigned len = st->a->info.mtu + 14 + 64;
	struct daqiri_pkt pkt;
	struct st_lib l;

	if (len > 2048) {
		st_skip(st, "an MTU of %u is more than this check sends", st->a->info.mtu);
		return;
	}
	st_lib_open(st, &l, (struct st_lib_opts){.depth = 64});
	post_len(st, &l, len, 1);
	st_need(st, !st_lib_poll(st, l.rx, &pkt, 20), "a frame of %u bytes passed an MTU of %u",
		len, st->a->info.mtu);
	if (!st_good(st))
		return;
	st_lib_send(st, l.tx, 0, 8);
	st_lib_expect(st, l.rx, 0, 8);
}

/* ---- errors, counters, events ---- */

static void stopped_queue(struct st *st)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};
	uint64_t end = st_lib_deadline();
	struct daqiri_pkt pkt;
	struct st_lib l;

	st_lib_open(st, &l, (struct st_lib_opts){.depth = 64, .txqs = 2});
	st_need(st, daqiri_tx_reserve(l.tx, &pkt, 1) == 1, "no free slot");
	if (!st_good(st))
		return;
	pkt.len = 100;
	pkt.key ^= daqiri_key_from_lkey(1);
	st_need(st, daqiri_tx_post(l.tx, &pkt, 1) == 1, "daqiri_tx_post: %s",
		daqiri_error_detail());
	while (st_good(st) && daqiri_txq_error(l.tx, &err) == 0) {
		daqiri_tx_completed(l.tx);
		st_need(st, st_now_ns() < end, "a wrong key and no error in %d ms", ST_WAIT_MS);
	}
	st_need(st, err.syndrome == ST_SYN_PROT, "syndrome 0x%02x, not 0x%02x", err.syndrome,
		ST_SYN_PROT);
	if (!st_good(st))
		return;
	st_lib_send(st, daqiri_txq_get(l.a, 1), 0, 32);
	st_lib_expect(st, l.rx, 0, 32);
}

static void open_again(struct st *st)
{
	for (unsigned i = 0; i < 5 && st_good(st); i++) {
		struct st_lib l;

		st_lib_open(st, &l, (struct st_lib_opts){.depth = 64});
		if (!st_good(st))
			return;
		st_lib_send(st, l.tx, i, 32);
		st_lib_expect(st, l.rx, i, 32);
		st_undo_all(st);
	}
}

static uint64_t stat(struct daqiri_port *port, const char *name)
{
	struct daqiri_stat stats[512];
	int n = daqiri_port_stats(port, stats, 512);

	for (int i = 0; i < n && i < 512; i++)
		if (!strcmp(stats[i].name, name))
			return stats[i].value;
	return UINT64_MAX;
}

static void stats(struct st *st)
{
	uint64_t bytes = 0;
	struct st_lib l;

	st_lib_open(st, &l, (struct st_lib_opts){.depth = 64});
	if (!st_good(st))
		return;
	for (unsigned n = 0; n < 256; n += 32) {
		st_lib_send(st, l.tx, n, 32);
		st_lib_expect(st, l.rx, n, 32);
	}
	for (unsigned n = 0; n < 256; n++)
		bytes += st_lib_len(n);
	if (!st_good(st))
		return;
	st_lib_wait_sent(st, l.tx, 256);
	st_need(st, stat(l.a, "tx_packets") == 256 && stat(l.b, "rx_packets") == 256,
		"tx_packets %u, rx_packets %u, not 256", (unsigned)stat(l.a, "tx_packets"),
		(unsigned)stat(l.b, "rx_packets"));
	st_need(st, stat(l.a, "tx_bytes") == bytes && stat(l.b, "rx_bytes") == bytes,
		"tx_bytes %u, rx_bytes %u, not %u", (unsigned)stat(l.a, "tx_bytes"),
		(unsigned)stat(l.b, "rx_bytes"), (unsigned)bytes);
}

static void unmatched_queue(struct st *st)
{
	char port[64];
	struct st_lib l;

	snprintf(port, sizeof(port), "unmatched = queue 0\n");
	st_lib_open(
		st, &l,
		(struct st_lib_opts){.depth = 64, .flow = "ethertype = 0x88b7\n", .port = port});
	if (!st_good(st))
		return;
	post_len(st, &l, 64, 1);
	for (struct daqiri_pkt pkt; st_good(st);) {
		if (!st_lib_poll(st, l.rx, &pkt, ST_WAIT_MS)) {
			st_need(st, false, "an unmatched frame did not come to its queue");
			return;
		}
		if (pkt.len == 64 &&
		    !memcmp((uint8_t *)(uintptr_t)pkt.addr + 6, st->a->info.mac, 6)) {
			st_need(st, !daqiri_key_flow(pkt.key), "it has flow id %u",
				daqiri_key_flow(pkt.key));
			return;
		}
		daqiri_rx_release(l.rx, 1);
	}
}

static void quiet(struct st *st)
{
	struct daqiri_event ev = {.size = sizeof(ev)};
	struct st_lib l;
	int ret;

	st_lib_open(st, &l, (struct st_lib_opts){.depth = 64});
	if (!st_good(st))
		return;
	st_lib_send(st, l.tx, 0, 32);
	st_lib_expect(st, l.rx, 0, 32);
	ret = daqiri_event_get(l.dq, &ev);
	st_need(st, ret == 0, "an event of type %d in good weather", (int)ev.type);
}

static const struct st_check checks[] = {
	{"lib.batch_1", "2000 frames one by one", batch_1},
	{"lib.batch_32", "2000 frames by 32", batch_32},
	{"lib.batch_64", "2000 frames by 64", batch_64},
	{"lib.wrap", "2000 frames by 23 through rings of 64", ring_wrap},
	{"lib.huge", "2000 frames in huge pages", huge},
	{"lib.rss", "64 flows over four queues, each flow to one of them", rss},
	{"lib.padding", "frames of 14 to 59 bytes", shortest},
	{"lib.oversize", "a frame above the MTU is lost, the queue goes on", oversize},
	{"lib.error", "a wrong key stops one queue, tells it, and no other", stopped_queue},
	{"lib.open", "opened and closed five times, with traffic", open_again},
	{"lib.stats", "the library's counters are exact", stats},
	{"lib.unmatched", "unmatched = queue 0", unmatched_queue},
	{"lib.events", "no event where nothing happened", quiet},
};

const struct st_group st_group_lib = {checks, sizeof(checks) / sizeof(checks[0])};
