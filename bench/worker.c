/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cpu.h"
#include "gpu.h"
#include "msg.h"
#include "run.h"

/* ---- the thread ---- */

static void *work(void *arg)
{
	struct perf_worker *w = arg;
	struct perf_run *run = w->run;

	pthread_setname_np(pthread_self(), w->name);
	atomic_fetch_add(&run->n_ready, 1);
	while (!atomic_load_explicit(&run->go, memory_order_acquire) && !perf_get(run->stop))
		sched_yield();
	while (!perf_get(run->stop)) {
		uint64_t now = perf_now();
		bool busy = false;

		for (unsigned i = 0; i < w->n_tx; i++)
			busy |= perf_tx_step(w->tx[i], now);
		for (unsigned i = 0; i < w->n_rx; i++)
			busy |= perf_rx_step(w->rx[i], now);
		for (unsigned i = 0; i < w->n_fw; i++)
			busy |= perf_forward_step(w->fw[i], now);
		if (busy)
			w->idle_since = 0;
		else
			perf_idle(w, now);
	}
	for (unsigned i = 0; i < w->n_rx; i++)
		if (w->rx[i]->gpu)
			perf_gpu_rx_end(w->rx[i]);
	return NULL;
}

static int start(struct perf_worker *w)
{
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	ret = w->core < 0 ? 0 : perf_cpu_pin(&attr, w->core);
	if (!ret)
		ret = pthread_create(&w->thread, &attr, work, w);
	pthread_attr_destroy(&attr);
	if (ret)
		return perf_fail("thread %s cannot be started on core %d: %s", w->name, w->core,
				 strerror(ret));
	return 0;
}

/* Signals are the main thread's. */
static int start_all(struct perf_run *run)
{
	sigset_t all, old;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!ret && run->n_started < run->n_workers) {
		ret = start(&run->workers[run->n_started]);
		run->n_started += !ret;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int perf_workers_start(struct perf_run *run)
{
	if (start_all(run))
		return -1;
	while (atomic_load(&run->n_ready) < run->n_workers)
		sched_yield();
	run->start_ns = perf_now();
	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		run->links[i].quiet_since = run->start_ns;
		if (run->links[i].sender)
			perf_sender_start(run->links[i].sender, run);
	}
	atomic_store_explicit(&run->go, true, memory_order_release);
	return 0;
}

void perf_workers_join(struct perf_run *run)
{
	perf_set(run->stop, true);
	perf_sleep_end(run);
	for (unsigned i = 0; i < run->n_started; i++)
		pthread_join(run->workers[i].thread, NULL);
	run->n_started = 0;
}

/* ---- who does what ---- */

/* One queue to deal out. */
struct job {
	struct perf_txq *tx;
	struct perf_rxq *rx;
	struct perf_forward *fw;
	int core;
	bool dealt;
};

/* Adds a queue that is not yet in the list. */
static void list_tx(struct job *jobs, unsigned *n, struct perf_txq *t)
{
	for (unsigned i = 0; i < *n; i++)
		if (jobs[i].tx == t)
			return;
	jobs[(*n)++] = (struct job){ .tx = t, .core = t->core };
}

static void list_rx(struct job *jobs, unsigned *n, struct perf_rxq *r)
{
	for (unsigned i = 0; i < *n; i++)
		if (jobs[i].rx == r)
			return;
	jobs[(*n)++] = (struct job){ .rx = r, .core = r->core };
}

/* The queues in the order of the streams, so that a stream's two ends stand together. */
static void list_jobs(struct perf_run *run, struct job *jobs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < run->plan->n_streams; i++) {
		if (run->links[i].txq)
			list_tx(jobs, &n, run->links[i].txq);
		if (run->links[i].rxq)
			list_rx(jobs, &n, run->links[i].rxq);
	}
	for (unsigned k = 0; k < run->n_rxqs; k++)
		list_rx(jobs, &n, &run->rxqs[k]);
	for (unsigned k = 0; k < run->n_forwards; k++)
		jobs[n++] = (struct job){ .fw = &run->forwards[k], .core = run->forwards[k].core };
}

