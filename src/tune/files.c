/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

enum { FILE_MOST = 1 << 20 };

int tune_stat(const struct tune_root *r, const char *path, struct stat *st)
{
	int fd = tune_root_fd(r, path, O_PATH | O_NOFOLLOW), ret;

	if (fd < 0)
		return fd;
	ret = fstat(fd, st) ? -errno : 0;
	close(fd);
	return ret;
}

int tune_write_all(int fd, const void *buf, size_t len, off_t at)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory that holds a path, and the path's last part. */
static int parent(const struct tune_root *r, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	char dir[TUNE_PATH] = ".";

	*base = slash ? slash + 1 : path;
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	return tune_root_fd(r, dir, O_RDONLY | O_DIRECTORY);
}

static int make_dir(const struct tune_root *r, const char *path)
{
	const char *base;
	int dir = parent(r, path, &base), ret;

	if (dir < 0)
		return dir;
	ret = mkdirat(dir, base, 0755) && errno != EEXIST ? -errno : 0;
	close(dir);
	return ret;
}

int tune_make_dirs(const struct tune_root *r, const char *path,
		   int (*made)(void *arg, const char *dir), void *arg)
{
	char dir[TUNE_PATH];
	int ret = 0;

	tune_put(dir, sizeof(dir), path);
	for (char *p = dir; !ret && *p; p++) {
		char *end = p + strcspn(p, "/"), was = *end;

		*end = 0;
		if (!tune_exists(r, "%s", dir)) {
			ret = made ? made(arg, dir) : 0;
			if (!ret)
				ret = make_dir(r, dir);
		}
		*end = was;
		if (!was)
			break;
		p = end;
	}
	return ret;
}

int tune_remove(const struct tune_root *r, const char *path, int flags)
{
	const char *base;
	int dir = parent(r, path, &base), ret;

	if (dir < 0)
		return dir;
	ret = unlinkat(dir, base, flags) ? -errno : 0;
	close(dir);
	return ret;
}

int tune_overwrite(const struct tune_root *r, const char *path, const void *buf, size_t len)
{
	int fd = tune_root_fd(r, path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY), ret = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, buf, len); /* at once: each write is a command to the kernel */
	if (n != (ssize_t)len)
		ret = n < 0 ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int read_content(int fd, struct tune_content *out)
{
	struct stat st;
	ssize_t n = 0;
	size_t room;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	out->mode = st.st_mode & 07777;
	out->uid = st.st_uid;
	out->gid = st.st_gid;
	out->len = 0;
	/* files of the kernel tell no size, or that of a page */
	room = (size_t)(st.st_size < 4096	 ? 4096
			: st.st_size < FILE_MOST ? st.st_size
						 : FILE_MOST) +
	       1;
	out->bytes = malloc(room);
	if (!out->bytes)
		return -ENOMEM;
	while (out->len < room && (n = read(fd, out->bytes + out->len, room - out->len)) > 0)
		out->len += (size_t)n;
	if (n >= 0 && out->len < room)
		return 0;
	n = n < 0 ? -errno : -EFBIG;
	free(out->bytes);
	out->bytes = NULL;
	return (int)n;
}

int tune_content(const struct tune_root *r, const char *path, struct tune_content *out)
{
	int fd = tune_root_fd(r, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), ret;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fd;
	ret = read_content(fd, out);
	close(fd);
	return ret;
}

static int write_new(int dir, const char *name, const struct tune_content *c)
{
	struct stat st;
	int fd, ret;

	unlinkat(dir, name, 0); /* of one who was killed */
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ret = tune_write_all(fd, c->bytes, c->len, 0);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	if (!ret && (st.st_uid != c->uid || st.st_gid != c->gid) && fchown(fd, c->uid, c->gid))
		ret = -errno;
	if (!ret && (fchmod(fd, c->mode) || fsync(fd)))
		ret = -errno;
	close(fd);
	return ret;
}

int tune_replace(const struct tune_root *r, const char *path, const struct tune_content *c)
{
	const char *base;
	int dir = parent(r, path, &base), ret;
	char name[300];

	if (dir < 0)
		return dir;
	snprintf(name, sizeof(name), ".%.255s.daqiri-tune", base);
	ret = write_new(dir, name, c);
	if (!ret && renameat(dir, name, dir, base))
		ret = -errno;
	if (ret)
		unlinkat(dir, name, 0);
	else
		fsync(dir);
	close(dir);
	return ret;
}

static int open_config(const struct tune_root *r, const char *addr, int flags)
{
	char path[TUNE_PATH];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%.64s/config", addr);
	return tune_root_fd(r, path, flags);
}

int tune_pci_get(const struct tune_root *r, const char *addr, unsigned at, unsigned *value)
{
	int fd = open_config(r, addr, O_RDONLY), ret = 0;
	uint8_t b[2];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = pread(fd, b, 2, at);
	if (n != 2)
		ret = n < 0 ? -errno : -EACCES; /* others than root are shown the first 64 bytes */
	else
		*value = b[0] | (unsigned)b[1] << 8;
	close(fd);
	return ret;
}

int tune_pci_set(const struct tune_root *r, const char *addr, unsigned at, unsigned value)
{
	uint8_t b[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
	int fd = open_config(r, addr, O_RDWR), ret;

	if (fd < 0)
		return fd;
	ret = tune_write_all(fd, b, 2, at);
	close(fd);
	return ret;
}
