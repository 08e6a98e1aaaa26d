/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_ROOT_H
#define TUNE_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Where files are read: this machine, or the directory of a snapshot. Paths are without a leading
 * slash. Whatever lies there is read within bounds: a file that is missing, a directory, a pipe,
 * binary or endless is an error number or cut short, never a wait.
 */
struct tune_root {
	int fd;			    /* the directory that stands for / */
	bool live;		    /* it is / */
	const char *dir;	    /* as it was given; "/" for this machine */
	struct tune_record *record; /* if not NULL: what is looked at is kept there */
};

#define TUNE_PATH 512 /* longer ones are refused */

int tune_root_open(struct tune_root *r, const char *dir);
void tune_root_close(struct tune_root *r);

/* Whether the kernel keeps links within the root; where it cannot, nothing is to be written. */
bool tune_root_confined(const struct tune_root *r);

/* Opens a file within the root. Links lead nowhere else. A descriptor or -errno. */
int tune_root_fd(const struct tune_root *r, const char *path, int flags);

/* The first size - 1 bytes and a zero. Their number, or -errno (then buf is ""). */
ssize_t tune_read(const struct tune_root *r, char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* As text: blanks at the end go, what is not printable ASCII becomes '?'. 0 or -errno. */
int tune_text(const struct tune_root *r, char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A file that holds one number, decimal or 0x…. 0 or -errno; *out then stays. */
int tune_number(const struct tune_root *r, long long *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether anything is there. */
bool tune_exists(const struct tune_root *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Where a symbolic link leads, as a path within the root; one step. 0 or -errno. */
int tune_link(const struct tune_root *r, char buf[TUNE_PATH], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The sorted names in a directory, at most 4096. */
struct tune_names {
	unsigned n;
	char **name;
};

/* Always leaves names fit for a loop and for tune_names_free(). 0 or -errno. */
int tune_list(const struct tune_root *r, struct tune_names *names, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void tune_names_free(struct tune_names *names);

/* Copies what fits; the same without format warnings. */
void tune_put(char *dst, size_t size, const char *src);

#endif
