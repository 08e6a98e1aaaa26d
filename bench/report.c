/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_work.h"
#include "msg.h"
#include "report.h"

typedef unsigned long long ull;

static FILE *out_file(const struct perf_run *run)
{
	const struct perf_options *o = run->plan->options;

	return o->json && !o->json_path ? stderr : stdout;
}

/* ---- at the start ---- */

static void format_addrs(const struct perf_stream *s, char *buf, size_t size)
{
	int family = s->flow.ipv6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(family, s->flow.src_ip, src, sizeof(src));
	inet_ntop(family, s->flow.dst_ip, dst, sizeof(dst));
	snprintf(buf, size, "%s > %s, UDP %u-%u > %u-%u", src, dst, s->udp.src_lo, s->udp.src_hi,
		 s->udp.dst_lo, s->udp.dst_hi);
}

static void format_end(const struct perf_end *end, char *buf, size_t size)
{
	if (end->used)
		snprintf(buf, size, "port %s queue %u", end->port, end->queue);
	else
		snprintf(buf, size, "elsewhere");
}

static void format_load(const struct perf_stream *s, char *buf, size_t size)
{
	char rate[112] = "full speed";
	int len = 0;

	if (s->rate.value > 0)
		len = snprintf(rate, sizeof(rate),
			       s->rate.bits ? "%.10g bit/s (L2)" : "%.10g packets/s",
			       s->rate.value);
	if (s->timed)
		snprintf(rate + len, sizeof(rate) - (size_t)len,
			 ", each %s at its time, given to the NIC %g ms before",
			 s->timed == PERF_TIMED_BATCH ? "batch" : "packet",
			 (double)s->ahead_ns / 1e6);
	if (s->sizes.n == 1)
		snprintf(buf, size, "%u bytes, %s", s->sizes.v[0], rate);
	else
		snprintf(buf, size, "%u sizes from %u bytes on, %s", s->sizes.n, s->sizes.v[0],
			 rate);
}

static void print_stream(FILE *f, const struct perf_run *run, const struct perf_stream *s)
{
	char tx[80], rx[80], load[160], addrs[160];

	format_end(&s->tx, tx, sizeof(tx));
	format_end(&s->rx, rx, sizeof(rx));
	format_load(s, load, sizeof(load));
	if (s->tx.used)
		fprintf(f, "stream %s: %s -> %s, %s\n", s->name, tx, rx, load);
	else
		fprintf(f, "stream %s: %s -> %s\n", s->name, tx, rx);
	if (!run->plan->options->verbose)
		return;
	format_addrs(s, addrs, sizeof(addrs));
	fprintf(f, "  id 0x%04x, %s\n", s->id, addrs);
	if (s->tx.used)
		fprintf(f, "  " PERF_MAC " > " PERF_MAC "\n", PERF_MAC_ARG(s->flow.src_mac),
			PERF_MAC_ARG(s->flow.dst_mac));
}

static void print_forward(FILE *f, const struct perf_stream *s)
{
	char tx[80], rx[80];

	format_end(&s->rx, rx, sizeof(rx));
	format_end(&s->tx, tx, sizeof(tx));
	if (s->tx.used)
		fprintf(f, "stream %s: forwards %s -> %s%s\n", s->name, rx, tx,
			s->mac_swap ? ", MAC addresses swapped" : "");
	else
		fprintf(f, "stream %s: drops %s\n", s->name, rx);
}

static void print_ports(FILE *f, const struct perf_run *run)
{
	struct daqiri_port *port;

	for (unsigned i = 0; (port = daqiri_port_get(run->dq, i)); i++) {
		struct daqiri_port_info p = { .size = sizeof(p) };

		if (daqiri_port_info(port, &p))
			continue;
		fprintf(f, "port %s: %s, " PERF_MAC ", link %s, %g Gb/s, MTU %u%s\n",
			daqiri_port_name(port), p.rdma, PERF_MAC_ARG(p.mac),
			p.link_up ? "up" : "down", (double)p.speed_bps / 1e9, p.mtu,
			p.emulated ? ", emulated" : "");
	}
}

static void print_workers(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_workers; i++) {
		const struct perf_worker *w = &run->workers[i];

		fprintf(f, "thread %s:", w->name);
		for (unsigned k = 0; k < w->n_tx; k++)
			fprintf(f, " send %s %u", w->tx[k]->end.port, w->tx[k]->end.queue);
		for (unsigned k = 0; k < w->n_rx; k++)
			fprintf(f, " receive %s %u", w->rx[k]->end.port, w->rx[k]->end.queue);
		for (unsigned k = 0; k < w->n_fw; k++)
			fprintf(f, " %s %s", w->fw[k]->tx ? "forward" : "drop",
				w->fw[k]->stream->name);
		if (w->core >= 0)
			fprintf(f, ", core %d", w->core);
		fputc('\n', f);
	}
}

