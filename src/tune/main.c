/* SPDX-License-Identifier: Apache-2.0 */
#include <daqiri.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change.h"
#include "facts.h"
#include "options.h"
#include "print.h"
#include "record.h"
#include "topology.h"

enum { EXIT_GOOD, EXIT_FOUND, EXIT_USAGE };

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "daqiri-tune: %s: %s\n", what, why);
	return EXIT_FOUND;
}

static int judge(const struct tune_options *o, const struct tune_machine *m,
		 const struct tune_wanted *w, struct tune_rows *rows)
{
	int ret = 0;

	for (unsigned i = 0; i < tune_n_checks && !ret; i++)
		if (o->chosen[i])
			ret = tune_check_run(&tune_checks[i], m, w, rows);
	return ret;
}

static bool coloured(const struct tune_options *o)
{
	const char *no = getenv("NO_COLOR");

	return !o->no_colour && !(no && *no) && isatty(STDOUT_FILENO);
}

static int show(const struct tune_options *o, const struct tune_machine *m,
		const struct tune_wanted *w)
{
	struct tune_rows rows = {0};
	struct tune_counts c;
	int ret = judge(o, m, w, &rows);

	if (!ret && o->json)
		ret = tune_print_json(stdout, &rows, m);
	else if (!ret)
		tune_print_text(stdout, &rows, coloured(o));
	c = tune_count(&rows);
	free(rows.row);
	if (ret)
		return fail("--check", strerror(-ret));
	return c.of[TUNE_FAIL] || (o->fail_on == TUNE_WARN && c.of[TUNE_WARN]) ? EXIT_FOUND
									       : EXIT_GOOD;
}

/* All checks look, so that all they look at is kept. */
static int snapshot(const struct tune_options *o, const struct tune_machine *m,
		    const struct tune_wanted *w)
{
	struct tune_record *rec = m->root->record;
	char host[128] = "", *facts = json_dumps(m->facts, JSON_INDENT(1));
	struct tune_rows rows = {0};
	int ret = facts ? 0 : -ENOMEM;

	for (unsigned i = 0; i < tune_n_checks && !ret; i++)
		ret = tune_check_run(&tune_checks[i], m, w, &rows);
	free(rows.row);
	m->root->record = NULL; /* its own name is none of it */
	tune_text(m->root, host, sizeof(host), "proc/sys/kernel/hostname");
	host[strcspn(host, ".")] = 0; /* where the domain's is part of it, others have it without */
	if (facts)
		tune_record_put(rec, "facts.json", facts, strlen(facts));
	if (!ret)
		ret = rec->no_memory ? -ENOMEM : 0;
	if (!ret && o->redact)
		ret = tune_record_redact(rec, host);
	if (!ret)
		ret = tune_record_write(rec, o->snapshot);
	return ret ? fail(o->snapshot, strerror(-ret)) : EXIT_GOOD;
}

static int act_on(const struct tune_options *o, const struct tune_machine *m,
		  const struct tune_wanted *w)
{
	if (o->action == TUNE_SET || o->action == TUNE_UNDO || o->action == TUNE_APPLY)
		umask(022); /* the machine's configuration is for all to read */
	if (o->action == TUNE_SET)
		return tune_change_set(o, m, w);
	if (o->action == TUNE_UNDO)
		return tune_change_undo(m);
	if (o->action == TUNE_APPLY)
		return tune_change_apply(o, m);
	if (o->action == TUNE_SNAPSHOT)
		return snapshot(o, m, w);
	if (o->action == TUNE_PORTS)
		tune_ports_text(stdout, m);
	else if (o->action == TUNE_TOPOLOGY)
		(o->dot ? tune_topology_dot : tune_topology_text)(stdout, m);
	else
		return show(o, m, w);
	return EXIT_GOOD;
}

static int with_facts(const struct tune_options *o, struct tune_root *root, json_t *facts)
{
	struct tune_wanted w = {0};
	struct tune_machine m;
	int ret;

	if (o->config && tune_wanted_load(&w, o->config)) {
		fprintf(stderr, "%s\n", daqiri_error_detail());
		return EXIT_FOUND;
	}
	ret = tune_machine_read(&m, root, facts);
	if (ret) {
		ret = fail("reading", strerror(-ret));
	} else {
		if (o->have_platform)
			m.platform = o->platform;
		ret = act_on(o, &m, &w);
	}
	tune_machine_free(&m);
	tune_wanted_free(&w);
	return ret;
}

/* udev has --apply mrrs run for each port: NVML and CUDA tell nothing that it needs. */
static bool needs_facts(const struct tune_options *o)
{
	bool needs = o->action != TUNE_APPLY;

	for (unsigned i = 0; i < tune_n_checks; i++)
		needs |= o->chosen[i] && strcmp(tune_checks[i].id, "mrrs");
	return needs;
}

static json_t *facts_of(const struct tune_options *o, const struct tune_root *root, char err[256])
{
	if (!root->live)
		return tune_facts_load(root, err);
	return needs_facts(o) ? tune_facts_gather(root) : json_object();
}

static int look(const struct tune_options *o)
{
	char err[256] = "out of memory";
	struct tune_record rec = {0};
	struct tune_root root;
	json_t *facts;
	int ret = tune_root_open(&root, o->root);

	if (ret)
		return fail(o->root ? o->root : "/", strerror(-ret));
	root.record = o->action == TUNE_SNAPSHOT ? &rec : NULL;
	facts = facts_of(o, &root, err);
	ret = facts ? with_facts(o, &root, facts) : fail(root.dir, err);
	json_decref(facts);
	tune_record_free(&rec);
	tune_root_close(&root);
	return ret;
}

static int act(const struct tune_options *o)
{
	switch (o->action) {
	case TUNE_HELP:
		fputs(tune_help, stdout);
		return EXIT_GOOD;
	case TUNE_VERSION:
		printf("daqiri-tune %s\n", daqiri_version());
		return EXIT_GOOD;
	case TUNE_LIST:
		tune_print_list(stdout);
		return EXIT_GOOD;
	default:
		return look(o);
	}
}

int main(int argc, char **argv)
{
	struct tune_options o;
	char err[256];
	int ret;

	if (tune_options_parse(&o, argc, argv, err)) {
		fprintf(stderr, "daqiri-tune: %s\n%s\n", err, tune_usage);
		return EXIT_USAGE;
	}
	ret = act(&o);
	if (fflush(stdout) || ferror(stdout))
		ret = fail("standard output", strerror(errno));
	return ret;
}
