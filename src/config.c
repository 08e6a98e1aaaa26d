/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration object: what was said, and where. */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"

static int no_memory(void)
{
	return dq_error(ENOMEM, "no memory for the configuration");
}

/* Room for one more: arrays grow when their number is a power of two. */
static void *grow(void *array, unsigned n, size_t size)
{
	if (n & (n - 1))
		return array;
	return realloc(array, (n ? 2 * (size_t)n : 1) * size);
}

struct dq_section *dq_config_find(const struct daqiri_config *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->n_sections; i++)
		if (!strcmp(cfg->sections[i].name, name))
			return &cfg->sections[i];
	return NULL;
}

int dq_config_add(struct daqiri_config *cfg, const char *name, const struct dq_at *at,
		  struct dq_section **out)
{
	char word[DQ_SECTION_MAX + 1];
	struct dq_section *sections, *sec;
	char *copy;

	if (cfg->n_sections >= DQ_SECTIONS_MAX)
		return dq_blame(at, "more than %d sections", DQ_SECTIONS_MAX);
	sections = grow(cfg->sections, cfg->n_sections, sizeof(*sections));
	if (!sections)
		return no_memory();
	cfg->sections = sections;
	copy = strdup(name);
	if (!copy)
		return no_memory();
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, " "), name);
	sec = &sections[cfg->n_sections++];
	*sec = (struct dq_section){.name = copy, .kind = dq_kind_find(word), .line = at->line};
	*out = sec;
	return 0;
}

struct dq_entry *dq_section_find(const struct dq_section *sec, const char *key)
{
	for (unsigned i = 0; i < sec->n_entries; i++)
		if (!strcmp(sec->entries[i].key, key))
			return &sec->entries[i];
	return NULL;
}

const char *dq_section_value(const struct dq_section *sec, const char *key)
{
	const struct dq_entry *entry = dq_section_find(sec, key);
	const struct dq_key *info;

	if (entry)
		return entry->value;
	info = sec->kind ? dq_key_find(sec->kind->word, key) : NULL;
	return info && *info->def && strcmp(info->def, "*") ? info->def : NULL;
}

static int section_set(struct dq_section *sec, const char *key, const char *value, unsigned line)
{
	struct dq_entry *entry = dq_section_find(sec, key), *entries;
	char *new_key, *new_value = strdup(value);

	if (!new_value)
		return no_memory();
	if (entry) {
		free(entry->value);
		entry->value = new_value;
		entry->line = line;
		return 0;
	}
	new_key = strdup(key);
	entries = new_key ? grow(sec->entries, sec->n_entries, sizeof(*entries)) : NULL;
	if (!entries) {
		free(new_key);
		free(new_value);
		return no_memory();
	}
	sec->entries = entries;
	entries[sec->n_entries++] =
		(struct dq_entry){.key = new_key, .value = new_value, .line = line};
	return 0;
}

/* ---- life ---- */

int daqiri_config_create(struct daqiri_config **out)
{
	struct daqiri_config *cfg;

	if (!out)
		return dq_error(EINVAL, "daqiri_config_create: out is NULL");
	cfg = calloc(1, sizeof(*cfg));
	if (!cfg)
		return no_memory();
	*out = cfg;
	return 0;
}

static void section_clear(struct dq_section *sec)
{
	for (unsigned i = 0; i < sec->n_entries; i++) {
		free(sec->entries[i].key);
		free(sec->entries[i].value);
	}
	free(sec->entries);
	free(sec->name);
}

static void config_clear(struct daqiri_config *cfg)
{
	for (unsigned i = 0; i < cfg->n_sections; i++)
		section_clear(&cfg->sections[i]);
	free(cfg->sections);
	free(cfg->path);
}

void daqiri_config_destroy(struct daqiri_config *cfg)
{
	if (!cfg)
		return;
	config_clear(cfg);
	free(cfg);
}

static int config_copy(struct daqiri_config **out, const struct daqiri_config *from)
{
	struct daqiri_config *cfg = NULL;
	struct dq_section *sec;
	struct dq_at at = {0};
	int err = daqiri_config_create(&cfg);

	if (err)
		return err;
	cfg->path = from->path ? strdup(from->path) : NULL;
	if (from->path && !cfg->path)
		err = no_memory();
	for (unsigned i = 0; !err && i < from->n_sections; i++) {
		const struct dq_section *old = &from->sections[i];

		at.line = old->line;
		err = dq_config_add(cfg, old->name, &at, &sec);
		if (!err)
			sec->memory = old->memory;
		for (unsigned k = 0; !err && k < old->n_entries; k++)
			err = section_set(sec, old->entries[k].key, old->entries[k].value,
					  old->entries[k].line);
	}
	if (err)
		daqiri_config_destroy(cfg);
	else
		*out = cfg;
	return err;
}

/* ---- setting ---- */

