/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of worker mode: one for each core that a queue names, which serves its queues in
 * turn. */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "worker.h"

/* Idle rounds, about 100 us of them, after which the core is offered to others. */
enum { PATIENCE = 4096 };

struct dq_worker {
	pthread_t thread;
	bool started;
	bool timed; /* a receive queue hands over by the clock */
	bool *stop; /* atomic; of all of them */
	int core;
	unsigned n_rx, n_tx;
	struct dq_rx_hand **rx;
	struct dq_tx_hand **tx;
};

struct dq_workers {
	bool stop;
	unsigned n;
	struct dq_worker *list;
};

/* ---- the thread -------------------------------------------------------------------------------
 */

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void relax(unsigned idle)
{
	if (idle >= PATIENCE) {
		sched_yield();
		return;
	}
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static bool serve(struct dq_worker *w)
{
	uint64_t now = w->timed ? clock_ns() : 0;
	bool busy = false;

	for (unsigned i = 0; i < w->n_rx; i++)
		busy |= dq_rx_hand_step(w->rx[i], now);
	for (unsigned i = 0; i < w->n_tx; i++)
		busy |= dq_tx_hand_step(w->tx[i]);
	return busy;
}

static void *work(void *arg)
{
	struct dq_worker *w = arg;
	unsigned idle = 0;
	char name[16];

	snprintf(name, sizeof(name), "daqiri-w%d", w->core);
	pthread_setname_np(pthread_self(), name);
	/* Pairs with the store in dq_workers_stop(). */
	while (!__atomic_load_n(w->stop, __ATOMIC_ACQUIRE)) {
		if (serve(w))
			idle = 0;
		else
			relax(idle < PATIENCE ? idle++ : idle);
	}
	return NULL;
}

static int start(struct dq_worker *w, const char *where)
{
	pthread_attr_t attr;
	cpu_set_t cores;
	int err = pthread_attr_init(&attr);

	if (err)
		return dq_error(err, "%s: no worker thread: %s", where, strerror(err));
	CPU_ZERO(&cores);
	if (w->core < CPU_SETSIZE)
		CPU_SET((unsigned)w->core, &cores);
	err = pthread_attr_setaffinity_np(&attr, sizeof(cores), &cores);
	if (!err)
		err = pthread_create(&w->thread, &attr, work, w);
	pthread_attr_destroy(&attr);
	if (err)
		return dq_error(err,
				"%s cpu_core=%d: its worker thread cannot be started there: %s; "
				"name a core that this process may use (nproc, taskset -p)",
				where, w->core, strerror(err));
	w->started = true;
	return 0;
}

/* ---- who serves what --------------------------------------------------------------------------
 */

static struct dq_worker *worker_of(struct dq_workers *ws, const struct dq_conf *conf, int core)
{
	struct dq_worker *w;

	for (unsigned i = 0; i < ws->n; i++)
		if (ws->list[i].core == core)
			return &ws->list[i];
	w = &ws->list[ws->n++];
	w->core = core;
	w->stop = &ws->stop;
	w->rx = calloc(conf->n_rxqs + 1, sizeof(struct dq_rx_hand *));
	w->tx = calloc(conf->n_txqs + 1, sizeof(struct dq_tx_hand *));
	return w;
}

static int deal_rxq(struct daqiri *dq, unsigned i)
{
	struct daqiri_rxq *q = dq->rxqs[i];
	struct dq_worker *w;
	int ret;

	if (!q->conf->worker)
		return 0;
	ret = dq_rx_hand_create(q);
	if (ret)
		return ret;
	w = worker_of(dq->workers, dq->conf, q->conf->cpu_core);
	if (!w->rx || !w->tx)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	w->rx[w->n_rx++] = q->hand;
	w->timed |= q->conf->timeout_us != 0;
	return 0;
}

static int deal_txq(struct daqiri *dq, unsigned i)
{
	struct daqiri_txq *q = dq->txqs[i];
	struct dq_worker *w;
	int ret;

	if (!q->conf->worker)
		return 0;
	ret = dq_tx_hand_create(q);
	if (ret)
		return ret;
	w = worker_of(dq->workers, dq->conf, q->conf->cpu_core);
	if (!w->rx || !w->tx)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	w->tx[w->n_tx++] = q->hand;
	return 0;
}

static int deal(struct daqiri *dq)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < dq->conf->n_rxqs; i++)
		ret = deal_rxq(dq, i);
	for (unsigned i = 0; !ret && i < dq->conf->n_txqs; i++)
		ret = deal_txq(dq, i);
	return ret;
}

static unsigned count_queues(const struct dq_conf *conf)
{
	unsigned n = 0;

	for (unsigned i = 0; i < conf->n_rxqs; i++)
		n += conf->rxqs[i].worker;
	for (unsigned i = 0; i < conf->n_txqs; i++)
		n += conf->txqs[i].worker;
	return n;
}

/* The section to blame for a worker. */
static const char *where_of(const struct dq_worker *w)
{
	return w->n_rx ? w->rx[0]->real->conf->where : w->tx[0]->real->conf->where;
}

/* Signals are the program's: its threads that do not block them get them. */
static int start_all(struct dq_workers *ws)
{
	sigset_t all, old;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; !ret && i < ws->n; i++)
		ret = start(&ws->list[i], where_of(&ws->list[i]));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int dq_workers_start(struct daqiri *dq)
{
	unsigned n = count_queues(dq->conf);
	int ret;

	if (!n)
		return 0;
	dq->workers = calloc(1, sizeof(*dq->workers));
	if (dq->workers)
		dq->workers->list = calloc(n, sizeof(*dq->workers->list));
	if (!dq->workers || !dq->workers->list)
		return dq_error(ENOMEM, "out of memory for worker threads");
	ret = deal(dq);
	return ret ? ret : start_all(dq->workers);
}

void dq_workers_stop(struct daqiri *dq)
{
	struct dq_workers *ws = dq->workers;

	if (!ws)
		return;
	/* Pairs with the load in work(). */
	__atomic_store_n(&ws->stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < ws->n; i++) {
		if (ws->list[i].started)
			pthread_join(ws->list[i].thread, NULL);
		free(ws->list[i].rx);
		free(ws->list[i].tx);
	}
	for (unsigned i = 0; i < dq->conf->n_rxqs; i++)
		dq_rx_hand_destroy(dq->rxqs[i]);
	for (unsigned i = 0; i < dq->conf->n_txqs; i++)
		dq_tx_hand_destroy(dq->txqs[i]);
	free(ws->list);
	free(ws);
	dq->workers = NULL;
}