/* Frames that are not the CPU's. */
static void print_gpus(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_txqs; i++)
		if (run->txqs[i].gpu)
			fprintf(f, "send queue %u of port %s: frames written on the GPU: %s\n",
				run->txqs[i].end.queue, run->txqs[i].end.port,
				run->txqs[i].gpu->where);
	for (unsigned i = 0; i < run->n_rxqs; i++)
		if (run->rxqs[i].gpu)
			fprintf(f, "receive queue %u of port %s: frames checked on the GPU: %s\n",
				run->rxqs[i].end.queue, run->rxqs[i].end.port,
				run->rxqs[i].gpu->where);
}

void perf_report_start(const struct perf_run *run)
{
	static const char *const verify[] = { "off", "header", "full" };
	const struct perf_plan *plan = run->plan;
	FILE *f = out_file(run);

	fprintf(f, "daqiri-perf %s, %s, verify %s\n", daqiri_version(),
		run->emulated ? "EMULATED ConnectX: no real NIC is used" : "real NIC",
		verify[plan->verify]);
	print_ports(f, run);
	for (unsigned i = 0; i < plan->n_streams; i++)
		print_stream(f, run, &plan->streams[i]);
	for (unsigned i = 0; i < plan->n_forwards; i++)
		print_forward(f, &plan->forwards[i]);
	print_gpus(f, run);
	if (plan->options->verbose) {
		perf_report_queues(f, run);
		print_workers(f, run);
		fprintf(f, "packet memory: %llu bytes\n", (ull)daqiri_config_memory(plan->cfg));
	}
	if (plan->duration_ns)
		fprintf(f, "running for %g s", (double)plan->duration_ns / 1e9);
	else
		fprintf(f, "running until %s", plan->count ? "all is done" : "interrupted");
	if (plan->count)
		fprintf(f, ", %llu packets of each stream", (ull)plan->count);
	fputc('\n', f);
	fflush(f);
}

/* ---- at the end ---- */

void perf_rates_print(FILE *f, double pps, double bps)
{
	/* Slow streams are to be told from none at all. */
	int digits = pps < 100e3 ? 6 : 3;

	fprintf(f, "%.*f Mpps, %.*f Gb/s L2, %.*f Gb/s L1", digits, pps / 1e6, digits, bps / 1e9,
		digits, (bps + pps * PERF_L1_EXTRA * 8) / 1e9);
}

/* One batch has no rate. */
static void print_average(FILE *f, const struct perf_side *side)
{
	double pps = perf_side_pps(side);

	if (side->packets && pps <= 0)
		fprintf(f, "too short to have a rate");
	else
		perf_rates_print(f, pps, perf_side_bps(side, false));
}

static void print_side(FILE *f, const char *name, const struct perf_side *side)
{
	if (!side->used)
		return;
	fprintf(f, "%s  %llu packets, ", name, (ull)side->packets);
	print_average(f, side);
	fprintf(f, ", in %.3f s\n", perf_side_seconds(side));
}

static void print_losses(FILE *f, const struct perf_run *run, const struct perf_totals *t)
{
	const struct perf_options *o = run->plan->options;

	if (!t->loss_known)
		return;
	fprintf(f, "    %llu lost (%.4f %%)%s, %llu corrupt, %llu duplicate, %llu reordered\n",
		(ull)t->lost, t->expected ? (double)t->lost * 100 / (double)t->expected : 0,
		t->total_known ? "" : " up to the last one seen", (ull)t->corrupt,
		(ull)t->duplicates, (ull)t->reordered);
	if (t->missed_before_start)
		fprintf(f,
			"    %llu sent before the first one seen, which are not among the lost%s\n",
			(ull)t->missed_before_start,
			o->have_max_loss ? ": --max-loss allows them" : "");
	if (t->other_stream)
		fprintf(f, "    %llu of other streams\n", (ull)t->other_stream);
	if (t->not_ours)
		fprintf(f, "    %llu not from daqiri-perf\n", (ull)t->not_ours);
}

/* By the streams' times, where any has them. */
static void print_timed(FILE *f, const struct perf_run *run, const struct perf_totals *t)
{
	bool any = false;

	for (unsigned i = 0; i < run->plan->n_streams; i++)
		any |= run->plan->streams[i].timed != PERF_AT_ONCE;
	if (any)
		fprintf(f, "    timed: %llu posted after their time", (ull)t->late);
	if (any && run->plan->latency && run->n_rxqs)
		fprintf(f, ", %llu came before it", (ull)t->early);
	if (any)
		fputc('\n', f);
}

static void print_latency(FILE *f, const struct perf_run *run)
{
	static struct perf_hist h; /* static: it is large */

	if (!run->plan->latency || !run->n_rxqs)
		return;
	perf_latency(run, NULL, &h);
	if (!h.count) {
		fprintf(f, "    no latency: no frame has a time of this host's clock in it\n");
		return;
	}
	fprintf(f, "    latency p50 %.3f, p90 %.3f, p99 %.3f, p99.9 %.3f, max %.3f us\n",
		(double)perf_hist_percentile(&h, 50) / 1e3,
		(double)perf_hist_percentile(&h, 90) / 1e3,
		(double)perf_hist_percentile(&h, 99) / 1e3,
		(double)perf_hist_percentile(&h, 99.9) / 1e3, (double)h.max / 1e3);
}

