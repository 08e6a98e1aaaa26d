/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../bench/options.h"

#define MAX_ARGS 16

static struct perf_options o;
static char err[256];

/* Parses one line, cut at blanks. */
static int parse(const char *line)
{
	static char copy[256];
	static char *argv[MAX_ARGS + 1];
	int argc = 1;

	argv[0] = (char *)"daqiri-perf";
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *p = strtok(copy, " "); p && argc < MAX_ARGS; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	err[0] = '\0';
	return perf_options_parse(&o, argc, argv, err);
}

static void cleanup(void)
{
	perf_options_free(&o);
}

TestSuite(options, .fini = cleanup);

Test(options, config_alone_leaves_the_rest_to_it)
{
	cr_assert_eq(parse("x.ini"), 0);
	cr_assert_eq(o.action, PERF_RUN);
	cr_assert_str_eq(o.config, "x.ini");
	cr_assert(!o.have_duration && !o.have_count && !o.have_sizes && !o.have_rate);
	cr_assert(!o.intervals && !o.json && !o.have_max_loss);
}

Test(options, load_in_short_options)
{
	cr_assert_eq(parse("-t 5 -n 1000 -s 64 -r 300k x.ini"), 0);
	cr_assert(o.have_duration && o.duration_ns == 5000000000);
	cr_assert(o.have_count && o.count == 1000);
	cr_assert(o.have_sizes && o.sizes.n == 1 && o.sizes.v[0] == 64);
	cr_assert(o.have_rate && o.rate.value == 300e3 && !o.rate.bits);
}

Test(options, may_follow_the_configuration)
{
	cr_assert_eq(parse("x.ini --duration=2 --verify header"), 0);
	cr_assert_str_eq(o.config, "x.ini");
	cr_assert_eq(o.duration_ns, 2000000000);
	cr_assert_eq(o.verify, PERF_VERIFY_HEADER);
}

Test(options, interval_takes_a_number_but_not_the_configuration)
{
	cr_assert_eq(parse("-i x.ini"), 0);
	cr_assert(o.intervals && !o.have_interval);
	cr_assert_str_eq(o.config, "x.ini");
	cr_assert_eq(parse("-i 0.5 x.ini"), 0);
	cr_assert(o.intervals && o.have_interval && o.interval_ns == 500000000);
	cr_assert_eq(parse("-i2 x.ini"), 0);
	cr_assert_eq(o.interval_ns, 2000000000);
	cr_assert_eq(parse("x.ini -i -t 1"), 0);
	cr_assert(o.intervals && !o.have_interval && o.duration_ns == 1000000000);
	cr_assert_eq(parse("-i 0 x.ini"), -EINVAL);
}

Test(options, overrides_keep_their_order)
{
	cr_assert_eq(parse("-o a.b=1 -o c.d=2 x.ini"), 0);
	cr_assert_eq(o.n_overrides, 2);
	cr_assert_str_eq(o.overrides[0], "a.b=1");
	cr_assert_str_eq(o.overrides[1], "c.d=2");
}

Test(options, json_with_and_without_a_file)
{
	cr_assert_eq(parse("--json x.ini"), 0);
	cr_assert(o.json && !o.json_path);
	cr_assert_eq(parse("--json=out.json x.ini"), 0);
	cr_assert(o.json);
	cr_assert_str_eq(o.json_path, "out.json");
}

Test(options, thresholds)
{
	cr_assert_eq(parse("--max-loss 0.1% --min-mpps 3 --min-gbps 1.5 x.ini"), 0);
	cr_assert(o.have_max_loss && o.max_loss.percent && o.max_loss.value == 0.1);
	cr_assert(o.have_min_mpps && o.min_mpps == 3);
	cr_assert(o.have_min_gbps && o.min_gbps == 1.5);
}

Test(options, actions_that_need_no_configuration)
{
	cr_assert(!parse("--ports") && o.action == PERF_PORTS);
	cr_assert(!parse("--list-keys") && o.action == PERF_LIST_KEYS);
	cr_assert(!parse("--help") && o.action == PERF_HELP);
	cr_assert(!parse("-V") && o.action == PERF_VERSION);
	cr_assert(!parse("--selftest a") && o.action == PERF_SELFTEST && !o.selftest[1]);
	cr_assert(!parse("--selftest --selftest-only x.* a b") && o.action == PERF_SELFTEST);
	cr_assert_str_eq(o.selftest[0], "a");
	cr_assert_str_eq(o.selftest[1], "b");
	cr_assert_str_eq(o.selftest_only, "x.*");
	cr_assert(!parse("--check --here x.ini") && o.action == PERF_CHECK && o.here);
}

Test(options, wrong_use_is_named)
{
	static const struct {
		const char *line, *message;
	} bad[] = {
		{ "", "CONFIG.ini is missing" },
		{ "a.ini b.ini", "only one CONFIG.ini may be given" },
		{ "-z x.ini", "unknown option -z" },
		{ "--frob x.ini", "unknown option or value: --frob" },
		{ "x.ini -t", "option -t needs a value" },
		{ "-t soon x.ini", "-t soon: must be a number of seconds" },
		{ "-n 0 x.ini", "-n 0: must be a number of frames, at least 1" },
		{ "-s 59 x.ini", "-s 59: must be 60..65535 bytes, a list of them, or imix" },
		{ "-r fast x.ini",
		  "-r fast: must be max, or N[k|M|G] packets per second, or N[k|M|G]bps" },
		{ "--verify some x.ini", "--verify some: must be full, header or off" },
		{ "--max-loss some x.ini", "--max-loss some: must be a number of frames, or N%" },
		{ "--min-mpps some x.ini",
		  "--min-mpps some: must be a number of million packets per second" },
		{ "--min-gbps some x.ini", "--min-gbps some: must be a number of Gb/s" },
		{ "--here x.ini", "--here goes with --check only" },
		{ "--ports x.ini", "x.ini is one argument too many" },
		{ "--ports --check",
		  "only one of --check, --ports, --make-config, --list-keys, --selftest may be given" },
		{ "--selftest", "--selftest takes one port or two cabled ones" },
		{ "--selftest a b c", "--selftest takes one port or two cabled ones" },
		{ "--selftest-only x x.ini", "--selftest-only goes with --selftest only" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(parse(bad[i].line), -EINVAL, "%s", bad[i].line);
		cr_assert_str_eq(err, bad[i].message);
		perf_options_free(&o);
	}
}
