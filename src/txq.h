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

#include "config_model.h"
#include "cq.h"
#include "port.h"
#include "region.h"
#include "simd.h"
#include "stats.h"

/* Counters, besides posted and done: written by the queue's thread only, read by any. */
struct dq_txq_counters {
	uint64_t bytes;	 /* posted */
	uint64_t errors; /* error CQEs */
	uint64_t full;	 /* posts cut short because the ring was full */
};

/* Packets and slots of the queue posted up to and with a WQE, counting for ever. */
struct dq_tx_mark {
	uint64_t packets, slots;
};

/* Writes WQEs for n > 0 packets, for which there is room, and rings once. Returns n. */
typedef int (*dq_tx_write_fn)(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

/* Makes packets of the slots slot..slot+n-1 of the queue. Returns n. */
typedef int (*dq_tx_show_fn)(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			     uint32_t n);

struct dq_tx_hand;

struct daqiri_txq {
	/* The first cache line: what a post reads and writes. */
	uint8_t *ring;
	__be32 *dbrec;
	uint8_t *bf;	       /* doorbell register */
	dq_tx_write_fn write;  /* by what the device takes: chosen once */
	uint64_t posted, done; /* packets, for ever; any thread reads; at most depth between them */
	uint32_t pi;	       /* next WQEBB, counting for ever */
	uint32_t mask;	       /* depth - 1: WQEBBs of the ring, and packets it may hold */
	uint32_t qpn;
	uint16_t limit; /* packets that may be outstanding: depth; 0: the queue has stopped */
	bool stopped;
	bool bf_flush; /* the register's page is write-combining */

	/* The second: slots and completions. */
	uint64_t slot_base __attribute__((aligned(64)));
	uint64_t slot_bytes;		   /* of all slots together; 0: the queue has none */
	uint64_t slots_posted, slots_done; /* for ever; more than n_slots between: one twice */
	struct dq_tx_mark *marks;	   /* by the WQEBB that a WQE begins at */
	const struct mlx5_cqe64 *cqes;
	__be32 *cq_dbrec;
	uint32_t ci;	   /* next CQE */
	uint32_t max_ptrs; /* of one eMPW */

	struct dq_txq_counters count __attribute__((aligned(64)));

	dq_tx_show_fn show;
	uint64_t slots_seen; /* of slots_posted, by next_slot */
	uint32_t next_slot;  /* 0..n_slots-1: slots_seen modulo n_slots */
	uint32_t n_slots;
	uint32_t slot_stride, slot_size;
	uint32_t bf_offset; /* half of the register to write next */
	uint32_t bf_half;   /* bytes of a half; 0: always the same one */
	daqiri_key slot_key;

	/* Errors. The queue's thread writes, error_seen last; any thread reads. */
	struct daqiri_queue_error first_error;
	bool error_seen; /* atomic */

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
	int owner; /* owner.h */
	struct dq_tx_hand *hand; /* worker mode: worker.h; NULL */
};

_Static_assert(offsetof(struct daqiri_txq, slot_base) == 64, "what a post touches: one line");
_Static_assert(offsetof(struct daqiri_txq, count) == 128, "slots and completions: one line");
_Static_assert(sizeof(struct dq_tx_mark) == 16, "marks do not straddle cache lines");

/* region: NULL where the queue has no slots. */
int dq_txq_create(struct daqiri_txq **out, const struct dq_conf_txq *conf, struct daqiri_port *port,
		  struct daqiri_region *region);
void dq_txq_destroy(struct daqiri_txq *q);

/* The ways to write WQEs: txq_post.c, and txq_empw*.c for each set of instructions. */
int dq_tx_write_empw_portable(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_empw_sse42(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_empw_avx2(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_tx_write_send_inline(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n);

int dq_tx_show_portable(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot,
			uint32_t n);
int dq_tx_show_avx2(const struct daqiri_txq *q, struct daqiri_pkt *pkts, uint32_t slot, uint32_t n);

/* Reads completions that have come; returns q->done. */
uint64_t dq_tx_reap(struct daqiri_txq *q);

/* The queue behind one that the program was given, and the other way round: worker.h. */
const struct daqiri_txq *dq_txq_real(const struct daqiri_txq *q);
struct daqiri_txq *dq_txq_face(struct daqiri_txq *q);

/* Adds the sums over all send queues of a port: "tx_packets", … */
void dq_txq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list);

#endif
