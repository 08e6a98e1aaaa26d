/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PERF_JSON_H
#define PERF_JSON_H

#include "report.h"

/* Whether this daqiri-perf can write JSON at all. */
bool perf_json_built(void);

/* Whether the file of --json can be written: before the run; -1 after a message. */
int perf_json_try(const struct perf_options *o);

/* Writes the document of --json to its file or to standard output; -1 after a message. */
int perf_json_write(const struct perf_run *run, const struct perf_result *result);

#endif
