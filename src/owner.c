/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error.h"
#include "owner.h"

#ifdef DQ_DEBUG

static int this_thread(void)
{
	static _Thread_local int id;

	if (!id)
		id = (int)syscall(SYS_gettid);
	return id;
}

/* A thread that was joined cannot use the queue any more: it may go to another. */
static bool has_ended(int thread)
{
	return syscall(SYS_tgkill, getpid(), thread, 0) && errno == ESRCH;
}

bool dq_owner_enter(int *owner, const char *where)
{
	int now = __atomic_load_n(owner, __ATOMIC_RELAXED), self = this_thread();

	if (now == self)
		return true;
	if ((!now || has_ended(now)) &&
	    __atomic_compare_exchange_n(owner, &now, self, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return true;
	dq_error(EPERM,
		 "%s: thread %d uses the queue, which belongs to thread %d: give each thread a "
		 "queue of its own",
		 where, self, now);
	return false;
}

#endif
