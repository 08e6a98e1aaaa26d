/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply.h"
#include "files.h"

static char digit(unsigned v)
{
	return (char)(v < 10 ? '0' + v : 'a' + v - 10);
}

/* Bytes as hex digits: a journal of JSON keeps any. */
static json_t *hex(const char *bytes, size_t len)
{
	char *text = malloc(2 * len + 1);
	json_t *out;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digit((unsigned char)bytes[i] >> 4);
		text[2 * i + 1] = digit(bytes[i] & 15);
	}
	text[2 * len] = 0;
	out = json_string(text);
	free(text);
	return out;
}

static int add(struct tune_doer *d, json_t *entry)
{
	if (!entry)
		return -ENOMEM;
	if (d->journal)
		return tune_journal_add(d->journal, entry);
	json_decref(entry);
	return 0;
}

static json_t *entry_of(const struct tune_step *s, const char *kind)
{
	return json_pack("{s:s, s:s, s:s}", "kind", kind, "setting", s->setting, "path", s->path);
}

/* Whether the kernel has what it was given: fewer huge pages, perhaps. */
static void compare(struct tune_doer *d, const struct tune_step *s)
{
	char now[1024];

	if (tune_text(d->root, now, sizeof(now), "%s", s->path) || !strcmp(now, s->text))
		return;
	fprintf(d->out, "# /%s: asked %s, got %s\n", s->path, s->text, now);
	d->odd++;
}

static int do_write(struct tune_doer *d, const struct tune_step *s)
{
	struct tune_content old;
	char text[1024];
	json_t *entry;
	int ret = tune_content(d->root, s->path, &old);

	if (ret)
		return ret;
	entry = entry_of(s, "write");
	json_object_set_new(entry, "old", hex(old.bytes, old.len));
	free(old.bytes);
	ret = add(d, entry);
	if (!ret) {
		int n = snprintf(text, sizeof(text), "%s\n", s->text);

		ret = tune_overwrite(d->root, s->path, text, (size_t)n);
	}
	if (!ret)
		compare(d, s);
	return ret;
}

static int do_pci(struct tune_doer *d, const struct tune_step *s)
{
	unsigned value, mask, old = 0, now = 0;
	json_t *entry;
	int ret;

	if (!s->at || sscanf(s->text, "%x:%x", &value, &mask) != 2)
		return -EACCES;
	ret = tune_pci_get(d->root, s->path, s->at, &old);
	if (ret)
		return ret;
	entry = entry_of(s, "pci");
	json_object_set_new(entry, "at", json_integer(s->at));
	json_object_set_new(entry, "mask", json_integer(mask));
	json_object_set_new(entry, "value", json_integer(old & mask));
	ret = add(d, entry);
	if (!ret)
		ret = tune_pci_set(d->root, s->path, s->at, (old & ~mask) | value);
	if (!ret)
		ret = tune_pci_get(d->root, s->path, s->at, &now);
	return ret ? ret : (now & mask) == value ? 0 : -EIO;
}

struct making {
	struct tune_doer *d;
	const struct tune_step *s;
};

static int made_dir(void *arg, const char *dir)
{
	struct making *m = arg;
	json_t *entry = entry_of(m->s, "dir");

	json_object_set_new(entry, "path", json_string(dir));
	return add(m->d, entry);
}

static int do_file(struct tune_doer *d, const struct tune_step *s)
{
	struct tune_content old, new = {.bytes = s->text, .len = strlen(s->text), .mode = s->mode};
	struct making m = {d, s};
	char dir[256];
	json_t *entry;
	int ret;

	tune_put(dir, sizeof(dir), s->path);
	*(strrchr(dir, '/') ? strrchr(dir, '/') : dir) = 0;
	ret = tune_make_dirs(d->root, dir, made_dir, &m);
	if (!ret)
		ret = tune_content(d->root, s->path, &old);
	if (ret && ret != -ENOENT)
		return ret;
	entry = entry_of(s, "file");
	new.uid = geteuid();
	new.gid = getegid();
	if (!ret) {
		new.mode = old.mode;
		new.uid = old.uid;
		new.gid = old.gid;
		json_object_set_new(entry, "old", hex(old.bytes, old.len));
		json_object_set_new(entry, "mode", json_integer(old.mode));
		json_object_set_new(entry, "uid", json_integer(old.uid));
		json_object_set_new(entry, "gid", json_integer(old.gid));
		free(old.bytes);
	}
	json_object_set_new(entry, "new", hex(s->text, new.len));
	ret = add(d, entry);
	return ret ? ret : tune_replace(d->root, s->path, &new);
}

