/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's own thread. It looks at the doorbells of every page, executes what was rung, and
 * takes frames from other processes. The control path stops it with emu_engine_pause(): a number is
 * asked for and acknowledged, so that neither side takes a lock while frames move.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "emu_dev.h"
#include "pcap.h"
#include "script.h"

#define SENTINEL UINT64_MAX /* queue 0xffffff does not exist */

#define IDLE_SPIN   50u /* turns without work before the first nap */
#define NAP_NS	    20000
#define DOZE_AFTER  500u /* naps, 10 ms and more: then they are longer ones */
#define DOZE_NS	    200000
#define GRACE_NS    50000000u /* most that the device ever waits for a receiver that has no CPU */
#define GRACE_SHARE 8u	      /* of all time, one part in so many may be such waiting */
#define FLUSH_TURNS 256u      /* how often queues in error and other processes are looked at */
#define STACK_SIZE  (1u << 20)

struct engine {
	pthread_t thread;
	bool started;
	bool finished;		  /* the process ends: no new thread */
	_Atomic uint32_t request; /* odd: stand still. Counted up by pause and resume */
	_Atomic uint32_t parked;  /* last request that the thread stands still for */
	atomic_bool stop;
	unsigned idle, turns; /* the thread's own */
	bool waits; /* something is to be done at a time; of this turn, the thread's own */
};

static struct engine engine;

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

void emu_complain(const char *format, ...)
{
	static atomic_uint told;
	char text[320];
	va_list args;
	int n;

	if (atomic_fetch_add(&told, 1) >= 16)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n++] = '\n';
	if (write(STDERR_FILENO, "daqiri-emu: ", 12) == 12 &&
	    write(STDERR_FILENO, text, (size_t)n) < 0)
		return;
}

/* ---- doorbells ----------------------------------------------------------------------------- */

static uint64_t *uar_word(struct emu_uar *uar, uint32_t offset)
{
	return (uint64_t *)(void *)(uar->page + offset);
}

void emu_uar_init(struct emu_uar *uar)
{
	uint32_t at, i;

	LIST_INIT(&uar->sqs);
	for (at = 0; at < uar->n_uars * EMU_UAR_SIZE; at += EMU_UAR_SIZE) {
		__atomic_store_n(uar_word(uar, at + EMU_UAR_CQ_DB), SENTINEL, __ATOMIC_RELAXED);
		for (i = 0; i < EMU_UAR_BF_N; i++)
			__atomic_store_n(uar_word(uar, at + EMU_UAR_BF + i * EMU_UAR_BF_STEP),
					 SENTINEL, __ATOMIC_RELAXED);
	}
}

/*
 * Queues share a page, and of doorbells rung together only the last is seen: every queue of the
 * page has its counter read again, so that none is lost.
 */
static void ring(struct emu_uar *uar, uint64_t word)
{
	uint32_t first = (uint32_t)(be64toh(word) >> 32), second = (uint32_t)be64toh(word);
	bool known = false;
	struct emu_sq *sq;

	LIST_FOREACH (sq, &uar->sqs, uar_link)
		known = known || sq->qpn == second >> 8;
	if (!known) {
		emu_complain("doorbell page %u: a doorbell names queue 0x%x, which has no send "
			     "queue on this page: the device stops",
			     uar->index, second >> 8);
		emu_async_event(uar->ctx, EMU_ASYNC_DEVICE_FATAL, 1);
		return;
	}
	LIST_FOREACH (sq, &uar->sqs, uar_link)
		emu_sq_doorbell(sq, sq->qpn == second >> 8 ? (int)(first >> 8 & 0xffff) : -1);
}

/* Takes the word away, if the program has written one; pairs with its store to the doorbell. */
static bool take(struct emu_uar *uar, uint32_t offset, uint64_t *word)
{
	uint64_t *slot = uar_word(uar, offset);

	if (__atomic_load_n(slot, __ATOMIC_RELAXED) == SENTINEL)
		return false;
	*word = __atomic_exchange_n(slot, SENTINEL, __ATOMIC_ACQ_REL);
	return true;
}

