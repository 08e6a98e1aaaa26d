/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of configurations that must be refused, with the whole message. */
#ifndef BAD_CONFIG_H
#define BAD_CONFIG_H

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <daqiri.h>

struct bad_config {
	const char *what;
	const char *text;
	size_t len; /* text may hold NUL bytes */
	const char *message;
};

#define BAD(what, text, message) {what, text, sizeof(text) - 1, message}

/* What load refuses stays refused whole: no object comes of it. */
static int refuse(const struct bad_config *bad)
{
	struct daqiri_config *cfg = NULL;
	int err = daqiri_config_parse(&cfg, bad->text, bad->len, "bad.ini");

	if (err) {
		cr_expect_null(cfg, "%s: an object in spite of the error", bad->what);
		return err;
	}
	err = daqiri_config_check(cfg);
	cr_expect_eq(daqiri_config_memory(cfg), 0, "%s: memory of an unsound configuration",
		     bad->what);
	if (err)
		daqiri_config_check(cfg); /* the detail is now that of daqiri_config_memory() */
	daqiri_config_destroy(cfg);
	return err;
}

static void expect_all_refused(const struct bad_config *bad, size_t n)
{
	cr_assert_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(refuse(&bad[i]), -EINVAL, "%s: is not refused", bad[i].what);
		cr_expect_str_eq(daqiri_error_detail(), bad[i].message, "%s:\n  got  %s\n  want %s",
				 bad[i].what, daqiri_error_detail(), bad[i].message);
	}
}

#define EXPECT_REFUSED(table) expect_all_refused(table, sizeof(table) / sizeof((table)[0]))

#endif
