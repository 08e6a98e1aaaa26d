/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of worker mode: one for each core that a queue names, which serves its queues in
 * turn. What it serves is a table that is never written while the thread has it: the control thread
 * makes another one, hands it over, and waits until the thread has taken it.
 */
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

struct table {
	unsigned n_rx, n_tx;
	bool timed; /* a receive queue hands over by the clock */
	struct dq_rx_hand **rx;
	struct dq_tx_hand **tx;
};

struct dq_worker {
	struct dq_worker *next;
	pthread_t thread;
	int core;
	struct table *wanted; /* atomic; NULL: the thread is to end */
	struct table *taken;  /* atomic: the thread's */
	struct table *spare;  /* NULL: the worker has never had another */
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

static bool serve(const struct table *t)
{
	uint64_t now = t->timed ? clock_ns() : 0;
	bool busy = false;

	for (unsigned i = 0; i < t->n_rx; i++)
		busy |= dq_rx_hand_step(t->rx[i], now);
	for (unsigned i = 0; i < t->n_tx; i++)
		busy |= dq_tx_hand_step(t->tx[i]);
	return busy;
}

static void *work(void *arg)
{
	struct dq_worker *w = arg;
	struct table *table;
	unsigned idle = 0;
	char name[16];

	snprintf(name, sizeof(name), "daqiri-w%d", w->core);
	pthread_setname_np(pthread_self(), name);
	/* Pairs with the stores in hand_over() and stop(): the table is complete. */
	while ((table = __atomic_load_n(&w->wanted, __ATOMIC_ACQUIRE))) {
		/* Pairs with the load in hand_over(): the last one is not looked at any more. */
		if (table != w->taken)
			__atomic_store_n(&w->taken, table, __ATOMIC_RELEASE);
		if (serve(table))
			idle = 0;
		else
			relax(idle < PATIENCE ? idle++ : idle);
	}
	return NULL;
}

/* Signals are the program's: its threads that do not block them get them. */
static int create_thread(struct dq_worker *w, const pthread_attr_t *attr)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, attr, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
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
		err = create_thread(w, &attr);
	pthread_attr_destroy(&attr);
	if (err)
		return dq_error(err,
				"%s cpu_core=%d: its worker thread cannot be started there: %s; "
				"name a core that this process may use (nproc, taskset -p)",
				where, w->core, strerror(err));
	return 0;
}

static void stop(struct dq_worker *w)
{
	/* Pairs with the load in work(). */
	__atomic_store_n(&w->wanted, NULL, __ATOMIC_RELEASE);
	pthread_join(w->thread, NULL);
}

/* ---- who serves what --------------------------------------------------------------------------
 */

static void free_table(struct table *t)
{
	if (!t)
		return;
	free(t->rx);
	free(t->tx);
	free(t);
}

static void copy_hands(struct table *t, const struct table *from, const struct dq_rx_hand *not_rx,
		       const struct dq_tx_hand *not_tx)
{
	t->n_rx = t->n_tx = 0;
	for (unsigned i = 0; i < from->n_rx; i++)
		if (from->rx[i] != not_rx)
			t->rx[t->n_rx++] = from->rx[i];
	for (unsigned i = 0; i < from->n_tx; i++)
		if (from->tx[i] != not_tx)
			t->tx[t->n_tx++] = from->tx[i];
}

/*
 * A copy with room for one more, of either kind: so the one before has room for all of this one but one,
 * whichever goes. NULL: no memory.
 */
static struct table *grow_table(const struct table *old)
{
	unsigned room = old->n_rx + old->n_tx + 1;
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->rx = calloc(room, sizeof(struct dq_rx_hand *));
	t->tx = calloc(room, sizeof(struct dq_tx_hand *));
	if (!t->rx || !t->tx) {
		free_table(t);
		return NULL;
	}
	copy_hands(t, old, NULL, NULL);
	return t;
}

/* The old table, of which there is one hand more or less, is kept: the next removal needs no
 * memory. */
static void hand_over(struct dq_worker *w, struct table *t)
{
	struct table *old = w->wanted;

	if (w->spare != t)
		free_table(w->spare);
	w->spare = old;
	/* Pairs with the load in work(). */
	__atomic_store_n(&w->wanted, t, __ATOMIC_RELEASE);
	/* Pairs with the store in work(). */
	while (__atomic_load_n(&w->taken, __ATOMIC_ACQUIRE) != t)
		sched_yield();
}

