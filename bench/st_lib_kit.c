/* SPDX-License-Identifier: Apache-2.0 */
/* What checks of libdaqiri begin with: a configuration that is opened, numbered frames through it.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "st_lib.h"

#define MAX_LEN 1514u

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

static void put_config(struct text *t, const struct st *st, const struct st_lib_opts *o)
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
	put(t, "[flow %s test]\ntag = %u\nqueue = 0", rx, ST_FLOW_ID);
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

void st_lib_open(struct st *st, struct st_lib *l, struct st_lib_opts o)
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

uint64_t st_lib_deadline(void)
{
	return st_now_ns() + ST_WAIT_MS * 1000000ull;
}

unsigned st_lib_len(unsigned n)
{
	return 60 + n * 37 % (MAX_LEN - 59);
}

void st_lib_send(struct st *st, struct daqiri_txq *q, unsigned first, unsigned n)
{
	struct daqiri_pkt pkts[64];
	uint64_t end = st_lib_deadline();
	struct st_frame f;
	unsigned done = 0;

	while (done < n && st_good(st)) {
		int got = daqiri_tx_reserve(q, pkts, (int)(n - done)), posted;

		st_need(st, got >= 0, "daqiri_tx_reserve: %s", daqiri_error_detail());
		for (int i = 0; i < got; i++) {
			st_plain(st, &f, st_lib_len(first + done + (unsigned)i),
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

bool st_lib_poll(struct st *st, struct daqiri_rxq *q, struct daqiri_pkt *pkt, unsigned ms)
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

void st_lib_judge(struct st *st, const struct daqiri_pkt *pkt, const struct st_frame *f)
{
	st_need(st, pkt->len == f->len, "a frame of %u bytes came as %u", f->len, pkt->len);
	st_need(st, !memcmp((void *)(uintptr_t)pkt->addr, f->b, f->len),
		"a frame of %u bytes is not what was sent", f->len);
	st_need(st, daqiri_key_flow(pkt->key) == ST_FLOW_ID, "flow id %u, not %u",
		daqiri_key_flow(pkt->key), ST_FLOW_ID);
}

void st_lib_expect(struct st *st, struct daqiri_rxq *q, unsigned first, unsigned n)
{
	struct daqiri_pkt pkts[64];
	uint64_t end = st_lib_deadline();
	unsigned done = 0;
	struct st_frame f;

	while (done < n && st_good(st)) {
		int got = daqiri_rx_poll(q, pkts, (int)(n - done < 64 ? n - done : 64));

		st_need(st, got >= 0, "daqiri_rx_poll: %s", daqiri_error_detail());
		for (int i = 0; i < got && st_good(st); i++, done++) {
			st_plain(st, &f, st_lib_len(first + done), first + done);
			st_lib_judge(st, &pkts[i], &f);
		}
		if (got > 0)
			daqiri_rx_release(q, got);
		else
			sched_yield();
		st_need(st, done == n || st_now_ns() < end, "%u of %u frames came in %d ms", done,
			n, ST_WAIT_MS);
	}
}

void st_lib_wait_sent(struct st *st, struct daqiri_txq *q, uint64_t n)
{
	uint64_t end = st_lib_deadline();

	while (st_good(st) && daqiri_tx_completed(q) < n)
		st_need(st, st_now_ns() < end, "%u of %u frames were completed",
			(unsigned)daqiri_tx_completed(q), (unsigned)n);
}
