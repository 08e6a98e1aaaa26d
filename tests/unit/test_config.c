/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration object: reading, asking, changing, writing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

#define EVERYTHING TEST_DATA "/config/everything.ini"

static struct daqiri_config *load(const char *path)
{
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_load(&cfg, path), 0, "%s", daqiri_error_detail());
	return cfg;
}

static struct daqiri_config *parse(const char *text)
{
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, text, strlen(text), "t.ini"), 0, "%s",
		     daqiri_error_detail());
	return cfg;
}

static char *text_of(const struct daqiri_config *cfg)
{
	char *text = NULL;

	cr_assert_eq(daqiri_config_write(cfg, &text), 0);
	return text;
}

static void expect_u64(const struct daqiri_config *cfg, const char *section, const char *key,
		       uint64_t want)
{
	uint64_t v = ~want;

	cr_expect_eq(daqiri_config_get_u64(cfg, section, key, &v), 0, "%s", daqiri_error_detail());
	cr_expect_eq(v, want, "[%s] %s: %llu", section, key, (unsigned long long)v);
}

static void expect_text(const struct daqiri_config *cfg, const char *section, const char *key,
			const char *want)
{
	const char *got = daqiri_config_get(cfg, section, key);

	cr_assert_not_null(got, "[%s] %s: %s", section, key, daqiri_error_detail());
	cr_expect_str_eq(got, want, "[%s] %s: %s", section, key, got);
}

static void expect_detail(const char *want)
{
	cr_expect_str_eq(daqiri_error_detail(), want, "%s", daqiri_error_detail());
}

/* ---- reading ---- */

Test(config, the_examples_are_sound)
{
	static const char *const files[] = {
		"/loopback.ini",  "/tx.ini",	  "/rx.ini",	   "/dgx-spark.ini", "/split.ini",
		"/igx-orin.ini", "/spark-rx.ini", "/spark-tx.ini", "/x86-h100.ini", "/forward.ini",
		"/ipv6.ini",	  "/rss.ini",	   "/tcp.ini",	    "/vlan.ini",      "/ranges.ini",
		"/vxlan.ini",	  "/nvgre.ini",	   "/gre.ini",	    "/ecpri.ini",     "/flex.ini"};
	char path[4096];

	for (int i = 0; i < (int)(sizeof(files) / sizeof(files[0])); i++) {
		struct daqiri_config *cfg;

		snprintf(path, sizeof(path), "%s%s", CONF_DIR, files[i]);
		cfg = load(path);
		cr_expect_eq(daqiri_config_check(cfg), 0, "%s", daqiri_error_detail());
		cr_expect_gt(daqiri_config_memory(cfg), 0);
		daqiri_config_destroy(cfg);
	}
}

Test(config, every_supported_key_can_be_said)
{
	struct daqiri_config *cfg = load(EVERYTHING);

	cr_expect_eq(daqiri_config_check(cfg), 0, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
}

static bool says(const struct daqiri_config *cfg, const struct daqiri_key_info *info)
{
	size_t len = strlen(info->section);
	const char *section, *key, *value;

	for (unsigned i = 0; (section = daqiri_config_section(cfg, i)); i++) {
		if (strncmp(section, info->section, len) || (section[len] && section[len] != ' '))
			continue;
		for (unsigned k = 0; !daqiri_config_entry(cfg, section, k, &key, &value); k++)
			if (!strcmp(key, info->key))
				return true;
	}
	return false;
}

Test(config, everything_ini_says_every_supported_key)
{
	struct daqiri_key_info info = {.size = sizeof(info)};
	struct daqiri_config *cfg = load(EVERYTHING);

	for (unsigned i = 0; !daqiri_config_key(i, &info); i++)
		cr_expect_eq(says(cfg, &info), info.supported, "[%s] %s", info.section, info.key);
	daqiri_config_destroy(cfg);
}

Test(config, blank_lines_comments_and_crlf_are_no_mistakes)
{
	struct daqiri_config *cfg = parse("\r\n \t\n  # indented\n;x\n[perf] ; c\r\n"
					  "duration = 2s # c\r\ncore=3\t;c\n\n[app.x]\nk = a;b#c");

	expect_text(cfg, "perf", "duration", "2s");
	expect_text(cfg, "perf", "core", "3");
	expect_text(cfg, "app.x", "k", "a;b#c");
	daqiri_config_destroy(cfg);
}

Test(config, the_longest_line_and_section_fit)
{
	char text[400], value[195];
	struct daqiri_config *cfg;

	memset(value, 'v', 194);
	value[194] = '\0';
	snprintf(text, sizeof(text), "[app.%s %.13s]\nk = %s\n", "123456789012345678901234567",
		 "1234567890123456", value);
	cfg = parse(text);
	expect_text(cfg, "app.123456789012345678901234567 1234567890123", "k", value);
	daqiri_config_destroy(cfg);
	snprintf(text, sizeof(text), "[app.%s %s]", "123456789012345678901234567",
		 "12345678901234567");
	cfg = parse(text);
	cr_expect_eq(strlen(daqiri_config_section(cfg, 0)), 49);
	daqiri_config_destroy(cfg);
}

Test(config, an_empty_text_is_an_empty_configuration)
{
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, NULL, 0, "none"), 0);
	cr_expect_null(daqiri_config_section(cfg, 0));
	cr_expect_eq(daqiri_config_check(cfg), 0);
	daqiri_config_destroy(cfg);
}

