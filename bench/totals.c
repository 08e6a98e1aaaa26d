/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "totals.h"

static void widen(struct perf_side *side, uint64_t first, uint64_t last)
{
	if (first && (!side->first_ns || first < side->first_ns))
		side->first_ns = first;
	if (last > side->last_ns)
		side->last_ns = last;
}

static void add_side(struct perf_side *to, const struct perf_side *from)
{
	to->used |= from->used;
	to->packets += from->packets;
	to->bytes += from->bytes;
	widen(to, from->first_ns, from->last_ns);
}

/* Adds what was received from one time on: what came at the first of all took no time. */
static void add_received(struct perf_side *to, const struct perf_side *from)
{
	if (from->first_ns && (!to->first_ns || from->first_ns < to->first_ns))
		to->edge = from->edge;
	else if (from->first_ns && from->first_ns == to->first_ns)
		to->edge += from->edge;
	add_side(to, from);
}

/* Adds what was sent until a time: what was sent at the last of all goes after it. */
static void add_sent(struct perf_side *to, const struct perf_side *from)
{
	if (from->last_ns > to->last_ns)
		to->edge = from->edge;
	else if (from->last_ns && from->last_ns == to->last_ns)
		to->edge += from->edge;
	add_side(to, from);
}

static void sum_sender(const struct perf_sender *s, struct perf_side *side)
{
	const struct perf_side one = {.used = true,
				      .packets = perf_get(s->packets),
				      .bytes = perf_get(s->bytes),
				      .first_ns = perf_get(s->first_ns),
				      .last_ns = perf_get(s->last_ns),
				      .edge = perf_get(s->last_n)};

	add_sent(side, &one);
}

void perf_forward_side(const struct perf_forward *f, struct perf_side *side)
{
	const struct perf_side one = {.used = true,
				      .packets = perf_get(f->packets),
				      .bytes = perf_get(f->bytes),
				      .first_ns = perf_get(f->first_ns),
				      .last_ns = perf_get(f->last_ns),
				      .edge = perf_get(f->first_n)};

	add_received(side, &one);
}

/* How many frames the sender sent in all, where that is known already. */
static bool total_of(const struct perf_link *link, uint64_t *total)
{
	bool known = false;

	*total = 0;
	if (link->sender) {
		if (!atomic_load_explicit(&link->sender->done, memory_order_acquire))
			return false;
		*total = perf_get(link->sender->packets);
		return true;
	}
	for (unsigned i = 0; i < link->n; i++) {
		const struct perf_arrival *a = link->arrivals[i];

		if (!atomic_load_explicit(&a->ended, memory_order_acquire))
			continue;
		known = true;
		if (perf_get(a->total) > *total)
			*total = perf_get(a->total);
	}
	return known;
}

static void sum_arrivals(const struct perf_link *link, struct perf_totals *out)
{
	struct perf_seqsum sum;
	uint64_t total;

	out->rx.used = true;
	out->loss_known = true;
	out->total_known = total_of(link, &total);
	for (unsigned i = 0; i < link->n; i++) {
		const struct perf_arrival *a = link->arrivals[i];
		const struct perf_side one = {.bytes = perf_get(a->bytes),
					      .first_ns = perf_get(a->first_ns),
					      .last_ns = perf_get(a->last_ns),
					      .edge = perf_get(a->first_n)};

		add_received(&out->rx, &one);
		out->corrupt += perf_get(a->corrupt);
		out->early += perf_get(a->early);
	}
	perf_seqtrack_sum(link->tracks, link->n, total, &sum);
	/* The sender began when we were ready: what came not before the first is lost as well. */
	if (link->sender) {
		sum.lost += sum.missed_before_start;
		sum.missed_before_start = 0;
	}
	/* A sender elsewhere that was over before anything came: we were late. */
	if (!sum.packets && !link->sender) {
		sum.missed_before_start = sum.lost;
		sum.lost = 0;
	}
	out->rx.packets += sum.packets;
	out->lost += sum.lost;
	out->missed_before_start += sum.missed_before_start;
	out->duplicates += sum.duplicates;
	out->reordered += sum.reordered;
	out->expected += sum.packets - sum.duplicates + sum.lost;
}

void perf_link_totals(const struct perf_link *link, struct perf_totals *out)
{
	memset(out, 0, sizeof(*out));
	if (link->sender) {
		sum_sender(link->sender, &out->tx);
		out->late = perf_get(link->sender->late);
	}
	if (link->n)
		sum_arrivals(link, out);
}

static void add_link(struct perf_totals *to, const struct perf_totals *from)
{
	add_sent(&to->tx, &from->tx);
	add_received(&to->rx, &from->rx);
	if (from->loss_known && !from->total_known)
		to->total_known = false;
	to->loss_known |= from->loss_known;
	to->expected += from->expected;
	to->lost += from->lost;
	to->missed_before_start += from->missed_before_start;
	to->corrupt += from->corrupt;
	to->duplicates += from->duplicates;
	to->reordered += from->reordered;
	to->late += from->late;
	to->early += from->early;
}

