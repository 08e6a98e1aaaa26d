/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a context while memory runs out, at each single allocation of the library in turn: what
 * was made until then is taken down, and the device can be opened again. Linked with the library's
 * objects, whose allocations the linker sends here (--wrap).
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "dq_kit.h"

static long left = -1; /* allocations that still succeed; below 0: all */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(align, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

#define EVERYTHING                                                                                 \
	PORTS "[region huge]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                       \
	      "[txq a 0]\nregions = tx\n[rxq b 0-3]\nregions = rx\ndepth = 64\n"                   \
	      "[txq b 0]\ndepth = 64\n[rxq a 0]\nregions = huge\n"                                 \
	      "[flow b all]\ndst_mac = " MAC_B                                                     \
	      "\nqueue = 0,1,2\n[flow b one]\nudp_dst = 9\nqueue = 3\n"

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

Test(nomem, every_allocation_may_fail)
{
	struct daqiri_config *cfg;
	struct daqiri *dq;
	int ret = -ENOMEM, files;
	long k;

	cr_assert_eq(daqiri_config_parse(&cfg, EVERYTHING, strlen(EVERYTHING), "test"), 0);
	/* The first opening may leave files with libibverbs and the emulator. */
	daqiri_close(kit_open_text(EVERYTHING));
	files = count_files();
	for (k = 0; ret == -ENOMEM && k < 10000; k++) {
		dq = NULL;
		left = k;
		ret = daqiri_open_config(&dq, cfg);
		left = -1;
		cr_assert(!ret == !!dq);
		cr_assert(!ret || daqiri_error_detail()[0]);
	}
	cr_assert_eq(ret, 0, "%ld: %s", k, daqiri_error_detail());
	cr_assert_gt(k, 60, "only %ld allocations were tried", k);
	daqiri_close(dq);
	cr_assert_eq(count_files(), files);
	daqiri_config_destroy(cfg);
}
