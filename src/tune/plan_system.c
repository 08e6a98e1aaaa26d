/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of cores and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "edit.h"
#include "plan.h"

#define GIB (1ULL << 30)

struct pool {
	unsigned long long count, size;
	int node;     /* TUNE_UNKNOWN: the kernel spreads them */
	bool to_take; /* so many are to be free */
};

static const struct tune_pages *pages_of(const struct tune_machine *m, unsigned long long size,
					 int node)
{
	for (unsigned i = 0; i < m->n_pages; i++)
		if (m->pages[i].size == size && m->pages[i].node == node)
			return &m->pages[i];
	return NULL;
}

/* "4", "4x1G", "4x1G@0". */
static bool parse_pool(struct pool *pool, const char *text, unsigned long long size)
{
	unsigned shift;
	char *end;

	*pool = (struct pool){.size = size, .node = TUNE_UNKNOWN};
	pool->count = strtoull(text, &end, 10);
	if (end == text || pool->count > 1 << 20)
		return false;
	if (*end == 'x') {
		text = end + 1;
		pool->size = strtoull(text, &end, 10);
		shift = *end == 'G' ? 30 : *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
		if (end == text || !shift || pool->size > 65536)
			return false;
		pool->size <<= shift;
		end++;
	}
	if (*end == '@') {
		text = end + 1;
		pool->node = (int)strtol(text, &end, 10);
		if (end == text || pool->node < 0)
			return false;
	}
	return !*end;
}

static void print_size(char buf[32], unsigned long long size)
{
	if (size % (1 << 20))
		snprintf(buf, 32, "%lluK", size >> 10);
	else if (size % GIB)
		snprintf(buf, 32, "%lluM", size >> 20);
	else
		snprintf(buf, 32, "%lluG", size >> 30);
}

static void plan_pool(struct tune_planner *p, const struct pool *pool)
{
	const struct tune_pages *now = pages_of(p->m, pool->size, pool->node);
	char text[24], size[32];
	long long used;

	print_size(size, pool->size);
	if (!now) {
		tune_plan_refuse(p, "no huge pages of %s on %s", size,
				 pool->node < 0 ? "this machine" : "that node");
		return;
	}
	used = pool->to_take && now->free >= 0 ? now->total - now->free : 0;
	snprintf(text, sizeof(text), "%lld", (long long)pool->count + used);
	if (now->total == (long long)pool->count + used ||
	    (!*p->value && now->total > (long long)pool->count + used))
		return;
	if (pool->node < 0)
		tune_plan_write(p, text, "sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
				pool->size >> 10);
	else
		tune_plan_write(p, text,
				"sys/devices/system/node/node%d/hugepages/hugepages-%llukB/"
				"nr_hugepages",
				pool->node, pool->size >> 10);
}

/* hugepages= of one size: "4", or by node "0:4,1:4" (kernel 5.16 and later). */
static void at_boot(struct tune_planner *p, const struct pool *pool, unsigned n)
{
	char flags[256], size[32];
	size_t len;

	print_size(size, pool[0].size);
	len = (size_t)snprintf(flags, sizeof(flags),
			       "default_hugepagesz=%s hugepagesz=%s hugepages=", size, size);
	for (unsigned i = 0; i < n && len < sizeof(flags); i++) {
		if (pool[i].size != pool[0].size || (n > 1 && pool[i].node < 0)) {
			tune_plan_refuse(p, "--persist takes one size, and a node with each part");
			return;
		}
		if (pool[i].node < 0)
			len += (size_t)snprintf(flags + len, sizeof(flags) - len, "%llu",
						pool[i].count);
		else
			len += (size_t)snprintf(flags + len, sizeof(flags) - len, "%s%d:%llu",
						i ? "," : "", pool[i].node, pool[i].count);
	}
	tune_plan_bootline(p, "default_hugepagesz hugepagesz hugepages", flags);
}

enum { POOLS = 16 };

