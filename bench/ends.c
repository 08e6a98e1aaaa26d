/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu.h"
#include "msg.h"
#include "run.h"

static struct perf_place place(const struct perf_run *run, const char *section, const char *key)
{
	return (struct perf_place){ run->plan->cfg, section, key };
}

static struct perf_txq *find_txq(struct perf_run *run, const struct perf_end *end)
{
	for (unsigned i = 0; i < run->n_txqs; i++)
		if (perf_same_end(&run->txqs[i].end, end))
			return &run->txqs[i];
	return NULL;
}

static struct perf_rxq *find_rxq(struct perf_run *run, const struct perf_end *end)
{
	for (unsigned i = 0; i < run->n_rxqs; i++)
		if (perf_same_end(&run->rxqs[i].end, end))
			return &run->rxqs[i];
	return NULL;
}

/* The core that a queue names, unless a thread of the library is pinned to it. */
int perf_own_core(const struct perf_run *run, const struct perf_end *end, const char *kind,
		  int core)
{
	char section[2 * PERF_NAME];
	const char *mode;

	snprintf(section, sizeof(section), "%s %s %u", kind, end->port, end->queue);
	mode = daqiri_config_get(run->plan->cfg, section, "mode");
	return mode && !strcmp(mode, "worker") ? -1 : core;
}

/* ---- send queues ---- */

static int add_txq(struct perf_run *run, const struct perf_stream *s)
{
	struct perf_txq *t = find_txq(run, &s->tx);
	struct daqiri_txq_info info = { .size = sizeof(info) };

	if (!t) {
		t = &run->txqs[run->n_txqs++];
		t->run = run;
		t->end = s->tx;
		t->core = -1;
		t->port = daqiri_port_find(run->dq, s->tx.port);
		t->q = daqiri_txq_get(t->port, s->tx.queue);
		if (!t->q || daqiri_txq_info(t->q, &info))
			return perf_fail_at(place(run, s->section, "tx"), "no such queue");
		t->depth = info.depth;
		t->buf_size = info.buf_size + info.payload_size;
		if (!info.region)
			return perf_fail_at(place(run, s->section, "tx"),
					    "the queue has no region to build frames in");
	}
	t->n_senders++;
	if (s->batch > t->max_batch)
		t->max_batch = s->batch;
	/* perf_plan_judge(): they name the same one. */
	if (s->core >= 0)
		t->core = s->core;
	return 0;
}

/* A GPU builds frames that are posted later. */
static int judge_timed(const struct perf_run *run, const struct perf_txq *t)
{
	for (unsigned i = 0; i < t->n_senders; i++) {
		const struct perf_stream *s = t->senders[i].stream;

		if (s->timed && t->gpu)
			return perf_fail_at(place(run, s->section, "timed"),
					    "[txq %s %u] has frames that a GPU builds: give it one "
					    "region of the CPU",
					    t->end.port, t->end.queue);
	}
	return 0;
}

static int fill_sender(struct perf_sender *s, const struct perf_link *link)
{
	const struct perf_stream *stream = link->stream;

	s->stream = stream;
	s->link = link;
	s->headers = calloc(stream->sizes.n, sizeof(*s->headers));
	if (!s->headers)
		return perf_fail("out of memory");
	for (unsigned i = 0; i < stream->sizes.n; i++)
		perf_headers_build(&s->headers[i], &stream->flow, stream->sizes.v[i]);
	return 0;
}

static int fill_txq(struct perf_run *run, struct perf_txq *t)
{
	struct daqiri_txq_info info = { .size = sizeof(info) };

	if (daqiri_txq_info(t->q, &info))
		return perf_fail("%s", daqiri_error_detail());
	if (t->core < 0)
		t->core = perf_own_core(run, &t->end, "txq", info.cpu_core);
	t->senders = aligned_alloc(64, ((t->n_senders * sizeof(*t->senders)) + 63) & ~(size_t)63);
	t->pkts = calloc(t->max_batch, sizeof(*t->pkts));
	if (!t->senders || !t->pkts)
		return perf_fail("out of memory");
	memset(t->senders, 0, t->n_senders * sizeof(*t->senders));
	t->n_senders = 0;
	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		struct perf_link *link = &run->links[i];

		if (!link->stream->tx.used || !perf_same_end(&link->stream->tx, &t->end))
			continue;
		link->txq = t;
		link->sender = &t->senders[t->n_senders++];
		if (fill_sender(link->sender, link))
			return -1;
	}
	if (perf_gpu_txq_make(t) || judge_timed(run, t))
		return -1;
	return info.payload_region && !t->gpu
		       ? perf_parts_make(&t->parts, t->max_batch, t->buf_size)
		       : 0;
}

/* ---- receive queues ---- */

