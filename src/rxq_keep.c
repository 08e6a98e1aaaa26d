/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that the program keeps beyond their release. A spare buffer takes the place of a kept one
 * in the ring before the device has its WQE again, and q->slots tells poll. Part of the data path.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counter.h"
#include "error.h"
#include "mlx5_wqe.h"
#include "owner.h"
#include "rxq_ring.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t addr_of(const struct daqiri_rxq *q, uint32_t buf)
{
	return q->base + (uint64_t)buf * q->stride;
}

static void point(const struct daqiri_rxq *q, uint32_t wqe, uint64_t addr)
{
	uint8_t *seg = q->bufs.wqes + (size_t)wqe * DQ_SEG;

	((struct mlx5_wqe_data_seg *)(void *)seg)->addr = dq_to_be64(addr);
}

int dq_rx_bufs_init(struct daqiri_rxq *q, uint32_t n_spares)
{
	uint32_t depth = q->mask + 1;
	struct dq_rx_bufs *bufs = &q->bufs;

	bufs->point = point;
	bufs->n = depth + n_spares;
	bufs->inverse = (uint64_t)(((uint128)1 << 64) / q->stride);
	q->slots = calloc(depth, sizeof(*q->slots));
	bufs->place = calloc(bufs->n, sizeof(*bufs->place));
	bufs->spares = calloc(n_spares + 1, sizeof(*bufs->spares));
	bufs->kept_at = malloc(depth * sizeof(*bufs->kept_at));
	if (!q->slots || !bufs->place || !bufs->spares || !bufs->kept_at)
		return -ENOMEM;
	memset(bufs->kept_at, 0xff, depth * sizeof(*bufs->kept_at));
	for (uint32_t i = 0; i < bufs->n; i++)
		bufs->place[i] = i < depth ? i : DQ_RX_SPARE;
	for (uint32_t i = 0; i < depth; i++)
		q->slots[i] = addr_of(q, i);
	/* The last one is taken first. */
	while (bufs->n_spares < n_spares) {
		bufs->spares[bufs->n_spares] = bufs->n - 1 - bufs->n_spares;
		bufs->n_spares++;
	}
	return 0;
}

void dq_rx_bufs_free(struct daqiri_rxq *q)
{
	free(q->bufs.kept_at);
	free(q->bufs.spares);
	free(q->bufs.place);
	free(q->slots);
}

/* The number of the buffer that addr lies in, without a division; bufs->n or more: in none. */
static uint64_t buffer_at(const struct daqiri_rxq *q, uint64_t addr)
{
	uint64_t offset = addr - q->base;
	uint64_t buf = (uint64_t)((uint128)offset * q->bufs.inverse >> 64);

	/* The quotient, or one less: what the inverse is rounded down by is below one part of it.
	 */
	return buf + (offset - buf * q->stride >= q->stride);
}

/* How many WQEs before the next completion's the i-th of q->slots completed last. */
static uint32_t age_of(const struct daqiri_rxq *q, uint32_t i)
{
	return ((q->ci - 1 - i) & q->mask) + 1;
}

/* The number of that completion: each was counted as a packet or as an error. */
static uint64_t number_of(const struct daqiri_rxq *q, uint32_t i)
{
	return q->count.packets + q->count.errors - age_of(q, i);
}

/*
 * Whether the buffer that is the i-th of q->slots has a packet which was polled and not yet
 * released. It has none if it is there for the next lap, in the place of one that is kept.
 */
static bool is_held(const struct daqiri_rxq *q, uint32_t i)
{
	return age_of(q, i) <= q->ci - dq_rx_oldest(q) &&
	       !(*dq_rx_eaten_word(q, i) & dq_rx_eaten_bit(q, i)) &&
	       q->bufs.kept_at[i] != number_of(q, i);
}

/* ---- errors: out of line --------------------------------------------------------------------- */

__attribute__((cold)) int dq_rx_keep_refuse(const struct daqiri_rxq *q, uint64_t addr,
					    const char *what)
{
	return dq_error(EINVAL, "%s: the packet at %#llx %s", q->conf->where,
			(unsigned long long)addr, what);
}

static __attribute__((noinline, cold)) int no_spare(const struct daqiri_rxq *q)
{
	return dq_error(ENOBUFS,
			"%s: no packet can be kept, all %u spare buffers are in use: give some "
			"back, or give the region more than depth=%u of num_bufs",
			q->conf->where, q->bufs.n - q->mask - 1, q->mask + 1);
}

/* ---- packets --------------------------------------------------------------------------------- */

/* A spare takes the place of a buffer in the ring: the device sees it with the packet's release. */
static void put_spare(struct daqiri_rxq *q, uint32_t buf, uint32_t i)
{
	struct dq_rx_bufs *bufs = &q->bufs;
	uint32_t spare = bufs->spares[--bufs->n_spares];

	bufs->kept_at[i] = number_of(q, i);
	bufs->place[spare] = i;
	bufs->place[buf] = DQ_RX_KEPT;
	q->slots[i] = addr_of(q, spare);
	bufs->point(q, (i - q->wqe0) & q->mask, q->slots[i]);
}

static uint32_t keep_some(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint32_t done = 0;
	uint64_t buf;

	for (; done < n && q->bufs.n_spares; done++) {
		buf = buffer_at(q, pkts[done].addr);
		if (buf >= q->bufs.n || q->bufs.place[buf] > q->mask ||
		    !is_held(q, q->bufs.place[buf]))
			break;
		put_spare(q, (uint32_t)buf, q->bufs.place[buf]);
	}
	return done;
}

int dq_rx_keep_cyclic(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	uint32_t done = keep_some(q, pkts, n);

	q->take = q->take_slots;
	if (q->session)
		dq_rx_session_use_slots(q);
	dq_counter_add(&q->count.kept, done);
	dq_counter_add(&q->count.kept_out, done);
	if (UNLIKELY(done < n && !q->bufs.n_spares)) {
		dq_counter_add(&q->count.no_spare, n - done);
		return done ? (int)done : no_spare(q);
	}
	return UNLIKELY(!done)
		       ? dq_rx_keep_refuse(q, pkts[0].addr,
					   "is none that was polled from this queue and is not "
					   "released or kept yet")
		       : (int)done;
}

int dq_rx_give_back_cyclic(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	struct dq_rx_bufs *bufs = &q->bufs;
	uint32_t done = 0;
	uint64_t buf;

	for (; done < n; done++) {
		buf = buffer_at(q, pkts[done].addr);
		if (buf >= bufs->n || bufs->place[buf] != DQ_RX_KEPT)
			break;
		bufs->place[buf] = DQ_RX_SPARE;
		bufs->spares[bufs->n_spares++] = (uint32_t)buf;
	}
	dq_counter_add(&q->count.kept_out, -(uint64_t)done);
	return UNLIKELY(!done) ? dq_rx_keep_refuse(q, pkts[0].addr,
						   "is none that this queue's program keeps")
			       : (int)done;
}

/* ---- public ---------------------------------------------------------------------------------- */

int daqiri_rx_keep(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, int n)
{
	if (UNLIKELY(!q || n < 0 || (!pkts && n)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_rx_keep", n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	return n ? q->keep(q, pkts, (uint32_t)n) : 0;
}

int daqiri_rx_give_back(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, int n)
{
	if (UNLIKELY(!q || n < 0 || (!pkts && n)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_rx_give_back", n);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	return n ? q->give_back(q, pkts, (uint32_t)n) : 0;
}
