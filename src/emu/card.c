/* SPDX-License-Identifier: Apache-2.0 */
#include "card.h"

/* ids: pci.ids; speeds: enum ib_port_speed; wait_on_time: since ConnectX-7 */
static const struct emu_card cards[] = {
	[EMU_CX6DX] = {.device_id = 0x101d,
		       .subsystem_id = 0x0042,
		       .board_id = "EMU0000000002",
		       .fw_major = 22,
		       .fw_minor = 43,
		       .fw_sub = 2026,
		       .rate = "100 Gb/sec (4X EDR)",
		       .speed = 32,
		       .mbps = 100000,
		       .pcie = "16.0 GT/s PCIe",
		       .wait_on_time = false},
	[EMU_CX7] = {.device_id = 0x1021,
		     .subsystem_id = 0x0053,
		     .board_id = "EMU0000000001",
		     .fw_major = 28,
		     .fw_minor = 43,
		     .fw_sub = 2026,
		     .rate = "200 Gb/sec (4X HDR)",
		     .speed = 64,
		     .mbps = 200000,
		     .pcie = "32.0 GT/s PCIe",
		     .wait_on_time = true},
	[EMU_BF3] = {.device_id = 0xa2dc,
		     .subsystem_id = 0x0051,
		     .board_id = "EMU0000000003",
		     .fw_major = 32,
		     .fw_minor = 43,
		     .fw_sub = 2026,
		     .rate = "400 Gb/sec (4X NDR)",
		     .speed = 128,
		     .mbps = 400000,
		     .pcie = "32.0 GT/s PCIe",
		     .wait_on_time = true},
};

const struct emu_card *emu_card(void)
{
	return &cards[emu_settings.model];
}

uint16_t emu_card_function_id(void)
{
	return emu_settings.vf ? EMU_VF_DEVICE_ID : emu_card()->device_id;
}

static const struct emu_shape shapes[] = {
	/* GPU and NIC behind one PCIe switch, which is limited to 128 byte payloads */
	[EMU_IGX_ORIN] = {.n_ports = 2,
			  .max_cards = 1,
			  .domain = {5},
			  .bus = {3},
			  .bridges = "0005:00:00.0/0005:01:00.0/0005:02:00.0",
			  .mps = 128,
			  .mrrs = 512,
			  .own_names = true},
	/* one chip on two links: mlx5_0 and mlx5_2 face the same physical port */
	[EMU_DGX_SPARK] = {.n_ports = 4,
			   .max_cards = 2,
			   .domain = {0, 2},
			   .bus = {1, 1},
			   .mps = 256,
			   .mrrs = 512,
			   .own_names = true},
	/* a card on each socket, without a switch */
	[EMU_X86_SERVER] = {.n_ports = 4,
			    .max_cards = 4,
			    .bus = {0x17, 0xca, 0x31, 0xb1},
			    .node = {0, 1, 0, 1},
			    .mps = 256,
			    .mrrs = 512,
			    .own_names = true},
};

const struct emu_shape *emu_shape(void)
{
	return emu_settings.topology == EMU_TWO_PORT ? NULL : &shapes[emu_settings.topology];
}

void emu_shape_pcie(uint16_t *mps, uint16_t *mrrs)
{
	const struct emu_shape *shape = emu_shape();

	*mps = shape ? shape->mps : 256;
	*mrrs = shape ? shape->mrrs : 512;
}

unsigned emu_shape_node(unsigned port, unsigned n_nodes)
{
	const struct emu_shape *shape = emu_shape();

	return shape && n_nodes ? shape->node[port / 2] % n_nodes : 0;
}
