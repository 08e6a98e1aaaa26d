/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: a completion ring of arbitrary bytes, polled and released. However a device, or
 * what it left in memory, lies: poll returns at most what was asked for, every packet is one of the
 * queue's slots, no more is given back than the ring holds, and nothing else is touched.
 *
 * Input: log2 of the depth, the ring's start position (4 bytes), pairs of (max, release), of which
 * the first is their number, then the ring's bytes. tests/fuzz/run.sh builds and runs it.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

#include "mlx5_cqe.h"
#include "rxq.h"
#include "rxq_compress.h"

enum { STRIDE = 2048, MAX_POLL = 300, MAX_ROUNDS = 64 };
#define BASE 0x7f0000000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 behind the end. */
static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_packets(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t offset = pkts[i].addr - q->base;

		check(offset % q->stride == 0 && offset / q->stride <= q->mask);
		check(daqiri_key_flow(pkts[i].key) < 0xffffff);
	}
}

/* Exactly the packets asked for, so that one more is an error of its own. */
static void poll_and_release(struct daqiri_rxq *q, int max, int release)
{
	struct daqiri_pkt *pkts = malloc((size_t)max * sizeof(*pkts) + 1);
	uint32_t before = q->ci, depth = q->mask + 1;
	int n;

	check(pkts != NULL);
	n = daqiri_rx_poll(q, pkts, max);
	check(n <= max && (n >= 0 || (n == -EIO && q->stopped)));
	check_packets(q, pkts, n);
	check(q->ci - before <= depth + (uint32_t)max);
	check(be32toh(*q->cq_dbrec) == (q->ci & DQ_CQE_INDEX) || q->ci == before);
	daqiri_rx_release(q, release);
	/*
	 * Never a WQE that still holds a packet, nor more of them than there are. A title may tell
	 * of more packets than there were WQEs: up to the ring's end it is believed.
	 */
	if (q->session)
		check(q->posted - q->ci + depth <= 2 * depth);
	else
		check(q->posted - q->ci <= depth);
	free(pkts);
}

static void fill_ring(struct mlx5_cqe64 *cqes, uint32_t depth, struct input *in)
{
	size_t bytes = (size_t)depth * sizeof(*cqes), part = in->left < bytes ? in->left : bytes;

	memset(cqes, 0xff, bytes); /* as a new ring: opcodes that say "not written" */
	memcpy(cqes, in->at, part);
	/* Short inputs fill large rings: what there is goes round. */
	for (size_t i = part; part && i < bytes; i++)
		((uint8_t *)cqes)[i] = ((uint8_t *)cqes)[i - part];
}

static void run(struct daqiri_rxq *q, struct input *in)
{
	unsigned rounds = take(in) % MAX_ROUNDS;
	uint8_t steps[2 * MAX_ROUNDS];

	for (unsigned i = 0; i < 2 * rounds; i++)
		steps[i] = take(in);
	fill_ring((struct mlx5_cqe64 *)(uintptr_t)q->cqes, q->mask + 1, in);
	for (unsigned i = 0; i < rounds; i++)
		poll_and_release(q, steps[2 * i] % MAX_POLL, (int8_t)steps[2 * i + 1]);
	poll_and_release(q, MAX_POLL, INT32_MAX);
}

/* by: NULL for a queue whose completions are not compressed. */
static void run_with(dq_rx_take_fn taker, const struct dq_rx_minis *by, const uint8_t *data,
		     size_t size)
{
	struct dq_rx_session session = {.left = 0};
	struct input in = {data, size};
	struct dq_conf_rxq conf = {.where = "[rxq fuzz 0]"};
	uint32_t depth = 1u << (6 + take(&in) % 4), start = 0;
	__be32 cq_dbrec[2] = {0}, rq_dbrec[2] = {0};
	struct daqiri_rxq q __attribute__((aligned(64)));

	for (int i = 0; i < 4; i++)
		start = start << 8 | take(&in);
	memset(&q, 0, sizeof(q));
	conf.depth = depth;
	q.poll = dq_rx_poll_cyclic;
	q.release = dq_rx_release_cyclic;
	q.take = taker;
	q.cqes = calloc(depth, sizeof(struct mlx5_cqe64));
	q.eaten_map = calloc(depth / 64, sizeof(uint64_t));
	q.slots = calloc(depth, sizeof(uint64_t));
	check(q.cqes && q.eaten_map && q.slots);
	q.cq_dbrec = cq_dbrec;
	q.rq_dbrec = rq_dbrec;
	q.base = BASE;
	q.stride = STRIDE;
	q.mask = depth - 1;
	q.ci = start;
	q.posted = start + depth;
	q.conf = &conf;
	if (by) {
		q.session = &session;
		q.poll = by->poll[0];
		dq_rx_session_init(&q, by);
	}
	run(&q, &in);
	free((void *)(uintptr_t)q.cqes);
	free(q.eaten_map);
	free(q.slots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run_with(dq_rx_take_portable, NULL, data, size);
	run_with(dq_rx_take_portable, &dq_rx_minis_portable, data, size);
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_SSE42))
		run_with(dq_rx_take_sse42, NULL, data, size);
	if (dq_simd_has(DQ_SIMD_AVX2)) {
		run_with(dq_rx_take_avx2, NULL, data, size);
		run_with(dq_rx_take_avx2, &dq_rx_minis_avx2, data, size);
	}
#endif
	return 0;
}
