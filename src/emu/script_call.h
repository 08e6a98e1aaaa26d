/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_SCRIPT_CALL_H
#define EMU_SCRIPT_CALL_H

#include "uverbs.h"

/* Before the call is run: 0, or the -errno that it is to fail with. */
int emu_script_method(const struct emu_method *m, unsigned port);
int emu_script_write(const struct emu_write *w, unsigned port);

#endif
