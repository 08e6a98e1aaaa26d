/* SPDX-License-Identifier: Apache-2.0 */
/* What a send queue does later: WAIT WQEs, and the pauses of its rate limit. */
#include <string.h>

#include "card.h"
#include "emu_dev.h"

/* So much before its time the engine goes on looking instead of sleeping. */
#define NEAR_NS 100000u

bool emu_sq_due(struct emu_sq *sq, uint64_t at_ns)
{
	uint64_t now = emu_time_ns();

	if (now >= at_ns)
		return true;
	sq->soon = at_ns - now < NEAR_NS;
	return false;
}

/*
 * PRM "Wait on time": the value is compared with the clock of the send queue, which is its send
 * CQ's; both as far as the mask goes, and cyclically: half of all values lie in the past.
 */
enum emu_syndrome emu_wqe_wait(struct emu_sq *sq, const struct emu_wqe *wqe, bool *over)
{
	uint64_t mask, value, left;
	struct emu_wqe_wait seg;

	if (!emu_card()->wait_on_time || wqe->opmod != EMU_OPMOD_WAIT_TIME ||
	    wqe->size != sizeof(struct emu_wqe_ctrl) + sizeof(seg))
		return EMU_SYN_LOCAL_QP_OP;
	memcpy(&seg, wqe->bytes + sizeof(struct emu_wqe_ctrl), sizeof(seg));
	mask = emu_from_be64(seg.mask);
	value = emu_from_be64(seg.value);
	/* the only comparison that drivers use; the mask is some low bits, two at least */
	if (emu_from_be32(seg.operation) != EMU_WAIT_CYCLIC_SMALLER || mask < 3 ||
	    (mask & (mask + 1)))
		return EMU_SYN_LOCAL_QP_OP;
	emu_time_expire();
	left = (value - emu_time_clock(sq->cq->realtime)) & mask;
	*over = left == 0 || left > mask / 2 || emu_broken(WAIT_TIME);
	sq->soon = !*over && left < NEAR_NS;
	return EMU_SYN_NONE;
}
