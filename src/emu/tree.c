/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_dirs(struct emu_tree *t, char *path, size_t from)
{
	for (char *p = path + from; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			t->err = -errno;
		*p = '/';
	}
}

/* The full path, with the directories above it made; false: give up. */
static bool place(struct emu_tree *t, char path[PATH_MAX], const char *name, va_list ap)
{
	int n = snprintf(path, PATH_MAX, "%s", t->root), m;

	if (t->err)
		return false;
	m = vsnprintf(path + n, (size_t)(PATH_MAX - n), name, ap);
	if (m < 0 || n + m >= PATH_MAX) {
		t->err = -ENAMETOOLONG;
		return false;
	}
	make_dirs(t, path, (size_t)n);
	return !t->err;
}

static void write_file(struct emu_tree *t, const char *path, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) {
		t->err = -errno;
		return;
	}
	if (write(fd, bytes, n) != (ssize_t)n)
		t->err = errno ? -errno : -ENOSPC;
	/* as in sysfs: all may read; the directory above keeps others out */
	if (fchmod(fd, 0444))
		t->err = -errno;
	close(fd);
}

#define PLACE                                                                                      \
	char path[PATH_MAX];                                                                       \
	va_list ap;                                                                                \
	bool ok;                                                                                   \
                                                                                                   \
	va_start(ap, name);                                                                        \
	ok = place(t, path, name, ap);                                                             \
	va_end(ap);                                                                                \
	if (!ok)                                                                                   \
		return

void emu_tree_dir(struct emu_tree *t, const char *name, ...)
{
	PLACE;
	if (mkdir(path, 0700) && errno != EEXIST)
		t->err = -errno;
}

void emu_tree_bytes(struct emu_tree *t, const void *bytes, size_t n, const char *name, ...)
{
	PLACE;
	write_file(t, path, bytes, n);
}

void emu_tree_file(struct emu_tree *t, const char *text, const char *name, ...)
{
	PLACE;
	write_file(t, path, text, strlen(text));
}

void emu_tree_copy(struct emu_tree *t, const char *from, const char *name, ...)
{
	char text[4096];
	size_t n = 0;
	FILE *f;

	PLACE;
	f = fopen(from, "re");
	if (f) {
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
	}
	write_file(t, path, text, n);
}

void emu_tree_link(struct emu_tree *t, const char *target, const char *name, ...)
{
	PLACE;
	if (symlink(target, path) && errno != EEXIST)
		t->err = -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) && errno != ENOENT ? errno : 0;
}

int emu_tree_remove(const char *dir)
{
	int err = nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	if (err > 0)
		return -err;
	return err < 0 && errno != ENOENT ? -errno : 0;
}
