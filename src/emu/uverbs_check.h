/* SPDX-License-Identifier: Apache-2.0 */
/* The framework's own checks of an ioctl, before a handler sees it. */
#ifndef EMU_UVERBS_CHECK_H
#define EMU_UVERBS_CHECK_H

#include "uverbs.h"

/*
 * 0, or what the kernel answers: -EPROTONOSUPPORT for an unknown attribute that is mandatory,
 * -EINVAL for one that is missing, double, or of a wrong length, -EFAULT for one that points to
 * nothing. What they point at has been copied then.
 */
int emu_check_attrs(struct emu_call *call, const struct emu_method *method);

#endif
