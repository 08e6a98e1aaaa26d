/* SPDX-License-Identifier: Apache-2.0 */
/* What daqiri-emu tells the preload library, and the names that follow from it. */
#ifndef EMU_SETTINGS_H
#define EMU_SETTINGS_H

#include "emu.h"

#define EMU_ENV "DAQIRI_EMU"

/* options.c: text of at most size bytes, for the environment and for the wire's own file
 * "settings". */
int emu_settings_format(const struct emu_settings *set, char *text, size_t size);
/* 0, or -EINVAL: set is left as it was. */
int emu_settings_parse(struct emu_settings *set, const char *text);

/* Fills name, netdev, PCI address and MAC of emu_devs[0..n_ports) from emu_settings. */
void emu_settings_name_devices(void);

#endif
