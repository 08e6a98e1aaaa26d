/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the parts of the device: engine.c, sq.c, rq.c, cq.c, wire*.c. Everything here runs on the
 * engine's thread, or on a thread of the control path while the engine stands still.
 */
#ifndef EMU_DEV_H
#define EMU_DEV_H

#include <pthread.h>
#include <stdatomic.h>

#include "broken.h"
#include "emu.h"
#include "emu_hw.h"
#include "packet.h"
#include "rss.h"
#include "steer.h"

#define EMU_MAX_FRAME	  16384u /* bytes; above any MTU that a ConnectX takes */
#define EMU_MIN_FRAME	  60u	 /* shorter ones are padded on the wire */
#define EMU_WIRE_OVERHEAD 24u	 /* bytes a frame costs beside its own: preamble, FCS, gap */
#define EMU_BURST	  64u	 /* frames from one queue before the next one's turn */

/* ---- one frame on its way ------------------------------------------------------------------ */

struct emu_frame {
	const uint8_t *data;
	uint32_t len;
	struct emu_ctx *ctx; /* sender's context; NULL: from another process */
	bool block_mc;	     /* sender asked that its multicast is not looped back */
	uint16_t looped;     /* EMU_RULE_LB_*: back at its own port, not from the cable */
	bool verified;	     /* status is filled in */
	struct emu_pkt_status status;
	struct emu_pkt pkt;
};

#define EMU_BROKEN_BOUNDS_BYTES 4096u

/* ---- memory, with the checks of a memory key ----------------------------------------------- */

/* NULL: no such key was ever made. */
static inline const struct emu_mkey *emu_mkey_at(const struct emu_dev *dev, uint32_t key)
{
	return key >> 8 < dev->n_mkeys ? dev->mkeys[key >> 8] : NULL;
}

/* NULL: the key, its PD or its rights forbid it. */
static inline const struct emu_mkey *emu_mkey_find(const struct emu_dev *dev, uint32_t key,
						   uint32_t pdn, uint32_t access)
{
	const struct emu_mkey *mkey = emu_mkey_at(dev, key);

	if (!mkey || !mkey->live || (mkey->key != key && !emu_broken(KEY)) || mkey->pdn != pdn ||
	    (mkey->access & access) != access)
		return NULL;
	return mkey;
}

static inline bool emu_mkey_covers(const struct emu_mkey *mkey, uint64_t addr, uint32_t len)
{
	uint64_t length = mkey->length + (emu_broken(BOUNDS) ? EMU_BROKEN_BOUNDS_BYTES : 0);

	return addr >= mkey->iova && len <= length && addr - mkey->iova <= length - len;
}

/* klm.c: the same for a key that is made of pieces. */
uint8_t *emu_mem_pieces(const struct emu_dev *dev, const struct emu_mkey *mkey,
			const struct emu_klm *what, uint32_t access);

/*
 * Fetches a line that will be written, without its sharers. By name on x86-64: the compiler's
 * builtin fetches to read there, unless it may assume a CPU that has the other (all have; old ones
 * ignore it).
 */
static inline void emu_prefetch_write(const void *at)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

/* Where len bytes at addr of lkey lie; NULL: the key, its PD, bounds or rights forbid it. */
static inline uint8_t *emu_mem(const struct emu_dev *dev, const struct emu_wqe_data *seg,
			       uint32_t pdn, uint32_t access)
{
	struct emu_klm what = {emu_from_be64(seg->addr), emu_from_be32(seg->byte_count),
			       emu_from_be32(seg->lkey)};
	const struct emu_mkey *mkey = emu_mkey_find(dev, what.key, pdn, access);

	if (!mkey || !emu_mkey_covers(mkey, what.addr, what.length))
		return NULL;
	if (mkey->n_klm)
		return emu_mem_pieces(dev, mkey, &what, access);
	return mkey->host + (what.addr - mkey->iova);
}

/* ---- engine.c ------------------------------------------------------------------------------ */

