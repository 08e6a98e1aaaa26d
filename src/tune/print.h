/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_PRINT_H
#define TUNE_PRINT_H

#include <stdio.h>

#include "check.h"

struct tune_counts {
	unsigned of[TUNE_FAIL + 1];
	unsigned need_root; /* skipped for want of rights */
};

struct tune_counts tune_count(const struct tune_rows *rows);
const char *tune_status_name(enum tune_status s);

void tune_print_text(FILE *f, const struct tune_rows *rows, bool colour);
/* 0 or -ENOMEM, -EIO. */
int tune_print_json(FILE *f, const struct tune_rows *rows, const struct tune_machine *m);
void tune_print_list(FILE *f);

#endif
