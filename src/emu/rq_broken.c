/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-emu --break: what a receive queue does wrong, where it is more than a line in rq.c. */
#include <string.h>
#include <time.h>

#include "rq.h"

#define DELAY_NS 1000000 /* so long the completion is there and the frame is not */

void emu_rq_spoil(const struct emu_rq *rq, struct emu_cqe *cqe)
{
	uint16_t counter = emu_from_be16(cqe->wqe_counter);

	if (emu_broken(BYTE_COUNT))
		cqe->byte_cnt = emu_to_be32(emu_from_be32(cqe->byte_cnt) + 1);
	if (emu_broken(RECV_COUNTER) && counter && (counter & (rq->n_wqe - 1)) == 0)
		cqe->wqe_counter = emu_to_be16((uint16_t)(counter + 1));
	if (emu_broken(STRIDE_INDEX) && rq->log_stride)
		cqe->wqe_counter = emu_to_be16((uint16_t)(counter + (counter != 0)));
	if (emu_broken(CSUM_STATUS))
		cqe->hds_ip_ext |= EMU_CQE_L3_OK | EMU_CQE_L4_OK;
	if (emu_broken(L4_TYPE) && (cqe->l4_hdr_type_etc & (EMU_CQE_L4_UDP | EMU_CQE_L4_TCP)))
		cqe->l4_hdr_type_etc ^= EMU_CQE_L4_UDP | EMU_CQE_L4_TCP;
	if (emu_broken(RSS_TYPE))
		cqe->rx_hash_type = 0;
	if (emu_broken(VLAN_INFO))
		cqe->vlan_info &= emu_to_be16(0x0fff);
}

/* The CQE of a queue of one WQE a frame, and later the frame. */
void emu_rq_completion_first(struct emu_rq *rq, struct emu_rx *rx)
{
	const struct timespec while_read = {0, DELAY_NS};
	struct emu_cqe cqe;

	emu_rq_cqe(rq, rx, &cqe);
	cqe.byte_cnt = emu_to_be32(rx->len);
	cqe.wqe_counter = emu_to_be16(emu_rq_index(rq));
	emu_rq_complete(rq, &cqe);
	nanosleep(&while_read, NULL);
	emu_rq_scatter(rq, rx, 0);
	emu_rq_advance(rq);
}
