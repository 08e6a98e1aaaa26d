/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plain verbs programs share: two cabled ports opened through libibverbs alone, queues on
 * them, frames in and out. Whatever is made through the kit is destroyed by kit_close() in reverse
 * order, and a destroy that fails ends the test program: Criterion ignores assertions there.
 */
#ifndef TEST_KIT_H
#define TEST_KIT_H

#include <criterion/criterion.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "../frames.h"

#define KIT_SLOT  10240u
#define KIT_SLOTS 64u

struct kit_port {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr; /* of mem, local write */
	uint8_t *mem;	   /* KIT_SLOTS slots of KIT_SLOT bytes */
	char mac[18];
};

struct kit_undo {
	int (*fn)(void *obj);
	void *obj;
};

struct kit {
	struct kit_port a, b; /* the two ends of a cable */
	struct kit_undo undo[256];
	unsigned n_undo;
};

/* A receive queue behind a hash QP, and its completion queue. */
struct kit_rx {
	struct ibv_cq *cq;
	struct ibv_wq *wq;
	struct ibv_rwq_ind_table *table;
	struct ibv_qp *qp;
};

void kit_open(struct kit *k);
void kit_close(struct kit *k);
/* Leaves an object that the test has destroyed itself out of kit_close(). */
void kit_forget(struct kit *k, const void *obj);

/* Has kit_close() call fn(obj), before what was deferred earlier. */
void kit_defer(struct kit *k, int (*fn)(void *obj), void *obj);
#define KIT_UNDO(fn, type)                                                                         \
	static int undo_##fn(void *obj)                                                            \
	{                                                                                          \
		return fn((type *)obj);                                                            \
	}

struct ibv_cq *kit_cq(struct kit *k, struct kit_port *p, int n);
/* An event channel and a CQ of n entries on it. */
struct ibv_cq *kit_event_cq(struct kit *k, struct kit_port *p, int n);
/* 16 entries and IBV_WC_EX_*. */
struct ibv_cq_ex *kit_cq_ex(struct kit *k, struct kit_port *p, uint64_t flags);
/* A raw packet QP with cap, ready to send; NULL and errno where its creation fails. */
struct ibv_qp *kit_raw_cap(struct kit *k, struct kit_port *p, struct ibv_cq *cq,
			   struct ibv_qp_cap cap);
/* The same, 16 deep both ways, 2 segments. */
struct ibv_qp *kit_raw(struct kit *k, struct kit_port *p, struct ibv_cq *cq);
void kit_to_state(struct ibv_qp *qp, enum ibv_qp_state state);

struct ibv_wq *kit_wq(struct kit *k, struct kit_port *p, struct ibv_cq *cq, unsigned depth);
struct ibv_rwq_ind_table *kit_table(struct kit *k, struct kit_port *p, struct ibv_wq **wqs,
				    unsigned log_n);
/* fields: IBV_RX_HASH_*; NULL and errno where it is refused. */
struct ibv_qp *kit_hash_qp(struct kit *k, struct kit_port *p, struct ibv_rwq_ind_table *table,
			   uint64_t fields);
extern uint8_t kit_rss_key[40]; /* the one that Microsoft's vectors are for */
/* One queue that hashes nothing, with no rule yet. */
struct kit_rx kit_rx(struct kit *k, struct kit_port *p, unsigned depth);

static inline uint8_t *kit_slot(const struct kit_port *p, unsigned i)
{
	return p->mem + (size_t)i * KIT_SLOT;
}

struct ibv_sge kit_sge(const struct kit_port *p, unsigned slot, unsigned len);
/* One buffer, wr_id = slot. */
void kit_recv(struct ibv_qp *qp, const struct kit_port *p, unsigned slot, unsigned len);
void kit_wq_recv(struct ibv_wq *wq, const struct kit_port *p, unsigned slot, unsigned len);
/* n buffers of slots first.. */
void kit_wq_fill(struct ibv_wq *wq, const struct kit_port *p, unsigned first, unsigned n);
/* Copies f to the slot of p and sends it; wr_id = slot; flags: IBV_SEND_*. */
void kit_send(struct ibv_qp *qp, const struct kit_port *p, const struct frame *f, unsigned slot,
	      unsigned flags);
/* wr_id = KIT_SLOTS */
void kit_post_send(struct ibv_qp *qp, struct ibv_sge *sge, int n, unsigned flags);

/* Polls until n completions are there or 2 s are over; returns how many there were. */
int kit_wait(struct ibv_cq *cq, struct ibv_wc *wc, int n);
/* Number of completions within 50 ms: 0 is what is hoped for. */
int kit_quiet(struct ibv_cq *cq);
/* Waits for one completion and demands its status; wr_id is returned. */
uint64_t kit_expect(struct ibv_cq *cq, enum ibv_wc_status status);
/* Waits for one good receive completion; its slot of p must hold just f. */
void kit_expect_frame(struct ibv_cq *cq, const struct kit_port *p, const struct frame *f);
/* Readable within ms? */
bool kit_readable(int fd, int ms);

/* A plain frame from a to b: a local experimental ethertype and payload up to len bytes. */
void kit_frame(const struct kit *k, struct frame *f, unsigned len);

/* ---- rules --------------------------------------------------------------------------------- */

struct kit_rule {
	struct ibv_flow_attr attr;
	uint8_t specs[256];
} __attribute__((packed, aligned(8)));

void kit_rule(struct kit_rule *r, unsigned priority);
/* NULL text or type 0: not matched. */
void kit_rule_eth(struct kit_rule *r, const char *dst, const char *src, unsigned type);
void kit_rule_ipv4(struct kit_rule *r, const char *src, const char *dst);
void kit_rule_udp(struct kit_rule *r, unsigned sport, unsigned dport);
void kit_rule_tag(struct kit_rule *r, uint32_t tag);
void kit_rule_drop(struct kit_rule *r);
/* Any other spec. */
void kit_rule_add(struct kit_rule *r, const void *spec, size_t size);
/* NULL and errno where it is refused. */
struct ibv_flow *kit_flow(struct kit *k, struct ibv_qp *qp, struct kit_rule *r);
/* Everything to qp, behind all other rules. */
void kit_catch_all(struct kit *k, struct ibv_qp *qp);

/* fte_match_param, its first 64 bytes: the outer headers (PRM, fte_match_set_lyr_2_4). */
struct kit_match {
	size_t size;
	uint8_t b[64];
};
enum {
	KIT_SMAC = 0,
	KIT_ETHERTYPE = 6,
	KIT_DMAC = 8,
	KIT_PROTO = 16,
	KIT_VERSION = 18,
	KIT_UDP_SPORT = 28,
	KIT_UDP_DPORT = 30,
	KIT_SRC_IP = 32,
	KIT_DST_IP = 48
};
struct mlx5dv_flow_matcher *kit_matcher(struct kit *k, struct kit_port *p,
					const struct kit_match *mask, unsigned priority);
/* tag 0: none. NULL and errno where it is refused. */
struct ibv_flow *kit_dv_flow(struct kit *k, struct mlx5dv_flow_matcher *matcher,
			     const struct kit_match *value, struct ibv_qp *qp, uint32_t tag);

/* Every store before it is seen before any after it. Not a C11 fence: gcc refuses those under TSan. */
static inline void kit_fence(void)
{
	__sync_synchronize();
}

#endif
