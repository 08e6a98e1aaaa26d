/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With --netdev: the port's MTU and flags are those of its real interface, which programs set
 * there. ip(8) and others do so past us, so that they are asked for wherever they are shown.
 */
#include "preload.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIXED = IFF_UP | IFF_BROADCAST | IFF_MULTICAST, SETTABLE = IFF_PROMISC | IFF_ALLMULTI };

static int ask(const struct emu_dev *dev, unsigned long request, struct ifreq *ifr)
{
	int fd = EMU_REAL(socket)(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(ifr->ifr_name, dev->netdev, strnlen(dev->netdev, IFNAMSIZ - 1));
	if (EMU_REAL(ioctl)(fd, request, ifr))
		ret = -errno;
	EMU_REAL(close)(fd);
	return ret;
}

static void keep_mtu(struct emu_dev *dev, uint32_t mtu)
{
	__atomic_store_n(&dev->wire->mtu, mtu, __ATOMIC_RELAXED);
}

static void keep_flags(struct emu_dev *dev, uint32_t flags)
{
	__atomic_store_n(&dev->wire->flags, flags & SETTABLE, __ATOMIC_RELAXED);
}

unsigned emu_netdev_index(const struct emu_dev *dev)
{
	return emu_settings.netdev ? if_nametoindex(dev->netdev) : EMU_FIRST_IFINDEX + dev->index;
}

void emu_netdev_look(struct emu_dev *dev)
{
	struct ifreq ifr = {0};

	if (!emu_settings.netdev)
		return;
	if (!ask(dev, SIOCGIFMTU, &ifr))
		keep_mtu(dev, (uint32_t)ifr.ifr_mtu);
	if (!ask(dev, SIOCGIFFLAGS, &ifr))
		keep_flags(dev, (uint16_t)ifr.ifr_flags);
}

int emu_netdev_set_mtu(struct emu_dev *dev, uint32_t mtu)
{
	struct ifreq ifr = {.ifr_mtu = (int)mtu};
	int ret = emu_settings.netdev ? ask(dev, SIOCSIFMTU, &ifr) : 0;

	if (!ret)
		keep_mtu(dev, mtu);
	return ret;
}

uint32_t emu_netdev_flags(const struct emu_dev *dev)
{
	return FIXED | __atomic_load_n(&dev->wire->flags, __ATOMIC_RELAXED);
}

int emu_netdev_set_flags(struct emu_dev *dev, uint32_t flags)
{
	struct ifreq ifr = {0};
	int ret = 0;

	if (!(flags & IFF_UP))
		return -EOPNOTSUPP; /* a port has no such state here: emu_link pulls the cable */
	if (emu_settings.netdev) {
		ret = ask(dev, SIOCGIFFLAGS, &ifr);
		ifr.ifr_flags = (short)((ifr.ifr_flags & ~SETTABLE) | (short)(flags & SETTABLE));
		ret = ret ? ret : ask(dev, SIOCSIFFLAGS, &ifr);
	}
	if (!ret)
		keep_flags(dev, flags);
	return ret;
}

void emu_netdev_changed(const void *arg)
{
	const struct ifreq *ifr = arg;

	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		if (strncmp(ifr->ifr_name, emu_devs[i].netdev, IFNAMSIZ))
			continue;
		pthread_mutex_lock(&emu_lock);
		if (!emu_wire_need())
			emu_netdev_look(&emu_devs[i]);
		pthread_mutex_unlock(&emu_lock);
	}
}
