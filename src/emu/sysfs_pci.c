/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions in the copy of /sys. */
#include "card.h"
#include "sysfs_put.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the PCI function ----------------------------------------------------------------------- */

static const struct attr pci_attrs[] = {
	{"vendor", "0x15b3\n"},
	{"subsystem_vendor", "0x15b3\n"},
	{"class", "0x020000\n"},
	{"revision", "0x00\n"},
	{"irq", "0\n"},
	{"enable", "1\n"},
	{"sriov_numvfs", "0\n"},
	{"sriov_totalvfs", "0\n"},
	{"current_link_width", "16\n"},
	{"max_link_width", "16\n"},
};

static void put_resources(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	unsigned long long base = 0xd0000000000ULL + dev->index * 0x2000000ULL;
	char text[2048];
	int n;

	/* BAR 0 alone, 32 MB, prefetchable and 64 bits wide */
	n = snprintf(text, sizeof(text), "0x%016llx 0x%016llx 0x000000000014220c\n", base,
		     base + 0x1ffffff);
	for (int i = 1; i < 13; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "0x%016x 0x%016x 0x%016x\n", 0, 0,
			      0);
	emu_tree_file(t, text, "%s/resource", dir);
}

/* ---- PCI configuration space: PCI 3.0, 6.1; PCI Express 5.0, 7.5.3 --------------------------- */

#define CONFIG_SHORT 64 /* what an unprivileged reader sees of a real function */
#define CONFIG_WHOLE 4096
#define CAP_EXPRESS  0x60 /* where ConnectX has it */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = value & 0xff;
	at[1] = (uint8_t)(value >> 8);
}

/* Of bytes, as the PCIe registers have it: 128 is 0, 256 is 1... */
static unsigned size_code(unsigned bytes)
{
	unsigned code = 0;

	while (128u << code < bytes)
		code++;
	return code;
}

static void fill_express(uint8_t *cap)
{
	uint16_t mps, mrrs;

	emu_shape_pcie(&mps, &mrrs);
	cap[0x00] = 0x10;     /* PCI Express */
	put16(cap + 0x02, 2); /* version 2, endpoint */
	put16(cap + 0x04, 2); /* at most 512 byte payloads */
	put16(cap + 0x08, size_code(mps) << 5 | size_code(mrrs) << 12); /* device control */
	put16(cap + 0x0c, 16 << 4 | 5); /* link: 16 lanes, 32 GT/s */
	put16(cap + 0x12, 16 << 4 | 5);
}

static void put_config(struct emu_tree *t, const char *dir)
{
	uint8_t config[CONFIG_WHOLE] = {
		[0x04] = 0x06,			     /* memory space, bus master */
		[0x06] = 0x10,			     /* there are capabilities */
		[0x0b] = 0x02,			     /* network, Ethernet */
		[0x0c] = 0x10,	      [0x0e] = 0x80, /* multi-function */
		[0x10] = 0x0c,			     /* 64-bit prefetchable memory */
		[0x34] = CAP_EXPRESS,
	};

	put16(config, EMU_VENDOR_ID);
	put16(config + 2, emu_card_function_id());
	put16(config + 0x2c, EMU_VENDOR_ID);
	put16(config + 0x2e, emu_card()->subsystem_id);
	fill_express(config + CAP_EXPRESS);
	emu_tree_bytes(t, config, geteuid() ? CONFIG_SHORT : CONFIG_WHOLE, "%s/config", dir);
}

/* ---- the function's folder ------------------------------------------------------------------ */

static unsigned count_nodes(void)
{
	char path[64];
	unsigned n = 0;

	do
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", n);
	while (!access(path, F_OK) && ++n < 1024);
	return n;
}

