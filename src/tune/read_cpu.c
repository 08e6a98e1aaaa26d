/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

/* The nodes of the cores, by each node's list. */
static void read_nodes(struct tune_machine *m)
{
	struct tune_names names;
	struct tune_cores cores;
	char buf[1024];
	int node;

	tune_list(m->root, &names, "sys/devices/system/node");
	for (unsigned i = 0; i < names.n; i++) {
		if (sscanf(names.name[i], "node%d", &node) != 1 || node < 0)
			continue;
		m->n_nodes++;
		if (tune_text(m->root, buf, sizeof(buf), "sys/devices/system/node/%s/cpulist",
			      names.name[i]) ||
		    tune_cores_parse(&cores, buf))
			continue;
		for (unsigned c = 0; c < m->n_cpus; c++)
			if (tune_cores_has(&cores, m->cpu[c].id))
				m->cpu[c].node = node;
	}
	tune_names_free(&names);
}

static int read_cpu(struct tune_machine *m, unsigned id)
{
	struct tune_cpu *cpu = TUNE_GROW(m, cpu, n_cpus);
	long long value = TUNE_UNKNOWN;

	if (!cpu)
		return -ENOMEM;
	cpu->id = id;
	cpu->node = TUNE_UNKNOWN;
	tune_text(m->root, cpu->governor, sizeof(cpu->governor),
		  "sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", id);
	tune_number(m->root, &value, "sys/devices/system/cpu/cpu%u/cpu_capacity", id);
	cpu->capacity = value >= 0 && value <= 65536 ? (int)value : TUNE_UNKNOWN;
	tune_number(m->root, &cpu->max_khz, "sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq",
		    id);
	return 0;
}

static bool read_list(struct tune_machine *m, struct tune_cores *cores, const char *name)
{
	char buf[1024];

	if (tune_text(m->root, buf, sizeof(buf), "sys/devices/system/cpu/%s", name))
		return false;
	if (!strcmp(buf, "(null)")) /* nohz_full of a kernel that could and does not */
		*buf = 0;
	return !tune_cores_parse(cores, buf);
}

int tune_read_cpus(struct tune_machine *m)
{
	struct tune_names names;
	unsigned id;
	int ret = 0;
	char end;

	read_list(m, &m->online, "online");
	m->isolated_known = read_list(m, &m->isolated, "isolated");
	m->nohz_known = read_list(m, &m->nohz_full, "nohz_full");
	tune_list(m->root, &names, "sys/devices/system/cpu");
	for (unsigned i = 0; i < names.n && !ret; i++) {
		if (sscanf(names.name[i], "cpu%u%c", &id, &end) != 1 || id >= TUNE_CORES)
			continue;
		if (tune_cores_empty(&m->online) || tune_cores_has(&m->online, id))
			ret = read_cpu(m, id);
	}
	tune_names_free(&names);
	read_nodes(m);
	return ret;
}
