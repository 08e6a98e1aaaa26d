/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "check.h"

struct lists {
	struct tune_cores isolcpus, nohz_full, rcu_nocbs, irqaffinity;
	bool has_isolcpus, has_nohz, has_rcu, has_irq;
};

static const char *const core_flags[] = {"isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity"};

/* A flag with a list: a row of its own where it is missing, malformed or given twice. */
static bool take_list(const struct tune_judge *j, const char *flag, struct tune_cores *out)
{
	const char *value = tune_machine_flag(j->m, flag, 0);
	const char *second = value ? tune_machine_flag(j->m, flag, 1) : NULL;
	struct tune_row *row;

	if (!value)
		return false;
	if (tune_cores_parse(out, value)) {
		row = tune_row(j, TUNE_WARN, flag, "\"%s\" is no list of cores", value);
		tune_want(row, "a list such as 9-11");
		return false;
	}
	if (second && strcmp(second, value)) {
		row = tune_row(j, TUNE_WARN, flag, "given twice: %s and %s", value, second);
		tune_want(row, "once");
		tune_fix(row, "look for it in /etc/default/grub and /etc/default/grub.d/");
	}
	return true;
}

void tune_big_cores(const struct tune_machine *m, struct tune_cores *big)
{
	int most = 0;

	memset(big, 0, sizeof(*big));
	for (unsigned i = 0; i < m->n_cpus; i++)
		if (m->cpu[i].capacity > most)
			most = m->cpu[i].capacity;
	for (unsigned i = 0; i < m->n_cpus; i++)
		if (most && m->cpu[i].capacity == most)
			tune_cores_add(big, m->cpu[i].id);
	if (tune_cores_count(big) == m->n_cpus)
		memset(big, 0, sizeof(*big));
}

static void print_big(const struct tune_machine *m, char *buf, size_t size)
{
	struct tune_cores big;

	tune_big_cores(m, &big);
	tune_cores_print(&big, buf, size);
}

/* The cores that are left for everything else. */
static void print_others(const struct tune_judge *j, const char *list, char *buf, size_t size)
{
	struct tune_cores cores = {0}, others = {0};

	tune_cores_parse(&cores, list);
	for (unsigned i = 0; i < j->m->n_cpus; i++)
		if (!tune_cores_has(&cores, j->m->cpu[i].id))
			tune_cores_add(&others, j->m->cpu[i].id);
	tune_cores_print(&others, buf, size);
	if (tune_cores_empty(&cores) || tune_cores_empty(&others))
		tune_put(buf, size, "THE-OTHERS");
}

/* The configuration's cores, else those that are isolated, else the big ones. */
static void suggest(const struct tune_judge *j, struct tune_row *row)
{
	char cores[96], others[96];

	tune_cores_print(&j->w->cores, cores, sizeof(cores));
	if (!strcmp(cores, "none"))
		tune_cores_print(&j->m->isolated, cores, sizeof(cores));
	if (!strcmp(cores, "none"))
		print_big(j->m, cores, sizeof(cores));
	if (!strcmp(cores, "none"))
		tune_put(cores, sizeof(cores), "CORES");
	print_others(j, cores, others, sizeof(others));
	tune_fix(row,
		 "add to GRUB_CMDLINE_LINUX: isolcpus=%s nohz_full=%s rcu_nocbs=%s rcu_nocb_poll "
		 "irqaffinity=%s; then update-grub and reboot",
		 cores, cores, cores, others);
}

/* By cpu_capacity: the numbers say nothing of it. */
static void note_little(const struct tune_judge *j, const struct tune_cores *cores,
			struct tune_row *row)
{
	struct tune_cores big;
	char text[96];

	tune_big_cores(j->m, &big);
	if (tune_cores_empty(&big) || tune_cores_within(cores, &big))
		return;
	tune_cores_print(&big, text, sizeof(text));
	tune_note(row, "not all are big cores: these are %s", text);
}

