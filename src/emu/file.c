/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that are ours, and the calls that copy and close descriptors. A file lives until the
 * last of its descriptors in this process is closed, as a file of the kernel does.
 */
#include "preload.h"
#include "uverbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_FDS (1 << 16)

/* Written with emu_lock, read without: a program that closes a descriptor while another thread
 * uses it gets what it would get from the kernel, one of the two. */
static struct emu_file *files[MAX_FDS];
static struct emu_file private_file = { .kind = EMU_FILE_PRIVATE };

struct emu_file *emu_file_peek(int fd)
{
	if (fd < 0 || fd >= MAX_FDS)
		return NULL;
	return __atomic_load_n(&files[fd], __ATOMIC_ACQUIRE);
}

static pid_t owner; /* the process whose table this is; 0: not asked yet */

bool emu_file_foreign(void)
{
	return owner && owner != getpid();
}

int emu_file_attach(int fd, struct emu_file *file)
{
	if (fd < 0 || fd >= MAX_FDS)
		return -EMFILE;
	if (!owner)
		owner = getpid();
	file->fds++;
	/* pairs with the acquire in emu_file_peek: the file is complete before it can be found */
	__atomic_store_n(&files[fd], file, __ATOMIC_RELEASE);
	return 0;
}

static void file_release(struct emu_file *file)
{
	/* What a child has inherited is its parent's, which goes on with it. */
	if (file->ctx && file->kind == EMU_FILE_UVERBS && !file->dead)
		emu_uverbs_release(file->ctx);
	if (file->netlink)
		emu_netlink_release(file->netlink);
	if (file->channel && file->kind == EMU_FILE_DEVX)
		emu_devx_fd_release(file->channel);
	else if (file->channel)
		emu_channel_release(file->channel);
	free(file);
}

void emu_file_detach(int fd)
{
	struct emu_file *file = emu_file_peek(fd);

	if (!file)
		return;
	__atomic_store_n(&files[fd], NULL, __ATOMIC_RELEASE);
	if (!--file->fds && file->kind != EMU_FILE_PRIVATE)
		file_release(file);
}

/* Above what programs use and what they close in loops, if the limit allows. */
#define PRIVATE_BASE 600

int emu_file_private(int fd)
{
	int high = EMU_REAL(fcntl)(fd, F_DUPFD_CLOEXEC, PRIVATE_BASE);

	if (high < 0) {
		EMU_REAL(fcntl)(fd, F_SETFD, FD_CLOEXEC);
		high = fd;
	} else {
		EMU_REAL(close)(fd);
	}
	emu_file_attach(high, &private_file);
	return high;
}

void emu_file_keep(int fd)
{
	emu_file_attach(fd, &private_file);
}

void emu_file_private_close(int fd)
{
	if (fd < 0)
		return;
	emu_file_detach(fd);
	EMU_REAL(close)(fd);
}

void emu_file_fork_child(void)
{
	owner = getpid();
	for (int fd = 0; fd < MAX_FDS; fd++) {
		/* a netlink socket is as good in the child, as the kernel's are */
		if (files[fd] && files[fd]->kind != EMU_FILE_PRIVATE &&
		    files[fd]->kind != EMU_FILE_NETLINK)
			files[fd]->dead = true;
	}
}

/* ---- interposed calls ----------------------------------------------------------------------- */

/* A copy of a descriptor was made: it refers to the same file, if that is one of ours. */
static int copied(int from, int to)
{
	struct emu_file *file;

	if (to < 0 || !emu_file_peek(from) || emu_file_foreign())
		return to;
	pthread_mutex_lock(&emu_lock);
	file = emu_file_peek(from);
	if (file && file->kind != EMU_FILE_PRIVATE)
		emu_file_attach(to, file);
	pthread_mutex_unlock(&emu_lock);
	return to;
}

static bool is_private(int fd)
{
	struct emu_file *file = emu_file_peek(fd);

	return file && file->kind == EMU_FILE_PRIVATE;
}

void emu_live_flush(int fd)
{
	struct emu_file *file = emu_file_peek(fd);
	char text[64];
	ssize_t n;

	if (!file || file->kind != EMU_FILE_LIVE || file->fds > 1)
		return;
	n = pread(fd, text, sizeof(text), 0);
	if (n > 0)
		emu_live_write(file->live, file->dev, text, (size_t)n);
}

void emu_live_flush_all(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		emu_live_flush(fd);
}

/* Leaves errno alone: close() is how a program cleans up behind the failure that set it. */
static void forget(int fd)
{
	int saved = errno;

	if (!emu_file_peek(fd) || emu_file_foreign())
		return;
	emu_live_flush(fd);
	pthread_mutex_lock(&emu_lock);
	emu_file_detach(fd);
	pthread_mutex_unlock(&emu_lock);
	errno = saved;
}

EMU_EXPORT int close(int fd)
{
	if (is_private(fd)) {
		errno = EBADF;
		return -1;
	}
	forget(fd);
	return EMU_REAL(close)(fd);
}

EMU_EXPORT int fclose(FILE *f)
{
	int fd = fileno(f);

	if (emu_file_peek(fd)) {
		fflush(f);
		forget(fd);
	}
	return EMU_REAL(fclose)(f);
}

EMU_EXPORT int dup(int fd)
{
	return copied(fd, EMU_REAL(dup)(fd));
}

EMU_EXPORT int dup2(int fd, int to)
{
	if (is_private(to)) {
		errno = EBADF;
		return -1;
	}
	if (fd != to)
		forget(to);
	to = EMU_REAL(dup2)(fd, to);
	return fd == to ? to : copied(fd, to);
}

EMU_EXPORT int dup3(int fd, int to, int flags)
{
	if (is_private(to)) {
		errno = EBADF;
		return -1;
	}
	if (fd != to)
		forget(to);
	return copied(fd, EMU_REAL(dup3)(fd, to, flags));
}

static int fcntl_any(int fd, int cmd, void *arg)
{
	int ret = EMU_REAL(fcntl)(fd, cmd, arg);

	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? copied(fd, ret) : ret;
}

/* The third argument is an int or a pointer: both fit a pointer's register. */
#define FCNTL_BODY                                                                                 \
	va_list ap;                                                                                \
	void *arg;                                                                                 \
                                                                                                   \
	va_start(ap, cmd);                                                                         \
	arg = va_arg(ap, void *);                                                                  \
	va_end(ap);                                                                                \
	return fcntl_any(fd, cmd, arg)

EMU_EXPORT int fcntl(int fd, int cmd, ...)
{
	FCNTL_BODY;
}

EMU_EXPORT int fcntl64(int fd, int cmd, ...)
{
	FCNTL_BODY;
}

#if __GLIBC_PREREQ(2, 34)
/* Closes first..last except what is ours to keep. */
EMU_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	unsigned end = last < MAX_FDS ? last : MAX_FDS - 1;
	int ret = 0;

	for (unsigned fd = first; emu_active() && fd <= end; fd++) {
		if (!files[fd])
			continue;
		if (!is_private((int)fd)) {
			forget((int)fd);
			continue;
		}
		if (fd > first)
			ret |= EMU_REAL(close_range)(first, fd - 1, flags);
		first = fd + 1;
	}
	return first > last ? ret : ret | EMU_REAL(close_range)(first, last, flags);
}

EMU_EXPORT void closefrom(int first)
{
	close_range(first < 0 ? 0 : (unsigned)first, ~0u, 0);
}
#endif
