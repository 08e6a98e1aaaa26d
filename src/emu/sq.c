/* SPDX-License-Identifier: Apache-2.0 */
/* Send queues: doorbells, fetching and checking WQEs, completions, errors, flushing. */
#include <string.h>

#include "emu_dev.h"
#include "fault.h"
#include "script.h"

/* A WQE that wraps at the ring's end is put together here. One engine, one WQE at a time. */
static uint8_t wrapped[(EMU_MAX_DS + 4) * EMU_DS];

void emu_sq_reset(struct emu_sq *sq)
{
	sq->ci = emu_broken(SEND_RESET) ? sq->ci : 0;
	sq->pi = sq->ci;
	sq->rung = false;
	sq->error_reported = false;
	sq->next_ns = 0;
	sq->stalled_ns = 0;
	sq->lso_at = 0;
	sq->soon = false;
	sq->min_inline = emu_fault(EMU_FAULT_INLINE_L2);
}

static void fatal(struct emu_sq *sq)
{
	sq->state = EMU_QUEUE_ERR;
	if (sq->devx) {
		emu_devx_event(sq->devx, EMU_ASYNC_QP_FATAL);
		return;
	}
	emu_async_event(sq->ctx, EMU_ASYNC_QP_FATAL, sq->qp_handle);
	sq->async_events_reported++;
}

static bool write_cqe(struct emu_sq *sq, const struct emu_wqe *wqe)
{
	struct emu_cqe cqe = {
		.srqn_uidx = emu_to_be32(sq->user_index),
		.timestamp = emu_to_be64(emu_time_cqe(sq->cq->realtime)),
		.sop_drop_qpn = emu_to_be32((uint32_t)wqe->opcode << 24 | sq->qpn),
		.wqe_counter =
			emu_to_be16(emu_broken(SEND_COUNTER) ? wqe->index & 0x7fff : wqe->index),
		.op_own = EMU_CQE_REQ << 4,
	};
	enum emu_cqe_kind kind = wqe->ce == EMU_CE_EVENT ? EMU_CQE_SOLICITED : EMU_CQE_PLAIN;

	return emu_cq_write(sq->cq, &cqe, kind);
}

/* Completion modes 0, 2 and 3 report every failed or flushed WQE, mode 1 the queue's first only. */
static bool write_error(struct emu_sq *sq, const struct emu_wqe *wqe, enum emu_syndrome syndrome)
{
	struct emu_error err = {
		.syndrome = syndrome,
		.cqe_opcode = EMU_CQE_REQ_ERR,
		.wqe_opcode = wqe->opcode,
		.wqe_counter = wqe->index,
		.qpn = sq->qpn,
		.user_index = sq->user_index,
	};

	if (wqe->ce == EMU_CE_FIRST_ERROR && sq->error_reported)
		return true;
	sq->error_reported = true;
	return emu_cq_write_error(sq->cq, &err);
}

/* Reads the control segment at ci; its fields are not judged yet. */
static void peek(const struct emu_sq *sq, struct emu_wqe *wqe, struct emu_wqe_ctrl *ctrl)
{
	size_t slot = sq->ci & (sq->n_wqebb - 1);

	wqe->bytes = sq->buf + slot * EMU_WQEBB;
	memcpy(ctrl, wqe->bytes, sizeof(*ctrl));
	wqe->size = (emu_from_be32(ctrl->qpn_ds) & 0x3f) * EMU_DS;
	wqe->index = sq->ci;
	wqe->opcode = (uint8_t)emu_from_be32(ctrl->opmod_idx_opcode);
	wqe->opmod = (uint8_t)(emu_from_be32(ctrl->opmod_idx_opcode) >> 24);
	wqe->ce = (uint8_t)EMU_CTRL_CE(ctrl->fm_ce_se);
}

static uint16_t wqebbs(const struct emu_wqe *wqe)
{
	return (uint16_t)((wqe->size + EMU_WQEBB - 1) / EMU_WQEBB);
}

static bool ctrl_good(const struct emu_sq *sq, const struct emu_wqe *wqe,
		      const struct emu_wqe_ctrl *ctrl)
{
	uint32_t first = emu_from_be32(ctrl->opmod_idx_opcode);
	uint32_t second = emu_from_be32(ctrl->qpn_ds);

	return (uint16_t)(first >> 8) == sq->ci && second >> 8 == sq->qpn && wqe->size &&
	       wqebbs(wqe) <= (uint16_t)(sq->pi - sq->ci);
}

/* What is posted behind a failed WQE completes as flushed, and what will be posted. */
static void flush(struct emu_sq *sq)
{
	struct emu_wqe_ctrl ctrl;
	struct emu_wqe wqe;

	while (sq->ci != sq->pi) {
		peek(sq, &wqe, &ctrl);
		if (!ctrl_good(sq, &wqe, &ctrl)) {
			sq->ci = sq->pi; /* no telling where the next one begins */
			return;
		}
		if (!write_error(sq, &wqe, EMU_SYN_FLUSHED)) {
			sq->ci = sq->pi;
			return;
		}
		sq->ci = (uint16_t)(sq->ci + wqebbs(&wqe));
	}
}

void emu_sq_to_error(struct emu_sq *sq)
{
	sq->state = EMU_QUEUE_ERR;
	sq->lso_at = 0;
	flush(sq);
}

/* --break others */
static void stop_others(struct emu_sq *failed)
{
	struct emu_sq *sq;

	LIST_FOREACH (sq, &failed->dev->sqs, link)
		sq->state = EMU_QUEUE_ERR;
}

