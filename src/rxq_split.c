/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "mlx5_wqe.h"
#include "owner.h"
#include "rxq_ring.h"
#include "rxq_split.h"

__extension__ typedef unsigned __int128 uint128;

enum { SPLIT_WQE = 2 * DQ_SEG };

/* ---- packets --------------------------------------------------------------------------------- */

/*
 * The payload buffer beside the header buffer that is offset bytes behind the first one, without a
 * division. Of n strides the product is above n by less than n * stride / 2^64: below 1, as both
 * are below 2^32.
 */
static inline uint64_t payload_of(const struct dq_rx_split *split, uint64_t offset)
{
	return split->base + (uint64_t)((uint128)offset * split->inverse >> 64) * split->stride;
}

void dq_rx_split_cut_portable(const struct daqiri_rxq *q, struct daqiri_pkt *heads,
			      struct daqiri_pkt *payloads, uint32_t n)
{
	/* Packets do not lie over these in the compiler's eyes. */
	const struct dq_rx_split split = *q->split;
	const uint64_t base = q->base;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = heads[i].len, head = len < split.at ? len : split.at;

		payloads[i] =
			(struct daqiri_pkt){.addr = payload_of(&split, heads[i].addr - base),
					    .len = len - head,
					    .key = (heads[i].key & split.key_has) | split.key_set};
		heads[i].len = head;
	}
}

static __attribute__((noinline, cold)) int poll_whole(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
						      struct daqiri_rx_meta *meta, uint32_t max)
{
	(void)pkts;
	(void)meta;
	(void)max;
	return dq_error(EOPNOTSUPP,
			"%s: its frames are split between two regions, and a packet is one piece: "
			"call daqiri_rx_poll_split, or give the queue one region",
			q->conf->where);
}

static __attribute__((noinline, cold)) int cannot_split(const struct daqiri_rxq *q)
{
	if (!q->split)
		return dq_error(EINVAL,
				"%s: has one region, daqiri_rx_poll_split has nothing to split: "
				"set regions to HEADER,PAYLOAD, or call daqiri_rx_poll",
				q->conf->where);
	return dq_error(EINVAL,
			"%s metadata=none: daqiri_rx_poll_split has nothing to tell: set metadata "
			"to what is wanted of packets, or pass NULL",
			q->conf->where);
}

int daqiri_rx_poll_split(struct daqiri_rxq *q, struct daqiri_pkt *heads,
			 struct daqiri_pkt *payloads, struct daqiri_rx_meta *meta, int max)
{
	int n;

	if (UNLIKELY(!q || max < 0 || ((!heads || !payloads) && max)))
		return dq_misused(q ? q->conf->where : NULL, "daqiri_rx_poll_split", max);
	if (UNLIKELY(!q->split || (meta && !q->tell)))
		return cannot_split(q);
	if (!dq_owner_enter(&q->owner, q->conf->where))
		return -EPERM;
	n = q->split->poll(q, heads, meta, (uint32_t)max);
	if (n > 0)
		q->split->cut(q, heads, payloads, (uint32_t)n);
	return n;
}

/* ---- the ring -------------------------------------------------------------------------------- */

static struct mlx5_wqe_data_seg *segs_of(const struct daqiri_rxq *q, uint32_t wqe)
{
	return (struct mlx5_wqe_data_seg *)(void *)(q->bufs.wqes + (size_t)wqe * SPLIT_WQE);
}

static void point(const struct daqiri_rxq *q, uint32_t wqe, uint64_t addr)
{
	struct mlx5_wqe_data_seg *segs = segs_of(q, wqe);

	segs[0].addr = dq_to_be64(addr);
	segs[1].addr = dq_to_be64(payload_of(q->split, addr - q->base));
}

void dq_rx_split_bind(struct daqiri_rxq *q, const struct mlx5dv_rwq *rwq)
{
	const struct dq_rx_split *split = q->split;
	const struct dq_device *dev = q->port->dev;
	__be32 keys[] = {dq_to_be32(dq_region_mr(q->region, dev)->lkey),
			 dq_to_be32(dq_region_mr(split->region, dev)->lkey)};

	q->bufs.wqes = rwq->buf;
	for (uint32_t i = 0; i < rwq->wqe_cnt; i++) {
		uint8_t *wqe = (uint8_t *)segs_of(q, i);

		dq_wqe_data(wqe, q->slots[i], split->at, keys[0]);
		dq_wqe_data(wqe + DQ_SEG, payload_of(split, q->slots[i] - q->base), split->room,
			    keys[1]);
	}
}

/* ---- make and destroy ----------------------------------------------------------------------- */

int dq_rx_split_check(const struct dq_conf_rxq *conf, const struct daqiri_port *port,
		      struct daqiri_region *const regions[2])
{
	uint64_t need = (uint64_t)port->info.mtu + DQ_ETHERNET_HEADER;
	uint64_t room = regions[1]->conf->buf_size;

	if (dq_region_on_gpu(regions[0]))
		return dq_error(EOPNOTSUPP,
				"%s: headers are for the CPU, and %s is memory of a GPU: let the "
				"first of the two regions be of kind host, huge or host_pinned",
				conf->where, regions[0]->conf->where);
	if (!port->info.netdev[0] || conf->split + room >= need)
		return 0;
	return dq_error(EINVAL,
			"%s: split=%u and payload slots of buf_size=%llu bytes are together too "
			"small for frames of up to %llu (interface %s has MTU %u, and 18 bytes of "
			"header): make buf_size of %s at least %llu",
			conf->where, conf->split, (unsigned long long)room,
			(unsigned long long)need, port->info.netdev, port->info.mtu,
			regions[1]->conf->where, (unsigned long long)(need - conf->split));
}

static int log_of(uint32_t stride)
{
	return stride & (stride - 1) ? -1 : __builtin_ctz(stride);
}

int dq_rx_split_prepare(struct daqiri_rxq *q, struct daqiri_region *payload)
{
	struct dq_rx_split *split = calloc(1, sizeof(*split));

	if (!split)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	*split = (struct dq_rx_split){.base = dq_region_slot(payload, q->conf->payload_slot),
				      .inverse = UINT64_MAX / q->stride + 1,
				      .stride = (uint32_t)payload->stride,
				      .log = log_of(q->stride),
				      .at = q->conf->split,
				      .key_has = UINT32_MAX,
				      .room = (uint32_t)payload->conf->buf_size,
				      .region = payload};
	q->split = split;
	q->bufs.point = point;
	return 0;
}

void dq_rx_split_destroy(struct daqiri_rxq *q)
{
	free(q->split);
}

void dq_rx_split_choose(struct daqiri_rxq *q)
{
	q->split->cut = dq_rx_split_cut_portable;
#ifdef DQ_X86_SIMD
	if (q->simd == DQ_SIMD_AVX2 && q->split->log >= 0)
		q->split->cut = dq_rx_split_cut_avx2;
#endif
	q->split->poll = q->poll;
	q->poll = poll_whole;
}

void dq_rx_split_forward(struct daqiri_rxq *q, const struct daqiri_port *to)
{
	q->split->key_has = 0;
	q->split->key_set =
		dq_key_of_be32(dq_to_be32(dq_region_mr(q->split->region, to->dev)->lkey));
}
