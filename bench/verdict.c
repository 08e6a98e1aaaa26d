/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "verdict.h"

/* ---- counters ---- */

static void take(struct perf_counters *c, struct daqiri_port *port)
{
	int n = daqiri_port_stats(port, NULL, 0);

	c->port = port;
	c->stats = n > 0 ? calloc((size_t)n, sizeof(*c->stats)) : NULL;
	c->n = c->stats ? daqiri_port_stats(port, c->stats, n) : 0;
	if (c->n > n)
		c->n = n;
}

void perf_before_take(struct perf_before *b, const struct perf_run *run)
{
	unsigned n = 0;

	memset(b, 0, sizeof(*b));
	while (daqiri_port_get(run->dq, n))
		n++;
	b->ports = calloc(n + 1, sizeof(*b->ports));
	if (!b->ports)
		return;
	for (; b->n < n; b->n++)
		take(&b->ports[b->n], daqiri_port_get(run->dq, b->n));
}

void perf_before_free(struct perf_before *b)
{
	for (unsigned i = 0; i < b->n; i++)
		free(b->ports[i].stats);
	free(b->ports);
	memset(b, 0, sizeof(*b));
}

static uint64_t value_of(const struct perf_counters *c, const char *name)
{
	for (int i = 0; i < c->n; i++)
		if (!strcmp(c->stats[i].name, name))
			return c->stats[i].value;
	return 0;
}

/* What a counter of a port has gained since the run began. */
static uint64_t gained(const struct perf_before *b, struct daqiri_port *port, const char *name)
{
	struct perf_counters after;
	uint64_t before = 0, now;

	for (unsigned i = 0; i < b->n; i++)
		if (b->ports[i].port == port)
			before = value_of(&b->ports[i], name);
	take(&after, port);
	now = value_of(&after, name);
	free(after.stats);
	return now > before ? now - before : 0;
}

/* ---- one stream ---- */

/* What a stream is judged by. */
struct subject {
	const struct perf_run *run;
	const struct perf_before *before;
	const struct perf_link *link;
	struct perf_totals totals;
	struct perf_verdict *out;
	struct daqiri_port_info tx, rx; /* of its ports; size 0: that end is elsewhere */
	struct daqiri_port *rx_port;
};

