/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_APPLY_H
#define TUNE_APPLY_H

#include <signal.h>
#include <stdio.h>

#include "journal.h"
#include "plan.h"

/* Doing what a plan says, and taking it back. */
struct tune_doer {
	const struct tune_root *root;
	struct tune_journal *journal; /* NULL: nothing is written down */
	FILE *out;
	int (*run)(const char *command); /* its exit status, or -errno; NULL: it is only said */
	unsigned odd;			 /* steps that went otherwise than they should */
	const volatile sig_atomic_t *stop; /* looked at between steps; NULL: nobody stops it */
};

/* 0, or -errno with the reason in err; what was done before stays done, and in the journal. */
int tune_do(struct tune_doer *d, const struct tune_plan *plan, char err[512]);

/*
 * Takes back from the journal's end down to a place in it, and goes on where a part fails: that
 * stays in the journal.
 */
int tune_undo(struct tune_doer *d, off_t down_to);

/* A step as a person could type it. */
void tune_say_step(FILE *out, const struct tune_root *root, const struct tune_step *s);

/* What the kernel is asked for by no file: of this machine only. */
int tune_net_address(const char *interface, const char *address, bool add);
int tune_net_pause_get(const char *interface, bool *rx, bool *tx);
int tune_net_pause_set(const char *interface, bool rx, bool tx);

/* tune_doer.run of this machine: no shell, words between blanks, the system's directories. */
int tune_run(const char *command);

#endif
