/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receive queue: a cyclic ring of WQEs, each bound to a slot of the region until a packet that
 * came into it is kept (rxq_keep.c), and its own completion queue. Polled and refilled by one
 * thread without a lock. rxq_striding.h tells how a striding one differs.
 */
#ifndef DQ_RXQ_H
#define DQ_RXQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "bell.h"
#include "config_model.h"
#include "cq.h"
#include "port.h"
#include "region.h"
#include "rss.h"
#include "simd.h"
#include "stats.h"

/* Bytes of a frame besides its MTU: the Ethernet header, with a VLAN tag. */
enum { DQ_ETHERNET_HEADER = 18 };

struct daqiri_rx_meta;
struct dq_clock;
struct dq_rx_hand;
struct dq_rx_split;
struct dq_rx_session;
struct dq_rx_striding;

/*
 * The two calls of the data path, after their arguments were judged: one pair for each kind of ring
 * (rxq_poll.c: cyclic, completions of 64 bytes). Chosen with the queue, never by packet. poll:
 * meta is NULL where the caller wants none; returns 0..max or -EIO. release: of n > 0 packets, or
 * of none where errors left slots to give back; n is at most q->held.
 */
typedef int (*dq_rx_poll_fn)(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			     struct daqiri_rx_meta *meta, uint32_t max);
typedef void (*dq_rx_release_fn)(struct daqiri_rxq *q, uint32_t n);

int dq_rx_poll_cyclic(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
		      uint32_t max);
int dq_rx_poll_cyclic_meta(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			   struct daqiri_rx_meta *meta, uint32_t max);
void dq_rx_release_cyclic(struct daqiri_rxq *q, uint32_t n);

/*
 * Keeping and giving back, likewise: n > 0 packets; how many it was done to, or a negative errno
 * where it was none.
 */
typedef int (*dq_rx_keep_fn)(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n);

int dq_rx_keep_cyclic(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n);
int dq_rx_give_back_cyclic(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, uint32_t n);
/* -EINVAL, with the packet's address in the detail. */
int dq_rx_keep_refuse(const struct daqiri_rxq *q, uint64_t addr, const char *what);

/*
 * Of a queue whose work queue is in RESET: reads what completions there are, and has the WQEs and
 * all positions as if it had just been made, but that completions go on where they are. Does not
 * touch what says that the queue has stopped. Control path.
 */
typedef void (*dq_rx_restart_fn)(struct daqiri_rxq *q);

void dq_rx_restart_cyclic(struct daqiri_rxq *q);
/* What kinds of rings share: takes all completions. is_packet: of good ones, which are not fillers.
 */
void dq_rx_drain(struct daqiri_rxq *q, bool (*is_packet)(const struct mlx5_cqe64 *cqe));

/*
 * Takes up to max good packets that lie in a row before a cyclic ring's end: in rxq_take*.c. One
 * for each set of instructions, all the same but for their speed; and those of dq_rx_take_slots_*()
 * for rings whose slots do not follow each other any more.
 */
typedef uint32_t (*dq_rx_take_fn)(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);

/*
 * Tells of the n packets that were just taken, whose completions lie in a row before q->ci, what
 * the queue was asked to: in rxq_meta*.c.
 */
typedef void (*dq_rx_tell_fn)(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			      struct daqiri_rx_meta *meta, uint32_t n);

void dq_rx_tell_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			 struct daqiri_rx_meta *meta, uint32_t n);
void dq_rx_tell_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
		     struct daqiri_rx_meta *meta, uint32_t n);
/* And when it came, of stamps that are the real time, or of those of the counter by q->clock. */
void dq_rx_tell_real_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			      struct daqiri_rx_meta *meta, uint32_t n);
void dq_rx_tell_real_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			  struct daqiri_rx_meta *meta, uint32_t n);
void dq_rx_tell_free_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			      struct daqiri_rx_meta *meta, uint32_t n);
void dq_rx_tell_free_avx2(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			  struct daqiri_rx_meta *meta, uint32_t n);

