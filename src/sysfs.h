/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of sysfs. The path is a format with arguments; results are negative errno on failure.
 */
#ifndef DQ_SYSFS_H
#define DQ_SYSFS_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a file's first line without its newline. Returns its length; "" and -errno on failure. */
int dq_sysfs_read(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads what a file has, at most size - 1 bytes. Returns how many; "" and -errno on failure. */
int dq_sysfs_read_text(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads a number, 10 or 0x10. *out is unchanged on failure. */
int dq_sysfs_read_u64(uint64_t *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int dq_sysfs_write(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last part of the path that a symbolic link names: "0000:17:00.0". "" on failure. */
void dq_sysfs_link_name(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* opendir(), for dq_sysfs_starved(). */
DIR *dq_sysfs_opendir(const char *path);

/*
 * EMFILE or ENFILE if, since the last call, something of sysfs could not be opened by this thread
 * for want of descriptors, and so seemed not to be there; else 0.
 */
int dq_sysfs_starved(void);

#endif
