/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

const char perf_usage[] = "usage: daqiri-perf [options] CONFIG.ini (daqiri-perf --help tells more)";

const char perf_help[] =
	"usage: daqiri-perf [options] CONFIG.ini\n"
	"       daqiri-perf --selftest PORT [PORT]\n"
	"       daqiri-perf --make-config [tx=PORT] [rx=PORT] [gpu=auto|none|GPU]\n"
	"       daqiri-perf --ports | --list-keys | --help | --version\n"
	"\n"
	"Sends and receives checked Ethernet frames as the [stream]s of CONFIG.ini say.\n"
	"\n"
	"  -t, --duration SECONDS   how long to send; 0: until interrupted\n"
	"  -n, --count COUNT        how many frames each stream sends\n"
	"  -s, --size BYTES[,...]   frame without FCS, at least 60; or imix\n"
	"  -r, --rate RATE          of each stream: packets per second with k, M or G;\n"
	"                           with bps bits per second (L2); max\n"
	"  -o 'SECTION.KEY=VALUE'   replaces one value of the configuration\n"
	"  -i, --interval [SECONDS] a line of rates and losses each second\n"
	"  -v, --verbose            also per queue\n"
	"      --verify MODE        full (default), header or off\n"
	"      --workload WORK      what else a GPU does with received frames: none, fft, copy\n"
	"      --latency            one-way times, as percentiles\n"
	"      --wait               receivers sleep when nothing has come for a while\n"
	"      --max-loss N[%]      exit 3 when more frames, or percent of them, are lost\n"
	"      --min-mpps N         exit 3 below N million packets per second\n"
	"      --min-gbps N         exit 3 below N Gb/s (L2)\n"
	"      --json[=FILE]        the result as one JSON document\n"
	"      --metrics FILE       all counters as OpenMetrics text, new each interval\n"
	"      --check              judges CONFIG.ini and tells the memory it takes; no device\n"
	"      --here               with --check: what this machine lacks is an error\n"
	"      --ports              lists this machine's ports\n"
	"      --make-config        writes a configuration that suits this machine\n"
	"      --list-keys          lists the keys of a configuration\n"
	"      --selftest           judges device and library on two cabled ports (or one\n"
	"                           with a loopback plug); a report, also with --json\n"
	"      --selftest-only GLOB only the checks whose ids match\n"
	"  -h, --help               this text\n"
	"  -V, --version\n"
	"\n"
	"Exit status: 0 done; 1 corrupt, duplicate or reordered frames, or a failure;\n"
	"2 wrong usage; 3 a threshold was missed; 77 --selftest without hardware. More in "
	"daqiri-perf(1).\n";

enum {
	OPT_VERIFY = 256,
	OPT_WORKLOAD,
	OPT_LATENCY,
	OPT_WAIT,
	OPT_MAX_LOSS,
	OPT_MIN_MPPS,
	OPT_MIN_GBPS,
	OPT_JSON,
	OPT_METRICS,
	OPT_CHECK,
	OPT_HERE,
	OPT_PORTS,
	OPT_LIST_KEYS,
	OPT_MAKE_CONFIG,
	OPT_SELFTEST,
	OPT_SELFTEST_ONLY
};

static const struct option long_options[] = {
	{"duration", required_argument, NULL, 't'},
	{"count", required_argument, NULL, 'n'},
	{"size", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"interval", optional_argument, NULL, 'i'},
	{"verbose", no_argument, NULL, 'v'},
	{"verify", required_argument, NULL, OPT_VERIFY},
	{"workload", required_argument, NULL, OPT_WORKLOAD},
	{"latency", no_argument, NULL, OPT_LATENCY},
	{"wait", no_argument, NULL, OPT_WAIT},
	{"max-loss", required_argument, NULL, OPT_MAX_LOSS},
	{"min-mpps", required_argument, NULL, OPT_MIN_MPPS},
	{"min-gbps", required_argument, NULL, OPT_MIN_GBPS},
	{"json", optional_argument, NULL, OPT_JSON},
	{"metrics", required_argument, NULL, OPT_METRICS},
	{"check", no_argument, NULL, OPT_CHECK},
	{"here", no_argument, NULL, OPT_HERE},
	{"ports", no_argument, NULL, OPT_PORTS},
	{"list-keys", no_argument, NULL, OPT_LIST_KEYS},
	{"make-config", no_argument, NULL, OPT_MAKE_CONFIG},
	{"selftest", no_argument, NULL, OPT_SELFTEST},
	{"selftest-only", required_argument, NULL, OPT_SELFTEST_ONLY},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0}};

struct parser {
	struct perf_options *o;
	int argc;
	char **argv;
	char *err;
};

