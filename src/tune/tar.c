/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot as a tar archive: POSIX ustar headers, GNU's records for long names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

enum { BLOCK = 512, NAME = 100 };

struct header {
	char name[NAME], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], kind;
	char link[NAME], magic[8], rest[247];
};

_Static_assert(sizeof(struct header) == BLOCK, "a block");

static void octal(char *field, size_t size, unsigned long long value)
{
	field[--size] = 0;
	while (size--) {
		field[size] = (char)('0' + (value & 7));
		value >>= 3;
	}
}

static void put_padded(FILE *f, const void *data, size_t len)
{
	static const char zero[BLOCK];

	fwrite(data, 1, len, f);
	fwrite(zero, 1, (BLOCK - len % BLOCK) % BLOCK, f);
}

static void put_header(FILE *f, const char *name, const struct tune_entry *e)
{
	size_t size = e->kind == '2' || e->kind == '5' ? 0 : e->len;
	struct header h = {.kind = e->kind, .magic = "ustar  "}; /* GNU's, for its long names */
	unsigned sum = 0;

	memcpy(h.name, name, strnlen(name, NAME));
	if (e->kind == '2')
		memcpy(h.link, e->data, strnlen(e->data, NAME));
	octal(h.mode, sizeof(h.mode), e->kind == '5' ? 0755 : 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), size);
	octal(h.mtime, sizeof(h.mtime), (unsigned long long)time(NULL));
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((const unsigned char *)&h)[i];
	octal(h.sum, 7, sum);
	fwrite(&h, 1, BLOCK, f);
}

/* 'L': the next one's name; 'K': where its link leads. */
static void put_long(FILE *f, char kind, char *text)
{
	struct tune_entry e = {.kind = kind, .data = text, .len = strlen(text) + 1};

	if (e.len <= NAME)
		return;
	put_header(f, "././@LongLink", &e);
	put_padded(f, text, e.len);
}

static void put_entry(FILE *f, const struct tune_entry *e)
{
	put_long(f, 'L', e->path);
	if (e->kind == '2')
		put_long(f, 'K', e->data);
	put_header(f, e->path, e);
	if (e->kind == '0' && e->len)
		put_padded(f, e->data, e->len);
}

int tune_record_write(const struct tune_record *rec, const char *file)
{
	static const char zero[2 * BLOCK];
	FILE *f = fopen(file, "wx");
	int ret;

	if (!f)
		return -errno;
	for (unsigned i = 0; i < rec->n_entries; i++)
		if (rec->entry[i].kind)
			put_entry(f, &rec->entry[i]);
	fwrite(zero, 1, sizeof(zero), f);
	ret = ferror(f) || fflush(f) || fsync(fileno(f)) ? -EIO : 0;
	if (fclose(f) && !ret)
		ret = -errno;
	if (ret)
		unlink(file);
	return ret;
}
