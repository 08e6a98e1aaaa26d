/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_WANTED_H
#define TUNE_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "cores.h"

struct tune_machine;
struct tune_nic;
struct tune_gpu;

/* What a configuration asks of the machine. Without one: given is false, the rest is empty. */

struct tune_wanted_port {
	char name[32], address[64];
	long long mtu;	 /* 0: not said */
	long long frame; /* the longest frame of its streams without FCS; 0: not said */
	bool real_time, flex;
	char source[64];	 /* the IPv4 address that its first stream sends from; "" none */
	struct tune_cores cores; /* of its queues */
};

struct tune_wanted_region {
	char name[32], kind[16], affinity[64];
	uint64_t bytes, page; /* page 0: the kernel's default */
	int node;	      /* -1: any */
	char port[32];	      /* whose queue uses it; "" none */
};

struct tune_wanted_peer { /* an IPv4 or IPv6 address that a port's streams send to */
	char port[32], address[64];
};

struct tune_wanted_pair { /* the ports at both ends of a stream, where it names both */
	char tx[32], rx[32];
};

struct tune_wanted {
	bool given;
	unsigned n_ports, n_regions, n_peers, n_pairs;
	struct tune_wanted_peer *peer;
	struct tune_wanted_pair *pair;
	struct tune_wanted_port *port;
	struct tune_wanted_region *region;
	struct tune_cores cores;
	uint64_t memory;
};

/* 0, or a negative errno with the library's words for it in daqiri_error_detail(). */
int tune_wanted_load(struct tune_wanted *w, const char *path);
void tune_wanted_free(struct tune_wanted *w);

/* Whether a configuration's name is this PCI address, as the library takes it: the domain 0000 may be left out. */
bool tune_wanted_pci(const char *name, const struct tune_pci *pci);
/* The port that means this NIC; NULL: none, or no configuration. */
const struct tune_wanted_port *tune_wanted_port(const struct tune_wanted *w,
						const struct tune_nic *nic);
/* The NIC that a port means; NULL: none here. */
const struct tune_nic *tune_wanted_port_nic(const struct tune_machine *m,
					    const struct tune_wanted *w,
					    const struct tune_wanted_port *port);
/* Whether checks look at this NIC: all of them without a configuration. */
bool tune_wanted_nic(const struct tune_wanted *w, const struct tune_nic *nic);
bool tune_wanted_gpu(const struct tune_wanted *w);

/* The NIC of a region's port; NULL: of none here. */
const struct tune_nic *tune_wanted_region_nic(const struct tune_machine *m,
					      const struct tune_wanted *w,
					      const struct tune_wanted_region *r);
/* The node that a region's memory is taken from; -1: any. */
int tune_wanted_region_node(const struct tune_machine *m, const struct tune_wanted *w,
			    const struct tune_wanted_region *r);
/* The GPU that the library takes for a region; NULL: of none here. */
const struct tune_gpu *tune_wanted_region_gpu(const struct tune_machine *m,
					      const struct tune_wanted *w,
					      const struct tune_wanted_region *r);
/* Whether checks look at this GPU: all of them without a configuration. */
bool tune_wanted_this_gpu(const struct tune_machine *m, const struct tune_wanted *w,
			  const struct tune_gpu *gpu);
/* Bytes of the device regions on it. */
uint64_t tune_wanted_on_gpu(const struct tune_machine *m, const struct tune_wanted *w,
			    const struct tune_gpu *gpu);

#endif
