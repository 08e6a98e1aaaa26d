/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A send queue: a raw-packet QP with a doorbell register of its own, whose ring and completion
 * queue one thread writes and reads without a lock.
 */
#ifndef DQ_TXQ_H
#define DQ_TXQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "bell.h"
#include "config_model.h"
#include "cq.h"
#include "mlx5_wqe.h"
#include "port.h"
#include "region.h"
#include "simd.h"
#include "stats.h"

/* Counters, besides posted and done: written by the queue's thread only, read by any. */
struct dq_txq_counters {
	uint64_t bytes;	 /* posted */
	uint64_t errors; /* error CQEs */
	uint64_t full;	 /* posts cut short because the ring was full */
	uint64_t resets;
	uint64_t reset_drops; /* packets that a reset found posted and not completed */
};

/*
 * What was posted up to and with a signalled WQE, counting for ever. others is written only where
 * packets from other memory than the queue's slots were posted; else it is an older, lower count.
 */
struct dq_tx_mark {
	uint64_t packets, others;
};

/* Writes WQEs for n > 0 packets, for which there is room, and rings once. Returns n. */
typedef int (*dq_tx_write_fn)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* Makes packets of the slots slot..slot+n-1 of the queue. Returns n. */
typedef int (*dq_tx_show_fn)(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			     uint32_t n);

/* The same of packets in two pieces each; not both are empty. */
typedef int (*dq_tx_gather_fn)(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			       const struct daqiri_pkt *payloads, uint32_t n);

struct dq_tx_hand;
struct dq_tx_timer;

/* A doorbell register as mlx5dv_qp.bf has it. half: the bytes of each of its halves; 0: one word.
 */
struct dq_doorbell {
	uint8_t *reg;
	uint32_t half;
};

enum { DQ_TX_WHY = 192 };

/* Where a queue with two regions has payloads: a slot for each of its slots. */
struct dq_tx_payload {
	uint64_t base;
	uint32_t stride, size;
	daqiri_key key;
	struct daqiri_region *region; /* NULL: the queue has one region */
};

struct daqiri_txq {
	/* The first two cache lines: what a post and its completion read and write. */
	uint8_t *ring;
	__be32 *dbrec;
	uint8_t *bf;	       /* the half of the doorbell register that is written next */
	uintptr_t bf_flip;     /* makes it the other half, by exclusive or; 0: there is one only */
	dq_tx_write_fn write;  /* by what the device takes: chosen once */
	uint64_t posted, done; /* packets, for ever; any thread reads; at most depth between them */
	uint32_t pi;	       /* next WQEBB, counting for ever */
	uint32_t mask;	       /* WQEBBs of the ring - 1 */

	uint64_t slot_base __attribute__((aligned(64)));
	uint64_t head;		  /* a WQE's first 8 bytes, without its index and pointers */
	struct dq_tx_mark *marks; /* by the WQEBB that a signalled WQE begins at */
	const struct mlx5_cqe64 *cqes;
	__be32 *cq_dbrec;
	uint32_t ci;	    /* next CQE, counting for ever */
	uint32_t signalled; /* WQEs that make a CQE, likewise */
	uint32_t limit;	    /* packets that may be outstanding: depth, unless it has stopped */
	uint32_t max_ptrs;  /* of one eMPW */
	uint32_t cq_mask;   /* depth - 1: of the completion ring, and packets the queue may hold */
	uint32_t inline_max; /* frames of up to so many bytes are copied into the ring; 0: none */

	struct dq_txq_counters count __attribute__((aligned(64)));
	uint32_t many;	   /* packets that a post of several eMPWs may have to be a plain one */
	uint8_t owner_bit; /* of ci's lap of the completion ring */
	bool bf_flush;	   /* the register's page is write-combining */
	bool stopped;	   /* atomic */

	uint64_t slot_near[4] __attribute__((aligned(64))); /* dq_tx_near_of() the slots, each */
	struct dq_wqe_model asks;  /* of a WQE that asks for a completion, */
	struct dq_wqe_model quiet; /* and of one that does not */

