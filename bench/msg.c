/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

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

static bool is_set(struct perf_place at)
{
	const char *key, *value;

	for (unsigned i = 0; !daqiri_config_entry(at.cfg, at.section, i, &key, &value); i++)
		if (!strcmp(key, at.key))
			return true;
	return false;
}

void perf_place_print(FILE *f, struct perf_place at)
{
	const char *value = at.key ? daqiri_config_get(at.cfg, at.section, at.key) : NULL;
	bool here = at.key && is_set(at);
	char where[512];

	/* A default stands nowhere: its section does. */
	daqiri_config_where(at.cfg, at.section, here ? at.key : NULL, where, sizeof(where));
	fputs(where, f);
	if (at.key && !here)
		fprintf(f, " %s", at.key);
	fprintf(f, "%s%s: ", value ? "=" : "", value ? value : "");
}

int perf_fail_at(struct perf_place at, const char *fmt, ...)
{
	va_list ap;

	perf_place_print(stderr, at);
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
