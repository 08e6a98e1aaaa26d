/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A send queue on rings in plain memory, and a small device that executes what is rung: written
 * from the PRM ("WQE Format", "Enhanced Multi Packet Send WQE", "BlueFlame") and not from the code
 * under test.
 */
#ifndef TX_MODEL_H
#define TX_MODEL_H

#include <stdint.h>

#include "mlx5_wqe.h"
#include "txq.h"
#include "txq_timed.h"

enum {
	TX_DEPTH = 32,
	TX_SLOT = 320,
	TX_RING = 256, /* WQEBBs, at most */
	TX_OTHERS = 2 * TX_DEPTH,
	TX_LKEY = 0x4321
};

/* A way to write WQEs. */
struct tx_kind {
	const char *name;
	dq_tx_write_fn write;
	dq_tx_write_fn latency; /* NULL: tx_latency = off */
	uint8_t opcode;
	uint32_t max_ptrs;
	uint32_t inline_max;
	uint8_t cs_flags; /* that each WQE must have */
	uint16_t insert;  /* likewise: PRM, insert.type; 0: no tag */
	uint16_t tci;
	bool timed; /* posts may have a time */
};

struct tx_device {
	struct daqiri_txq q;
	struct dq_conf_txq conf;
	struct dq_tx_timer timer;
	const struct tx_kind *kind;
	_Alignas(64) uint8_t ring[TX_RING * 64];
	_Alignas(64) struct mlx5_cqe64 cqes[TX_DEPTH];
	_Alignas(64) uint8_t bf[512], bf_seen[512];
	struct dq_tx_mark marks[TX_RING];
	__be32 dbrec[2], cq_dbrec[2];
	uint8_t mem[TX_DEPTH * TX_SLOT];     /* the queue's slots, */
	uint8_t others[TX_OTHERS * TX_SLOT]; /* and other memory */
	uint32_t n_ring;		     /* WQEBBs */
	uint32_t ci, cqe_pi;		     /* the device's own */
	uint32_t rung;			     /* WQEBB that the next post begins at */
	unsigned half;			     /* where the next doorbell is to come */
	uint64_t waited; /* nanoseconds that the WQE before this one waited for; 0: none did */
	/* Gets each frame that is sent, in turn. */
	void (*sent)(void *arg, const uint8_t *frame, uint32_t len);
	void *arg;
};

/* All positions begin at start. */
void tx_device_init(struct tx_device *d, const struct tx_kind *kind, uint32_t start);

/* What the device's clock shows: nanoseconds of the real time. */
uint64_t tx_device_now(void);

/* Executes at most n of the WQEs that were rung. */
void tx_device_run(struct tx_device *d, unsigned n);

/*
 * To be called after a post of n packets that went out: the register's other half has the first
 * bytes of the post's last WQE, or all 64 of it, and nothing else has changed.
 */
void tx_device_check_doorbell(struct tx_device *d, unsigned n);

#endif
