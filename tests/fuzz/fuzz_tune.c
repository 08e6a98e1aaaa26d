/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: one file of a machine's is whatever comes. daqiri-tune reads it, judges, plans
 * every setting and prints; nothing crashes, and what it says is text of one line.
 * The first byte chooses the file, the others are what it holds.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "check.h"
#include "facts.h"
#include "journal.h"
#include "record.h"
#include "topology.h"

#ifndef FUZZ_TREE
#define FUZZ_TREE "tests/data/tune/x86-two-socket-bad-numa/tree"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void tree_make(const char *recipe, const char *dir);

static char dir[64] = "/tmp/fuzz-tune.XXXXXX";
static char *files[1024];
static unsigned n_files;
static FILE *nowhere;

static int see(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* eight cores have the same files */
	if (kind == FTW_F && n_files < 1024 && !strstr(path, "/cpu2/") && !strstr(path, "/cpu3/"))
		files[n_files++] = strdup(path);
	return 0;
}

static int take_away(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	nftw(dir, take_away, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files that only settings look at. */
static void add_settings(void)
{
	static const char *const texts[][2] = {
		{"etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet x=1\"\n"},
		{"etc/default/grub.d/a.cfg", "GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} y\"\n"},
		{"etc/daqiri/tune.ini", "[tune]\nmrrs = 4096\n"},
		{"etc/NetworkManager/NetworkManager.conf", "\n"},
		{"etc/NetworkManager/system-connections/a",
		 "[connection]\nid=a\ninterface-name=ens1np0\n"},
		{"var/lib/daqiri/journal", "{\"kind\":\"run\",\"setting\":\"link-layer\"}\n"},
		{"proc/sys/kernel/random/boot_id", "x\n"},
	};
	char command[1024], path[512];

	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p etc/default/grub.d etc/daqiri "
		 "etc/NetworkManager/system-connections var/lib/daqiri proc/sys/kernel/random",
		 dir);
	if (system(command))
		abort();
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, texts[i][0]);
		write_file(path, texts[i][1], strlen(texts[i][1]));
	}
}

static void set_up(void)
{
	if (!mkdtemp(dir))
		abort();
	atexit(clean_up);
	tree_make(FUZZ_TREE, dir);
	add_settings();
	nftw(dir, see, 16, FTW_PHYS);
	qsort(files, n_files, sizeof(*files), by_name);
	nowhere = fopen("/dev/null", "w");
	if (!n_files || !nowhere)
		abort();
}

static void one_line(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

static void judge(const struct tune_machine *m, const struct tune_wanted *w)
{
	struct tune_rows rows = {0};

	for (unsigned i = 0; i < tune_n_checks; i++) {
		unsigned before = rows.n_rows;

		if (tune_check_run(&tune_checks[i], m, w, &rows) || rows.n_rows == before)
			abort(); /* each check says something */
	}
	for (unsigned i = 0; i < rows.n_rows; i++) {
		one_line(rows.row[i].object);
		one_line(rows.row[i].found);
		one_line(rows.row[i].want);
		one_line(rows.row[i].fix);
	}
	free(rows.row);
	tune_ports_text(nowhere, m);
	tune_topology_text(nowhere, m);
	tune_topology_dot(nowhere, m);
}

static void plan(const struct tune_machine *m, const struct tune_wanted *w)
{
	for (unsigned i = 0; i < tune_n_checks; i++) {
		struct tune_plan all = {0};
		struct tune_planner p = {
			.m = m, .w = w, .value = "", .persist = true, .plan = &all};

		if (!tune_checks[i].plan)
			continue;
		p.check = &tune_checks[i];
		p.check->plan(&p);
		for (unsigned k = 0; k < all.n_steps; k++)
			tune_say_step(nowhere, m->root, &all.step[k]);
		tune_plan_free(&all);
	}
}

static void look(void)
{
	struct tune_wanted w = {0};
	struct tune_record rec = {0};
	struct tune_machine m;
	struct tune_root root;
	char err[256];
	json_t *facts;

	if (tune_root_open(&root, dir))
		abort();
	root.record = &rec;
	facts = tune_facts_load(&root, err);
	if (facts) {
		if (tune_machine_read(&m, &root, facts))
			abort();
		judge(&m, &w);
		root.record = NULL;
		plan(&m, &w);
		tune_machine_free(&m);
	}
	if (tune_record_redact(&rec, "vm"))
		abort();
	tune_record_free(&rec);
	json_decref(facts);
	tune_root_close(&root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char was[1 << 16];
	const char *path;
	size_t len;
	FILE *f;

	if (!n_files)
		set_up();
	if (!size)
		return 0;
	path = files[data[0] % n_files];
	f = fopen(path, "r");
	if (!f)
		abort();
	len = fread(was, 1, sizeof(was), f);
	fclose(f);
	write_file(path, data + 1, size - 1);
	look();
	write_file(path, was, len);
	return 0;
}
