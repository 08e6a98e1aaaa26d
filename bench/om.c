/* SPDX-License-Identifier: Apache-2.0 */
#include "om.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct om_sample *grow(struct om *om)
{
	struct om_sample *more = realloc(om->samples, (om->n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	om->samples = more;
	more[om->n] = (struct om_sample){.at = om->n};
	return &more[om->n++];
}

/* OpenMetrics: metricname-char is a letter, a digit, '_' or ':'; the last is for rules. */
static void clean(char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name))
			*name = '_';
}

void om_add(struct om *om, const struct om_kind *kind, const char *name, const char *labels,
	    uint64_t value)
{
	size_t size = strlen(kind->prefix) + strlen(name) + 1;
	struct om_sample *s = grow(om);

	if (!s) {
		om->failed = true;
		return;
	}
	s->family = malloc(size);
	s->labels = strdup(labels);
	if (!s->family || !s->labels) {
		om->failed = true;
		return;
	}
	snprintf(s->family, size, "%s%s", kind->prefix, name);
	clean(s->family);
	s->help = kind->help;
	s->type = kind->type;
	s->value = value;
}

void om_label(char *labels, size_t size, const char *name, const char *value)
{
	size_t at = strlen(labels), room;
	int n = snprintf(labels + at, size - at, "%s%s=\"", at ? "," : "", name);

	if (n < 0 || at + (size_t)n + 4 >= size) {
		labels[at] = '\0';
		return;
	}
	for (at += (size_t)n; *value; value++) {
		room = strchr("\\\"\n", *value) ? 2 : 1;
		if (at + room + 2 > size)
			break;
		if (room == 2)
			labels[at++] = '\\';
		labels[at++] = *value;
		if (*value == '\n')
			labels[at - 1] = 'n';
	}
	labels[at++] = '"';
	labels[at] = '\0';
}

/* Families together, their samples in the order of adding. */
static int by_family(const void *a, const void *b)
{
	const struct om_sample *x = a, *y = b;
	int order = strcmp(x->family, y->family);

	return order ? order : x->at < y->at ? -1 : 1;
}

static bool ends_with(const char *name, const char *end)
{
	size_t a = strlen(name), b = strlen(end);

	return a >= b && !strcmp(name + a - b, end);
}

static void write_head(const struct om_sample *s, FILE *f)
{
	static const char *const types[] = {"counter", "gauge", "info"};
	static const char *const units[] = {"bytes", "seconds"};
	char end[16];

	fprintf(f, "# TYPE %s %s\n", s->family, types[s->type]);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		snprintf(end, sizeof(end), "_%s", units[i]);
		if (s->type != OM_INFO && ends_with(s->family, end))
			fprintf(f, "# UNIT %s %s\n", s->family, units[i]);
	}
	fprintf(f, "# HELP %s %s\n", s->family, s->help);
}

static void write_sample(const struct om_sample *s, FILE *f)
{
	static const char *const ends[] = {"_total", "", "_info"};

	fprintf(f, "%s%s", s->family, ends[s->type]);
	if (s->labels[0])
		fprintf(f, "{%s}", s->labels);
	fprintf(f, " %" PRIu64 "\n", s->value);
}

bool om_write(struct om *om, FILE *f)
{
	const struct om_sample *last = NULL;

	if (om->failed)
		return false;
	if (om->n)
		qsort(om->samples, om->n, sizeof(*om->samples), by_family);
	for (unsigned i = 0; i < om->n; i++) {
		if (!last || strcmp(last->family, om->samples[i].family) != 0)
			write_head(&om->samples[i], f);
		last = &om->samples[i];
		write_sample(last, f);
	}
	fputs("# EOF\n", f);
	return !ferror(f);
}

void om_free(struct om *om)
{
	for (unsigned i = 0; i < om->n; i++) {
		free(om->samples[i].family);
		free(om->samples[i].labels);
	}
	free(om->samples);
	*om = (struct om){0};
}
