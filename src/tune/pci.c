/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"

/* Resizable BAR (PCIe base specification 7.8.6): a capability register for each of its BARs. */
enum { REBAR_CAP = 4, REBAR_STEP = 8 };

struct tune_bus {
	const struct tune_root *root;
	struct pci_access *acc;
	char path[TUNE_PATH];
};

static jmp_buf failed; /* libpci ends the program where its error handler returns */

static void __attribute__((noreturn, format(printf, 1, 2))) on_error(char *msg, ...)
{
	(void)msg;
	longjmp(failed, 1);
}

static void __attribute__((format(printf, 1, 2))) on_message(char *msg, ...)
{
	(void)msg;
}

static int init(struct pci_access *acc)
{
	if (setjmp(failed))
		return -EIO;
	pci_init(acc);
	return 0;
}

static void bus_close(struct tune_bus *bus)
{
	if (!bus)
		return;
	pci_cleanup(bus->acc);
	free(bus);
}

static struct tune_bus *bus_open(const struct tune_root *root)
{
	struct tune_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->root = root;
	snprintf(bus->path, sizeof(bus->path), "%.400s/sys/bus/pci", root->live ? "" : root->dir);
	bus->acc = pci_alloc();
	bus->acc->error = on_error;
	bus->acc->warning = on_message;
	bus->acc->method = PCI_ACCESS_SYS_BUS_PCI;
	pci_set_param(bus->acc, (char *)"sysfs.path", bus->path);
	if (!init(bus->acc))
		return bus;
	bus_close(bus);
	return NULL;
}

static int parse_address(const char *name, unsigned at[4])
{
	char end;

	if (strlen(name) > 15 ||
	    sscanf(name, "%8x:%2x:%2x.%1x%c", &at[0], &at[1], &at[2], &at[3], &end) != 4)
		return -EINVAL;
	return at[0] > 0x7fffffff || at[2] > 31 || at[3] > 7 ? -EINVAL : 0;
}

bool tune_pci_is_address(const char *name)
{
	unsigned at[4];

	return !parse_address(name, at);
}

static void read_capability(struct tune_pcie *p, struct pci_dev *dev, unsigned at)
{
	unsigned devcap = pci_read_long(dev, (int)at + PCI_EXP_DEVCAP);
	unsigned devctl = pci_read_word(dev, (int)at + PCI_EXP_DEVCTL);
	unsigned lnkcap = pci_read_long(dev, (int)at + PCI_EXP_LNKCAP);
	unsigned lnksta = pci_read_word(dev, (int)at + PCI_EXP_LNKSTA);
	struct pci_cap *acs;

	if (devcap == 0xffffffff || devctl == 0xffff || lnkcap == 0xffffffff || lnksta == 0xffff)
		return; /* cut short, or a device that has left the bus */
	p->known = true;
	p->devctl = at + PCI_EXP_DEVCTL;
	p->mps_cap = 128u << (devcap & PCI_EXP_DEVCAP_PAYLOAD);
	p->mps = 128u << ((devctl & PCI_EXP_DEVCTL_PAYLOAD) >> 5);
	p->mrrs = 128u << ((devctl & PCI_EXP_DEVCTL_READRQ) >> 12);
	p->speed_cap = lnkcap & PCI_EXP_LNKCAP_SPEED;
	p->width_cap = (lnkcap & PCI_EXP_LNKCAP_WIDTH) >> 4;
	p->speed = lnksta & PCI_EXP_LNKSTA_SPEED;
	p->width = (lnksta & PCI_EXP_LNKSTA_WIDTH) >> 4;
	acs = pci_find_cap(dev, PCI_EXT_CAP_ID_ACS, PCI_CAP_EXTENDED);
	if (acs)
		p->acs = pci_read_word(dev, (int)acs->addr + PCI_ACS_CTRL);
}

/*
 * libpci opens the file itself: only once it is known to be a plain one. The kernel gives others
 * than root the first 64 bytes, and capabilities lie behind them.
 */
static struct pci_dev *open_device(struct tune_bus *bus, const char *addr, ssize_t *len)
{
	char head[1024];
	unsigned at[4];

	if (parse_address(addr, at))
		return NULL;
	*len = tune_read(bus->root, head, sizeof(head), "sys/bus/pci/devices/%s/config", addr);
	if (*len < 64)
		return NULL;
	return pci_get_dev(bus->acc, (int)at[0], (int)at[1], (int)at[2], (int)at[3]);
}

static void read_config(struct tune_bus *bus, struct tune_pcie *p, const char *addr)
{
	struct pci_dev *dev;
	struct pci_cap *cap;
	ssize_t len = 0;

	p->acs = TUNE_UNKNOWN;
	if (setjmp(failed))
		return;
	dev = open_device(bus, addr, &len);
	p->denied = len == 64 || len == -EACCES || len == -EPERM;
	if (!dev)
		return;
	cap = len > 64 ? pci_find_cap(dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL) : NULL;
	if (cap)
		read_capability(p, dev, cap->addr);
	pci_free_dev(dev);
}

/* Bits 31:4 of the capability register: bit 4 is 1 MiB. */
static unsigned sizes_of(struct pci_dev *dev, int cap, unsigned bar)
{
	unsigned n = pci_read_long(dev, cap + REBAR_CAP + 4) >> 5 & 7;

	for (unsigned i = 0; i < n && i < 6; i++) {
		int at = cap + REBAR_CAP + (int)i * REBAR_STEP;
		unsigned sizes = pci_read_long(dev, at);

		if ((pci_read_long(dev, at + 4) & 7) == bar)
			return sizes == 0xffffffff ? 0 : sizes >> 4;
	}
	return 0;
}

