/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-perf's choice of cores, on a machine of 16 whose kernel is here. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../bench/cpu.h"

static uint64_t cpuset = 0xffff, mask; /* a bit for each core */
static unsigned n_sets;
static char isolated_file[32], local_file[32];

static uint64_t bits_of(const cpu_set_t *set, size_t size)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 64; i++)
		bits |= (uint64_t)(CPU_ISSET_S(i, size, set) != 0) << i;
	return bits;
}

/* A program's own functions come first. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	cr_assert_eq(pid, 0);
	CPU_ZERO_S(size, set);
	for (unsigned i = 0; i < 64; i++)
		if (mask >> i & 1)
			CPU_SET_S(i, size, set);
	return 0;
}

/* The kernel's: what the cpuset has of it. */
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	uint64_t bits = bits_of(set, size) & cpuset;

	cr_assert_eq(pid, 0);
	n_sets++;
	if (!bits) {
		errno = EINVAL;
		return -1;
	}
	mask = bits;
	return 0;
}

static void put(char path[32], const char *list)
{
	FILE *f;
	int fd;

	strcpy(path, "/tmp/daqiri-cores.XXXXXX");
	fd = mkstemp(path);
	f = fdopen(fd, "w");
	cr_assert(f);
	fprintf(f, "%s\n", list);
	fclose(f);
}

/* A machine whose kernel was started with isolcpus=list; this process has what is left. */
static void machine(const char *list, uint64_t isolated)
{
	put(isolated_file, list);
	perf_cpu_isolated = isolated_file;
	mask = 0xffff & ~isolated;
}

static void done(void)
{
	unlink(isolated_file);
}

/* On a node of these cores. */
static int choose(const char *local, int other)
{
	int core;

	put(local_file, local);
	core = perf_cpu_choose(local_file, other);
	unlink(local_file);
	return core;
}

Test(cpu, isolated_cores_are_usable_though_no_process_has_them, .fini = done)
{
	char list[64];

	machine("4-7,12", 0x10f0);
	cr_expect_eq(perf_cpu_common(), 11u);
	cr_expect_eq(perf_cpu_n_usable(), 16u);
	cr_expect_not(perf_cpu_is_common(5));
	cr_expect(perf_cpu_is_common(8));
	cr_expect(perf_cpu_usable(5));
	cr_expect(perf_cpu_usable(12));
	cr_expect(perf_cpu_usable(0));
	cr_expect_not(perf_cpu_usable(16));
	cr_expect_not(perf_cpu_usable(-1));
	cr_expect_not(perf_cpu_usable(1 << 20));
	perf_cpu_list(list, sizeof(list));
	cr_expect_str_eq(list, "0-15");
	cr_expect_eq(perf_cpu_below(PERF_MAX_CPU), 15);
	cr_expect_eq(perf_cpu_below(5), 4);
	cr_expect_eq(perf_cpu_below(0), -1);
	cr_expect_eq(mask, 0xef0fu, "the process has what it had");
}

Test(cpu, those_of_another_cpuset_are_not, .fini = done)
{
	char list[64];

	machine("4-7,12", 0x10f0);
	cpuset = mask = 0x0f;
	perf_cpu_list(list, sizeof(list));
	cr_expect_str_eq(list, "0-3");
	cpuset = 0x3f;
	cr_expect(perf_cpu_usable(5));
	cr_expect_not(perf_cpu_usable(6));
	cr_expect_eq(mask, 0x0fu);
}

Test(cpu, without_isolated_ones_nothing_is_asked_for, .fini = done)
{
	machine("", 0);
	mask = 0x3; /* taskset */
	cr_expect(perf_cpu_usable(1));
	cr_expect_not(perf_cpu_usable(2));
	cr_expect_eq(n_sets, 0u);
	perf_cpu_isolated = "/nowhere";
	cr_expect_not(perf_cpu_usable(2));
	cr_expect_eq(perf_cpu_n_usable(), 2u);
}

Test(cpu, an_isolated_core_of_the_node_is_chosen, .fini = done)
{
	machine("4-7,12-15", 0xf0f0);
	cr_expect_eq(choose("8-15", -1), 12);
	cr_expect_eq(choose("8-15", 12), 13);
	cr_expect_eq(choose("0-7", -1), 4);
	cr_expect_eq(choose("0-3", -1), 4, "isolated, of another node");
	cr_expect_eq(choose("", -1), 4);
	done();
	machine("", 0);
	cr_expect_eq(choose("8-15", -1), 8);
	cr_expect_eq(choose("0-7", -1), 1, "the kernel's own work is on core 0");
	cpuset = mask = 1;
	cr_expect_eq(choose("0-7", -1), -1);
}
