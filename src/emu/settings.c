/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdio.h>
#include <string.h>

struct emu_settings emu_settings = {.lock_fd = -1};
struct emu_dev emu_devs[EMU_MAX_PORTS];

static void name_device(struct emu_dev *dev, unsigned i)
{
	unsigned bus = emu_settings.first_bus + i / 2, function = i % 2;

	dev->index = i;
	/* the names that systemd gives: PCI bus and slot in decimal, function of several */
	if (emu_settings.pci_names)
		snprintf(dev->rdma, sizeof(dev->rdma), "rocep%us0f%u", bus, function);
	else
		snprintf(dev->rdma, sizeof(dev->rdma), "mlx5_%u", i);
	snprintf(dev->netdev, sizeof(dev->netdev), "emu%u", emu_settings.first_netdev + i);
	snprintf(dev->pci, sizeof(dev->pci), "0000:%02x:00.%u", bus & 0xff, function);
	memcpy(dev->mac, (const uint8_t[]){0x02, 0xda, 0x01, 0, 0, (uint8_t)(i + 1)}, 6);
}

void emu_settings_name_devices(void)
{
	for (unsigned i = 0; i < emu_settings.n_ports; i++)
		name_device(&emu_devs[i], i);
}
