/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "msg.h"
#include "run.h"

static void find_emulated(struct perf_run *run)
{
	struct daqiri_port *port;

	for (unsigned i = 0; (port = daqiri_port_get(run->dq, i)); i++) {
		struct daqiri_port_info info = { .size = sizeof(info) };

		if (!daqiri_port_info(port, &info) && info.emulated)
			run->emulated = true;
	}
}

/* Frames that are longer than a port's MTU allows go lost in silence: say so before, and go on. */
static void warn_mtu(const struct perf_run *run, const struct perf_stream *s,
		     const struct perf_end *end)
{
	struct daqiri_port_info info = { .size = sizeof(info) };
	uint32_t head = s->flow.vlan >= 0 ? 18 : 14, longest = 0;

	if (!end->used || daqiri_port_info(daqiri_port_find(run->dq, end->port), &info) ||
	    !info.mtu)
		return;
	for (unsigned i = 0; i < s->sizes.n; i++)
		if (s->sizes.v[i] > longest)
			longest = s->sizes.v[i];
	if (longest > info.mtu + head)
		perf_fail("warning: [%s]: frames of %u bytes are above the MTU %u of port %s (%s), "
			  "which lets %u bytes through: set [port %s] mtu",
			  s->section, longest, info.mtu, end->port, info.rdma, info.mtu + head,
			  end->port);
}

static int judge_core(const struct perf_run *run, int core, const char *section, const char *key)
{
	char list[256];

	if (core < 0 || perf_cpu_usable(core))
		return 0;
	perf_cpu_list(list, sizeof(list));
	return perf_fail_at((struct perf_place){ run->plan->cfg, section, key },
			    "this process may run on cores %s only", list);
}

/* Cores that are named but not there: before anything is opened. */
static int judge_cores(const struct perf_run *run)
{
	const struct daqiri_config *cfg = run->plan->cfg;
	const char *section;
	uint64_t core;

	if (judge_core(run, run->plan->core, "perf", "core"))
		return -1;
	for (unsigned i = 0; (section = daqiri_config_section(cfg, i)); i++) {
		if (strncmp(section, "stream ", 7) && strncmp(section, "rxq ", 4) &&
		    strncmp(section, "txq ", 4))
			continue;
		if (daqiri_config_get_u64(cfg, section, "cpu_core", &core))
			continue;
		if (judge_core(run, (int)core, section, "cpu_core"))
			return -1;
	}
	return 0;
}

/* Memory of a program's own: daqiri-perf has none to give. */
static int judge_kinds(const struct perf_run *run)
{
	const struct daqiri_config *cfg = run->plan->cfg;
	const char *section, *kind;

	for (unsigned i = 0; (section = daqiri_config_section(cfg, i)); i++) {
		if (strncmp(section, "region ", 7) && strncmp(section, "rxq ", 4) &&
		    strncmp(section, "txq ", 4))
			continue;
		kind = daqiri_config_get(cfg, section, "kind");
		if (kind && !strcmp(kind, "app"))
			return perf_fail_at((struct perf_place){cfg, section, "kind"},
					    "a program gives this memory, and daqiri-perf none; "
					    "allowed host, huge, host_pinned, device");
	}
	return 0;
}

int perf_run_open(struct perf_run *run, struct perf_plan *plan)
{
	int ret;

	memset(run, 0, sizeof(*run));
	run->plan = plan;
	if (perf_sleep_open(run) || judge_cores(run) || judge_kinds(run))
		return -1;
	ret = daqiri_open_config(&run->dq, plan->cfg);
	if (ret) {
		run->dq = NULL;
		return perf_fail_library(ret);
	}
	find_emulated(run);
	for (unsigned i = 0; i < plan->n_streams; i++) {
		warn_mtu(run, &plan->streams[i], &plan->streams[i].tx);
		warn_mtu(run, &plan->streams[i], &plan->streams[i].rx);
	}
	if (perf_resolve(plan, run->dq) || perf_ends_make(run) || perf_workers_make(run))
		return -1;
	return 0;
}

void perf_run_close(struct perf_run *run)
{
	perf_workers_free(run);
	perf_ends_free(run);
	daqiri_close(run->dq);
	perf_sleep_close(run);
}