static void judge_isolated(const struct tune_judge *j, const struct lists *l)
{
	char text[128];
	struct tune_row *row;

	if (!l->has_isolcpus) {
		row = tune_row(j, TUNE_WARN, "isolcpus", "not set");
		tune_want(row, "the cores that poll");
		suggest(j, row);
		return;
	}
	tune_cores_print(&l->isolcpus, text, sizeof(text));
	if (!tune_cores_within(&j->w->cores, &l->isolcpus)) {
		row = tune_row(j, TUNE_WARN, "isolcpus", "%s", text);
		tune_cores_print(&j->w->cores, text, sizeof(text));
		tune_want(row, "the configuration's cores: %s", text);
		suggest(j, row);
	} else if (j->m->isolated_known && !tune_cores_equal(&j->m->isolated, &l->isolcpus)) {
		row = tune_row(j, TUNE_WARN, "isolcpus", "%s", text);
		tune_cores_print(&j->m->isolated, text, sizeof(text));
		tune_note(row, "the kernel isolates %s", text);
		tune_want(row, "both the same: does the list name cores that do not exist?");
	} else {
		note_little(j, &l->isolcpus, tune_row(j, TUNE_OK, "isolcpus", "%s", text));
	}
}

/* nohz_full and rcu_nocbs: for the isolated cores. */
static void judge_same(const struct tune_judge *j, const char *flag, const struct tune_cores *have,
		       const struct lists *l)
{
	char text[128], want[128];
	struct tune_row *row;

	tune_cores_print(have, text, sizeof(text));
	tune_cores_print(&l->isolcpus, want, sizeof(want));
	if (!l->has_isolcpus || tune_cores_within(&l->isolcpus, have)) {
		tune_row(j, TUNE_OK, flag, "%s", text);
		return;
	}
	row = tune_row(j, TUNE_WARN, flag, "%s", text);
	tune_want(row, "the isolated cores: %s", want);
	suggest(j, row);
}

static void judge_ticks(const struct tune_judge *j, const struct lists *l)
{
	struct tune_row *row;

	if (l->has_nohz) {
		judge_same(j, "nohz_full", &l->nohz_full, l);
		if (j->m->nohz_known && !tune_cores_equal(&j->m->nohz_full, &l->nohz_full)) {
			row = tune_row(j, TUNE_WARN, "nohz_full",
				       "the kernel does not do it (CONFIG_NO_HZ_FULL)");
			tune_want(row, "a kernel with CONFIG_NO_HZ_FULL");
		}
	} else {
		row = tune_row(j, TUNE_WARN, "nohz_full", "not set");
		tune_want(row, "the cores that poll");
		suggest(j, row);
	}
}

static void judge_rcu(const struct tune_judge *j, const struct lists *l)
{
	struct tune_row *row;

	if (l->has_rcu) {
		judge_same(j, "rcu_nocbs", &l->rcu_nocbs, l);
	} else if (l->has_nohz) {
		tune_row(j, TUNE_OK, "rcu_nocbs", "not set; nohz_full does it for its cores");
	} else {
		row = tune_row(j, TUNE_WARN, "rcu_nocbs", "not set");
		tune_want(row, "the cores that poll");
		suggest(j, row);
	}
	if (tune_machine_flag(j->m, "rcu_nocb_poll", 0)) {
		tune_row(j, TUNE_OK, "rcu_nocb_poll", "set");
		return;
	}
	row = tune_row(j, TUNE_WARN, "rcu_nocb_poll", "not set");
	tune_want(row, "set: the cores that poll need then not wake RCU's threads");
	suggest(j, row);
}

static void judge_affinity(const struct tune_judge *j, const struct lists *l)
{
	char text[128];
	struct tune_row *row;

	if (!l->has_irq) {
		row = tune_row(j, TUNE_WARN, "irqaffinity", "not set");
		tune_want(row, "the cores that do not poll");
		suggest(j, row);
		return;
	}
	tune_cores_print(&l->irqaffinity, text, sizeof(text));
	if (!tune_cores_meet(&l->irqaffinity, &l->isolcpus)) {
		tune_row(j, TUNE_OK, "irqaffinity", "%s", text);
		return;
	}
	row = tune_row(j, TUNE_WARN, "irqaffinity", "%s", text);
	tune_want(row, "none of the isolated cores");
	suggest(j, row);
}

/* What the boot loader's files ask for and this boot does not have. */
static void judge_pending(const struct tune_judge *j)
{
	for (unsigned i = 0; i < 4; i++) {
		char flag[32];
		const char *at;

		snprintf(flag, sizeof(flag), "%s=", core_flags[i]);
		at = strstr(j->m->grub, flag);
		if (at && !tune_machine_flag(j->m, core_flags[i], 0))
			tune_want(tune_row(j, TUNE_WARN, core_flags[i],
					   "in the boot loader's files, but not in this boot"),
				  "update-grub and a reboot");
	}
}

