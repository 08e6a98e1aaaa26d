/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of send queue it is: by what was asked for, and what the device takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mlx5_wqe.h"
#include "txq.h"
#include "txq_timed.h"

/* Ways to write and show, by instructions. */
static const struct {
	dq_tx_write_fn empw, empw_inline, send;
	dq_tx_show_fn show;
	dq_tx_gather_fn gather;
} ways[] = {
	[DQ_SIMD_PORTABLE] = {dq_tx_write_empw_portable, dq_tx_write_empw_inline_portable,
			      dq_tx_write_send_portable, dq_tx_show_portable,
			      dq_tx_gather_portable},
#ifdef DQ_X86_SIMD
	[DQ_SIMD_SSE42] = {dq_tx_write_empw_sse42, dq_tx_write_empw_inline_portable,
			   dq_tx_write_send_sse42, dq_tx_show_portable, dq_tx_gather_sse42},
	[DQ_SIMD_AVX2] = {dq_tx_write_empw_avx2, dq_tx_write_empw_inline_avx2,
			  dq_tx_write_send_avx2, dq_tx_show_avx2, dq_tx_gather_avx2},
#endif
};

/* ---- what cannot be -------------------------------------------------------------------------- */

static int refuse_gpu(const struct dq_conf_txq *conf, const struct daqiri_region *region)
{
	return dq_error(EOPNOTSUPP,
			"%s tx_inline=%u: no CPU can copy frames from the GPU's memory of %s: use "
			"tx_inline = off, or kind = host_pinned there",
			conf->where, conf->tx_inline, region->conf->where);
}

static int check_ring(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	uint32_t wqebbs = dq_txq_wqebbs(conf);

	if (wqebbs <= dev->caps.max_wr)
		return 0;
	return dq_error(EINVAL,
			"%s %s: a depth of %u takes a ring of %u entries, and %s takes at most "
			"%u: make depth smaller",
			conf->where, conf->tso ? "tso" : "timed=on", conf->depth, wqebbs,
			dev->info.rdma, dev->caps.max_wr);
}

/* Frames of tx_inline bytes fit into a WQE, and depth of them into the ring. */
static int check_inline(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	uint32_t most = dev->caps.empw_ptrs * DQ_SEG - (uint32_t)sizeof(__be32);
	uint32_t wqebbs;

	if (!dev->caps.empw)
		return dq_error(EOPNOTSUPP,
				"%s tx_inline=%u: %s takes no multi-packet sends, which frames are "
				"copied into: use tx_inline = off",
				conf->where, conf->tx_inline, dev->info.rdma);
	if (conf->tx_inline > most)
		return dq_error(EINVAL, "%s tx_inline=%u: the WQEs of %s hold at most %u bytes",
				conf->where, conf->tx_inline, dev->info.rdma, most);
	wqebbs = dq_txq_wqebbs(conf);
	if (wqebbs > dev->caps.max_wr)
		return dq_error(EINVAL,
				"%s tx_inline=%u: a depth of %u such frames takes a ring of %u "
				"entries, and %s takes at most %u: make depth or tx_inline smaller",
				conf->where, conf->tx_inline, conf->depth, wqebbs, dev->info.rdma,
				dev->caps.max_wr);
	return 0;
}

int dq_txq_check(const struct dq_conf_txq *conf, const struct dq_device *dev,
		 struct daqiri_region *const regions[2])
{
	const struct daqiri_region *region = regions[0];
	bool on_gpu = region && dq_region_on_gpu(region);
	int ret = dq_txq_check_offloads(conf, dev);

	if (!ret)
		ret = dq_txq_check_src_mac(conf, region);
	if (!ret)
		ret = dq_txq_check_timed(conf, dev);
	if (ret)
		return ret;
	if (regions[1] && dev->caps.min_inline)
		return dq_error(EOPNOTSUPP,
				"%s: %s wants the first %u bytes of each frame in the send queue, "
				"and this version does not gather besides: give the queue one "
				"region",
				conf->where, dev->info.rdma, dev->caps.min_inline);
	if (on_gpu && dev->caps.min_inline)
		return dq_error(EOPNOTSUPP,
				"%s: %s wants the first %u bytes of each frame in the send queue, "
				"and no CPU can read them from the GPU's memory of %s: use kind = "
				"host_pinned",
				conf->where, dev->info.rdma, dev->caps.min_inline,
				region->conf->where);
	if (conf->depth > dev->caps.max_wr)
		return dq_error(EINVAL, "%s depth=%u: %s takes at most %u", conf->where,
				conf->depth, dev->info.rdma, dev->caps.max_wr);
	if (!conf->tx_inline)
		return check_ring(conf, dev);
	if (regions[1])
		return dq_error(EINVAL,
				"%s tx_inline=%u: a queue with two regions gathers frames, and "
				"copies none: use tx_inline = off, or one region",
				conf->where, conf->tx_inline);
	return on_gpu ? refuse_gpu(conf, region) : check_inline(conf, dev);
}

