/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daqiri-perf --selftest: a list of checks on one pair of cabled ports, and a report that may be
 * shown to strangers.
 *
 * Checks whose id begins with "lib." use daqiri.h alone. All others are about the device: they use
 * libibverbs and mlx5dv.h as a program would that knows nothing of libdaqiri, write WQEs and read
 * CQEs themselves, and so can tell whether the library or the device is at fault.
 *
 * A check runs to its end and never returns a verdict: st_fail() and st_skip() note the first one,
 * after which every function of the kit does nothing. Nothing is tried twice.
 */
#ifndef ST_H
#define ST_H

#include <stdbool.h>
#include <stdint.h>

#include <daqiri.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "options.h"
#include "st_frame.h"

#define ST_SCHEMA   1 /* of the report, text and JSON alike */
#define ST_SLOT	    10240u
#define ST_TX_SLOTS 128u /* slots 0.. of each port's memory are sent from */
#define ST_RX_DEPTH 64u	 /* buffers of a receive queue */
#define ST_MAX_RX   4u	 /* receive queues of a check, each with its slots behind those */
#define ST_SLOTS    (ST_TX_SLOTS + ST_MAX_RX * ST_RX_DEPTH)
#define ST_WAIT_MS  500 /* a frame that has not come by then is lost */

enum st_verdict { ST_PASS, ST_FAIL, ST_SKIP };

struct st_check;

/* What verbs do not tell and the firmware does, to a context with DevX. */
struct st_firmware {
	bool known, wait_on_time, vlan_insert;
};

struct st_port {
	struct daqiri_port_info info;
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr; /* of mem, local write */
	uint8_t *mem;	   /* ST_SLOTS slots of ST_SLOT bytes */
	struct ibv_device_attr_ex attr;
	struct mlx5dv_context dv;
	struct st_firmware firmware;
};

struct st_undo {
	int (*fn)(void *obj);
	void *obj;
};

struct st {
	struct st_port port[2];
	struct st_port *a,
		*b; /* who sends, who receives; one port with a loopback plug: the same */
	enum st_verdict verdict;
	char why[256];
	struct st_undo undo[128];
	unsigned n_undo;
	unsigned n_rx;		      /* receive queues of this check */
	const struct st_check *check; /* the one that runs */
};

/* A check. The id is for scripts and never changes its meaning. */
struct st_check {
	const char *id;
	const char *doc;
	void (*run)(struct st *st);
};

struct st_group {
	const struct st_check *checks;
	unsigned n;
};

extern const struct st_group st_group_tx, st_group_offload, st_group_rx, st_group_steer,
	st_group_match, st_group_striding, st_group_compress, st_group_tunnel, st_group_rss,
	st_group_count, st_group_clock, st_group_error, st_group_event, st_group_lib;

struct st_result {
	const struct st_check *check;
	enum st_verdict verdict;
	char why[256];
};

struct st_report {
	const struct st *st;
	struct st_result *results;
	unsigned n, count[3]; /* by enum st_verdict */
};

/* --selftest; the exit status. */
int perf_selftest(const struct perf_options *o);
void st_report_text(const struct st_report *r);
/* -1 after a message. */
int st_report_json(const struct st_report *r, const char *path);
const char *st_model(const struct st_port *p);

/* ---- verdicts: st.c ---- */

static inline bool st_good(const struct st *st)
{
	return st->verdict == ST_PASS;
}

