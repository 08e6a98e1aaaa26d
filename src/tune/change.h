/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_CHANGE_H
#define TUNE_CHANGE_H

#include "options.h"

/* --set, --undo and --apply. 0, or 1 where something was refused, failed or is not as asked. */
int tune_change_set(const struct tune_options *o, const struct tune_machine *m,
		    const struct tune_wanted *w);
int tune_change_undo(const struct tune_machine *m);
int tune_change_apply(const struct tune_options *o, const struct tune_machine *m);

#endif