/* Of a queue's metadata, what was asked for: in the order of the bytes of struct daqiri_rx_meta. */
struct dq_rx_ask {
	uint32_t no_hash; /* all ones if it was not, else 0 */
	uint16_t vlan;	  /* the other way round, as the next */
	uint8_t checksum, type;
};

/* What the completion tells, but for time and hash. */
struct daqiri_rx_meta dq_rx_meta_of(const struct mlx5_cqe64 *cqe, const struct dq_rx_ask *ask);

/* Sets q->tell and q->ask by the configuration, q->clock, the instructions chosen, and what keys
 * hold.
 */
void dq_rx_choose_tell(struct daqiri_rxq *q);

uint32_t dq_rx_take_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_take_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_take_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_take_slots_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_take_slots_sse42(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);
uint32_t dq_rx_take_slots_avx2(struct daqiri_rxq *q, struct daqiri_pkt *pkts, uint32_t max);

/* Counters: written by the queue's thread only, read by any. */
struct dq_rxq_counters {
	uint64_t packets, bytes;
	uint64_t errors;	 /* error CQEs */
	uint64_t length_errors;	 /* of them: frames longer than a slot */
	uint64_t kept, kept_out; /* packets ever, and packets now */
	uint64_t no_spare;	 /* packets that could not be kept */
	uint64_t resets;
	uint64_t reset_drops; /* packets that had come and were not polled when it was reset */
};

/*
 * The buffers of a queue: slots of its region, one behind the other, as many as the ring has WQEs
 * and the spares. Each is in the ring, a spare, or kept by the program.
 */
enum { DQ_RX_SPARE = UINT32_MAX, DQ_RX_KEPT = UINT32_MAX - 1 };

struct dq_rx_bufs {
	uint32_t *place;   /* of each: its index in q->slots, or one of the two above */
	uint64_t *kept_at; /* by q->slots: number of the completion whose buffer was kept last */
	uint32_t *spares;  /* the numbers of those that are spare */
	uint32_t n_spares;
	uint32_t n;	  /* of all buffers */
	uint64_t inverse; /* floor(2^64 / stride) */
	uint8_t *wqes;
	/* Has the WQE of that index receive into the buffer at addr: chosen with the queue. */
	void (*point)(const struct daqiri_rxq *q, uint32_t wqe, uint64_t addr);
};

/* The i-th buffer's address is base + i * stride; the first mask + 1 of them are in the ring. */
int dq_rx_bufs_init(struct daqiri_rxq *q, uint32_t n_spares);
void dq_rx_bufs_free(struct daqiri_rxq *q);

enum { DQ_RX_WHY = 192 };

/*
 * Ring positions count for ever (32 bits, compared modulo): ci is the next CQE. As one CQE belongs
 * to one WQE, they count WQEs too, from wqe0 on.
 */
struct daqiri_rxq {
	/* The first cache line: all that a poll without an error reads or writes. */
	dq_rx_poll_fn poll;
	struct mlx5_cqe64 *cqes;
	__be32 *cq_dbrec;
	__be32 *rq_dbrec;
	uint64_t base; /* address of the first buffer */
	uint32_t stride;
	uint32_t mask; /* of the completion ring; cyclic: depth - 1 */
	uint32_t ci;
	uint32_t held;	 /* packets polled and not yet released */
	uint32_t posted; /* WQEs given to the device since it began with WQE 0 */
	uint16_t eaten;	 /* slots that an error took and that are not given back yet */
	bool stopped;

	/* The second: as much of it as a poll and a release touch. */
	dq_rx_take_fn take __attribute__((aligned(64)));
	dq_rx_release_fn release;
	uint64_t *slots;  /* cyclic, by completion: the address of its WQE's buffer */
	__be32 key_hides; /* bits of a flow tag that keys do not have: none, or all */
	__be32 key_set;	  /* bits that all keys have besides */
	struct dq_rxq_counters count;

