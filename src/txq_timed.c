/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timed = on: packets that leave at a time. A WAIT WQE before them holds the queue until the
 * device's clock has come to it (PRM: "Wait on time"). The clock is the one of the send queue's
 * time stamps, which follows from its completion queue's flags. Compared are some low bits,
 * cyclically: what is more than half their range ahead would count as past, and is refused, which
 * takes knowing what time it is for the device: a completion tells, and since then the monotonic
 * clock of this machine. That goes wrong when somebody sets the device's clock, and with time: a
 * queue that has nothing to send, and so no completions, asks with a NOP.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counter.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "owner.h"
#include "txq_timed.h"
#include "txq_wqe.h"

#define SECOND 1000000000ull

/*
 * The bits that are compared: 8 seconds, as DPDK has it (mlx5_txq_dynf_timestamp_set(),
 * MLX5_TS_MASK_SECS). In a time stamp of
 * the real time the high half counts seconds and the low one nanoseconds; of the counter it is the
 * next power of two. The PRM leaves the mask to us.
 */
#define WINDOW_S  8ull
#define MASK_REAL ((WINDOW_S << 32) - 1)

enum { LEAD_S = 4 - 1, NOP_S = 1, SPIN_NS = 10000000 };

/*
 * How long what is known is taken for right; less where a time is so far from it that one of the
 * clocks may have been set. A NOP on an idle queue takes some microseconds, most of them for PCIe:
 * one that takes longer is not waited for.
 */
enum { OLD_NS = 1000000000, DOUBT_NS = 1000000, ASK_NS = 20000 };

/* What is surely past by more than our clocks differ by needs no WAIT. */
enum { PAST_NS = 1000000 };

/* Two clocks are read as one when no more lies between, or the closest of some tries. */
enum { TRIES = 8, CLOSE_NS = 5000 };

__extension__ typedef __int128 int128;

/* ---- the device's clock ---------------------------------------------------------------------- */

/* By the vDSO: it does not enter the kernel. 0: it cannot be read. */
static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t ns_of(struct dq_tx_timer *t, uint64_t stamp)
{
	if (t->real)
		return (stamp >> 32) * SECOND + (uint32_t)stamp;
	dq_clock_draw(&t->clock, stamp);
	return dq_clock_ns(&t->clock, stamp);
}

/* What the counter shows at that time, and no earlier, by what the kernel tells now: its page is
 * mapped. */
static uint64_t cycles_of(struct dq_tx_timer *t, uint64_t ns)
{
	struct mlx5dv_clock_info info;
	int128 ahead;

	if (t->clock.read(t->clock.ctx, &info))
		info = t->clock.info;
	ahead = (int128)(int64_t)(ns - info.nsec) * ((int128)1 << info.shift);
	return info.last_cycles + (uint64_t)(ahead / info.mult) + 1;
}

static uint64_t value_of(struct dq_tx_timer *t, uint64_t ns)
{
	return t->real ? (ns / SECOND) << 32 | ns % SECOND : cycles_of(t, ns);
}

/*
 * A completion was written between the last look and this one, so that its time has come, and no
 * longer ago than that look. What is known is moved into that range and no further: our clock may
 * be faster than the device's, or somebody may have set that.
 */
static uint64_t within(uint64_t now, uint64_t told, uint64_t gap)
{
	if (told > now)
		return told;
	return now - told > gap ? told + gap : now;
}

/* An error's completion has no time. */
static bool tells_time(const struct mlx5_cqe64 *cqe)
{
	return cqe->op_own >> 4 == MLX5_CQE_REQ;
}

static uint64_t look(struct daqiri_txq *q)
{
	struct dq_tx_timer *t = q->timer;
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - 1) & q->cq_mask];
	uint64_t mono = monotonic_ns(), now = t->nic_ns + (mono - t->mono_ns);
	uint64_t gap = mono - t->looked_ns, told;

	if (q->ci != t->ci && tells_time(cqe) && gap < t->believe_ns) {
		told = ns_of(t, dq_cqe_stamp(cqe));
		now = within(now, told, gap);
		t->nic_ns = now;
		t->mono_ns = mono;
		t->slack_ns = now - told < t->lead_ns ? now - told : t->lead_ns;
		t->sure_ns = gap < OLD_NS ? mono : t->sure_ns;
	}
	t->ci = q->ci;
	t->looked_ns = mono;
	return now;
}