static int refuse(struct parser *p, const char *option, const char *value, const char *allowed)
{
	snprintf(p->err, 256, "%s %s: must be %s", option, value, allowed);
	return -EINVAL;
}

static int set_verify(struct parser *p, const char *value)
{
	static const char *const names[] = { "off", "header", "full" };

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(value, names[i]))
			continue;
		p->o->verify = (enum perf_verify_mode)i;
		p->o->have_verify = true;
		return 0;
	}
	return refuse(p, "--verify", value, "full, header or off");
}

static int set_workload(struct parser *p, const char *value)
{
	static const char *const names[] = { "none", "fft", "copy" };

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(value, names[i]))
			continue;
		p->o->workload = (enum perf_workload)i;
		p->o->have_workload = true;
		return 0;
	}
	return refuse(p, "--workload", value, "none, fft or copy");
}

/* -i takes a number, also as the next argument: but only where that cannot be the configuration. */
static int set_interval(struct parser *p, const char *value)
{
	uint64_t ns;

	p->o->intervals = true;
	if (!value) {
		if (optind >= p->argc || perf_parse_time(p->argv[optind], &ns))
			return 0;
		value = p->argv[optind++];
	}
	if (perf_parse_time(value, &ns) || ns < 1000000)
		return refuse(p, "-i", value, "a number of seconds, at least 0.001");
	p->o->interval_ns = ns;
	p->o->have_interval = true;
	return 0;
}

static int set_action(struct parser *p, enum perf_action action)
{
	if (p->o->action != PERF_RUN && p->o->action != action) {
		snprintf(p->err, 256,
			 "only one of --check, --ports, --make-config, --list-keys, --selftest may "
			 "be given");
		return -EINVAL;
	}
	p->o->action = action;
	return 0;
}

/* bad: what the parser of the value returned. */
static int judge(struct parser *p, int bad, const char *option, const char *allowed)
{
	return bad ? refuse(p, option, optarg, allowed) : 0;
}

static int set_load(struct parser *p, int opt, const char *v)
{
	struct perf_options *o = p->o;

	switch (opt) {
	case 't':
		o->have_duration = true;
		return judge(p, perf_parse_time(v, &o->duration_ns), "-t", "a number of seconds");
	case 'n':
		o->have_count = true;
		return judge(p, perf_parse_count(v, &o->count), "-n",
			     "a number of frames, at least 1");
	case 's':
		o->have_sizes = true;
		return judge(p, perf_parse_sizes(v, &o->sizes), "-s",
			     "60..65535 bytes, a list of them, or imix");
	default:
		o->have_rate = true;
		return judge(p, perf_parse_rate(v, &o->rate), "-r",
			     "max, or N[k|M|G] packets per second, or N[k|M|G]bps");
	}
}

static int set_threshold(struct parser *p, int opt, const char *v)
{
	struct perf_options *o = p->o;

	if (opt == OPT_MAX_LOSS) {
		o->have_max_loss = true;
		return judge(p, perf_parse_loss(v, &o->max_loss), "--max-loss",
			     "a number of frames, or N%");
	}
	if (opt == OPT_MIN_MPPS) {
		o->have_min_mpps = true;
		return judge(p, perf_parse_number(v, &o->min_mpps), "--min-mpps",
			     "a number of million packets per second");
	}
	o->have_min_gbps = true;
	return judge(p, perf_parse_number(v, &o->min_gbps), "--min-gbps", "a number of Gb/s");
}

static int add_override(struct parser *p, const char *value)
{
	struct perf_options *o = p->o;
	const char **more = realloc(o->overrides, (o->n_overrides + 1) * sizeof(*more));

	if (!more) {
		snprintf(p->err, 256, "out of memory");
		return -ENOMEM;
	}
	o->overrides = more;
	more[o->n_overrides++] = value;
	return 0;
}

static int set_flag(struct parser *p, int opt, const char *v)
{
	struct perf_options *o = p->o;

	switch (opt) {
	case 'v':
		o->verbose = true;
		return 0;
	case OPT_LATENCY:
		o->latency = true;
		return 0;
	case OPT_WAIT:
		o->wait = true;
		return 0;
	case OPT_HERE:
		o->here = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		o->json_path = v;
		return 0;
	case OPT_METRICS:
		o->metrics_path = v;
		return 0;
	case OPT_CHECK:
		return set_action(p, PERF_CHECK);
	case OPT_PORTS:
		return set_action(p, PERF_PORTS);
	case OPT_SELFTEST:
		return set_action(p, PERF_SELFTEST);
	case OPT_SELFTEST_ONLY:
		o->selftest_only = v;
		return 0;
	case OPT_MAKE_CONFIG:
		return set_action(p, PERF_MAKE_CONFIG);
	default:
		return set_action(p, PERF_LIST_KEYS);
	}
}