static void add(struct subject *s, const char *prefix, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* What is said of a port already is not said again for its next stream. */
static void add(struct subject *s, const char *prefix, const char *fmt, va_list ap)
{
	struct perf_verdict *out = s->out;
	size_t used;
	char *line;

	if (out->n == PERF_VERDICTS)
		return;
	line = out->line[out->n];
	used = (size_t)snprintf(line, sizeof(out->line[0]), "[%s] ", prefix);
	vsnprintf(line + used, sizeof(out->line[0]) - used, fmt, ap);
	for (unsigned i = 0; i < out->n; i++)
		if (!strcmp(out->line[i], line))
			return;
	out->n++;
}

static void say(struct subject *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct subject *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(s, s->link->stream->section, fmt, ap);
	va_end(ap);
}

/* Of a port as a whole. */
static void say_port(struct subject *s, const struct perf_end *end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say_port(struct subject *s, const struct perf_end *end, const char *fmt, ...)
{
	char prefix[PERF_NAME + 8];
	va_list ap;

	snprintf(prefix, sizeof(prefix), "port %s", end->port);
	va_start(ap, fmt);
	add(s, prefix, fmt, ap);
	va_end(ap);
}

static bool judge_link(struct subject *s, const struct perf_end *end,
		       const struct daqiri_port_info *info)
{
	if (!info->size || info->link_up)
		return false;
	say_port(s, end, "no carrier: check the cable of %s, and its peer", info->rdma);
	return true;
}

static bool judge_carrier(struct subject *s)
{
	bool down = judge_link(s, &s->link->stream->tx, &s->tx);

	return judge_link(s, &s->link->stream->rx, &s->rx) || down;
}

static uint64_t txq_stat(const struct perf_txq *t, const char *what)
{
	struct daqiri_stat stats[16];
	int n = daqiri_txq_stats(t->q, stats, 16);

	for (int i = 0; i < n && i < 16; i++) {
		const char *last = strrchr(stats[i].name, '_');

		if (last && !strcmp(last + 1, what))
			return stats[i].value;
	}
	return 0;
}

static bool judge_sending(struct subject *s)
{
	const struct perf_txq *t = s->link->txq;
	struct daqiri_queue_error err = { .size = sizeof(err) };
	uint64_t packets, completed;

	if (!t)
		return false;
	if (daqiri_txq_error(t->q, &err) > 0) {
		say(s, "send queue %u of port %s met an error: %s", t->end.queue, t->end.port,
		    err.text);
		return true;
	}
	packets = txq_stat(t, "packets");
	completed = txq_stat(t, "completed");
	if (!packets)
		say(s, "nothing was sent: send queue %u of port %s took no frame", t->end.queue,
		    t->end.port);
	else if (completed < packets)
		say(s, "the NIC has read only %llu of %llu frames of send queue %u of port %s",
		    (unsigned long long)completed, (unsigned long long)packets, t->end.queue,
		    t->end.port);
	return !packets || completed < packets;
}

static bool judge_mtu(struct subject *s)
{
	const struct perf_stream *st = s->link->stream;
	uint32_t head = st->flow.vlan >= 0 ? 18 : 14, longest = 0;
	uint64_t over = gained(s->before, s->rx_port, "net_rx_length_errors");

	for (unsigned i = 0; s->link->sender && i < st->sizes.n; i++)
		if (st->sizes.v[i] > longest)
			longest = st->sizes.v[i];
	if (!over && (!s->rx.mtu || longest <= s->rx.mtu + head))
		return false;
	if (longest > s->rx.mtu + head)
		say(s,
		    "MTU: frames of %u bytes are above the MTU %u of port %s (%u bytes fit): set "
		    "[port %s] mtu, or send shorter ones",
		    longest, s->rx.mtu, st->rx.port, s->rx.mtu + head, st->rx.port);
	else
		say(s, "MTU: port %s dropped %llu frames above its MTU %u: set [port %s] mtu",
		    st->rx.port, (unsigned long long)over, s->rx.mtu, st->rx.port);
	return true;
}

/* Whether it is the address of a port that sends on what comes, and where it goes from there. */
static bool goes_to_forwarder(const struct perf_run *run, const uint8_t *to)
{
	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_end *rx = &run->forwards[i].stream->rx;
		struct daqiri_port_info info = {.size = sizeof(info)};

		if (!daqiri_port_info(daqiri_port_find(run->dq, rx->port), &info) &&
		    !memcmp(info.mac, to, 6))
			return true;
	}
	return false;
}

static bool judge_mac(struct subject *s)
{
	const struct perf_stream *st = s->link->stream;
	const uint8_t *to = st->flow.dst_mac, *is = s->rx.mac;

	if (!s->link->sender || to[0] & 1 || !memcmp(to, is, 6) || goes_to_forwarder(s->run, to))
		return false;
	say(s, "destination MAC: frames go to " PERF_MAC ", port %s has " PERF_MAC ": set dst_mac",
	    PERF_MAC_ARG(to), st->rx.port, PERF_MAC_ARG(is));
	return true;
}

static bool judge_arrivals(struct subject *s)
{
	const struct perf_end *end = &s->link->stream->rx;
	uint64_t full = gained(s->before, s->rx_port, "hw_out_of_buffer");
	uint64_t kernel = gained(s->before, s->rx_port, "net_rx_packets");
	/* A few frames for the kernel are on any network, and explain nothing. */
	bool missed = kernel && (kernel >= s->totals.lost / 2 || !s->totals.rx.packets);

	if (full)
		say_port(s, end,
			 "out of buffer: %llu frames arrived while their receive queue had no free "
			 "buffer: the receiver was too slow (raise [rxq] depth, give it a core, or "
			 "send with -r)",
			 (unsigned long long)full);
	if (missed)
		say_port(s, end,
			 "flow miss: %llu frames arrived and went to the kernel, as no [flow %s …] "
			 "matches",
			 (unsigned long long)kernel, end->port);
	return full || missed;
}

static bool judge_strangers(struct subject *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->run->n_rxqs; i++) {
		const struct perf_rxq *r = &s->run->rxqs[i];
		uint64_t other = perf_get(r->other_stream), foreign = perf_get(r->not_ours);

		if (r->port != s->rx_port || s->totals.rx.packets)
			continue;
		if (other)
			say_port(s, &r->end,
				 "queue %u got %llu frames of a stream that is not received here "
				 "(id 0x%04llx): the names of [stream]s must agree on both sides",
				 r->end.queue, (unsigned long long)other,
				 (unsigned long long)perf_get(r->other_id));
		if (foreign)
			say_port(s, &r->end,
				 "queue %u got %llu frames that daqiri-perf did not send",
				 r->end.queue, (unsigned long long)foreign);
		any |= other || foreign;
	}
	return any;
}

