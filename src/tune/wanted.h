/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_WANTED_H
#define TUNE_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "cores.h"

struct tune_machine;
struct tune_nic;

/* What a configuration asks of the machine. Without one: given is false, the rest is empty. */

struct tune_wanted_port {
	char name[32], address[64];
	long long mtu;	 /* 0: not said */
	long long frame; /* the longest frame of its streams without FCS; 0: not said */
	bool pause_off, real_time, flex;
	char peer[64];		 /* an IPv4 address that its streams send to; "" none */
	char source[64];	 /* and the one that they send from */
	struct tune_cores cores; /* of its queues */
};

struct tune_wanted_region {
	char name[32], kind[16], affinity[64];
	uint64_t bytes, page; /* page 0: the kernel's default */
	int node;	      /* -1: any */
	char port[32];	      /* whose queue uses it; "" none */
};

struct tune_wanted {
	bool given;
	unsigned n_ports, n_regions;
	struct tune_wanted_port *port;
	struct tune_wanted_region *region;
	struct tune_cores cores;
	uint64_t memory, huge, device;
};

/* 0, or a negative errno with the library's words for it in daqiri_error_detail(). */
int tune_wanted_load(struct tune_wanted *w, const char *path);
void tune_wanted_free(struct tune_wanted *w);

/* The port that means this NIC; NULL: none, or no configuration. */
const struct tune_wanted_port *tune_wanted_port(const struct tune_wanted *w,
						const struct tune_nic *nic);
/* Whether checks look at this NIC: all of them without a configuration. */
bool tune_wanted_nic(const struct tune_wanted *w, const struct tune_nic *nic);
bool tune_wanted_gpu(const struct tune_wanted *w);

#endif