Test(config, files_that_cannot_be_read_say_why)
{
	struct daqiri_config *cfg = NULL;

	cr_expect_eq(daqiri_config_load(&cfg, "no/such.ini"), -ENOENT);
	expect_detail("no/such.ini: cannot be read: No such file or directory");
	cr_expect_eq(daqiri_config_load(&cfg, "/"), -EISDIR);
	expect_detail("/: cannot be read: Is a directory");
	cr_expect_eq(daqiri_config_load(&cfg, "/dev/zero"), -EINVAL);
	expect_detail("/dev/zero: no configuration: larger than 1 MiB");
	cr_expect_null(cfg);
}

Test(config, more_sections_than_any_nic_has_queues_are_refused)
{
	static const char text[] = "[rxq a 0-4095]\n[rxq b 0-4095]\n[rxq c 0]\n";
	struct daqiri_config *cfg = NULL;

	cr_expect_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "t.ini"), -EINVAL);
	expect_detail("t.ini:3: [rxq c 0]: more than 8192 sections");
}

Test(config, null_arguments_are_refused)
{
	struct daqiri_config *cfg = NULL;
	const char *s;
	uint64_t v;
	char *text;

	cr_expect_eq(daqiri_config_create(NULL), -EINVAL);
	cr_expect_eq(daqiri_config_load(&cfg, NULL), -EINVAL);
	cr_expect_eq(daqiri_config_parse(&cfg, NULL, 1, "x"), -EINVAL);
	cr_expect_eq(daqiri_config_set(NULL, "perf", "core", "1"), -EINVAL);
	cr_expect_eq(daqiri_config_override(NULL, "perf.core=1"), -EINVAL);
	cr_expect_null(daqiri_config_get(NULL, "perf", "core"));
	cr_expect_eq(daqiri_config_get_u64(NULL, "perf", "core", &v), -EINVAL);
	cr_expect_eq(daqiri_config_where(NULL, "perf", "core", NULL, 0), -EINVAL);
	cr_expect_eq(daqiri_config_entry(NULL, "perf", 0, &s, &s), -EINVAL);
	cr_expect_eq(daqiri_config_check(NULL), -EINVAL);
	cr_expect_eq(daqiri_config_write(NULL, &text), -EINVAL);
	cr_expect_null(daqiri_config_section(NULL, 0));
	cr_expect_eq(daqiri_config_memory(NULL), 0);
	daqiri_config_destroy(NULL);
}

/* ---- asking ---- */

Test(config, get_gives_what_was_set_else_the_default)
{
	struct daqiri_config *cfg = load(EVERYTHING);

	expect_text(cfg, "region big", "num_bufs", "0x4000");
	expect_text(cfg, "region  small", "align", "64");
	expect_text(cfg, "port left", "unmatched", "queue 2-3, 0");
	expect_text(cfg, "rxq left 2", "cpu_core", "10");
	expect_text(cfg, "app.viewer window 1", "Title.Text", "Größe; not a comment");
	expect_text(cfg, "app.viewer window 1", "empty", "");
	daqiri_config_destroy(cfg);
}

Test(config, sections_without_a_name_have_defaults_unmentioned)
{
	struct daqiri_config *cfg = parse("");

	expect_text(cfg, "perf", "duration", "10s");
	expect_u64(cfg, "perf", "interval", 1000000000);
	cr_expect_null(daqiri_config_get(cfg, "perf", "core"));
	cr_expect_null(daqiri_config_section(cfg, 0));
	daqiri_config_destroy(cfg);
}