static void judge_none(struct subject *s)
{
	const struct perf_stream *st = s->link->stream;

	if (s->totals.missed_before_start) {
		say(s, "the sender was done, with %llu frames, before anything was received",
		    (unsigned long long)s->totals.missed_before_start);
		return;
	}
	say(s,
	    "no counter of port %s (%s, " PERF_MAC ") shows that anything arrived: check that the "
	    "sender runs, that it sends to this MAC address, and the cable",
	    st->rx.port, s->rx.rdma, PERF_MAC_ARG(s->rx.mac));
}

static void judge(struct subject *s)
{
	bool explained = judge_carrier(s);

	explained |= judge_sending(s);
	if (!s->rx.size)
		return;
	explained |= judge_mtu(s);
	/* Judged by MAC only where nothing came: a flow may take any address. */
	if (!s->totals.rx.packets)
		explained |= judge_mac(s);
	explained |= judge_arrivals(s);
	explained |= judge_strangers(s);
	if (explained)
		return;
	if (!s->totals.rx.packets)
		judge_none(s);
	else
		say(s,
		    "no counter of port %s accounts for the lost frames: they went lost on the "
		    "way; look at the sender's and the switches' counters",
		    s->link->stream->rx.port);
}

/* Whether there is anything to explain. */
static bool in_trouble(const struct perf_link *link, const struct perf_totals *t)
{
	if (link->n)
		return t->lost || !t->rx.packets;
	return link->sender && link->txq &&
	       (!t->tx.packets ||
		txq_stat(link->txq, "completed") < txq_stat(link->txq, "packets"));
}

/* A queue of a stream that forwards or drops. */
static void judge_forward(struct subject *s, const struct perf_forward *fw)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};
	const struct perf_stream *st = fw->stream;

	if (daqiri_rxq_error(fw->rx, &err) > 0)
		say(s, "receive queue %u of port %s met an error: %s", st->rx.queue, st->rx.port,
		    err.text);
	if (fw->tx && daqiri_txq_error(fw->tx, &err) > 0)
		say(s, "send queue %u of port %s met an error: %s", st->tx.queue, st->tx.port,
		    err.text);
}

static void judge_forwards(const struct perf_run *run, struct perf_verdict *out)
{
	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_link link = {.stream = run->forwards[i].stream};
		struct subject s = {.run = run, .link = &link, .out = out};

		judge_forward(&s, &run->forwards[i]);
	}
}

void perf_verdict(const struct perf_run *run, const struct perf_before *b, struct perf_verdict *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		struct subject s = { .run = run, .before = b, .link = &run->links[i], .out = out };
		const struct perf_stream *st = s.link->stream;
		struct daqiri_port_info info = { .size = sizeof(info) };

		perf_link_totals(s.link, &s.totals);
		if (s.link->txq && !daqiri_port_info(s.link->txq->port, &info))
			s.tx = info;
		s.rx_port = st->rx.used ? daqiri_port_find(run->dq, st->rx.port) : NULL;
		if (s.rx_port && !daqiri_port_info(s.rx_port, &info))
			s.rx = info;
		if (in_trouble(s.link, &s.totals))
			judge(&s);
		else
			judge_carrier(&s);
	}
	judge_forwards(run, out);
}
