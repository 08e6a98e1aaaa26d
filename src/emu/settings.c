/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Changed with every change of the text's form, so that a stale wrapper or library is noticed. */
#define EMU_FORM "2"

struct emu_settings emu_settings = {.lock_fd = -1};
struct emu_dev emu_devs[EMU_MAX_PORTS];

int emu_settings_format(const struct emu_settings *set, char *text, size_t size)
{
	int n = snprintf(text, size, EMU_FORM ":ports=%u:names=%s:bus=%u:lock=%d:faults=%x:dir=%s",
			 set->n_ports, set->pci_names ? "pci" : "mlx5", set->first_bus,
			 set->lock_fd, set->faults, set->wire_dir);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int emu_settings_parse(struct emu_settings *set, const char *text)
{
	struct emu_settings s = {.active = true, .lock_fd = -1};
	char names[8];
	int dir = 0;
	size_t len;

	if (sscanf(text, EMU_FORM ":ports=%u:names=%7[a-z0-9]:bus=%u:lock=%d:faults=%x:dir=%n",
		   &s.n_ports, names, &s.first_bus, &s.lock_fd, &s.faults, &dir) != 5 ||
	    !dir)
		return -EINVAL;
	len = strcspn(text + dir, "\n");
	if (s.n_ports < 1 || s.n_ports > EMU_MAX_PORTS || !len || len >= sizeof(s.wire_dir))
		return -EINVAL;
	s.pci_names = !strcmp(names, "pci");
	if (!s.pci_names && strcmp(names, "mlx5"))
		return -EINVAL;
	memcpy(s.wire_dir, text + dir, len);
	*set = s;
	return 0;
}

static void name_device(struct emu_dev *dev, unsigned i)
{
	unsigned bus = emu_settings.first_bus + i / 2, function = i % 2;

	dev->index = i;
	/* the names that systemd gives: PCI bus and slot in decimal, function of several */
	if (emu_settings.pci_names)
		snprintf(dev->rdma, sizeof(dev->rdma), "rocep%us0f%u", bus, function);
	else
		snprintf(dev->rdma, sizeof(dev->rdma), "mlx5_%u", i);
	snprintf(dev->netdev, sizeof(dev->netdev), "emu%u", i);
	snprintf(dev->pci, sizeof(dev->pci), "0000:%02x:00.%u", bus & 0xff, function);
	memcpy(dev->mac, (const uint8_t[]){0x02, 0xda, 0x01, 0, 0, (uint8_t)(i + 1)}, 6);
}

void emu_settings_name_devices(void)
{
	for (unsigned i = 0; i < emu_settings.n_ports; i++)
		name_device(&emu_devs[i], i);
}
