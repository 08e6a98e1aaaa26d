/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "gpu_work.h"
#include "json.h"
#include "msg.h"

int perf_json_try(const struct perf_options *o)
{
	FILE *f;

	if (!o->json_path)
		return 0;
	/* A run that fails must not leave the document of an earlier one. */
	f = fopen(o->json_path, "w");
	if (!f)
		return perf_fail("--json: cannot write %s: %m", o->json_path);
	fclose(f);
	return 0;
}

#ifdef HAVE_JANSSON
#include <jansson.h>

bool perf_json_built(void)
{
	return true;
}

static json_t *count(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *side_json(const struct perf_side *side)
{
	return json_pack("{s:o, s:o, s:f, s:f, s:f, s:f}", "packets", count(side->packets), "bytes",
			 count(side->bytes), "packets_per_second", perf_side_pps(side),
			 "bits_per_second", perf_side_bps(side, false), "l1_bits_per_second",
			 perf_side_bps(side, true), "duration_seconds", perf_side_seconds(side));
}

/* null where nobody here receives. */
static json_t *lost_json(const struct perf_totals *t)
{
	return t->loss_known ? count(t->lost) : json_null();
}

static json_t *latency_json(const struct perf_run *run, const struct perf_link *link)
{
	static struct perf_hist h; /* static: it is large */

	if (!run->plan->latency)
		return json_null();
	perf_latency(run, link, &h);
	if (!h.count)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "samples", count(h.count), "min",
			 count(h.min), "p50", count(perf_hist_percentile(&h, 50)), "p90",
			 count(perf_hist_percentile(&h, 90)), "p99",
			 count(perf_hist_percentile(&h, 99)), "p99_9",
			 count(perf_hist_percentile(&h, 99.9)), "max", count(h.max));
}

static void add_losses(json_t *doc, const struct perf_totals *t)
{
	json_object_set_new(doc, "lost_packets", lost_json(t));
	json_object_set_new(doc, "missed_before_start_packets", count(t->missed_before_start));
	json_object_set_new(doc, "corrupt_packets", count(t->corrupt));
	json_object_set_new(doc, "duplicate_packets", count(t->duplicates));
	json_object_set_new(doc, "reordered_packets", count(t->reordered));
	json_object_set_new(doc, "late_packets", count(t->late));
	json_object_set_new(doc, "early_packets", count(t->early));
}

static json_t *streams_json(const struct perf_run *run)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		const struct perf_link *link = &run->links[i];
		struct perf_totals t;
		json_t *one;

		perf_link_totals(link, &t);
		one = json_pack("{s:s, s:i, s:o, s:o, s:o}", "name", link->stream->name, "id",
				link->stream->id, "tx", side_json(&t.tx), "rx", side_json(&t.rx),
				"latency_nanoseconds", latency_json(run, link));
		add_losses(one, &t);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *forwards_json(const struct perf_run *run)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_forward *f = &run->forwards[i];
		struct perf_side side = {0};
		json_t *one;

		perf_forward_side(f, &side);
		one = side_json(&side);
		json_object_set_new(one, "name", json_string(f->stream->name));
		json_object_set_new(one, "role", json_string(f->tx ? "forward" : "drop"));
		json_object_set_new(one, "sent_packets",
				    f->tx ? count(perf_get(f->sent)) : json_null());
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *queue_json(const char *direction, const struct perf_end *end, uint64_t packets,
			  uint64_t bytes)
{
	return json_pack("{s:s, s:s, s:i, s:o, s:o}", "direction", direction, "port", end->port,
			 "queue", (int)end->queue, "packets", count(packets), "bytes",
			 count(bytes));
}

static json_t *queues_json(const struct perf_run *run)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < run->n_txqs; i++) {
		const struct perf_txq *t = &run->txqs[i];

		json_array_append_new(
			list, queue_json("tx", &t->end, perf_get(t->packets), perf_get(t->bytes)));
	}
	for (unsigned i = 0; i < run->n_rxqs; i++) {
		const struct perf_rxq *r = &run->rxqs[i];
		json_t *one = queue_json("rx", &r->end, perf_get(r->packets), perf_get(r->bytes));

		json_object_set_new(one, "corrupt_packets", count(perf_get(r->corrupt)));
		json_object_set_new(one, "other_stream_packets", count(perf_get(r->other_stream)));
		json_object_set_new(one, "foreign_packets", count(perf_get(r->not_ours)));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *ports_json(const struct perf_run *run)
{
	json_t *list = json_array();
	struct daqiri_port *port;

	for (unsigned i = 0; (port = daqiri_port_get(run->dq, i)); i++) {
		struct daqiri_port_info p = { .size = sizeof(p) };
		char mac[18];

		if (daqiri_port_info(port, &p))
			continue;
		snprintf(mac, sizeof(mac), PERF_MAC, PERF_MAC_ARG(p.mac));
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "name",
					daqiri_port_name(port), "rdma_device", p.rdma,
					"pci_address", p.pci, "network_interface", p.netdev,
					"mac_address", mac, "emulated", p.emulated, "link_up",
					p.link_up, "speed_bits_per_second", count(p.speed_bps),
					"mtu_bytes", count(p.mtu)));
	}
	return list;
}

