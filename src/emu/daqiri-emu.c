/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-emu: runs a program on emulated ConnectX ports, by preloading the library that is them. */
#include "fault.h"
#include "launch.h"
#include "settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libdaqiri-emu.so"

void launch_complain(const char *format, ...)
{
	va_list ap;

	fputs("daqiri-emu: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void help(FILE *f)
{
	fprintf(f,
		"Usage: daqiri-emu [OPTION]... -- PROGRAM [ARG]...\n"
		"Run PROGRAM, which uses libibverbs, on emulated ConnectX-7 Ethernet ports.\n\n"
		"  --ports N          number of ports, 1 to %d (default 2); 0 and 1, 2 and 3, ...\n"
		"                     are cabled, an odd last one is looped to itself\n"
		"  --wire NAME        the cable's name: programs started with the same name share\n"
		"                     it (default: private to PROGRAM and its children)\n"
		"  --names mlx5|pci   RDMA devices named mlx5_N (default) or rocepXsYfZ\n"
		"  --fault NAME       a card, kernel or right that is less than usual; "
		"repeatable:\n"
		"                     link-down, infiniband, no-access, no-net-raw, no-devx, "
		"no-empw,\n"
		"                     inline-l2, small, no-rss, no-cqe-v1\n"
		"  --help             show this and exit\n"
		"  --version          show the version and exit\n\n"
		"Exit status: PROGRAM's; 2 wrong usage or PROGRAM refused; 126 it cannot be run;\n"
		"127 it does not exist. See daqiri-emu(1).\n",
		EMU_MAX_PORTS);
}

/* ---- the library's place -------------------------------------------------------------------- */

static char *last_slash(char *path)
{
	return strrchr(path, '/');
}

/*
 * From the directory that we lie in, dir, to where the library was installed in relation to us: the
 * way from EMU_BINDIR to EMU_PKGLIBDIR, so that an installed tree can be moved as a whole.
 */
static bool relocate(const char *dir, char out[PATH_MAX])
{
	const char *bin = EMU_BINDIR, *lib = EMU_PKGLIBDIR;
	size_t same = 0, used;
	char *end;

	for (size_t i = 0; bin[i] && bin[i] == lib[i]; i++) {
		if (bin[i] == '/')
			same = i;
	}
	snprintf(out, PATH_MAX, "%s", dir);
	for (const char *p = bin + same; (p = strchr(p, '/')); p++) {
		end = last_slash(out);
		if (!end)
			return false;
		*end = 0;
	}
	used = strlen(out);
	return (size_t)snprintf(out + used, PATH_MAX - used, "%s/" LIBRARY, lib + same) <
	       PATH_MAX - used;
}

static bool find_library(char out[PATH_MAX])
{
	char dir[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;

	if (n <= 0)
		return false;
	dir[n] = 0;
	slash = last_slash(dir);
	*slash = 0;
	/* not installed: libtool's own directory, beside us or, for its wrapper, around us */
	snprintf(out, PATH_MAX, "%.4000s/.libs/" LIBRARY, dir);
	if (!access(out, R_OK))
		return true;
	slash = last_slash(dir);
	if (slash && !strcmp(slash, "/.libs")) {
		snprintf(out, PATH_MAX, "%.4000s/" LIBRARY, dir);
		if (!access(out, R_OK))
			return true;
	}
	return relocate(dir, out) && !access(out, R_OK);
}

/* First in the list, but behind a sanitizer's runtime, which must be the very first. */
static bool list_preload(const char *library, char *out, size_t size)
{
	const char *before = getenv("LD_PRELOAD");
	int n;

	if (!before || !*before)
		n = snprintf(out, size, "%s", library);
	else if (strstr(before, "libasan") || strstr(before, "libtsan") ||
		 strstr(before, "libclang_rt"))
		n = snprintf(out, size, "%s:%s", before, library);
	else
		n = snprintf(out, size, "%s:%s", library, before);
	return n > 0 && (size_t)n < size;
}

static int set_environment(const struct emu_settings *set)
{
	char library[PATH_MAX], text[PATH_MAX], preload[2 * PATH_MAX];

	if (!find_library(library)) {
		launch_complain("%s was not found beside this command nor in %s: install it "
				"again",
				LIBRARY, EMU_PKGLIBDIR);
		return LAUNCH_NOT_RUN;
	}
	if (strpbrk(library, ": \t\n")) {
		launch_complain("%s: LD_PRELOAD cannot name a file with a space or a colon: move "
				"it elsewhere",
				library);
		return LAUNCH_NOT_RUN;
	}
	if (emu_settings_format(set, text, sizeof(text)) ||
	    !list_preload(library, preload, sizeof(preload)) || setenv(EMU_ENV, text, 1) ||
	    setenv("LD_PRELOAD", preload, 1)) {
		launch_complain("the environment is too large");
		return LAUNCH_NOT_RUN;
	}
	return 0;
}

/* ---- options -------------------------------------------------------------------------------- */

static int parse_ports(const char *text, unsigned *n)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > EMU_MAX_PORTS) {
		launch_complain("--ports %s: must be 1 to %d", text, EMU_MAX_PORTS);
		return LAUNCH_USAGE;
	}
	*n = (unsigned)value;
	return 0;
}

static int parse_names(const char *text, const char **names)
{
	if (strcmp(text, "mlx5") && strcmp(text, "pci")) {
		launch_complain("--names %s: must be mlx5 or pci", text);
		return LAUNCH_USAGE;
	}
	*names = text;
	return 0;
}

static int parse_fault(const char *text, uint32_t *faults)
{
	if (emu_fault_add(faults, text))
		return 0;
	launch_complain("--fault %s: there is no such fault; see daqiri-emu --help", text);
	return LAUNCH_USAGE;
}

/* -1: go on; else exit with it */
static int parse_option(int option, struct launch_wish *wish)
{
	int ret = 0;

	switch (option) {
	case 'p':
		ret = parse_ports(optarg, &wish->n_ports);
		break;
	case 'w':
		wish->wire = optarg;
		break;
	case 'n':
		ret = parse_names(optarg, &wish->names);
		break;
	case 'f':
		ret = parse_fault(optarg, &wish->faults);
		break;
	case 'h':
		help(stdout);
		return 0;
	case 'V':
		puts("daqiri-emu " EMU_VERSION);
		return 0;
	default:
		fputs("Try 'daqiri-emu --help'.\n", stderr);
		return LAUNCH_USAGE;
	}
	return ret ? ret : -1;
}

static const struct option options[] = {
	{"ports", required_argument, NULL, 'p'},
	{"wire", required_argument, NULL, 'w'},
	{"names", required_argument, NULL, 'n'},
	{"fault", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	struct launch_wish wish = {0};
	struct emu_settings set;
	char path[PATH_MAX];
	int option, ret;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		ret = parse_option(option, &wish);
		if (ret >= 0)
			return ret;
	}
	if (optind == argc) {
		launch_complain("no program to run");
		fputs("Try 'daqiri-emu --help'.\n", stderr);
		return LAUNCH_USAGE;
	}
	ret = launch_find(argv[optind], path);
	if (!ret)
		ret = launch_wire(&wish, &set);
	if (!ret)
		ret = set_environment(&set);
	if (ret)
		return ret;
	execvp(path, argv + optind);
	launch_complain("%s: %s", path, strerror(errno));
	return errno == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_RUN;
}
