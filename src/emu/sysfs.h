/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of /sys and /dev/infiniband that a wire's directory holds. */
#ifndef EMU_SYSFS_H
#define EMU_SYSFS_H

#include <stdbool.h>

/*
 * Writes the tree below root for the devices of emu_settings. 0 or -errno; a tree half written is
 * removed with the wire. Static contents only: live.c answers for the rest.
 */
int emu_sysfs_build(const char *root);

#define EMU_PORT_MTU 1500
#define EMU_GIDS     16

#endif
