/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping packets of a striding queue, see struct dq_rx_stride_bufs. Part of the data path. */
#include <errno.h>
#include <stdlib.h>

#include "counter.h"
#include "error.h"
#include "rxq_ring.h"
#include "rxq_stride.h"

enum { WORD = 64 };

/* Where a packet lies. */
struct spot {
	uint32_t buf;	 /* below bufs.n, or the address is none of the queue's */
	uint32_t stride; /* of it */
};

static struct spot spot_of(const struct daqiri_rxq *q, uint64_t addr)
{
	const struct dq_rx_striding *st = q->striding;
	uint64_t stride = (addr - q->base) >> st->log_stride, buf = stride >> st->log_strides;

	return (struct spot){.buf = buf < st->bufs.n ? (uint32_t)buf : st->bufs.n,
			     .stride = (uint32_t)stride & (st->strides - 1)};
}

static size_t kept_index(const struct dq_rx_striding *st, struct spot spot)
{
	return (size_t)spot.buf << st->log_strides | spot.stride;
}

static uint64_t *kept_word(const struct dq_rx_striding *st, struct spot spot)
{
	return &st->bufs.kept[kept_index(st, spot) / WORD];
}

static uint64_t kept_bit(const struct dq_rx_striding *st, struct spot spot)
{
	return 1ull << kept_index(st, spot) % WORD;
}

int dq_rx_stride_bufs_init(struct daqiri_rxq *q)
{
	struct dq_rx_striding *st = q->striding;
	struct dq_rx_stride_bufs *bufs = &st->bufs;
	uint32_t n_spares = bufs->n - st->n_wqes;

	bufs->pins = calloc(bufs->n, sizeof(*bufs->pins));
	bufs->stand_in = calloc(bufs->n, sizeof(*bufs->stand_in));
	bufs->kept = calloc(((size_t)bufs->n << st->log_strides) / WORD + 1, sizeof(*bufs->kept));
	bufs->place = calloc(bufs->n, sizeof(*bufs->place));
	bufs->spares = calloc(n_spares + 1, sizeof(*bufs->spares));
	if (!bufs->pins || !bufs->stand_in || !bufs->kept || !bufs->place || !bufs->spares)
		return -ENOMEM;
	for (uint32_t i = 0; i < bufs->n; i++)
		bufs->place[i] = i < st->n_wqes ? i : DQ_STRIDE_SPARE;
	/* The last one is taken first. */
	while (bufs->n_spares < n_spares) {
		bufs->spares[bufs->n_spares] = bufs->n - 1 - bufs->n_spares;
		bufs->n_spares++;
	}
	return 0;
}

void dq_rx_stride_bufs_free(struct dq_rx_striding *st)
{
	free(st->bufs.pins);
	free(st->bufs.stand_in);
	free(st->bufs.kept);
	free(st->bufs.place);
	free(st->bufs.spares);
}

/* Whether a packet that was polled, and is not given back, may lie there, and is not kept. */
static bool can_keep(const struct daqiri_rxq *q, struct spot spot)
{
	const struct dq_rx_striding *st = q->striding;
	uint32_t age, current = st->wqe - st->oldest;

	if (spot.buf == st->bufs.n || st->bufs.place[spot.buf] > st->mask)
		return false;
	age = (st->bufs.place[spot.buf] - st->oldest) & st->mask;
	if (age > current || (age == current && spot.stride >= st->reached))
		return false;
	return !(*kept_word(st, spot) & kept_bit(st, spot));
}

/* ---- packets --------------------------------------------------------------------------------- */

static uint32_t keep_some(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n,
			  bool *no_spare)
{
	struct dq_rx_striding *st = q->striding;
	struct dq_rx_stride_bufs *bufs = &st->bufs;

	for (uint32_t i = 0; i < n; i++) {
		struct spot spot = spot_of(q, pkts[i].addr);

		if (!can_keep(q, spot))
			return i;
		if (!bufs->pins[spot.buf] && !bufs->n_spares) {
			*no_spare = true;
			return i;
		}
		if (!bufs->pins[spot.buf]++)
			bufs->stand_in[spot.buf] = bufs->spares[--bufs->n_spares];
		*kept_word(st, spot) |= kept_bit(st, spot);
	}
	return n;
}

static __attribute__((noinline, cold)) int no_spare_left(const struct daqiri_rxq *q)
{
	const struct dq_rx_striding *st = q->striding;

	return dq_error(ENOBUFS,
			"%s: no packet can be kept, all %u spare buffers, of %u strides each, are "
			"in use: give some back, or give the region more than depth=%u strides "
			"take of num_bufs",
			q->conf->where, st->bufs.n - st->n_wqes, st->strides,
			st->n_wqes << st->log_strides);
}

int dq_rx_keep_striding(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	bool no_spare = false;
	uint32_t done = keep_some(q, pkts, n, &no_spare);

	dq_counter_add(&q->count.kept, done);
	dq_counter_add(&q->count.kept_out, done);
	if (no_spare)
		dq_counter_add(&q->count.no_spare, n - done);
	if (LIKELY(done))
		return (int)done;
	return no_spare ? no_spare_left(q)
			: dq_rx_keep_refuse(q, pkts[0].addr,
					    "is none that was polled from this queue and is not "
					    "released or kept yet");
}

static void unpin(struct dq_rx_stride_bufs *bufs, uint32_t buf)
{
	if (--bufs->pins[buf])
		return;
	if (bufs->place[buf] == DQ_STRIDE_KEPT) {
		bufs->place[buf] = DQ_STRIDE_SPARE;
		bufs->spares[bufs->n_spares++] = buf;
	} else {
		/* It is in the ring yet, and stays there. */
		bufs->spares[bufs->n_spares++] = bufs->stand_in[buf];
	}
}

int dq_rx_give_back_striding(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	struct dq_rx_striding *st = q->striding;
	uint32_t done = 0;

	for (; done < n; done++) {
		struct spot spot = spot_of(q, pkts[done].addr);

		if (spot.buf == st->bufs.n || !(*kept_word(st, spot) & kept_bit(st, spot)))
			break;
		*kept_word(st, spot) &= ~kept_bit(st, spot);
		unpin(&st->bufs, spot.buf);
	}
	dq_counter_add(&q->count.kept_out, -(uint64_t)done);
	return LIKELY(done) ? (int)done
			    : dq_rx_keep_refuse(q, pkts[0].addr,
						"is none that this queue's program keeps");
}
