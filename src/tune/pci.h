/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_PCI_H
#define TUNE_PCI_H

#include "machine.h"

/* The devices below a root, by libpci. */
struct tune_bus;

/* Calls fn for each device of a vendor and base class, until it returns other than 0: then that. */
struct tune_bus_kind {
	unsigned vendor, class;
	int (*fn)(struct tune_machine *m, struct tune_bus *bus, const struct tune_pci *pci);
};

int tune_bus_each(struct tune_machine *m, const struct tune_bus_kind *kind);

/* The sizes of a BAR that the resizable BAR capability offers: bit n is 2^n MiB; 0: none. */
unsigned tune_bus_bar_sizes(struct tune_bus *bus, const char *addr, unsigned bar);

bool tune_pci_is_address(const char *name);

/* How two devices are joined, as nvidia-smi topo names it. */
enum tune_relation { TUNE_PIX, TUNE_PXB, TUNE_PHB, TUNE_NODE, TUNE_SYS };

enum tune_relation tune_pci_relation(const struct tune_pci *a, const struct tune_pci *b);
const char *tune_relation_name(enum tune_relation r);

/* The least of what the device and every bridge above it can take; 0 unknown. */
unsigned tune_pci_path_mps(const struct tune_pci *pci);

#endif
