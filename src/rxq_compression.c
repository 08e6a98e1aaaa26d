/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a receive queue's completions are compressed: chosen when it is made. */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "rxq.h"
#include "rxq_compress.h"

/*
 * A cyclic ring is told hashes: whatever else is asked for is the same in all packets of a session,
 * or the device ends it. A striding one needs to be told strides, and then there is no hash: the
 * kernel takes those of such a session for unknown (mlx5e_decompress_cqe_no_hash()).
 */
static uint8_t format_for(const struct daqiri_rxq *q)
{
	return q->striding ? MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX : MLX5DV_CQE_RES_FORMAT_HASH;
}

static bool can(const struct daqiri_rxq *q)
{
	return q->port->dev->caps.mini_cqes & format_for(q);
}

static int refuse(const struct daqiri_rxq *q)
{
	return dq_error(EOPNOTSUPP,
			"%s cqe_compression=on: %s compresses no completions that tell %s (mlx5dv "
			"cqe_comp_caps): use cqe_compression=auto, which compresses where it can",
			q->conf->where, q->port->dev->info.rdma,
			q->striding ? "strides, as rx_mode=striding needs" : "hashes");
}

static bool wants_time(const struct daqiri_rxq *q)
{
	return q->conf->metadata & DAQIRI_META_TIMESTAMP;
}

static bool wants_hash(const struct daqiri_rxq *q)
{
	return q->striding && q->conf->metadata & DAQIRI_META_HASH;
}

int dq_rx_choose_compression(struct daqiri_rxq *q)
{
	enum dq_compression want = q->conf->compression;

	if (want == DQ_COMPRESSION_OFF || wants_time(q) || wants_hash(q))
		return 0;
	if (!can(q))
		return want == DQ_COMPRESSION_ON ? refuse(q) : 0;
	q->session = calloc(1, sizeof(*q->session));
	if (!q->session)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	q->cq.mini = format_for(q);
	return 0;
}

const char *dq_rx_why_compressed(const struct daqiri_rxq *q)
{
	if (q->conf->compression == DQ_COMPRESSION_ON)
		return "cqe_compression=on was asked for";
	if (q->conf->compression == DQ_COMPRESSION_OFF)
		return "cqe_compression=off was asked for";
	if (wants_time(q))
		return "cqe_compression=auto: no compressed completion tells a packet's time";
	if (wants_hash(q))
		return "cqe_compression=auto: on a striding queue they tell no hash";
	return q->session ? "cqe_compression=auto: the device can"
			  : "cqe_compression=auto: the device cannot";
}

void dq_rx_session_choose(struct daqiri_rxq *q)
{
	static const struct dq_rx_minis *const minis[] = {
		[DQ_SIMD_PORTABLE] = &dq_rx_minis_portable,
#ifdef DQ_X86_SIMD
		[DQ_SIMD_SSE42] = &dq_rx_minis_portable,
		[DQ_SIMD_AVX2] = &dq_rx_minis_avx2,
#endif
	};

	dq_rx_session_init(q, minis[q->simd]);
	if (!q->striding)
		q->poll = minis[q->simd]->poll[q->tell ? DQ_MINIS_TELL : 0];
}
