/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

/* Process-wide; daqiri_log_set() may not run while another thread uses a context. */
static daqiri_log_fn log_fn;
static void *log_arg;

void daqiri_log_set(daqiri_log_fn fn, void *arg)
{
	log_fn = fn;
	log_arg = arg;
}

void dq_log(enum daqiri_log_level threshold, enum daqiri_log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!log_fn || level == DAQIRI_LOG_OFF || level > threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_fn(log_arg, level, text);
}
