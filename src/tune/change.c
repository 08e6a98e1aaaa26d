/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "apply.h"
#include "change.h"
#include "edit.h"

static int refuse(const char *what)
{
	fprintf(stderr, "daqiri-tune: %s\n", what);
	return 1;
}

static void plan_one(struct tune_planner *p, const struct tune_set *set)
{
	p->check = set->check;
	p->value = set->value;
	if (set->check->needs & TUNE_SECURE_BOOT_OFF && tune_machine_locked(p->m))
		tune_plan_refuse(p, "Secure Boot or kernel lockdown forbids it: turn it off in the "
				    "firmware set-up first (on again afterwards); see --check "
				    "secure-boot");
	else
		set->check->plan(p);
}

static unsigned changes(const struct tune_plan *plan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->n_steps; i++)
		n += plan->step[i].kind != TUNE_STEP_SAY && *plan->step[i].text;
	return n;
}

/* Whether this may be done here at all; else says why not. */
static bool allowed(const struct tune_machine *m, const struct tune_options *o)
{
	if (m->container) {
		refuse("this is a container: settings belong on the host");
		return false;
	}
	if (!tune_root_confined(m->root)) {
		refuse("--root: this kernel cannot keep links within a directory (openat2, Linux "
		       "5.6): nothing is written there");
		return false;
	}
	if (!m->root->live || !geteuid())
		return true;
	for (unsigned i = 0; o && i < o->n_sets; i++)
		printf("skip  %-11s  needs root\n", o->set[i].check->id);
	refuse("needs root");
	return false;
}

static bool confirmed(const struct tune_options *o, const struct tune_plan *plan)
{
	char answer[16] = "";

	if (!plan->confirm || o->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		refuse("this changes firmware: give --yes");
		return false;
	}
	printf("This changes the NIC's firmware settings. Go on? (y/n) ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && *answer == 'y';
}

static void say_all(const struct tune_plan *plan, const struct tune_root *root)
{
	for (unsigned i = 0; i < plan->n_steps; i++)
		tune_say_step(stdout, root, &plan->step[i]);
}

static void last_words(const struct tune_plan *plan, unsigned n)
{
	if (!n)
		printf("# nothing to do\n");
	if (plan->reboot)
		printf("# takes effect with the next reboot\n");
}

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	stopped = sig;
}

/* Ctrl-C ends a --set as a failure does; a reader of its output that goes away ends nothing. */
static void catch_signals(void)
{
	static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_stop, .sa_flags = SA_RESTART};

	for (unsigned i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		sigaction(stops[i], &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
}

/* All of it or nothing: what was done before a failure is taken back. */
static int do_plan(const struct tune_machine *m, const struct tune_plan *plan,
		   struct tune_journal *journal)
{
	struct tune_doer d = {.root = m->root, .journal = journal, .out = stdout, .stop = &stopped};
	char err[512] = "";
	off_t before;
	int ret;

	catch_signals();
	d.run = m->root->live ? tune_run : NULL;
	before = tune_journal_end(journal);
	ret = tune_do(&d, plan, err);
	if (ret) {
		printf("# %s: taking back what was done\n", err);
		tune_undo(&d, before);
		refuse(err);
	}
	return ret || d.odd;
}

static int carry_out(const struct tune_options *o, const struct tune_machine *m,
		     const struct tune_plan *plan, struct tune_journal *journal)
{
	unsigned n = changes(plan);
	int ret = 0;

	if (!n || o->dry_run)
		say_all(plan, m->root);
	else if (confirmed(o, plan))
		ret = do_plan(m, plan, journal);
	else
		return 1;
	if (!ret)
		last_words(plan, n);
	return ret;
}

int tune_change_set(const struct tune_options *o, const struct tune_machine *m,
		    const struct tune_wanted *w)
{
	struct tune_plan plan = {0};
	struct tune_planner p = {
		.m = m, .w = w, .nic = o->nic, .persist = o->persist, .plan = &plan};
	struct tune_journal journal;
	char err[256];
	int ret;

	if (!o->dry_run && !allowed(m, o))
		return 1;
	/* locked before planning: a plan looks at files that another one may be changing */
	if (!o->dry_run && tune_journal_open(&journal, m->root, err))
		return refuse(err);
	for (unsigned i = 0; i < o->n_sets; i++)
		plan_one(&p, &o->set[i]);
	if (plan.no_memory)
		ret = refuse("out of memory");
	else if (*plan.refused)
		ret = refuse(plan.refused);
	else
		ret = carry_out(o, m, &plan, &journal);
	if (!o->dry_run)
		tune_journal_close(&journal);
	tune_plan_free(&plan);
	return ret;
}

int tune_change_undo(const struct tune_machine *m)
{
	struct tune_journal journal;
	struct tune_doer d = {.root = m->root, .journal = &journal, .out = stdout};
	char err[512];
	int ret;

	if (!allowed(m, NULL))
		return 1;
	if (tune_journal_open(&journal, m->root, err))
		return refuse(err);
	catch_signals(); /* to the end: half taken back is nobody's wish */
	d.run = m->root->live ? tune_run : NULL;
	if (!tune_journal_end(&journal))
		printf("# nothing to take back\n");
	ret = tune_undo(&d, 0);
	tune_journal_close(&journal);
	if (ret)
		return refuse("not everything could be taken back: --undo again tries the rest");
	return 0;
}

/* One setting of tune.ini, for these ports; the others go on where it fails. */
static int apply_one(const struct tune_options *o, const struct tune_machine *m,
		     const struct tune_set *set, const char *ports)
{
	static const struct tune_wanted any;
	struct tune_plan plan = {0};
	struct tune_planner p = {.m = m, .w = &any, .nic = o->nic, .ports = ports, .plan = &plan};
	struct tune_doer d = {.root = m->root, .out = stdout};
	char err[512] = "out of memory";
	int ret;

	d.run = m->root->live ? tune_run : NULL;
	plan_one(&p, set);
	if (*plan.refused)
		tune_put(err, sizeof(err), plan.refused);
	if (*plan.refused || plan.no_memory)
		ret = 1;
	else
		ret = tune_do(&d, &plan, err);
	if (ret)
		refuse(err);
	tune_plan_free(&plan);
	return ret || d.odd;
}

/* Whether --nic names a port that the file leaves out: nothing to do, and no failure. */
static bool left_out(const struct tune_machine *m, const char *nic, const char *ports)
{
	struct tune_planner one = {.m = m, .nic = nic};

	for (unsigned i = 0; nic && ports && i < m->n_nics; i++)
		if (tune_plan_nic(&one, &m->nic[i]))
			return !tune_plan_listed(ports, m->nic[i].pci.addr);
	return false;
}

int tune_change_apply(const struct tune_options *o, const struct tune_machine *m)
{
	char text[16384], value[256], key[64], ports[256];
	int ret = 0;

	if (!allowed(m, NULL))
		return 1;
	tune_text(m->root, text, sizeof(text), "etc/daqiri/tune.ini");
	for (unsigned i = 0; i < tune_n_checks; i++) {
		struct tune_set set = {&tune_checks[i], value};
		const char *only = NULL;

		if (!o->chosen[i] || !set.check->plan ||
		    !tune_edit_get(text, "tune", set.check->id, value))
			continue;
		snprintf(key, sizeof(key), "%s.ports", set.check->id);
		if (tune_edit_get(text, "tune", key, ports))
			only = ports;
		if (left_out(m, o->nic, only))
			printf("# %s: not for %s\n", set.check->id, o->nic);
		else
			ret |= apply_one(o, m, &set, only);
	}
	return ret;
}
