/* SPDX-License-Identifier: Apache-2.0 */
/* The preload library's start, its end at fork, and how it finds what it stands before. */
#include "preload.h"
#include "settings.h"
#include "uverbs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A program finds it with dlsym(RTLD_DEFAULT): the emulation that it asked for is really there. */
extern const char *daqiri_emu_present;
EMU_EXPORT const char *daqiri_emu_present = EMU_VERSION;

pthread_mutex_t emu_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static bool started;           /* emu_settings is final */
static __thread bool starting; /* start() itself calls what we interpose */

void *emu_real(void **slot, const char *name)
{
	void *fn = __atomic_load_n(slot, __ATOMIC_RELAXED);

	if (!fn) {
		/* realpath has two versions; the first cannot allocate its result */
		if (!strcmp(name, "realpath"))
			fn = dlvsym(RTLD_NEXT, name, "GLIBC_2.3");
		if (!fn)
			fn = dlsym(RTLD_NEXT, name);
		if (!fn) {
			fprintf(stderr, "daqiri-emu: the C library has no %s\n", name);
			abort();
		}
		__atomic_store_n(slot, fn, __ATOMIC_RELAXED);
	}
	return fn;
}

static void fork_prepare(void)
{
	pthread_mutex_lock(&emu_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&emu_lock);
}

static void fork_child(void)
{
	pthread_mutex_unlock(&emu_lock);
	emu_file_fork_child();
	emu_uverbs_fork_child();
}

/*
 * The wire is removed when nothing holds its lock any more. daqiri-emu left us a descriptor that
 * does; a program that was started with its descriptors closed takes the lock again.
 */
static void hold_wire(void)
{
	char path[PATH_MAX];
	struct stat mine, there;
	int fd = emu_settings.lock_fd;

	snprintf(path, sizeof(path), "%s/lock", emu_settings.wire_dir);
	if (stat(path, &there))
		return;
	if (fstat(fd, &mine) || mine.st_ino != there.st_ino || mine.st_dev != there.st_dev) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		flock(fd, LOCK_SH | LOCK_NB);
		emu_file_private(fd);
		return;
	}
	emu_file_keep(fd);
}

static void start(void)
{
	const char *text = getenv(EMU_ENV);

	starting = true;
	if (text && emu_settings_parse(&emu_settings, text)) {
		fprintf(stderr,
			"daqiri-emu: %s=%s is not what this library understands: start the program "
			"with daqiri-emu of the same version\n",
			EMU_ENV, text);
		abort();
	}
	if (emu_settings.active) {
		emu_settings_name_devices();
		hold_wire();
		pthread_atfork(fork_prepare, fork_parent, fork_child);
	}
	starting = false;
	__atomic_store_n(&started, true, __ATOMIC_RELEASE); /* pairs with emu_active's acquire */
}

bool emu_active(void)
{
	if (starting)
		return false;
	if (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		pthread_once(&start_once, start);
	return emu_settings.active;
}

static __attribute__((constructor)) void constructor(void)
{
	if (emu_active())
		emu_live_inherit();
}

static __attribute__((destructor)) void destructor(void)
{
	if (emu_active())
		emu_live_flush_all();
}

int emu_wire_need(void)
{
	static bool told;
	char err[512] = "";
	int ret = emu_wire_attach(err, sizeof(err)); /* again after a fork: the child has its own */

	if (ret && !told)
		fprintf(stderr, "daqiri-emu: %s\n", err);
	told = told || ret;
	return ret;
}
