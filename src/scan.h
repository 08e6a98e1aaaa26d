/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of all mlx5 devices of this machine, as sysfs and libibverbs tell; nothing is opened.
 */
#ifndef DQ_SCAN_H
#define DQ_SCAN_H

#include <infiniband/verbs.h>

#include <daqiri.h>

/* One port. info lacks what only the open device knows: link_up, perhaps the speed. */
struct dq_seat {
	struct ibv_device *ibdev; /* the scan's: valid until dq_scan_end() */
	struct daqiri_port_info info;
};

struct dq_scan {
	struct ibv_device **list;
	struct dq_seat *seats;
	unsigned n_seats;
	int starved; /* EMFILE, ENFILE: descriptors were short, and what seats tell may lack
			something */
};

/* A machine without a device gives an empty scan. On failure there is nothing to end. */
int dq_scan_begin(struct dq_scan *scan);
void dq_scan_end(struct dq_scan *scan);

/*
 * The port with this RDMA name, PCI address, network interface or MAC. -ENODEV: the detail lists
 * what there is. where: of the port's section, for messages.
 */
int dq_scan_find(const struct dq_scan *scan, const char *address, const char *where,
		 const struct dq_seat **out);

/* What sysfs tells of a port. */
void dq_seat_describe(struct ibv_device *ibdev, unsigned port_num, struct daqiri_port_info *info);

/* Completes it by what the open device tells: link, firmware, link layer, speed. */
int dq_seat_describe_live(struct ibv_context *ctx, struct daqiri_port_info *info);

/* Copies as much of info as the caller's structure has room for; out->size says how much. */
int dq_info_copy(void *out, const void *info, size_t size);

#endif
