/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record.h"
#include "root.h"

#define NAMES_MAX 4096

int tune_root_open(struct tune_root *r, const char *dir)
{
	r->live = !dir;
	r->record = NULL;
	r->dir = dir ? dir : "/";
	r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->fd < 0 ? -errno : 0;
}

void tune_root_close(struct tune_root *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

void tune_put(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size - 1);

	memcpy(dst, src, n);
	dst[n] = 0;
}

static int make_path(char path[TUNE_PATH], const char *fmt, va_list ap)
{
	int n = vsnprintf(path, TUNE_PATH, fmt, ap);

	return n < 0 || n >= TUNE_PATH ? -ENAMETOOLONG : 0;
}

static int open_at(const struct tune_root *r, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT};
	unsigned tries = 0;
	long fd;

	if (r->live)
		return openat(r->fd, path, flags);
	/*
	 * By the kernel's name: glibc 2.31 has no other. EAGAIN: somebody on this machine renamed
	 * something while ".." was followed, and the kernel is not sure where it led.
	 */
	do {
		fd = syscall(__NR_openat2, r->fd, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && tries++ < 1000);
	/* a kernel before 5.6, or a filter: good enough for reading */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM) && (flags & O_ACCMODE) == O_RDONLY)
		return openat(r->fd, path, flags);
	return (int)fd;
}

bool tune_root_confined(const struct tune_root *r)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	long fd = r->live ? -1 : syscall(__NR_openat2, r->fd, ".", &how, sizeof(how));

	if (fd >= 0)
		close((int)fd);
	return r->live || fd >= 0;
}

int tune_root_fd(const struct tune_root *r, const char *path, int flags)
{
	int fd = open_at(r, path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A regular file only: a pipe or a device could keep us waiting. */
static int open_file(const struct tune_root *r, const char *path)
{
	int fd = tune_root_fd(r, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (r->record)
		tune_record_path(r, path, true);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static ssize_t read_path(const struct tune_root *r, char *buf, size_t size, const char *path)
{
	int fd = open_file(r, path);
	size_t len = 0;
	ssize_t n = 0;

	buf[0] = 0;
	if (fd < 0)
		return fd;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		len += (size_t)n;
	}
	n = n < 0 ? -errno : (ssize_t)len;
	close(fd);
	buf[n < 0 ? 0 : len] = 0;
	return n;
}

ssize_t tune_read(const struct tune_root *r, char *buf, size_t size, const char *fmt, ...)
{
	char path[TUNE_PATH];
	va_list ap;
	int ret;

	buf[0] = 0;
	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	return ret ? ret : read_path(r, buf, size, path);
}

static void clean(char *buf, size_t len)
{
	while (len && (!buf[len - 1] || strchr(" \t\r\n", buf[len - 1])))
		len--;
	buf[len] = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)buf[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c >= 127)
			buf[i] = '?';
	}
}

static int text_at(const struct tune_root *r, char *buf, size_t size, const char *path)
{
	ssize_t n = read_path(r, buf, size, path);

	if (n < 0)
		return (int)n;
	clean(buf, (size_t)n);
	return 0;
}

int tune_text(const struct tune_root *r, char *buf, size_t size, const char *fmt, ...)
{
	char path[TUNE_PATH];
	va_list ap;
	int ret;

	buf[0] = 0;
	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	return ret ? ret : text_at(r, buf, size, path);
}

int tune_number(const struct tune_root *r, long long *out, const char *fmt, ...)
{
	char path[TUNE_PATH], buf[64], *end;
	long long value;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	if (!ret)
		ret = text_at(r, buf, sizeof(buf), path);
	if (ret)
		return ret;
	errno = 0;
	value = strtoll(buf, &end, strncmp(buf, "0x", 2) ? 10 : 16);
	if (errno || end == buf || *end)
		return -EINVAL;
	*out = value;
	return 0;
}

bool tune_exists(const struct tune_root *r, const char *fmt, ...)
{
	char path[TUNE_PATH];
	va_list ap;
	int fd;

	va_start(ap, fmt);
	fd = make_path(path, fmt, ap);
	va_end(ap);
	if (!fd)
		fd = tune_root_fd(r, path, O_PATH);
	if (fd < 0)
		return false;
	if (r->record)
		tune_record_path(r, path, false);
	close(fd);
	return true;
}

/* "a/b/.." is "a": enough for the links of sysfs, whose directories are none themselves. */
static void fold(char *path)
{
	char out[TUNE_PATH] = "", *word, *save = NULL;
	size_t len = 0;

	for (word = strtok_r(path, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
		if (!strcmp(word, "."))
			continue;
		if (!strcmp(word, "..")) {
			char *slash = strrchr(out, '/');

			len = slash ? (size_t)(slash - out) : 0;
			out[len] = 0;
			continue;
		}
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", len ? "/" : "", word);
	}
	memcpy(path, out, len + 1);
}

int tune_link(const struct tune_root *r, char buf[TUNE_PATH], const char *fmt, ...)
{
	char path[TUNE_PATH], target[TUNE_PATH / 2];
	va_list ap;
	ssize_t n;
	int ret;

	buf[0] = 0;
	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	if (ret)
		return ret;
	n = readlinkat(r->fd, path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	if (r->record)
		tune_record_path(r, path, false);
	target[n] = 0;
	*(strrchr(path, '/') ? strrchr(path, '/') : path) = 0;
	if (strlen(path) + (size_t)n + 2 > TUNE_PATH)
		return -ENAMETOOLONG;
	if (target[0] != '/')
		snprintf(buf, TUNE_PATH, "%.255s/", path);
	strncat(buf, target, TUNE_PATH - 1 - strlen(buf));
	fold(buf);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int fill(struct tune_names *names, DIR *dir)
{
	struct dirent *e;

	while (names->n < NAMES_MAX && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (!(names->n & (names->n - 1))) { /* full: twice as many */
			size_t room = names->n ? 2 * names->n : 1;
			char **more = realloc(names->name, room * sizeof(*more));

			if (!more)
				return -ENOMEM;
			names->name = more;
		}
		clean(e->d_name, strlen(e->d_name));
		names->name[names->n] = strdup(e->d_name);
		if (!names->name[names->n])
			return -ENOMEM;
		names->n++;
	}
	if (names->n)
		qsort(names->name, names->n, sizeof(*names->name), by_name);
	return 0;
}

static void record_name(const struct tune_root *r, const char *dir, const char *name)
{
	char path[2 * TUNE_PATH];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	tune_record_path(r, path, false);
}

int tune_list(const struct tune_root *r, struct tune_names *names, const char *fmt, ...)
{
	char path[TUNE_PATH];
	va_list ap;
	DIR *dir;
	int fd, ret;

	memset(names, 0, sizeof(*names));
	va_start(ap, fmt);
	ret = make_path(path, fmt, ap);
	va_end(ap);
	fd = ret ? ret : tune_root_fd(r, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	ret = fill(names, dir);
	closedir(dir);
	for (unsigned i = 0; r->record && i < names->n; i++)
		record_name(r, path, names->name[i]);
	return ret;
}

void tune_names_free(struct tune_names *names)
{
	for (unsigned i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	memset(names, 0, sizeof(*names));
}
