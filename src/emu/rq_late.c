/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completions of frames that are on their way into a GPU's memory: they are written when the copies
 * have ended, which is waited for once for many frames. None is written before an older one, so
 * that all others wait behind them: emu_cq_write() settles first.
 */
#include <string.h>

#include "gpu.h"
#include "rq.h"

#define LATE 64u

static struct {
	struct emu_rq *rq;
	struct emu_cqe cqe;
} late[LATE];
static unsigned n_late;

bool emu_rq_is_late(void)
{
	return n_late || emu_gpu_unsettled();
}

void emu_rq_put_off(struct emu_rq *rq, const struct emu_cqe *cqe)
{
	if (n_late == LATE)
		emu_rq_settle();
	late[n_late].rq = rq;
	late[n_late++].cqe = *cqe;
}

/* The driver has refused: nobody knows which of the frames is not there. */
static void lose(struct emu_rq *rq, const struct emu_cqe *cqe)
{
	struct emu_error err = {
		.syndrome = EMU_SYN_LOCAL_PROT,
		.cqe_opcode = EMU_CQE_RESP_ERR,
		.wqe_counter = emu_from_be16(cqe->wqe_counter),
		.wqe_id = emu_from_be16(cqe->wqe_id),
		.strides = emu_from_be32(cqe->byte_cnt) >> EMU_MPW_STRIDES_SHIFT,
		.qpn = rq->rqn,
		.user_index = rq->user_index,
	};

	emu_counted[rq->dev->index].rx_wqe_errors++;
	if (!emu_cq_write_error(rq->cq, &err))
		emu_rq_cq_lost(rq);
	else if (rq->state == EMU_QUEUE_RDY)
		emu_rq_to_error(rq);
}

void emu_rq_settle(void)
{
	unsigned n = n_late;
	bool there;

	if (!emu_rq_is_late())
		return;
	there = emu_gpu_settle();
	/* What is written below finds nothing to settle. */
	n_late = 0;
	for (unsigned i = 0; i < n; i++)
		if (!there)
			lose(late[i].rq, &late[i].cqe);
		else if (!emu_cq_write(late[i].rq->cq, &late[i].cqe, EMU_CQE_PLAIN))
			emu_rq_cq_lost(late[i].rq);
}
