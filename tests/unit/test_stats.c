/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that are files of a folder. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stats.h"

static char folder[] = "/tmp/daqiri-stats-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void make_folder(void)
{
	cr_assert_not_null(mkdtemp(folder));
	write_file("beta", "7\n");
	write_file("alpha", "3\n");
	write_file("lifespan", "10\n");
	write_file("text", "no number\n");
}

static void remove_folder(void)
{
	static const char *const names[] = {"alpha", "beta", "lifespan", "text"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(names[i]);
	rmdir(folder);
}

TestSuite(stats, .init = make_folder, .fini = remove_folder);

Test(stats, files_that_are_numbers_are_counters_in_order)
{
	struct daqiri_stat stats[4];
	struct dq_stat_list list = {.stats = stats, .max = 4};
	struct dq_stat_files files;

	cr_assert_eq(dq_stat_files_open(&files, "hw_", folder), 0);
	dq_stat_files_put(&list, &files);
	cr_assert_eq(list.n, 2);
	cr_expect_str_eq(stats[0].name, "hw_alpha");
	cr_expect_str_eq(stats[1].name, "hw_beta");
	cr_expect(stats[0].value == 3 && stats[1].value == 7);
	dq_stat_files_free(&files);
}

Test(stats, a_counter_that_cannot_be_read_stays_where_it_was)
{
	struct daqiri_stat stats[2];
	struct dq_stat_list list = {.stats = stats, .max = 2};
	struct dq_stat_files files;

	cr_assert_eq(dq_stat_files_open(&files, "", folder), 0);
	remove_file("beta");
	write_file("alpha", "5\n");
	dq_stat_files_put(&list, &files);
	cr_expect_eq(stats[0].value, 5);
	cr_expect_eq(stats[1].value, 7, "never asked for, and known from opening");
	remove_file("alpha");
	list.n = 0;
	dq_stat_files_put(&list, &files);
	cr_expect_eq(stats[0].value, 5, "as read last");
	dq_stat_files_free(&files);
}

Test(stats, what_there_is_no_room_for_is_counted)
{
	struct daqiri_stat stats[1];
	struct dq_stat_list list = {.stats = stats, .max = 1};
	struct dq_stat_files files;

	cr_assert_eq(dq_stat_files_open(&files, "", folder), 0);
	dq_stat_files_put(&list, &files);
	cr_expect_eq(list.n, 2);
	cr_expect_eq(stats[0].value, 3);
	dq_stat_files_free(&files);
	cr_assert_eq(dq_stat_files_open(&files, "", "/nonexistent/folder"), 0);
	cr_expect_eq(files.n, 0, "a folder that is not there has no counters");
}