/* At the last look. */
static bool is_old(const struct dq_tx_timer *t)
{
	return (int64_t)(t->looked_ns - t->sure_ns) > OLD_NS;
}

/* A WQE that does nothing but tell the device's time: as mlx5e_post_nop() of the kernel has it. */
static void post_nop(struct daqiri_txq *q)
{
	uint32_t at = q->pi & q->mask;
	uint8_t *wqe = dq_tx_wqebb(q, at);
	__be64 head;

	memset(wqe, 0, DQ_WQEBB);
	head = dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)wqe,
			   dq_wqe_opcode_index(MLX5_OPCODE_NOP, q->pi), dq_wqe_qpn_ds(q->qpn, 1),
			   DQ_CE_ALWAYS);
	q->pi++;
	dq_tx_signal_others(q, at, q->posted);
	dq_tx_ring(q, head);
}

uint32_t dq_txq_timed_answered(struct daqiri_txq *q)
{
	struct dq_tx_timer *t = q->timer;

	if (!t->asked || q->stopped || (int32_t)(q->ci - t->nop) < 0)
		return 0;
	t->asked = false;
	q->limit++;
	return 1;
}

/*
 * Of an idle queue: its only WQE is the NOP, and only one is on its way. Until it has come the
 * queue holds one packet less, for which there would be no room in the rings.
 */
static void ask(struct daqiri_txq *q)
{
	struct dq_tx_timer *t = q->timer;
	uint64_t begin = t->looked_ns;

	if (!t->asked) {
		post_nop(q);
		t->nop = q->signalled;
		t->asked = true;
		q->limit--;
	}
	do
		dq_tx_drain(q);
	while (q->ci != t->nop && !q->stopped && monotonic_ns() - begin < ASK_NS);
	if (q->stopped)
		q->limit = 0;
	else
		dq_txq_timed_answered(q);
}

/* What time it is; time_ns: which it is compared with, or 0. */
static uint64_t know(struct daqiri_txq *q, uint64_t time_ns)
{
	const struct dq_tx_timer *t = q->timer;
	uint64_t now, lead = t->lead_ns;
	bool far;

	dq_tx_reap(q);
	dq_txq_timed_answered(q);
	now = look(q);
	far = time_ns && time_ns - now + lead > 2 * lead;
	if (!is_old(t) && !(far && t->looked_ns - t->mono_ns > DOUBT_NS))
		return now;
	if (q->posted != q->done || q->stopped)
		return now;
	ask(q);
	return look(q);
}

/* ---- make ------------------------------------------------------------------------------------ */

int dq_txq_check_timed(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	if (!conf->timed)
		return 0;
	if (!dev->caps.wait_on_time)
		return dq_error(
			EOPNOTSUPP,
			"%s timed=on: %s does not tell that it waits for a time "
			"(wait_on_time, which takes DevX, and a ConnectX-7): use timed = off",
			conf->where, dev->info.rdma);
	if (conf->tx_latency)
		return dq_error(EINVAL,
				"%s timed=on: a packet that goes with its doorbell (tx_latency) "
				"cannot wait: one or the other",
				conf->where);
	if (conf->clock == DQ_CLOCK_REAL && !dev->caps.real_time)
		return dq_error(
			EOPNOTSUPP,
			"%s clock=real: %s, or its kernel driver, has no time stamps of the "
			"real time: set clock=auto, or have the firmware make them "
			"(mlxconfig set REAL_TIME_CLOCK_ENABLE=1, and a reset of the device)",
			conf->where, dev->info.rdma);
	return 0;
}

