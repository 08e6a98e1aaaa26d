/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "files.h"

static const char *text_of(const json_t *entry, const char *key)
{
	const char *t = json_string_value(json_object_get(entry, key));

	return t ? t : "";
}

static unsigned number_of(const json_t *entry, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(entry, key));

	return n < 0 || n > UINT32_MAX ? 0 : (unsigned)n;
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

/* -ENOENT: there was none. */
static int bytes_of(const json_t *entry, const char *key, struct tune_content *out)
{
	const char *text = json_string_value(json_object_get(entry, key));

	memset(out, 0, sizeof(*out));
	if (!text)
		return -ENOENT;
	out->len = strlen(text) / 2;
	out->bytes = malloc(out->len + 1);
	if (!out->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < out->len; i++)
		out->bytes[i] = (char)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	out->mode = number_of(entry, "mode") & 07777;
	out->uid = number_of(entry, "uid");
	out->gid = number_of(entry, "gid");
	return 0;
}

static bool same(const struct tune_content *a, const struct tune_content *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* What is as it was needs no writing: a step that failed changed nothing, on a read-only mount say.
 */
static int undo_write(struct tune_doer *d, const json_t *entry)
{
	struct tune_content old, now = {0};
	int ret = bytes_of(entry, "old", &old);

	if (!ret && (tune_content(d->root, text_of(entry, "path"), &now) || !same(&now, &old)))
		ret = tune_overwrite(d->root, text_of(entry, "path"), old.bytes, old.len);
	free(old.bytes);
	free(now.bytes);
	return ret;
}

static int undo_pci(struct tune_doer *d, const json_t *entry)
{
	const char *addr = text_of(entry, "path");
	unsigned at = number_of(entry, "at"), mask = number_of(entry, "mask"), now;
	unsigned value = number_of(entry, "value");
	int ret = tune_pci_get(d->root, addr, at, &now);

	if (ret || (now & mask) == value)
		return ret;
	return tune_pci_set(d->root, addr, at, (now & ~mask) | value);
}

/*
 * What somebody changed after us is not lost: it stays beside the file, by a name that
 * NetworkManager takes for no profile.
 */
static int keep_changed(struct tune_doer *d, const json_t *entry, const struct tune_content *old)
{
	const char *path = text_of(entry, "path");
	struct tune_content now, ours;
	char beside[TUNE_PATH];
	int ret = 0;

	if (tune_content(d->root, path, &now))
		return 0;
	if (!bytes_of(entry, "new", &ours) && !same(&now, &ours) &&
	    !(old->bytes && same(&now, old))) {
		snprintf(beside, sizeof(beside), "%.480s.daqiri-changed~", path);
		ret = tune_replace(d->root, beside, &now);
		fprintf(d->out, "# /%s was changed since: that is /%s now\n", path, beside);
	}
	free(now.bytes);
	free(ours.bytes);
	return ret;
}

/* Byte for byte, with mode and owner. */
static bool is_there(struct tune_doer *d, const char *path, const struct tune_content *old)
{
	struct tune_content now;
	bool yes;

	if (tune_content(d->root, path, &now))
		return false;
	yes = same(&now, old) && now.mode == old->mode && now.uid == old->uid &&
	      now.gid == old->gid;
	free(now.bytes);
	return yes;
}

static int undo_file(struct tune_doer *d, const json_t *entry)
{
	const char *path = text_of(entry, "path"), *base = strrchr(path, '/');
	struct tune_content old;
	char half[TUNE_PATH];
	struct stat st;
	int was = bytes_of(entry, "old", &old), ret;

	/* of one who was killed between writing and renaming */
	snprintf(half, sizeof(half), "%.*s.%.255s.daqiri-tune", (int)(base ? base + 1 - path : 0),
		 path, base ? base + 1 : path);
	tune_remove(d->root, half, 0);
	if (!strcmp(path, "etc/daqiri/tune.ini") && !tune_journal_now(d->journal, entry))
		fprintf(d->out, "# what it set at this start stays: takes effect with the next "
				"reboot\n");
	ret = was == -ENOMEM ? was : keep_changed(d, entry, &old);
	if (!ret && !was && !is_there(d, path, &old))
		ret = tune_replace(d->root, path, &old);
	else if (!ret && was && !tune_stat(d->root, path, &st))
		ret = tune_remove(d->root, path, 0);
	free(old.bytes);
	return ret == -ENOENT ? 0 : ret;
}

static int undo_run(struct tune_doer *d, const json_t *entry)
{
	const char *back = text_of(entry, "back");

	fprintf(d->out, "%s\n", back);
	if (d->run)
		return d->run(back);
	fprintf(d->out, "# in a snapshot no command is run\n");
	return 0;
}

static int undo_dir(struct tune_doer *d, const json_t *entry)
{
	int ret = tune_exists(d->root, "%s", text_of(entry, "path"))
			  ? tune_remove(d->root, text_of(entry, "path"), AT_REMOVEDIR)
			  : 0;

	return ret == -ENOTEMPTY || ret == -EEXIST || ret == -ENOENT ? 0 : ret;
}

static int undo_net(const struct tune_doer *d, const json_t *entry, bool pause)
{
	if (!d->root->live) /* the interface is another machine's */
		return 0;
	if (!pause)
		return tune_net_address(text_of(entry, "path"), text_of(entry, "address"), false);
	return tune_net_pause_set(text_of(entry, "path"),
				  json_is_true(json_object_get(entry, "rx")),
				  json_is_true(json_object_get(entry, "tx")));
}

/* What a reboot has taken back by itself. */
static bool gone(const struct tune_doer *d, const json_t *entry, const char *kind)
{
	return strcmp(kind, "file") && strcmp(kind, "dir") &&
	       !json_is_true(json_object_get(entry, "lasting")) &&
	       !tune_journal_now(d->journal, entry);
}

static int undo_one(struct tune_doer *d, const json_t *entry)
{
	const char *kind = text_of(entry, "kind");

	if (gone(d, entry, kind))
		return 0;
	if (strcmp(kind, "run"))
		fprintf(d->out, "# as it was: %s%s\n",
			*kind == 'w' || *kind == 'f' || *kind == 'd' ? "/" : "",
			text_of(entry, "path"));
	if (!strcmp(kind, "write"))
		return undo_write(d, entry);
	if (!strcmp(kind, "pci"))
		return undo_pci(d, entry);
	if (!strcmp(kind, "file"))
		return undo_file(d, entry);
	if (!strcmp(kind, "dir"))
		return undo_dir(d, entry);
	if (!strcmp(kind, "run"))
		return undo_run(d, entry);
	return undo_net(d, entry, !strcmp(kind, "pause"));
}

static void complain(struct tune_doer *d, const json_t *entry, int ret)
{
	fprintf(d->out, "# %s %s%s: not taken back: %s\n", text_of(entry, "setting"),
		text_of(entry, "path"), text_of(entry, "back"),
		ret < 0 ? strerror(-ret) : "the command failed");
	d->odd++;
}

/* What was done to the same thing later could not be taken back: the order must stay. */
static bool waits(const json_t *failed, const json_t *entry)
{
	const char *path = text_of(entry, "path");
	const json_t *one;
	size_t i;

	json_array_foreach(failed, i, one)
	{
		if (*path && !strcmp(text_of(one, "path"), path) &&
		    !strcmp(text_of(one, "kind"), text_of(entry, "kind")))
			return true;
	}
	return false;
}

/*
 * From the end down, each entry cut off when it is taken back; from the first one on that cannot be
 * they stay until all were tried: killed in between, the next --undo finds it, and takes back again
 * what was behind it. failed gets those, in their order; end is where what was not tried ends.
 */
static int take_back(struct tune_doer *d, off_t down_to, json_t *failed, off_t *end)
{
	int first = 0;

	for (*end = tune_journal_end(d->journal);;) {
		off_t at;
		json_t *entry = tune_journal_before(d->journal, *end, &at);
		int ret;

		if (at < down_to) { /* none, or one that was cut off, or of before */
			json_decref(entry);
			*end = down_to;
			return first;
		}
		if (!entry)
			return first ? first : -EINVAL;
		ret = waits(failed, entry) ? -EBUSY : undo_one(d, entry);
		if (ret) {
			complain(d, entry, ret);
			json_array_insert(failed, 0, entry);
		}
		first = first ? first : ret;
		json_decref(entry);
		*end = at;
		if (!first && tune_journal_cut(d->journal, at))
			return -EIO;
	}
}

int tune_undo(struct tune_doer *d, off_t down_to)
{
	json_t *failed = json_array();
	off_t end = tune_journal_end(d->journal);
	int ret = failed ? take_back(d, down_to, failed, &end) : -ENOMEM;

	/* what failed is to be tried again; without any what is behind the end was cut off half-way
	 */
	if (json_array_size(failed) ? tune_journal_replace(d->journal, end, failed)
				    : tune_journal_cut(d->journal, end))
		ret = -EIO;
	json_decref(failed);
	return ret;
}