	/*
	 * Slots. A packet in the queue's memory takes one, packets in others' memory take none.
	 * Counted is what takes none: mostly nothing.
	 */
	dq_tx_show_fn show;
	dq_tx_write_fn write_more; /* tx_latency: posts of several packets; else NULL */
	uint64_t slot_zero;  /* posted - slot_zero: the next slot, n_slots being the first */
	uint64_t slot_bytes; /* of all slots together; 0: the queue has none */
	uint32_t n_slots;
	uint32_t slot_stride, slot_size;
	daqiri_key slot_key;
	uint64_t slot_two[4];	/* two packets of slots, but for the first one's address; */
	uint64_t slot_steps[4]; /* and what makes them the next two */
	uint64_t others;	/* packets in others' memory posted, for ever */
	uint64_t others_done;	/* of them, done: kept up while some are not */
	uint64_t others_last;	/* posted, when the last of them had been */

	dq_tx_gather_fn gather;	     /* NULL: one region */
	dq_tx_gather_fn gather_more; /* as write_more */
	/* src_mac: what write and gather do besides. */
	dq_tx_write_fn write_as_is;
	dq_tx_gather_fn gather_as_is;
	uint8_t src_mac[6];
	struct dq_tx_payload payload;

	uint32_t qpn;
	struct dq_pacing pacing; /* as asked for last; any thread reads */
	struct dq_wqe_eth eth; /* what dq_tx_prepare() makes the models of */

	/* Errors. The queue's thread writes, error_seen last; any thread reads. */
	struct daqiri_queue_error first_error;
	bool error_seen; /* atomic */
	struct dq_stops stops;

	/* Control path. */
	const struct dq_conf_txq *conf; /* the context's, as the next two */
	struct daqiri_port *port;
	struct daqiri_region *region; /* NULL: the queue posts only memory of others */
	struct dq_cq cq;
	struct ibv_td *td;     /* NULL where the device has none */
	struct ibv_pd *parent; /* NULL without td: the device's protection domain then */
	struct ibv_qp *qp;
	struct dq_stat_names names;
	enum dq_simd simd;
	int owner;		 /* owner.h */
	struct dq_tx_timer *timer; /* timed = on: txq_timed.h; NULL */
	struct dq_tx_hand *hand; /* worker mode: worker.h; NULL */
	const char *mode;	 /* static */
	char why[DQ_TX_WHY];	 /* why it is that one */
};

_Static_assert(offsetof(struct daqiri_txq, slot_base) == 64 &&
		       offsetof(struct daqiri_txq, count) == 128 &&
		       offsetof(struct daqiri_txq, slot_near) == 192 &&
		       offsetof(struct daqiri_txq, quiet) == 256,
	       "what a post touches: two lines, a counter, and one that is only read");
_Static_assert(sizeof(struct dq_tx_mark) == 16, "marks do not straddle cache lines");

/* regions: that of its slots, and that of payloads; NULL where it has none. */
int dq_txq_create(struct daqiri_txq **out, const struct dq_conf_txq *conf, struct daqiri_port *port,
		  struct daqiri_region *const regions[2]);
void dq_txq_destroy(struct daqiri_txq *q);