static void note_timed(struct table *t)
{
	t->timed = false;
	for (unsigned i = 0; i < t->n_rx; i++)
		t->timed |= t->rx[i]->timeout_ns != 0;
}

static struct dq_worker *find_worker(const struct daqiri *dq, int core)
{
	struct dq_worker *w = dq->workers;

	while (w && w->core != core)
		w = w->next;
	return w;
}

/* A worker that begins with this table, which it then owns. */
static int new_worker(struct daqiri *dq, int core, const char *where, struct table *t)
{
	struct dq_worker *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return dq_error(ENOMEM, "%s: out of memory", where);
	w->core = core;
	w->wanted = t;
	ret = start(w, where);
	if (ret) {
		free(w);
		return ret;
	}
	w->next = dq->workers;
	dq->workers = w;
	return 0;
}

/* What a queue wants of the worker of its core: to serve one of two hands, the other is NULL. */
struct wish {
	const char *where;
	int core;
	struct dq_rx_hand *rx;
	struct dq_tx_hand *tx;
};

static int serve_also(struct daqiri *dq, const struct wish *wish)
{
	struct dq_worker *w = find_worker(dq, wish->core);
	struct table *t = grow_table(w ? w->wanted : &(struct table){.n_rx = 0});
	int ret = 0;

	if (!t)
		return dq_error(ENOMEM, "%s: out of memory", wish->where);
	if (wish->rx)
		t->rx[t->n_rx++] = wish->rx;
	else
		t->tx[t->n_tx++] = wish->tx;
	note_timed(t);
	if (w)
		hand_over(w, t);
	else
		ret = new_worker(dq, wish->core, wish->where, t);
	if (ret)
		free_table(t);
	return ret;
}

static void remove_worker(struct daqiri *dq, struct dq_worker *w)
{
	struct dq_worker **link = &dq->workers;
	struct table *last = w->wanted;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	stop(w);
	free_table(last);
	free_table(w->spare);
	free(w);
}

/* No worker has that hand any more; a worker without any ends. */
static void serve_no_more(struct daqiri *dq, int core, const struct dq_rx_hand *rx,
			  const struct dq_tx_hand *tx)
{
	struct dq_worker *w = find_worker(dq, core);

	if (!w)
		return;
	if (w->wanted->n_rx + w->wanted->n_tx == 1) {
		remove_worker(dq, w);
		return;
	}
	copy_hands(w->spare, w->wanted, rx, tx);
	note_timed(w->spare);
	hand_over(w, w->spare);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

int dq_worker_add_rxq(struct daqiri *dq, struct daqiri_rxq *q)
{
	int ret = q->conf->worker ? dq_rx_hand_create(q) : 0;

	if (ret || !q->conf->worker)
		return ret;
	ret = serve_also(dq, &(struct wish){q->conf->where, q->conf->cpu_core, q->hand, NULL});
	if (ret)
		dq_rx_hand_destroy(q);
	return ret;
}

int dq_worker_add_txq(struct daqiri *dq, struct daqiri_txq *q)
{
	int ret = q->conf->worker ? dq_tx_hand_create(q) : 0;

	if (ret || !q->conf->worker)
		return ret;
	ret = serve_also(dq, &(struct wish){q->conf->where, q->conf->cpu_core, NULL, q->hand});
	if (ret)
		dq_tx_hand_destroy(q);
	return ret;
}

void dq_worker_remove_rxq(struct daqiri *dq, struct daqiri_rxq *q)
{
	if (q->hand)
		serve_no_more(dq, q->conf->cpu_core, q->hand, NULL);
	dq_rx_hand_destroy(q);
}

void dq_worker_remove_txq(struct daqiri *dq, struct daqiri_txq *q)
{
	if (q->hand)
		serve_no_more(dq, q->conf->cpu_core, NULL, q->hand);
	dq_tx_hand_destroy(q);
}

void dq_workers_stop(struct daqiri *dq)
{
	while (dq->workers)
		remove_worker(dq, dq->workers);
}
