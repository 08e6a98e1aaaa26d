/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"

/* cpu_set_t ends at core 1023; this is as long as a configuration can name. */
struct cpus {
	cpu_set_t set[PERF_MAX_CPU / CPU_SETSIZE];
};

const char *perf_cpu_isolated = "/sys/devices/system/cpu/isolated";

/* Where threads run that are pinned to none. */
static void common(struct cpus *cpus)
{
	CPU_ZERO_S(sizeof(*cpus), cpus->set);
	if (sched_getaffinity(0, sizeof(*cpus), cpus->set))
		CPU_SET_S(0, sizeof(*cpus), cpus->set);
}

/* A list as the kernel writes it: "0-3,8". */
static void parse(struct cpus *cpus, const char *list)
{
	CPU_ZERO_S(sizeof(*cpus), cpus->set);
	while (*list) {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (end == list)
			return;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < PERF_MAX_CPU; from++)
			CPU_SET_S(from, sizeof(*cpus), cpus->set);
		list = *end == ',' ? end + 1 : "";
	}
}

/* Of a file of the kernel's; none where there is no such file. */
static void read_list(struct cpus *cpus, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[4096];

	parse(cpus, f && fgets(line, sizeof(line), f) ? line : "");
	if (f)
		fclose(f);
}

/*
 * The kernel starts every process without the isolated cores (sched_init_smp() leaves them out for
 * the first one), and lets a thread have them that asks for them, but for what the process' cpuset
 * does not have: so all are asked for, and the answer is read.
 */
static void usable(struct cpus *cpus, struct cpus *isolated)
{
	struct cpus before, more;

	common(cpus);
	read_list(isolated, perf_cpu_isolated);
	if (!CPU_COUNT_S(sizeof(*isolated), isolated->set))
		return;
	before = *cpus;
	CPU_OR_S(sizeof(more), more.set, isolated->set, before.set);
	if (sched_setaffinity(0, sizeof(more), more.set))
		return;
	common(cpus);
	sched_setaffinity(0, sizeof(before), before.set);
}

static bool has(const struct cpus *cpus, int core)
{
	return core >= 0 && core < PERF_MAX_CPU &&
	       CPU_ISSET_S((unsigned)core, sizeof(*cpus), cpus->set);
}

unsigned perf_cpu_common(void)
{
	struct cpus cpus;

	common(&cpus);
	return (unsigned)CPU_COUNT_S(sizeof(cpus), cpus.set);
}

bool perf_cpu_is_common(int core)
{
	struct cpus cpus;

	common(&cpus);
	return has(&cpus, core);
}

bool perf_cpu_usable(int core)
{
	struct cpus cpus, isolated;

	usable(&cpus, &isolated);
	return has(&cpus, core);
}

unsigned perf_cpu_n_usable(void)
{
	struct cpus cpus, isolated;

	usable(&cpus, &isolated);
	return (unsigned)CPU_COUNT_S(sizeof(cpus), cpus.set);
}

int perf_cpu_below(int core)
{
	struct cpus cpus, isolated;

	usable(&cpus, &isolated);
	while (--core >= 0)
		if (has(&cpus, core))
			return core;
	return -1;
}

int perf_cpu_choose(const char *local, int other)
{
	struct cpus cpus, near, isolated;
	int best = -1, best_rank = 0;

	usable(&cpus, &isolated);
	read_list(&near, local);
	for (int core = 1; core < PERF_MAX_CPU; core++) {
		int rank = 1 + 2 * has(&near, core) + 4 * has(&isolated, core);

		if (core == other || !has(&cpus, core) || rank <= best_rank)
			continue;
		best = core;
		best_rank = rank;
	}
	return best;
}

void perf_cpu_list(char *buf, size_t size)
{
	struct cpus cpus, isolated;
	size_t used = 0;

	usable(&cpus, &isolated);
	buf[0] = '\0';
	for (unsigned i = 0; i < PERF_MAX_CPU && used < size; i++) {
		unsigned last = i;

		if (!CPU_ISSET_S(i, sizeof(cpus), cpus.set))
			continue;
		while (last + 1 < PERF_MAX_CPU && CPU_ISSET_S(last + 1, sizeof(cpus), cpus.set))
			last++;
		if (last > i)
			used += (size_t)snprintf(buf + used, size - used, "%s%u-%u",
						 used ? "," : "", i, last);
		else
			used += (size_t)snprintf(buf + used, size - used, "%s%u", used ? "," : "",
						 i);
		i = last;
	}
}

int perf_cpu_pin(pthread_attr_t *attr, int core)
{
	struct cpus cpus;

	if (core < 0 || core >= PERF_MAX_CPU)
		return EINVAL;
	CPU_ZERO_S(sizeof(cpus), cpus.set);
	CPU_SET_S((unsigned)core, sizeof(cpus), cpus.set);
	return pthread_attr_setaffinity_np(attr, sizeof(cpus), cpus.set);
}

int perf_cpu_pin_self(int core)
{
	struct cpus cpus;

	if (core < 0 || core >= PERF_MAX_CPU)
		return EINVAL;
	CPU_ZERO_S(sizeof(cpus), cpus.set);
	CPU_SET_S((unsigned)core, sizeof(cpus), cpus.set);
	return pthread_setaffinity_np(pthread_self(), sizeof(cpus), cpus.set);
}
