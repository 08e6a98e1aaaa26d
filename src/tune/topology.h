/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_TOPOLOGY_H
#define TUNE_TOPOLOGY_H

#include <stdio.h>

#include "machine.h"

/* The PCI tree down to NICs and GPUs, and how each GPU is joined to each NIC. */
void tune_topology_text(FILE *f, const struct tune_machine *m);
/* The same as a graph for dot(1). */
void tune_topology_dot(FILE *f, const struct tune_machine *m);

/* daqiri-perf's table of ports, with the nearest GPU and the kind of region for its memory. */
void tune_ports_text(FILE *f, const struct tune_machine *m);

#endif