void st_fail(struct st *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void st_skip(struct st *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* st_fail() where cond does not hold; the check goes on where it does. */
#define st_need(st, cond, ...)                                                                     \
	do {                                                                                       \
		if (st_good(st) && !(cond))                                                        \
			st_fail((st), __VA_ARGS__);                                                \
	} while (0)

/* Has fn(obj) called when the check is over, before what was deferred earlier. */
void st_defer(struct st *st, int (*fn)(void *obj), void *obj);
#define ST_UNDO(fn, type)                                                                          \
	static int undo_##fn(void *obj)                                                            \
	{                                                                                          \
		return fn((type *)obj);                                                            \
	}
void st_undo_all(struct st *st);

uint64_t st_now_ns(void);
void st_sleep_us(unsigned us);

/* ---- ports: st_port.c ---- */

/* 0; -1: the verdict of st tells why */
int st_port_open(struct st *st, struct st_port *p);
void st_port_close(struct st_port *p);

static inline uint8_t *st_slot(const struct st_port *p, unsigned i)
{
	return p->mem + (size_t)i * ST_SLOT;
}

/* ---- completion queues: st_queue.c ---- */

struct st_cq {
	struct ibv_cq *cq;
	struct mlx5dv_cq dv;
	uint32_t ci;
};

/* What a CQE says, PRM "CQE format". */
struct st_cqe {
	uint8_t opcode;
	uint8_t syndrome;	     /* of an error CQE */
	uint8_t hash_type, ok, l3l4; /* rx_hash_type, hds_ip_ext, l4_hdr_type_etc */
	bool tunneled;		     /* l3l4 and ok are those of what is in the tunnel */
	bool packed;		     /* the title of a session: len completions */
	uint16_t vlan, counter, wqe_id, sum;
	uint32_t len, tag, hash;
	uint64_t timestamp;
	const uint8_t *data; /* RX: where the frame lies, until the next is asked for */
};

enum { ST_CQE_REQ = 0, ST_CQE_RESP_SEND = 2, ST_CQE_REQ_ERR = 13, ST_CQE_RESP_ERR = 14 };
enum { ST_SYN_LENGTH = 1, ST_SYN_QP_OP = 2, ST_SYN_PROT = 4, ST_SYN_FLUSH = 5 };

/* wc_flags: IBV_WC_EX_*; channel may be NULL. */
void st_cq_open(struct st *st, struct st_port *p, struct st_cq *cq,
		const struct ibv_cq_init_attr_ex *attr);
/* With compression; format: MLX5DV_CQE_RES_FORMAT_*. */
void st_cq_open_packed(struct st *st, struct st_port *p, struct st_cq *cq, unsigned entries,
		       unsigned format);
/* 64 bytes of the ring; index counts for ever. */
uint8_t *st_cq_slot(const struct st_cq *cq, uint32_t index);
uint32_t st_get32(const uint8_t *p); /* big endian, as all in a CQE */
/* Looks at the next CQE, which stays; gives n of them back to the device. */
bool st_cq_peek(struct st *st, struct st_cq *cq, struct st_cqe *out, unsigned ms);
void st_cq_give_back(struct st_cq *cq, uint32_t n);
/* Takes the next CQE within ms; false: there is none, which is no failure. */
bool st_cq_poll(struct st *st, struct st_cq *cq, struct st_cqe *out, unsigned ms);

/* ---- send queues: st_queue.c ---- */

struct st_sq {
	struct st_port *port;
	struct st_cq cq;
	struct ibv_qp *qp;
	struct mlx5dv_qp dv;
	uint16_t pi;		       /* next WQEBB */
	uint32_t bf_off;	       /* half of the BlueFlame register that is next */
	uint32_t begun;		       /* ds of the WQE that is being written */
	struct mlx5_wqe_ctrl_seg last; /* of the newest WQE: what a doorbell names */
	_Alignas(16) uint8_t wqe[1024];
};

enum { ST_CE_ERROR = 0x00, ST_CE_FIRST = 0x04, ST_CE_ALWAYS = 0x08 };
enum { ST_OP_NOP = 0x00, ST_OP_WAIT = 0x0f, ST_OP_EMPW = 0x29 };

void st_sq_open(struct st *st, struct st_port *p, struct st_sq *sq, unsigned depth);
void st_sq_state(struct st *st, struct st_sq *sq, enum ibv_qp_state state);
/* RESET and up to RTS again, empty. */
void st_sq_restart(struct st *st, struct st_sq *sq);

/* One WQE: begin, segments, end. Nothing is sent before st_sq_ring(). */
void st_wqe_begin(struct st_sq *sq, unsigned opcode, unsigned ce);
void *st_wqe_seg(struct st_sq *sq, unsigned ds); /* zeroed, ds * 16 bytes */
struct mlx5_wqe_eth_seg *st_wqe_eth(struct st_sq *sq, unsigned cs_flags);
void st_wqe_ptr(struct st_sq *sq, const void *at, unsigned len);
void st_wqe_inline(struct st_sq *sq, const void *at, unsigned len);
void st_wqe_end(struct st_sq *sq);
void st_sq_ring(struct st_sq *sq);
/* The record alone, and the register alone. */
void st_sq_record(struct st_sq *sq);
void st_sq_bell(struct st_sq *sq, const struct mlx5_wqe_ctrl_seg *ctrl);

/* Copies f to a send slot of the port and returns where it lies. */
uint8_t *st_stage(struct st_port *p, unsigned slot, const struct st_frame *f);
/* A SEND WQE with one pointer, rung. */
void st_send(struct st_sq *sq, unsigned slot, const struct st_frame *f);
/* Waits for a CQE and demands that it is good; its WQE counter is returned. */
uint16_t st_sq_wait(struct st *st, struct st_sq *sq);

/* ---- receive queues: st_queue.c ---- */

struct st_rx {
	struct st_port *port;
	struct st_cq cq;
	struct ibv_wq *wq;
	struct mlx5dv_rwq dv;
	struct ibv_rwq_ind_table *table; /* of this queue alone */
	struct ibv_qp *qp;
	unsigned slot; /* the first of its slots */
	uint16_t pi;
	unsigned qp_flags;	  /* MLX5DV_QP_CREATE_* of its queue pair */
	bool held;		  /* the newest CQE's buffer is not yet posted again */
	const uint8_t *only_from; /* skips frames of other source addresses; NULL: none */
};

struct st_rx_opts {
	uint64_t cq_flags;     /* IBV_WC_EX_* */
	uint32_t create_flags; /* IBV_WQ_FLAGS_* */
	struct ibv_comp_channel *channel;
	unsigned format;   /* compressed completions: MLX5DV_CQE_RES_FORMAT_*; 0: none */
	unsigned qp_flags; /* MLX5DV_QP_CREATE_* */
	unsigned buf_len;  /* 0: all of a slot */
	unsigned split;	   /* >0: this much goes to the slot, the rest 5120 bytes behind it */
};

void st_rx_open(struct st *st, struct st_port *p, struct st_rx *rx, const struct st_rx_opts *o);
/* The rest of it, where the queue was made by the check: table, queue pair, ready. */
void st_rx_finish(struct st *st, struct st_rx *rx);
/* A QP that spreads frames over n queues, a power of two, by the fields. */
struct ibv_qp *st_rss_open(struct st *st, struct st_rx *const *rx, unsigned n, uint64_t fields,
			   const uint8_t key[40]);
void st_rx_post(struct st_rx *rx, unsigned n);
/* Writes the lkey of all buffers anew; good: the right one. */
void st_rx_keys(struct st_rx *rx, bool good);
void st_rx_restart(struct st *st, struct st_rx *rx);
/* The next CQE within ms, good or not; false: none came. */
bool st_rx_poll(struct st *st, struct st_rx *rx, struct st_cqe *cqe, unsigned ms);
/* Demands that the next frame is f, byte by byte; padded: it may end in zeros up to 60 bytes. */
void st_rx_expect(struct st *st, struct st_rx *rx, const struct st_frame *f, struct st_cqe *cqe);

/* ---- striding receive queues: st_mpw.c ---- */

#define ST_MPW_WQES 16u

struct st_mpw {
	struct st_rx rx; /* its work queue is the striding one */
	unsigned log_stride, log_strides;
	unsigned wqe, used; /* where the next frame is due */
	unsigned fillers;
};

/* False: the check is skipped or has failed. */
bool st_mpw_shape(struct st *st, struct st_mpw *m);
/* Behind st_mpw_shape(). format: of compressed completions, 0: none */
void st_mpw_open(struct st *st, struct st_mpw *m, unsigned format);
/* Judges a completion; false: it is a filler, and the frame is still to come. */
bool st_mpw_take(struct st *st, struct st_mpw *m, const struct st_cqe *cqe,
		 const struct st_frame *f);

/* ---- flow rules: st_flow.c ---- */

struct st_rule {
	struct ibv_flow_attr attr;
	uint8_t specs[384];
} __attribute__((packed, aligned(8)));

void st_rule(struct st_rule *r, unsigned priority);
void st_rule_add(struct st_rule *r, const void *spec, size_t size);
void st_rule_eth(struct st_rule *r, const uint8_t *dst, unsigned type);
void st_rule_tag(struct st_rule *r, uint32_t tag);
void st_rule_drop(struct st_rule *r);
/* Made and deferred, or the check fails. */
struct ibv_flow *st_flow(struct st *st, struct ibv_qp *qp, struct st_rule *r);
/* The errno that making it gives; 0: it was made, and destroyed again. */
int st_flow_errno(struct st *st, struct ibv_qp *qp, struct st_rule *r);

/* ---- what most checks begin with: st_kit.c ---- */

/* A sender on a; a receiver on b that gets frames of st_plain() and of st_mark(). */
struct st_link {
	struct st_sq sq;
	struct st_rx rx;
};
void st_link_open(struct st *st, struct st_link *l);
/* The receiver gets all frames to its address. */
void st_link_open_all(struct st *st, struct st_link *l);
/* Frame number n of len bytes from a to b, ethertype 0x88b5 (local experimental). */
void st_plain(const struct st *st, struct st_frame *f, unsigned len, unsigned n);
/* A frame of ethertype 0x88b6: what was sent before it and has not come, will not. */
void st_mark(const struct st *st, struct st_frame *f);
/* An UDP frame from a to b between test addresses, with right checksums. */
void st_udp(const struct st *st, struct st_frame *f, unsigned sport, unsigned dport, unsigned n);
/* One of four kinds, 131 bytes, so that the L4 checksum ends in half a word. */
enum { ST_KIND_TCP = 1, ST_KIND_V6 = 2, ST_KINDS = 4 };
void st_l4_frame(const struct st *st, struct st_frame *f, unsigned kind);
const char *st_kind_name(unsigned kind);
/* Zero in place of the IPv4 header's checksum and the UDP or TCP one. */
void st_clear_sums(struct st_frame *f, unsigned kind);
/* Skips the check where the port reports no checksum offload. */
bool st_no_csum(struct st *st, const struct st_port *p);
#define ST_TYPE	     0x88b5u
#define ST_TYPE_MARK 0x88b6u

/* Sends the mark and demands that it is the next frame of rx. */
void st_expect_mark(struct st *st, struct st_sq *sq, struct st_rx *rx);

/* A counter of the port: "counters/port_xmit_packets"; false: there is none. */
bool st_counter(const struct st_port *p, const char *name, uint64_t *value);

#endif
