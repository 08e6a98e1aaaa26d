/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: libdaqiri's own data path, by daqiri.h alone. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "st.h"

#define FLOW_ID 77u
#define MAX_LEN 1514u

struct lib {
	struct daqiri *dq;
	struct daqiri_port *a, *b;
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx;
};

/* What a configuration has besides its two ports. */
struct lib_opts {
	const char *kind; /* of the regions */
	unsigned depth, queues, txqs;
	const char *flow; /* keys of the flow; NULL: to the port's address */
	const char *port; /* keys of the receiving port */
};

static int undo_close(void *dq)
{
	daqiri_close(dq);
	return 0;
}

static void mac_text(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

struct text {
	char b[2048];
	size_t len;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->b + t->len, sizeof(t->b) - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(t->b) - t->len)
		t->len += (size_t)n;
}

static void put_config(struct text *t, const struct st *st, const struct lib_opts *o)
{
	const char *rx = st->a == st->b ? "a" : "b";
	char mac[18], peer[18];

	mac_text(st->a->info.mac, mac);
	mac_text(st->b->info.mac, peer);
	put(t, "[region tx]\nkind = %s\nnum_bufs = %u\nbuf_size = 2048\n", o->kind,
	    o->depth * o->txqs);
	put(t, "[region rx]\nkind = %s\nnum_bufs = %u\nbuf_size = 2048\n", o->kind,
	    o->depth * o->queues);
	put(t, "[port a]\naddress = %s\n", mac);
	if (st->a != st->b)
		put(t, "[port b]\naddress = %s\n", peer);
	put(t, "%s", o->port ? o->port : "");
	put(t, "[txq a 0-%u]\nregions = tx\ndepth = %u\n", o->txqs - 1, o->depth);
	put(t, "[rxq %s 0-%u]\nregions = rx\ndepth = %u\n", rx, o->queues - 1, o->depth);
	put(t, "[flow %s test]\ntag = %u\nqueue = 0", rx, FLOW_ID);
	for (unsigned i = 1; i < o->queues; i++)
		put(t, ",%u", i);
	if (o->flow)
		put(t, "\n%s", o->flow);
	else
		put(t, "\ndst_mac = %s\nethertype = 0x88b5\n", peer);
}

