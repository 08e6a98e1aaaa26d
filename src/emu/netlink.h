/* SPDX-License-Identifier: Apache-2.0 */
/* --netlink on: RDMA netlink sockets, and what the kernel's nldev.c answers on them. */
#ifndef EMU_NETLINK_H
#define EMU_NETLINK_H

#include "emu.h"

#include <sys/types.h>

/* One socket. The program has one end of a pair of datagram sockets, we the other. */
struct emu_netlink {
	LIST_ENTRY(emu_netlink) link;
	int fd;		 /* our end */
	uint32_t portid; /* nl_pid; 0: not bound yet */
	uint32_t groups;
	bool cap_ack; /* NETLINK_CAP_ACK: an error does not repeat the request */
};

/* One datagram to the program: 0 or -ENOBUFS. */
int emu_netlink_send(const struct emu_netlink *nl, const void *bytes, size_t n);
/* With emu_lock: answers what the program has sent. */
int emu_nldev(const struct emu_netlink *nl, const uint8_t *bytes, size_t n);

#endif
