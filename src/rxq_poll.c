/* SPDX-License-Identifier: Apache-2.0 */
/* The receive data path: no allocation, lock, log or system call. */
#include <config.h>

#include <errno.h>

#include "barrier.h"
#include "byteorder.h"
#include "counter.h"
#include "error.h"
#include "mlx5_cqe.h"
#include "owner.h"
#include "rxq.h"
#include "rxq_ring.h"

_Static_assert(sizeof(struct daqiri_pkt) == 16, "a packet is one 16-byte store");

/* ---- errors: out of line --------------------------------------------------------------------- */

/* Gives back n packets' slots and those that errors ate before, between and right behind them. */
static __attribute__((noinline, cold)) void give_back_eaten(struct daqiri_rxq *q, uint32_t n)
{
	while (dq_rx_oldest(q) != q->ci) {
		uint64_t *word = dq_rx_eaten_word(q, dq_rx_oldest(q)),
			 bit = dq_rx_eaten_bit(q, dq_rx_oldest(q));

		if (*word & bit) {
			*word &= ~bit;
			q->eaten--;
		} else if (n) {
			n--;
			q->held--;
		} else {
			break;
		}
		q->posted++;
	}
	/* The device would flush what a queue that has stopped is given, for ever. */
	if (!q->stopped)
		dq_rx_ring_rq(q);
}

static void note_first(struct daqiri_rxq *q, const struct dq_cqe_error *err)
{
	q->first_error = (struct daqiri_queue_error){.syndrome = err->syndrome,
						     .vendor_syndrome = err->vendor_syndrome,
						     .wqe_index = err->wqe_counter,
						     .text = dq_cqe_syndrome_text(err->syndrome)};
	/* Pairs with the acquire load in daqiri_rxq_error(). */
	__atomic_store_n(&q->error_seen, true, __ATOMIC_RELEASE);
}

void dq_rx_note_error(struct daqiri_rxq *q, const struct dq_cqe_error *err)
{
	bool stops = false;

	dq_counter_add(&q->count.errors, 1);
	if (err->syndrome == MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR)
		dq_counter_add(&q->count.length_errors, 1);
	if (dq_cqe_stops_rq(err->syndrome))
		stops = !q->stopped;
	if (stops)
		__atomic_store_n(&q->stopped, true, __ATOMIC_RELAXED);
	if (!q->error_seen)
		note_first(q, err);
	if (stops)
		dq_stops_note(&q->stops, q->count.resets);
}

void dq_rx_eat(struct daqiri_rxq *q)
{
	struct mlx5_cqe64 *cqe = &q->cqes[q->ci & q->mask];
	struct dq_cqe_error err = {0};

	/* Pairs with the device's write of the ownership byte: the rest of the CQE is there. */
	dq_from_device();
	if (dq_cqe_opcode(dq_cqe_op_own(cqe)) == MLX5_CQE_RESP_ERR)
		err = dq_cqe_read_error(cqe);
	dq_rx_note_error(q, &err);
	*dq_rx_eaten_word(q, q->ci) |= dq_rx_eaten_bit(q, q->ci);
	if (q->session)
		dq_cqe_use_up(cqe);
	q->ci++;
	q->eaten++;
	/* First the completion, then the WQE: else the device could overrun the completion ring. */
	dq_rx_ring_cq(q);
	give_back_eaten(q, 0);
}

/*
 * Takes one completion that is no good packet: its slot goes back to the device as soon as no
 * packet before it is held. False: there is no completion. The caller's counts are up to date.
 */
static __attribute__((noinline, cold)) bool take_other(struct daqiri_rxq *q)
{
	uint8_t op_own = dq_cqe_op_own(&q->cqes[q->ci & q->mask]);

	if (!dq_cqe_is_ours(op_own, (q->ci & (q->mask + 1)) != 0))
		return false;
	/* Else a packet that came since the row was counted: the next round takes it. */
	if (dq_cqe_opcode(op_own) != MLX5_CQE_RESP_SEND)
		dq_rx_eat(q);
	return true;
}

/* ---- packets --------------------------------------------------------------------------------- */

__attribute__((cold)) int dq_rx_is_stopped(const struct daqiri_rxq *q)
{
	return dq_error(EIO, "%s: the queue has stopped: %s", q->conf->where, q->first_error.text);
}

static __attribute__((noinline, cold)) int tells_nothing(const struct daqiri_rxq *q)
{
	if (q->hand)
		return dq_error(EINVAL,
				"%s mode=worker: packets are handed over without metadata: use "
				"mode = direct, or call daqiri_rx_poll",
				q->conf->where);
	return dq_error(EINVAL,
			"%s metadata=none: daqiri_rx_poll_meta has nothing to tell: set metadata "
			"to what is wanted of packets, or call daqiri_rx_poll",
			q->conf->where);
}

/* After the first row has not given all: n packets are there. Returns how many are in the end. */
static __attribute__((noinline)) uint32_t poll_on(struct daqiri_rxq *q,
						  const struct dq_rx_wanted *want, uint32_t n)
{
	uint32_t got = n;

	while (n < want->n) {
		bool round = got && !(q->ci & q->mask); /* the row ended where the ring does */

		if (!round && (LIKELY(dq_cqe_opcode(dq_cqe_op_own(&q->cqes[q->ci & q->mask])) ==
				      MLX5_CQE_RESP_SEND) ||
			       !take_other(q)))
			break;
		got = dq_rx_take_more(q, want, n);
		n += got;
	}
	return n;
}

int dq_rx_poll_cyclic(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
		      uint32_t max)
{
	uint32_t n = q->take(q, pkts, max);

	(void)meta;
	if (n < max)
		n = poll_on(q, &(struct dq_rx_wanted){pkts, NULL, max}, n);
	return dq_rx_polled(q, n);
}

int dq_rx_poll_cyclic_meta(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			   struct daqiri_rx_meta *meta, uint32_t max)
{
	uint32_t n = dq_rx_take_row(q, pkts, meta, max);

	if (n < max)
		n = poll_on(q, &(struct dq_rx_wanted){pkts, meta, max}, n);
	return dq_rx_polled(q, n);
}

void dq_rx_release_cyclic(struct daqiri_rxq *q, uint32_t n)
{
	if (UNLIKELY(q->eaten)) {
		give_back_eaten(q, n);
		return;
	}
	q->held -= n;
	q->posted += n;
	dq_rx_ring_rq(q);
}

/* ---- public ---------------------------------------------------------------------------------- */

int daqiri_rx_poll(struct daqiri_rxq *q, struct daqiri_pkt *pkts, int max)
{
	if (UNLIKELY(!q || max < 0 || (!pkts && max)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_rx_poll", max);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	return q->poll(q, pkts, NULL, (uint32_t)max);
}

int daqiri_rx_poll_meta(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			int max)
{
	if (UNLIKELY(!q || max < 0 || !pkts || !meta) && (!q || max))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_rx_poll_meta", max);
	if (UNLIKELY(!q->tell))
		return tells_nothing(q);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	return q->poll(q, pkts, meta, (uint32_t)max);
}

void daqiri_rx_release(struct daqiri_rxq *q, int n)
{
	uint32_t count = n > 0 ? (uint32_t)n : 0;

	if (UNLIKELY(!q) || !dq_owner_enter(&q->owner, q->conf->where))
		return;
	if (count > q->held)
		count = q->held;
	if (count || UNLIKELY(q->eaten))
		q->release(q, count);
}

uint32_t daqiri_key_flow(daqiri_key key)
{
	return dq_key_to_flow(dq_be32_of_key(key));
}