static int open_text(struct daqiri **dq, const struct text *t)
{
	struct daqiri_config *cfg;
	int ret = daqiri_config_parse(&cfg, t->b, t->len, "selftest");

	if (ret)
		return ret;
	ret = daqiri_open_config(dq, cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

static void lib_open(struct st *st, struct lib *l, struct lib_opts o)
{
	struct text t = {.len = 0};
	int ret;

	memset(l, 0, sizeof(*l));
	if (!st_good(st))
		return;
	o.kind = o.kind ? o.kind : "host";
	o.queues = o.queues ? o.queues : 1;
	o.txqs = o.txqs ? o.txqs : 1;
	put_config(&t, st, &o);
	ret = open_text(&l->dq, &t);
	if (ret == -ENOMEM && !strcmp(o.kind, "huge")) {
		st_skip(st, "huge pages: %s", daqiri_error_detail());
		return;
	}
	st_need(st, !ret, "%s", daqiri_error_detail());
	if (ret)
		return;
	st_defer(st, undo_close, l->dq);
	l->a = daqiri_port_find(l->dq, "a");
	l->b = st->a == st->b ? l->a : daqiri_port_find(l->dq, "b");
	l->tx = daqiri_txq_get(l->a, 0);
	l->rx = daqiri_rxq_get(l->b, 0);
}

/* ---- frames ---- */

static uint64_t deadline(void)
{
	return st_now_ns() + ST_WAIT_MS * 1000000ull;
}

static unsigned len_of(unsigned n)
{
	return 60 + n * 37 % (MAX_LEN - 59);
}

/* Reserves, builds and posts n frames that count from first. */
static void lib_send(struct st *st, struct daqiri_txq *q, unsigned first, unsigned n)
{
	struct daqiri_pkt pkts[64];
	uint64_t end = deadline();
	struct st_frame f;
	unsigned done = 0;

	while (done < n && st_good(st)) {
		int got = daqiri_tx_reserve(q, pkts, (int)(n - done)), posted;

		st_need(st, got >= 0, "daqiri_tx_reserve: %s", daqiri_error_detail());
		for (int i = 0; i < got; i++) {
			st_plain(st, &f, len_of(first + done + (unsigned)i),
				 first + done + (unsigned)i);
			memcpy((void *)(uintptr_t)pkts[i].addr, f.b, f.len);
			pkts[i].len = f.len;
		}
		posted = got > 0 ? daqiri_tx_post(q, pkts, got) : 0;
		st_need(st, posted >= 0, "daqiri_tx_post: %s", daqiri_error_detail());
		if (posted > 0)
			done += (unsigned)posted;
		daqiri_tx_completed(q);
		st_need(st, st_now_ns() < end, "no slot came free in %d ms", ST_WAIT_MS);
	}
}

static bool lib_poll(struct st *st, struct daqiri_rxq *q, struct daqiri_pkt *pkt, unsigned ms)
{
	uint64_t end = st_now_ns() + ms * 1000000ull;
	int ret;

	while (st_good(st)) {
		ret = daqiri_rx_poll(q, pkt, 1);
		st_need(st, ret >= 0, "daqiri_rx_poll: %s", daqiri_error_detail());
		if (ret > 0)
			return true;
		if (st_now_ns() >= end)
			return false;
		sched_yield();
	}
	return false;
}

static void judge(struct st *st, const struct daqiri_pkt *pkt, const struct st_frame *f)
{
	st_need(st, pkt->len == f->len, "a frame of %u bytes came as %u", f->len, pkt->len);
	st_need(st, !memcmp((void *)(uintptr_t)pkt->addr, f->b, f->len),
		"a frame of %u bytes is not what was sent", f->len);
	st_need(st, daqiri_key_flow(pkt->key) == FLOW_ID, "flow id %u, not %u",
		daqiri_key_flow(pkt->key), FLOW_ID);
}

static void lib_expect(struct st *st, struct daqiri_rxq *q, unsigned first, unsigned n)
{
	struct daqiri_pkt pkts[64];
	uint64_t end = deadline();
	unsigned done = 0;
	struct st_frame f;

	while (done < n && st_good(st)) {
		int got = daqiri_rx_poll(q, pkts, (int)(n - done < 64 ? n - done : 64));

		st_need(st, got >= 0, "daqiri_rx_poll: %s", daqiri_error_detail());
		for (int i = 0; i < got && st_good(st); i++, done++) {
			st_plain(st, &f, len_of(first + done), first + done);
			judge(st, &pkts[i], &f);
		}
		if (got > 0)
			daqiri_rx_release(q, got);
		else
			sched_yield();
		st_need(st, done == n || st_now_ns() < end, "%u of %u frames came in %d ms", done,
			n, ST_WAIT_MS);
	}
}

static void wait_sent(struct st *st, struct daqiri_txq *q, uint64_t n)
{
	uint64_t end = deadline();

	while (st_good(st) && daqiri_tx_completed(q) < n)
		st_need(st, st_now_ns() < end, "%u of %u frames were completed",
			(unsigned)daqiri_tx_completed(q), (unsigned)n);
}

static void batches(struct st *st, struct lib_opts o, unsigned batch)
{
	unsigned n = 0;
	struct lib l;

	lib_open(st, &l, o);
	for (; n < 2000 && st_good(st); n += batch) {
		lib_send(st, l.tx, n, batch);
		lib_expect(st, l.rx, n, batch);
	}
	if (st_good(st))
		wait_sent(st, l.tx, n);
}

static void batch_1(struct st *st)
{
	batches(st, (struct lib_opts){.depth = 256}, 1);
}

static void batch_32(struct st *st)
{
	batches(st, (struct lib_opts){.depth = 256}, 32);
}

static void batch_64(struct st *st)
{
	batches(st, (struct lib_opts){.depth = 256}, 64);
}

static void ring_wrap(struct st *st)
{
	batches(st, (struct lib_opts){.depth = 64}, 23);
}

static void huge(struct st *st)
{
	batches(st, (struct lib_opts){.kind = "huge", .depth = 256}, 64);
}

/* ---- many queues ---- */

static void rss_send(struct st *st, struct lib *l, unsigned n)
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

static int rss_queue(struct st *st, struct lib *l)
{
	uint64_t end = deadline();
	struct daqiri_pkt pkt;

	while (st_good(st) && st_now_ns() < end) {
		for (unsigned q = 0; q < 4; q++) {
			struct daqiri_rxq *rx = daqiri_rxq_get(l->b, q);

			if (!lib_poll(st, rx, &pkt, 0))
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
	struct lib l;

	lib_open(st, &l, (struct lib_opts){.depth = 64, .queues = 4, .flow = "udp_dst = 5000\n"});
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

static void post_len(struct st *st, struct lib *l, unsigned len, unsigned n)
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
	struct lib l;

	lib_open(st, &l, (struct lib_opts){.depth = 64});
	for (unsigned len = 14; len < 60 && st_good(st); len++) {
		post_len(st, &l, len, len);
		if (!lib_poll(st, l.rx, &pkt, ST_WAIT_MS)) {
			st_need(st, false, "a frame of %u bytes did not arrive", len);
			return;
		}
		st_plain(st, &f, len, len);
		memset(f.b + len, 0, 60 - len);
		f.len = 60;
		judge(st, &pkt, &f);
		daqiri_rx_release(l.rx, 1);
	}
}

static void oversize(struct st *st)
{
	unsigned len = st->a->info.mtu + 14 + 64;
	struct daqiri_pkt pkt;
	struct lib l;

	if (len > 2048) {
		st_skip(st, "an MTU of %u is more than this check sends", st->a->info.mtu);
		return;
	}
	lib_open(st, &l, (struct lib_opts){.depth = 64});
	post_len(st, &l, len, 1);
	st_need(st, !lib_poll(st, l.rx, &pkt, 20), "a frame of %u bytes passed an MTU of %u", len,
		st->a->info.mtu);
	if (!st_good(st))
		return;
	lib_send(st, l.tx, 0, 8);
	lib_expect(st, l.rx, 0, 8);
}

/* ---- errors, counters, events ---- */

static void stopped_queue(struct st *st)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};
	uint64_t end = deadline();
	struct daqiri_pkt pkt;
	struct lib l;

	lib_open(st, &l, (struct lib_opts){.depth = 64, .txqs = 2});
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
	lib_send(st, daqiri_txq_get(l.a, 1), 0, 32);
	lib_expect(st, l.rx, 0, 32);
}

static void open_again(struct st *st)
{
	for (unsigned i = 0; i < 5 && st_good(st); i++) {
		struct lib l;

		lib_open(st, &l, (struct lib_opts){.depth = 64});
		if (!st_good(st))
			return;
		lib_send(st, l.tx, i, 32);
		lib_expect(st, l.rx, i, 32);
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
	struct lib l;

	lib_open(st, &l, (struct lib_opts){.depth = 64});
	if (!st_good(st))
		return;
	for (unsigned n = 0; n < 256; n += 32) {
		lib_send(st, l.tx, n, 32);
		lib_expect(st, l.rx, n, 32);
	}
	for (unsigned n = 0; n < 256; n++)
		bytes += len_of(n);
	if (!st_good(st))
		return;
	wait_sent(st, l.tx, 256);
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
	struct lib l;

	snprintf(port, sizeof(port), "unmatched = queue 0\n");
	lib_open(st, &l,
		 (struct lib_opts){.depth = 64, .flow = "ethertype = 0x88b7\n", .port = port});
	if (!st_good(st))
		return;
	post_len(st, &l, 64, 1);
	for (struct daqiri_pkt pkt; st_good(st);) {
		if (!lib_poll(st, l.rx, &pkt, ST_WAIT_MS)) {
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
	struct lib l;
	int ret;

	lib_open(st, &l, (struct lib_opts){.depth = 64});
	if (!st_good(st))
		return;
	lib_send(st, l.tx, 0, 32);
	lib_expect(st, l.rx, 0, 32);
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
