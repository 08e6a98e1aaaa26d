/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and removing directory trees, for the wrapper. */
#ifndef EMU_TREE_H
#define EMU_TREE_H

#include <stddef.h>

/* A tree being written. After the first error nothing more is done: look at err at the end. */
struct emu_tree {
	const char *root;
	int err; /* 0 or -errno */
};

/* Names begin with '/' and lie below root; missing directories above them are made. */
__attribute__((format(printf, 2, 3))) void emu_tree_dir(struct emu_tree *t, const char *name, ...);
__attribute__((format(printf, 3, 4))) void emu_tree_file(struct emu_tree *t, const char *text,
							  const char *name, ...);
__attribute__((format(printf, 4, 5))) void emu_tree_bytes(struct emu_tree *t, const void *bytes,
							   size_t n, const char *name, ...);
/* The contents of a real file, empty where it cannot be read. */
__attribute__((format(printf, 3, 4))) void emu_tree_copy(struct emu_tree *t, const char *from,
							  const char *name, ...);
/* An existing entry of that name stays: no error. */
__attribute__((format(printf, 3, 4))) void emu_tree_link(struct emu_tree *t, const char *target,
							  const char *name, ...);

/* Removes dir and all below it, without following links. 0 or -errno. */
int emu_tree_remove(const char *dir);

#endif
