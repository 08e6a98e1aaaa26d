/* SPDX-License-Identifier: Apache-2.0 */
/* The stat families: names led into the copy, uverbs files shown as character devices. */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void show_device(struct stat *st, unsigned port)
{
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(EMU_MAJOR, EMU_FIRST_MINOR + port);
	st->st_size = 0;
	st->st_blocks = 0;
}

/* The C library's struct stat is the kernel's where this builds (64-bit). */
static int mapped_stat(const char *mapped, void *st, int flags)
{
	int port = emu_vfs_uverbs(mapped);

	if (syscall(SYS_newfstatat, AT_FDCWD, mapped, st, flags))
		return -1;
	if (port >= 0)
		show_device(st, (unsigned)port);
	return 0;
}

static bool is_uverbs(int fd)
{
	struct emu_file *file = emu_file_peek(fd);

	return file && file->kind == EMU_FILE_UVERBS;
}

static int uverbs_stat(int fd, void *st)
{
	struct emu_file *file = emu_file_peek(fd);

	if (syscall(SYS_fstat, fd, st))
		return -1;
	if (file)
		show_device(st, file->dev->index);
	return 0;
}

#if __GLIBC_PREREQ(2, 33)
#define STAT_BODY(fn, flags)                                                                       \
	char mapped[PATH_MAX];                                                                     \
                                                                                                   \
	if (emu_vfs_map(AT_FDCWD, path, mapped))                                                   \
		return mapped_stat(mapped, st, flags);                                             \
	return EMU_REAL(fn)(path, st)

EMU_EXPORT int stat(const char *path, struct stat *st)
{
	STAT_BODY(stat, 0);
}

EMU_EXPORT int stat64(const char *path, struct stat64 *st)
{
	STAT_BODY(stat64, 0);
}

EMU_EXPORT int lstat(const char *path, struct stat *st)
{
	STAT_BODY(lstat, AT_SYMLINK_NOFOLLOW);
}

EMU_EXPORT int lstat64(const char *path, struct stat64 *st)
{
	STAT_BODY(lstat64, AT_SYMLINK_NOFOLLOW);
}

EMU_EXPORT int fstat(int fd, struct stat *st)
{
	return is_uverbs(fd) ? uverbs_stat(fd, st) : EMU_REAL(fstat)(fd, st);
}

EMU_EXPORT int fstat64(int fd, struct stat64 *st)
{
	return is_uverbs(fd) ? uverbs_stat(fd, st) : EMU_REAL(fstat64)(fd, st);
}

#define FSTATAT_BODY(fn)                                                                           \
	char mapped[PATH_MAX];                                                                     \
                                                                                                   \
	if ((flags & AT_EMPTY_PATH) && emu_vfs_empty(path) && is_uverbs(dirfd))                    \
		return uverbs_stat(dirfd, st);                                                     \
	if (emu_vfs_map(dirfd, path, mapped))                                                      \
		return mapped_stat(mapped, st, flags);                                             \
	return EMU_REAL(fn)(dirfd, path, st, flags)

EMU_EXPORT int fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	FSTATAT_BODY(fstatat);
}

EMU_EXPORT int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	FSTATAT_BODY(fstatat64);
}
#endif

/* What programs built against a C library before 2.33 call. */
EMU_EXPORT int __xstat(int ver, const char *path, struct stat *st);
EMU_EXPORT int __xstat64(int ver, const char *path, struct stat64 *st);
EMU_EXPORT int __lxstat(int ver, const char *path, struct stat *st);
EMU_EXPORT int __lxstat64(int ver, const char *path, struct stat64 *st);
EMU_EXPORT int __fxstat(int ver, int fd, struct stat *st);
EMU_EXPORT int __fxstat64(int ver, int fd, struct stat64 *st);
EMU_EXPORT int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);
EMU_EXPORT int __fxstatat64(int ver, int dirfd, const char *path, struct stat64 *st, int flags);

#define XSTAT_BODY(fn, flags)                                                                      \
	char mapped[PATH_MAX];                                                                     \
                                                                                                   \
	if (emu_vfs_map(AT_FDCWD, path, mapped))                                                   \
		return mapped_stat(mapped, st, flags);                                             \
	return EMU_REAL(fn)(ver, path, st)

int __xstat(int ver, const char *path, struct stat *st)
{
	XSTAT_BODY(__xstat, 0);
}

int __xstat64(int ver, const char *path, struct stat64 *st)
{
	XSTAT_BODY(__xstat64, 0);
}

int __lxstat(int ver, const char *path, struct stat *st)
{
	XSTAT_BODY(__lxstat, AT_SYMLINK_NOFOLLOW);
}

int __lxstat64(int ver, const char *path, struct stat64 *st)
{
	XSTAT_BODY(__lxstat64, AT_SYMLINK_NOFOLLOW);
}

int __fxstat(int ver, int fd, struct stat *st)
{
	return is_uverbs(fd) ? uverbs_stat(fd, st) : EMU_REAL(__fxstat)(ver, fd, st);
}

int __fxstat64(int ver, int fd, struct stat64 *st)
{
	return is_uverbs(fd) ? uverbs_stat(fd, st) : EMU_REAL(__fxstat64)(ver, fd, st);
}

#define FXSTATAT_BODY(fn)                                                                          \
	char mapped[PATH_MAX];                                                                     \
                                                                                                   \
	if (emu_vfs_map(dirfd, path, mapped))                                                      \
		return mapped_stat(mapped, st, flags);                                             \
	return EMU_REAL(fn)(ver, dirfd, path, st, flags)

int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags)
{
	FXSTATAT_BODY(__fxstatat);
}

int __fxstatat64(int ver, int dirfd, const char *path, struct stat64 *st, int flags)
{
	FXSTATAT_BODY(__fxstatat64);
}

static void show_devicex(struct statx *stx, unsigned port)
{
	stx->stx_mode = S_IFCHR | 0666;
	stx->stx_rdev_major = EMU_MAJOR;
	stx->stx_rdev_minor = EMU_FIRST_MINOR + port;
	stx->stx_size = 0;
	stx->stx_blocks = 0;
}

EMU_EXPORT int statx(int dirfd, const char *restrict path, int flags, unsigned mask,
		     struct statx *restrict stx)
{
	struct emu_file *file = emu_file_peek(dirfd);
	char mapped[PATH_MAX];
	int ret, port = -1;

	if ((flags & AT_EMPTY_PATH) && emu_vfs_empty(path) && file && file->kind == EMU_FILE_UVERBS)
		port = (int)file->dev->index;
	if (emu_vfs_map(dirfd, path, mapped)) {
		port = emu_vfs_uverbs(mapped);
		dirfd = AT_FDCWD;
		path = mapped;
	}
	ret = EMU_REAL(statx)(dirfd, path, flags, mask, stx);
	if (!ret && port >= 0)
		show_devicex(stx, (unsigned)port);
	return ret;
}
