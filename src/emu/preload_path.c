/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ask about a name without opening it, and those on descriptors of ours. */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>

EMU_EXPORT int access(const char *path, int mode)
{
	char mapped[PATH_MAX];

	return EMU_REAL(access)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path, mode);
}

EMU_EXPORT int eaccess(const char *path, int mode)
{
	char mapped[PATH_MAX];

	return EMU_REAL(eaccess)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path, mode);
}

EMU_EXPORT int euidaccess(const char *path, int mode)
{
	char mapped[PATH_MAX];

	return EMU_REAL(euidaccess)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path, mode);
}

EMU_EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(dirfd, path, mapped))
		return EMU_REAL(faccessat)(AT_FDCWD, mapped, mode, flags);
	return EMU_REAL(faccessat)(dirfd, path, mode, flags);
}

/* ls -l asks for access lists by name. */
EMU_EXPORT ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	char mapped[PATH_MAX];

	return EMU_REAL(getxattr)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path, name, value,
				  size);
}

EMU_EXPORT ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	char mapped[PATH_MAX];

	return EMU_REAL(lgetxattr)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path, name, value,
				   size);
}

/* The real call's answer, a name within the copy given back as the program knows it. */
static ssize_t unmap_link(char *buf, ssize_t n, size_t size)
{
	char real[PATH_MAX], known[PATH_MAX];

	if (n <= 0 || buf[0] != '/' || n >= PATH_MAX || !emu_active())
		return n;
	memcpy(real, buf, (size_t)n);
	real[n] = 0;
	if (!emu_vfs_unmap(real, known))
		return n;
	n = (ssize_t)strlen(known);
	if ((size_t)n > size)
		n = (ssize_t)size;
	memcpy(buf, known, (size_t)n);
	return n;
}

EMU_EXPORT ssize_t readlink(const char *restrict path, char *restrict buf, size_t size)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		path = mapped;
	return unmap_link(buf, EMU_REAL(readlink)(path, buf, size), size);
}

EMU_EXPORT ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict buf, size_t size)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(dirfd, path, mapped)) {
		dirfd = AT_FDCWD;
		path = mapped;
	}
	return unmap_link(buf, EMU_REAL(readlinkat)(dirfd, path, buf, size), size);
}

/* What _FORTIFY_SOURCE makes of calls into a buffer whose size the compiler knows. */
EMU_EXPORT ssize_t __readlink_chk(const char *path, char *buf, size_t size, size_t room);
EMU_EXPORT ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t size,
				    size_t room);
EMU_EXPORT char *__realpath_chk(const char *path, char *out, size_t room);
EMU_EXPORT char *__getcwd_chk(char *buf, size_t size, size_t room);

ssize_t __readlink_chk(const char *path, char *buf, size_t size, size_t room)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		path = mapped;
	return unmap_link(buf, EMU_REAL(__readlink_chk)(path, buf, size, room), size);
}

ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t size, size_t room)
{
	if (size > room)
		abort();
	return readlinkat(dirfd, path, buf, size);
}

/* mapped as a program knows it, in out or, where that is NULL, in memory of the caller's own */
static char *realpath_mapped(const char *mapped, char *out)
{
	char real[PATH_MAX], known[PATH_MAX];

	if (!EMU_REAL(realpath)(mapped, real))
		return NULL;
	if (!emu_vfs_unmap(real, known))
		memcpy(known, real,
		       strlen(real) + 1); /* a link out of the copy: the machine's own */
	return out ? memcpy(out, known, strlen(known) + 1) : strdup(known);
}

EMU_EXPORT char *realpath(const char *restrict path, char *restrict out)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return realpath_mapped(mapped, out);
	return EMU_REAL(realpath)(path, out);
}

char *__realpath_chk(const char *path, char *out, size_t room)
{
	char mapped[PATH_MAX];

	if (room >= PATH_MAX && emu_vfs_map(AT_FDCWD, path, mapped))
		return realpath_mapped(mapped, out);
	return EMU_REAL(__realpath_chk)(path, out, room);
}

EMU_EXPORT char *canonicalize_file_name(const char *path)
{
	char mapped[PATH_MAX];

	if (emu_vfs_map(AT_FDCWD, path, mapped))
		return realpath_mapped(mapped, NULL);
	return EMU_REAL(canonicalize_file_name)(path);
}

EMU_EXPORT int chdir(const char *path)
{
	char mapped[PATH_MAX];

	return EMU_REAL(chdir)(emu_vfs_map(AT_FDCWD, path, mapped) ? mapped : path);
}

static char *unmap_cwd(char *cwd)
{
	char known[PATH_MAX];

	/* shorter than the real one, so it fits */
	return cwd && emu_vfs_unmap(cwd, known) ? memcpy(cwd, known, strlen(known) + 1) : cwd;
}

EMU_EXPORT char *getcwd(char *buf, size_t size)
{
	return unmap_cwd(EMU_REAL(getcwd)(buf, size));
}

char *__getcwd_chk(char *buf, size_t size, size_t room)
{
	return unmap_cwd(EMU_REAL(__getcwd_chk)(buf, size, room));
}

/* ---- on descriptors ------------------------------------------------------------------------- */

static int fail(int err)
{
	errno = -err;
	return -1;
}

static int pass_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	if (request == SIOCETHTOOL && emu_active()) {
		ret = emu_ethtool(arg);
		if (ret <= 0)
			return ret ? fail(ret) : 0;
	}
	ret = EMU_REAL(ioctl)(fd, request, arg);
	if ((request == SIOCSIFMTU || request == SIOCSIFFLAGS) && !ret && emu_active() &&
	    emu_settings.netdev)
		emu_netdev_changed(arg);
	return ret;
}

EMU_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct emu_file *file = emu_file_peek(fd);
	int ret, saved = errno;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!file || file->kind != EMU_FILE_UVERBS)
		return pass_ioctl(fd, request, arg);
	if (request != RDMA_VERBS_IOCTL)
		return fail(-ENOTTY);
	ret = emu_uverbs_ioctl(fd, arg);
	errno = saved; /* the kernel, which we play, writes it on failure only */
	return ret < 0 ? fail(ret) : 0;
}

EMU_EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	struct emu_file *file = emu_file_peek(fd);
	int ret, saved = errno;
	ssize_t done;

	if (!file || file->kind == EMU_FILE_CHANNEL || file->kind == EMU_FILE_ASYNC)
		return EMU_REAL(write)(fd, buf, n);
	if (file->kind == EMU_FILE_UVERBS) {
		done = emu_uverbs_write(fd, buf, n);
		errno = saved;
		return done < 0 ? fail((int)done) : done;
	}
	if (file->kind == EMU_FILE_NETLINK)
		return emu_netlink_write(fd, buf, n);
	if (file->kind != EMU_FILE_LIVE)
		return fail(file->kind == EMU_FILE_PRIVATE ? -EBADF : -EOPNOTSUPP);
	ret = emu_live_write(file->live, file->dev, buf, n);
	if (ret < 0)
		return fail(ret);
	/* what was there to be read is old, and would be written when the file is closed */
	if (ftruncate(fd, 0))
		return -1;
	return (ssize_t)n;
}
