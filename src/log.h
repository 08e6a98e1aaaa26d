/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DQ_LOG_H
#define DQ_LOG_H

#include <daqiri.h>

/* Sends one line to the program's callback if level is within threshold. Not for the data path. */
void dq_log(enum daqiri_log_level threshold, enum daqiri_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
