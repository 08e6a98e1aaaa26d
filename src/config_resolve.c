/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a whole: the steps, in order, and what they share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_resolve.h"
#include "error.h"

#undef dq_no_memory
int dq_no_memory(void)
{
	return dq_error(ENOMEM, "no memory for the configuration");
}

void *dq_resolver_alloc(struct dq_resolver *r, size_t n, size_t size)
{
	return dq_pool_alloc(r->conf->pool, n, size);
}

const char *dq_resolver_where(struct dq_resolver *r, const struct dq_section *sec)
{
	int len = dq_where(r->cfg, sec, NULL, NULL, 0);
	char *text = len < 0 ? NULL : dq_resolver_alloc(r, (size_t)len + 1, 1);

	if (text)
		dq_where(r->cfg, sec, NULL, text, (size_t)len + 1);
	return text;
}

uint64_t dq_section_number(const struct dq_section *sec, const char *key, uint64_t otherwise)
{
	const char *value = dq_section_value(sec, key);
	const struct dq_key *info = dq_key_find(sec->kind->word, key);
	uint64_t v;

	return value && info && !dq_parse_number(info->type, value, &v) ? v : otherwise;
}

bool dq_section_is(const struct dq_section *sec, const char *key, const char *word)
{
	const char *value = dq_section_value(sec, key);

	return value && !strcmp(value, word);
}

void dq_section_word(const struct dq_section *sec, unsigned i, char buf[DQ_NAME_MAX + 1])
{
	const char *s = sec->name;

	while (i--)
		s += strcspn(s, " ") + 1;
	snprintf(buf, DQ_NAME_MAX + 1, "%.*s", (int)strcspn(s, " "), s);
}

bool dq_section_has_kind(const struct dq_section *sec, const char *word)
{
	return sec->kind && !strcmp(sec->kind->word, word);
}

int dq_port_index(const struct dq_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_ports; i++)
		if (!strcmp(conf->ports[i].name, name))
			return (int)i;
	return -1;
}

int dq_region_index(const struct dq_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_regions; i++)
		if (*name && !strcmp(conf->regions[i].name, name))
			return (int)i;
	return -1;
}

int dq_rxq_index(const struct dq_conf *conf, unsigned port, unsigned id)
{
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		if (conf->rxqs[i].port == port && conf->rxqs[i].id == id)
			return (int)i;
	return -1;
}

int dq_txq_index(const struct dq_conf *conf, unsigned port, unsigned id)
{
	for (unsigned i = 0; i < conf->n_txqs; i++)
		if (conf->txqs[i].port == port && conf->txqs[i].id == id)
			return (int)i;
	return -1;
}

/* Of what the running context has of a kind. */
static unsigned running_names(const struct dq_resolver *r, const char *kind, const char **names)
{
	unsigned n = 0;

	for (unsigned i = 0; !strcmp(kind, "port") && i < r->conf->n_ports; i++)
		names[n++] = r->conf->ports[i].name;
	for (unsigned i = 0; !strcmp(kind, "region") && i < r->running->n_regions; i++)
		names[n++] = r->running->regions[i]->name;
	return n;
}

int dq_blame_missing(struct dq_resolver *r, const struct dq_section *sec, const char *key,
		     const char *kind, const char *name)
{
	unsigned n_running = r->running ? r->running->n_regions + r->conf->n_ports : 0, n = 0;
	const char **names = calloc(r->cfg->n_sections + n_running + 1, sizeof(*names));
	const char *near = NULL;
	int err;

	for (unsigned i = 0; names && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], kind))
			names[n++] = r->cfg->sections[i].name + strlen(kind) + 1;
	if (names && r->running)
		n += running_names(r, kind, names + n);
	if (names)
		near = dq_nearest(name, names, n);
	err = dq_blame_key(r->cfg, sec, key, "there is no [%s %s]%s%s%s", kind, name,
			   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	free(names);
	return err;
}

int dq_resolve_port_word(struct dq_resolver *r, const struct dq_section *sec, unsigned *port)
{
	char name[DQ_NAME_MAX + 1];
	int index;

	dq_section_word(sec, 1, name);
	index = dq_port_index(r->conf, name);
	if (index < 0)
		return dq_blame_missing(r, sec, NULL, "port", name);
	*port = (unsigned)index;
	return 0;
}

/* Attached ports need no address: "*" in the list stands for all ports. */
static bool may_lack(const struct dq_resolver *r, const struct dq_section *sec, const char *key)
{
	char name[DQ_NAME_MAX + 1];

	if (!r->may_lack_address || !dq_section_has_kind(sec, "port") || strcmp(key, "address"))
		return false;
	dq_section_word(sec, 1, name);
	for (const char *const *p = r->may_lack_address; *p; p++)
		if (!strcmp(*p, name) || !strcmp(*p, "*"))
			return true;
	return false;
}

