/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-emu: runs a program on emulated ConnectX ports, by preloading the library that is them. */
#include "broken.h"
#include "launch.h"
#include "options.h"
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

static void help_option(FILE *f, const struct emu_option *option)
{
	const char *arg = option->arg ? option->arg : option->choices, *doc = option->doc;
	char title[64];
	size_t n;

	if (option->kind == EMU_OPTION_FLAG)
		arg = "";
	else if (option->kind == EMU_OPTION_SWITCH)
		arg = "on|off";
	snprintf(title, sizeof(title), "--%s %s", option->name, arg);
	for (const char *left = title; *doc; doc += n + (doc[n] == '\n'), left = "") {
		n = strcspn(doc, "\n");
		fprintf(f, "  %-18s %.*s\n", left, (int)n, doc);
	}
}

static void help(FILE *f)
{
	const struct emu_option *option;

	fputs("Usage: daqiri-emu [OPTION]... -- PROGRAM [ARG]...\n"
	      "Run PROGRAM, which uses libibverbs, on emulated ConnectX-7 Ethernet ports.\n\n",
	      f);
	for (unsigned i = 0; (option = emu_option(i)); i++) {
		if (option->doc && option->ready)
			help_option(f, option);
	}
	fputs("  --help             show this and exit\n"
	      "  --version          show the version and exit\n\n"
	      "Exit status: PROGRAM's; 2 wrong usage or PROGRAM refused; 126 it cannot be run;\n"
	      "127 it does not exist. See daqiri-emu(1).\n",
	      f);
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

/* What an option takes, for a message. */
static void list_values(const struct emu_option *option, char text[EMU_PATH])
{
	if (option->kind == EMU_OPTION_SWITCH)
		snprintf(text, EMU_PATH, "on or off");
	else if (option->choices && strlen(option->choices) > EMU_PATH / 2)
		snprintf(text, EMU_PATH, "one that daqiri-emu --%s list tells", option->name);
	else if (option->choices)
		snprintf(text, EMU_PATH, "one of %s", option->choices);
	else if (option->kind == EMU_OPTION_NUMBER)
		snprintf(text, EMU_PATH, "%u to %u", option->min, option->max);
	else if (option->kind == EMU_OPTION_SET)
		snprintf(text, EMU_PATH, "a name that daqiri-emu --help lists");
	else
		snprintf(text, EMU_PATH, "1 to %d characters", EMU_PATH - 1);
}

/* A file's name, also for programs that change their directory. */
static bool make_absolute(const char *arg, char path[PATH_MAX])
{
	char here[PATH_MAX];

	if (*arg == '/')
		return snprintf(path, PATH_MAX, "%s", arg) < PATH_MAX;
	return getcwd(here, sizeof(here)) &&
	       snprintf(path, PATH_MAX, "%s/%s", here, arg) < PATH_MAX;
}

static bool take(const struct emu_option *option, struct emu_settings *set, const char *arg)
{
	char path[PATH_MAX];

	if (option->kind == EMU_OPTION_FLAG)
		arg = "on";
	if (!*arg)
		return false;
	if (option->kind == EMU_OPTION_PATH)
		return make_absolute(arg, path) && emu_option_set(option, set, path);
	return emu_option_set(option, set, arg);
}

/* The option of row i: 0 or the exit status. */
static int parse_row(unsigned i, struct launch_wish *wish)
{
	const struct emu_option *option = emu_option(i);
	struct emu_settings start;
	char values[EMU_PATH];

	if (!take(option, &wish->want, optarg)) {
		list_values(option, values);
		launch_complain("--%s %s: must be %s", option->name, optarg, values);
		return LAUNCH_USAGE;
	}
	emu_options_start(&start);
	if (!option->ready && !emu_option_same(option, &wish->want, &start)) {
		launch_complain("--%s: not supported yet", option->name);
		return LAUNCH_USAGE;
	}
	wish->said |= 1ULL << i;
	return 0;
}

/* ---- the command line ----------------------------------------------------------------------- */

#define MAX_OPTIONS  64 /* a bit each in struct launch_wish */
#define OPTION_ROW   0x100
#define OPTION_HELP  1
#define OPTION_ABOUT 2

static void list_options(struct option list[MAX_OPTIONS])
{
	const struct emu_option *row;
	unsigned n = 0;

	list[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	list[n++] = (struct option){"version", no_argument, NULL, OPTION_ABOUT};
	for (unsigned i = 0; (row = emu_option(i)) && n + 1 < MAX_OPTIONS; i++) {
		if (row->doc)
			list[n++] = (struct option){
				row->name,
				row->kind == EMU_OPTION_FLAG ? no_argument : required_argument,
				NULL, OPTION_ROW + (int)i};
	}
	list[n] = (struct option){NULL, 0, NULL, 0};
}

static void list_broken(void)
{
	for (unsigned i = 0; emu_broken_name(i); i++)
		printf("%-16s %s\n", emu_broken_name(i), emu_broken_meaning(i));
}

/* -1: go on; else exit with it */
static int parse_option(int option, struct launch_wish *wish)
{
	int ret;

	if (option >= OPTION_ROW) {
		if (!strcmp(emu_option((unsigned)option - OPTION_ROW)->name, "break") &&
		    !strcmp(optarg, "list")) {
			list_broken();
			return 0;
		}
		ret = parse_row((unsigned)option - OPTION_ROW, wish);
		return ret ? ret : -1;
	}
	switch (option) {
	case OPTION_HELP:
		help(stdout);
		return 0;
	case OPTION_ABOUT:
		puts("daqiri-emu " EMU_VERSION);
		return 0;
	default:
		fputs("Try 'daqiri-emu --help'.\n", stderr);
		return LAUNCH_USAGE;
	}
}

int main(int argc, char **argv)
{
	struct option options[MAX_OPTIONS];
	struct launch_wish wish = {0};
	struct emu_settings set = {0};
	char path[PATH_MAX];
	int option, ret;

	emu_options_start(&wish.want);
	list_options(options);
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
	if (access("/proc/self/exe", F_OK)) {
		launch_complain("/proc is not there, which says where our library is: in a chroot, "
				"mount -t proc proc DIR/proc first");
		return LAUNCH_USAGE;
	}
	ret = launch_find(argv[optind], path);
	if (!ret)
		ret = launch_script(wish.want.fault_file);
	if (!ret)
		ret = launch_wire(&wish, &set);
	if (!ret && set.broken)
		launch_complain("this device is broken on purpose: %s: %s",
				emu_broken_name(set.broken), emu_broken_meaning(set.broken));
	if (!ret)
		ret = launch_pcap(set.pcap);
	if (!ret)
		ret = set_environment(&set);
	if (ret)
		return ret;
	execvp(path, argv + optind);
	launch_complain("%s: %s", path, strerror(errno));
	return errno == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_RUN;
}
