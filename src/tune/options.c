/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

const char tune_usage[] =
	"usage: daqiri-tune --check all|NAME[,NAME] | --set NAME[=VALUE] [options] "
	"(daqiri-tune --help tells more)";

const char tune_help[] =
	"usage: daqiri-tune --check all|NAME[,NAME] [options]\n"
	"       daqiri-tune --set NAME[=VALUE] [--set ...] [--persist] [--dry-run]\n"
	"       daqiri-tune --undo | --apply all|NAME[,NAME]\n"
	"       daqiri-tune --snapshot FILE.tar [--redact]\n"
	"       daqiri-tune --topology [--dot] | --ports\n"
	"       daqiri-tune --list | --help | --version\n"
	"\n"
	"Tells what of this machine holds packets back, why, and the command that cures it;\n"
	"sets it, and takes that back.\n"
	"\n"
	"      --check NAMES        judges: all, or checks with commas between them\n"
	"      --list               lists the checks; * those that can be set\n"
	"      --set NAME[=VALUE]   sets it: to VALUE, or as --config needs it, or as the guide\n"
	"      --persist            with --set: so that it outlasts a reboot\n"
	"      --dry-run            with --set: prints the commands, does nothing\n"
	"      --yes                with --set: does not ask before it changes firmware\n"
	"      --undo               takes back whatever --set did\n"
	"      --apply NAMES        sets what /etc/daqiri/tune.ini has of these, or of all\n"
	"      --nic NAME           with --set and --apply: this port only (PCI, RDMA, netdev)\n"
	"      --topology           the PCI tree of NICs and GPUs, and how they are joined\n"
	"      --dot                with --topology: as a graph for Graphviz\n"
	"      --ports              lists ports, each with its nearest GPU\n"
	"      --config FILE.ini    judges against what this configuration needs\n"
	"      --snapshot FILE.tar  writes what a judgement needs: unpacked, --root judges it\n"
	"      --redact             with --snapshot: hides MACs, IPs, UUIDs and the host's name\n"
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
	OPT_NO_COLOR,
	OPT_SET,
	OPT_PERSIST,
	OPT_DRY_RUN,
	OPT_YES,
	OPT_UNDO,
	OPT_APPLY,
	OPT_NIC,
	OPT_SNAPSHOT,
	OPT_REDACT
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
					     {"set", required_argument, NULL, OPT_SET},
					     {"persist", no_argument, NULL, OPT_PERSIST},
					     {"dry-run", no_argument, NULL, OPT_DRY_RUN},
					     {"yes", no_argument, NULL, OPT_YES},
					     {"undo", no_argument, NULL, OPT_UNDO},
					     {"apply", required_argument, NULL, OPT_APPLY},
					     {"nic", required_argument, NULL, OPT_NIC},
					     {"snapshot", required_argument, NULL, OPT_SNAPSHOT},
					     {"redact", no_argument, NULL, OPT_REDACT},
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
			snprintf(err, 256, "%.*s%s: no such check; --list shows them",
				 (int)(len < 64 ? len : 64), p, len ? "" : "an empty name");
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
			 "only one of --check, --set, --undo, --apply, --snapshot, --topology, "
			 "--ports and --list may be given");
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

/* One setting a flag: its value may have commas. */
static int add_set(struct tune_options *o, const char *text, char err[256])
{
	size_t len = strcspn(text, "=");
	const struct tune_check *check = tune_check_find(text, len);

	if (!check || !check->plan || o->n_sets == TUNE_SETS) {
		snprintf(err, 256, "--set %.*s: %s", (int)(len < 64 ? len : 64), text,
			 !check	       ? "no such setting; --list shows them"
			 : check->plan ? "one too many"
				       : "that can be judged, and not be set");
		return -EINVAL;
	}
	for (unsigned i = 0; i < o->n_sets; i++)
		if (o->set[i].check == check) {
			snprintf(err, 256, "--set %s: given twice", check->id);
			return -EINVAL;
		}
	o->set[o->n_sets].check = check;
	o->set[o->n_sets++].value = text + len + (text[len] == '=');
	return 0;
}

static int refuse_unknown(int result, char **argv, char err[256])
{
	snprintf(err, 256, result == ':' ? "option %s needs a value" : "unknown option: %s",
		 argv[optind - 1]);
	return -EINVAL;
}

static int take_change(struct tune_options *o, int opt, char **argv, char err[256])
{
	switch (opt) {
	case OPT_SET:
		return set_action(o, TUNE_SET, err) ? -EINVAL : add_set(o, optarg, err);
	case OPT_UNDO:
		return set_action(o, TUNE_UNDO, err);
	case OPT_APPLY:
		return set_action(o, TUNE_APPLY, err) ? -EINVAL : choose(o, optarg, err);
	case OPT_PERSIST:
		o->persist = true;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_YES:
		o->yes = true;
		return 0;
	case OPT_NIC:
		o->nic = optarg;
		return 0;
	case OPT_SNAPSHOT:
		o->snapshot = optarg;
		return set_action(o, TUNE_SNAPSHOT, err);
	case OPT_REDACT:
		o->redact = true;
		return 0;
	default:
		return refuse_unknown(opt, argv, err);
	}
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
		return take_change(o, opt, argv, err);
	}
}

/* What goes with what. */
static int judge_rest(const struct tune_options *o, char err[256])
{
	const char *bad = NULL;

	if (!o->given)
		bad = "what is to be done: --check, --set, --undo, --topology, --ports or --list?";
	else if (o->dot && o->action != TUNE_TOPOLOGY)
		bad = "--dot goes with --topology only";
	else if (o->json && o->action != TUNE_CHECK)
		bad = "--json goes with --check only";
	else if (o->config && o->action != TUNE_CHECK && o->action != TUNE_SET)
		bad = "--config goes with --check and --set only";
	else if ((o->persist || o->dry_run || o->yes) && o->action != TUNE_SET)
		bad = "--persist, --dry-run and --yes go with --set only";
	else if (o->redact && o->action != TUNE_SNAPSHOT)
		bad = "--redact goes with --snapshot only";
	else if (o->nic && o->action != TUNE_SET && o->action != TUNE_APPLY)
		bad = "--nic goes with --set and --apply only";
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