Test(config, get_of_what_is_not_there_says_which)
{
	struct daqiri_config *cfg = load(EVERYTHING);

	cr_expect_null(daqiri_config_get(cfg, "port middle", "mtu"));
	expect_detail("[port middle]: there is no such section");
	cr_expect_null(daqiri_config_get(cfg, "port left", "align"));
	expect_detail("[port left] align: unknown key; it belongs into [region NAME]");
	cr_expect_null(daqiri_config_get(cfg, "rxq left 0-3", "depth"));
	expect_detail("[rxq left 0-3]: names several sections");
	cr_expect_null(daqiri_config_get(cfg, "app.viewer window 1", "Title"));
	expect_detail("[app.viewer window 1] Title: there is no such key");
	daqiri_config_destroy(cfg);
}

Test(config, numbers_come_in_base_units)
{
	struct daqiri_config *cfg = load(EVERYTHING);

	expect_u64(cfg, "region big", "num_bufs", 16384);
	expect_u64(cfg, "region big", "buf_size", 9216);
	expect_u64(cfg, "region big", "page_size", 1 << 30);
	expect_u64(cfg, "region small", "buf_size", 2048);
	expect_u64(cfg, "perf", "duration", 1500000000);
	expect_u64(cfg, "perf", "latency", 1);
	expect_u64(cfg, "txq right 0", "timed", 0);
	expect_u64(cfg, "txq right 0", "pacing_mbps", 0);
	expect_u64(cfg, "flow left second", "ethertype", 0x88b5);
	daqiri_config_destroy(cfg);
}

Test(config, what_is_no_number_is_not_made_one)
{
	struct daqiri_config *cfg = load(EVERYTHING);
	uint64_t v = 42;

	cr_expect_eq(daqiri_config_get_u64(cfg, "region small", "numa", &v), -ENOENT);
	expect_detail("[region small] numa=auto: not a number");
	cr_expect_eq(daqiri_config_get_u64(cfg, "rxq right 7", "cpu_core", &v), -ENOENT);
	expect_detail("[rxq right 7] cpu_core: not set");
	cr_expect_eq(daqiri_config_get_u64(cfg, "port left", "address", &v), -EINVAL);
	expect_detail("[port left] address: not a key with one number");
	cr_expect_eq(daqiri_config_get_u64(cfg, "stream one", "rate", &v), -EINVAL);
	cr_expect_eq(daqiri_config_get_u64(cfg, "app.viewer window 1", "empty", &v), -EINVAL);
	cr_expect_eq(daqiri_config_get_u64(cfg, "port x", "mtu", &v), -ENOENT);
	cr_expect_eq(v, 42);
	daqiri_config_destroy(cfg);
}

static void expect_where(const struct daqiri_config *cfg, const char *section, const char *key,
			 const char *want)
{
	char buf[128], cut[8];

	cr_expect_eq(daqiri_config_where(cfg, section, key, buf, sizeof(buf)), (int)strlen(want));
	cr_expect_str_eq(buf, want, "%s", buf);
	cr_expect_eq(daqiri_config_where(cfg, section, key, cut, sizeof(cut)), (int)strlen(want));
	cr_expect_eq(strncmp(cut, want, sizeof(cut) - 1), 0);
	cr_expect_eq(daqiri_config_where(cfg, section, key, NULL, 0), (int)strlen(want));
}

Test(config, where_names_the_line_that_set_it)
{
	struct daqiri_config *cfg = parse("[perf]\ncore = 1\n\n[rxq a 0-1]\ndepth = 64\n");

	cr_assert_eq(daqiri_config_set(cfg, "perf", "verify", "off"), 0);
	expect_where(cfg, "perf", "core", "t.ini:2: [perf] core");
	expect_where(cfg, "rxq a 1", "depth", "t.ini:5: [rxq a 1] depth");
	expect_where(cfg, "perf", NULL, "t.ini:1: [perf]");
	expect_where(cfg, "perf", "verify", "[perf] verify");
	expect_where(cfg, "perf", "interval", "[perf] interval");
	expect_where(cfg, "port x", "mtu", "[port x] mtu");
	expect_where(cfg, "port x", NULL, "[port x]");
	daqiri_config_destroy(cfg);
}

