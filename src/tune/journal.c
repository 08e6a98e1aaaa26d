/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "journal.h"

static const char place[] = "var/lib/daqiri";
static const char name[] = "journal", name_new[] = "journal.new";

enum { JOURNAL_MAX = 64 << 20 };

static int lock(struct tune_journal *j)
{
	struct stat ours, there;

	if (flock(j->dir, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* the one who had it may have taken the empty directory away */
	if (fstat(j->dir, &ours) || tune_stat(j->root, place, &there) ||
	    ours.st_ino != there.st_ino)
		return -EBUSY;
	return 0;
}

static int explain(int ret, char err[256])
{
	if (ret == -EBUSY)
		snprintf(err, 256, "another daqiri-tune is at work: try again when it has ended");
	else
		snprintf(err, 256, "/%s: %s; the journal for --undo must be there", place,
			 strerror(-ret));
	return ret;
}

static char *read_all(int fd, size_t *size)
{
	struct stat st;
	char *buf;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > JOURNAL_MAX)
		return NULL;
	buf = malloc((size_t)st.st_size + 1);
	n = buf ? pread(fd, buf, (size_t)st.st_size, 0) : -1;
	if (n != st.st_size) {
		free(buf);
		return NULL;
	}
	*size = (size_t)n;
	buf[n] = 0;
	return buf;
}

/* A last line that was cut off: its change was not made, and no other may be joined to it. */
static int drop_torn(struct tune_journal *j)
{
	size_t size = 0, end;
	char *buf = read_all(j->fd, &size);

	if (!buf)
		return -EIO;
	for (end = size; end && buf[end - 1] != '\n';)
		end--;
	free(buf);
	return end == size ? 0 : tune_journal_cut(j, (off_t)end);
}

int tune_journal_open(struct tune_journal *j, const struct tune_root *root, char err[256])
{
	int ret;

	*j = (struct tune_journal){.root = root, .dir = -1, .fd = -1};
	tune_text(root, j->boot, sizeof(j->boot), "proc/sys/kernel/random/boot_id");
	ret = tune_make_dirs(root, place, NULL, NULL);
	if (!ret)
		ret = j->dir = tune_root_fd(root, place, O_RDONLY | O_DIRECTORY);
	if (ret >= 0)
		ret = lock(j);
	if (!ret) {
		j->fd = openat(j->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		ret = j->fd < 0 ? -errno : 0;
	}
	if (!ret)
		ret = drop_torn(j);
	if (!ret)
		return 0;
	if (j->fd >= 0)
		close(j->fd);
	if (j->dir >= 0)
		close(j->dir);
	j->fd = j->dir = -1;
	return explain(ret, err);
}

/* Directories of a snapshot go as they came; those of a machine hold other things. */
static void tidy(const struct tune_root *root)
{
	static const char *const up[] = {"var/lib/daqiri", "var/lib", "var"};

	for (unsigned i = 0; i < (root->live ? 1 : 3); i++)
		if (tune_remove(root, up[i], AT_REMOVEDIR))
			return;
}

void tune_journal_close(struct tune_journal *j)
{
	if (j->fd >= 0 && !tune_journal_end(j) && !unlinkat(j->dir, name, 0)) {
		unlinkat(j->dir, name_new, 0);
		tidy(j->root);
	}
	if (j->fd >= 0)
		close(j->fd);
	if (j->dir >= 0)
		close(j->dir);
	j->fd = j->dir = -1;
}

off_t tune_journal_end(const struct tune_journal *j)
{
	struct stat st;

	return fstat(j->fd, &st) ? 0 : st.st_size;
}

/* Appends a line, of this boot if it says none. */
static int append(const struct tune_journal *j, int fd, off_t at, json_t *entry)
{
	char *text = NULL, *line;
	int ret = -ENOMEM;

	if (entry && (json_object_get(entry, "boot") ||
		      !json_object_set_new(entry, "boot", json_string(j->boot))))
		text = json_dumps(entry, JSON_COMPACT);
	line = text ? malloc(strlen(text) + 2) : NULL;
	if (line)
		ret = tune_write_all(fd, line, (size_t)sprintf(line, "%s\n", text), at);
	free(text);
	free(line);
	return ret;
}

int tune_journal_add(struct tune_journal *j, json_t *entry)
{
	off_t end = tune_journal_end(j);
	int ret = append(j, j->fd, end, entry);

	if (!ret && fsync(j->fd))
		ret = -errno;
	if (ret)
		tune_journal_cut(j, end);
	json_decref(entry);
	return ret;
}

int tune_journal_cut(struct tune_journal *j, off_t at)
{
	return ftruncate(j->fd, at) || fsync(j->fd) ? -errno : 0;
}

/* The journal's beginning, and then the entries. */
static int write_anew(const struct tune_journal *j, int fd, off_t at, json_t *entries)
{
	size_t size = 0;
	char *old = read_all(j->fd, &size);
	int ret = -EIO;

	if (old && (off_t)size >= at)
		ret = tune_write_all(fd, old, (size_t)at, 0);
	free(old);
	for (size_t i = 0; !ret && i < json_array_size(entries); i++) {
		struct stat st;

		ret = fstat(fd, &st) ? -errno
				     : append(j, fd, st.st_size, json_array_get(entries, i));
	}
	return !ret && fsync(fd) ? -errno : ret;
}

int tune_journal_replace(struct tune_journal *j, off_t at, json_t *entries)
{
	int fd, ret;

	unlinkat(j->dir, name_new, 0); /* of one who was killed */
	fd = openat(j->dir, name_new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ret = write_anew(j, fd, at, entries);
	if (!ret && renameat(j->dir, name_new, j->dir, name))
		ret = -errno;
	if (ret) {
		unlinkat(j->dir, name_new, 0);
		close(fd);
		return ret;
	}
	fsync(j->dir);
	close(j->fd);
	j->fd = fd;
	return 0;
}

json_t *tune_journal_before(struct tune_journal *j, off_t end, off_t *at)
{
	size_t size = 0, from;
	char *buf = read_all(j->fd, &size);
	json_t *entry = NULL;

	*at = 0;
	if (!buf)
		return NULL;
	if ((off_t)size > end)
		size = (size_t)end;
	while (size && buf[size - 1] != '\n') /* cut off: its change was not made */
		size--;
	from = size ? size - 1 : 0;
	while (from && buf[from - 1] != '\n')
		from--;
	if (size)
		entry = json_loadb(buf + from, size - from, JSON_DISABLE_EOF_CHECK, NULL);
	*at = size ? (off_t)from : -1;
	free(buf);
	return entry;
}

bool tune_journal_now(const struct tune_journal *j, const json_t *entry)
{
	const char *boot = json_string_value(json_object_get(entry, "boot"));

	return boot && !strcmp(boot, j->boot);
}

static bool takes_back(const struct tune_journal *j, const char *line, const char *back, bool any)
{
	json_t *e = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	const char *its = json_string_value(json_object_get(e, "back"));
	bool yes = its && !strcmp(its, back) &&
		   (tune_journal_now(j, e) || (any && json_is_true(json_object_get(e, "lasting"))));

	json_decref(e);
	return yes;
}

static bool has(const struct tune_journal *j, int fd, const char *back, bool any)
{
	size_t size = 0;
	char *buf = fd < 0 ? NULL : read_all(fd, &size);
	bool yes = false;

	for (char *p = buf; p && *p && !yes; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		yes = takes_back(j, p, back, any);
	free(buf);
	return yes;
}

bool tune_journal_takes_back(const struct tune_journal *j, const char *back)
{
	return has(j, j->fd, back, true);
}

bool tune_journal_pending(const struct tune_root *root, const char *back)
{
	struct tune_journal j = {.root = root};
	int fd = tune_root_fd(root, "var/lib/daqiri/journal", O_RDONLY | O_NONBLOCK);
	bool yes;

	tune_text(root, j.boot, sizeof(j.boot), "proc/sys/kernel/random/boot_id");
	yes = has(&j, fd, back, false);
	if (fd >= 0)
		close(fd);
	return yes;
}
