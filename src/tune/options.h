/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_OPTIONS_H
#define TUNE_OPTIONS_H

#include <stdbool.h>

#include "check.h"

enum tune_action {
	TUNE_CHECK,
	TUNE_SET,
	TUNE_UNDO,
	TUNE_APPLY,
	TUNE_SNAPSHOT,
	TUNE_TOPOLOGY,
	TUNE_PORTS,
	TUNE_LIST,
	TUNE_HELP,
	TUNE_VERSION
};

#define TUNE_SETS 32

struct tune_set {
	const struct tune_check *check;
	const char *value; /* "" none */
};

struct tune_options {
	enum tune_action action;
	bool given; /* an action */
	bool json, no_colour, dot, persist, dry_run, yes, redact;
	bool chosen[64]; /* by place in tune_checks */
	unsigned n_sets;
	struct tune_set set[TUNE_SETS];
	const char *config, *root, *nic, *snapshot;
	enum tune_status fail_on;
	bool have_platform;
	enum tune_platform platform;
};

extern const char tune_help[], tune_usage[];

/* 0, or -EINVAL with the reason in err. */
int tune_options_parse(struct tune_options *o, int argc, char **argv, char err[256]);

#endif