static void add_sleeps(json_t *doc, const struct perf_run *run)
{
	uint64_t sleeps = 0, ns = 0;

	for (unsigned i = 0; i < run->n_workers; i++) {
		sleeps += perf_get(run->workers[i].sleeps);
		ns += perf_get(run->workers[i].slept_ns);
	}
	json_object_set_new(doc, "sleeps", count(sleeps));
	json_object_set_new(doc, "slept_seconds", json_real((double)ns / 1e9));
}

static void add_workload(json_t *doc, const struct perf_run *run)
{
	static const char *const names[] = { "none", "fft", "copy" };
	uint64_t frames = 0, transforms = 0;

	for (unsigned i = 0; i < run->n_rxqs; i++) {
		const struct perf_gpu_queue *q = run->rxqs[i].gpu;

		frames += q && q->work ? perf_get(q->work->frames) : 0;
		transforms += q && q->work ? perf_get(q->work->transforms) : 0;
	}
	json_object_set_new(doc, "workload", json_string(names[run->plan->workload]));
	json_object_set_new(doc, "workload_packets", count(frames));
	json_object_set_new(doc, "workload_transforms", count(transforms));
}

/* null where it is not UTF-8, which a document must be. */
static json_t *path_json(const char *path)
{
	json_t *text = json_string(path);

	return text ? text : json_null();
}

static json_t *document(const struct perf_run *run, const struct perf_result *r)
{
	static const char *const verify[] = { "off", "header", "full" };
	const struct perf_totals *t = &r->totals;
	json_t *words = json_array(), *doc;

	for (unsigned i = 0; i < r->verdict.n; i++)
		json_array_append_new(words, json_string(r->verdict.line[i]));
	doc = json_pack("{s:i, s:s, s:s, s:o, s:b, s:b, s:s, s:f, s:o, s:o}", "schema", 1,
			"program", "daqiri-perf", "version", daqiri_version(), "config",
			path_json(run->plan->options->config), "emulated", run->emulated,
			"interrupted", r->interrupted, "verify", verify[run->plan->verify],
			"duration_seconds", perf_totals_seconds(t), "tx", side_json(&t->tx), "rx",
			side_json(&t->rx));
	add_losses(doc, t);
	json_object_set_new(doc, "other_stream_packets", count(t->other_stream));
	json_object_set_new(doc, "foreign_packets", count(t->not_ours));
	json_object_set_new(doc, "latency_nanoseconds", latency_json(run, NULL));
	add_sleeps(doc, run);
	add_workload(doc, run);
	json_object_set_new(doc, "streams", streams_json(run));
	json_object_set_new(doc, "forwards", forwards_json(run));
	json_object_set_new(doc, "queues", queues_json(run));
	json_object_set_new(doc, "ports", ports_json(run));
	json_object_set_new(doc, "verdicts", words);
	json_object_set_new(doc, "exit_status", count((uint64_t)r->status));
	json_object_set_new(doc, "reason", *r->why ? json_string(r->why) : json_null());
	return doc;
}

int perf_json_write(const struct perf_run *run, const struct perf_result *result)
{
	const char *path = run->plan->options->json_path;
	json_t *doc = document(run, result);
	FILE *f = stdout;
	int ret;

	if (!doc)
		return perf_fail("--json: out of memory");
	if (path)
		f = fopen(path, "w");
	ret = f ? json_dumpf(doc, f, JSON_INDENT(2)) : -1;
	if (!ret && (fputc('\n', f) == EOF || fflush(f)))
		ret = -1;
	json_decref(doc);
	if (ret)
		perf_fail("--json: cannot write %s: %m", path ? path : "to standard output");
	if (f && path && fclose(f) && !ret)
		ret = perf_fail("--json: cannot write %s: %m", path);
	return ret;
}

#else

bool perf_json_built(void)
{
	return false;
}

int perf_json_write(const struct perf_run *run, const struct perf_result *result)
{
	(void)run;
	(void)result;
	return perf_fail("--json: this daqiri-perf was built without jansson");
}

#endif
