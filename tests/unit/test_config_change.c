/* SPDX-License-Identifier: Apache-2.0 */
/* Setting and overriding: what it does, and that a failure does nothing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

static const char base[] = "[region m]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n\n"
			   "[port p]\naddress = eth0\n\n"
			   "[rxq p 0]\nregions = m\ndepth = 512\n\n"
			   "[rxq p 1]\nregions = m\n";

static struct daqiri_config *make(void)
{
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, base, strlen(base), "t.ini"), 0, "%s",
		     daqiri_error_detail());
	return cfg;
}

static void expect_text(const struct daqiri_config *cfg, const char *section, const char *key,
			const char *want)
{
	const char *got = daqiri_config_get(cfg, section, key);

	cr_assert_not_null(got, "%s", daqiri_error_detail());
	cr_expect_str_eq(got, want, "[%s] %s: %s", section, key, got);
}

static void expect_unchanged(const struct daqiri_config *cfg)
{
	char *text = NULL;

	cr_assert_eq(daqiri_config_write(cfg, &text), 0);
	cr_expect_str_eq(text, base, "%s", text);
	free(text);
}

static void expect_reads_back(const struct daqiri_config *cfg)
{
	struct daqiri_config *again = NULL;
	char *text = NULL;

	cr_assert_eq(daqiri_config_write(cfg, &text), 0);
	cr_expect_eq(daqiri_config_parse(&again, text, strlen(text), "again.ini"), 0, "%s",
		     daqiri_error_detail());
	free(text);
	daqiri_config_destroy(again);
}

Test(config_change, set_replaces_the_value_of_the_file)
{
	struct daqiri_config *cfg = make();

	cr_assert_eq(daqiri_config_set(cfg, "rxq p 0", "depth", "64"), 0);
	expect_text(cfg, "rxq p 0", "depth", "64");
	cr_assert_eq(daqiri_config_set(cfg, " rxq  p 0 ", " depth ", "\t128 "), 0);
	expect_text(cfg, "rxq p 0", "depth", "128");
	daqiri_config_destroy(cfg);
}

Test(config_change, set_makes_the_section)
{
	struct daqiri_config *cfg = make();

	cr_assert_eq(daqiri_config_set(cfg, "stream s", "rx", "p 1"), 0);
	cr_expect_str_eq(daqiri_config_section(cfg, 4), "stream s");
	cr_expect_eq(daqiri_config_check(cfg), 0, "%s", daqiri_error_detail());
	cr_assert_eq(daqiri_config_set(cfg, "app.x y", "Any.Key", ""), 0);
	expect_text(cfg, "app.x y", "Any.Key", "");
	daqiri_config_destroy(cfg);
}

Test(config_change, a_whole_configuration_can_be_made_in_code)
{
	static const char *const said[] = {
		"region m.kind=host", "region m.num_bufs=64",  "region m.buf_size=2K",
		"port p.address=p0",  "rxq p 0.regions=m",     "flow p f.udp_dst=5000",
		"flow p f.queue=0",   "daqiri.log_level=info",
	};
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_create(&cfg), 0);
	for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		cr_expect_eq(daqiri_config_override(cfg, said[i]), 0, "%s", daqiri_error_detail());
	cr_expect_eq(daqiri_config_check(cfg), 0, "%s", daqiri_error_detail());
	cr_expect_eq(daqiri_config_memory(cfg), 64 * 2048);
	daqiri_config_destroy(cfg);
}

Test(config_change, set_spreads_over_several_queues)
{
	struct daqiri_config *cfg = make();

	cr_assert_eq(daqiri_config_set(cfg, "rxq p 0-2", "cpu_core", "4,6-7"), 0, "%s",
		     daqiri_error_detail());
	expect_text(cfg, "rxq p 0", "cpu_core", "4");
	expect_text(cfg, "rxq p 1", "cpu_core", "6");
	expect_text(cfg, "rxq p 2", "cpu_core", "7");
	cr_assert_eq(daqiri_config_set(cfg, "rxq p 0-2", "regions", "m"), 0);
	expect_text(cfg, "rxq p 2", "regions", "m");
	daqiri_config_destroy(cfg);
}

Test(config_change, override_splits_at_the_last_dot_before_the_first_equals)
{
	struct daqiri_config *cfg = make();

	cr_assert_eq(daqiri_config_override(cfg, "port a.b.address=x=y.z"), 0, "%s",
		     daqiri_error_detail());
	expect_text(cfg, "port a.b", "address", "x=y.z");
	cr_assert_eq(daqiri_config_override(cfg, "app.x.k = v "), 0);
	expect_text(cfg, "app.x", "k", "v");
	daqiri_config_destroy(cfg);
}

Test(config_change, a_failed_set_changes_nothing)
{
	static const struct {
		const char *section, *key, *value, *message;
	} bad[] = {
		{"rxq p 0", "depth", "100",
		 "[rxq p 0] depth=100: must be a power of two: 64 or 128; allowed auto, 64..32768"},
		{"rxq p 0", "", "1", "[rxq p 0] =1: a key is 1 to 31 letters, digits and _.-"},
		{"rxq p 0", "dpth", "64", "[rxq p 0] dpth=64: unknown key; did you mean depth?"},
		{"rxq p 0-3", "depth", "64,64,64,1",
		 "[rxq p 0-3] depth=1: out of range; allowed auto, 64..32768"},
		{"rxq p 0-3", "depth", "64,64", "[rxq p 0-3] depth=64,64: 2 values for 4 queues; "
						"allowed one, or 4"},
		{"rxq", "depth", "64", "[rxq]: must be [rxq PORT ID]"},
		{"rqx p 0", "depth", "64", "[rqx p 0]: unknown section; did you mean rxq?"},
		{"", "depth", "64", "[]: no section's name between the brackets"},
		{"reorder p t", "seq", "8", "[reorder p t]: not supported yet"},
		{"flex p t", "offset", "6",
		 "[flex p t] offset=6: out of range; allowed 0, 4, 8, 12, 16, 20, 24"},
		{"stream new", "size", "1", "[stream new] size=1: not a list of sizes; allowed "
					    "60..65535, imix"},
		{"app.x", "k", "a\nb", "[app.x] k=a\nb: a control character"},
		{"app.x", "k", "\xff", "[app.x] k=\xff: not UTF-8"},
		{"app.x", "k", "a # b", "[app.x] k=a # b: a comment cannot stand in a value"},
		{"app.x", "k", ";b", "[app.x] k=;b: a value cannot begin with a comment's sign"},
		{"app.x", "k k", "1", "[app.x] k k=1: a key is 1 to 31 letters, digits and _.-"},
		{"app.x]", "k", "1", "[app.x]]: must be 1 to 4 words of 1 to 31 letters, digits "
				     "and _.-"},
	};
	struct daqiri_config *cfg = make();

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(daqiri_config_set(cfg, bad[i].section, bad[i].key, bad[i].value),
			     -EINVAL, "%u", i);
		cr_expect_str_eq(daqiri_error_detail(), bad[i].message, "%s",
				 daqiri_error_detail());
		expect_unchanged(cfg);
	}
	daqiri_config_destroy(cfg);
}

Test(config_change, a_value_too_long_for_a_line_is_refused)
{
	struct daqiri_config *cfg = make();
	char value[200];

	memset(value, 'v', sizeof(value));
	value[197] = '\0';
	cr_expect_eq(daqiri_config_set(cfg, "app.x", "k", value), -EINVAL);
	cr_expect_not_null(strstr(daqiri_error_detail(), "the line is longer than 198 bytes"));
	expect_unchanged(cfg);
	value[196] = '\0';
	cr_expect_eq(daqiri_config_set(cfg, "app.x", "k", value), 0);
	expect_reads_back(cfg);
	daqiri_config_destroy(cfg);
}

Test(config_change, a_failed_override_names_the_assignment)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"rxq p 0.depth=0", "-o 'rxq p 0.depth=0': [rxq p 0] depth=0: out of range; "
				    "allowed auto, 64..32768"},
		{"rxq p 0.dpth=64", "-o 'rxq p 0.dpth=64': [rxq p 0] dpth=64: unknown key; did "
				    "you mean depth?"},
		{"regiom m.kind=huge", "-o 'regiom m.kind=huge': [regiom m]: unknown section; did "
				       "you mean region?"},
		{"region m.kind=devise", "-o 'region m.kind=devise': [region m] kind=devise: "
					 "unknown word; allowed host, huge, host_pinned, device, "
					 "app"},
		{"port p.pause=off",
		 "-o 'port p.pause=off': [port p] pause=off: not supported yet; "
		 "allowed keep"},
		{"depth=64", "-o 'depth=64': must be SECTION.KEY=VALUE, as in "
			     "'rxq rx 0.depth=1024'"},
		{"perf.core", "-o 'perf.core': must be SECTION.KEY=VALUE, as in "
			      "'rxq rx 0.depth=1024'"},
		{"perf.core=", "-o 'perf.core=': [perf] core=: no value; allowed 0..4095"},
	};
	struct daqiri_config *cfg = make();

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(daqiri_config_override(cfg, bad[i].text), -EINVAL, "%u", i);
		cr_expect_str_eq(daqiri_error_detail(), bad[i].message, "%s",
				 daqiri_error_detail());
		expect_unchanged(cfg);
	}
	daqiri_config_destroy(cfg);
}

Test(config_change, what_was_set_in_code_is_blamed_without_a_line)
{
	struct daqiri_config *cfg = make();

	cr_assert_eq(daqiri_config_set(cfg, "rxq p 0", "regions", "n"), 0);
	cr_expect_eq(daqiri_config_check(cfg), -EINVAL);
	cr_expect_str_eq(daqiri_error_detail(),
			 "[rxq p 0] regions=n: there is no [region n]; did you mean m?");
	cr_assert_eq(daqiri_config_set(cfg, "rxq p 0", "regions", "m"), 0);
	cr_assert_eq(daqiri_config_set(cfg, "rxq p 5", "depth", "64"), 0);
	cr_expect_eq(daqiri_config_check(cfg), -EINVAL);
	cr_expect_str_eq(daqiri_error_detail(),
			 "[rxq p 5] regions: missing; allowed NAME of a region, or kind, num_bufs "
			 "and buf_size");
	daqiri_config_destroy(cfg);
}
