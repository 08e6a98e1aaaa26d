/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: frames spread over queues by a hash. */
#include <endian.h>
#include <string.h>

#include "st.h"

#define QUEUES 4u
#define FLOWS  48u

/* The key that Microsoft published with test vectors for it. */
static const uint8_t published_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const uint8_t other_key[40] = {
	0x11, 0x7e, 0x4d, 0x93, 0xc5, 0x28, 0xaf, 0x60, 0x3b, 0xd2, 0x19, 0x84, 0xf7, 0x5c,
	0xe1, 0x0a, 0x96, 0x33, 0xbd, 0x48, 0x71, 0xc6, 0x2f, 0xea, 0x05, 0x9b, 0xd8, 0x64,
	0x37, 0x8c, 0xf1, 0x52, 0xae, 0x1d, 0x79, 0xc0, 0x46, 0xb3, 0x0e, 0x95,
};

#define FIELDS_IPV4 (IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4)
#define FIELDS_UDP  (IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP)

struct spread {
	struct st_sq sq;
	struct st_rx rx[QUEUES];
};

static void open_spread(struct st *st, struct spread *s, uint64_t fields, const uint8_t *key)
{
	struct st_rx *rx[QUEUES];
	struct ibv_qp *qp;
	struct st_rule r;

	st_sq_open(st, st->a, &s->sq, 64);
	for (unsigned i = 0; i < QUEUES; i++) {
		st_rx_open(st, st->b, &s->rx[i], NULL);
		rx[i] = &s->rx[i];
	}
	qp = st_rss_open(st, rx, QUEUES, fields, key);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0x0800);
	st_flow(st, qp, &r);
}

/* Sends f; the queue that got it, with its completion. */
static unsigned send_one(struct st *st, struct spread *s, const struct st_frame *f,
			 struct st_cqe *cqe)
{
	uint64_t end = st_now_ns() + ST_WAIT_MS * 1000000ull;

	if (!st_good(st))
		return 0;
	st_send(&s->sq, 0, f);
	st_sq_wait(st, &s->sq);
	while (st_good(st) && st_now_ns() < end) {
		for (unsigned q = 0; q < QUEUES; q++) {
			if (!st_rx_poll(st, &s->rx[q], cqe, 0))
				continue;
			st_need(st, cqe->opcode == ST_CQE_RESP_SEND, "completion with opcode %u",
				cqe->opcode);
			return q;
		}
	}
	st_need(st, false, "the frame came to none of %u queues", QUEUES);
	return 0;
}

static uint32_t expected(const struct st_frame *f, const uint8_t *key, unsigned bytes)
{
	uint8_t input[12];

	memcpy(input, f->b + f->l3 + 12, 8);
	memcpy(input + 8, f->b + f->l4, 4);
	return st_toeplitz(key, input, bytes);
}

static void flow_frame(const struct st *st, struct st_frame *f, unsigned i)
{
	st_udp(st, f, 1000 + i * 7, 5000 + i % 5, i);
}

static void judge_hash(struct st *st, uint64_t fields, const uint8_t *key, unsigned bytes)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct spread s;

	open_spread(st, &s, fields, key);
	for (unsigned i = 0; i < FLOWS && st_good(st); i++) {
		uint32_t want;

		flow_frame(st, &f, i);
		want = expected(&f, key, bytes);
		send_one(st, &s, &f, &cqe);
		st_need(st, cqe.hash == want, "hash 0x%08x, not 0x%08x", cqe.hash, want);
	}
}

static void hash(struct st *st)
{
	judge_hash(st, FIELDS_IPV4 | FIELDS_UDP, published_key, 12);
}

static void key(struct st *st)
{
	judge_hash(st, FIELDS_IPV4 | FIELDS_UDP, other_key, 12);
}

static void addresses(struct st *st)
{
	judge_hash(st, FIELDS_IPV4, published_key, 8);
}

/* Entry hash modulo the table's size. */
static void queue(struct st *st)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct spread s;

	open_spread(st, &s, FIELDS_IPV4 | FIELDS_UDP, published_key);
	for (unsigned i = 0; i < FLOWS && st_good(st); i++) {
		unsigned want, got;

		flow_frame(st, &f, i);
		want = expected(&f, published_key, 12) % QUEUES;
		got = send_one(st, &s, &f, &cqe);
		st_need(st, got == want, "queue %u, not %u", got, want);
	}
}

static void spread(struct st *st)
{
	unsigned count[QUEUES] = {0};
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct spread s;

	open_spread(st, &s, FIELDS_IPV4 | FIELDS_UDP, published_key);
	for (unsigned i = 0; i < FLOWS && st_good(st); i++) {
		flow_frame(st, &f, i);
		count[send_one(st, &s, &f, &cqe)]++;
	}
	for (unsigned q = 0; q < QUEUES; q++)
		st_need(st, count[q] > FLOWS / QUEUES / 4 && count[q] < FLOWS / 2,
			"queue %u of %u got %u of %u flows", q, QUEUES, count[q], FLOWS);
}

/* One flow keeps to one queue. */
static void steady(struct st *st)
{
	struct st_cqe cqe = {0};
	unsigned first = 0, q;
	struct st_frame f;
	struct spread s;

	open_spread(st, &s, FIELDS_IPV4 | FIELDS_UDP, published_key);
	for (unsigned i = 0; i < 32 && st_good(st); i++) {
		st_udp(st, &f, 1234, 5678, i);
		q = send_one(st, &s, &f, &cqe);
		if (!i)
			first = q;
		st_need(st, q == first, "frame %u went to queue %u, others to %u", i, q, first);
	}
}

/* PRM, CQE rx_hash_type: IPv4 addresses 0x05, UDP ports 0xa0 */
static void type(struct st *st)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct spread s;

	open_spread(st, &s, FIELDS_IPV4 | FIELDS_UDP, published_key);
	st_udp(st, &f, 1234, 5678, 0);
	send_one(st, &s, &f, &cqe);
	st_need(st, cqe.hash_type == 0xa5, "hash type 0x%02x, not 0xa5", cqe.hash_type);
}

static const struct st_check checks[] = {
	{"rss.hash", "Toeplitz over addresses and UDP ports", hash},
	{"rss.key", "the hash follows the key", key},
	{"rss.addresses", "Toeplitz over addresses alone", addresses},
	{"rss.queue", "the table's entry is the hash modulo its size", queue},
	{"rss.spread", "flows are spread over all queues", spread},
	{"rss.steady", "a flow keeps to its queue", steady},
	{"rss.type", "completions tell what was hashed", type},
};

const struct st_group st_group_rss = {checks, sizeof(checks) / sizeof(checks[0])};
