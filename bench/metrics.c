/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "msg.h"
#include "om.h"
#include "totals.h"

#define EVERY_NS 1000000000u /* where no interval is asked for */

enum { LABELS = 512, STATS = 1024 };

/* ---- what the library counts ------------------------------------------------------------------
 */

static const struct om_kind of_rxq = {OM_COUNTER, "daqiri_rxq_",
				      "Counted by a receive queue: daqiri_stats(3)."};
static const struct om_kind of_txq = {OM_COUNTER, "daqiri_txq_",
				      "Counted by a send queue: daqiri_stats(3)."};
static const struct om_kind of_port = {OM_COUNTER, "daqiri_port_",
				       "Counted by the queues of the port, its NIC (hw, eth) or "
				       "the kernel (net): daqiri_stats(3)."};

/* The only count that falls again: packets that the program has now. */
static bool falls(const char *name)
{
	return !strcmp(name, "kept_out") || !strcmp(name, "rx_kept_out");
}

static void add_stat(struct om *om, const struct om_kind *kind, const char *name,
		     const char *labels, uint64_t value)
{
	struct om_kind now = *kind;

	if (falls(name))
		now.type = OM_GAUGE;
	om_add(om, &now, name, labels, value);
}

/* Stats of a queue are "rx_q0_NAME"; port and queue are labels here. */
static void add_queue(struct om *om, const struct om_kind *kind, const struct daqiri_stat *stats,
		      int n, const struct perf_end *end)
{
	char labels[LABELS] = "", queue[16], skip[24];

	snprintf(queue, sizeof(queue), "%u", end->queue);
	om_label(labels, sizeof(labels), "port", end->port);
	om_label(labels, sizeof(labels), "queue", queue);
	snprintf(skip, sizeof(skip), "_q%u_", end->queue);
	for (int i = 0; i < n && i < STATS; i++) {
		const char *name = strstr(stats[i].name, skip);

		if (name)
			add_stat(om, kind, name + strlen(skip), labels, stats[i].value);
	}
}

static void add_queues(struct om *om, const struct perf_run *run, struct daqiri_stat *stats)
{
	for (unsigned i = 0; i < run->n_rxqs; i++)
		add_queue(om, &of_rxq, stats, daqiri_rxq_stats(run->rxqs[i].q, stats, STATS),
			  &run->rxqs[i].end);
	for (unsigned i = 0; i < run->n_txqs; i++)
		add_queue(om, &of_txq, stats, daqiri_txq_stats(run->txqs[i].q, stats, STATS),
			  &run->txqs[i].end);
}

/* ---- ports ------------------------------------------------------------------------------------
 */

static void add_gauge(struct om *om, const char *name, const char *labels, uint64_t value)
{
	static const struct om_kind kind = {OM_GAUGE, "daqiri_port_",
					    "State of the port now: daqiri_port_info(3)."};

	om_add(om, &kind, name, labels, value);
}

static void add_port_info(struct om *om, const char *port, const struct daqiri_port_info *p)
{
	static const struct om_kind kind = {OM_INFO, "", "What the port is: daqiri_port_info(3)."};
	char labels[LABELS] = "", mac[18];

	snprintf(mac, sizeof(mac), PERF_MAC, PERF_MAC_ARG(p->mac));
	om_label(labels, sizeof(labels), "port", port);
	om_label(labels, sizeof(labels), "rdma_device", p->rdma);
	om_label(labels, sizeof(labels), "pci_address", p->pci);
	om_label(labels, sizeof(labels), "network_interface", p->netdev);
	om_label(labels, sizeof(labels), "mac_address", mac);
	om_label(labels, sizeof(labels), "firmware", p->firmware);
	om_label(labels, sizeof(labels), "emulated", p->emulated ? "true" : "false");
	om_add(om, &kind, "daqiri_port", labels, 1);
}

