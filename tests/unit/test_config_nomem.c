/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once: each call then says so, changes nothing and leaks nothing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

#include "config_model.h"

/* The linker's --wrap sends the library's allocations here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static unsigned long left = ~0UL; /* allocations until the one that fails */

static int fails(void)
{
	return left != ~0UL && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

static const char small[] = "[region m]\nkind = host\nnum_bufs = 256\nbuf_size = 2K\n"
			    "ports = p\n[port p]\naddress = eth0\nunmatched = queue 0\n"
			    "[rxq p 0-1]\nregions = m\n"
			    "[txq p 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\n"
			    "[flow p f]\nudp_dst = 1\nqueue = 0-1\n";

static struct daqiri_config *make(void)
{
	struct daqiri_config *cfg = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, small, sizeof(small) - 1, "t.ini"), 0, "%s",
		     daqiri_error_detail());
	return cfg;
}

static int try_parse(void)
{
	struct daqiri_config *cfg = NULL;
	int err = daqiri_config_parse(&cfg, small, sizeof(small) - 1, "t.ini");

	cr_expect(err == 0 || cfg == NULL);
	daqiri_config_destroy(cfg);
	return err;
}

static int try_load(void)
{
	struct daqiri_config *cfg = NULL;
	int err = daqiri_config_load(&cfg, TEST_DATA "/config/everything.ini");

	cr_expect(err == 0 || cfg == NULL);
	daqiri_config_destroy(cfg);
	return err;
}

static struct daqiri_config *given;

static int try_resolve(void)
{
	struct dq_conf *conf = NULL;
	int err = dq_conf_resolve(&conf, given, NULL);

	cr_expect(err == 0 || conf == NULL);
	dq_conf_free(conf);
	return err;
}

static int try_set(void)
{
	return daqiri_config_set(given, "rxq p 0-5", "cpu_core", "0-5");
}

static int try_override(void)
{
	return daqiri_config_override(given, "app.x.k=v");
}

/* Fails the first allocation, then the second, … until the call gets through. */
static void exhaust(int (*call)(void), unsigned long least)
{
	unsigned long n = 0;
	int err;

	do {
		left = n++;
		err = call();
		left = ~0UL;
		cr_expect(err == 0 || err == -ENOMEM, "%lu: %d", n, err);
		if (err)
			cr_expect_str_eq(daqiri_error_detail(),
					 "no memory for the configuration");
	} while (err && n < 10000);
	cr_expect_eq(err, 0);
	cr_expect_gt(n, least, "only %lu allocations were tried", n);
}

Test(config_nomem, parse)
{
	exhaust(try_parse, 30);
}

Test(config_nomem, load)
{
	exhaust(try_load, 100);
}

Test(config_nomem, resolve)
{
	given = make();
	exhaust(try_resolve, 20);
	daqiri_config_destroy(given);
}

Test(config_nomem, a_failed_set_changes_nothing)
{
	char *before = NULL, *after = NULL;

	given = make();
	cr_assert_eq(daqiri_config_write(given, &before), 0);
	left = 40;
	cr_expect_eq(try_set(), -ENOMEM);
	left = ~0UL;
	cr_assert_eq(daqiri_config_write(given, &after), 0);
	cr_expect_str_eq(after, before);
	exhaust(try_set, 40);
	exhaust(try_override, 40);
	free(before);
	free(after);
	daqiri_config_destroy(given);
}