Test(config, sections_and_entries_come_in_file_order)
{
	struct daqiri_config *cfg = parse("[app.b x]\nz = 1\na =\n[rxq p 1-2]\n[app.a]\n");
	const char *key, *value;

	cr_expect_str_eq(daqiri_config_section(cfg, 0), "app.b x");
	cr_expect_str_eq(daqiri_config_section(cfg, 1), "rxq p 1");
	cr_expect_str_eq(daqiri_config_section(cfg, 2), "rxq p 2");
	cr_expect_str_eq(daqiri_config_section(cfg, 3), "app.a");
	cr_expect_null(daqiri_config_section(cfg, 4));
	cr_assert_eq(daqiri_config_entry(cfg, "app.b x", 1, &key, &value), 0);
	cr_expect_str_eq(key, "a");
	cr_expect_str_eq(value, "");
	cr_expect_eq(daqiri_config_entry(cfg, "app.b x", 2, &key, &value), -ENOENT);
	cr_expect_eq(daqiri_config_entry(cfg, "app.c", 0, &key, &value), -ENOENT);
	daqiri_config_destroy(cfg);
}

/* ---- writing ---- */

Test(config, what_is_written_reads_back_the_same)
{
	struct daqiri_config *cfg = load(EVERYTHING), *again;
	char *text = text_of(cfg), *second;

	again = parse(text);
	second = text_of(again);
	cr_expect_str_eq(second, text);
	cr_expect_eq(daqiri_config_memory(again), daqiri_config_memory(cfg));
	free(second);
	free(text);
	daqiri_config_destroy(again);
	daqiri_config_destroy(cfg);
}

Test(config, writing_shows_ranges_spread)
{
	struct daqiri_config *cfg = parse("[rxq p 0-1]\ncpu_core = 8-9\ndepth = 64\n[perf]\n");
	char *text = text_of(cfg);

	cr_expect_str_eq(text, "[rxq p 0]\ncpu_core = 8\ndepth = 64\n\n"
			       "[rxq p 1]\ncpu_core = 9\ndepth = 64\n\n[perf]\n");
	free(text);
	daqiri_config_destroy(cfg);
}

/* ---- the grammar ---- */

Test(config, every_key_of_the_grammar_is_described)
{
	struct daqiri_key_info info = {.size = sizeof(info)};
	unsigned n = 0;

	while (!daqiri_config_key(n, &info)) {
		cr_expect_gt(strlen(info.allowed), 0, "[%s] %s", info.section, info.key);
		cr_expect_eq(info.doc[strlen(info.doc) - 1], '.', "[%s] %s", info.section,
			     info.key);
		cr_expect(!info.def || *info.def);
		n++;
	}
	cr_expect_gt(n, 100);
	cr_expect_eq(daqiri_config_key(n, &info), -ENOENT);
	info.size = 0;
	cr_expect_eq(daqiri_config_key(0, &info), -EINVAL);
	cr_expect_eq(daqiri_config_key(0, NULL), -EINVAL);
}

Test(config, an_older_key_info_is_filled_as_far_as_it_goes)
{
	struct daqiri_key_info info = {.size = offsetof(struct daqiri_key_info, def),
				       .def = "untouched"};

	cr_assert_eq(daqiri_config_key(0, &info), 0);
	cr_expect_str_eq(info.section, "daqiri");
	cr_expect_str_eq(info.def, "untouched");
	cr_expect_eq(info.size, offsetof(struct daqiri_key_info, def));
}

static const char *example_of(const char *section)
{
	static const char *const named[] = {"region x", "port x", "rxq x 0", "txq x 0",
					    "flow x y", "stream x", "tunnel t", "flex p f"};

	for (unsigned i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (!strncmp(named[i], section, strlen(section)) &&
		    named[i][strlen(section)] == ' ')
			return named[i];
	return section;
}

Test(config, every_default_is_an_allowed_value)
{
	struct daqiri_key_info info = {.size = sizeof(info)};
	struct daqiri_config *cfg = parse("");
	unsigned n = 0;

	for (unsigned i = 0; !daqiri_config_key(i, &info); i++) {
		if (!info.supported || !info.def || !strcmp(info.def, "*"))
			continue;
		cr_expect_eq(daqiri_config_set(cfg, example_of(info.section), info.key, info.def),
			     0, "%s", daqiri_error_detail());
		n++;
	}
	cr_expect_gt(n, 50);
	daqiri_config_destroy(cfg);
}

Test(config, every_key_of_later_is_known_and_refused)
{
	struct daqiri_key_info info = {.size = sizeof(info)};
	struct daqiri_config *cfg = parse("");
	unsigned n = 0;

	for (unsigned i = 0; !daqiri_config_key(i, &info); i++) {
		if (info.supported)
			continue;
		cr_expect_eq(daqiri_config_set(cfg, example_of(info.section), info.key, "1"),
			     -EINVAL);
		cr_expect_not_null(strstr(daqiri_error_detail(), "not supported yet"), "%s",
				   daqiri_error_detail());
		n++;
	}
	cr_expect_gt(n, 8);
	daqiri_config_destroy(cfg);
}
