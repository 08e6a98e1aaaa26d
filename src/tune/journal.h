/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_JOURNAL_H
#define TUNE_JOURNAL_H

#include <jansson.h>

#include "root.h"

/*
 * What was before each change, in /var/lib/daqiri/journal: a line of JSON each, on the disk before
 * the change is made. Whoever is killed half-way has written what --undo needs. The directory is
 * locked as long as the journal is open.
 */
struct tune_journal {
	const struct tune_root *root;
	int dir, fd;
	char boot[48]; /* what is gone with a reboot is not taken back after one */
};

/* -EBUSY: another one has it; -EROFS and the like. err: in words. A torn last line is cut off. */
int tune_journal_open(struct tune_journal *j, const struct tune_root *root, char err[256]);
/* Takes it away when it is empty. */
void tune_journal_close(struct tune_journal *j);

/* Takes the entry, of this boot if it says none; 0: it is on the disk. */
int tune_journal_add(struct tune_journal *j, json_t *entry);
/*
 * The last entry before a place and where it begins. NULL and -1: there is none, a line that was
 * cut off is none; NULL and its place: it is no JSON.
 */
json_t *tune_journal_before(struct tune_journal *j, off_t end, off_t *at);
int tune_journal_cut(struct tune_journal *j, off_t at);
/* What is behind a place becomes these entries, all at once: whoever is killed has the one or both.
 */
int tune_journal_replace(struct tune_journal *j, off_t at, json_t *entries);
off_t tune_journal_end(const struct tune_journal *j);

/* Whether a command that takes something back is there, and would still be run. */
bool tune_journal_takes_back(const struct tune_journal *j, const char *back);

/* The same of this boot only: what it is about waits for a reboot. Locks nothing. */
bool tune_journal_pending(const struct tune_root *root, const char *back);

/* An entry of this boot. */
bool tune_journal_now(const struct tune_journal *j, const json_t *entry);

#endif
