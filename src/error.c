/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <daqiri.h>

#include "error.h"

/* Long enough for a detail that lists the ports of a machine. */
static _Thread_local char detail[2048];

#undef dq_error
int dq_error(int err, const char *fmt, ...)
{
	char text[sizeof(detail)];
	va_list ap;

	/* The arguments may point into the old detail: format beside it, then replace it. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(detail, text, strlen(text) + 1);
	return -err;
}

const char *daqiri_error_detail(void)
{
	return detail;
}

/* strerror() may use a buffer that threads share, but only for numbers that mean nothing. */
static const char *describe(int err)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
	return strerrordesc_np(err);
#else
	return err <= EHWPOISON ? strerror(err) : NULL;
#endif
}

const char *daqiri_strerror(int err)
{
	const char *text;

	if (err < 0 && err > -4096)
		err = -err;
	text = err < 0 ? NULL : describe(err);
	return text ? text : "Unknown error";
}

__attribute__((cold)) int dq_misused(const char *where, const char *call, int n)
{
	if (!where)
		return dq_error(EINVAL, "%s: NULL queue", call);
	return dq_error(EINVAL, "%s: %s for %d packets: %s", where, call, n,
			n < 0 ? "a negative number" : "NULL array");
}