unsigned tune_bus_bar_sizes(struct tune_bus *bus, const char *addr, unsigned bar)
{
	struct pci_dev *dev;
	struct pci_cap *cap;
	unsigned ret;
	ssize_t len = 0;

	if (setjmp(failed))
		return 0;
	dev = open_device(bus, addr, &len);
	if (!dev)
		return 0;
	cap = pci_find_cap(dev, PCI_EXT_CAP_ID_REBAR, PCI_CAP_EXTENDED);
	ret = cap ? sizes_of(dev, (int)cap->addr, bar) : 0;
	pci_free_dev(dev);
	return ret;
}

static void read_bridges(struct tune_bus *bus, struct tune_pci *pci)
{
	char path[TUNE_PATH], *word, *save = NULL;

	tune_put(path, sizeof(path), pci->path);
	for (word = strtok_r(path, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
		if (!tune_pci_is_address(word) || !strcmp(word, pci->addr))
			continue;
		if (pci->n_up == TUNE_BRIDGES)
			return;
		tune_put(pci->up[pci->n_up].addr, sizeof(pci->up[0].addr), word);
		read_config(bus, &pci->up[pci->n_up].pcie, word);
		pci->n_up++;
	}
}

static unsigned read_hex(struct tune_bus *bus, const char *addr, const char *name)
{
	long long value = 0;

	tune_number(bus->root, &value, "sys/bus/pci/devices/%s/%s", addr, name);
	return value < 0 || value > 0xffffff ? 0 : (unsigned)value;
}

static int bus_read(struct tune_bus *bus, struct tune_pci *pci, const char *addr)
{
	long long numa = TUNE_UNKNOWN;

	memset(pci, 0, sizeof(*pci));
	if (!tune_pci_is_address(addr) || !tune_exists(bus->root, "sys/bus/pci/devices/%s", addr))
		return -ENODEV;
	tune_put(pci->addr, sizeof(pci->addr), addr);
	pci->vendor = read_hex(bus, addr, "vendor");
	pci->device = read_hex(bus, addr, "device");
	pci->class = read_hex(bus, addr, "class");
	tune_number(bus->root, &numa, "sys/bus/pci/devices/%s/numa_node", addr);
	pci->numa = numa >= 0 && numa < 1024 ? (int)numa : TUNE_UNKNOWN;
	tune_text(bus->root, pci->iommu, sizeof(pci->iommu),
		  "sys/bus/pci/devices/%s/iommu_group/type", addr);
	if (tune_link(bus->root, pci->path, "sys/bus/pci/devices/%s", addr))
		*pci->path = 0;
	read_config(bus, &pci->pcie, addr);
	read_bridges(bus, pci);
	return 0;
}

unsigned tune_pci_path_mps(const struct tune_pci *pci)
{
	unsigned least = pci->pcie.known ? pci->pcie.mps_cap : 0;

	for (unsigned i = 0; i < pci->n_up && least; i++) {
		if (!pci->up[i].pcie.known)
			return 0;
		if (pci->up[i].pcie.mps_cap < least)
			least = pci->up[i].pcie.mps_cap;
	}
	return least;
}

/* "pci0005:00", the host bridge of a path. */
static void host_bridge(const struct tune_pci *pci, char out[32])
{
	const char *p = strstr(pci->path, "/pci");

	*out = 0;
	if (!p)
		return;
	tune_put(out, 32, p + 1);
	out[strcspn(out, "/")] = 0;
}

enum tune_relation tune_pci_relation(const struct tune_pci *a, const struct tune_pci *b)
{
	unsigned same = 0;
	char ha[32], hb[32];

	while (same < a->n_up && same < b->n_up && !strcmp(a->up[same].addr, b->up[same].addr))
		same++;
	/* each switch on the way is a port above and a port below */
	if (same)
		return a->n_up - same <= 1 && b->n_up - same <= 1 ? TUNE_PIX : TUNE_PXB;
	host_bridge(a, ha);
	host_bridge(b, hb);
	if (*ha && !strcmp(ha, hb))
		return TUNE_PHB;
	return a->numa == b->numa ? TUNE_NODE : TUNE_SYS;
}

const char *tune_relation_name(enum tune_relation r)
{
	static const char *const names[] = {"PIX", "PXB", "PHB", "NODE", "SYS"};

	return names[r];
}

int tune_bus_each(struct tune_machine *m, const struct tune_bus_kind *kind)
{
	struct tune_bus *bus = bus_open(m->root);
	struct tune_names names;
	struct tune_pci pci;
	int ret = 0;

	if (!bus)
		return 0;
	tune_list(m->root, &names, "sys/bus/pci/devices");
	for (unsigned i = 0; i < names.n && !ret; i++) {
		long long vendor = 0;

		tune_number(m->root, &vendor, "sys/bus/pci/devices/%s/vendor", names.name[i]);
		if (vendor != kind->vendor || bus_read(bus, &pci, names.name[i]) ||
		    pci.class >> 16 != kind->class)
			continue;
		ret = kind->fn(m, bus, &pci);
	}
	tune_names_free(&names);
	bus_close(bus);
	return ret;
}