static int do_run(struct tune_doer *d, const struct tune_step *s)
{
	json_t *entry = entry_of(s, "run");
	int ret = 0;

	json_object_set_new(entry, "back", json_string(s->back));
	json_object_set_new(entry, "lasting", json_boolean(s->lasting));
	/* what an earlier --set did already is its to take back, and not this one's */
	if (*s->back && !(*s->text && d->journal && tune_journal_takes_back(d->journal, s->back)))
		ret = add(d, entry);
	else
		json_decref(entry);
	if (ret || !*s->text)
		return ret;
	if (d->run)
		return d->run(s->text);
	fprintf(d->out, "# in a snapshot no command is run\n");
	return 0;
}

static int do_net(struct tune_doer *d, const struct tune_step *s)
{
	bool rx, tx, on = !strcmp(s->text, "on"), pause = s->kind == TUNE_STEP_PAUSE;
	json_t *entry;
	int ret;

	if (!d->root->live) {
		fprintf(d->out, "# in a snapshot no interface is changed\n");
		return 0;
	}
	ret = pause ? tune_net_pause_get(s->path, &rx, &tx) : 0;
	if (ret)
		return ret;
	entry = entry_of(s, pause ? "pause" : "address");
	if (pause) {
		json_object_set_new(entry, "rx", json_boolean(rx));
		json_object_set_new(entry, "tx", json_boolean(tx));
	} else {
		json_object_set_new(entry, "address", json_string(s->text));
	}
	ret = add(d, entry);
	if (ret)
		return ret;
	return pause ? tune_net_pause_set(s->path, on, on)
		     : tune_net_address(s->path, s->text, true);
}

static int do_step(struct tune_doer *d, const struct tune_step *s)
{
	switch (s->kind) {
	case TUNE_STEP_WRITE:
		return do_write(d, s);
	case TUNE_STEP_FILE:
		return do_file(d, s);
	case TUNE_STEP_PCI:
		return do_pci(d, s);
	case TUNE_STEP_RUN:
		return do_run(d, s);
	case TUNE_STEP_ADDRESS:
	case TUNE_STEP_PAUSE:
		return do_net(d, s);
	default:
		return 0;
	}
}

static void explain(const struct tune_step *s, int ret, char err[512])
{
	const char *what = s->kind == TUNE_STEP_RUN ? s->text : s->path;

	if (ret > 0)
		snprintf(err, 512, "%s: \"%.256s\" failed with status %d", s->setting, what, ret);
	else if (ret == -EROFS)
		snprintf(err, 512, "%s: %.256s: mounted read-only; a container?", s->setting, what);
	else if (s->kind == TUNE_STEP_PCI && (ret == -EPERM || ret == -EACCES))
		snprintf(err, 512, "%s: %.256s: refused: needs root, and a kernel without lockdown",
			 s->setting, what);
	else if (ret == -ELOOP)
		snprintf(err, 512, "%s: /%.256s is a symbolic link, and is left alone", s->setting,
			 what);
	else
		snprintf(err, 512, "%s: %.256s: %s", s->setting, what, strerror(-ret));
}

int tune_do(struct tune_doer *d, const struct tune_plan *plan, char err[512])
{
	for (unsigned i = 0; i < plan->n_steps; i++) {
		const struct tune_step *s = &plan->step[i];
		off_t before = d->journal ? tune_journal_end(d->journal) : 0;
		int ret;

		if (d->stop && *d->stop) {
			snprintf(err, 512, "interrupted");
			return -EINTR;
		}
		tune_say_step(d->out, d->root, s);
		fflush(d->out);
		ret = do_step(d, s);
		if (!ret)
			continue;
		explain(s, ret, err);
		if (!s->may_fail)
			return ret < 0 ? ret : -EIO;
		if (d->journal && tune_journal_cut(d->journal, before)) /* nothing to take back */
			return -EIO;
		fprintf(d->out, "# %s; the rest goes on\n", err);
	}
	return 0;
}
