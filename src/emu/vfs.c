/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names. The wire's directory has, below root/, a copy of the parts of /sys and /dev that a
 * ConnectX shows, linked among themselves as in the kernel. A name that leads there is replaced
 * before the C library sees it; symbolic links then resolve within the copy.
 */
#include "preload.h"
#include "uverbs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ours whole: the real ones are hidden, so that no program meets a real NIC by mistake. */
static const char *const hidden[] = {
	"/sys/class/infiniband",
	"/sys/class/infiniband_verbs",
	"/sys/class/infiniband_mad",
	"/sys/class/infiniband_cm",
	"/dev/infiniband",
	"/sys/bus/pci/drivers/mlx5_core",
	"/sys/module/nvidia_peermem",
	"/sys/module/nv_peer_mem",
};

/* Lists with our devices and the machine's: itself and our entries are ours, others real. */
static const char *const shared[] = {"/sys/class/net", "/sys/bus/pci/devices"};

void emu_vfs_place(const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/root%.3500s", emu_settings.wire_dir, name);
}

/* The rest of path behind dir, at a component's border; NULL: it does not lie there. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) || (path[n] && path[n] != '/'))
		return NULL;
	path += n;
	while (*path == '/')
		path++;
	return path;
}

static bool is_our_entry(const char *name)
{
	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		if (below(name, emu_devs[i].netdev) || below(name, emu_devs[i].pci))
			return true;
	}
	return false;
}

/* /sys/devices/pci0000:c1/...: the root complex of each of our cards */
static bool is_our_complex(const char *path)
{
	char dir[32];

	for (unsigned i = 0; i < emu_settings.n_ports; i += 2) {
		snprintf(dir, sizeof(dir), "/sys/devices/%.10s", emu_devs[i].path);
		if (below(path, dir))
			return true;
	}
	return false;
}

static bool is_ours(const char *path)
{
	const char *rest;

	for (unsigned i = 0; i < EMU_COUNT(hidden); i++) {
		if (below(path, hidden[i]))
			return true;
	}
	for (unsigned i = 0; i < EMU_COUNT(shared); i++) {
		rest = below(path, shared[i]);
		if (rest)
			return !*rest || is_our_entry(rest);
	}
	return is_our_complex(path);
}

/* One of the directories above: no link, unlike what lies in them. */
static bool is_listed(const char *path)
{
	for (unsigned i = 0; i < EMU_COUNT(hidden); i++) {
		if (!strcmp(path, hidden[i]))
			return true;
	}
	for (unsigned i = 0; i < EMU_COUNT(shared); i++) {
		if (!strcmp(path, shared[i]))
			return true;
	}
	return false;
}

/* Length of out without its last component, unless that is ours and perhaps a link. */
static size_t parent(char *out, size_t n)
{
	out[n] = 0;
	if (is_ours(out) && !is_listed(out))
		return n;
	while (n && out[n - 1] != '/')
		n--;
	return n ? n - 1 : 0;
}

/*
 * Doubled slashes and "." and ".." components away, as far as that does not lead into the copy,
 * where links decide. A slash at the end stays: it makes lstat() follow a link.
 */
static bool clean(const char *path, char out[PATH_MAX])
{
	size_t n = 0, was;

	while (*path) {
		if (path[0] == '/' && path[1] == '/') {
			path++;
			continue;
		}
		if (path[0] == '/' && path[1] == '.' && (path[2] == '/' || !path[2])) {
			path += 2;
			continue;
		}
		if (!strncmp(path, "/..", 3) && (path[3] == '/' || !path[3])) {
			was = n;
			n = parent(out, n);
			if (n != was || !n) {
				path += 3;
				continue;
			}
		}
		if (n + 1 >= PATH_MAX)
			return false;
		out[n++] = *path++;
	}
	out[n] = 0;
	return true;
}

/* The directory that a relative name starts from. */
static bool start_of(int dirfd, char dir[PATH_MAX])
{
	char link[64];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = EMU_REAL(readlink)(link, dir, PATH_MAX - 1);
	if (n <= 0)
		return false;
	dir[n] = 0;
	return true;
}

static bool map_absolute(const char *path, char out[PATH_MAX])
{
	char name[PATH_MAX];

	if (!clean(path, name) || (strncmp(name, "/sys/", 5) && strncmp(name, "/dev/", 5)))
		return false;
	if (!is_ours(name) || strlen(name) > 3500)
		return false;
	emu_vfs_place(name, out);
	return true;
}

/* Below the copy: complete, so that live files are found. Below the real /sys: as if absolute. */
static bool map_relative(int dirfd, const char *path, char out[PATH_MAX])
{
	char dir[PATH_MAX], whole[PATH_MAX];

	if (!start_of(dirfd, dir))
		return false;
	if (snprintf(whole, sizeof(whole), "%.2000s/%.2000s", dir, path) >= PATH_MAX)
		return false;
	if (below(dir, emu_settings.wire_dir)) {
		memcpy(out, whole, strlen(whole) + 1);
		return true;
	}
	return map_absolute(whole, out);
}

bool emu_vfs_map(int dirfd, const char *path, char out[PATH_MAX])
{
	if (!path || !*path || !emu_active())
		return false;
	return path[0] == '/' ? map_absolute(path, out) : map_relative(dirfd, path, out);
}

bool emu_vfs_empty(const char *path)
{
	return !path || !*path;
}

bool emu_vfs_unmap(const char *real, char out[PATH_MAX])
{
	char root[PATH_MAX];
	const char *rest;

	if (!emu_active())
		return false;
	emu_vfs_place("", root);
	rest = below(real, root);
	if (!rest)
		return false;
	snprintf(out, PATH_MAX, "/%s", rest);
	return true;
}

int emu_vfs_uverbs(const char *mapped)
{
	char dir[PATH_MAX];
	const char *rest;
	unsigned i;
	int n = 0;

	emu_vfs_place("/dev/infiniband", dir);
	rest = below(mapped, dir);
	if (!rest || sscanf(rest, "uverbs%u%n", &i, &n) != 1 || rest[n])
		return -1;
	return i < emu_settings.n_ports ? (int)i : -1;
}
