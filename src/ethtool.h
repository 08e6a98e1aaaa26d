/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver tells of a network interface by ethtool's ioctl: counters by name, and whether
 * pause frames are on. Control threads only: the driver asks the firmware, which takes its time.
 */
#ifndef DQ_ETHTOOL_H
#define DQ_ETHTOOL_H

#include "stats.h"

struct dq_ethtool;

/*
 * Those counters that tell of a port whatever the kernel's own queues do, each name with the
 * prefix, of 8 characters at most, before it. NULL in *out where the interface has none. -ENOMEM
 * only.
 */
int dq_ethtool_open(struct dq_ethtool **out, const char *prefix, const char *netdev);
void dq_ethtool_close(struct dq_ethtool *ethtool);

/* All of them, as they are now, or as they were read last. NULL has none. Any thread. */
void dq_ethtool_put(struct dq_stat_list *list, struct dq_ethtool *ethtool);

/* 1 on, 0 off, -1 unknown. */
void dq_ethtool_pause(const char *netdev, int *rx, int *tx);

#endif