/* Ones up to the window's cycles, and no more than the counter has. */
static uint64_t mask_free(const struct mlx5dv_clock_info *info)
{
	uint64_t cycles = (uint64_t)(((int128)(WINDOW_S * SECOND) << info->shift) / info->mult);
	uint64_t mask = UINT32_MAX;

	while (mask < cycles)
		mask = mask << 1 | 1;
	return mask < info->mask ? mask : info->mask;
}

static int open_clock(struct daqiri_txq *q)
{
	struct dq_tx_timer *t = q->timer;
	struct dq_device *dev = q->port->dev;
	int ret = dq_clock_init(&t->clock, mlx5dv_get_clock_info, dev->ctx);
	uint64_t half;

	if (ret)
		return dq_error(
			-ret,
			"%s timed=on: the kernel does not tell what the counter of %s means "
			"(clock info page): %s",
			q->conf->where, dev->info.rdma, strerror(-ret));
	t->mask = mask_free(&t->clock.info);
	half = (uint64_t)((int128)(t->mask / 2) * t->clock.info.mult >> t->clock.info.shift);
	t->believe_ns = (uint64_t)((int128)(t->clock.info.mask / 4) * t->clock.info.mult >>
				   t->clock.info.shift);
	/* A quarter is left for what the clocks may differ by. */
	if (t->lead_ns > half - half / 4)
		t->lead_ns = half - half / 4;
	return 0;
}

int dq_txq_timed_create(struct daqiri_txq *q)
{
	if (!q->conf->timed)
		return 0;
	q->timer = calloc(1, sizeof(*q->timer));
	if (!q->timer)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	q->timer->real = q->conf->clock == DQ_CLOCK_REAL ||
			 (q->conf->clock == DQ_CLOCK_AUTO && q->port->dev->caps.real_time);
	q->timer->mask = MASK_REAL;
	q->timer->lead_ns = LEAD_S * SECOND;
	q->timer->believe_ns = UINT64_MAX;
	q->cq.wc_flags = q->timer->real ? IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK
					: IBV_WC_EX_WITH_COMPLETION_TIMESTAMP;
	return q->timer->real ? 0 : open_clock(q);
}

int dq_txq_refuse_clock(const struct daqiri_txq *q)
{
	const char *clock = dq_txq_clock_name(q), *rdma = q->port->dev->info.rdma;

	return dq_error(EOPNOTSUPP,
			"%s timed=on: %s makes no send queue with time stamps of %s: set clock=%s, "
			"or timed=off",
			q->conf->where, rdma,
			*clock == 'r' ? "the real time" : "a free-running clock",
			*clock == 'r' ? "free" : "real");
}

void dq_txq_timed_destroy(struct daqiri_txq *q)
{
	free(q->timer);
}

const char *dq_txq_clock_name(const struct daqiri_txq *q)
{
	return !q->timer ? NULL : q->timer->real ? "real" : "free";
}

int dq_txq_timed_start(struct daqiri_txq *q)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t begin = monotonic_ns(), spin = begin + SPIN_NS;
	struct dq_tx_timer *t = q->timer;
	uint64_t errors = dq_counter_get(&q->count.errors);
	uint32_t ci = q->ci;

	if (!t)
		return 0;
	post_nop(q);
	/* When it comes is what the time is known by: it is mostly there at once. */
	while (q->ci == ci && monotonic_ns() - begin < NOP_S * SECOND) {
		dq_tx_drain(q);
		if (q->ci == ci && monotonic_ns() > spin)
			nanosleep(&pause, NULL);
	}
	if (q->ci == ci || dq_counter_get(&q->count.errors) != errors)
		return dq_error(EIO, "%s timed=on: %s does not tell its time", q->conf->where,
				q->port->dev->info.rdma);
	t->ci = q->ci;
	t->nic_ns = ns_of(t, dq_cqe_stamp(&q->cqes[(q->ci - 1) & q->cq_mask]));
	t->mono_ns = t->looked_ns = t->sure_ns = monotonic_ns();
	t->slack_ns = 0;
	t->asked = false;
	return 0;
}

/* ---- public ---------------------------------------------------------------------------------- */