static int give(struct perf_worker *w, struct job *job)
{
	if (!w->tx)
		w->tx = calloc(w->run->n_txqs + 1, sizeof(struct perf_txq *));
	if (!w->rx)
		w->rx = calloc(w->run->n_rxqs + 1, sizeof(struct perf_rxq *));
	if (!w->fw)
		w->fw = calloc(w->run->n_forwards + 1, sizeof(struct perf_forward *));
	if (!w->tx || !w->rx || !w->fw)
		return perf_fail("out of memory");
	if (job->tx)
		w->tx[w->n_tx++] = job->tx;
	else if (job->rx)
		w->rx[w->n_rx++] = job->rx;
	else
		w->fw[w->n_fw++] = job->fw;
	job->dealt = true;
	return 0;
}

static struct perf_worker *new_worker(struct perf_run *run, int core)
{
	struct perf_worker *w = &run->workers[run->n_workers++];

	w->run = run;
	w->core = core;
	return w;
}

/* Ends that name a core: one thread for each core. */
static int deal_pinned(struct perf_run *run, struct job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct perf_worker *w;

		if (jobs[i].core < 0 || jobs[i].dealt)
			continue;
		w = new_worker(run, jobs[i].core);
		for (unsigned k = i; k < n; k++)
			if (jobs[k].core == jobs[i].core && give(w, &jobs[k]))
				return -1;
	}
	return 0;
}

/*
 * The others: a thread each where the cores suffice and one is left over, for the emulated device
 * or the kernel; else as many threads as that, at least one, each with neighbours of the list.
 */
static int deal_free(struct perf_run *run, struct job *jobs, unsigned n)
{
	unsigned left = 0, cores = perf_cpu_common(), threads, taken = 0, pinned = 0;
	struct perf_worker *w = NULL;

	for (unsigned i = 0; i < n; i++)
		left += !jobs[i].dealt;
	if (!left)
		return 0;
	for (unsigned i = 0; i < run->n_workers; i++)
		pinned += perf_cpu_is_common(run->workers[i].core);
	threads = cores > pinned + 1 ? cores - pinned - 1 : 1;
	if (threads > left)
		threads = left;
	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].dealt)
			continue;
		if (!w || taken * threads / left != (taken - 1) * threads / left)
			w = new_worker(run, -1);
		taken++;
		if (give(w, &jobs[i]))
			return -1;
	}
	return 0;
}

static void name_workers(struct perf_run *run)
{
	static const char *const names[] = { "tx", "rx", "io", "fw" };
	unsigned n[4] = { 0 };

	for (unsigned i = 0; i < run->n_workers; i++) {
		struct perf_worker *w = &run->workers[i];
		unsigned kind = !w->n_rx ? 0 : !w->n_tx ? 1 : 2;

		if (w->n_fw)
			kind = w->n_rx || w->n_tx ? 2 : 3;

		snprintf(w->name, sizeof(w->name), "perf-%s%u",
			 names[kind], n[kind]++ % 10000);
	}
}

int perf_workers_make(struct perf_run *run)
{
	unsigned n = run->n_txqs + run->n_rxqs + run->n_forwards;
	struct job *jobs = calloc(n, sizeof(*jobs));
	int ret = -1;

	run->workers = calloc(n, sizeof(*run->workers));
	if (!jobs || !run->workers) {
		perf_fail("out of memory");
		goto out;
	}
	list_jobs(run, jobs);
	ret = deal_pinned(run, jobs, n);
	if (!ret)
		ret = deal_free(run, jobs, n);
	for (unsigned i = 0; !ret && i < run->n_workers; i++)
		ret = perf_sleep_make(&run->workers[i]);
	name_workers(run);
out:
	free(jobs);
	return ret;
}

void perf_workers_free(struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_workers; i++) {
		free(run->workers[i].tx);
		free(run->workers[i].rx);
		free(run->workers[i].fw);
		free(run->workers[i].fds);
	}
	free(run->workers);
}
