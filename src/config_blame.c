/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the configuration, all in one form: "PATH:LINE: [section] key=value: reason". */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config_priv.h"
#include "error.h"

enum { MESSAGE_MAX = 1536 };

static void append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}

static void append_at(char *buf, size_t size, const struct dq_at *at)
{
	if (at->path && at->line)
		append(buf, size, "%s:%u: ", at->path, at->line);
	else if (at->path)
		append(buf, size, "%s: ", at->path);
	if (at->section)
		append(buf, size, "[%s]", at->section);
	if (at->key)
		append(buf, size, " %s", at->key);
}

static int blame(const struct dq_at *at, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX] = "";
	size_t len;

	append_at(text, sizeof(text), at);
	if (at->value)
		append(text, sizeof(text), "=%s", at->value);
	if (at->section)
		append(text, sizeof(text), ": ");
	len = strlen(text);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	return dq_error(EINVAL, "%s", text);
}

int dq_blame(const struct dq_at *at, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = blame(at, fmt, ap);
	va_end(ap);
	return err;
}

static struct dq_at at_key(const struct daqiri_config *cfg, const struct dq_section *sec,
			   const char *key)
{
	const struct dq_entry *entry = key ? dq_section_find(sec, key) : NULL;
	struct dq_at at = {.section = sec->name, .key = key, .line = sec->line};

	if (entry) {
		at.line = entry->line;
		at.value = entry->value;
	}
	at.path = at.line ? cfg->path : NULL;
	return at;
}

int dq_blame_key(const struct daqiri_config *cfg, const struct dq_section *sec, const char *key,
		 const char *fmt, ...)
{
	struct dq_at at = at_key(cfg, sec, key);
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = blame(&at, fmt, ap);
	va_end(ap);
	return err;
}

int dq_where(const struct daqiri_config *cfg, const struct dq_section *sec, const char *key,
	     char *buf, size_t size)
{
	struct dq_at at = at_key(cfg, sec, key);
	char text[MESSAGE_MAX] = "";

	/* A key that was not set has no line, though its section has. */
	if (key && !at.value)
		at.path = NULL;
	append_at(text, sizeof(text), &at);
	return snprintf(buf, size, "%s", text);
}

void dq_place(const struct daqiri_config *cfg, unsigned line, char *buf, size_t size)
{
	if (line)
		snprintf(buf, size, "%s:%u", cfg->path, line);
	else
		snprintf(buf, size, "set in code");
}

/* ---- what was meant ---- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to change, insert, drop or swap; case counts for nothing. */
static unsigned distance(const char *a, const char *b)
{
	enum { LEN = 40 };
	unsigned d[LEN + 1][LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LEN || m > LEN)
		return LEN;
	for (unsigned i = 0; i <= n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned differ = strncasecmp(a + i - 1, b + j - 1, 1) != 0;

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differ);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[n][m];
}

const char *dq_nearest(const char *word, const char *const *words, unsigned n)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1;
	const char *found = NULL;

	if (best > 3)
		best = 3;
	for (unsigned i = 0; i < n; i++) {
		unsigned d = distance(word, words[i]);

		if (d < best || (d == best && !found)) {
			best = d;
			found = words[i];
		}
	}
	return found;
}

/* ---- names of NVIDIA DAQIRI's YAML ---- */

struct foreign {
	const char *section; /* NULL: in every section */
	const char *theirs;
	const char *ours;    /* what to write instead; NULL: it has no meaning here */
};

static const struct foreign foreign_keys[] = {
#define F(section, theirs, ours) {section, theirs, ours},
#include "config_foreign.def"
#undef F
};

