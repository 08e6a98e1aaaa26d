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

/* Identity of the emulated card, the same in sysfs and in query_device. */
#define EMU_VENDOR_ID 0x15b3
#define EMU_DEVICE_ID 0x1021 /* MT2910 family: ConnectX-7 */
#define EMU_FW_MAJOR  28
#define EMU_FW_MINOR  43
#define EMU_FW_SUB    2026
/* 200GBASE: four lanes of 50 Gb/s, as IB_SPEED_HDR x IB_WIDTH_4X */
#define EMU_SPEED_MBPS 200000
#define EMU_PORT_MTU   1500
#define EMU_GIDS       16

#endif
