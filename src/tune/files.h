/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_FILES_H
#define TUNE_FILES_H

#include <sys/stat.h>

#include "root.h"

/* Writing below a root: paths without a leading slash; links lead nowhere else. 0 or -errno. */

int tune_stat(const struct tune_root *r, const char *path, struct stat *st);
int tune_write_all(int fd, const void *buf, size_t len, off_t at);

/* Calls made (if not NULL) before each directory that is missing; the path itself is one. */
int tune_make_dirs(const struct tune_root *r, const char *path,
		   int (*made)(void *arg, const char *dir), void *arg);

/* unlinkat() by path. */
int tune_remove(const struct tune_root *r, const char *path, int flags);

/* Into a file that is there, from its beginning: for files of the kernel. */
int tune_overwrite(const struct tune_root *r, const char *path, const void *buf, size_t len);

struct tune_content {
	char *bytes;
	size_t len;
	unsigned mode, uid, gid;
};

/* All of a file, to be freed. -ENOENT: none; -ELOOP: it is a link; -EFBIG: above 1 MiB. */
int tune_content(const struct tune_root *r, const char *path, struct tune_content *out);

/* A whole file at once: readers see the old one or the new one. */
int tune_replace(const struct tune_root *r, const char *path, const struct tune_content *c);

/* 16 bits of a PCI configuration space. */
int tune_pci_get(const struct tune_root *r, const char *addr, unsigned at, unsigned *value);
int tune_pci_set(const struct tune_root *r, const char *addr, unsigned at, unsigned value);

#endif