/* Clocks for CQE timestamps, read once a burst and different for every CQE. */
uint64_t emu_time_cqe(bool realtime);
uint64_t emu_time_ns(void);		/* CLOCK_MONOTONIC, when this burst began */
uint64_t emu_time_clock(bool realtime); /* as CQEs have it, when this burst began */
void emu_time_expire(void);		/* the next reader reads the clock again */

/* Stands still until ready, or until this has been done too much; the answer of ready. */
bool emu_engine_grace(bool (*ready)(struct emu_rq *rq), struct emu_rq *rq);

/* A mistake of the program that hardware would answer with silence or worse: told on stderr, once.
 */
void emu_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- cq.c ---------------------------------------------------------------------------------- */

enum emu_cqe_kind { EMU_CQE_PLAIN, EMU_CQE_SOLICITED /* or an error */ };

/* Takes img's opcode from op_own; false: the CQ is dead and its queue must stop. */
bool emu_cq_write(struct emu_cq *cq, struct emu_cqe *img, enum emu_cqe_kind kind);
/* Is there no room for one more entry behind the next n? */
bool emu_cq_full(struct emu_cq *cq, uint32_t n);
/* Dead: nothing is written any more. */
void emu_cq_overrun(struct emu_cq *cq);
uint8_t *emu_cq_slot(const struct emu_cq *cq, uint32_t index); /* the 64 bytes that count */
/* The entry at pi, with its owner bit, and all before pi + n; the program sees them now. */
void emu_cq_publish(struct emu_cq *cq, struct emu_cqe *img, uint32_t n);
void emu_cq_notify(struct emu_cq *cq, enum emu_cqe_kind kind);

/* cq_compress.c: emu_cq_write() of a CQ with compression. */
bool emu_session_write(struct emu_cq *cq, struct emu_cqe *img, enum emu_cqe_kind kind);
/* What is held in any CQ is written: nothing waits for more to come. */
void emu_sessions_end(void);
void emu_sessions_forget(void); /* after a fork, in the child: the queues are the parent's */

struct emu_error {
	enum emu_syndrome syndrome;
	uint8_t cqe_opcode; /* EMU_CQE_REQ_ERR, EMU_CQE_RESP_ERR */
	uint8_t wqe_opcode;
	uint16_t wqe_counter;
	uint16_t wqe_id;  /* of striding queues only, */
	uint32_t strides; /* and how many of them are gone */
	uint32_t qpn, user_index;
};

bool emu_cq_write_error(struct emu_cq *cq, const struct emu_error *err);

/* The program wrote the CQ doorbell of this page: looks at every arm record that belongs to it. */
void emu_cq_doorbell(struct emu_uar *uar, struct emu_dev *dev);

/* ---- sq.c, sq_wqe.c ------------------------------------------------------------------------ */

/* One WQE, checked and contiguous (copied where it wraps at the ring's end). */
struct emu_wqe {
	const uint8_t *bytes;
	uint32_t size;	/* bytes that its ds field claims */
	uint16_t index; /* of its first WQEBB */
	uint8_t opcode, opmod, ce;
};

/* Frames executed; 0: nothing to do, or the wire has no room. */
unsigned emu_sq_run(struct emu_sq *sq, unsigned budget);
/* After a doorbell: reads the SQ counter. named: the doorbell's WQE index, or -1. */
void emu_sq_doorbell(struct emu_sq *sq, int named);
/* Executes one WQE's segments; counts its frames. */
enum emu_syndrome emu_wqe_send(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames);
enum emu_syndrome emu_wqe_empw(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames);
/* A WAIT whose time has not come leaves *over false, and is to be asked again. */
enum emu_syndrome emu_wqe_wait(struct emu_sq *sq, const struct emu_wqe *wqe, bool *over);
/* Has this time come, for the rate of the queue? */
bool emu_sq_due(struct emu_sq *sq, uint64_t at_ns);

/* ---- rq.c ---------------------------------------------------------------------------------- */

void emu_tir_receive(struct emu_tir *tir, struct emu_frame *frame, uint32_t tag);
/* New WQEs of a queue in error: flushes them. */
void emu_rq_flush(struct emu_rq *rq);
/* Writes the completions that wait for copies to a GPU: at the end of each of the engine's turns.
 */
