/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the device itself, for tests of tests: daqiri-emu --break. */
#ifndef EMU_BROKEN_H
#define EMU_BROKEN_H

#include "emu.h"

enum emu_broken {
	EMU_BROKEN_NOTHING,
#define B(id, name, meaning) EMU_BROKEN_##id,
#include "broken.def"
#undef B
};

/* False but under its --break; one comparison with a word that the engine has at hand. */
#define emu_broken(id) __builtin_expect(emu_settings.broken == EMU_BROKEN_##id, 0)

/* The i-th one, from 1; NULL: there are no more. */
const char *emu_broken_name(unsigned i);
const char *emu_broken_meaning(unsigned i);

#endif
