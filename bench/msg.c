/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "msg.h"

int perf_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("daqiri-perf: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

int perf_fail_at(struct perf_place at, const char *fmt, ...)
{
	const char *value = at.key ? daqiri_config_get(at.cfg, at.section, at.key) : NULL;
	char where[512];
	va_list ap;

	daqiri_config_where(at.cfg, at.section, at.key, where, sizeof(where));
	fprintf(stderr, "%s%s%s: ", where, value ? "=" : "", value ? value : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

int perf_fail_library(int err)
{
	const char *detail = daqiri_error_detail();

	fprintf(stderr, "%s\n", *detail ? detail : daqiri_strerror(err));
	return -1;
}

void perf_log(void *arg, enum daqiri_log_level level, const char *text)
{
	static const char *const names[] = { "", "error", "warning", "info", "debug", "trace" };

	(void)arg;
	fprintf(stderr, "libdaqiri: %s: %s\n", level <= DAQIRI_LOG_TRACE ? names[level] : "", text);
}
