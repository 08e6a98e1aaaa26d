/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"
#include "card.h"
#include "options.h"
#include "settings.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_BUS    0xc1 /* above what most machines use */
#define LOCK_FD	     900  /* above what programs count on */
#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define NAME_MAX_LEN 32

/* ---- where ---------------------------------------------------------------------------------- */

/* The user's own directory, nobody else's: 0 or the exit status. */
static int make_base(char base[PATH_MAX])
{
	struct stat st;

	snprintf(base, PATH_MAX, "/dev/shm/daqiri-emu-%u", (unsigned)geteuid());
	if (mkdir(base, 0700) && errno != EEXIST) {
		launch_complain("cannot make %s: %s; the emulated cables lie in /dev/shm", base,
				strerror(errno));
		return LAUNCH_USAGE;
	}
	if (lstat(base, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077)) {
		launch_complain("%s is not a directory that you alone can enter: remove it", base);
		return LAUNCH_USAGE;
	}
	return 0;
}

static int place(const struct launch_wish *wish, struct emu_settings *set)
{
	const char *wire = wish->want.wire;
	char base[PATH_MAX];
	uint64_t number = 0;
	int ret;

	if (wire[0] == '.' || strlen(wire) > NAME_MAX_LEN || wire[strspn(wire, NAME_CHARS)]) {
		launch_complain("--wire %s: a name has 1 to %d letters, digits, '_', '-' or '.', "
				"and does not begin with '.'",
				wire, NAME_MAX_LEN);
		return LAUNCH_USAGE;
	}
	ret = make_base(base);
	if (ret)
		return ret;
	launch_clean(base);
	if (*wire) {
		snprintf(set->wire_dir, sizeof(set->wire_dir), "%.200s/wire-%.*s", base,
			 NAME_MAX_LEN, wire);
		return 0;
	}
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (uint64_t)getpid();
	snprintf(set->wire_dir, sizeof(set->wire_dir), "%.200s/run-%016llx", base,
		 (unsigned long long)number);
	return 0;
}

/* ---- what ----------------------------------------------------------------------------------- */

static bool bus_is_used(unsigned bus)
{
	char path[64], prefix[16];
	struct dirent *entry;
	bool used = false;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/devices/pci0000:%02x", bus);
	if (!access(path, F_OK))
		return true;
	snprintf(prefix, sizeof(prefix), "0000:%02x:", bus);
	d = opendir("/sys/bus/pci/devices");
	while (d && !used && (entry = readdir(d)))
		used = !strncmp(entry->d_name, prefix, strlen(prefix));
	if (d)
		closedir(d);
	return used;
}

/* Buses in a row that the machine does not have, so that no real device is hidden. */
static unsigned free_buses(unsigned n)
{
	unsigned run = 0;

	for (unsigned bus = FIRST_BUS; bus < 0x100; bus++) {
		run = bus_is_used(bus) ? 0 : run + 1;
		if (run == n)
			return bus - n + 1;
	}
	return FIRST_BUS;
}

static int save(const struct emu_settings *set)
{
	char path[PATH_MAX], text[PATH_MAX];
	FILE *f;
	int ret = emu_settings_format(set, text, sizeof(text));

	snprintf(path, sizeof(path), "%s/settings", set->wire_dir);
	f = ret ? NULL : fopen(path, "we");
	if (!f)
		return ret ? ret : -errno;
	fprintf(f, "%s\n", text);
	return fclose(f) ? -errno : 0;
}

static int load(const char *dir, struct emu_settings *set)
{
	char path[PATH_MAX], text[PATH_MAX] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/settings", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return emu_settings_parse(set, text);
}

