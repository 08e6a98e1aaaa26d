/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "record.h"

enum { CONTENT_MOST = 64 << 10, LINKS_MOST = 40 };

static unsigned hash_of(const char *text)
{
	unsigned h = 2166136261u; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

static struct tune_entry *entry_of(struct tune_record *rec, const char *path)
{
	unsigned hash = hash_of(path);
	struct tune_entry *e;

	for (unsigned i = rec->n_entries; i-- > 0;)
		if (rec->entry[i].hash == hash && !strcmp(rec->entry[i].path, path))
			return &rec->entry[i];
	e = TUNE_GROW(rec, entry, n_entries);
	if (!e)
		return NULL;
	e->hash = hash;
	e->path = strdup(path);
	if (!e->path) {
		rec->n_entries--;
		return NULL;
	}
	return e;
}

void tune_record_put(struct tune_record *rec, const char *path, char *data, size_t len)
{
	struct tune_entry *e = entry_of(rec, path);

	if (!e || !data) {
		rec->no_memory = true;
		free(data);
		return;
	}
	free(e->data);
	e->kind = '0';
	e->whole = true;
	e->data = data;
	e->len = len;
}

/* A file of /proc or /sys tells no size. Where it cannot be read it is not there. */
static void take_file(const struct tune_root *r, const char *path)
{
	int fd = openat(r->fd, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	char buf[CONTENT_MOST], *data;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return;
	while (len < sizeof(buf) && (n = read(fd, buf + len, sizeof(buf) - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0)
		return;
	data = malloc(len + 1);
	if (data)
		memcpy(data, buf, len);
	tune_record_put(r->record, path, data, len);
}

static void take(const struct tune_root *r, const char *path, const struct stat *st, bool whole)
{
	struct tune_entry *e;

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return;
	e = entry_of(r->record, path);
	if (!e) {
		r->record->no_memory = true;
	} else if (S_ISDIR(st->st_mode)) {
		e->kind = '5';
	} else if (!e->whole) {
		e->kind = '0';
		if (whole)
			take_file(r, path);
	}
}

static void take_link(const struct tune_root *r, const char *path, const char *target)
{
	struct tune_entry *e = entry_of(r->record, path);

	if (e && !e->data) {
		e->kind = '2';
		e->data = strdup(target);
		e->len = strlen(target);
	}
	r->record->no_memory |= !e || !e->data;
}

/* A walk through a tree: done is without links, rest is still to go. */
struct walk {
	char done[TUNE_PATH], rest[2 * TUNE_PATH];
};

static void up(char *done)
{
	char *slash = strrchr(done, '/');

	*(slash ? slash : done) = 0;
}

/* The first word of rest behind done: its status, or false where the walk ends. */
static bool step(const struct tune_root *r, struct walk *w, struct stat *st)
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/"),
	       at = strlen(w->done);

	if (!len || at + len + 2 > TUNE_PATH)
		return false;
	snprintf(w->done + at, TUNE_PATH - at, "%s%.*s", at ? "/" : "", (int)len, w->rest + skip);
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return !fstatat(r->fd, w->done, st, AT_SYMLINK_NOFOLLOW);
}

static bool follow(const struct tune_root *r, struct walk *w)
{
	char target[TUNE_PATH], rest[2 * TUNE_PATH];
	ssize_t n = readlinkat(r->fd, w->done, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = 0;
	take_link(r, w->done, target);
	snprintf(rest, sizeof(rest), "%s/%.511s", target, w->rest);
	memcpy(w->rest, rest, sizeof(rest));
	if (*target == '/')
		*w->done = 0;
	else
		up(w->done);
	return true;
}

static bool dots(struct walk *w)
{
	size_t skip = strspn(w->rest, "/");

	if (strncmp(w->rest + skip, "..", 2) || !strchr("/", w->rest[skip + 2]))
		return false;
	up(w->done);
	memmove(w->rest, w->rest + skip + 2, strlen(w->rest + skip + 2) + 1);
	return true;
}

void tune_record_path(const struct tune_root *r, const char *path, bool whole)
{
	struct walk w = {"", ""};
	unsigned links = 0;
	struct stat st;

	tune_put(w.rest, sizeof(w.rest), path);
	while (w.rest[strspn(w.rest, "/")]) {
		if (dots(&w))
			continue;
		if (!step(r, &w, &st))
			return;
		if (S_ISLNK(st.st_mode) && (++links > LINKS_MOST || !follow(r, &w)))
			return;
	}
	if (*w.done && !fstatat(r->fd, w.done, &st, AT_SYMLINK_NOFOLLOW))
		take(r, w.done, &st, whole);
}

void tune_record_free(struct tune_record *rec)
{
	for (unsigned i = 0; i < rec->n_entries; i++) {
		free(rec->entry[i].path);
		free(rec->entry[i].data);
	}
	free(rec->entry);
	memset(rec, 0, sizeof(*rec));
}