void emu_rq_settle(void);

/* ---- wire*.c ------------------------------------------------------------------------------- */

/* Counted by the engine since the last flush. */
extern struct emu_counters emu_counted[EMU_MAX_PORTS];
void emu_counters_flush(void);

unsigned emu_wire_peer(unsigned port);
/* A frame leaves the port: to the cable, to the port itself, or nowhere. */
void emu_wire_send(struct emu_sq *sq, const uint8_t *data, uint32_t len);
/* Over the cable, to what is at its other end. */
void emu_wire_cross(unsigned port, const uint8_t *data, uint32_t len);
/* The longest frame that the port lets through. */
uint32_t emu_wire_limit(unsigned port, const uint8_t *data);
/* False: another process must empty its ring first; the sender waits, like behind a pause frame. */
bool emu_wire_room(struct emu_sq *sq);
/* Delivers a frame that has arrived at a port; only to this process's queues when local. */
void emu_wire_deliver(unsigned port, struct emu_frame *frame, bool local);

/* Frames from other processes; number handled. */
unsigned emu_ring_poll(unsigned budget);
bool emu_ring_room(unsigned owner, uint32_t bytes);
void emu_ring_push(unsigned owner, unsigned port, const struct emu_frame *frame);
void emu_ring_flush(void); /* publishes what was pushed, gives up the ring's lock */
int emu_ring_create(unsigned slot);
void emu_ring_close_all(void);

/* Rules of a port, compiled; follows what other processes change. */
struct emu_steer *emu_wire_steer(unsigned port);
void emu_wire_sync(void);	     /* engine: once a turn; cheap when nothing has changed */
void emu_wire_tick(uint64_t now_ns); /* engine: looks for dead processes */
unsigned emu_wire_slot(void);	     /* our process's slot */

/* ---- flow_run.c: rules at work -------------------------------------------------------------- */

/* A frame that a queue sends meets the rules of NIC_TX, which may change it. False: dropped. */
bool emu_flow_egress(struct emu_sq *sq, struct emu_frame *frame);
/* Whether a frame is for the kernel's interface of the port: to its address, or to all. */
bool emu_flow_kernel_takes(unsigned port, const uint8_t *data);
/* Copies of what leaves a port, for sniffers; only to this process's queues when local. */
void emu_flow_sniff_tx(unsigned port, struct emu_frame *frame, bool local);
#define EMU_FRAME_SENT                                                                             \
	0x8000u /* in emu_frame.looped: such a copy, on its way to another process                 \
		 */

/* ---- wire_pool.c: flow counters and actions; control path ----------------------------------- */

enum emu_action {
	EMU_ACTION_L2_TO_L2_TUNNEL = 1,
	EMU_ACTION_L3_TUNNEL_TO_L2,
	EMU_ACTION_L2_TO_L3_TUNNEL,
	EMU_ACTION_MODIFY /* set_add_copy_action_in, 8 bytes each */
};

#define EMU_ACTION_DATA 128u

/* n counters in a row, at zero, the first number a multiple of align; 0 or -ENOSPC. */
int emu_wire_counter_new(unsigned n, unsigned align, uint32_t *first);
void emu_wire_counter_free(uint32_t first, unsigned n);
void emu_wire_counter_read(uint32_t number, uint64_t *packets, uint64_t *bytes);
/* Reads, and begins anew at zero. */
void emu_wire_counter_take(uint32_t number, uint64_t *packets, uint64_t *bytes);
int emu_wire_action_new(enum emu_action kind, const void *data, size_t len, uint16_t *number);
void emu_wire_action_free(uint16_t number);

void emu_wire_forget(void); /* after a fork, in the child: it is not attached */

/* Control path, engine paused. def->group and owner are filled in. 0 or -errno. */
int emu_wire_rule_add(unsigned port, struct emu_rule_def *def, unsigned *slot);
void emu_wire_rule_del(unsigned port, unsigned slot);

#endif
