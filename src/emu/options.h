/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of daqiri-emu, one row each: of it are made the command line, --help, and the text
 * that tells the preload library.
 */
#ifndef EMU_OPTIONS_H
#define EMU_OPTIONS_H

#include "emu.h"

enum emu_option_kind {
	EMU_OPTION_SWITCH, /* bool: on or off */
	EMU_OPTION_FLAG,   /* bool, set by the option, which takes no argument */
	EMU_OPTION_CHOICE, /* unsigned: index of a word of choices */
	EMU_OPTION_NUMBER, /* unsigned: a word of choices, or of min..max */
	EMU_OPTION_TEXT,   /* char[EMU_PATH] */
	EMU_OPTION_PATH,   /* the same, made absolute */
	EMU_OPTION_SET,	   /* uint32_t: a bit for each name given; repeatable */
};

struct emu_option {
	const char *name;
	enum emu_option_kind kind;
	size_t field;	     /* offset in struct emu_settings */
	bool ready;	     /* else refused as "not supported yet", and not in --help */
	bool shared;	     /* one for all programs of a wire: who joins cannot ask for another */
	unsigned start;	     /* value of a number, switch or choice that is not given */
	const char *choices; /* words between '|' */
	unsigned min, max;
	const char *arg; /* of the argument in --help, where not choices */
	const char *doc; /* for --help, at most 58 columns a line; NULL: not of the command line */
};

/* Row i; NULL: there are no more. */
const struct emu_option *emu_option(unsigned i);

/* Every field as it is when nothing is asked for. */
void emu_options_start(struct emu_settings *set);

/* The argument of an option, as the user wrote it; false: not one that it takes. */
bool emu_option_set(const struct emu_option *option, struct emu_settings *set, const char *arg);
bool emu_option_same(const struct emu_option *option, const struct emu_settings *a,
		     const struct emu_settings *b);
void emu_option_copy(const struct emu_option *option, struct emu_settings *to,
		     const struct emu_settings *from);
/* Its value as it would be written. */
void emu_option_text(const struct emu_option *option, const struct emu_settings *set,
		     char text[EMU_PATH]);

#endif
