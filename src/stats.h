/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by name: a queue's own, and those that the kernel shows as files. */
#ifndef DQ_STATS_H
#define DQ_STATS_H

#include <stdint.h>

#include <daqiri.h>

/* The counters of one direction of a port or of one queue, each a name and where its value is. */
struct dq_stat_names {
	char (*names)[40];
	int n;
};

/*
 * "PREFIX_NAME" for each of n names: "rx_q0" and "packets" make "rx_q0_packets". Free with
 * dq_stat_names_free().
 */
int dq_stat_names_make(struct dq_stat_names *out, const char *prefix, const char *const *names,
		       int n);
void dq_stat_names_free(struct dq_stat_names *names);

/* Counters that are files of one sysfs folder. */
struct dq_stat_files {
	char *folder;
	char **names;	/* with the prefix, as the program sees them */
	uint64_t *last; /* atomic: as last read, for when one cannot be */
	int n;
	int skip; /* length of the prefix: what follows is the file's name */
};

/* A folder that is not there has no counters. Free with dq_stat_files_free(). */
int dq_stat_files_open(struct dq_stat_files *out, const char *prefix, const char *folder);
void dq_stat_files_free(struct dq_stat_files *files);

/* Where daqiri_*_stats() put what they find: the first max of all. */
struct dq_stat_list {
	struct daqiri_stat *stats;
	int max;
	int n;
};

void dq_stat_put(struct dq_stat_list *list, const char *name, uint64_t value);
void dq_stat_files_put(struct dq_stat_list *list, const struct dq_stat_files *files);

#endif