static int make(struct emu_settings *set)
{
	char root[PATH_MAX], err[512] = "";
	int ret;

	set->first_bus = free_buses((set->n_ports + 1) / 2);
	if (set->netdev) {
		ret = launch_netdev_make(set);
		if (ret)
			return ret;
	}
	emu_settings = *set;
	emu_settings_name_devices();
	snprintf(root, sizeof(root), "%s/root", set->wire_dir);
	ret = emu_sysfs_build(root);
	if (!ret)
		ret = save(set);
	if (ret) {
		launch_complain("cannot write %s: %s%s", set->wire_dir, strerror(-ret),
				ret == -ENOSPC ? "; /dev/shm is full: make it larger (docker run "
						 "--shm-size=256m)"
					       : "");
		return LAUNCH_USAGE;
	}
	if (emu_wire_attach(err, sizeof(err))) {
		launch_complain("%s", err);
		return LAUNCH_USAGE;
	}
	emu_wire_detach();
	return 0;
}

/* One thing that the wire's maker has decided for all: 0 or the exit status. */
static int agree(const struct launch_wish *wish, const struct emu_option *option,
		 const struct emu_settings *made)
{
	char asked[EMU_PATH], is[EMU_PATH];

	if (emu_option_same(option, &wish->want, made))
		return 0;
	emu_option_text(option, &wish->want, asked);
	emu_option_text(option, made, is);
	launch_complain("--%s %s: the wire %s was made with %s %s, which is so for all its "
			"programs; ask for the same, or use another name",
			option->name, asked, wish->want.wire, option->name, *is ? is : "none");
	return LAUNCH_USAGE;
}

/* Takes over what the wire's maker has decided. */
static int join(const struct launch_wish *wish, struct emu_settings *set)
{
	const struct emu_option *option;
	struct emu_settings made;
	int ret = 0;

	if (load(set->wire_dir, &made)) {
		launch_complain("%s was made by another version of daqiri-emu: end the programs "
				"that use it first",
				set->wire_dir);
		return LAUNCH_USAGE;
	}
	for (unsigned i = 0; !ret && (option = emu_option(i)); i++) {
		if (!option->shared)
			continue;
		if (wish->said >> i & 1)
			ret = agree(wish, option, &made);
		emu_option_copy(option, set, &made);
	}
	return ret;
}

/* For the program and its children to inherit, and out of their way. */
static int leave_open(int fd)
{
	int high = fcntl(fd, F_DUPFD, LOCK_FD);

	if (high < 0) {
		fcntl(fd, F_SETFD, 0);
		return fd;
	}
	close(fd);
	return high;
}

static bool said(const struct launch_wish *wish, const char *name)
{
	const struct emu_option *option;

	for (unsigned i = 0; (option = emu_option(i)); i++) {
		if (!strcmp(option->name, name))
			return wish->said >> i & 1;
	}
	return false;
}

/* As many ports as the machine of --topology has, and no more than it has places for. */
static int shape(const struct launch_wish *wish, struct emu_settings *set)
{
	const struct emu_shape *s = emu_shape();

	if (!s)
		return 0;
	if (!said(wish, "ports"))
		set->n_ports = s->n_ports;
	if (set->n_ports <= 2 * s->max_cards)
		return 0;
	launch_complain("--ports %u: this --topology has at most %u", set->n_ports,
			2 * s->max_cards);
	return LAUNCH_USAGE;
}

int launch_wire(const struct launch_wish *wish, struct emu_settings *set)
{
	bool fresh;
	int fd, ret;

	*set = wish->want;
	emu_settings = *set;
	ret = shape(wish, set);
	if (ret)
		return ret;
	ret = place(wish, set);
	if (ret)
		return ret;
	do {
		fd = launch_lock(set->wire_dir, &fresh);
		if (fd < 0) {
			launch_complain("%s: %s", set->wire_dir, strerror(-fd));
			return LAUNCH_USAGE;
		}
		ret = fresh ? make(set) : join(wish, set);
		if (ret) {
			close(fd);
			launch_remove(set->wire_dir);
			return ret;
		}
	} while (fresh && !launch_lock_share(fd));
	ret = launch_reaper(set->wire_dir);
	if (ret) {
		launch_complain("cannot start a process: %s", strerror(-ret));
		return LAUNCH_NOT_RUN;
	}
	set->lock_fd = leave_open(fd);
	return 0;
}
