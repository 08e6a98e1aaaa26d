/* SPDX-License-Identifier: Apache-2.0 */
/* What outlasts a reboot: the kernel's command line, and what daqiri-tune.service sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "edit.h"
#include "plan.h"

static const char drop_in[] = "etc/default/grub.d/daqiri-tuning.cfg";
static const char main_file[] = "etc/default/grub";

enum { COMMAND_LINE = 2048 }; /* COMMAND_LINE_SIZE of x86 and arm64 */

/* The guide's own units, which do the same as ours. */
static const struct {
	const char *setting, *unit;
} guide_units[] = {
	{"mrrs", "nic-mrrs.service"},
	{"cpu-freq", "cpu-performance.service"},
	{"gpu-clock", "gpu-max-clocks.service"},
};

static const char *guide_unit(const struct tune_planner *p)
{
	char target[TUNE_PATH];

	for (unsigned i = 0; i < sizeof(guide_units) / sizeof(guide_units[0]); i++)
		if (!strcmp(guide_units[i].setting, p->check->id) &&
		    !tune_link(p->m->root, target, "etc/systemd/system/multi-user.target.wants/%s",
			       guide_units[i].unit))
			return guide_units[i].unit;
	return NULL;
}

static bool udev_looks_there(void)
{
	static const char *const dirs[] = {"/usr/lib/udev/rules.d", "/lib/udev/rules.d",
					   "/usr/local/lib/udev/rules.d", "/etc/udev/rules.d"};

	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(TUNE_UDEVDIR, dirs[i]))
			return true;
	return false;
}

/* Whether the udev rule is linked there already. */
static bool rule_linked(const struct tune_planner *p)
{
	char target[TUNE_PATH];

	return !tune_link(p->m->root, target, "etc/udev/rules.d/90-daqiri-tune.rules") &&
	       !strcmp(target, &TUNE_UDEVDIR "/90-daqiri-tune.rules"[1]);
}

/*
 * A path has systemctl find the unit wherever it was installed. What is so already is left out:
 * taking this back must not end what was there before.
 */
static void enable(struct tune_planner *p)
{
	char target[TUNE_PATH];

	if (tune_link(p->m->root, target,
		      "etc/systemd/system/multi-user.target.wants/daqiri-tune.service"))
		tune_plan_run(p, "systemctl disable daqiri-tune.service", "systemctl enable %s/%s",
			      TUNE_UNITDIR, "daqiri-tune.service")
			->lasting = true;
	if (strcmp(p->check->id, "mrrs"))
		return;
	if (!udev_looks_there() && !rule_linked(p))
		tune_plan_run(p, "rm -f /etc/udev/rules.d/90-daqiri-tune.rules", "ln -sf %s/%s %s",
			      TUNE_UDEVDIR, "90-daqiri-tune.rules", "/etc/udev/rules.d/")
			->lasting = true;
}

static const char tune_ini[] = "etc/daqiri/tune.ini";

/* A line of the file in [tune]. */
static void put_line(struct tune_planner *p, const char *line)
{
	char *old = tune_plan_old(p, tune_ini), *text = tune_edit_ini(old, "tune", line);

	if (text)
		tune_plan_file(p, tune_ini, 0644, text);
	p->plan->no_memory |= !text;
	free(old);
	free(text);
}

void tune_plan_at_boot(struct tune_planner *p, const char *value)
{
	const char *unit = p->persist ? guide_unit(p) : NULL;
	char line[512];

	if (!p->persist || *p->plan->refused)
		return;
	if (unit) {
		tune_plan_say(p, "%s: %s does it at each start already", p->check->id, unit);
		return;
	}
	snprintf(line, sizeof(line), "%s = %s", p->check->id, value);
	put_line(p, line);
	enable(p);
}

/* Adds those of from that are not in it; false: there is no room. */
static bool join(char ports[256], const char *from)
{
	char copy[256], *one, *save = NULL;

	tune_put(copy, sizeof(copy), from);
	for (one = strtok_r(copy, ", ", &save); one; one = strtok_r(NULL, ", ", &save)) {
		size_t len = strlen(ports);

		if (tune_plan_listed(ports, one))
			continue;
		if (len + strlen(one) + 2 > 256)
			return false;
		snprintf(ports + len, 256 - len, "%s%s", len ? "," : "", one);
	}
	return true;
}

/* The ports that the setting is about, or "all"; false: too many to write down. */
static bool ports_now(const struct tune_planner *p, char ports[256])
{
	bool all = true, fits = true;

	*ports = 0;
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_nic *nic = &p->m->nic[i];

		if (tune_plan_nic(p, nic))
			fits = join(ports, nic->pci.addr) && fits;
		else
			all = all && nic->vf;
	}
	if (all)
		tune_put(ports, 256, "all");
	return all || fits;
}