/* What is not known is left out, not 0. */
static void add_port_state(struct om *om, struct daqiri_port *port, const char *labels)
{
	struct daqiri_port_info p = {.size = sizeof(p)};

	if (daqiri_port_info(port, &p))
		return;
	add_port_info(om, daqiri_port_name(port), &p);
	add_gauge(om, "link_up", labels, p.link_up);
	if (p.speed_bps)
		add_gauge(om, "speed_bits_per_second", labels, p.speed_bps);
	if (p.mtu)
		add_gauge(om, "mtu_bytes", labels, p.mtu);
	if (p.rx_pause >= 0)
		add_gauge(om, "rx_pause_enabled", labels, (uint64_t)p.rx_pause);
	if (p.tx_pause >= 0)
		add_gauge(om, "tx_pause_enabled", labels, (uint64_t)p.tx_pause);
}

static void add_ports(struct om *om, const struct perf_run *run, struct daqiri_stat *stats)
{
	struct daqiri_port *port;

	for (unsigned i = 0; (port = daqiri_port_get(run->dq, i)); i++) {
		char labels[LABELS] = "";
		int n = daqiri_port_stats(port, stats, STATS);

		om_label(labels, sizeof(labels), "port", daqiri_port_name(port));
		for (int k = 0; k < n && k < STATS; k++)
			add_stat(om, &of_port, stats[k].name, labels, stats[k].value);
		add_port_state(om, port, labels);
	}
}

/* ---- streams ----------------------------------------------------------------------------------
 */

static void add_stream(struct om *om, const struct perf_link *link)
{
	static const struct om_kind count = {OM_COUNTER, "daqiri_perf_stream_",
					     "Frames of a stream: daqiri-perf(1)."};
	static const struct om_kind level = {
		OM_GAUGE, "daqiri_perf_stream_",
		"Frames that are missing now; those under way may come yet: daqiri-perf(1)."};
	char labels[LABELS] = "";
	struct perf_totals t;

	perf_link_totals(link, &t);
	om_label(labels, sizeof(labels), "stream", link->stream->name);
	if (t.tx.used) {
		om_add(om, &count, "sent_packets", labels, t.tx.packets);
		om_add(om, &count, "sent_bytes", labels, t.tx.bytes);
	}
	if (!t.rx.used)
		return;
	om_add(om, &count, "received_packets", labels, t.rx.packets);
	om_add(om, &count, "received_bytes", labels, t.rx.bytes);
	om_add(om, &count, "corrupt_packets", labels, t.corrupt);
	om_add(om, &count, "duplicate_packets", labels, t.duplicates);
	om_add(om, &count, "reordered_packets", labels, t.reordered);
	if (t.loss_known)
		om_add(om, &level, "lost_packets", labels, t.lost);
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static bool write_all(const struct perf_run *run, FILE *f)
{
	struct daqiri_stat *stats = calloc(STATS, sizeof(*stats));
	struct om om = {.failed = !stats};
	bool done;

	if (stats) {
		add_queues(&om, run, stats);
		add_ports(&om, run, stats);
		for (unsigned i = 0; i < run->plan->n_streams; i++)
			add_stream(&om, &run->links[i]);
	}
	done = om_write(&om, f);
	om_free(&om);
	free(stats);
	return done;
}

int perf_metrics_write(const struct perf_run *run)
{
	const char *path = run->plan->options->metrics_path;
	char *fresh;
	bool done;
	FILE *f;

	if (!path)
		return 0;
	/* Beside it: a rename must not leave its file system. */
	if (asprintf(&fresh, "%s.%ld", path, (long)getpid()) < 0)
		return perf_fail("--metrics: out of memory");
	f = fopen(fresh, "we");
	done = f && write_all(run, f);
	if (f && fclose(f))
		done = false;
	if (done && rename(fresh, path))
		done = false;
	if (!done) {
		perf_fail("--metrics: cannot write %s: %m", path);
		if (f)
			unlink(fresh);
	}
	free(fresh);
	return done ? 0 : -1;
}

void perf_metrics_tick(struct perf_metrics *m, uint64_t now)
{
	uint64_t every = m->run->plan->interval_ns ? m->run->plan->interval_ns : EVERY_NS;

	if (m->failed || now - m->last < every)
		return;
	m->last = now;
	m->failed = perf_metrics_write(m->run) != 0;
}
