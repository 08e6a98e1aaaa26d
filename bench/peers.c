/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/peers and bench/peers-dpdk: see peers.h and bench/README.
 *   peers -l      lists the rows: name, tier, compared with, what is less, what is outside
 *   peers ROW     moves and checks packets; under callgrind it dumps what each step costs
 */
#include <config.h>

#include "peers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND_CALLGRIND_H
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(text) (void)(text)
#define RUNNING_ON_VALGRIND	      0
#endif

enum { WARM_UP = 2, COUNTED = 4 }; /* laps */

static const char *const step_names[] = {"reap",    "receive", "alloc", "send",
					 "recycle", "nothing", "all"};

/* A kind of work. */
struct work {
	char letter;
	const char *name;
	bool rx, tx;
};

static const struct work works[] = {
	{'r', "rx", true, false}, {'t', "tx", false, true}, {'l', "loop", true, true}};

void peers_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("peers: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1); /* no library is asked to end in good order */
}

void *peers_zeroed(size_t size)
{
	void *addr = calloc(1, size);

	if (!addr)
		peers_fail("no memory");
	return addr;
}

void peers_say(const struct peers_rig *rig, const char *what, const char *text)
{
	printf("%s\t%s\t%s\n", rig->row->name, what, text);
	fflush(stdout);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Callgrind collects while this one runs, in the thread that runs it: peers.sh says so. */
void peers_counted(struct peers_rig *rig, void (*step)(struct peers_rig *rig));

__attribute__((noinline)) void peers_counted(struct peers_rig *rig,
					     void (*step)(struct peers_rig *rig))
{
	step(rig);
	__asm__ volatile("" ::: "memory"); /* no jump in place of a call and a return */
}

static void nothing(struct peers_rig *rig)
{
	(void)rig;
	__asm__ volatile("" ::: "memory");
}

static void take_step(struct peers_rig *rig, enum peers_step which)
{
	void (*step)(struct peers_rig *) = rig->row->ops->step[which];

	if (!step)
		return;
	if (rig->counted == which || rig->counted == PEERS_ALL)
		peers_counted(rig, step);
	else
		step(rig);
}

static void receive(struct peers_rig *rig)
{
	rig->got = 0;
	take_step(rig, PEERS_RECEIVE);
	if (rig->got != rig->n)
		peers_fail("%s: %u packets came, not %u", rig->row->name, rig->got, rig->n);
	for (uint32_t i = 0; i < rig->n; i++)
		peers_frame_check(rig->row->ops->received(rig, i), rig->received + i, false);
	rig->received += rig->n;
}

static void send_them(struct peers_rig *rig)
{
	const struct peers_ops *ops = rig->row->ops;
	uint32_t len;

	take_step(rig, PEERS_ALLOC);
	for (uint32_t i = 0; i < rig->n; i++) {
		len = peers_frame_len(rig->sent + i);
		peers_frame_build(ops->slot(rig, i), rig->sent + i, len, true);
		ops->set_len(rig, i, len);
	}
	take_step(rig, PEERS_SEND);
}

static void burst(struct peers_rig *rig, const struct work *work)
{
	if (rig->counted == PEERS_NOTHING)
		peers_counted(rig, nothing);
	if (work->tx)
		take_step(rig, PEERS_REAP);
	if (work->rx)
		receive(rig);
	if (work->tx)
		send_them(rig);
	if (work->rx)
		take_step(rig, PEERS_RECYCLE);
	if (!work->tx)
		return;
	peers_far_expect(rig->far, rig->sent, rig->n);
	rig->sent += rig->n;
}

/* ---- laps ------------------------------------------------------------------------------------ */

static void lap(struct peers_rig *rig, const struct work *work)
{
	if (work->rx)
		peers_far_send(rig->far, rig->received, PEERS_LAP);
	for (uint32_t at = 0; at < PEERS_LAP; at += rig->n)
		burst(rig, work);
}

static void count(struct peers_rig *rig, const struct work *work, enum peers_step which)
{
	char label[128];

	rig->counted = which;
	CALLGRIND_ZERO_STATS;
	for (int i = 0; i < COUNTED; i++)
		lap(rig, work);
	snprintf(label, sizeof(label), "%s %s %u %s %d", rig->row->name, work->name, rig->n,
		 step_names[which], COUNTED * PEERS_LAP);
	CALLGRIND_DUMP_STATS_AT(label);
	rig->counted = PEERS_NOTHING;
}

static bool takes(const struct peers_rig *rig, const struct work *work, unsigned which)
{
	if (which >= PEERS_N_STEPS)
		return true;
	if (!rig->row->ops->step[which])
		return false;
	return which == PEERS_RECEIVE || which == PEERS_RECYCLE ? work->rx : work->tx;
}

static void measure(struct peers_rig *rig, const struct work *work)
{
	static const uint32_t bursts[] = {32, 64};

	for (unsigned k = 0; k < sizeof(bursts) / sizeof(bursts[0]); k++) {
		rig->n = bursts[k];
		for (int i = 0; i < WARM_UP; i++)
			lap(rig, work);
		for (unsigned which = 0; RUNNING_ON_VALGRIND && which <= PEERS_ALL; which++)
			if (takes(rig, work, which))
				count(rig, work, (enum peers_step)which);
	}
}

static int run(const struct peers_row *row)
{
	struct peers_rig rig = {.row = row, .counted = PEERS_NOTHING};
	char text[64];

	if (!row->ops->open(&rig))
		return 0;
	rig.far = peers_far_open();
	for (unsigned i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (strchr(row->works, works[i].letter))
			measure(&rig, &works[i]);
	peers_far_close(rig.far);
	row->ops->close(&rig);
	snprintf(text, sizeof(text), "%" PRIu64 "\t%" PRIu64, rig.received, rig.sent);
	peers_say(&rig, "moved", text);
	return fflush(stdout) ? 1 : 0;
}

static int list(void)
{
	for (unsigned i = 0; i < peers_n_rows; i++) {
		const struct peers_row *row = &peers_rows[i];

		printf("%s\t%s\t%s\t%s\t%s\n", row->name, row->tier, row->against,
		       row->less ? row->less : "", row->outside);
	}
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-l"))
		return list();
	for (unsigned i = 0; argc == 2 && i < peers_n_rows; i++)
		if (!strcmp(argv[1], peers_rows[i].name))
			return run(&peers_rows[i]);
	peers_fail("usage: peers -l | ROW");
}
