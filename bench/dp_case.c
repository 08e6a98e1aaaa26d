/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured: a new case is an entry of the table at the end. */
#include "dp.h"

#include <string.h>

enum { SEND = 0x0a, EMPW = 0x29 };

/* ---- the program's part of a burst ----------------------------------------------------------- */

static void polled(struct dp_rig *rig, uint32_t at, uint32_t n, int got)
{
	if (got != (int)n)
		dp_fail("poll returned %d of %u packets", got, n);
	rig->received += n;
	if (!rig->cold)
		return;
	for (uint32_t i = at; i < at + n; i++)
		(void)*(const volatile uint64_t *)(uintptr_t)rig->in[i].addr;
}

static void poll_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	polled(rig, at, n, daqiri_rx_poll(rig->rxq, rig->in + at, (int)n));
}

static void post_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	int posted = daqiri_tx_post(rig->txq, rig->out + at, (int)n);

	if (posted != (int)n)
		dp_fail("post took %d of %u packets", posted, n);
	rig->sent += n;
}

/* What was posted before has been sent meanwhile. */
static void reap(struct dp_rig *rig)
{
	uint64_t done = daqiri_tx_completed(rig->txq);

	if (done != rig->sent)
		dp_fail("%llu of %llu packets are completed", (unsigned long long)done,
			(unsigned long long)rig->sent);
}

static void reserve(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	int got = daqiri_tx_reserve(rig->txq, rig->out + at, (int)n);

	if (got != (int)n)
		dp_fail("%d of %u slots are free", got, n);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void rx_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	poll_burst(rig, at, n);
	daqiri_rx_release(rig->rxq, (int)n);
}

static void meta_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	polled(rig, at, n, daqiri_rx_poll_meta(rig->rxq, rig->in + at, rig->meta + at, (int)n));
	daqiri_rx_release(rig->rxq, (int)n);
	rig->has_meta = true;
}

static void split_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	polled(rig, at, n,
	       daqiri_rx_poll_split(rig->rxq, rig->in + at, rig->in_rest + at, NULL, (int)n));
	daqiri_rx_release(rig->rxq, (int)n);
	rig->has_rest = true;
}

static void tx_prepare(struct dp_rig *rig)
{
	reserve(rig, 0, rig->lap);
	for (uint32_t i = 0; i < rig->lap; i++)
		rig->out[i].len = dp_frame_len(rig->sent + i);
}

static void tx_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	reap(rig);
	post_burst(rig, at, n);
}

static void gather_prepare(struct dp_rig *rig)
{
	int got = daqiri_tx_reserve_split(rig->txq, rig->out, rig->out_rest, (int)rig->lap);

	if (got != (int)rig->lap)
		dp_fail("%d of %u slots are free", got, rig->lap);
	for (uint32_t i = 0; i < rig->lap; i++) {
		rig->out[i].len = DP_HEADER;
		rig->out_rest[i].len = dp_frame_len(rig->sent + i) - DP_HEADER;
	}
}

static void gather_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	int posted;

	reap(rig);
	posted = daqiri_tx_post_split(rig->txq, rig->out + at, rig->out_rest + at, (int)n);
	if (posted != (int)n)
		dp_fail("post took %d of %u packets", posted, n);
	rig->sent += n;
}

/* Frames of 64 bytes, more or less, which are told apart by their first bytes. */
static void inline_prepare(struct dp_rig *rig)
{
	reserve(rig, 0, rig->lap);
	for (uint32_t i = 0; i < rig->lap; i++) {
		rig->out[i].len = 60 + dp_frame_len(rig->sent + i) % 9;
		*(uint64_t *)(uintptr_t)rig->out[i].addr = rig->sent + i;
	}
}

/* All packets of a burst are kept beyond their release, and given back. */
static void keep_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	struct daqiri_pkt *pkts = rig->in + at;
	int kept, given;

	poll_burst(rig, at, n);
	kept = daqiri_rx_keep(rig->rxq, pkts, (int)n);
	daqiri_rx_release(rig->rxq, (int)n);
	given = daqiri_rx_give_back(rig->rxq, pkts, (int)n);
	if (kept != (int)n || given != (int)n)
		dp_fail("%d of %u packets were kept, %d given back", kept, n, given);
}