/* ---- what is --------------------------------------------------------------------------------- */

bool dq_txq_has_empw(const struct daqiri_txq *q)
{
	/*
	 * An eMPW's pointers are a packet each: only a SEND can gather. Its Ethernet segment has no
	 * place for a tag, nor for headers.
	 */
	return q->port->dev->caps.empw && !q->gather && !q->eth.insert && !q->conf->tso;
}

static uint32_t say_mode(struct daqiri_txq *q)
{
	const struct dq_caps *caps = &q->port->dev->caps;
	int len;

	if (q->conf->tso)
		len = snprintf(q->why, sizeof(q->why),
			       "tso=%u: headers of TCP packets are copied to the ring",
			       q->conf->tso);
	else if (q->gather)
		len = snprintf(
			q->why, sizeof(q->why),
			"packets of two regions: a WQE of many packets has one piece of each");
	else if (q->eth.insert)
		len = snprintf(q->why, sizeof(q->why),
			       "vlan_push: a WQE of many packets puts no tags into them");
	else if (q->inline_max)
		len = snprintf(q->why, sizeof(q->why), "tx_inline=%u was asked for", q->inline_max);
	else if (caps->empw)
		len = snprintf(q->why, sizeof(q->why), "the device takes up to %u packets in a WQE",
			       caps->empw_ptrs);
	else if (caps->min_inline)
		len = snprintf(q->why, sizeof(q->why),
			       "the device wants the first %u bytes of each frame in its WQE",
			       caps->min_inline);
	else
		len = snprintf(q->why, sizeof(q->why), "the device takes one packet in a WQE");
	return (uint32_t)len;
}

int dq_txq_choose(struct daqiri_txq *q)
{
	const struct dq_caps *caps = &q->port->dev->caps;
	int ret;

	q->simd = q->conf->simd;
	ret = dq_simd_choose(&q->simd, q->conf->where);
	if (ret)
		return ret;
	dq_txq_set_offloads(q);
	q->show = ways[q->simd].show;
	q->max_ptrs = caps->empw_ptrs;
	q->inline_max = q->conf->tx_inline;
	if (q->payload.region)
		q->gather = ways[q->simd].gather;
	q->mode = q->inline_max ? "empw-inline" : dq_txq_has_empw(q) ? "empw" : "send";
	if (q->conf->tso)
		q->mode = "tso";
	if (q->conf->tso)
		q->write = dq_tx_write_tso;
	else if (q->inline_max)
		q->write = ways[q->simd].empw_inline;
	else if (dq_txq_has_empw(q))
		q->write = ways[q->simd].empw;
	else
		q->write = caps->min_inline ? dq_tx_write_send_inline : ways[q->simd].send;
	return 0;
}

/* Why no WQE may be copied into the register; NULL: it may. */
static const char *no_copy(const struct daqiri_txq *q, const struct dq_doorbell *bell)
{
	const char *shut_up = getenv("MLX5_SHUT_UP_BF");

	if (!bell->half)
		return "the doorbell page is not write-combining";
	if (!q->td)
		return "there is no thread domain, and the doorbell register may be shared";
	/* As libmlx5 reads it. */
	if (shut_up && strcmp(shut_up, "0") != 0)
		return "MLX5_SHUT_UP_BF is set";
	return NULL;
}

static void choose_latency(struct daqiri_txq *q, const struct dq_doorbell *bell, uint32_t said)
{
	const char *why = no_copy(q, bell);

	if (!why) {
		q->write_more = q->write;
		q->write = q->port->dev->caps.min_inline ? dq_tx_write_latency_l2
							 : dq_tx_write_latency;
		if (q->gather) {
			q->gather_more = q->gather;
			q->gather = dq_tx_gather_latency;
		}
	}
	snprintf(q->why + said, sizeof(q->why) - said, "; tx_latency=on: %s%s",
		 why ? "8-byte doorbells only, as " : "a post of one is copied to the doorbell",
		 why ? why : "");
}

/*
 * A register of the queue's own is written in alternating halves. One that may be shared, with
 * other queues of ours or with the program's, takes 8-byte stores, which cannot tear, at its first
 * half.
 */
void dq_txq_choose_doorbell(struct daqiri_txq *q, const struct dq_doorbell *bell)
{
	uint8_t *half = bell->reg;
	uint32_t said = say_mode(q);

	q->bf = half;
	q->bf_flip = q->td ? (uintptr_t)half ^ (uintptr_t)(half + bell->half) : 0;
	/* Without a register of its own it may be libmlx5's first, on a page that is
	 * write-combining although it has no halves (mlx5_set_context(): buf_size of bfs[0]). */
	q->bf_flush = bell->half != 0 || !q->td;
	if (q->conf->tx_latency)
		choose_latency(q, bell, said);
}