void tune_judge_cmdline(const struct tune_judge *j)
{
	struct lists l = {0};

	if (!j->m->n_flags) {
		tune_nothing(j, TUNE_SKIP, "unknown: no /proc/cmdline here");
		return;
	}
	l.has_isolcpus = take_list(j, "isolcpus", &l.isolcpus);
	l.has_nohz = take_list(j, "nohz_full", &l.nohz_full);
	l.has_rcu = take_list(j, "rcu_nocbs", &l.rcu_nocbs);
	l.has_irq = take_list(j, "irqaffinity", &l.irqaffinity);
	judge_isolated(j, &l);
	judge_ticks(j, &l);
	judge_rcu(j, &l);
	judge_affinity(j, &l);
	judge_pending(j);
}

void tune_judge_cpu_freq(const struct tune_judge *j)
{
	unsigned with = 0;

	for (unsigned i = 0; i < j->m->n_cpus; i++) {
		const struct tune_cpu *cpu = &j->m->cpu[i];
		char name[32];
		struct tune_row *row;

		if (!*cpu->governor)
			continue;
		with++;
		snprintf(name, sizeof(name), "cpu%u", cpu->id);
		row = tune_row(j, strcmp(cpu->governor, "performance") ? TUNE_WARN : TUNE_OK, name,
			       "%s", cpu->governor);
		if (row->status == TUNE_OK)
			continue;
		tune_want(row, "performance, on all cores");
		tune_fix(row, "echo performance | tee "
			      "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
	}
	if (!with)
		tune_nothing(j, j->m->n_cpus ? TUNE_NA : TUNE_SKIP,
			     j->m->n_cpus ? "no cpufreq: firmware or host decides" : "unknown");
}

static void judge_irq(const struct tune_judge *j, const struct tune_nic *nic,
		      const struct tune_cores *keep)
{
	char text[128];
	struct tune_row *row;

	if (!nic->n_irqs) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown: no interrupts to be seen");
		return;
	}
	tune_cores_print(&nic->irq_cores, text, sizeof(text));
	row = tune_row(j, tune_cores_meet(&nic->irq_cores, keep) ? TUNE_WARN : TUNE_OK,
		       tune_nic_name(nic), "%u interrupts on cores %s", nic->n_irqs, text);
	if (row->status == TUNE_OK)
		return;
	tune_cores_print(keep, text, sizeof(text));
	tune_want(row, "none on cores %s", text);
	print_others(j, text, text, sizeof(text));
	tune_fix(row,
		 "for i in $(ls /sys/bus/pci/devices/%s/msi_irqs); do echo %s > "
		 "/proc/irq/$i/smp_affinity_list; done",
		 nic->pci.addr, text);
}

static void judge_irqbalance(const struct tune_judge *j, const struct tune_cores *keep)
{
	struct tune_cores banned = {0};
	struct tune_row *row;

	if (!j->m->irqbalance)
		return;
	/* irqbalance by itself leaves isolated and nohz_full cores alone */
	if (!tune_cores_parse(&banned, j->m->irqbalance_banned) &&
	    (tune_cores_within(keep, &banned) || tune_cores_within(keep, &j->m->isolated) ||
	     tune_cores_within(keep, &j->m->nohz_full))) {
		tune_row(j, TUNE_OK, "irqbalance", "runs, and leaves these cores alone");
		return;
	}
	row = tune_row(j, TUNE_WARN, "irqbalance", "runs, and may move interrupts to them");
	tune_want(row, "stopped, or told to leave these cores alone");
	tune_fix(row, "systemctl disable --now irqbalance; or IRQBALANCE_BANNED_CPULIST= in "
		      "/etc/default/irqbalance");
}

void tune_judge_irq(const struct tune_judge *j)
{
	struct tune_cores keep = j->m->isolated;
	bool any = false;

	for (unsigned i = 0; i < TUNE_CORES / 64; i++)
		keep.bits[i] |= j->w->cores.bits[i];
	for (unsigned i = 0; i < j->m->n_nics; i++) {
		if (!tune_wanted_nic(j->w, &j->m->nic[i]))
			continue;
		any = true;
		if (tune_cores_empty(&keep))
			tune_row(j, TUNE_SKIP, tune_nic_name(&j->m->nic[i]),
				 "no core is isolated, see cmdline");
		else
			judge_irq(j, &j->m->nic[i], &keep);
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP, "no NIC");
	else if (!tune_cores_empty(&keep))
		judge_irqbalance(j, &keep);
}
