/* SPDX-License-Identifier: Apache-2.0 */
/* What a receive queue in worker mode hands over. Neither side waits for the other. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rxq_ring.h"
#include "worker.h"

/* ---- the program's thread ---------------------------------------------------------------------
 */

static __attribute__((noinline, cold)) int nothing(const struct daqiri_rxq *face)
{
	const struct dq_rx_hand *h = face->hand;

	/* Pairs with the release store in give_up(): all that came before is handed over. */
	if (!__atomic_load_n(&h->stopped, __ATOMIC_ACQUIRE) || dq_spsc_filled(&h->pos))
		return 0;
	return dq_rx_is_stopped(h->real);
}

static int poll_face(struct daqiri_rxq *face, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
		     uint32_t max)
{
	struct dq_rx_hand *h = face->hand;
	uint32_t there = dq_spsc_filled(&h->pos), n = there < max ? there : max;
	uint32_t at = h->pos.tail & h->mask, row = h->mask + 1 - at;

	(void)meta;
	if (!n)
		return nothing(face);
	if (row > n)
		row = n;
	memcpy(pkts, &h->ring[at], row * sizeof(*pkts));
	memcpy(pkts + row, h->ring, (n - row) * sizeof(*pkts));
	dq_spsc_take(&h->pos, n);
	face->held += n;
	return (int)n;
}

static void release_face(struct daqiri_rxq *face, uint32_t n)
{
	struct dq_rx_hand *h = face->hand;

	face->held -= n;
	/* Pairs with the acquire load in give_back(): the program is done with the packets. */
	__atomic_store_n(&h->released, h->released + n, __ATOMIC_RELEASE);
}

static __attribute__((cold)) int keep_face(struct daqiri_rxq *face, const struct daqiri_pkt *pkts,
					   uint32_t n)
{
	(void)pkts;
	(void)n;
	return dq_error(
		EOPNOTSUPP,
		"%s: packets of a queue with mode=worker cannot be kept in this version: use "
		"mode=direct, or copy them",
		face->conf->where);
}

/* ---- the worker -------------------------------------------------------------------------------
 */

static bool give_back(struct dq_rx_hand *h)
{
	/* Pairs with the release store in release_face(). */
	uint32_t n = __atomic_load_n(&h->released, __ATOMIC_ACQUIRE) - h->returned;

	if (!n)
		return false;
	h->real->release(h->real, n);
	h->returned += n;
	return true;
}

static void hand_over(struct dq_rx_hand *h)
{
	dq_spsc_put(&h->pos, h->pending);
	h->pending = 0;
}

static void give_up(struct dq_rx_hand *h)
{
	hand_over(h);
	/* Pairs with the acquire load in nothing(). */
	__atomic_store_n(&h->stopped, true, __ATOMIC_RELEASE);
}

/* What fits in a row, up to a batch. The ring is as large as the queue's: there is always room. */
static uint32_t room(const struct dq_rx_hand *h)
{
	uint32_t left = h->batch - h->pending, free = dq_spsc_room(&h->pos, h->mask + 1);
	uint32_t row = h->mask + 1 - ((h->pos.head + h->pending) & h->mask);

	free -= h->pending;
	left = left < free ? left : free;
	return left < row ? left : row;
}

bool dq_rx_hand_step(struct dq_rx_hand *h, uint64_t now)
{
	bool busy = give_back(h);
	struct daqiri_pkt *next = &h->ring[(h->pos.head + h->pending) & h->mask];
	int n;

	if (h->stopped)
		return busy;
	n = h->poll(h->real, next, NULL, room(h));
	if (n < 0) {
		give_up(h);
		return true;
	}
	if (n && !h->pending)
		h->since = now;
	h->pending += (uint32_t)n;
	if (h->pending == h->batch ||
	    (h->pending && h->timeout_ns && now - h->since >= h->timeout_ns))
		hand_over(h);
	return busy || n;
}

/* ---- make and destroy -------------------------------------------------------------------------
 */

/* What is handed over are whole frames: it is the program's thread that splits them. */
static void choose_polls(struct dq_rx_hand *h)
{
	if (!h->real->split) {
		h->poll = h->real->poll;
		h->face->poll = poll_face;
		return;
	}
	h->poll = h->real->split->poll;
	h->split = *h->real->split;
	h->split.poll = poll_face;
	h->face->split = &h->split;
}

static int init(struct dq_rx_hand *h)
{
	const struct dq_conf_rxq *conf = h->real->conf;

	h->mask = h->real->mask; /* no more packets are held than have completions */
	h->batch = conf->batch;
	h->timeout_ns = (uint64_t)conf->timeout_us * 1000;
	h->ring = calloc((size_t)h->mask + 1, sizeof(*h->ring));
	h->face = aligned_alloc(_Alignof(struct daqiri_rxq), sizeof(*h->face));
	if (!h->ring || !h->face)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	h->real->hand = h;
	*h->face = *h->real;
	choose_polls(h);
	h->face->release = release_face;
	h->face->keep = keep_face;
	h->face->give_back = keep_face;
	return 0;
}

static void free_hand(struct dq_rx_hand *h)
{
	free(h->face);
	free(h->ring);
	free(h);
}

int dq_rx_hand_create(struct daqiri_rxq *real)
{
	struct dq_rx_hand *h = aligned_alloc(_Alignof(struct dq_rx_hand), sizeof(*h));
	int ret;

	if (!h)
		return dq_error(ENOMEM, "%s: out of memory", real->conf->where);
	*h = (struct dq_rx_hand){.real = real};
	ret = init(h);
	if (ret)
		free_hand(h);
	return ret;
}

void dq_rx_hand_destroy(struct daqiri_rxq *real)
{
	if (!real || !real->hand)
		return;
	free_hand(real->hand);
	real->hand = NULL;
}