static struct perf_rxq *new_rxq(struct perf_run *run, const struct perf_end *end)
{
	struct perf_rxq *r = &run->rxqs[run->n_rxqs];
	struct daqiri_rxq_info info = { .size = sizeof(info) };

	r->run = run;
	r->end = *end;
	r->core = -1;
	r->port = daqiri_port_find(run->dq, end->port);
	r->q = daqiri_rxq_get(r->port, end->queue);
	if (!r->q || daqiri_rxq_info(r->q, &info))
		return NULL;
	r->depth = info.depth;
	run->n_rxqs++;
	return r;
}

static int add_rxq(struct perf_run *run, const struct perf_stream *s)
{
	struct perf_rxq *r = find_rxq(run, &s->rx);

	if (!r)
		r = new_rxq(run, &s->rx);
	if (!r)
		return perf_fail_at(place(run, s->section, "rx"), "no such queue");
	if (s->batch > r->max_batch)
		r->max_batch = s->batch;
	if (s->core >= 0)
		r->core = s->core;
	return 0;
}

/*
 * The other receive queues of a port that receives: RSS or another flow may bring frames of its
 * streams there, and nobody else would take them out.
 */
static int add_neighbours(struct perf_run *run, const struct perf_rxq *first)
{
	struct perf_end end = first->end;
	unsigned max_batch = first->max_batch;
	char prefix[PERF_NAME + 8];
	const char *section;

	snprintf(prefix, sizeof(prefix), "rxq %s ", end.port);
	for (unsigned i = 0; (section = daqiri_config_section(run->plan->cfg, i)); i++) {
		struct perf_rxq *r;

		if (strncmp(section, prefix, strlen(prefix)))
			continue;
		end.queue = (unsigned)strtoul(section + strlen(prefix), NULL, 10);
		if (find_rxq(run, &end) || perf_forwards_own(run, &end))
			continue;
		r = new_rxq(run, &end);
		if (!r)
			return perf_fail_at(place(run, section, NULL), "no such queue");
		r->max_batch = max_batch;
	}
	return 0;
}

static int fill_arrival(struct perf_rxq *r, unsigned i, struct perf_link *link)
{
	const struct perf_stream *s = link->stream;
	struct perf_expect *e = &r->expects[i];
	struct perf_arrival *a = &r->arrivals[i];

	r->streams[i] = s;
	e->id = s->id;
	e->flow = s->flow;
	e->udp = s->udp;
	if (link->sender)
		perf_expect_path(e, &link->sender->headers[0]);
	if (r->run->plan->latency) {
		a->latency = calloc(1, sizeof(*a->latency));
		if (!a->latency)
			return perf_fail("out of memory");
	}
	link->arrivals[link->n] = a;
	link->tracks[link->n++] = &a->track;
	return 0;
}

/* Any stream that is received on this port may arrive by this queue: RSS decides. */
static int fill_rxq(struct perf_run *run, struct perf_rxq *r)
{
	const struct perf_plan *plan = run->plan;
	struct daqiri_rxq_info info = { .size = sizeof(info) };

	if (daqiri_rxq_info(r->q, &info))
		return perf_fail("%s", daqiri_error_detail());
	if (r->core < 0)
		r->core = perf_own_core(run, &r->end, "rxq", info.cpu_core);
	r->streams = calloc(plan->n_streams, sizeof(struct perf_stream *));
	r->expects = calloc(plan->n_streams, sizeof(*r->expects));
	r->arrivals = calloc(plan->n_streams, sizeof(*r->arrivals));
	r->pkts = calloc(r->max_batch, sizeof(*r->pkts));
	if (!r->streams || !r->expects || !r->arrivals || !r->pkts)
		return perf_fail("out of memory");
	for (unsigned i = 0; i < plan->n_streams; i++) {
		const struct perf_stream *s = run->links[i].stream;

		if (!s->rx.used || strcmp(s->rx.port, r->end.port))
			continue;
		if (fill_arrival(r, r->n_streams++, &run->links[i]))
			return -1;
	}
	if (perf_verifier_create(&r->verifier, plan->verify, r->expects, r->n_streams))
		return perf_fail("out of memory");
	if (perf_gpu_rxq_make(r))
		return -1;
	return info.split && !r->gpu ? perf_parts_make(&r->parts, r->max_batch, info.buf_size) : 0;
}

/* ---- streams ---- */

static unsigned count_rxqs(const struct perf_run *run)
{
	const char *section;
	unsigned n = 1;

	for (unsigned i = 0; (section = daqiri_config_section(run->plan->cfg, i)); i++)
		n += !strncmp(section, "rxq ", 4);
	return n;
}

