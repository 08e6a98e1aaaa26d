/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "stats.h"
#include "sysfs.h"

int dq_stat_names_make(struct dq_stat_names *out, const char *prefix, const char *const *names,
		       int n)
{
	out->names = calloc((size_t)n, sizeof(*out->names));
	if (!out->names)
		return dq_error(ENOMEM, "out of memory for counter names");
	for (int i = 0; i < n; i++)
		snprintf(out->names[i], sizeof(out->names[i]), "%s_%s", prefix, names[i]);
	out->n = n;
	return 0;
}

void dq_stat_names_free(struct dq_stat_names *names)
{
	free(names->names);
	*names = (struct dq_stat_names){0};
}

void dq_stat_put(struct dq_stat_list *list, const char *name, uint64_t value)
{
	if (list->n < list->max)
		list->stats[list->n] = (struct daqiri_stat){.name = name, .value = value};
	list->n++;
}

static int add_file(struct dq_stat_files *files, const char *prefix, const char *file)
{
	size_t size = strlen(prefix) + strlen(file) + 1;
	char **names = realloc(files->names, (size_t)(files->n + 1) * sizeof(*names));

	if (!names)
		return -ENOMEM;
	files->names = names;
	names[files->n] = malloc(size);
	if (!names[files->n])
		return -ENOMEM;
	snprintf(names[files->n++], size, "%s%s", prefix, file);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_files(struct dq_stat_files *files, const char *prefix, DIR *dir)
{
	struct dirent *entry;
	uint64_t value;
	int ret = 0;

	while (!ret && (entry = readdir(dir)))
		/* Besides counters there are settings, such as "lifespan". */
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lifespan") != 0 &&
		    !dq_sysfs_read_u64(&value, "%s/%s", files->folder, entry->d_name))
			ret = add_file(files, prefix, entry->d_name);
	return ret;
}

/* What the counters say while the folder is known to be there. */
static int read_all(struct dq_stat_files *files)
{
	if (!files->n)
		return 0;
	files->last = calloc((size_t)files->n, sizeof(*files->last));
	if (!files->last) {
		dq_stat_files_free(files);
		return dq_error(ENOMEM, "out of memory for counters");
	}
	for (int i = 0; i < files->n; i++)
		dq_sysfs_read_u64(&files->last[i], "%s/%s", files->folder,
				  files->names[i] + files->skip);
	return 0;
}

int dq_stat_files_open(struct dq_stat_files *out, const char *prefix, const char *folder)
{
	DIR *dir = opendir(folder);
	int ret = 0;

	*out = (struct dq_stat_files){.skip = (int)strlen(prefix)};
	if (!dir)
		return 0;
	out->folder = strdup(folder);
	if (out->folder)
		ret = add_files(out, prefix, dir);
	closedir(dir);
	if (!out->folder || ret) {
		dq_stat_files_free(out);
		return dq_error(ENOMEM, "out of memory for counter names");
	}
	if (out->n)
		qsort(out->names, (size_t)out->n, sizeof(*out->names), by_name);
	return read_all(out);
}

void dq_stat_files_free(struct dq_stat_files *files)
{
	for (int i = 0; i < files->n; i++)
		free(files->names[i]);
	free(files->names);
	free(files->last);
	free(files->folder);
	*files = (struct dq_stat_files){0};
}

/* A counter that cannot be read now, as while descriptors are short, stays where it was. */
static uint64_t read_counter(const struct dq_stat_files *files, int i)
{
	uint64_t value;

	if (dq_sysfs_read_u64(&value, "%s/%s", files->folder, files->names[i] + files->skip))
		return __atomic_load_n(&files->last[i], __ATOMIC_RELAXED);
	__atomic_store_n(&files->last[i], value, __ATOMIC_RELAXED);
	return value;
}

void dq_stat_files_put(struct dq_stat_list *list, const struct dq_stat_files *files)
{
	for (int i = 0; i < files->n; i++) {
		/* What there is no room for needs no reading. */
		uint64_t value = list->n < list->max ? read_counter(files, i) : 0;

		dq_stat_put(list, files->names[i], value);
	}
}