/* What the configuration's regions need, by size and node; 0: none has huge pages. */
static unsigned of_regions(const struct tune_planner *p, struct pool pool[POOLS],
			   unsigned long long size)
{
	unsigned n = 0, at;

	for (unsigned i = 0; i < p->w->n_regions; i++) {
		const struct tune_wanted_region *r = &p->w->region[i];
		struct pool one = {.size = r->page ? r->page : size,
				   .node = tune_wanted_region_node(p->m, p->w, r),
				   .to_take = true};

		if (strcmp(r->kind, "huge"))
			continue;
		for (at = 0; at < n; at++)
			if (pool[at].size == one.size && pool[at].node == one.node)
				break;
		if (at == POOLS)
			return n;
		if (at == n)
			pool[n++] = one;
		pool[at].count += (r->bytes + one.size - 1) / one.size;
	}
	return n;
}

/* "4x1G@0,4x1G@1"; 0: refused. */
static unsigned of_value(struct tune_planner *p, struct pool pool[POOLS], unsigned long long size)
{
	char copy[256], *one, *save = NULL;
	unsigned n = 0;

	tune_put(copy, sizeof(copy), p->value);
	for (one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		if (n < POOLS && parse_pool(&pool[n++], one, size))
			continue;
		tune_plan_refuse(p, "%s: must be COUNT[xSIZE][@NODE], as in 4x1G", one);
		return 0;
	}
	return n;
}

void tune_plan_hugepages(struct tune_planner *p)
{
	unsigned long long size = tune_machine_page(p->m);
	struct pool pool[POOLS] = {{.count = 4 * GIB / size, .size = size, .node = TUNE_UNKNOWN}};
	unsigned n = 1;

	if (*p->value) {
		n = of_value(p, pool, size);
	} else if (p->w->given) {
		pool[0].count = 0;
		n = of_regions(p, pool, size);
		if (!n)
			tune_plan_say(p,
				      "hugepages: the configuration has no region on huge pages");
	}
	for (unsigned i = 0; i < n; i++)
		plan_pool(p, &pool[i]);
	if (n && p->persist)
		at_boot(p, pool, n);
}

void tune_plan_cpu_freq(struct tune_planner *p)
{
	const char *to = *p->value ? p->value : "performance";
	unsigned with = 0;

	if (strspn(to, "abcdefghijklmnopqrstuvwxyz_") != strlen(to)) {
		tune_plan_refuse(p, "%s is no governor", to);
		return;
	}
	for (unsigned i = 0; i < p->m->n_cpus; i++) {
		const struct tune_cpu *cpu = &p->m->cpu[i];

		with += *cpu->governor != 0;
		if (*cpu->governor && strcmp(cpu->governor, to))
			tune_plan_write(p, to,
					"sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor",
					cpu->id);
	}
	if (with)
		tune_plan_at_boot(p, to);
	else
		tune_plan_say(p, "cpu-freq: no cpufreq here, firmware or host decides");
}

/* Cores that interrupts keep off: those that are isolated and the configuration's. */
static void kept(const struct tune_planner *p, struct tune_cores *keep)
{
	*keep = p->m->isolated;
	for (unsigned i = 0; i < TUNE_CORES / 64; i++)
		keep->bits[i] |= p->w->cores.bits[i];
}

/* All cores but some. */
static void others(const struct tune_planner *p, const struct tune_cores *some,
		   struct tune_cores *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < p->m->n_cpus; i++)
		if (!tune_cores_has(some, p->m->cpu[i].id))
			tune_cores_add(out, p->m->cpu[i].id);
}