/* The ports that the file sets to a value already; "" none. */
static void ports_before(const struct tune_planner *p, char value[256], char ports[256])
{
	char *old = tune_plan_old(p, tune_ini), key[64];

	snprintf(key, sizeof(key), "%s.ports", p->check->id);
	*value = *ports = 0;
	if (old && tune_edit_get(old, "tune", p->check->id, value) &&
	    !tune_edit_get(old, "tune", key, ports))
		tune_put(ports, 256, "all");
	free(old);
}

/* One value for some ports: with those of before where they have the same, and no other. */
static bool merge(struct tune_planner *p, const char *value, char ports[256])
{
	char old_value[256], old[256], both[256];

	ports_before(p, old_value, old);
	tune_put(both, sizeof(both), ports);
	if (!join(both, old)) {
		tune_plan_refuse(p, "--persist: too many ports for one line of /%s", tune_ini);
		return false;
	}
	if (*old && strcmp(old_value, value) && strcmp(both, ports)) {
		tune_plan_refuse(p, "/%s has %s = %s for %s, and takes one value for all ports",
				 tune_ini, p->check->id, old_value, old);
		return false;
	}
	tune_put(ports, 256, tune_plan_listed(both, "") ? "all" : both);
	return true;
}

void tune_plan_ports_at_boot(struct tune_planner *p, const char *value)
{
	char ports[256], line[512], had[256], old[256];

	if (!p->persist || *p->plan->refused || guide_unit(p)) {
		tune_plan_at_boot(p, value);
		return;
	}
	if (!ports_now(p, ports)) {
		tune_plan_refuse(p, "--persist: too many ports for one line of /%s", tune_ini);
		return;
	}
	ports_before(p, had, old);
	if (!merge(p, value, ports))
		return;
	tune_plan_at_boot(p, value);
	snprintf(line, sizeof(line), "%s.ports = %s", p->check->id, ports);
	/* a file without such a line means all */
	if (strcmp(ports, "all") || (*old && strcmp(old, "all")))
		put_line(p, line);
}

/* A file's flags that are not ours; "": none. */
static char *others(const struct tune_planner *p, const char *path)
{
	char *text = tune_plan_old(p, path), *flags;

	if (!text || (!strcmp(path, drop_in) && !tune_plan_foreign(p, path)))
		flags = strdup("");
	else
		flags = tune_edit_grub_flags(text, false);
	free(text);
	return flags ? flags : strdup("");
}

/* Where else the boot loader's files have this flag: NULL nowhere. */
static bool elsewhere(const struct tune_planner *p, const char *name, char value[256],
		      char file[TUNE_PATH])
{
	struct tune_names names;
	bool found = false;
	char *flags;

	tune_list(p->m->root, &names, "etc/default/grub.d");
	for (unsigned i = 0; i <= names.n && !found; i++) {
		size_t len = i ? strlen(names.name[i - 1]) : 0;

		if (i && (len < 4 || strcmp(names.name[i - 1] + len - 4, ".cfg")))
			continue;
		snprintf(file, TUNE_PATH, "%s%s%.255s", main_file, i ? ".d/" : "",
			 i ? names.name[i - 1] : "");
		flags = others(p, file);
		found = flags && tune_edit_flag(flags, name, value);
		free(flags);
	}
	tune_names_free(&names);
	return found;
}

/* Leaves out what another file asks for in the same words; false: one asks for something else. */
static bool missing(struct tune_planner *p, const char *flags, char out[COMMAND_LINE])
{
	char copy[COMMAND_LINE], *flag, *save = NULL, value[256], file[TUNE_PATH];
	size_t len = 0;

	*out = 0;
	tune_put(copy, sizeof(copy), flags);
	for (flag = strtok_r(copy, " ", &save); flag; flag = strtok_r(NULL, " ", &save)) {
		char name[64], *eq = strchr(flag, '=');

		snprintf(name, sizeof(name), "%.*s", (int)(eq ? eq - flag : (long)strlen(flag)),
			 flag);
		if (!elsewhere(p, name, value, file)) {
			len += (size_t)snprintf(out + len, COMMAND_LINE - len, "%s%s",
						len ? " " : "", flag);
		} else if (strcmp(value, eq ? eq + 1 : "")) {
			tune_plan_refuse(
				p,
				"/%s has %s%s%s already, and this would be %s: take it out there",
				file, name, *value ? "=" : "", value, flag);
			return false;
		}
	}
	return true;
}

static void write_drop_in(struct tune_planner *p, const char *names, const char *flags)
{
	char *old = tune_plan_old(p, drop_in), *now, *merged, *text = NULL;

	now = tune_edit_grub_flags(old ? old : "", false);
	merged = now ? tune_edit_flags(now, names, flags) : NULL;
	if (merged)
		text = malloc(strlen(tune_mark) + strlen(merged) + 64);
	p->plan->no_memory |= !text;
	if (text) {
		sprintf(text, "%sGRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} %s\"\n", tune_mark,
			merged);
		tune_plan_file(p, drop_in, 0644, text);
	}
	free(old);
	free(now);
	free(merged);
	free(text);
}

