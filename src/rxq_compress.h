/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive queues whose completions the device may compress (mlx5_cqe.h: titles and arrays). On a
 * cyclic ring packets are made from small completions where they lie; what was read of a session is
 * kept here, so that a poll may end amid it. On a striding ring a session is first written out as
 * plain completions: those name strides.
 */
#ifndef DQ_RXQ_COMPRESS_H
#define DQ_RXQ_COMPRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <daqiri.h>

#include "mlx5_cqe.h"
#include "rxq.h"

/*
 * Takes up to max packets of the session that is read: as many as are quick to take. meta: as the
 * queue was asked to tell; not looked at by those that tell nothing.
 */
typedef uint32_t (*dq_rx_minis_fn)(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
				   struct daqiri_rx_meta *meta, uint32_t max);

/* One for each need, by these bits. */
enum { DQ_MINIS_TELL = 1, DQ_MINIS_SLOTS = 2, DQ_MINIS_WAYS = 4 };

/*
 * By a set of instructions. poll: by DQ_MINIS_SLOTS, and whether the queue tells at all. take:
 * whole arrays at least, which are there and asked for.
 */
struct dq_rx_minis {
	dq_rx_poll_fn poll[DQ_MINIS_WAYS];
	dq_rx_minis_fn take[DQ_MINIS_WAYS];
};

extern const struct dq_rx_minis dq_rx_minis_portable, dq_rx_minis_avx2;

struct dq_rx_session {
	uint32_t left;	/* packets that are not taken; 0: no session is read */
	uint32_t index; /* of the next small completion in its array; 0 where no session is read */
	struct dq_mini_cqe *minis; /* the array, in the ring or saved */
	uint64_t addr;		   /* of the next packet's buffer, where those follow each other */
	struct dq_mini_cqe *next;  /* the array behind it, in the ring */
	uint64_t key;		   /* of all packets, where vectors want it: above the length */
	/* Addresses of packets 0 2 1 3, counted from the first, and the step to the next four. */
	uint64_t offset[4], step[4];
	const struct dq_rx_minis *minis_by;
	bool slots;		    /* a packet was kept: addresses are in q->slots */
	struct daqiri_rx_meta meta; /* of all packets, but for the hash */

	/* An array that a poll ended amid: its slot may be the device's then. */
	struct dq_mini_cqe saved[DQ_MINI_ARRAY];
};

/* For a queue whose slots and stride are known. */
void dq_rx_session_init(struct daqiri_rxq *q, const struct dq_rx_minis *by);

/* A packet was kept: addresses are in q->slots from here on. */
void dq_rx_session_use_slots(struct daqiri_rxq *q);

/*
 * If the next completion is a title, writes the session out as plain completions, in their slots.
 * False: it is none.
 */
bool dq_rx_expand(struct daqiri_rxq *q);

/* What is left of a session that is read is dropped, and counted so: for a reset. */
void dq_rx_session_drop(struct daqiri_rxq *q);

/*
 * Whether the queue's completions are to be compressed: sets q->cq.mini and q->session. Control
 * path.
 */
int dq_rx_choose_compression(struct daqiri_rxq *q);

/* For a queue that compresses, whose instructions, slots and way to tell are chosen. */
void dq_rx_session_choose(struct daqiri_rxq *q);

/* And why, or why not. */
const char *dq_rx_why_compressed(const struct daqiri_rxq *q);

#endif
