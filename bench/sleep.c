/* SPDX-License-Identifier: Apache-2.0 */
/* --wait: a thread that only receives sleeps when nothing has come for a while. */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "gpu.h"
#include "msg.h"
#include "run.h"

/*
 * How long a thread polls in vain before it sleeps. A sleep that was shorter than a wakeup costs was
 * a mistake: the time doubles; after one that was longer it is halved.
 */
#define SPIN_FIRST_NS 50000u
#define SPIN_MIN_NS   5000u
#define SPIN_MAX_NS   400000u
#define WAKEUP_NS     50000u

int perf_sleep_open(struct perf_run *run)
{
	run->wake_fd = -1;
	if (!run->plan->options->wait)
		return 0;
	run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return run->wake_fd < 0 ? perf_fail("--wait: %m") : 0;
}

void perf_sleep_close(struct perf_run *run)
{
	if (run->wake_fd >= 0)
		close(run->wake_fd);
}

/* Nobody reads it: once written, it wakes every thread, for ever. */
void perf_sleep_end(struct perf_run *run)
{
	const uint64_t one = 1;

	if (run->wake_fd >= 0 && write(run->wake_fd, &one, sizeof(one)) < 0)
		perf_fail("--wait: threads cannot be woken: %m");
}

/* A forwarder has to look after its completions, too. */
static bool forwards(const struct perf_worker *w)
{
	for (unsigned i = 0; i < w->n_fw; i++)
		if (w->fw[i]->tx)
			return true;
	return false;
}

static unsigned count(const struct perf_worker *w)
{
	return w->n_rx + w->n_fw;
}

/* Those of streams that are checked, then those of streams that are dropped. */
static struct daqiri_rxq *queue(const struct perf_worker *w, unsigned i)
{
	return i < w->n_rx ? w->rx[i]->q : w->fw[i - w->n_rx]->rx;
}

static bool stopped(const struct perf_worker *w, unsigned i)
{
	return i < w->n_rx ? perf_get(w->rx[i]->error) : perf_get(w->fw[i - w->n_rx]->error);
}

int perf_sleep_make(struct perf_worker *w)
{
	if (!w->run->plan->options->wait || !count(w) || forwards(w))
		return 0;
	w->fds = calloc(count(w) + 1, sizeof(*w->fds));
	if (!w->fds)
		return perf_fail("out of memory");
	w->fds[0] = (struct pollfd){ .fd = w->run->wake_fd, .events = POLLIN };
	for (unsigned i = 0; i < count(w); i++) {
		int fd = daqiri_rxq_fd(queue(w, i));

		if (fd < 0)
			return perf_fail_library(fd);
		w->fds[i + 1] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	w->spin_ns = SPIN_FIRST_NS;
	return 0;
}

/* A GPU tells nobody that it is done. */
static bool sends(const struct perf_worker *w)
{
	for (unsigned i = 0; i < w->n_rx; i++)
		if (w->rx[i]->gpu && w->rx[i]->gpu->pending)
			return true;
	for (unsigned i = 0; i < w->n_tx; i++)
		for (unsigned k = 0; k < w->tx[i]->n_senders; k++)
			if (w->tx[i]->senders[k].state != PERF_SENT)
				return true;
	return false;
}

/* Whether something came meanwhile, or a queue has stopped, which its next poll tells. */
static bool arm_all(const struct perf_worker *w)
{
	bool come = false;

	for (unsigned i = 0; i < count(w) && !come; i++)
		come = !stopped(w, i) && daqiri_rxq_arm(queue(w, i));
	return come;
}

static void sleep_now(struct perf_worker *w)
{
	uint64_t before = perf_now(), slept;

	poll(w->fds, count(w) + 1, -1);
	slept = perf_now() - before;
	perf_add(w->sleeps, 1);
	perf_add(w->slept_ns, slept);
	if (slept < WAKEUP_NS)
		w->spin_ns = 2 * w->spin_ns < SPIN_MAX_NS ? 2 * w->spin_ns : SPIN_MAX_NS;
	else
		w->spin_ns = w->spin_ns / 2 > SPIN_MIN_NS ? w->spin_ns / 2 : SPIN_MIN_NS;
}

void perf_idle(struct perf_worker *w, uint64_t now)
{
	if (!w->idle_since)
		w->idle_since = now;
	if (!w->fds || now - w->idle_since < w->spin_ns || sends(w)) {
		perf_relax();
		return;
	}
	w->idle_since = 0;
	if (!arm_all(w))
		sleep_now(w);
}