static int make_links(struct perf_run *run)
{
	const struct perf_plan *plan = run->plan;
	unsigned max_rxqs = count_rxqs(run);

	run->links = calloc(plan->n_streams, sizeof(*run->links));
	run->txqs = calloc(plan->n_streams, sizeof(*run->txqs));
	run->rxqs = calloc(max_rxqs, sizeof(*run->rxqs));
	if (!run->links || !run->txqs || !run->rxqs)
		return perf_fail("out of memory");
	for (unsigned i = 0; i < plan->n_streams; i++) {
		struct perf_link *link = &run->links[i];

		link->stream = &plan->streams[i];
		link->arrivals = calloc(max_rxqs, sizeof(struct perf_arrival *));
		link->tracks = calloc(max_rxqs, sizeof(struct perf_seqtrack *));
		if (!link->arrivals || !link->tracks)
			return perf_fail("out of memory");
	}
	return 0;
}

/*
 * On emulated ports a sender at full speed waits for the receiver in the same process: there is no
 * wire that would limit it, and what overruns the receiver's ring says nothing about a NIC.
 */
static void set_window(struct perf_run *run, struct perf_link *link)
{
	unsigned sharing = 0, batch;

	if (!run->emulated || !link->sender || !link->n || link->stream->rate.value > 0)
		return;
	for (unsigned i = 0; i < run->plan->n_streams; i++)
		if (run->links[i].sender && run->links[i].n &&
		    !strcmp(run->links[i].stream->rx.port, link->stream->rx.port))
			sharing++;
	/* A batch that is being looked at is counted already, but not yet back in the ring. */
	batch = link->rxq->max_batch < link->rxq->depth / 2 ? link->rxq->max_batch :
							      link->rxq->depth / 2;
	link->sender->window = (link->rxq->depth - batch) / sharing;
	if (!link->sender->window)
		link->sender->window = 1;
}

/* The queues that streams name, then those beside them. */
static int add_queues(struct perf_run *run)
{
	const struct perf_plan *plan = run->plan;
	unsigned named;

	for (unsigned i = 0; i < plan->n_streams; i++) {
		const struct perf_stream *s = &plan->streams[i];

		if ((s->tx.used && add_txq(run, s)) || (s->rx.used && add_rxq(run, s)))
			return -1;
	}
	named = run->n_rxqs;
	for (unsigned i = 0; i < named; i++)
		if (add_neighbours(run, &run->rxqs[i]))
			return -1;
	for (unsigned i = 0; i < plan->n_streams; i++)
		if (plan->streams[i].rx.used)
			run->links[i].rxq = find_rxq(run, &plan->streams[i].rx);
	return 0;
}

/* Somebody must have the frames to work on. */
static int judge_workload(const struct perf_run *run)
{
	if (run->plan->workload == PERF_WORK_NONE)
		return 0;
	for (unsigned i = 0; i < run->n_rxqs; i++)
		if (run->rxqs[i].gpu)
			return 0;
	return perf_fail("--workload: no receive queue has its frames checked on a GPU: it takes a "
			 "region of kind = device or host_pinned%s",
			 perf_gpu_built() ? "" : ", and a daqiri-perf built --with-cuda");
}

int perf_ends_make(struct perf_run *run)
{
	if (make_links(run) || add_queues(run))
		return -1;
	for (unsigned i = 0; i < run->n_txqs; i++)
		if (fill_txq(run, &run->txqs[i]))
			return -1;
	for (unsigned i = 0; i < run->n_rxqs; i++)
		if (fill_rxq(run, &run->rxqs[i]))
			return -1;
	if (judge_workload(run))
		return -1;
	for (unsigned i = 0; i < run->plan->n_streams; i++)
		set_window(run, &run->links[i]);
	return perf_forwards_make(run);
}

static void free_txq(struct perf_txq *t)
{
	for (unsigned i = 0; t->senders && i < t->n_senders; i++)
		free(t->senders[i].headers);
	perf_gpu_queue_free(t->gpu);
	free(t->senders);
	free(t->pkts);
	perf_parts_free(&t->parts);
}

static void free_rxq(struct perf_rxq *r)
{
	for (unsigned i = 0; r->arrivals && i < r->n_streams; i++)
		free(r->arrivals[i].latency);
	perf_gpu_queue_free(r->gpu);
	perf_verifier_destroy(r->verifier);
	free(r->arrivals);
	free(r->expects);
	free(r->streams);
	free(r->pkts);
	perf_parts_free(&r->parts);
}

void perf_ends_free(struct perf_run *run)
{
	perf_forwards_free(run);
	for (unsigned i = 0; i < run->n_txqs; i++)
		free_txq(&run->txqs[i]);
	for (unsigned i = 0; i < run->n_rxqs; i++)
		free_rxq(&run->rxqs[i]);
	for (unsigned i = 0; run->links && i < run->plan->n_streams; i++) {
		free(run->links[i].arrivals);
		free(run->links[i].tracks);
	}
	free(run->links);
	free(run->txqs);
	free(run->rxqs);
	perf_gpu_close_all();
}
