/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_RECORD_H
#define TUNE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

struct tune_root;

/* What was looked at below a root: the files of a snapshot. */
struct tune_entry {
	char *path;
	unsigned hash; /* of the path */
	char kind;     /* as tar has them: '0' file, '2' link, '5' directory */
	bool whole;    /* a file whose bytes are here; else only its name was asked for */
	char *data;    /* of a file, or where a link leads */
	size_t len;
};

struct tune_record {
	unsigned n_entries;
	struct tune_entry *entry;
	bool no_memory;
};

/* Each link on the way to a path, and what is there; names are kept without their bytes. */
void tune_record_path(const struct tune_root *r, const char *path, bool whole);
/* Bytes of our own in a file's place; data is taken. */
void tune_record_put(struct tune_record *rec, const char *path, char *data, size_t len);
void tune_record_free(struct tune_record *rec);

/* As a tar archive. 0 or -errno; nothing is left where it fails. */
int tune_record_write(const struct tune_record *rec, const char *file);

/* Hides MAC and IP addresses, UUIDs, serial numbers and the host's name, the same one the same way.
 */
int tune_record_redact(struct tune_record *rec, const char *host);

#endif