	/* Keeping, and errors. */
	uint32_t wqe0;		  /* ring position at which WQE 0 completed first */
	dq_rx_take_fn take_slots; /* take, once a packet was kept */
	dq_rx_keep_fn keep, give_back;
	dq_rx_restart_fn restart;
	struct dq_rx_bufs bufs;
	struct dq_rx_striding *striding; /* rxq_striding.h; NULL: cyclic */
	struct dq_rx_split *split;	 /* rxq_split.h; NULL: frames are one piece */
	struct dq_rx_session *session;	 /* rxq_compress.h; NULL: no compressed completions */
	dq_rx_tell_fn tell;		 /* NULL: metadata = none */
	struct dq_rx_ask ask;
	struct dq_clock *clock; /* of time stamps, the queue's own; NULL: none, or the real time */

	/* Out of line: errors. The queue's thread writes, error_seen last; any thread reads. */
	uint64_t *eaten_map __attribute__((aligned(64))); /* a bit for each slot of the ring */
	struct daqiri_queue_error first_error;
	bool error_seen; /* atomic */
	struct dq_stops stops;

	uint32_t arm_sn; /* rxq_arm.c: events taken so far */

	/* Control path. */
	const struct dq_conf_rxq *conf; /* the context's, as the next two */
	struct daqiri_port *port;
	struct daqiri_region *region;
	struct daqiri_port *forward; /* whose keys packets get; NULL: flow ids */
	struct dq_cq cq;
	struct ibv_wq *wq;
	struct dq_rss_table table; /* of this queue alone */
	struct ibv_qp *qp;	   /* where rules with this one queue send to */
	struct dq_stat_names names;
	enum dq_simd simd;
	int owner; /* owner.h */
	struct dq_rx_hand *hand; /* worker mode: worker.h; NULL */
	char why[DQ_RX_WHY];	 /* why the queue is of this kind */
};

_Static_assert(offsetof(struct daqiri_rxq, take) == 64, "the hot fields fill one cache line");
_Static_assert(offsetof(struct daqiri_rxq, count.errors) <= 128, "and a second one");

/*
 * Ring position of the oldest WQE that is not given back: those of one lap complete in order, and
 * the device has depth of them less what the program holds and what errors ate.
 */
static inline uint32_t dq_rx_oldest(const struct daqiri_rxq *q)
{
	return q->wqe0 + q->posted - (q->mask + 1);
}

/* A bit of q->eaten_map. */
static inline uint64_t dq_rx_eaten_bit(const struct daqiri_rxq *q, uint32_t index)
{
	return 1ull << ((index & q->mask) & 63);
}

static inline uint64_t *dq_rx_eaten_word(const struct daqiri_rxq *q, uint32_t index)
{
	return &q->eaten_map[(index & q->mask) >> 6];
}

/* rxq_target.c: the QP that rules with this queue alone send to. */
int dq_rxq_create_target(struct daqiri_rxq *q);

/* regions: its own, and that of payloads or NULL. */
int dq_rxq_create(struct daqiri_rxq **out, const struct dq_conf_rxq *conf, struct daqiri_port *port,
		  struct daqiri_region *const regions[2]);
void dq_rxq_destroy(struct daqiri_rxq *q);

/* Makes the work queue, whose WQEs are written, ready: from RESET. */
int dq_rxq_start(struct daqiri_rxq *q);

/* From here on packets get the key of their region on a port, where it is registered. */
void dq_rxq_forward(struct daqiri_rxq *q, struct daqiri_port *to);

/* The queue behind one that the program was given, and the other way round: worker.h. */
const struct daqiri_rxq *dq_rxq_real(const struct daqiri_rxq *q);
struct daqiri_rxq *dq_rxq_face(struct daqiri_rxq *q);

/* Adds what the queue has counted; sums: DQ_PORT_SUMS of them. */
void dq_rxq_add_counts(const struct daqiri_rxq *q, uint64_t *sums);

/* Adds the sums over all receive queues that a port has had: "rx_packets", … */
void dq_rxq_put_sums(const struct daqiri_port *port, struct dq_stat_list *list);

#endif
