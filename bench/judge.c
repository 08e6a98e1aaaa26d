/* SPDX-License-Identifier: Apache-2.0 */
/* What no device need be open for: whether the streams' queues can do what is asked of them. */
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "plan.h"

static struct perf_place place(const struct perf_plan *plan, const char *section, const char *key)
{
	return (struct perf_place){plan->cfg, section, key};
}

/* The memory of a queue, from its section. */
struct memory {
	unsigned n_regions; /* that it names; one of its own is one too */
	uint64_t buf_size;  /* of all of them together */
};

static void add_region(const struct perf_plan *plan, struct memory *m, const char *section)
{
	uint64_t size = 0;

	daqiri_config_get_u64(plan->cfg, section, "buf_size", &size);
	m->buf_size += size;
	m->n_regions++;
}

static struct memory memory_of(const struct perf_plan *plan, const char *queue)
{
	const char *names = daqiri_config_get(plan->cfg, queue, "regions");
	struct memory m = {0};
	char section[8 + PERF_NAME];

	if (!names && daqiri_config_get(plan->cfg, queue, "kind"))
		add_region(plan, &m, queue);
	while (names && *names) {
		size_t len = strcspn(names, ", ");

		if (len) {
			snprintf(section, sizeof(section), "region %.*s", (int)len, names);
			add_region(plan, &m, section);
		}
		names += len;
		names += strspn(names, ", ");
	}
	return m;
}

static int judge_tx(const struct perf_plan *plan, const struct perf_stream *s)
{
	char queue[2 * PERF_NAME];
	struct memory m;

	if (!s->tx.used)
		return 0;
	snprintf(queue, sizeof(queue), "txq %s %u", s->tx.port, s->tx.queue);
	m = memory_of(plan, queue);
	if (s->timed && m.n_regions > 1)
		return perf_fail_at(place(plan, s->section, "timed"),
				    "[%s] has frames of two pieces: give it one region of the CPU",
				    queue);
	/* Of none the library tells. */
	for (unsigned i = 0; m.n_regions && i < s->sizes.n; i++)
		if (s->sizes.v[i] > m.buf_size)
			return perf_fail_at(place(plan, s->section, "tx"),
					    "frames of %u bytes do not fit into its buffers of "
					    "%llu: raise buf_size of the queue's region",
					    s->sizes.v[i], (unsigned long long)m.buf_size);
	return 0;
}

static int judge_forward(const struct perf_plan *plan, const struct perf_stream *f)
{
	char queue[2 * PERF_NAME];

	snprintf(queue, sizeof(queue), "rxq %s %u", f->rx.port, f->rx.queue);
	if (memory_of(plan, queue).n_regions < 2)
		return 0;
	return perf_fail_at(place(plan, f->section, "rx"),
			    "the queue splits frames, and role = forward and drop take them in one "
			    "piece: give it one region");
}

/* A queue is one thread's: the streams before number n have one core for it, or none. */
static int judge_core(const struct perf_plan *plan, unsigned n)
{
	const struct perf_stream *s = &plan->streams[n];

	for (unsigned i = 0; s->core >= 0 && i < n; i++) {
		const struct perf_stream *other = &plan->streams[i];

		if (other->core < 0 || other->core == s->core)
			continue;
		if (perf_same_end(&other->tx, &s->tx) || perf_same_end(&other->rx, &s->rx))
			return perf_fail_at(place(plan, s->section, "cpu_core"),
					    "[%s], another stream of this queue, names core %d",
					    other->section, other->core);
	}
	return 0;
}

int perf_plan_judge(const struct perf_plan *plan)
{
	for (unsigned i = 0; i < plan->n_streams; i++)
		if (judge_tx(plan, &plan->streams[i]) || judge_core(plan, i))
			return -1;
	for (unsigned i = 0; i < plan->n_forwards; i++)
		if (judge_forward(plan, &plan->forwards[i]))
			return -1;
	return 0;
}
