/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

static _Thread_local int starved;

static void note_starved(bool failed)
{
	if (failed && (errno == EMFILE || errno == ENFILE))
		starved = errno;
}

int dq_sysfs_starved(void)
{
	int err = starved;

	starved = 0;
	return err;
}

DIR *dq_sysfs_opendir(const char *path)
{
	DIR *dir = opendir(path);

	note_starved(!dir);
	return dir;
}

__attribute__((format(printf, 2, 0))) static int open_path(int flags, const char *fmt, va_list ap)
{
	char path[PATH_MAX];
	int fd;

	if (vsnprintf(path, sizeof(path), fmt, ap) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	note_starved(fd < 0);
	/* cppcheck-suppress resourceLeak ; it is the caller's now */
	return fd < 0 ? -errno : fd;
}

/* Its first size - 1 bytes. */
__attribute__((format(printf, 3, 0))) static int read_text(char *buf, size_t size, const char *fmt,
							   va_list ap)
{
	int fd = open_path(O_RDONLY, fmt, ap);
	ssize_t len;

	buf[0] = '\0';
	if (fd < 0)
		return fd;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return (int)len;
	buf[len] = '\0';
	return (int)len;
}

__attribute__((format(printf, 3, 0))) static int read_line(char *buf, size_t size, const char *fmt,
							   va_list ap)
{
	int len = read_text(buf, size, fmt, ap);

	if (len < 0)
		return len;
	buf[strcspn(buf, "\n")] = '\0';
	return (int)strlen(buf);
}

int dq_sysfs_read_text(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = read_text(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int dq_sysfs_read(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = read_line(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int dq_sysfs_read_u64(uint64_t *out, const char *fmt, ...)
{
	unsigned long long value;
	char buf[64], *end;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = read_line(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (len < 0)
		return len;
	errno = 0;
	value = strtoull(buf, &end, 0);
	if (errno || end == buf || *end || buf[0] == '-')
		return -EINVAL;
	*out = value;
	return 0;
}

int dq_sysfs_write(const char *text, const char *fmt, ...)
{
	va_list ap;
	int fd, ret = 0;

	va_start(ap, fmt);
	fd = open_path(O_WRONLY, fmt, ap);
	va_end(ap);
	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

void dq_sysfs_link_name(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	va_list ap;
	ssize_t len;
	int n;

	buf[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(path))
		return;
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) < size)
		memcpy(buf, name, strlen(name) + 1);
}
