/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that open a name. The C library's own calls do not come by here: each has its wrapper. */
#include "preload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIVE_TEXT 4096 /* a sysfs attribute is at most this long */

/* A descriptor whose contents are text, at its start; -1 with errno. */
static int text_fd(const char *name, const char *text, size_t n, int flags)
{
	int fd = memfd_create(name, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);

	if (fd < 0)
		return -1;
	if (EMU_REAL(write)(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET)) {
		EMU_REAL(close)(fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

/*
 * A live file that is written: write() on its descriptor reaches emu_live_write. A program that
 * inherits the descriptor knows the file by its name.
 */
static int attach_live(int fd, const struct emu_live *live, struct emu_dev *dev)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int ret = file ? 0 : -ENOMEM;

	if (!ret) {
		*file = (struct emu_file){ .kind = EMU_FILE_LIVE, .dev = dev, .live = live };
		pthread_mutex_lock(&emu_lock);
		ret = emu_file_attach(fd, file);
		pthread_mutex_unlock(&emu_lock);
	}
	if (!ret)
		return fd;
	free(file);
	EMU_REAL(close)(fd);
	errno = -ret;
	return -1;
}

static int open_live(const struct emu_live *live, struct emu_dev *dev, int flags)
{
	bool writing = (flags & O_ACCMODE) != O_RDONLY;
	char text[LIVE_TEXT], name[EMU_LIVE_NAME];
	int n, fd;

	if (writing && !emu_live_writable(live)) {
		errno = EACCES;
		return -1;
	}
	n = emu_live_read(live, dev, text, sizeof(text));
	if (n < 0) {
		errno = -n;
		return -1;
	}
	if ((flags & O_ACCMODE) == O_WRONLY)
		n = 0; /* what appears here came past our write(): emu_live_flush */
	emu_live_name(live, dev, name);
	fd = text_fd(writing ? name : "sysfs", text, (size_t)n, flags);
	return fd < 0 || !writing ? fd : attach_live(fd, live, dev);
}

#define MEMFD_PREFIX "/memfd:"

void emu_live_inherit(void)
{
	const struct emu_live *live;
	struct emu_dev *dev;
	char link[32], target[PATH_MAX];
	ssize_t n;

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = EMU_REAL(readlink)(link, target, sizeof(target) - 1);
		if (n <= 0 || strncmp(target, MEMFD_PREFIX, strlen(MEMFD_PREFIX)))
			continue;
		target[n] = 0;
		target[strcspn(target, " ")] = 0; /* " (deleted)" */
		live = emu_live_by_name(target + strlen(MEMFD_PREFIX), &dev);
		if (live)
			attach_live(fd, live, dev);
	}
}

static int open_mapped(const char *mapped, int flags)
{
	const struct emu_live *live;
	struct emu_dev *dev;
	int port = emu_vfs_uverbs(mapped);

	if (port >= 0 && !(flags & O_PATH))
		return emu_uverbs_open((unsigned)port, flags);
	live = flags & O_PATH ? NULL : emu_live_find(mapped, &dev);
	if (live)
		return open_live(live, dev, flags);
	/* the copy belongs to all processes of the wire: nobody writes there */
	if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY) {
		errno = EACCES;
		return -1;
	}
	return EMU_REAL(openat)(AT_FDCWD, mapped, flags);
}

#define MODE_ARG                                                                                   \
	mode_t mode = 0;                                                                           \
	char mapped[PATH_MAX];                                                                     \
                                                                                                   \
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {                               \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = (mode_t)va_arg(ap, unsigned);                                               \
		va_end(ap);                                                                        \
	}

EMU_EXPORT int open(const char *path, int flags, ...)
{
	MODE_ARG
	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(open)(path, flags, mode);
}

EMU_EXPORT int open64(const char *path, int flags, ...)
{
	MODE_ARG
	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(open64)(path, flags, mode);
}

EMU_EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	MODE_ARG
	if (emu_vfs_map(dirfd, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(openat)(dirfd, path, flags, mode);
}

EMU_EXPORT int openat64(int dirfd, const char *path, int flags, ...)
{
	MODE_ARG
	if (emu_vfs_map(dirfd, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(openat64)(dirfd, path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of calls without a mode. */
EMU_EXPORT int __open_2(const char *path, int flags);
EMU_EXPORT int __open64_2(const char *path, int flags);
EMU_EXPORT int __openat_2(int dirfd, const char *path, int flags);
EMU_EXPORT int __openat64_2(int dirfd, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(__open_2)(path, flags);
}

int __open64_2(const char *path, int flags)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(__open64_2)(path, flags);
}

int __openat_2(int dirfd, const char *path, int flags)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(dirfd, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(__openat_2)(dirfd, path, flags);
}

int __openat64_2(int dirfd, const char *path, int flags)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(dirfd, path, mapped))
		return open_mapped(mapped, flags);
	return EMU_REAL(__openat64_2)(dirfd, path, flags);
}

EMU_EXPORT int creat(const char *path, mode_t mode)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

EMU_EXPORT int creat64(const char *path, mode_t mode)
{
	return open64(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

static int mode_flags(const char *mode)
{
	int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;

	if (strchr(mode, 'e'))
		flags |= O_CLOEXEC;
	return flags;
}

/* stdio writes without our write(): a stream of its own that does */
static ssize_t stream_write(void *cookie, const char *text, size_t n)
{
	ssize_t done = write((int)(intptr_t)cookie, text, n);

	return done < 0 ? 0 : done; /* fopencookie(3): an error is 0 here, with errno */
}

static int stream_close(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

static FILE *fopen_mapped(const char *mapped, const char *mode)
{
	static const cookie_io_functions_t io = { .write = stream_write, .close = stream_close };
	int flags = mode_flags(mode), fd = open_mapped(mapped, flags);
	FILE *f;

	if (fd < 0)
		return NULL;
	f = (flags & O_ACCMODE) == O_RDONLY ? fdopen(fd, mode)
					    : fopencookie((void *)(intptr_t)fd, "w", io);
	if (!f)
		close(fd);
	return f;
}

EMU_EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return fopen_mapped(mapped, mode);
	return EMU_REAL(fopen)(path, mode);
}

EMU_EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return fopen_mapped(mapped, mode);
	return EMU_REAL(fopen64)(path, mode);
}

/* Reading only; a live file's contents are those of now. */
static FILE *freopen_mapped(const char *mapped, const char *mode, FILE *f)
{
	char link[64];
	int fd = open_mapped(mapped, mode_flags(mode));

	if (fd < 0) {
		fclose(f);
		return NULL;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	f = EMU_REAL(freopen)(link, mode, f);
	close(fd);
	return f;
}

EMU_EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return freopen_mapped(mapped, mode, f);
	return EMU_REAL(freopen)(path, mode, f);
}

EMU_EXPORT FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict f)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return freopen_mapped(mapped, mode, f);
	return EMU_REAL(freopen64)(path, mode, f);
}

EMU_EXPORT DIR *opendir(const char *path)
{
	char mapped[PATH_MAX];

	return EMU_REAL(opendir)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path);
}

EMU_EXPORT int scandir(const char *restrict path, struct dirent ***restrict list,
		       int (*select)(const struct dirent *),
		       int (*compare)(const struct dirent **, const struct dirent **))
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		path = mapped;
	return EMU_REAL(scandir)(path, list, select, compare);
}

EMU_EXPORT int scandir64(const char *restrict path, struct dirent64 ***restrict list,
			 int (*select)(const struct dirent64 *),
			 int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		path = mapped;
	return EMU_REAL(scandir64)(path, list, select, compare);
}
