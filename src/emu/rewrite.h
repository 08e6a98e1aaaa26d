/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow actions that change a frame: tunnel headers taken off or put on, fields of headers set.
 * Pure functions on bytes.
 */
#ifndef EMU_REWRITE_H
#define EMU_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_REGS 10u /* metadata registers: a, b, c_0..c_7 */
enum { EMU_REG_A, EMU_REG_B, EMU_REG_C0 };

/* A frame that may be changed: room bytes in front of data, and the registers beside it. */
struct emu_edit {
	uint8_t *data;
	uint32_t len;
	uint32_t room;
	uint32_t regs[EMU_REGS];
};

/* Takes the outer headers of an L2 tunnel off; false: there is none. */
bool emu_edit_decap(struct emu_edit *edit);
/* Takes all in front of the inner IP header off and puts an L2 header there; false: no tunnel. */
bool emu_edit_l3_decap(struct emu_edit *edit, const uint8_t *header, uint32_t size);
/*
 * Puts a tunnel's headers in front, the IP and UDP lengths in them and the IPv4 checksum made
 * right. l3: the frame's own L2 header goes first. False: no room.
 */
bool emu_edit_encap(struct emu_edit *edit, const uint8_t *header, uint32_t size, bool l3);

/* One set_add_copy_action_in: false where no card has such an action. */
bool emu_modify_valid(const uint8_t action[8]);
/* Executes n of them; checksums of IPv4, TCP and UDP follow what is changed. */
void emu_edit_modify(struct emu_edit *edit, const uint8_t *actions, unsigned n);

#endif
