/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

const char tune_usage[] =
	"usage: daqiri-tune --check all|NAME[,NAME] [options] (daqiri-tune --help tells more)";

const char tune_help[] =
	"usage: daqiri-tune --check all|NAME[,NAME] [options]\n"
	"       daqiri-tune --topology [--dot] | --ports\n"
	"       daqiri-tune --list | --help | --version\n"
	"\n"
	"Tells what of this machine holds packets back, why, and the command that cures it.\n"
	"It changes nothing.\n"
	"\n"
	"      --check NAMES        judges: all, or checks with commas between them\n"
	"      --list               lists the checks\n"
	"      --topology           the PCI tree of NICs and GPUs, and how they are joined\n"
	"      --dot                with --topology: as a graph for Graphviz\n"
	"      --ports              lists ports, each with its nearest GPU\n"
	"      --config FILE.ini    judges against what this configuration needs\n"
	"      --json               the result as one JSON document\n"
	"      --fail-on STATUS     exit 1 from this on: warn (default) or fail\n"
	"      --root DIR           judges the files below DIR, a snapshot, not this machine\n"
	"      --platform NAME      igx-orin, dgx-spark, x86 or other, whatever was found\n"
	"      --no-color           no colours, on a terminal either\n"
	"  -h, --help               this text\n"
	"  -V, --version\n"
	"\n"
	"Exit status: 0 nothing at or above --fail-on; 1 something is, or a failure;\n"
	"2 wrong usage. More in daqiri-tune(8).\n";

enum {
	OPT_CHECK = 256,
	OPT_LIST,
	OPT_TOPOLOGY,
	OPT_DOT,
	OPT_PORTS,
	OPT_CONFIG,
	OPT_JSON,
	OPT_FAIL_ON,
	OPT_ROOT,
	OPT_PLATFORM,
	OPT_NO_COLOR
};

static const struct option long_options[] = {{"check", required_argument, NULL, OPT_CHECK},
					     {"list", no_argument, NULL, OPT_LIST},
					     {"topology", no_argument, NULL, OPT_TOPOLOGY},
					     {"dot", no_argument, NULL, OPT_DOT},
					     {"ports", no_argument, NULL, OPT_PORTS},
					     {"config", required_argument, NULL, OPT_CONFIG},
					     {"json", no_argument, NULL, OPT_JSON},
					     {"fail-on", required_argument, NULL, OPT_FAIL_ON},
					     {"root", required_argument, NULL, OPT_ROOT},
					     {"platform", required_argument, NULL, OPT_PLATFORM},
					     {"no-color", no_argument, NULL, OPT_NO_COLOR},
					     {"help", no_argument, NULL, 'h'},
					     {"version", no_argument, NULL, 'V'},
					     {NULL, 0, NULL, 0}};

static int choose(struct tune_options *o, const char *names, char err[256])
{
	for (const char *p = names; *p || p == names; p += *p == ',') {
		size_t len = strcspn(p, ",");
		const struct tune_check *check = tune_check_find(p, len);

		if (len == 3 && !strncmp(p, "all", 3)) {
			memset(o->chosen, 1, sizeof(o->chosen));
		} else if (check) {
			o->chosen[check - tune_checks] = true;
		} else {
			snprintf(err, 256, "--check %.*s: no such check; --list shows them",
				 (int)(len < 64 ? len : 64), p);
			return -EINVAL;
		}
		p += len;
	}
	return 0;
}

static int set_action(struct tune_options *o, enum tune_action action, char err[256])
{
	if (o->given && o->action != action) {
		snprintf(err, 256,
			 "only one of --check, --topology, --ports and --list may be given");
		return -EINVAL;
	}
	o->given = true;
	o->action = action;
	return 0;
}

static int set_fail_on(struct tune_options *o, const char *value, char err[256])
{
	if (strcmp(value, "warn") && strcmp(value, "fail")) {
		snprintf(err, 256, "--fail-on %s: must be warn or fail", value);
		return -EINVAL;
	}
	o->fail_on = strcmp(value, "warn") ? TUNE_FAIL : TUNE_WARN;
	return 0;
}

static int set_platform(struct tune_options *o, const char *value, char err[256])
{
	o->have_platform = true;
	if (!tune_platform_parse(&o->platform, value))
		return 0;
	snprintf(err, 256, "--platform %s: must be igx-orin, dgx-spark, x86 or other", value);
	return -EINVAL;
}

static int refuse_unknown(int result, char **argv, char err[256])
{
	snprintf(err, 256, result == ':' ? "option %s needs a value" : "unknown option: %s",
		 argv[optind - 1]);
	return -EINVAL;
}

static int take(struct tune_options *o, int opt, char **argv, char err[256])
{
	switch (opt) {
	case OPT_CHECK:
		return set_action(o, TUNE_CHECK, err) ? -EINVAL : choose(o, optarg, err);
	case OPT_LIST:
		return set_action(o, TUNE_LIST, err);
	case OPT_TOPOLOGY:
		return set_action(o, TUNE_TOPOLOGY, err);
	case OPT_PORTS:
		return set_action(o, TUNE_PORTS, err);
	case OPT_DOT:
		o->dot = true;
		return 0;
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_FAIL_ON:
		return set_fail_on(o, optarg, err);
	case OPT_ROOT:
		o->root = optarg;
		return 0;
	case OPT_PLATFORM:
		return set_platform(o, optarg, err);
	case OPT_NO_COLOR:
		o->no_colour = true;
		return 0;
	default:
		return refuse_unknown(opt, argv, err);
	}
}

/* What goes with what. */
static int judge_rest(const struct tune_options *o, char err[256])
{
	const char *bad = NULL;

	if (!o->given)
		bad = "what is to be done: --check, --topology, --ports or --list?";
	else if (o->dot && o->action != TUNE_TOPOLOGY)
		bad = "--dot goes with --topology only";
	else if ((o->json || o->config) && o->action != TUNE_CHECK)
		bad = "--json and --config go with --check only";
	if (!bad)
		return 0;
	snprintf(err, 256, "%s", bad);
	return -EINVAL;
}

int tune_options_parse(struct tune_options *o, int argc, char **argv, char err[256])
{
	int opt, ret;

	memset(o, 0, sizeof(*o));
	o->fail_on = TUNE_WARN;
	opterr = 0;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":hV", long_options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			o->action = opt == 'h' ? TUNE_HELP : TUNE_VERSION;
			return 0;
		}
		ret = take(o, opt, argv, err);
		if (ret)
			return ret;
	}
	if (optind < argc) {
		snprintf(err, 256, "%.100s is one argument too many", argv[optind]);
		return -EINVAL;
	}
	return judge_rest(o, err);
}
