/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that write the copy of /sys. */
#ifndef EMU_SYSFS_PUT_H
#define EMU_SYSFS_PUT_H

#include "emu.h"
#include "tree.h"

struct attr {
	const char *name, *text;
};

void emu_put_attrs(struct emu_tree *t, const char *dir, const struct attr *attrs, size_t n);
#define PUT_ATTRS(t, dir, array) emu_put_attrs(t, dir, array, sizeof(array) / sizeof((array)[0]))

/* A link in dir, which is below "/sys", to a place counted from there. */
void emu_put_up_link(struct emu_tree *t, const char *dir, const char *to, const char *name);

/* sysfs_pci.c: the function's folder, and those above it. */
void emu_put_pci(struct emu_tree *t, const char *dir, const struct emu_dev *dev);
void emu_put_bridges(struct emu_tree *t, const struct emu_dev *dev);

#endif