static int check_required(struct dq_resolver *r, const struct dq_section *sec)
{
	for (unsigned i = 0; i < dq_n_keys; i++) {
		const struct dq_key *key = &dq_keys[i];

		if (strcmp(key->section, sec->kind->word) || strcmp(key->def, "*") ||
		    dq_section_find(sec, key->key) || may_lack(r, sec, key->key))
			continue;
		return dq_blame_key(r->cfg, sec, key->key, "missing; allowed %s", key->allowed);
	}
	return 0;
}

static enum daqiri_log_level log_level(const struct daqiri_config *cfg)
{
	static const char *const words[] = {"off", "error", "warn", "info", "debug", "trace"};
	const char *value = daqiri_config_get(cfg, "daqiri", "log_level");

	for (int i = 0; value && i < 6; i++)
		if (!strcmp(words[i], value))
			return (enum daqiri_log_level)i;
	return DAQIRI_LOG_WARN;
}

static enum dq_simd simd(const struct daqiri_config *cfg)
{
	const char *value = daqiri_config_get(cfg, "daqiri", "simd");
	enum dq_simd found = DQ_SIMD_AVX2;

	while (found != DQ_SIMD_AUTO && (!value || strcmp(dq_simd_name(found), value) != 0))
		found--;
	return found;
}

typedef int (*step_fn)(struct dq_resolver *r);

static int take(struct dq_resolver *r, const step_fn *steps, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (r->cfg->sections[i].kind)
			err = check_required(r, &r->cfg->sections[i]);
	for (unsigned i = 0; !err && i < n; i++)
		err = steps[i](r);
	return err;
}

static int resolve_whole(struct dq_resolver *r)
{
	static const step_fn steps[] = {
		dq_resolve_ports, dq_resolve_regions,	dq_resolve_region_ports, dq_resolve_queues,
		dq_resolve_slots, dq_resolve_workers,	dq_resolve_tunnels,	 dq_resolve_flexes,
		dq_resolve_flows, dq_resolve_unmatched, dq_resolve_streams,
	};

	r->conf->log_level = log_level(r->cfg);
	r->conf->simd = simd(r->cfg);
	return take(r, steps, sizeof(steps) / sizeof(steps[0]));
}

static int resolve_added(struct dq_resolver *r)
{
	static const step_fn steps[] = {
		dq_resolve_added,  dq_resolve_regions, dq_resolve_region_ports,
		dq_resolve_queues, dq_resolve_slots,   dq_resolve_workers,
	};

	r->conf->log_level = r->running->opened->log_level;
	r->conf->simd = r->running->opened->simd;
	return take(r, steps, sizeof(steps) / sizeof(steps[0]));
}

int dq_conf_make(struct dq_conf **out, struct dq_resolver *r,
		 int (*resolve)(struct dq_resolver *r))
{
	struct dq_pool *pool = dq_pool_create();
	int err;

	if (!pool)
		return dq_no_memory();
	r->conf = dq_pool_alloc(pool, 1, sizeof(*r->conf));
	if (!r->conf) {
		dq_pool_destroy(pool);
		return dq_no_memory();
	}
	r->conf->pool = pool;
	err = resolve(r);
	if (err)
		dq_pool_destroy(pool);
	else
		*out = r->conf;
	return err;
}

int dq_conf_resolve(struct dq_conf **out, const struct daqiri_config *cfg,
		    const char *const *may_lack_address)
{
	struct dq_resolver r = {.cfg = cfg, .may_lack_address = may_lack_address};

	return dq_conf_make(out, &r, resolve_whole);
}

int dq_conf_resolve_added(struct dq_conf **out, const struct daqiri_config *cfg,
			  const struct dq_running *running)
{
	struct dq_resolver r = {.cfg = cfg, .running = running};

	return dq_conf_make(out, &r, resolve_added);
}

void dq_conf_free(struct dq_conf *conf)
{
	if (conf)
		dq_pool_destroy(conf->pool);
}

int daqiri_config_check(const struct daqiri_config *cfg)
{
	struct dq_conf *conf = NULL;
	int err;

	if (!cfg)
		return dq_error(EINVAL, "daqiri_config_check: cfg is NULL");
	err = dq_conf_resolve(&conf, cfg, NULL);
	if (!err)
		dq_conf_free(conf);
	return err;
}

uint64_t daqiri_config_memory(const struct daqiri_config *cfg)
{
	static const char *const all_ports[] = {"*", NULL};
	struct dq_conf *conf = NULL;
	uint64_t sum = 0;

	if (!cfg || dq_conf_resolve(&conf, cfg, all_ports))
		return 0;
	for (unsigned i = 0; i < conf->n_regions; i++) {
		const struct dq_conf_region *region = &conf->regions[i];
		uint64_t mask = region->align - 1;

		/* Below 2^32 times 2^30 + 2^20 each: only very many regions could overflow. */
		if (__builtin_add_overflow(
			    sum, region->num_bufs * ((region->buf_size + mask) & ~mask), &sum))
			sum = UINT64_MAX;
	}
	dq_conf_free(conf);
	return sum;
}
