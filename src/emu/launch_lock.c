/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who lives on a wire: those who hold a shared lock on the file "lock" in its directory, by a
 * descriptor that programs inherit. The kernel drops the lock with the last of them, however it
 * ends; no process id is ever asked for. Who gets the lock exclusively is alone, and may make or
 * remove everything there, the lock file last: others who waited for it see that it has no name any
 * more.
 */
#include "launch.h"
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_lock(int fd, int how)
{
	int ret;

	do
		ret = flock(fd, how);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static bool has_name(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_nlink;
}

/* With the lock held exclusively: what dead ones have left, all but the lock file. */
static void clear_wire(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d;

	launch_netdev_remove(dir);
	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    !strcmp(entry->d_name, "lock"))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", dir, entry->d_name);
		emu_tree_remove(path);
	}
	if (d)
		closedir(d);
}

static void remove_wire(const char *dir)
{
	char path[PATH_MAX];

	clear_wire(dir);
	snprintf(path, sizeof(path), "%.4000s/lock", dir);
	unlink(path);
	rmdir(dir);
}

static int try_lock(const char *dir, bool *fresh)
{
	char path[PATH_MAX];
	int fd, ret;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%.4000s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	*fresh = !flock(fd, LOCK_EX | LOCK_NB);
	ret = *fresh ? 0 : wait_lock(fd, LOCK_SH);
	if (!ret && !has_name(fd))
		ret = -EAGAIN; /* removed while we waited */
	if (!ret && *fresh)
		clear_wire(dir);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int launch_lock(const char *dir, bool *fresh)
{
	int ret;

	do
		ret = try_lock(dir, fresh);
	while (ret == -EAGAIN);
	return ret;
}

bool launch_lock_share(int fd)
{
	return !wait_lock(fd, LOCK_SH) && has_name(fd);
}

void launch_remove(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%.4000s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB) && has_name(fd))
		remove_wire(dir);
	close(fd);
}

void launch_clean(const char *base)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(base);

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", base, entry->d_name);
		launch_remove(path);
	}
	if (d)
		closedir(d);
}

/* ---- the end -------------------------------------------------------------------------------- */

#ifndef SYS_close_range /* a C library older than 2.34 */
#define SYS_close_range 436
#endif
#define FEW_FILES 4096 /* as many as one by one take no time */

/* By number where the kernel has no close_range() (before 5.9) and /proc is not there to tell. */
static void close_all(void)
{
	DIR *d = syscall(SYS_close_range, 0u, ~0u, 0u) ? opendir("/proc/self/fd") : NULL;
	struct dirent *entry;

	for (int fd = 0; !d && fd < FEW_FILES; fd++)
		close(fd);
	while (d && (entry = readdir(d))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(d))
			close(fd);
	}
	if (d)
		closedir(d);
}

/* Holds nothing of the program's: neither its terminal nor its pipes nor its directory. */
static _Noreturn void reap(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	close_all();
	snprintf(path, sizeof(path), "%.4000s/lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && !chdir("/") && !wait_lock(fd, LOCK_EX) && has_name(fd))
		remove_wire(dir);
	_exit(0);
}

/* Waits until nobody holds the pipe's other end any more. */
static void wait_closed(int pipe_fds[2])
{
	char byte;

	close(pipe_fds[1]);
	while (read(pipe_fds[0], &byte, 1) < 0 && errno == EINTR)
		;
	close(pipe_fds[0]);
}

int launch_reaper(const char *dir)
{
	int status, let_go[2];
	pid_t pid;

	if (pipe2(let_go, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		/* a grandchild: the program must not find a child that it did not start */
		setsid();
		pid = fork();
		if (!pid)
			reap(dir);
		_exit(pid < 0 ? 1 : 0);
	}
	status = errno;
	/* It has inherited the lock: until it has closed that, the wire looks as if it were used.
	 */
	wait_closed(let_go);
	if (pid < 0)
		return -status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status ? -EAGAIN : 0;
}
