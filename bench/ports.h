/* SPDX-License-Identifier: Apache-2.0 */
/* This machine: its ports, and what it lacks for a configuration. */
#ifndef PERF_PORTS_H
#define PERF_PORTS_H

#include "plan.h"

/* --ports; the exit status. */
int perf_ports_list(void);

/* --list-keys; the exit status. */
int perf_keys_list(void);

/* Whether address means this port: its MAC or PCI address, RDMA device or interface. */
bool perf_is_port(const struct daqiri_port_info *p, const char *address);

/* --make-config; the exit status. */
int perf_make_config(const struct perf_options *o);

/* --check; the exit status. */
int perf_check(const struct perf_plan *plan);

#endif
