/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures libdaqiri's data path on rings in memory: see dp.h and bench/README. It prints one line
 * for each case and burst; bench/datapath.sh makes tables and judges them.
 */
#include <config.h>

#include "dp.h"

#include "cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND_CALLGRIND_H
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(text) (void)(text)
#define RUNNING_ON_VALGRIND	      0
#endif

enum mode { TICKS, COUNT, STEP };

enum {
	WARM_UP = 2,	   /* laps that nothing is said of */
	COUNTED = 8,	   /* laps under callgrind: WQEs begin at ever other places of the ring */
	STEPPED = 4,	   /* bursts */
	TIMED_WARM = 2000, /* laps, of which the fastest counts */
	TIMED_COLD = 20
};

struct run {
	struct dp_rig *rig;
	const struct dp_case *c;
	uint32_t n; /* packets in a burst */
	enum mode mode;
};

/* ---- ticks ----------------------------------------------------------------------------------- */

/* The time-stamp counter, when everything before it is done. */
static inline uint64_t ticks(void)
{
	uint64_t now;
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
	now = (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(now)::"memory");
#else
#error "datapath knows the counters of x86-64 and AArch64 only"
#endif
	return now;
}

/* What measuring nothing takes. */
static uint64_t ticks_of_nothing(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 10000; i++) {
		uint64_t begin = ticks(), took = ticks() - begin;

		least = took < least ? took : least;
	}
	return least;
}

/* ---- laps ------------------------------------------------------------------------------------ */

static void *receive_there(void *arg)
{
	dp_device_receive(arg);
	return NULL;
}

/* The completions come from another core's cache. */
static void receive_cold(struct dp_rig *rig)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) || perf_cpu_pin(&attr, rig->other_cpu) ||
	    pthread_create(&thread, &attr, receive_there, rig) || pthread_join(thread, NULL))
		dp_fail("no thread on core %d", rig->other_cpu);
	pthread_attr_destroy(&attr);
}

static void begin_lap(const struct run *run)
{
	struct dp_rig *rig = run->rig;

	rig->rxq = rig->rxqs[run->c->queue];
	rig->rx = &rig->rings[run->c->queue];
	rig->has_meta = false;
	rig->has_rest = false;
	rig->wire = rig->out;
	rig->seen = 0;
	rig->opcode = run->c->opcode;
	rig->session = run->c->session;
	rig->pcie_bytes = 0;
	if (run->c->rx && rig->cold)
		receive_cold(rig);
	else if (run->c->rx)
		dp_device_receive(rig);
	if (run->c->prepare)
		run->c->prepare(rig);
}

static void end_lap(const struct run *run)
{
	const struct dp_rig *rig = run->rig;

	if (run->c->rx)
		dp_device_check_received(rig);
	if (run->c->opcode && rig->seen != rig->lap)
		dp_fail("%u of %u packets were sent", rig->seen, rig->lap);
}

/* Returns the ticks within bursts. The first so many of them are stepped through. */
static uint64_t lap(const struct run *run, uint32_t stepped)
{
	struct dp_rig *rig = run->rig;
	uint64_t begin, sum = 0;

	begin_lap(run);
	CALLGRIND_ZERO_STATS;
	for (uint32_t at = 0; at < rig->lap; at += run->n) {
		if (at / run->n < stepped)
			dp_step_mark();
		begin = ticks();
		run->c->burst(rig, at, run->n);
		sum += ticks() - begin;
		if (at / run->n < stepped)
			dp_step_mark();
		if (run->c->opcode)
			dp_device_send(rig);
	}
	return sum;
}

/* ---- modes ----------------------------------------------------------------------------------- */

static void print(const struct run *run, const char *what, double value)
{
	printf("%s\t%s\t%u\t%s\t%s\t%.4f\n", run->c->name, run->rig->cold ? "cold" : "warm", run->n,
	       run->rig->isa, what, value);
}

static void print_ticks(const struct run *run)
{
	unsigned laps = run->rig->cold ? TIMED_COLD : TIMED_WARM;
	uint64_t least = UINT64_MAX, took, nothing = ticks_of_nothing() * (run->rig->lap / run->n);

	for (unsigned i = 0; i < laps; i++) {
		took = lap(run, 0);
		end_lap(run);
		least = took < least ? took : least;
	}
	print(run, "tsc", least > nothing ? (double)(least - nothing) / run->rig->lap : 0);
	print(run, "pcie", (double)run->rig->pcie_bytes / run->rig->lap);
}