/* What was sent since the last burst goes back to the receive queue. */
static void release_sent(struct dp_rig *rig)
{
	reap(rig);
	daqiri_rx_release(rig->rxq, (int)rig->owed);
	rig->owed = 0;
}

/* Sends the packets that came, as they came. */
static void forward_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	int posted;

	release_sent(rig);
	poll_burst(rig, at, n);
	posted = daqiri_tx_post(rig->txq, rig->in + at, (int)n);
	if (posted != (int)n)
		dp_fail("post took %d of %u packets", posted, n);
	rig->sent += n;
	rig->owed = n;
	rig->wire = rig->in;
}

/* Receives n packets and sends as many of its own, as long as those were. */
static void loop_burst(struct dp_rig *rig, uint32_t at, uint32_t n)
{
	reap(rig);
	poll_burst(rig, at, n);
	reserve(rig, at, n);
	for (uint32_t i = at; i < at + n; i++)
		rig->out[i].len = rig->in[i].len;
	post_burst(rig, at, n);
	daqiri_rx_release(rig->rxq, (int)n);
}

const struct dp_case dp_cases[] = {
	{.name = "rx_cqe64", .rx = true, .burst = rx_burst},
	{.name = "rx_cqe64_meta", .rx = true, .queue = DP_RX_META, .burst = meta_burst},
	{.name = "rx_cqe64_ts", .rx = true, .queue = DP_RX_TIME, .burst = meta_burst},
	{.name = "rx_cqe64_ts_free", .rx = true, .queue = DP_RX_COUNTER, .burst = meta_burst},
	{.name = "rx_compressed",
	 .rx = true,
	 .queue = DP_RX_COMPRESSED,
	 .session = 64,
	 .burst = rx_burst},
	{.name = "rx_compressed_8",
	 .rx = true,
	 .queue = DP_RX_COMPRESSED,
	 .session = 8,
	 .burst = rx_burst},
	{.name = "rx_compressed_1",
	 .rx = true,
	 .queue = DP_RX_COMPRESSED,
	 .session = 1,
	 .burst = rx_burst},
	{.name = "rx_compressed_meta",
	 .rx = true,
	 .queue = DP_RX_COMPRESSED_META,
	 .session = 64,
	 .burst = meta_burst},
	{.name = "rx_striding", .rx = true, .queue = DP_RX_STRIDING, .burst = rx_burst},
	{.name = "rx_split", .rx = true, .queue = DP_RX_SPLIT, .burst = split_burst},
	{.name = "rx_keep", .rx = true, .queue = DP_RX_KEEP, .burst = keep_burst},
	{.name = "tx_empw", .opcode = EMPW, .prepare = tx_prepare, .burst = tx_burst},
	{.name = "tx_send", .opcode = SEND, .prepare = tx_prepare, .burst = tx_burst},
	{.name = "tx_gather",
	 .opcode = SEND,
	 .send = DP_TX_GATHER,
	 .prepare = gather_prepare,
	 .burst = gather_burst},
	{.name = "tx_empw_inline",
	 .opcode = EMPW,
	 .send = DP_TX_INLINE,
	 .prepare = inline_prepare,
	 .burst = tx_burst},
	{.name = "tx_latency",
	 .opcode = EMPW,
	 .send = DP_TX_LATENCY,
	 .prepare = tx_prepare,
	 .burst = tx_burst},
	{.name = "closed_loop", .rx = true, .opcode = EMPW, .burst = loop_burst},
	{.name = "forward",
	 .rx = true,
	 .queue = DP_RX_FORWARD,
	 .opcode = EMPW,
	 .send = DP_TX_BARE,
	 .burst = forward_burst,
	 .finish = release_sent},
};
const unsigned dp_n_cases = sizeof(dp_cases) / sizeof(dp_cases[0]);

enum dp_tx_kind dp_send_kind(const char *name)
{
	for (unsigned i = 0; name && i < dp_n_cases; i++)
		if (!strcmp(dp_cases[i].name, name))
			return dp_cases[i].send;
	return DP_TX_SLOTS;
}

bool dp_can(const struct dp_rig *rig, const struct dp_case *c)
{
	if (c->send != rig->send)
		return false;
	if (c->send == DP_TX_GATHER)
		return true;
	if (c->queue == DP_RX_COUNTER)
		return rig->rings[c->queue].stamps == DP_FREE_COUNTER;
	return !c->opcode || (c->opcode == EMPW) == rig->empw;
}
