/* SPDX-License-Identifier: Apache-2.0 */
#include "reset.h"

#include <errno.h>

#include <daqiri.h>

#include "error.h"

int dq_reset_check(const char *where, const char *call, unsigned flags, bool in_worker)
{
	if (flags & ~(unsigned)DAQIRI_RESET_INVALIDATE)
		return dq_error(EINVAL, "%s: %s with flags %#x: unknown ones", where, call, flags);
	if (!in_worker)
		return 0;
	return dq_error(EOPNOTSUPP,
			"%s mode=worker: a thread of the library has the queue, which cannot be "
			"reset in this version: use mode = direct, or open the context again",
			where);
}