void perf_totals(const struct perf_run *run, struct perf_totals *out)
{
	struct perf_totals link;

	memset(out, 0, sizeof(*out));
	out->total_known = true;
	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		perf_link_totals(&run->links[i], &link);
		add_link(out, &link);
	}
	for (unsigned i = 0; i < run->n_forwards; i++)
		perf_forward_side(&run->forwards[i], &out->passed);
	for (unsigned i = 0; i < run->n_rxqs; i++) {
		const struct perf_rxq *r = &run->rxqs[i];

		out->corrupt += perf_get(r->corrupt);
		out->other_stream += perf_get(r->other_stream);
		out->not_ours += perf_get(r->not_ours);
	}
}

double perf_side_seconds(const struct perf_side *side)
{
	return side->last_ns > side->first_ns ? (double)(side->last_ns - side->first_ns) / 1e9 : 0;
}

double perf_side_pps(const struct perf_side *side)
{
	double seconds = perf_side_seconds(side);

	return seconds > 0 && side->packets > side->edge
		       ? (double)(side->packets - side->edge) / seconds
		       : 0;
}

double perf_side_bps(const struct perf_side *side, bool l1)
{
	double size = side->packets ? (double)side->bytes / (double)side->packets : 0;

	return perf_side_pps(side) * (size + (l1 ? PERF_L1_EXTRA : 0)) * 8;
}

double perf_totals_seconds(const struct perf_totals *t)
{
	struct perf_side both = t->tx;

	widen(&both, t->rx.first_ns, t->rx.last_ns);
	widen(&both, t->passed.first_ns, t->passed.last_ns);
	return perf_side_seconds(&both);
}

void perf_latency(const struct perf_run *run, const struct perf_link *link, struct perf_hist *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		const struct perf_link *l = &run->links[i];

		for (unsigned k = 0; (!link || l == link) && k < l->n; k++)
			if (l->arrivals[k]->latency)
				perf_hist_merge(out, l->arrivals[k]->latency);
	}
}

bool perf_queue_failed(const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_txqs; i++)
		if (perf_get(run->txqs[i].error))
			return true;
	for (unsigned i = 0; i < run->n_rxqs; i++)
		if (perf_get(run->rxqs[i].error))
			return true;
	for (unsigned i = 0; i < run->n_forwards; i++)
		if (perf_get(run->forwards[i].error))
			return true;
	return false;
}

/* The thresholds of the command line. */
static int judge_thresholds(const struct perf_options *o, const struct perf_totals *t, char *why,
			    size_t size)
{
	const struct perf_side *side = t->rx.used ? &t->rx : t->tx.used ? &t->tx : &t->passed;
	const char *verb = side == &t->tx ? "sent" : "received";
	double loss = (double)t->lost;

	if (o->have_max_loss && o->max_loss.percent)
		loss = t->expected ? loss * 100 / (double)t->expected : 0;
	if (o->have_max_loss && loss > o->max_loss.value)
		snprintf(why, size, "%g%s lost, --max-loss allows %g%s", loss,
			 o->max_loss.percent ? " %" : " frames", o->max_loss.value,
			 o->max_loss.percent ? " %" : "");
	else if ((o->have_min_mpps || o->have_min_gbps) && perf_side_pps(side) <= 0)
		snprintf(why, size,
			 "what was %s took too short to have a rate: --min-%s is not met", verb,
			 o->have_min_mpps ? "mpps" : "gbps");
	else if (o->have_min_mpps && perf_side_pps(side) / 1e6 < o->min_mpps)
		snprintf(why, size, "%s %.3f Mpps, --min-mpps wants %g", verb,
			 perf_side_pps(side) / 1e6, o->min_mpps);
	else if (o->have_min_gbps && perf_side_bps(side, false) / 1e9 < o->min_gbps)
		snprintf(why, size, "%s %.3f Gb/s (L2), --min-gbps wants %g", verb,
			 perf_side_bps(side, false) / 1e9, o->min_gbps);
	else
		return 0;
	return 3;
}

/* Each stream for itself: one that is all right must not hide another of which nothing came. */
static bool judge_idle(const struct perf_run *run, char *why, size_t size)
{
	bool one = run->plan->n_streams + run->n_forwards == 1;
	const char *verb = NULL, *section = NULL;
	struct perf_totals t;

	for (unsigned i = 0; !verb && i < run->plan->n_streams; i++) {
		perf_link_totals(&run->links[i], &t);
		section = run->links[i].stream->section;
		if (t.tx.used && !t.tx.packets)
			verb = "sent";
		else if (t.rx.used && !t.rx.packets)
			verb = "received";
	}
	for (unsigned i = 0; !verb && i < run->n_forwards; i++) {
		section = run->forwards[i].stream->section;
		if (!perf_get(run->forwards[i].packets))
			verb = "received";
	}
	if (verb && one)
		snprintf(why, size, "nothing was %s", verb);
	else if (verb)
		snprintf(why, size, "nothing was %s of [%s]", verb, section);
	return verb != NULL;
}

int perf_judge(const struct perf_run *run, const struct perf_totals *t, char *why, size_t size)
{
	why[0] = '\0';
	if (perf_queue_failed(run))
		snprintf(why, size, "a queue has stopped");
	else if (t->corrupt || t->duplicates || t->reordered)
		snprintf(why, size, "%llu corrupt, %llu duplicate, %llu reordered frames",
			 (unsigned long long)t->corrupt, (unsigned long long)t->duplicates,
			 (unsigned long long)t->reordered);
	else if (!judge_idle(run, why, size))
		return judge_thresholds(run->plan->options, t, why, size);
	return 1;
}