static const struct foreign foreign_sections[] = {
	{NULL, "memory_regions", "[region NAME]"}, {NULL, "interfaces", "[port NAME]"},
	{NULL, "queues", "[rxq PORT ID] or [txq PORT ID]"}, {NULL, "rx", "[rxq PORT ID]"},
	{NULL, "tx", "[txq PORT ID]"}, {NULL, "flows", "[flow PORT NAME]"},
	{NULL, "flex_items", "[flex PORT NAME]"}, {NULL, "reorder_configs", "[reorder PORT NAME]"},
	{NULL, "bench_rx", "[stream NAME]"}, {NULL, "bench_tx", "[stream NAME]"},
	{NULL, "cfg", "[daqiri]"},
};

static const struct foreign *foreign_find(const struct foreign *list, size_t n,
					  const char *section, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].theirs, word) &&
		    (!list[i].section || (section && !strcmp(list[i].section, section))))
			return &list[i];
	return NULL;
}

static int blame_foreign(const struct dq_at *at, const struct foreign *f)
{
	if (!f->ours)
		return dq_blame(at, "a name of NVIDIA DAQIRI that has no meaning here");
	return dq_blame(at, "NVIDIA DAQIRI's name; here it is %s", f->ours);
}

bool dq_is_foreign_value(const struct dq_key *key, const char *value)
{
	char text[DQ_LINE_MAX + DQ_NAME_MAX + 2];

	snprintf(text, sizeof(text), "%s=%s", key->key, value);
	return foreign_find(foreign_keys, sizeof(foreign_keys) / sizeof(foreign_keys[0]),
			    key->section, text);
}

static void list_kinds(char *buf, size_t size)
{
	for (unsigned i = 0; i < dq_n_kinds; i++)
		append(buf, size, "[%s%s%s], ", dq_kinds[i].word, *dq_kinds[i].args ? " " : "",
		       dq_kinds[i].args);
	append(buf, size, "[app.*]");
}

int dq_blame_unknown_section(const struct dq_at *at, const char *word)
{
	const struct foreign *f =
		foreign_find(foreign_sections,
			     sizeof(foreign_sections) / sizeof(foreign_sections[0]), NULL, word);
	const char *words[32] = {NULL};
	const char *near;
	char all[512] = "";
	unsigned n = 0;

	if (f)
		return blame_foreign(at, f);
	for (unsigned i = 0; i < dq_n_kinds && n < 32; i++)
		words[n++] = dq_kinds[i].word;
	near = dq_nearest(word, words, n);
	if (near)
		return dq_blame(at, "unknown section; did you mean %s?", near);
	list_kinds(all, sizeof(all));
	return dq_blame(at, "unknown section; allowed %s", all);
}

/* The kind of section that has such a key, if just one has. */
static const struct dq_kind *kind_with_key(const char *key)
{
	const char *found = NULL;

	for (unsigned i = 0; i < dq_n_keys; i++) {
		if (strcmp(dq_keys[i].key, key))
			continue;
		if (found)
			return NULL;
		found = dq_keys[i].section;
	}
	return found ? dq_kind_find(found) : NULL;
}

int dq_blame_unknown_key(const struct dq_at *at, const struct dq_kind *kind)
{
	const struct foreign *f =
		foreign_find(foreign_keys, sizeof(foreign_keys) / sizeof(foreign_keys[0]),
			     kind->word, at->key);
	const char *words[96] = {NULL};
	const struct dq_kind *other;
	const char *near;
	char all[1024] = "";
	unsigned n = 0;

	if (f)
		return blame_foreign(at, f);
	for (unsigned i = 0; i < dq_n_keys && n < 96; i++)
		if (!strcmp(dq_keys[i].section, kind->word)) {
			words[n++] = dq_keys[i].key;
			append(all, sizeof(all), "%s%s", *all ? ", " : "", dq_keys[i].key);
		}
	near = dq_nearest(at->key, words, n);
	if (near)
		return dq_blame(at, "unknown key; did you mean %s?", near);
	other = kind_with_key(at->key);
	if (other)
		return dq_blame(at, "unknown key; it belongs into [%s%s%s]", other->word,
				*other->args ? " " : "", other->args);
	return dq_blame(at, "unknown key; allowed %s", all);
}