static void write_main(struct tune_planner *p, const char *names, const char *flags)
{
	char *old = tune_plan_old(p, main_file), *now, *merged, *text;

	now = old ? tune_edit_grub_flags(old, true) : NULL;
	merged = now ? tune_edit_flags(now, names, flags) : NULL;
	text = merged ? tune_edit_grub(old, merged) : NULL;
	p->plan->no_memory |= !text;
	if (text)
		tune_plan_file(p, main_file, 0644, text);
	free(old);
	free(now);
	free(merged);
	free(text);
}

/* update-grub is Debian's; what has none makes the file by itself. */
static const char *rebuild(const struct tune_machine *m)
{
	if (tune_exists(m->root, "usr/sbin/update-grub"))
		return "update-grub";
	if (tune_exists(m->root, "boot/grub2/grub.cfg"))
		return "grub2-mkconfig -o /boot/grub2/grub.cfg";
	return "update-grub";
}

static bool readable(const struct tune_planner *p, const char *path)
{
	char *text = tune_plan_old(p, path);
	bool can = text;

	free(text);
	return can;
}

void tune_plan_bootline(struct tune_planner *p, const char *names, const char *flags)
{
	bool parts = tune_exists(p->m->root, "etc/default/grub.d");
	char add[COMMAND_LINE];
	unsigned before = p->plan->n_steps;

	if (*p->plan->refused || !missing(p, flags, add) || !*add)
		return;
	if (!parts && !tune_exists(p->m->root, "%s", main_file)) {
		tune_plan_say(p, "%s: no GRUB here; add to the kernel's command line: %s",
			      p->check->id, add);
		return;
	}
	if (!parts && !readable(p, main_file)) {
		tune_plan_refuse(p,
				 "/%s is a link or cannot be read: add to the kernel's command "
				 "line by hand: %s",
				 main_file, add);
		return;
	}
	if (parts && tune_plan_foreign(p, drop_in)) {
		tune_plan_refuse(p, "/%s is not daqiri-tune's: add to it: %s", drop_in, add);
		return;
	}
	/* taken back last first: the file, then what is made of it */
	tune_plan_run(p, rebuild(p->m), "%s", "")->lasting = true;
	(parts ? write_drop_in : write_main)(p, names, add);
	if (p->plan->n_steps == before + 1 && !p->plan->no_memory &&
	    p->plan->step[before].kind == TUNE_STEP_RUN) {
		p->plan->n_steps--; /* the file has it all */
		free(p->plan->step[before].text);
		free(p->plan->step[before].back);
		return;
	}
	tune_plan_run(p, "", "%s", rebuild(p->m))->lasting = true;
	p->plan->reboot = true;
}

/* The value, the configuration's cores, those isolated now, or the big ones. */
static bool choose(struct tune_planner *p, struct tune_cores *cores)
{
	*cores = p->w->cores;
	if (*p->value && (tune_cores_parse(cores, p->value) || tune_cores_empty(cores))) {
		tune_plan_refuse(p, "%s is no list of cores such as 9-11", p->value);
		return false;
	}
	if (tune_cores_empty(cores))
		*cores = p->m->isolated;
	if (tune_cores_empty(cores))
		tune_big_cores(p->m, cores);
	if (!tune_cores_empty(cores))
		return true;
	tune_plan_refuse(p, "which cores? --set cmdline=CORES, or a --config with cpu_core");
	return false;
}

void tune_plan_cmdline(struct tune_planner *p)
{
	char flags[2 * COMMAND_LINE], list[640], rest[1400];
	struct tune_cores cores, other = {0};
	bool fits;

	if (!choose(p, &cores))
		return;
	for (unsigned i = 0; i < p->m->n_cpus; i++)
		if (!tune_cores_has(&cores, p->m->cpu[i].id))
			tune_cores_add(&other, p->m->cpu[i].id);
	if (tune_cores_empty(&other) || !tune_cores_within(&cores, &p->m->online)) {
		tune_cores_print(&p->m->online, rest, sizeof(rest));
		tune_plan_refuse(
			p, "this machine has cores %s, and some must be left for the kernel", rest);
		return;
	}
	fits = tune_cores_print(&cores, list, sizeof(list)) &&
	       tune_cores_print(&other, rest, sizeof(rest));
	snprintf(flags, sizeof(flags),
		 "isolcpus=%s nohz_full=%s rcu_nocbs=%s rcu_nocb_poll irqaffinity=%s", list, list,
		 list, rest);
	if (!fits || strlen(flags) >= COMMAND_LINE) {
		tune_plan_refuse(p, "as lists these cores are longer than a kernel's command line: "
				    "choose ranges");
		return;
	}
	tune_plan_bootline(p, "isolcpus nohz_full rcu_nocbs rcu_nocb_poll irqaffinity", flags);
}
