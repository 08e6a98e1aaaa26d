/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "files.h"
#include "plan.h"

const char tune_mark[] = "# Written by daqiri-tune; daqiri-tune --undo takes it back.\n";

static struct tune_step *add(struct tune_planner *p, enum tune_step_kind kind, const char *text)
{
	static struct tune_step spare; /* written to and forgotten: the plan fails */
	struct tune_step *s = TUNE_GROW(p->plan, step, n_steps);
	char *copy = strdup(text);

	if (!s || !copy) {
		p->plan->no_memory = true;
		free(copy);
		return s ? s : &spare;
	}
	s->kind = kind;
	s->setting = p->check->id;
	s->text = copy;
	return s;
}

struct tune_step *tune_plan_act(struct tune_planner *p, enum tune_step_kind kind, const char *path,
				const char *text)
{
	struct tune_step *s = add(p, kind, text);

	tune_put(s->path, sizeof(s->path), path);
	return s;
}

void tune_plan_write(struct tune_planner *p, const char *text, const char *fmt, ...)
{
	struct tune_step *s = add(p, TUNE_STEP_WRITE, text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->path, sizeof(s->path), fmt, ap);
	va_end(ap);
}

static struct tune_step *find(const struct tune_plan *plan, enum tune_step_kind kind,
			      const char *path)
{
	for (unsigned i = 0; i < plan->n_steps; i++)
		if (plan->step[i].kind == kind && !strcmp(plan->step[i].path, path))
			return &plan->step[i];
	return NULL;
}

static char *on_disk(const struct tune_planner *p, const char *path)
{
	struct tune_content c;
	char *text;

	if (tune_content(p->m->root, path, &c))
		return NULL;
	text = strndup(c.bytes, c.len);
	free(c.bytes);
	return text;
}

char *tune_plan_old(const struct tune_planner *p, const char *path)
{
	const struct tune_step *s = find(p->plan, TUNE_STEP_FILE, path);

	return s && s->text ? strdup(s->text) : on_disk(p, path);
}

bool tune_plan_foreign(const struct tune_planner *p, const char *path)
{
	char *old = tune_plan_old(p, path);
	bool foreign = old && strncmp(old, tune_mark, strlen(tune_mark));

	free(old);
	return foreign;
}

void tune_plan_file(struct tune_planner *p, const char *path, unsigned mode, const char *text)
{
	struct tune_step *s = find(p->plan, TUNE_STEP_FILE, path);
	char *old = on_disk(p, path);
	bool same = old && !strcmp(old, text);

	free(old);
	if (strlen(path) >= sizeof(s->path)) {
		tune_plan_refuse(p, "/%.128s…: the name is too long", path);
	} else if (s) {
		free(s->text);
		s->text = strdup(text);
		p->plan->no_memory |= !s->text;
	} else if (!same) {
		s = add(p, TUNE_STEP_FILE, text);
		tune_put(s->path, sizeof(s->path), path);
		s->mode = mode;
	}
}

/* The same command, moved to the end: files that it is about may have come since. */
static struct tune_step *again(struct tune_plan *plan, const char *text, const char *back)
{
	for (unsigned i = 0; i < plan->n_steps; i++) {
		struct tune_step s = plan->step[i];

		if (s.kind != TUNE_STEP_RUN || !s.text || strcmp(s.text, text) || !s.back ||
		    strcmp(s.back, back))
			continue;
		if (!*text) /* for taking back: before them */
			return &plan->step[i];
		memmove(&plan->step[i], &plan->step[i + 1], (plan->n_steps - 1 - i) * sizeof(s));
		plan->step[plan->n_steps - 1] = s;
		return &plan->step[plan->n_steps - 1];
	}
	return NULL;
}

struct tune_step *tune_plan_run(struct tune_planner *p, const char *back, const char *fmt, ...)
{
	char text[1024];
	struct tune_step *s;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s = again(p->plan, text, back);
	if (s)
		return s;
	s = add(p, TUNE_STEP_RUN, text);
	s->back = strdup(back);
	p->plan->no_memory |= !s->back;
	return s;
}

void tune_plan_say(struct tune_planner *p, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(p, TUNE_STEP_SAY, text);
}

void tune_plan_refuse(struct tune_planner *p, const char *fmt, ...)
{
	char *out = p->plan->refused;
	size_t size = sizeof(p->plan->refused);
	va_list ap;
	int n;

	if (*out)
		return;
	n = snprintf(out, size, "--set %s: ", p->check->id);
	va_start(ap, fmt);
	vsnprintf(out + n, size - (size_t)n, fmt, ap);
	va_end(ap);
}

void tune_plan_free(struct tune_plan *plan)
{
	for (unsigned i = 0; i < plan->n_steps; i++) {
		free(plan->step[i].text);
		free(plan->step[i].back);
	}
	free(plan->step);
	memset(plan, 0, sizeof(*plan));
}

bool tune_plan_listed(const char *ports, const char *addr)
{
	for (const char *a = ports; *a; a += strspn(a, ", ")) {
		size_t len = strcspn(a, ", ");

		if ((len == strlen(addr) && !strncasecmp(a, addr, len)) ||
		    (len == 3 && !strncmp(a, "all", 3)))
			return true;
		a += len;
	}
	return false;
}

bool tune_plan_nic(const struct tune_planner *p, const struct tune_nic *nic)
{
	const char *a = p->nic;

	if (nic->vf || (p->ports && !tune_plan_listed(p->ports, nic->pci.addr)))
		return false;
	if (a)
		return !strcasecmp(a, nic->pci.addr) || !strcmp(a, nic->rdma) ||
		       !strcmp(a, nic->netdev);
	return tune_wanted_nic(p->w, nic);
}