/* The ways to write WQEs: txq_post.c, and txq_write*.c for each set of instructions. */
int dq_tx_write_empw_portable(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_empw_sse42(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_empw_avx2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send_portable(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send_sse42(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send_avx2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* The same of two pieces each; the last one: txq_gather.c. */
int dq_tx_gather_portable(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			  const struct daqiri_pkt *payloads, uint32_t n);
int dq_tx_gather_sse42(struct daqiri_txq *q, const struct daqiri_pkt *heads,
		       const struct daqiri_pkt *payloads, uint32_t n);
int dq_tx_gather_avx2(struct daqiri_txq *q, const struct daqiri_pkt *heads,
		      const struct daqiri_pkt *payloads, uint32_t n);
int dq_tx_gather_latency(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			 const struct daqiri_pkt *payloads, uint32_t n);

int dq_tx_show_portable(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			uint32_t n);
int dq_tx_show_avx2(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot, uint32_t n);

/* The same with frames of up to q->inline_max bytes in the WQEs: txq_inline.c. */
int dq_tx_write_empw_inline_portable(struct daqiri_txq *q, const struct daqiri_pkt *pkts,
				     uint32_t n);
int dq_tx_write_empw_inline_avx2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* Posts of one packet go out with the doorbell, others as q->write_more has it: txq_single.c. */
int dq_tx_write_latency(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_latency_l2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* ---- what kind of queue it is: txq_choose.c ------------------------------------------------- */

/* Whether the device has such a queue, and the CPU sees what it would have to copy. */
int dq_txq_check(const struct dq_conf_txq *conf, const struct dq_device *dev,
		 struct daqiri_region *const regions[2]);
/* Of all headers of a packet that is cut, of the least tso, and WQEBBs of its WQE: txq_tso.c. */
enum { DQ_TSO_HEADERS = 14 + 2 * 4 + 60 + 60, DQ_TSO_LEAST = 88, DQ_TSO_WQEBBS = 3 };

/* WQEBBs of its ring. */
static inline uint32_t dq_txq_wqebbs(const struct dq_conf_txq *conf)
{
	uint32_t blocks = conf->tso ? DQ_TSO_WQEBBS : dq_wqe_inline_wqebbs(conf->tx_inline);

	/* A WAIT before each packet, at most. */
	return dq_wqe_ring_of(conf->depth, blocks + conf->timed);
}

/* Whether its WQEs may be of many packets, once it is known what it asks for. */
bool dq_txq_has_empw(const struct daqiri_txq *q);
/* Sets how WQEs are written. */
int dq_txq_choose(struct daqiri_txq *q);
/* How doorbells are rung, once the register is known; tells why all is as it is. */
void dq_txq_choose_doorbell(struct daqiri_txq *q, const struct dq_doorbell *bell);

/* ---- what the NIC does to frames: txq_offload.c --------------------------------------------- */

int dq_txq_check_offloads(const struct dq_conf_txq *conf, const struct dq_device *dev);
/* Sets q->eth by the configuration. */
void dq_txq_set_offloads(struct daqiri_txq *q);
/* tso: txq_tso.c. Whether port and queue have it; regions as dq_txq_check(). */
int dq_txq_check_tso(const struct dq_conf_txq *conf, const struct daqiri_port *port,
		     struct daqiri_region *const regions[2]);
/* Bytes of all headers of a TCP packet with more data than mss; 0: it is none. Pure. */
uint32_t dq_tso_headers(const uint8_t *frame, uint32_t len, uint32_t mss);
int dq_tx_write_tso(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
/* The rate: txq_pacing.c. Takes over what the configuration says, if the device can do it; */
int dq_txq_check_pacing(struct daqiri_txq *q);
/* has it kept by a QP that has come to RTS; */
int dq_txq_pace(struct daqiri_txq *q);
/* tells it. */
struct dq_pacing dq_txq_pacing(const struct daqiri_txq *q);

/* … and the CPU, before write and gather, which are chosen: txq_src_mac.c */
int dq_txq_check_src_mac(const struct dq_conf_txq *conf, const struct daqiri_region *region);
int dq_txq_set_src_mac(struct daqiri_txq *q);
/* As the configuration spells it; static. */
const char *dq_checksum_name(unsigned checksum);

/* ---- completions, and what is left ------------------------------------------------------------
 */

/* Reads completions that have come; returns q->done. */
uint64_t dq_tx_reap(struct daqiri_txq *q);
/* What was posted and never completed is dropped: its memory is the program's again. */
void dq_txq_drop_outstanding(struct daqiri_txq *q);

/* After a look at completions: how many of n packets may be posted, -EIO where it has stopped. */
int dq_tx_make_room(struct daqiri_txq *q, int n);

/* Reads all of them, those of a queue that nothing is posted on too. */
void dq_tx_drain(struct daqiri_txq *q);

/* Of its WQEs. */
uint32_t dq_txq_opcode(const struct daqiri_txq *q);

/* Makes the device take WQEs, from WQE 0 on; q->qp is in RESET. */
int dq_txq_start(struct daqiri_txq *q);

/* The queue behind one that the program was given, and the other way round: worker.h. */
const struct daqiri_txq *dq_txq_real(const struct daqiri_txq *q);
struct daqiri_txq *dq_txq_face(struct daqiri_txq *q);

/*
 * Works out what the data path wants ready, from the ring's shape, the number of the queue, its
 * indices and slots. opcode: of its WQEs.
 */
void dq_tx_prepare(struct daqiri_txq *q, uint32_t opcode);

/* Adds what the queue has counted; sums: DQ_PORT_SUMS of them. */
void dq_txq_add_counts(const struct daqiri_txq *q, uint64_t *sums);

/* Adds the sums over all send queues that a port has had: "tx_packets", … */
void dq_txq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list);

#endif