/* at: of the card's 4 KiB in the mapped page */
static unsigned look_at_uar(struct emu_dev *dev, struct emu_uar *uar, uint32_t at)
{
	unsigned rung = 0, i;
	uint64_t word;

	for (i = 0; i < EMU_UAR_BF_N; i++) {
		if (!take(uar, at + EMU_UAR_BF + i * EMU_UAR_BF_STEP, &word))
			continue;
		ring(uar, word);
		rung++;
	}
	if (take(uar, at + EMU_UAR_CQ_DB, &word)) {
		emu_cq_doorbell(uar, dev);
		rung++;
	}
	return rung;
}

static unsigned look_at_doorbells(struct emu_dev *dev)
{
	struct emu_uar *uar;
	unsigned rung = 0;
	uint32_t i;

	LIST_FOREACH (uar, &dev->uars, link)
		for (i = 0; i < uar->n_uars; i++)
			rung += look_at_uar(dev, uar, i * EMU_UAR_SIZE);
	return rung;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void flush_errors(struct emu_dev *dev)
{
	struct emu_rq *rq;

	LIST_FOREACH (rq, &dev->rqs, link)
		if (rq->state == EMU_QUEUE_ERR && !rq->cq->overrun)
			emu_rq_flush(rq);
}

/* Another process of the wire, or this one, may have pulled the cable. */
static void look_at_link(struct emu_dev *dev)
{
	bool up = __atomic_load_n(&dev->wire->link_up, __ATOMIC_RELAXED);

	if (up != dev->link_seen && emu_link_event(dev, up))
		dev->link_seen = up;
}

static unsigned device_turn(struct emu_dev *dev)
{
	unsigned work = look_at_doorbells(dev);
	struct emu_sq *sq;

	LIST_FOREACH (sq, &dev->sqs, link) {
		if (sq->ci == sq->pi)
			continue;
		emu_time_expire();
		work += emu_sq_run(sq, EMU_BURST);
		engine.waits |= sq->ci != sq->pi;
	}
	if (engine.turns % FLUSH_TURNS == 0) {
		flush_errors(dev);
		look_at_link(dev);
	}
	return work;
}

static unsigned turn(void)
{
	unsigned work = 0, i;

	engine.turns++;
	engine.waits = emu_script_on;
	emu_wire_sync();
	if (engine.turns % FLUSH_TURNS == 0) {
		emu_wire_tick(emu_time_ns());
		emu_pcap_tick(emu_time_ns());
	}
	if (emu_script_on)
		work += emu_script_turn(emu_time_ns());
	for (i = 0; i < emu_settings.n_ports; i++)
		if (!LIST_EMPTY(&emu_devs[i].uars) && !emu_devs[i].fatal)
			work += device_turn(&emu_devs[i]);
	emu_ring_flush();
	emu_time_expire();
	emu_clock_tick(emu_time_ns());
	work += emu_ring_poll(EMU_BURST * 4);
	emu_rq_settle();
	emu_sessions_end();
	emu_counters_flush();
	return work;
}

/*
 * A real device's receiver has its core to itself; ours may have lost it to this very thread or to
 * a sender. So the device stands still for a moment before it drops a frame. A receiver that is too
 * slow gains nothing: the time for this grows by a small share of all time only.
 */
bool emu_engine_grace(bool (*ready)(struct emu_rq *rq), struct emu_rq *rq)
{
	static uint64_t left = GRACE_NS, updated;
	const struct timespec nap = {0, NAP_NS};
	uint64_t start, spent = 0;

	emu_ring_flush(); /* nobody else shall wait with us */
	emu_rq_settle();
	emu_sessions_end();
	emu_time_expire();
	start = emu_time_ns();
	if (updated)
		left += (start - updated) / GRACE_SHARE;
	if (left > GRACE_NS)
		left = GRACE_NS;
	while (!ready(rq) && spent < left && !atomic_load(&engine.stop)) {
		nanosleep(&nap, NULL);
		emu_time_expire();
		spent = emu_time_ns() - start;
	}
	left -= spent < left ? spent : left;
	updated = start + spent;
	return ready(rq);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * The program may have no more cores than we leave it. Sleeping is better than sched_yield(): who
 * wakes is put on a core that is free, who yields stays behind the others of his own.
 */
static void rest(unsigned work)
{
	bool doze = engine.idle > IDLE_SPIN + DOZE_AFTER && !engine.waits;
	const struct timespec nap = {0, doze ? DOZE_NS : NAP_NS};
	uint32_t request;

	if (work) {
		engine.idle = 0;
		return;
	}
	engine.idle++;
	if (engine.idle <= IDLE_SPIN) {
		relax();
	} else {
		engine.turns |= FLUSH_TURNS - 1; /* turns are few now: the next looks at the rest */
		request = atomic_load(&engine.request);
		if (!(request & 1) && !atomic_load(&engine.stop))
			futex(&engine.request, FUTEX_WAIT, request, &nap);
	}
}

/* Everything rung before the control path came is seen before it acts. */
static void park(uint32_t request)
{
	unsigned i;

	for (i = 0; i < emu_settings.n_ports; i++)
		look_at_doorbells(&emu_devs[i]);
	/* release: what we did is seen by the control path; pairs with its load in pause() */
	atomic_store(&engine.parked, request);
	futex(&engine.parked, FUTEX_WAKE, 1, NULL);
	while (atomic_load(&engine.request) == request && !atomic_load(&engine.stop))
		futex(&engine.request, FUTEX_WAIT, request, NULL);
	engine.idle = 0;
}

static void *engine_main(void *unused)
{
	uint32_t request;

	(void)unused;
	pthread_setname_np(pthread_self(), "emu-dev");
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); /* naps end when they should */
	while (!atomic_load(&engine.stop)) {
		request = atomic_load(&engine.request);
		if (request & 1)
			park(request);
		else
			rest(turn());
	}
	emu_ring_flush();
	emu_counters_flush();
	return NULL;
}

static void start(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the program's, not ours */
	emu_pcap_start();
	err = pthread_create(&engine.thread, &attr, engine_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	engine.started = err == 0;
	if (err)
		emu_complain("cannot start the device's thread: %s", strerror(err));
}

void emu_engine_pause(void)
{
	uint32_t request, parked;

	if (!engine.started && !engine.finished)
		start();
	if (!engine.started)
		return;
	request = atomic_fetch_add(&engine.request, 1) + 1;
	futex(&engine.request, FUTEX_WAKE, 1, NULL);
	for (;;) {
		parked = atomic_load(&engine.parked);
		if (parked == request || atomic_load(&engine.stop))
			break;
		futex(&engine.parked, FUTEX_WAIT, parked, NULL);
	}
	emu_time_expire();
}

void emu_engine_resume(void)
{
	if (!engine.started)
		return;
	emu_counters_flush();
	emu_ring_flush();
	atomic_fetch_add(&engine.request, 1);
	futex(&engine.request, FUTEX_WAKE, 1, NULL);
}

static void after_fork_in_child(void)
{
	unsigned i;

	/* The thread exists in the parent only, and so do the objects: the child opens its own. */
	engine = (struct engine){.finished = engine.finished};
	for (i = 0; i < EMU_MAX_PORTS; i++) {
		LIST_INIT(&emu_devs[i].uars);
		LIST_INIT(&emu_devs[i].cqs);
		LIST_INIT(&emu_devs[i].sqs);
		LIST_INIT(&emu_devs[i].rqs);
		LIST_INIT(&emu_devs[i].tirs);
	}
	emu_clock_forget();
	emu_sessions_forget();
	emu_wire_forget();
	emu_pcap_forget();
}

__attribute__((constructor)) static void prepare(void)
{
	pthread_atfork(NULL, NULL, after_fork_in_child);
}

__attribute__((destructor)) static void finish(void)
{
	engine.finished = true;
	if (engine.started) {
		atomic_store(&engine.stop, true);
		atomic_fetch_add(&engine.request, 2); /* still odd where it was odd */
		futex(&engine.request, FUTEX_WAKE, 1, NULL);
		pthread_join(engine.thread, NULL);
		engine.started = false;
		futex(&engine.parked, FUTEX_WAKE, 1, NULL);
	}
	emu_pcap_stop();
	emu_wire_detach();
}
