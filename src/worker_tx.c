/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a send queue in worker mode hands over. The face keeps its own account of packets and slots
 * as any send queue does; what it believes of completions is what the worker tells.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mlx5_cqe.h"
#include "txq_wqe.h"
#include "worker.h"

/* ---- the program's thread ---------------------------------------------------------------------
 */

/* There is room: no more than depth packets are posted and not completed. */
static int write_face(struct daqiri_txq *face, const struct daqiri_pkt *pkts, uint32_t n)
{
	struct dq_tx_hand *h = face->hand;
	uint32_t at = h->pos.head & h->mask, row = h->mask + 1 - at;

	if (row > n)
		row = n;
	memcpy(&h->ring[at], pkts, row * sizeof(*pkts));
	memcpy(h->ring, pkts + row, (n - row) * sizeof(*pkts));
	__atomic_store_n(&face->posted, face->posted + n, __ATOMIC_RELAXED);
	if (face->slot_bytes)
		dq_tx_note_others(face, pkts, n);
	dq_spsc_put(&h->pos, n);
	return (int)n;
}

void dq_tx_hand_reap(struct daqiri_txq *face)
{
	const struct dq_tx_hand *h = face->hand;

	/* Pairs with the release stores in report(): the packets of these counts are read. */
	__atomic_store_n(&face->done, __atomic_load_n(&h->done, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELAXED);
	face->others_done = __atomic_load_n(&h->others, __ATOMIC_ACQUIRE);
	/* Pairs with the release store in dq_tx_hand_step(): first_error is complete. */
	if (!face->stopped && __atomic_load_n(&h->stopped, __ATOMIC_ACQUIRE)) {
		face->first_error = h->real->first_error;
		face->stopped = true;
	}
	/* No room for another one. */
	if (face->stopped)
		face->limit = (uint32_t)(face->posted - face->done);
}

/* ---- the worker -------------------------------------------------------------------------------
 */

static bool report(struct dq_tx_hand *h)
{
	uint64_t done = dq_tx_reap(h->real);

	if (done == h->done)
		return false;
	/* Pair with the acquire loads in dq_tx_hand_reap(): others at least as new as done. */
	__atomic_store_n(&h->others, dq_tx_others_done(h->real), __ATOMIC_RELEASE);
	__atomic_store_n(&h->done, done, __ATOMIC_RELEASE);
	return true;
}

/* What can be posted in a row, up to a batch. */
static uint32_t ready(const struct dq_tx_hand *h)
{
	const struct daqiri_txq *q = h->real;
	uint32_t n = dq_spsc_filled(&h->pos), row = h->mask + 1 - (h->pos.tail & h->mask);
	uint64_t free = q->limit - (q->posted - q->done);

	n = n < row ? n : row;
	n = n < h->batch ? n : h->batch;
	return n < free ? n : (uint32_t)free;
}

bool dq_tx_hand_step(struct dq_tx_hand *h)
{
	bool busy = report(h);
	uint32_t n;

	if (h->stopped)
		return busy;
	if (h->real->stopped) {
		/* Pairs with the acquire load in dq_tx_hand_reap(). */
		__atomic_store_n(&h->stopped, true, __ATOMIC_RELEASE);
		return true;
	}
	n = ready(h);
	if (!n)
		return busy;
	h->real->write(h->real, &h->ring[h->pos.tail & h->mask], n);
	dq_spsc_take(&h->pos, n);
	return true;
}

/* ---- make and destroy -------------------------------------------------------------------------
 */

const struct mlx5_cqe64 dq_tx_no_completion = {.op_own = MLX5_CQE_INVALID << 4};

static int init(struct dq_tx_hand *h)
{
	const struct dq_conf_txq *conf = h->real->conf;

	h->mask = conf->depth - 1;
	h->batch = conf->batch;
	h->ring = calloc(conf->depth, sizeof(*h->ring));
	h->face = aligned_alloc(_Alignof(struct daqiri_txq), sizeof(*h->face));
	if (!h->ring || !h->face)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	h->real->hand = h;
	*h->face = *h->real;
	h->face->write = write_face;
	h->face->cqes = &dq_tx_no_completion;
	return 0;
}

static void free_hand(struct dq_tx_hand *h)
{
	free(h->face);
	free(h->ring);
	free(h);
}

int dq_tx_hand_create(struct daqiri_txq *real)
{
	struct dq_tx_hand *h = aligned_alloc(_Alignof(struct dq_tx_hand), sizeof(*h));
	int ret;

	if (!h)
		return dq_error(ENOMEM, "%s: out of memory", real->conf->where);
	*h = (struct dq_tx_hand){.real = real};
	ret = init(h);
	if (ret)
		free_hand(h);
	return ret;
}

void dq_tx_hand_destroy(struct daqiri_txq *real)
{
	if (!real || !real->hand)
		return;
	real->count.full = real->hand->face->count.full; /* for the sums of the port */
	free_hand(real->hand);
	real->hand = NULL;
}