static bool irq_cores(struct tune_planner *p, const struct tune_cores *keep, struct tune_cores *to)
{
	memset(to, 0, sizeof(*to));
	if (*p->value) {
		if (!tune_cores_parse(to, p->value) && !tune_cores_empty(to))
			return true;
		tune_plan_refuse(p, "%s is no list of cores", p->value);
		return false;
	}
	if (tune_cores_empty(keep)) {
		tune_plan_refuse(p,
				 "no core is isolated: first cmdline and a reboot, or --config, or "
				 "--set irq=CORES");
		return false;
	}
	others(p, keep, to);
	if (!tune_cores_empty(to))
		return true;
	tune_plan_refuse(p, "all cores are isolated: --set irq=CORES");
	return false;
}

static void move_irqs(struct tune_planner *p, const struct tune_nic *nic,
		      const struct tune_cores *to, const char *text)
{
	struct tune_names names;
	char now[1024];

	tune_list(p->m->root, &names, "sys/bus/pci/devices/%s/msi_irqs", nic->pci.addr);
	for (unsigned i = 0; i < names.n && i < TUNE_IRQS; i++) {
		struct tune_cores cores;

		if (tune_text(p->m->root, now, sizeof(now), "proc/irq/%s/smp_affinity_list",
			      names.name[i]) ||
		    tune_cores_parse(&cores, now) || tune_cores_within(&cores, to))
			continue;
		tune_plan_write(p, text, "proc/irq/%s/smp_affinity_list", names.name[i]);
		if (p->plan->n_steps) /* the kernel keeps some where they are */
			p->plan->step[p->plan->n_steps - 1].may_fail = true;
	}
	tune_names_free(&names);
}

static void stop_irqbalance(struct tune_planner *p, const struct tune_cores *keep)
{
	struct tune_cores banned = {0};

	if (!p->m->irqbalance || tune_cores_within(keep, &p->m->isolated) ||
	    tune_cores_within(keep, &p->m->nohz_full) ||
	    (!tune_cores_parse(&banned, p->m->irqbalance_banned) &&
	     tune_cores_within(keep, &banned)))
		return;
	if (p->persist)
		tune_plan_run(p, "systemctl enable --now irqbalance.service",
			      "systemctl disable --now irqbalance.service")
			->lasting = true;
	else
		tune_plan_run(p, "systemctl start irqbalance.service",
			      "systemctl stop irqbalance.service");
}

void tune_plan_irq(struct tune_planner *p)
{
	struct tune_cores keep, to;
	/* a value that --apply can take, and what a file of the kernel takes at once */
	char text[1000];
	size_t size = p->persist ? 256 : sizeof(text);

	kept(p, &keep);
	if (!irq_cores(p, &keep, &to))
		return;
	if (*p->value)
		others(p, &to, &keep);
	if (!tune_cores_print(&to, text, size)) {
		tune_plan_refuse(p,
				 "as a list these cores are longer than %zu characters: choose "
				 "ranges",
				 size - 1);
		return;
	}
	for (unsigned i = 0; i < p->m->n_nics; i++)
		if (tune_plan_nic(p, &p->m->nic[i]))
			move_irqs(p, &p->m->nic[i], &to, text);
	stop_irqbalance(p, &keep);
	tune_plan_ports_at_boot(p, text);
}

/* By pam_limits; root has CAP_IPC_LOCK and needs none. */
void tune_plan_memlock(struct tune_planner *p)
{
	static const char path[] = "etc/security/limits.d/90-daqiri.conf";
	const char *to = *p->value ? p->value : "unlimited";
	char text[256];

	if (strcmp(to, "unlimited") && strspn(to, "0123456789") != strlen(to)) {
		tune_plan_refuse(p, "%s: must be unlimited or a number of KiB", to);
		return;
	}
	if (tune_plan_foreign(p, path)) {
		tune_plan_refuse(p, "/%s is not daqiri-tune's: add \"* - memlock %s\" to it", path,
				 to);
		return;
	}
	snprintf(text, sizeof(text), "%s* - memlock %s\n", tune_mark, to);
	tune_plan_file(p, path, 0644, text);
	tune_plan_say(p, "memlock: log in anew; units need LimitMEMLOCK=infinity of their own");
}
