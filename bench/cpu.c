/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "cpu.h"

/* cpu_set_t ends at core 1023; this is as long as a configuration can name. */
struct cpus {
	cpu_set_t set[PERF_MAX_CPU / CPU_SETSIZE];
};

static void allowed(struct cpus *cpus)
{
	CPU_ZERO_S(sizeof(*cpus), cpus->set);
	if (sched_getaffinity(0, sizeof(*cpus), cpus->set))
		CPU_SET_S(0, sizeof(*cpus), cpus->set);
}

unsigned perf_cpu_allowed(void)
{
	struct cpus cpus;

	allowed(&cpus);
	return (unsigned)CPU_COUNT_S(sizeof(cpus), cpus.set);
}

bool perf_cpu_usable(int core)
{
	struct cpus cpus;

	allowed(&cpus);
	return core >= 0 && core < PERF_MAX_CPU &&
	       CPU_ISSET_S((unsigned)core, sizeof(cpus), cpus.set);
}

void perf_cpu_list(char *buf, size_t size)
{
	struct cpus cpus;
	size_t used = 0;

	allowed(&cpus);
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
