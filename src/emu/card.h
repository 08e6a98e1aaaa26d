/* SPDX-License-Identifier: Apache-2.0 */
/* The card of --device, and where in the machine --topology has it. */
#ifndef EMU_CARD_H
#define EMU_CARD_H

#include "emu.h"

#define EMU_VENDOR_ID	 0x15b3
#define EMU_VF_DEVICE_ID 0x101e /* of all: "ConnectX Family mlx5Gen Virtual Function" */
#define EMU_VF_FUNCTION	 2	/* a virtual function's number, less that of its physical one */

struct emu_card {
	uint16_t device_id, subsystem_id;
	const char *board_id; /* board ids begin with EMU: who looks knows what it is */
	unsigned fw_major, fw_minor, fw_sub;
	const char *rate; /* of the RDMA port, as sysfs has it */
	uint8_t speed;	  /* IB_SPEED_*; the width is 4X */
	unsigned mbps;	  /* of the interface */
	const char *pcie; /* speed of the PCIe link */
	bool wait_on_time;
};

const struct emu_card *emu_card(void);
/* Of the functions that are there: the card's, or that of its virtual functions. */
uint16_t emu_card_function_id(void);

struct emu_shape {
	unsigned n_ports;   /* where --ports does not say */
	unsigned max_cards; /* that have a place; two ports a card */
	uint16_t domain[8];
	uint8_t bus[8];
	uint8_t node[8];     /* NUMA node of each card */
	const char *bridges; /* PCI functions between root complex and card, in sysfs' form */
	uint16_t mps, mrrs;  /* bytes: PCIe Max_Payload_Size, Max_Read_Request_Size */
	bool own_names;	     /* interfaces are named after PCI addresses, as udev does */
};

/* NULL for the plain two-port cards, which take whatever bus the machine does not have. */
const struct emu_shape *emu_shape(void);
/* PCIe settings of a function. */
void emu_shape_pcie(uint16_t *mps, uint16_t *mrrs);
/* NUMA node of a port's card, among n_nodes. */
unsigned emu_shape_node(unsigned port, unsigned n_nodes);

#endif
