/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_EDIT_H
#define TUNE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

/* Text in, text out; nothing is read or written. What is returned is to be freed; NULL: no memory.
 */

/* An INI text (NULL: none) in which section has key = value; whatever else it holds stays. */
char *tune_edit_ini(const char *old, const char *section, const char *line);

/* The value of a key; false: it has none. */
bool tune_edit_get(const char *text, const char *section, const char *key, char value[256]);

/* The flags of a kernel command line without those named (blanks between them), then new ones. */
char *tune_edit_flags(const char *old, const char *names, const char *add);

/* Whether a flag of this name is among flags; value: what follows "=". */
bool tune_edit_flag(const char *flags, const char *name, char value[256]);

/* The flags that a file of the boot loader adds by GRUB_CMDLINE_LINUX…="…"; to be freed. */
char *tune_edit_grub_flags(const char *text, bool ours);

/* /etc/default/grub with one line of ours at its end, or with none (flags ""). */
char *tune_edit_grub(const char *old, const char *flags);

#endif