/* What getopt_long() did not understand. */
static int refuse_unknown(struct parser *p, int result)
{
	const char *arg = p->argv[optind - 1];

	if (result == ':')
		snprintf(p->err, 256, "option %s needs a value", arg);
	else if (optopt && optopt < 256 && strncmp(arg, "--", 2))
		snprintf(p->err, 256, "unknown option -%c", optopt);
	else
		snprintf(p->err, 256, "unknown option or value: %s", arg);
	return -EINVAL;
}

static int take(struct parser *p, int opt, const char *value)
{
	switch (opt) {
	case 't':
	case 'n':
	case 's':
	case 'r':
		return set_load(p, opt, value);
	case 'o':
		return add_override(p, value);
	case 'i':
		return set_interval(p, value);
	case OPT_VERIFY:
		return set_verify(p, value);
	case OPT_WORKLOAD:
		return set_workload(p, value);
	case OPT_MAX_LOSS:
	case OPT_MIN_MPPS:
	case OPT_MIN_GBPS:
		return set_threshold(p, opt, value);
	case '?':
	case ':':
		return refuse_unknown(p, opt);
	default:
		return set_flag(p, opt, value);
	}
}

static int take_ports(struct parser *p)
{
	int n = p->argc - optind;

	if (n != 1 && n != 2) {
		snprintf(p->err, 256, "--selftest takes one port or two cabled ones");
		return -EINVAL;
	}
	p->o->selftest[0] = p->argv[optind];
	p->o->selftest[1] = n == 2 ? p->argv[optind + 1] : NULL;
	return 0;
}

/* tx=PORT, rx=PORT, gpu=GPU: each once. */
static int take_words(struct parser *p)
{
	struct perf_options *o = p->o;

	for (int i = optind; i < p->argc; i++) {
		const char *word = p->argv[i];
		const char **to = !strncmp(word, "tx=", 3)  ? &o->make_tx :
				  !strncmp(word, "rx=", 3)  ? &o->make_rx :
				  !strncmp(word, "gpu=", 4) ? &o->make_gpu :
							      NULL;

		if (!to || *to || !strchr(word, '=')[1]) {
			snprintf(p->err, 256, "--make-config %s: must be tx=PORT, rx=PORT or gpu=GPU",
				 word);
			return -EINVAL;
		}
		*to = strchr(word, '=') + 1;
	}
	return 0;
}

static int judge_rest(struct parser *p)
{
	struct perf_options *o = p->o;
	int n = p->argc - optind;

	if (o->here && o->action != PERF_CHECK) {
		snprintf(p->err, 256, "--here goes with --check only");
		return -EINVAL;
	}
	if (o->metrics_path && o->action != PERF_RUN) {
		snprintf(p->err, 256, "--metrics goes with a run only");
		return -EINVAL;
	}
	if (o->json && o->action != PERF_RUN && o->action != PERF_SELFTEST) {
		snprintf(p->err, 256, "--json goes with a run or --selftest only");
		return -EINVAL;
	}
	if (o->selftest_only && o->action != PERF_SELFTEST) {
		snprintf(p->err, 256, "--selftest-only goes with --selftest only");
		return -EINVAL;
	}
	if (o->action == PERF_SELFTEST)
		return take_ports(p);
	if (o->action == PERF_MAKE_CONFIG)
		return take_words(p);
	if (o->action == PERF_PORTS || o->action == PERF_LIST_KEYS) {
		if (!n)
			return 0;
		snprintf(p->err, 256, "%s is one argument too many", p->argv[optind]);
		return -EINVAL;
	}
	if (n != 1) {
		snprintf(p->err, 256, "%s",
			 n ? "only one CONFIG.ini may be given" : "CONFIG.ini is missing");
		return -EINVAL;
	}
	o->config = p->argv[optind];
	return 0;
}

int perf_options_parse(struct perf_options *o, int argc, char **argv, char err[256])
{
	struct parser p = { .o = o, .argc = argc, .argv = argv, .err = err };
	int opt, ret;

	memset(o, 0, sizeof(*o));
	opterr = 0;
	optind = 0; /* glibc: start over, also for the second command line of one process */
	while ((opt = getopt_long(argc, argv, ":t:n:s:r:o:i::vhV", long_options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			o->action = opt == 'h' ? PERF_HELP : PERF_VERSION;
			return 0;
		}
		ret = take(&p, opt, optarg);
		if (ret)
			return ret;
	}
	return judge_rest(&p);
}

void perf_options_free(struct perf_options *o)
{
	free(o->overrides);
	o->overrides = NULL;
	o->n_overrides = 0;
}