static void print_work(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_rxqs; i++) {
		const struct perf_rxq *r = &run->rxqs[i];
		const struct perf_gpu_work *w = r->gpu ? r->gpu->work : NULL;

		if (!w)
			continue;
		fprintf(f, "    workload of port %s queue %u: %llu frames packed to %u bytes each",
			r->end.port, r->end.queue, (ull)perf_get(w->frames), w->length);
		if (w->what == PERF_WORK_FFT)
			fprintf(f, ", %llu FFTs of %u points", (ull)perf_get(w->transforms),
				w->length / 8);
		fputc('\n', f);
	}
}

static void print_totals(FILE *f, const struct perf_run *run, const struct perf_totals *t)
{
	print_side(f, "tx", &t->tx);
	print_side(f, "rx", &t->rx);
	print_losses(f, run, t);
}

static void print_queue(FILE *f, const char *what, const struct perf_end *end, uint64_t packets)
{
	fprintf(f, "  %s port %s queue %u: %llu packets\n", what, end->port, end->queue,
		(ull)packets);
}

static void print_details(FILE *f, const struct perf_run *run)
{
	struct perf_totals t;

	for (unsigned i = 0; run->plan->n_streams > 1 && i < run->plan->n_streams; i++) {
		fprintf(f, "stream %s:\n", run->links[i].stream->name);
		perf_link_totals(&run->links[i], &t);
		print_totals(f, run, &t);
	}
	fprintf(f, "queues:\n");
	for (unsigned i = 0; i < run->n_txqs; i++)
		print_queue(f, "tx", &run->txqs[i].end, perf_get(run->txqs[i].packets));
	for (unsigned i = 0; i < run->n_rxqs; i++)
		print_queue(f, "rx", &run->rxqs[i].end, perf_get(run->rxqs[i].packets));
}

static void print_tx_error(FILE *f, const struct perf_end *end, const struct daqiri_txq *q)
{
	struct daqiri_queue_error e = {.size = sizeof(e)};

	if (q && daqiri_txq_error(q, &e) > 0)
		fprintf(f, "tx port %s queue %u: %llu errors, the first: %s\n", end->port,
			end->queue, (ull)e.errors, e.text);
}

static void print_rx_error(FILE *f, const struct perf_end *end, const struct daqiri_rxq *q)
{
	struct daqiri_queue_error e = { .size = sizeof(e) };

	if (daqiri_rxq_error(q, &e) > 0)
		fprintf(f, "rx port %s queue %u: %llu errors, the first: %s\n", end->port,
			end->queue, (ull)e.errors, e.text);
}

static void print_queue_errors(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_txqs; i++)
		print_tx_error(f, &run->txqs[i].end, run->txqs[i].q);
	for (unsigned i = 0; i < run->n_rxqs; i++)
		print_rx_error(f, &run->rxqs[i].end, run->rxqs[i].q);
	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_forward *fw = &run->forwards[i];

		print_rx_error(f, &fw->stream->rx, fw->rx);
		print_tx_error(f, &fw->stream->tx, fw->tx);
	}
}

static void print_forwards(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_forward *fw = &run->forwards[i];
		struct perf_side side = {0};

		perf_forward_side(fw, &side);
		fprintf(f, "%s %s  %llu packets, ", fw->tx ? "forward" : "drop", fw->stream->name,
			(ull)side.packets);
		print_average(f, &side);
		if (fw->tx)
			fprintf(f, ", %llu sent on", (ull)perf_get(fw->sent));
		fprintf(f, ", in %.3f s\n", perf_side_seconds(&side));
	}
}

static void print_sleeps(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_workers; i++) {
		const struct perf_worker *w = &run->workers[i];

		if (w->fds)
			fprintf(f, "    thread %s slept %llu times, %.3f s in all\n", w->name,
				(ull)perf_get(w->sleeps), (double)perf_get(w->slept_ns) / 1e9);
	}
}

void perf_report_end(const struct perf_run *run, const struct perf_result *result)
{
	FILE *f = out_file(run);

	fprintf(f, "---- summary%s%s\n", result->interrupted ? ", interrupted" : "",
		run->emulated ? ", EMULATED ConnectX" : "");
	print_totals(f, run, &result->totals);
	print_timed(f, run, &result->totals);
	print_latency(f, run);
	print_work(f, run);
	print_forwards(f, run);
	print_sleeps(f, run);
	if (run->plan->options->verbose)
		print_details(f, run);
	print_queue_errors(f, run);
	for (unsigned i = 0; i < result->verdict.n; i++)
		fprintf(f, "verdict: %s\n", result->verdict.line[i]);
	if (result->status)
		fprintf(f, "%s: %s\n", result->status == 3 ? "threshold missed" : "FAILED",
			result->why);
	else
		fprintf(f, "passed\n");
	fflush(f);
}
