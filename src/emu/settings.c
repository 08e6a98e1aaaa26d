/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "card.h"

#include <stdio.h>
#include <string.h>

struct emu_settings emu_settings = {.lock_fd = -1};
struct emu_dev emu_devs[EMU_MAX_PORTS];

/* Where port i's card is. */
static void place(unsigned i, unsigned *domain, unsigned *bus)
{
	const struct emu_shape *shape = emu_shape();

	*domain = shape ? shape->domain[i / 2] : 0;
	*bus = shape ? shape->bus[i / 2] : emu_settings.first_bus + i / 2;
}

/* As systemd does: "p0s0f0", a domain but 0 in front, a virtual function behind; in decimal. */
static void name_place(char name[EMU_NAME], unsigned domain, unsigned bus, unsigned function)
{
	char where[8] = "";

	if (domain)
		snprintf(where, sizeof(where), "P%u", domain & 0xffff);
	snprintf(name, EMU_NAME, "%sp%us0f%u%s", where, bus & 0xffff, function,
		 emu_settings.vf ? "v0" : "");
}

static void name_device(struct emu_dev *dev, unsigned i)
{
	const struct emu_shape *shape = emu_shape();
	unsigned domain, bus, function = i % 2;
	char name[EMU_NAME], pci[EMU_NAME];

	place(i, &domain, &bus);
	name_place(name, domain, bus, function);
	dev->index = i;
	if (emu_settings.pci_names)
		snprintf(dev->rdma, sizeof(dev->rdma), "roce%.26s", name);
	else
		snprintf(dev->rdma, sizeof(dev->rdma), "mlx5_%u", i);
	if (shape && shape->own_names && emu_settings.vf)
		snprintf(dev->netdev, sizeof(dev->netdev), "en%.20s", name);
	else if (shape && shape->own_names)
		snprintf(dev->netdev, sizeof(dev->netdev), "en%.20snp%u", name, function);
	else
		snprintf(dev->netdev, sizeof(dev->netdev), "emu%u", emu_settings.first_netdev + i);
	if (emu_settings.vf)
		function += EMU_VF_FUNCTION;
	snprintf(pci, sizeof(pci), "%04x:%02x:00.%u", domain & 0xffff, bus & 0xff, function);
	memcpy(dev->pci, pci, sizeof(dev->pci));
	if (shape && shape->bridges)
		snprintf(dev->path, sizeof(dev->path), "pci%.7s/%s/%s", shape->bridges,
			 shape->bridges, pci);
	else
		snprintf(dev->path, sizeof(dev->path), "pci%.7s/%s", pci, pci);
	memcpy(dev->mac, (const uint8_t[]){0x02, 0xda, 0x01, 0, 0, (uint8_t)(i + 1)}, 6);
}

void emu_settings_name_devices(void)
{
	for (unsigned i = 0; i < emu_settings.n_ports; i++)
		name_device(&emu_devs[i], i);
}