/* Callgrind collects within the library's functions only: datapath.sh says so on its command line.
 */
static void print_counts(const struct run *run)
{
	char label[64];

	snprintf(label, sizeof(label), "%s %u %s %u", run->c->name, run->n, run->rig->isa,
		 run->rig->lap);
	for (int i = 0; i < COUNTED; i++) {
		lap(run, 0);
		CALLGRIND_DUMP_STATS_AT(label);
		end_lap(run);
	}
}

static void print_steps(const struct run *run)
{
	struct dp_steps *steps = &run->rig->shared->steps;
	uint32_t bursts = run->rig->lap / run->n;

	bursts = bursts < STEPPED ? bursts : STEPPED;
	*steps = (struct dp_steps){0};
	lap(run, bursts);
	end_lap(run);
	for (unsigned i = 0; i < DP_N_STEPS; i++)
		print(run, dp_step_names[i], (double)steps->n[i] / bursts);
}

static void measure(const struct run *run)
{
	for (int i = 0; i < WARM_UP; i++) {
		lap(run, 0);
		end_lap(run);
	}
	if (run->mode == TICKS)
		print_ticks(run);
	else if (run->mode == COUNT)
		print_counts(run);
	else
		print_steps(run);
	if (run->c->finish)
		run->c->finish(run->rig);
}

static void measure_all(struct dp_rig *rig, enum mode mode, const char *name)
{
	static const uint32_t bursts[] = {1, 4, 8, 16, 32, 64, 256};

	for (unsigned i = 0; i < dp_n_cases; i++) {
		const struct dp_case *c = &dp_cases[i];

		if ((name && strcmp(name, c->name) != 0) || !dp_can(rig, c))
			continue;
		for (unsigned k = 0; k < sizeof(bursts) / sizeof(bursts[0]); k++)
			measure(&(struct run){.rig = rig, .c = c, .n = bursts[k], .mode = mode});
	}
}

static int run_child(struct dp_rig *rig, enum mode mode, const char *name)
{
	dp_detach(rig);
	if (mode == STEP)
		dp_step_me();
	measure_all(rig, mode, name);
	return fflush(stdout) ? 1 : 0;
}

static int run_parent(struct dp_rig *rig, enum mode mode, pid_t child)
{
	int status;

	if (mode == STEP)
		return dp_step_trace(rig, child);
	if (waitpid(child, &status, 0) != child)
		dp_fail("the measuring process is lost");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static enum mode parse_mode(const char *text)
{
	static const char *const names[] = {"ticks", "count", "step"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i]))
			return (enum mode)i;
	dp_fail("-m %s: ticks, count or step", text);
}

int main(int argc, char **argv)
{
	struct dp_options options = {.device = "mlx5_0", .simd = "auto"};
	enum mode mode = TICKS;
	const char *name = NULL;
	struct dp_rig rig;
	pid_t child;
	int opt, status;

	while ((opt = getopt(argc, argv, "m:c:d:i:t")) != -1) {
		if (opt == 'm')
			mode = parse_mode(optarg);
		else if (opt == 'c')
			name = optarg;
		else if (opt == 'd')
			options.device = optarg;
		else if (opt == 'i')
			options.simd = optarg;
		else if (opt == 't')
			options.cold = true;
		else
			dp_fail("usage: datapath [-m ticks|count|step] [-c CASE] [-d DEVICE] [-i "
				"SIMD] [-t]");
	}
	if (mode == COUNT && !RUNNING_ON_VALGRIND)
		dp_fail("-m count: run it under callgrind, as datapath.sh does");
	options.send = dp_send_kind(name);
	dp_open(&rig, &options);
	if (rig.cold && rig.other_cpu < 0)
		dp_fail("-t: needs two cores");
	fflush(stdout);
	child = fork();
	if (child < 0)
		dp_fail("no process can be made");
	if (!child)
		_exit(run_child(&rig, mode, name));
	status = run_parent(&rig, mode, child);
	dp_close(&rig);
	return status;
}