/* One key of one section, made if need be. A file says each key once. */
static int assign_one(struct daqiri_config *cfg, const char *section, const struct dq_at *at)
{
	struct dq_section *sec = dq_config_find(cfg, section);
	struct dq_entry *old;
	char first[600];
	int err = sec ? 0 : dq_config_add(cfg, section, at, &sec);

	if (err)
		return err;
	old = dq_section_find(sec, at->key);
	if (old && at->line) {
		dq_place(cfg, old->line, first, sizeof(first));
		return dq_blame(at, "set a second time; the first is %s", first);
	}
	return section_set(sec, at->key, at->value, at->line);
}

int dq_config_assign(struct daqiri_config *cfg, const struct dq_secname *name,
		     const struct dq_at *at)
{
	const struct dq_key *key = name->kind ? dq_key_find(name->kind->word, at->key) : NULL;
	unsigned n = dq_secname_count(name);
	char section[DQ_SECTION_BUF], value[DQ_LINE_MAX + 1];
	struct dq_at one = *at;
	int err = 0, spread;

	if (name->kind && !key)
		return dq_blame_unknown_key(at, name->kind);
	if (*at->value == '#' || *at->value == ';')
		return dq_blame(at, "a value cannot begin with a comment's sign");
	spread = name->numbered ? dq_spread(key, at->value, n, at) : 0;
	if (spread < 0)
		return spread;
	for (unsigned i = 0; !err && i < n; i++) {
		if (spread) {
			dq_spread_pick(at->value, i, value, sizeof(value));
			one.value = value;
		}
		dq_secname_format(name, i, section);
		if (key)
			err = dq_check_value(key, one.value, &one);
		if (!err)
			err = assign_one(cfg, section, &one);
	}
	return err;
}

/* What could not stand in a file is refused: it would be lost in daqiri_config_write(). */
static int check_text(const struct dq_at *at)
{
	const char *fault = dq_text_fault(at->value, strlen(at->value));

	if (fault)
		return dq_blame(at, "%s", fault);
	if (!dq_parse_name(at->key))
		return dq_blame(at, "a key is 1 to %d letters, digits and _.-", DQ_NAME_MAX);
	if (strlen(at->key) + strlen("=") + strlen(at->value) > DQ_LINE_MAX)
		return dq_blame(at, "the line is longer than %d bytes", DQ_LINE_MAX);
	for (const char *c = at->value; *c; c++)
		if (isblank((unsigned char)*c) && (c[1] == '#' || c[1] == ';'))
			return dq_blame(at, "a comment cannot stand in a value");
	return 0;
}

/* Sets at->key of at->section; path stands before messages. All or nothing: on a copy first. */
static int set_in_code(struct daqiri_config *cfg, const struct dq_at *at)
{
	struct daqiri_config *copy = NULL, old;
	struct dq_secname name;
	struct dq_at header = {.path = at->path, .section = at->section};
	int err = dq_secname_parse(&name, at->section, &header);

	if (!err)
		err = check_text(at);
	if (!err)
		err = config_copy(&copy, cfg);
	if (err)
		return err;
	err = dq_config_assign(copy, &name, at);
	if (!err) {
		old = *cfg;
		*cfg = *copy;
		*copy = old;
	}
	daqiri_config_destroy(copy);
	return err;
}

/* A copy without the blanks around it. */
static char *trim(const char *s, size_t len)
{
	while (len && isblank((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isblank((unsigned char)s[len - 1]))
		len--;
	return strndup(s, len);
}

static int set_trimmed(struct daqiri_config *cfg, const char *prefix, char *const part[3])
{
	struct dq_at at = {.path = prefix, .section = part[0], .key = part[1], .value = part[2]};

	if (!part[0] || !part[1] || !part[2])
		return no_memory();
	return set_in_code(cfg, &at);
}

int daqiri_config_set(struct daqiri_config *cfg, const char *section, const char *key,
		      const char *value)
{
	char *part[3];
	int err;

	if (!cfg || !section || !key || !value)
		return dq_error(EINVAL, "daqiri_config_set: an argument is NULL");
	part[0] = trim(section, strlen(section));
	part[1] = trim(key, strlen(key));
	part[2] = trim(value, strlen(value));
	err = set_trimmed(cfg, NULL, part);
	for (int i = 0; i < 3; i++)
		free(part[i]);
	return err;
}

int daqiri_config_override(struct daqiri_config *cfg, const char *assignment)
{
	const char *equals, *dot;
	char prefix[DQ_LINE_MAX + 1];
	char *part[3];
	int err;

	if (!cfg || !assignment)
		return dq_error(EINVAL, "daqiri_config_override: an argument is NULL");
	snprintf(prefix, sizeof(prefix), "-o '%s'", assignment);
	equals = strchr(assignment, '=');
	dot = equals ? memrchr(assignment, '.', (size_t)(equals - assignment)) : NULL;
	if (!dot)
		return dq_error(EINVAL,
				"%s: must be SECTION.KEY=VALUE, as in 'rxq rx 0.depth=1024'",
				prefix);
	part[0] = trim(assignment, (size_t)(dot - assignment));
	part[1] = trim(dot + 1, (size_t)(equals - dot - 1));
	part[2] = trim(equals + 1, strlen(equals + 1));
	err = set_trimmed(cfg, prefix, part);
	for (int i = 0; i < 3; i++)
		free(part[i]);
	return err;
}
