/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams with role = forward or drop: what comes is sent on from where it lies, or given back at
 * once. No frame is looked at, but for its MAC addresses where they are swapped.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "gpu.h"
#include "msg.h"
#include "run.h"

/* How far ahead a frame's first bytes are fetched, if they are to be changed. */
#define AHEAD 8

/* ---- the worker ---- */

static void swap_macs(const struct daqiri_pkt *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t *frame = (uint8_t *)(uintptr_t)pkts[i].addr, dst[6];

		if (i + AHEAD < n)
			__builtin_prefetch((void *)(uintptr_t)pkts[i + AHEAD].addr, 1);
		memcpy(dst, frame, 6);
		memmove(frame, frame + 6, 6);
		memcpy(frame + 6, dst, 6);
	}
}

static void count(struct perf_forward *f, const struct daqiri_pkt *pkts, unsigned n, uint64_t now)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += pkts[i].len;
	if (!perf_get(f->packets)) {
		perf_set(f->first_ns, now);
		perf_set(f->first_n, n);
	}
	perf_set(f->last_ns, now);
	perf_add(f->packets, n);
	perf_add(f->bytes, bytes);
}

/* What the NIC has sent goes back to the receive ring, in the order in which it came. */
static void give_back(struct perf_forward *f)
{
	uint64_t done = daqiri_tx_completed(f->tx);

	if (done == f->released)
		return;
	daqiri_rx_release(f->rx, (int)(done - f->released));
	f->released = done;
	perf_set(f->sent, done);
}

static int take(struct perf_forward *f, uint64_t now)
{
	int n = daqiri_rx_poll(f->rx, f->pkts, (int)f->stream->batch);

	if (n <= 0)
		return n;
	count(f, f->pkts, (unsigned)n, now);
	if (!f->tx) {
		daqiri_rx_release(f->rx, n);
		return n;
	}
	if (f->stream->mac_swap)
		swap_macs(f->pkts, (unsigned)n);
	for (int i = 0; !f->has_keys && i < n; i++)
		f->pkts[i].key = f->key;
	f->next = 0;
	f->left = (unsigned)n;
	return n;
}

bool perf_forward_step(struct perf_forward *f, uint64_t now)
{
	int n = 0;

	if (perf_get(f->error))
		return false;
	if (f->tx)
		give_back(f);
	/* What found no room in the send ring goes first. */
	if (!f->left)
		n = take(f, now);
	if (n >= 0 && f->left) {
		n = daqiri_tx_post(f->tx, f->pkts + f->next, (int)f->left);
		f->next += n > 0 ? (unsigned)n : 0;
		f->left -= n > 0 ? (unsigned)n : 0;
	}
	if (n < 0)
		perf_set(f->error, n);
	return n > 0;
}

/* ---- make and free ---- */

/* With key = forward the library has written the keys already, if it is for this port. */
static int find_key(const struct perf_run *run, struct perf_forward *f)
{
	const struct perf_stream *s = f->stream;
	struct daqiri_rxq_info info = { .size = sizeof(info) };
	char section[2 * PERF_NAME], want[2 * PERF_NAME];
	const char *key;
	int ret;

	snprintf(section, sizeof(section), "rxq %s %u", s->rx.port, s->rx.queue);
	snprintf(want, sizeof(want), "forward %s", s->tx.port);
	key = daqiri_config_get(run->plan->cfg, section, "key");
	f->has_keys = key && !strcmp(key, want);
	if (f->has_keys)
		return 0;
	ret = daqiri_rxq_info(f->rx, &info);
	if (!ret)
		ret = daqiri_region_key(info.region, daqiri_port_find(run->dq, s->tx.port),
					&f->key);
	return ret ? perf_fail_library(ret) : 0;
}

static int pick_core(const struct perf_run *run, struct perf_forward *f)
{
	const struct perf_stream *s = f->stream;
	struct daqiri_rxq_info info = { .size = sizeof(info) };
	struct daqiri_txq_info out = { .size = sizeof(out) };

	if (daqiri_rxq_info(f->rx, &info))
		return -1;
	if (s->mac_swap && perf_gpu_only(info.region))
		return perf_fail_at((struct perf_place){ run->plan->cfg, s->section, "mac_swap" },
				    "its packets are on a GPU, where no CPU can swap addresses");
	if (perf_gpu_only(info.region) && f->tx && !daqiri_txq_info(f->tx, &out) && out.src_mac)
		return perf_fail_at((struct perf_place){ run->plan->cfg, s->section, "tx" },
				    "the queue has src_mac = port, and the packets are on a GPU, where "
				    "no CPU can write addresses");
	f->core = s->core >= 0 ? s->core : perf_own_core(run, &s->rx, "rxq", info.cpu_core);
	return 0;
}

static int fill(struct perf_run *run, struct perf_forward *f)
{
	const struct perf_stream *s = f->stream;
	const struct perf_place at = { run->plan->cfg, s->section, s->tx.used ? "tx" : "rx" };

	f->run = run;
	f->rx = daqiri_rxq_get(daqiri_port_find(run->dq, s->rx.port), s->rx.queue);
	if (s->tx.used)
		f->tx = daqiri_txq_get(daqiri_port_find(run->dq, s->tx.port), s->tx.queue);
	if (!f->rx || (s->tx.used && !f->tx))
		return perf_fail_at(at, "no such queue");
	f->pkts = calloc(s->batch, sizeof(*f->pkts));
	if (!f->pkts)
		return perf_fail("out of memory");
	if (f->tx && find_key(run, f))
		return -1;
	return pick_core(run, f);
}

int perf_forwards_make(struct perf_run *run)
{
	const struct perf_plan *plan = run->plan;

	run->forwards = calloc(plan->n_forwards + 1, sizeof(*run->forwards));
	if (!run->forwards)
		return perf_fail("out of memory");
	for (unsigned i = 0; i < plan->n_forwards; i++) {
		run->forwards[i].stream = &plan->forwards[i];
		run->n_forwards++;
		if (fill(run, &run->forwards[i]))
			return -1;
	}
	return 0;
}

void perf_forwards_free(struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_forwards; i++)
		free(run->forwards[i].pkts);
	free(run->forwards);
}

/* ---- the main thread ---- */

bool perf_forwards_own(const struct perf_run *run, const struct perf_end *rx)
{
	const struct perf_plan *plan = run->plan;

	for (unsigned i = 0; i < plan->n_forwards; i++)
		if (perf_same_end(&plan->forwards[i].rx, rx))
			return true;
	return false;
}

bool perf_forwards_over(const struct perf_run *run, uint64_t now)
{
	const struct perf_plan *plan = run->plan;
	uint64_t packets = UINT64_MAX;

	/* Others decide when all is over, and then nothing more comes. */
	if (plan->n_streams)
		return true;
	for (unsigned i = 0; i < run->n_forwards; i++)
		if (perf_get(run->forwards[i].packets) < packets)
			packets = perf_get(run->forwards[i].packets);
	return (plan->duration_ns && now - run->start_ns >= plan->duration_ns) ||
	       (plan->count && packets >= plan->count);
}
