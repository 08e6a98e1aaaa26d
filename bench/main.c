/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "msg.h"
#include "options.h"
#include "ports.h"
#include "run.h"
#include "st.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

/*
 * Emulation was asked for and its library is not in this process: a preload that was ignored (file
 * capabilities, setuid, a cleared environment). Going on would use the real NIC.
 */
static bool emulation_missing(void)
{
	return getenv("DAQIRI_EMU") && !dlsym(RTLD_DEFAULT, "daqiri_emu_present");
}

/* What is opened next must not become a standard stream that was closed, and be written to. */
static void fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int usage_error(const char *text)
{
	fprintf(stderr, "daqiri-perf: %s\n%s\n", text, perf_usage);
	return EXIT_USAGE;
}

static int run_plan(struct perf_plan *plan)
{
	struct perf_run run;
	int ret = EXIT_FAILED;

	if (perf_json_try(plan->options))
		return ret;
	if (!perf_run_open(&run, plan))
		ret = perf_run_main(&run);
	perf_run_close(&run);
	return ret;
}

/* --check and the run itself. */
static int with_config(const struct perf_options *o)
{
	struct daqiri_config *cfg;
	struct perf_plan plan;
	bool usage;
	int ret;

	if (perf_plan_load(&cfg, o, &usage))
		return usage ? EXIT_USAGE : EXIT_FAILED;
	if (perf_plan_make(&plan, cfg, o)) {
		ret = plan.usage ? EXIT_USAGE : EXIT_FAILED;
		goto destroy_config;
	}
	ret = o->action == PERF_CHECK ? perf_check(&plan) : run_plan(&plan);
	perf_plan_free(&plan);
destroy_config:
	daqiri_config_destroy(cfg);
	return ret;
}

static int act(const struct perf_options *o)
{
	if (o->action == PERF_LIST_KEYS)
		return perf_keys_list();
	if (emulation_missing()) {
		perf_fail("emulation was asked for (DAQIRI_EMU is set), but the emulated ConnectX "
			  "is not loaded into this process: start it as daqiri-emu -- daqiri-perf …");
		return EXIT_FAILED;
	}
	if (o->action == PERF_PORTS)
		return perf_ports_list();
	if (o->action == PERF_MAKE_CONFIG)
		return perf_make_config(o);
	if (o->json && !perf_json_built())
		return usage_error("--json: this daqiri-perf was built without jansson");
	return o->action == PERF_SELFTEST ? perf_selftest(o) : with_config(o);
}

int main(int argc, char **argv)
{
	struct perf_options o;
	char err[256];
	int ret;

	fill_standard_streams();
	daqiri_log_set(perf_log, NULL);
	if (perf_options_parse(&o, argc, argv, err)) {
		ret = usage_error(err);
	} else if (o.action == PERF_HELP) {
		fputs(perf_help, stdout);
		ret = EXIT_DONE;
	} else if (o.action == PERF_VERSION) {
		printf("daqiri-perf %s\n", daqiri_version());
		ret = EXIT_DONE;
	} else {
		ret = act(&o);
	}
	perf_options_free(&o);
	if (fflush(stdout)) {
		perf_fail("cannot write to standard output: %m");
		ret = ret ? ret : EXIT_FAILED;
	} else if (ferror(stdout)) {
		/* By now errno is another one's. */
		perf_fail("standard output could not be written in full");
		ret = ret ? ret : EXIT_FAILED;
	}
	return ret;
}