static void write_wait(struct daqiri_txq *q, uint64_t time_ns)
{
	struct dq_tx_timer *t = q->timer;
	const struct dq_wqe_time when = {.value = value_of(t, time_ns), .mask = t->mask};

	dq_wqe_wait(dq_tx_wqebb(q, q->pi), q->pi, q->qpn, &when);
	q->pi++;
}

static __attribute__((noinline, cold)) int no_times(const struct daqiri_txq *q, const char *call)
{
	return dq_error(EOPNOTSUPP, "%s: %s wants a queue with timed = on", q->conf->where, call);
}

static __attribute__((noinline, cold)) int too_far(const struct daqiri_txq *q, uint64_t ahead)
{
	return dq_error(ERANGE,
			"%s: daqiri_tx_post_at: %llu ns ahead, and the device compares times up to "
			"%llu ns ahead: post later",
			q->conf->where, (unsigned long long)ahead,
			(unsigned long long)q->timer->lead_ns);
}

int daqiri_tx_post_at(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n, uint64_t time_ns)
{
	struct dq_tx_timer *t = q ? q->timer : NULL;
	uint64_t now, away;
	bool ahead;

	if (!q || n < 0 || (!pkts && n))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_tx_post_at", n);
	if (!t)
		return no_times(q, "daqiri_tx_post_at");
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	now = know(q, time_ns);
	n = dq_tx_make_room(q, n);
	if (n <= 0)
		return n;
	ahead = time_ns > now;
	away = ahead ? time_ns - now : now - time_ns;
	if (away <= (ahead ? t->lead_ns : t->slack_ns + PAST_NS))
		write_wait(q, time_ns);
	else if (is_old(t) && t->asked)
		return 0;
	else if (ahead)
		return too_far(q, away);
	/* What is past may be far ahead to the device, once it comes to it. */
	return q->write(q, pkts, (uint32_t)n);
}

/* Of a call that tells a time. */
static int enter(struct daqiri_txq *q, const uint64_t *out, const char *call)
{
	if (!q || !out)
		return dq_error(EINVAL, "%s: NULL argument", call);
	if (!q->timer)
		return no_times(q, call);
	return dq_owner_enter(&q->owner, q->conf->where) ? 0 : -EPERM;
}

int daqiri_tx_now(struct daqiri_txq *q, uint64_t *time_ns)
{
	int ret = enter(q, time_ns, "daqiri_tx_now");

	if (ret)
		return ret;
	*time_ns = know(q, 0);
	return 0;
}

/* Of a clock and the queue's the times of one moment; false: the clock cannot be read. */
static bool read_both(struct daqiri_txq *q, clockid_t clock, uint64_t *theirs, uint64_t *nic)
{
	uint64_t best = UINT64_MAX, before, after, now;

	know(q, 0); /* which may have to ask: it takes its time */
	/* Whoever is stopped between two readings does better the next time. */
	for (int i = 0; i < TRIES && best > CLOSE_NS; i++) {
		before = clock_ns(clock);
		now = look(q);
		after = clock_ns(clock);
		if (!before || after - before >= best)
			continue;
		best = after - before;
		*theirs = before + best / 2;
		*nic = now;
	}
	return best != UINT64_MAX;
}

int daqiri_tx_time_of(struct daqiri_txq *q, int clock, uint64_t time_ns, uint64_t *nic_ns)
{
	int ret = enter(q, nic_ns, "daqiri_tx_time_of");
	uint64_t theirs, nic;

	if (ret)
		return ret;
	if (!read_both(q, clock, &theirs, &nic))
		return dq_error(EINVAL, "%s: daqiri_tx_time_of: clock %d cannot be read: %s",
				q->conf->where, clock, strerror(errno));
	if (time_ns < theirs && theirs - time_ns > nic)
		return dq_error(EINVAL,
				"%s: daqiri_tx_time_of: %llu of clock %d is before the NIC's clock "
				"began",
				q->conf->where, (unsigned long long)time_ns, clock);
	*nic_ns = nic + (time_ns - theirs);
	return 0;
}
