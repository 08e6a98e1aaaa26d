/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zero-copy forwarding: random sequences of poll, post of what was polled, reap and release, on a
 * receive queue whose packets have the send side's key and a send queue of half its depth, from
 * positions near every index limit. Each frame goes out once, in order, byte for byte, and no
 * buffer is written while it waits. DAQIRI_MODEL_PACKETS: how many each gets (10^5).
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "noise.h"
#include "rx_model.h"
#include "tx_model.h"

enum { EMPW = 0x29, SEND = 0x0a, MIN_LEN = 60, MAX_LEN = 128 };

struct model {
	struct rx_device rx;
	struct tx_device tx;
	uint64_t noise, first;
	uint64_t received, polled, posted, sent, released; /* packets, each below the one before */
	struct daqiri_pkt held[2 * RX_DEPTH];		   /* those posted..polled - 1 come first */
};

static uint32_t random32(struct model *m)
{
	return noise32(&m->noise);
}

static uint32_t len_of(uint64_t number)
{
	return MIN_LEN + (uint32_t)(number * 2654435761u >> 7) % (MAX_LEN - MIN_LEN + 1);
}

static void make_frame(uint64_t number, uint8_t frame[MAX_LEN])
{
	for (unsigned i = 0; i < MAX_LEN; i += 8) {
		uint64_t word = (number + 1) * 0x9e3779b97f4a7c15u + i;

		memcpy(frame + i, &word, 8);
	}
}

static void check_sent(void *arg, const uint8_t *frame, uint32_t len)
{
	struct model *m = arg;
	uint8_t want[MAX_LEN];

	cr_assert_lt(m->sent, m->posted);
	make_frame(m->sent, want);
	cr_assert_eq(len, len_of(m->sent));
	cr_assert(!memcmp(frame, want, len), "packet %llu by %s from %llx: changed",
		  (unsigned long long)m->sent, m->tx.kind->name, (unsigned long long)m->first);
	m->sent++;
}

/* The device overwrites whatever buffer it has: one that is not free spoils a frame. */
static void receive(struct model *m)
{
	uint32_t n = random32(m) % (RX_DEPTH / 2);
	uint8_t frame[MAX_LEN];

	while (n-- && rx_cyclic_room(&m->rx)) {
		make_frame(m->received, frame);
		rx_cyclic_receive(&m->rx, frame, len_of(m->received),
				  (uint32_t)m->received & 0xffff);
		m->received++;
	}
}

static void poll_some(struct model *m)
{
	uint64_t waiting = m->polled - m->posted, there = m->received - m->polled;
	int max = (int)(random32(m) % (RX_DEPTH + 1));
	int n = daqiri_rx_poll(&m->rx.q, m->held + waiting, max);

	cr_assert_eq(n, (int)(there < (uint64_t)max ? there : (uint64_t)max));
	for (int i = 0; i < n; i++) {
		cr_assert_eq(m->held[waiting + (uint64_t)i].len, len_of(m->polled));
		cr_assert_eq(m->held[waiting + (uint64_t)i].key, daqiri_key_from_lkey(TX_LKEY));
		m->polled++;
	}
}

/* As many as there is room for: often not all. */
static void post_some(struct model *m)
{
	uint32_t waiting = (uint32_t)(m->polled - m->posted);
	uint32_t n = waiting ? random32(m) % (waiting + 1) : 0;
	int posted = daqiri_tx_post(&m->tx.q, m->held, (int)n);

	cr_assert(posted >= 0 && posted <= (int)n);
	if (!posted)
		return;
	m->posted += (unsigned)posted;
	memmove(m->held, m->held + posted, (waiting - (unsigned)posted) * sizeof(m->held[0]));
	tx_device_check_doorbell(&m->tx, (unsigned)posted);
}

static void send_some(struct model *m)
{
	tx_device_run(&m->tx, random32(m) % 8);
}

static void reap(struct model *m)
{
	uint64_t done = daqiri_tx_completed(&m->tx.q) - m->first;

	cr_assert(done >= m->released && done <= m->sent);
	daqiri_rx_release(&m->rx.q, (int)(done - m->released));
	m->released = done;
}

