/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"

/*
 * The section that text names. Sections without a name, such as [perf], are always there, if only
 * with defaults: those that no file mentions are in *empty. NULL: the detail says why.
 */
static const struct dq_section *lookup(const struct daqiri_config *cfg, const char *text,
				       struct dq_section *empty)
{
	struct dq_at at = {.section = text};
	const struct dq_section *sec;
	struct dq_secname name;
	char canonical[DQ_SECTION_BUF];

	if (dq_secname_parse(&name, text, &at))
		return NULL;
	if (dq_secname_count(&name) > 1) {
		dq_blame(&at, "names several sections");
		return NULL;
	}
	dq_secname_format(&name, 0, canonical);
	sec = dq_config_find(cfg, canonical);
	if (!sec && name.kind && !*name.kind->args) {
		*empty = (struct dq_section){.kind = name.kind};
		return empty;
	}
	if (!sec)
		dq_error(ENOENT, "[%s]: there is no such section", canonical);
	return sec;
}

/* 0, or -ENOENT with the detail set where the section can have no such key. */
static int known_key(const struct dq_section *sec, const char *section, const char *key)
{
	struct dq_at at = {.section = section, .key = key};

	if (!sec->kind) {
		if (dq_section_find(sec, key))
			return 0;
		return dq_error(ENOENT, "[%s] %s: there is no such key", section, key);
	}
	if (dq_key_find(sec->kind->word, key))
		return 0;
	dq_blame_unknown_key(&at, sec->kind);
	return -ENOENT;
}

const char *daqiri_config_get(const struct daqiri_config *cfg, const char *section,
			      const char *key)
{
	const struct dq_section *sec;
	struct dq_section empty;

	if (!cfg || !section || !key) {
		dq_error(EINVAL, "daqiri_config_get: an argument is NULL");
		return NULL;
	}
	sec = lookup(cfg, section, &empty);
	if (!sec || known_key(sec, section, key))
		return NULL;
	return dq_section_value(sec, key);
}

/* on, off and numbers; -ENOENT: a word. */
static int to_u64(enum dq_type type, const char *value, uint64_t *out)
{
	if (type == DQ_T_ONOFF) {
		*out = !strcmp(value, "on");
		return 0;
	}
	return dq_parse_number(type, value, out) ? -ENOENT : 0;
}

int daqiri_config_get_u64(const struct daqiri_config *cfg, const char *section, const char *key,
			  uint64_t *out)
{
	const struct dq_section *sec;
	const struct dq_key *info;
	struct dq_section empty;
	const char *value;

	if (!cfg || !section || !key || !out)
		return dq_error(EINVAL, "daqiri_config_get_u64: an argument is NULL");
	sec = lookup(cfg, section, &empty);
	if (!sec || known_key(sec, section, key))
		return -ENOENT;
	info = sec->kind ? dq_key_find(sec->kind->word, key) : NULL;
	if (!info || (info->type != DQ_T_ONOFF && !dq_type_is_number(info->type)))
		return dq_error(EINVAL, "[%s] %s: not a key with one number", section, key);
	value = dq_section_value(sec, key);
	if (!value)
		return dq_error(ENOENT, "[%s] %s: not set", section, key);
	if (to_u64(info->type, value, out))
		return dq_error(ENOENT, "[%s] %s=%s: not a number", section, key, value);
	return 0;
}

int daqiri_config_where(const struct daqiri_config *cfg, const char *section, const char *key,
			char *buf, size_t size)
{
	const struct dq_section *sec;

	if (!cfg || !section || (!buf && size))
		return dq_error(EINVAL, "daqiri_config_where: an argument is NULL");
	sec = dq_config_find(cfg, section);
	if (sec)
		return dq_where(cfg, sec, key, buf, size);
	return snprintf(buf, size, "[%s]%s%s", section, key ? " " : "", key ? key : "");
}

const char *daqiri_config_section(const struct daqiri_config *cfg, unsigned i)
{
	return cfg && i < cfg->n_sections ? cfg->sections[i].name : NULL;
}

int daqiri_config_entry(const struct daqiri_config *cfg, const char *section, unsigned i,
			const char **key, const char **value)
{
	const struct dq_section *sec;
	struct dq_section empty;

	if (!cfg || !section || !key || !value)
		return dq_error(EINVAL, "daqiri_config_entry: an argument is NULL");
	sec = lookup(cfg, section, &empty);
	if (!sec)
		return -ENOENT;
	if (i >= sec->n_entries)
		return dq_error(ENOENT, "[%s]: has %u keys set", section, sec->n_entries);
	*key = sec->entries[i].key;
	*value = sec->entries[i].value;
	return 0;
}
