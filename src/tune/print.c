/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "print.h"

static const char *const names[] = {"ok", "n-a", "skip", "warn", "fail"};
static const char *const colours[] = {"\033[32m", "\033[2m", "\033[2m", "\033[33m", "\033[31m"};
static const char *const persists[] = {"none", "unit", "udev", "bootline", "profile", "firmware"};

const char *tune_status_name(enum tune_status s)
{
	return names[s];
}

struct tune_counts tune_count(const struct tune_rows *rows)
{
	struct tune_counts c = {0};

	for (unsigned i = 0; i < rows->n_rows; i++) {
		c.of[rows->row[i].status]++;
		c.need_root += rows->row[i].status == TUNE_SKIP &&
			       !strncmp(rows->row[i].found, "needs root", 10);
	}
	return c;
}

/* The reason once a check, the cure where it is not the row's before. */
static void print_row(FILE *f, const struct tune_row *r, const struct tune_row *before, bool colour)
{
	bool again = before && before->check == r->check && before->status >= TUNE_WARN;

	fprintf(f, "%s%-4s%s  %-11s  %s: %s", colour ? colours[r->status] : "", names[r->status],
		colour ? "\033[0m" : "", r->check->id, r->object, r->found);
	if (*r->want)
		fprintf(f, "; wanted: %s", r->want);
	fputc('\n', f);
	if (r->status < TUNE_WARN)
		return;
	if (!again || before->why != r->why)
		fprintf(f, "      why: %s\n", r->why);
	if (*r->fix && (!again || strcmp(before->fix, r->fix)))
		fprintf(f, "      fix: %s\n", r->fix);
	if (r->check->plan && !again)
		fprintf(f, "      set: daqiri-tune --set %s\n", r->check->id);
}

void tune_print_text(FILE *f, const struct tune_rows *rows, bool colour)
{
	struct tune_counts c = tune_count(rows);

	for (unsigned i = 0; i < rows->n_rows; i++)
		print_row(f, &rows->row[i], i ? &rows->row[i - 1] : NULL, colour);
	fprintf(f, "%u ok, %u warn, %u fail, %u skip, %u n-a\n", c.of[TUNE_OK], c.of[TUNE_WARN],
		c.of[TUNE_FAIL], c.of[TUNE_SKIP], c.of[TUNE_NA]);
	if (c.need_root)
		fprintf(f, "%u skipped for want of rights: run as root to judge %s\n", c.need_root,
			c.need_root == 1 ? "it" : "them");
}

static json_t *needs_json(unsigned needs)
{
	static const struct {
		unsigned bit;
		const char *name;
	} words[] = {{TUNE_ROOT, "root"},
		     {TUNE_REBOOT, "reboot"},
		     {TUNE_SECURE_BOOT_OFF, "secure-boot-off"}};
	json_t *list = json_array();

	for (unsigned i = 0; i < 3; i++)
		if (needs & words[i].bit)
			json_array_append_new(list, json_string(words[i].name));
	return list;
}

static json_t *row_json(const struct tune_row *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", r->check->id,
			 "object", r->object, "status", names[r->status], "found", r->found, "want",
			 r->want, "why", r->why, "fix", r->fix, "persist",
			 persists[r->check->persist], "needs", needs_json(r->check->needs));
}

int tune_print_json(FILE *f, const struct tune_rows *rows, const struct tune_machine *m)
{
	struct tune_counts c = tune_count(rows);
	json_t *list = json_array(), *doc;
	int ret;

	for (unsigned i = 0; i < rows->n_rows; i++)
		json_array_append_new(list, row_json(&rows->row[i]));
	doc = json_pack("{s:i, s:s, s:o, s:{s:i, s:i, s:i, s:i, s:i}}", "schema", 1, "platform",
			tune_platform_name(m->platform), "checks", list, "summary", "ok",
			(int)c.of[TUNE_OK], "warn", (int)c.of[TUNE_WARN], "fail",
			(int)c.of[TUNE_FAIL], "skip", (int)c.of[TUNE_SKIP], "n-a",
			(int)c.of[TUNE_NA]);
	if (!doc)
		return -ENOMEM;
	ret = json_dumpf(doc, f, JSON_INDENT(1)) ? -EIO : 0;
	fputc('\n', f);
	json_decref(doc);
	return ret;
}

void tune_print_list(FILE *f)
{
	for (unsigned i = 0; i < tune_n_checks; i++) {
		const struct tune_check *c = &tune_checks[i];

		fprintf(f, "%-12s %c%s%s%s%s\n", c->id, c->plan ? '*' : ' ', c->title,
			*c->alias ? " (also: " : "", c->alias, *c->alias ? ")" : "");
	}
}
