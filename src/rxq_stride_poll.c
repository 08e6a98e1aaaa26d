/* SPDX-License-Identifier: Apache-2.0 */
/* The data path of striding receive queues: no allocation, lock, log or system call. */
#include <errno.h>

#include "mlx5_wqe.h"
#include "rxq_ring.h"
#include "rxq_stride.h"

/*
 * The buffer of a done WQE goes to the next one of the ring, which may be the same place again;
 * where a packet in it is kept, the spare that stands in for it.
 */
static void repost(struct daqiri_rxq *q, uint32_t oldest)
{
	struct dq_rx_striding *st = q->striding;
	uint32_t buf = st->buf[oldest & st->mask], place = q->posted++ & st->mask;

	if (UNLIKELY(st->bufs.pins[buf])) {
		st->bufs.place[buf] = DQ_STRIDE_KEPT;
		buf = st->bufs.stand_in[buf];
	}
	st->bufs.place[buf] = place;
	st->buf[place] = buf;
	st->where[place] = dq_rx_stride_addr(q, buf);
	dq_wqe_stride_move(st->wqes + (size_t)place * DQ_STRIDING_WQE, st->where[place]);
}

/* Gives the device all WQEs that are done and whose packets are all released. */
static void give_back(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;
	uint32_t released = st->polled - q->held, oldest = st->oldest;

	while (oldest != st->wqe && (int32_t)(released - st->end[oldest & st->mask]) >= 0)
		repost(q, oldest++);
	if (oldest == st->oldest)
		return;
	st->oldest = oldest;
	/* The device would flush what a queue that has stopped is given, for ever. */
	if (LIKELY(!q->stopped))
		dq_rx_ring_rq(q);
}

/* ---- what is no packet: out of line ---------------------------------------------------------- */

/*
 * All WQEs before the one that a completion names are done, whatever they have told. False: the
 * device has no such WQE.
 */
static bool close_before(struct daqiri_rxq *q, const struct mlx5_cqe64 *cqe)
{
	struct dq_rx_striding *st = q->striding;
	uint32_t ahead = (dq_cqe_wqe_id(cqe) - st->wqe) & st->mask;

	if (ahead >= q->posted - st->wqe)
		return false;
	while (ahead--)
		dq_rx_stride_close(st);
	return true;
}

/* A completion is used up, and WQEs with it perhaps. */
static void consumed(struct daqiri_rxq *q)
{
	q->ci++;
	/* First the completion, then the WQE: else the device could overrun the completion ring. */
	dq_rx_ring_cq(q);
	give_back(q);
}

/* An error takes what was left of its WQE: so it says, or nothing at all. */
static void take_error(struct daqiri_rxq *q, const struct mlx5_cqe64 *cqe, bool known)
{
	bool is_error = dq_cqe_opcode(dq_cqe_op_own(cqe)) == MLX5_CQE_RESP_ERR;
	struct dq_cqe_error err = {0};

	if (is_error)
		err = dq_cqe_read_error(cqe);
	err.wqe_counter = dq_cqe_wqe_id(cqe);
	dq_rx_note_error(q, &err);
	if (!known || !is_error)
		return;
	if (dq_cqe_strides(cqe))
		dq_rx_stride_reach(q->striding, cqe);
	else
		dq_rx_stride_close(q->striding);
}

/*
 * Takes one completion that is no packet of the current WQE; a packet of a later one is left, that
 * one being current then. False: there is no completion. The caller's counts are up to date.
 */
static __attribute__((noinline, cold)) bool take_other(struct daqiri_rxq *q)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[q->ci & q->mask];
	unsigned owner = (q->ci & (q->mask + 1)) != 0;
	uint8_t op_own = dq_cqe_op_own(cqe);
	bool known, good = (op_own & DQ_CQE_OPCODE_OWNER) == dq_cqe_good_recv(owner);

	if (!dq_cqe_is_ours(op_own, owner))
		return false;
	/* Pairs with the device's write of the ownership byte: the rest of the CQE is there. */
	dq_from_device();
	if (q->session && dq_rx_expand(q))
		return true;
	known = close_before(q, cqe);
	if (!known || !good)
		take_error(q, cqe, known);
	else if (!dq_cqe_is_filler(cqe))
		return true;
	else
		dq_rx_stride_reach(q->striding, cqe);
	consumed(q);
	return true;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* After the first row has not given all: n packets are there. Returns how many are in the end. */
static __attribute__((noinline)) uint32_t poll_on(struct daqiri_rxq *q,
						  const struct dq_rx_wanted *want, uint32_t n)
{
	while (n < want->n && dq_rx_has_completion(q)) {
		uint32_t got = dq_rx_take_more(q, want, n);

		n += got;
		if (!got && !take_other(q))
			break;
	}
	return n;
}

int dq_rx_poll_striding(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			uint32_t max)
{
	uint32_t n = dq_rx_take_row(q, pkts, meta, max);

	if (n < max)
		n = poll_on(q, &(struct dq_rx_wanted){pkts, meta, max}, n);
	return dq_rx_polled(q, n);
}

void dq_rx_release_striding(struct daqiri_rxq *q, uint32_t n)
{
	q->held -= n;
	give_back(q);
}
