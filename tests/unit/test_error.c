/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, log and version. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <daqiri.h>

#include "error.h"
#include "log.h"

Test(error, detail_is_empty_before_any_failure)
{
	cr_expect_str_eq(daqiri_error_detail(), "");
}

Test(error, dq_error_returns_the_negative_and_keeps_the_text)
{
	cr_expect_eq(dq_error(ENODEV, "[port %s]: %d", "rx", 7), -ENODEV);
	cr_expect_str_eq(daqiri_error_detail(), "[port rx]: 7");
}

Test(error, a_detail_may_be_built_from_the_last_one)
{
	dq_error(EINVAL, "inner");
	dq_error(EINVAL, "outer: %s", daqiri_error_detail());
	cr_expect_str_eq(daqiri_error_detail(), "outer: inner");
}

Test(error, a_detail_that_is_too_long_is_cut)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	dq_error(EINVAL, "%s", text);
	cr_expect_eq(strlen(daqiri_error_detail()), 2047);
}

static void *fail_elsewhere(void *arg)
{
	cr_expect_str_eq(daqiri_error_detail(), "");
	dq_error(EIO, "other");
	*(int *)arg = strcmp(daqiri_error_detail(), "other") == 0;
	return NULL;
}

Test(error, every_thread_has_its_own_detail)
{
	pthread_t thread;
	int seen = 0;

	dq_error(EINVAL, "mine");
	cr_assert_eq(pthread_create(&thread, NULL, fail_elsewhere, &seen), 0);
	pthread_join(thread, NULL);
	cr_expect_eq(seen, 1);
	cr_expect_str_eq(daqiri_error_detail(), "mine");
}

Test(error, strerror_takes_either_sign_and_any_number)
{
	cr_expect_str_eq(daqiri_strerror(-EINVAL), "Invalid argument");
	cr_expect_str_eq(daqiri_strerror(ENOENT), "No such file or directory");
	cr_expect_str_eq(daqiri_strerror(0), "Success");
	cr_expect_str_eq(daqiri_strerror(123456), "Unknown error");
	cr_expect_str_eq(daqiri_strerror(-123456), "Unknown error");
	cr_expect_str_eq(daqiri_strerror(-2147483647 - 1), "Unknown error");
}

Test(error, version_agrees_with_the_header)
{
	char want[32];

	snprintf(want, sizeof(want), "%d.%d.%d", DAQIRI_VERSION_MAJOR, DAQIRI_VERSION_MINOR,
		 DAQIRI_VERSION_PATCH);
	cr_expect_str_eq(daqiri_version(), want);
}

static char last[64];
static unsigned lines;

static void keep(void *arg, enum daqiri_log_level level, const char *text)
{
	cr_expect_eq(arg, &lines);
	snprintf(last, sizeof(last), "%d %s", (int)level, text);
	lines++;
}

Test(log, is_silent_without_a_callback)
{
	dq_log(DAQIRI_LOG_TRACE, DAQIRI_LOG_ERROR, "nobody listens");
	daqiri_log_set(keep, &lines);
	daqiri_log_set(NULL, NULL);
	dq_log(DAQIRI_LOG_TRACE, DAQIRI_LOG_ERROR, "nobody listens any more");
	cr_expect_eq(lines, 0);
}

Test(log, passes_what_is_within_the_threshold)
{
	daqiri_log_set(keep, &lines);
	dq_log(DAQIRI_LOG_WARN, DAQIRI_LOG_WARN, "queue %d", 3);
	cr_expect_str_eq(last, "2 queue 3");
	dq_log(DAQIRI_LOG_WARN, DAQIRI_LOG_INFO, "too chatty");
	dq_log(DAQIRI_LOG_OFF, DAQIRI_LOG_ERROR, "off");
	dq_log(DAQIRI_LOG_TRACE, DAQIRI_LOG_OFF, "never");
	cr_expect_eq(lines, 1);
	dq_log(DAQIRI_LOG_TRACE, DAQIRI_LOG_TRACE, "all");
	cr_expect_eq(lines, 2);
}
