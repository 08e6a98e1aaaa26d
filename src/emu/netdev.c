/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With --netdev: the port's MTU is that of its real interface, which programs set there. ip(8) and
 * others do so past us, so that it is asked for wherever it is shown.
 */
#include "preload.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(const struct emu_dev *dev, unsigned long request, int *mtu)
{
	struct ifreq ifr = {.ifr_mtu = *mtu};
	int fd = EMU_REAL(socket)(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, dev->netdev, strnlen(dev->netdev, IFNAMSIZ - 1));
	if (EMU_REAL(ioctl)(fd, request, &ifr))
		ret = -errno;
	EMU_REAL(close)(fd);
	*mtu = ifr.ifr_mtu;
	return ret;
}

static void keep(struct emu_dev *dev, int mtu)
{
	__atomic_store_n(&dev->wire->mtu, (uint32_t)mtu, __ATOMIC_RELAXED);
}

unsigned emu_netdev_index(const struct emu_dev *dev)
{
	return emu_settings.netdev ? if_nametoindex(dev->netdev) : EMU_FIRST_IFINDEX + dev->index;
}

void emu_netdev_look(struct emu_dev *dev)
{
	int mtu = 0;

	if (emu_settings.netdev && !ask(dev, SIOCGIFMTU, &mtu))
		keep(dev, mtu);
}

int emu_netdev_set_mtu(struct emu_dev *dev, uint32_t mtu)
{
	int value = (int)mtu, ret = 0;

	if (emu_settings.netdev)
		ret = ask(dev, SIOCSIFMTU, &value);
	if (!ret)
		keep(dev, value);
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
			keep(&emu_devs[i], ifr->ifr_mtu);
		pthread_mutex_unlock(&emu_lock);
	}
}