static void fail(struct emu_sq *sq, const struct emu_wqe *wqe, enum emu_syndrome syndrome)
{
	uint16_t left = (uint16_t)(sq->pi - sq->ci), step = wqebbs(wqe);

	emu_counted[sq->dev->index].tx_errors++;
	sq->lso_at = 0;
	sq->ci = (uint16_t)(sq->ci + (step && step <= left ? step : left));
	sq->state = EMU_QUEUE_ERR;
	if (emu_broken(OTHERS))
		stop_others(sq);
	if (!write_error(sq, wqe, syndrome))
		fatal(sq);
	else if (!emu_broken(FLUSH))
		flush(sq);
}

/* *over stays true, but for a WQE that is to go on at the next call. */
static enum emu_syndrome execute(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames,
				 bool *over)
{
	enum emu_syndrome syndrome;

	if (wqe->opmod && wqe->opcode != EMU_OP_LSO && wqe->opcode != EMU_OP_WAIT)
		return EMU_SYN_LOCAL_QP_OP;
	switch (wqe->opcode) {
	case EMU_OP_NOP:
		*frames += 1;
		return EMU_SYN_NONE;
	case EMU_OP_SEND:
	case EMU_OP_LSO:
		syndrome = emu_wqe_send(sq, wqe, frames);
		*over = sq->lso_at == 0;
		return syndrome;
	case EMU_OP_EMPW:
		return emu_wqe_empw(sq, wqe, frames);
	case EMU_OP_WAIT:
		return emu_wqe_wait(sq, wqe, over);
	default:
		return emu_broken(OPCODE) ? EMU_SYN_NONE : EMU_SYN_LOCAL_QP_OP;
	}
}

/* Makes the WQE contiguous. */
static void unwrap(const struct emu_sq *sq, struct emu_wqe *wqe)
{
	size_t till_end = (size_t)(sq->buf + (size_t)sq->n_wqebb * EMU_WQEBB - wqe->bytes);

	if (wqe->size <= till_end)
		return;
	memcpy(wrapped, wqe->bytes, till_end);
	if (!emu_broken(WQE_WRAP))
		memcpy(wrapped + till_end, sq->buf, wqe->size - till_end);
	wqe->bytes = wrapped;
}

/* --faults: the error that is to come instead of a good completion. */
static enum emu_syndrome scripted(struct emu_sq *sq)
{
	const struct emu_script_line *line = emu_script_hit(EMU_ON_SEND, sq->dev->index, 0);

	return line ? (enum emu_syndrome)line->arg : EMU_SYN_NONE;
}

/* False: the queue has stopped, or waits for a time. */
static bool step(struct emu_sq *sq, unsigned *frames)
{
	enum emu_syndrome syndrome;
	struct emu_wqe_ctrl ctrl;
	struct emu_wqe wqe;
	bool over = true;

	peek(sq, &wqe, &ctrl);
	if (!ctrl_good(sq, &wqe, &ctrl)) {
		fail(sq, &wqe, EMU_SYN_LOCAL_QP_OP);
		return false;
	}
	unwrap(sq, &wqe);
	syndrome = execute(sq, &wqe, frames, &over);
	if (syndrome != EMU_SYN_NONE) {
		fail(sq, &wqe, syndrome);
		return false;
	}
	if (!over)
		return wqe.opcode != EMU_OP_WAIT;
	if (wqe.ce >= EMU_CE_ALWAYS && emu_script_has(EMU_ON_SEND)) {
		syndrome = scripted(sq);
		if (syndrome != EMU_SYN_NONE) {
			fail(sq, &wqe, syndrome);
			return false;
		}
	}
	sq->ci = (uint16_t)(sq->ci + wqebbs(&wqe));
	if ((wqe.ce >= EMU_CE_ALWAYS || emu_broken(COMPLETION_MODE)) && !write_cqe(sq, &wqe)) {
		fatal(sq);
		return false;
	}
	return true;
}

static bool may_send(struct emu_sq *sq)
{
	if (sq->rate_kbps && !emu_broken(RATE_LIMIT) && !emu_sq_due(sq, sq->next_ns))
		return false;
	return emu_wire_room(sq);
}

unsigned emu_sq_run(struct emu_sq *sq, unsigned budget)
{
	unsigned frames = 0;

	if (sq->state != EMU_QUEUE_RDY)
		return 0;
	sq->soon = false;
	while (frames < budget && sq->ci != sq->pi && may_send(sq))
		if (!step(sq, &frames))
			break;
	return frames + sq->soon;
}

/*
 * The SQ counter must lie within a ring's length of what was executed, and behind the WQE that the
 * doorbell names: the counter is written first, so it cannot be older than the doorbell.
 */
void emu_sq_doorbell(struct emu_sq *sq, int named)
{
	/* pairs with the program's barrier between its WQEs, its counter and the doorbell */
	uint16_t pi = (uint16_t)emu_read_dbrec(sq->dbrec);
	uint16_t ahead = (uint16_t)(pi - named);

	if (sq->state == EMU_QUEUE_RST || (emu_broken(DOORBELL_OLD) && named >= 0 && ahead > 1))
		return;
	if ((uint16_t)(pi - sq->ci) > sq->n_wqebb ||
	    (named >= 0 && (ahead == 0 || ahead > sq->n_wqebb))) {
		emu_complain("%s: send queue 0x%x: its counter is %u, the next WQE to execute %u, "
			     "the doorbell names %d, the ring holds %u: impossible; the queue "
			     "stops",
			     sq->dev->rdma, sq->qpn, pi, sq->ci, named, sq->n_wqebb);
		fatal(sq);
		return;
	}
	sq->pi = pi;
	if (sq->state == EMU_QUEUE_ERR)
		flush(sq);
}
