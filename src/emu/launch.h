/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the command daqiri-emu. */
#ifndef EMU_LAUNCH_H
#define EMU_LAUNCH_H

#include "emu.h"

#include <limits.h>

/* Exit statuses, beside the program's own: as env(1) and nice(1) have them. */
#define LAUNCH_USAGE	 2
#define LAUNCH_NOT_RUN	 126
#define LAUNCH_NOT_FOUND 127

__attribute__((format(printf, 1, 2))) void launch_complain(const char *format, ...);

/*
 * launch_program.c: finds program as execvp would and judges whether the preload library would be
 * loaded into it. 0 and the file's name in path, or the exit status after telling why.
 */
int launch_find(const char *program, char path[PATH_MAX]);

/* launch_wire.c */
struct launch_wish {
	struct emu_settings want;
	uint64_t said; /* a bit for each row of options.c that the user gave */
};

/*
 * Makes the wire, or joins it, fills *set and leaves its lock held by set->lock_fd, which is to be
 * inherited. 0, or the exit status after telling why.
 */
int launch_wire(const struct launch_wish *wish, struct emu_settings *set);

/* launch_netdev.c: a real interface for each port of the wire */

/* Sets set->first_netdev. 0, or the exit status after telling why. */
int launch_netdev_make(struct emu_settings *set);
/* Those of the wire in dir, if there are any. */
void launch_netdev_remove(const char *dir);

/* launch_script.c: judges the file of --faults, if path is not empty. 0, or the exit status. */
int launch_script(const char *path);

/* launch_pcap.c: makes the file of --pcap, if path is not empty. 0, or the exit status after telling. */
int launch_pcap(const char *path);

/* launch_lock.c: the wire's directory and its lock */

/*
 * Opens dir/lock, making both, and takes the lock: *fresh true: alone, and dir is empty but for it;
 * false: shared with those who made it. Descriptor or -errno.
 */
int launch_lock(const char *dir, bool *fresh);
/* After a fresh wire is made: others may join. False: it was removed meanwhile, begin again. */
bool launch_lock_share(int fd);
/* Removes the wire in dir unless somebody holds it. */
void launch_remove(const char *dir);
/* Removes the wires in base that nobody holds. */
void launch_clean(const char *base);
/* A process of its own that removes dir when nobody holds its lock any more. 0 or -errno. */
int launch_reaper(const char *dir);

#endif