/* What follows from the card. */
static void put_identity(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	const struct emu_card *card = emu_card();
	unsigned id = emu_card_function_id(), nodes = count_nodes();
	char modalias[128], text[512];

	snprintf(modalias, sizeof(modalias), "pci:v000015B3d%08Xsv000015B3sd%08Xbc02sc00i00\n", id,
		 card->subsystem_id);
	emu_tree_file(t, modalias, "%s/modalias", dir);
	snprintf(text, sizeof(text), "0x%04x\n", id);
	emu_tree_file(t, text, "%s/device", dir);
	snprintf(text, sizeof(text), "0x%04x\n", card->subsystem_id);
	emu_tree_file(t, text, "%s/subsystem_device", dir);
	snprintf(text, sizeof(text), "%s\n", card->pcie);
	emu_tree_file(t, text, "%s/current_link_speed", dir);
	emu_tree_file(t, text, "%s/max_link_speed", dir);
	snprintf(text, sizeof(text), "%d\n", nodes ? (int)emu_shape_node(dev->index, nodes) : -1);
	emu_tree_file(t, text, "%s/numa_node", dir);
	snprintf(text, sizeof(text),
		 "DRIVER=mlx5_core\nPCI_CLASS=20000\nPCI_ID=15B3:%04X\nPCI_SUBSYS_ID=15B3:%04X\n"
		 "PCI_SLOT_NAME=%s\nMODALIAS=%s",
		 id, card->subsystem_id, dev->pci, modalias);
	emu_tree_file(t, text, "%s/uevent", dir);
}

/* A virtual function and the physical one name each other; no driver of ours has the latter. */
static void put_physical(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	static const struct attr attrs[] = {
		{"vendor", "0x15b3\n"},
		{"class", "0x020000\n"},
		{"sriov_numvfs", "1\n"},
		{"sriov_totalvfs", "8\n"},
	};
	char physical[EMU_NAME], pf_dir[256], text[64];

	memcpy(physical, dev->pci, sizeof(physical));
	physical[strlen(physical) - 1] -= EMU_VF_FUNCTION;
	snprintf(text, sizeof(text), "../%s", physical);
	emu_tree_link(t, text, "%s/physfn", dir);
	snprintf(pf_dir, sizeof(pf_dir), "%.*s%s", (int)(strlen(dir) - strlen(dev->pci)), dir,
		 physical);
	PUT_ATTRS(t, pf_dir, attrs);
	snprintf(text, sizeof(text), "0x%04x\n", emu_card()->device_id);
	emu_tree_file(t, text, "%s/device", pf_dir);
	snprintf(text, sizeof(text), "../%s", dev->pci);
	emu_tree_link(t, text, "%s/virtfn0", pf_dir);
}

void emu_put_pci(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	char text[512];

	emu_tree_dir(t, "%s", dir);
	PUT_ATTRS(t, dir, pci_attrs);
	put_identity(t, dir, dev);
	put_resources(t, dir, dev);
	put_config(t, dir);
	emu_tree_copy(t, "/sys/devices/system/cpu/online", "%s/local_cpulist", dir);
	emu_put_up_link(t, dir, "bus/pci/drivers/mlx5_core", "driver");
	emu_put_up_link(t, dir, "bus/pci", "subsystem");
	if (emu_settings.vf)
		put_physical(t, dir, dev);
	snprintf(text, sizeof(text), "../../../devices/%s", dev->path);
	emu_tree_link(t, text, "/sys/bus/pci/devices/%s", dev->pci);
	snprintf(text, sizeof(text), "../../../../devices/%s", dev->path);
	emu_tree_link(t, text, "/sys/bus/pci/drivers/mlx5_core/%s", dev->pci);
}

/* The functions between the root complex and the card, as far as topology is asked of them. */
void emu_put_bridges(struct emu_tree *t, const struct emu_dev *dev)
{
	static const struct attr attrs[] = {
		{"vendor", "0x15b3\n"},
		{"device", "0x197b\n"},
		{"class", "0x060400\n"},
		{"numa_node", "-1\n"},
	};
	char dir[256];
	const char *end = strchr(dev->path, '/');

	while (end && (end = strchr(end + 1, '/'))) {
		snprintf(dir, sizeof(dir), "/sys/devices/%.*s", (int)(end - dev->path), dev->path);
		PUT_ATTRS(t, dir, attrs);
	}
}