static void step(struct model *m)
{
	static void (*const steps[])(struct model *) = {receive,   receive,   poll_some,
							poll_some, post_some, post_some,
							send_some, send_some, reap};

	steps[random32(m) % (sizeof(steps) / sizeof(steps[0]))](m);
}

static void finish(struct model *m)
{
	while (m->released < m->received) {
		poll_some(m);
		post_some(m);
		tx_device_run(&m->tx, TX_DEPTH);
		reap(m);
	}
	cr_assert_eq(rx_cyclic_room(&m->rx), (uint32_t)RX_DEPTH);
	cr_assert_eq(m->tx.q.others, 0u, "a queue without slots does not count others' memory");
	cr_assert_eq(m->rx.q.count.bytes, m->tx.q.count.bytes);
	dq_rx_bufs_free(&m->rx.q);
}

static void run(const struct rx_kind *from, const struct tx_kind *to, uint32_t start)
{
	static struct model m;
	const char *packets = getenv("DAQIRI_MODEL_PACKETS");
	uint64_t n = packets ? strtoull(packets, NULL, 0) : 100000;

	memset(&m, 0, sizeof(m));
	m.noise = 0x2545f4914f6cdd1d + start;
	m.first = start;
	rx_device_init(&m.rx, &(struct rx_run){.kind = from, .start = start});
	m.rx.q.key_hides = htobe32(UINT32_MAX);
	m.rx.q.key_set = htobe32(TX_LKEY);
	tx_device_init(&m.tx, to, start);
	m.tx.q.slot_bytes = 0;
	m.tx.q.n_slots = 0;
	dq_tx_prepare(&m.tx.q, to->opcode);
	m.tx.sent = check_sent;
	m.tx.arg = &m;
	while (m.received < n)
		step(&m);
	finish(&m);
}

static void forward_by_each(const struct rx_kind *from, const struct tx_kind *to)
{
	static const uint32_t starts[] = {0, 0x10000 - 1000, 0x1000000 - 1000, 0u - 1000};

	for (; to->name; to++)
		for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
			run(from, to, starts[i]);
}

#define FORWARD(isa, copy)                                                                         \
	static void choose_##isa(struct daqiri_rxq *q)                                             \
	{                                                                                          \
		q->poll = dq_rx_poll_cyclic;                                                       \
		q->release = dq_rx_release_cyclic;                                                 \
		q->take = dq_rx_take_##isa;                                                        \
		q->take_slots = dq_rx_take_slots_##isa;                                            \
	}                                                                                          \
	Test(forward_model, isa)                                                                   \
	{                                                                                          \
		static const struct rx_kind from = {.name = #isa, .choose = choose_##isa};         \
		static const struct tx_kind to[] = {{.name = "empw " #isa,                         \
						     .write = dq_tx_write_empw_##isa,              \
						     .opcode = EMPW,                               \
						     .max_ptrs = 58},                              \
						    {.name = "latency " #isa,                      \
						     .write = dq_tx_write_empw_##isa,              \
						     .latency = dq_tx_write_latency,               \
						     .opcode = EMPW,                               \
						     .max_ptrs = 58},                              \
						    {.name = "send " #isa,                         \
						     .write = dq_tx_write_send_##isa,              \
						     .opcode = SEND,                               \
						     .max_ptrs = 58},                              \
						    {.name = "inline " #isa,                       \
						     .write = dq_tx_write_empw_inline_##copy,      \
						     .opcode = EMPW,                               \
						     .max_ptrs = 58,                               \
						     .inline_max = 100},                           \
						    {.name = NULL}};                               \
		if (!HAS_##isa)                                                                    \
			cr_skip_test("no " #isa);                                                  \
		forward_by_each(&from, to);                                                        \
	}

#define HAS_portable 1
FORWARD(portable, portable)
#ifdef __x86_64__
#define HAS_sse42 dq_simd_has(DQ_SIMD_SSE42)
#define HAS_avx2  dq_simd_has(DQ_SIMD_AVX2)
FORWARD(sse42, portable)
FORWARD(avx2, avx2)
#endif
