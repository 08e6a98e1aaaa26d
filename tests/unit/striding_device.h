/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A striding receive queue on rings in plain memory, and the small device that fills them: written
 * from the PRM and not from the code under test.
 */
#ifndef TEST_STRIDING_DEVICE_H
#define TEST_STRIDING_DEVICE_H

#include "rxq_striding.h"

/*
 * Memory for 5 WQEs in a ring of 8: a WQE's place and its memory never go round together. Two spare
 * buffers besides.
 */
enum {
	N_WQES = 5,
	N_BUFS = 7,
	PLACES = 8,
	LOG_STRIDES = 4,
	STRIDES = 16,
	CQES = 128,
	LOG_STRIDE = 7
};
enum { STRIDE = 1 << LOG_STRIDE, WQE_BYTES = STRIDES * STRIDE };
enum { FRAME_MAX = 1024, PENDING = N_WQES * STRIDES };

#define BASE 0x40000000ull

/* What the device says it has put somewhere. */
struct sent {
	uint64_t addr;
	uint32_t len, tag;
	uint32_t wqe;
};

struct device {
	struct daqiri_rxq q;
	struct dq_rx_striding st;
	struct dq_conf_rxq conf;
	_Alignas(64) struct mlx5_cqe64 cqes[CQES];
	struct mlx5_cqe64 beyond[STRIDES]; /* no CQEs, though they look like it */
	uint64_t where[PLACES];
	uint32_t buf[PLACES];
	uint32_t end[PLACES];
	uint8_t wqes[PLACES * 32];
	__be32 cq_dbrec[2], rq_dbrec[2];
	uint32_t cqe_pi;    /* the device's own: next CQE, */
	uint32_t wqe, used; /* WQE and stride */
	uint32_t number;    /* of frames */
	uint32_t settled;   /* completions that are told of: all, where it compresses none */
	struct mlx5_cqe64 old[CQES]; /* what was in the slots of those behind */
	struct sent sent[PENDING];   /* and not polled yet */
	uint32_t n_sent;
};

/* The one that there is; by what the next one's packets are taken. */
extern struct device d;
extern dq_rx_take_fn taker;

/* Where all its counts begin: about every limit of an index. */
enum { N_STARTS = 15 };
extern const uint32_t starts[N_STARTS];

/* Those that this processor can. */
extern dq_rx_take_fn takers[3];
extern unsigned n_takers;
#define FOR_EACH_TAKER for (unsigned t = 0; t < n_takers && (taker = takers[t]); t++)

/* The next one compresses completions: device_settle() before each poll, then. */
extern bool device_compresses;
void device_settle(void);

/* start: of completions, of packets polled, and of WQEs. */
void device_init(uint32_t start);

/* How many WQEs the device has. */
uint16_t device_room(void);

/* Strides are used up without a completion. */
void device_use(uint32_t strides);

/* What is left of the WQE stays empty. */
void device_fill(void);

/* A frame. False: there is no WQE for it; a filler may have been written. */
bool device_receive(uint32_t len);

/* Polls up to max into pkts[max + 1]; all must be as they were sent. Returns how many. */
uint32_t device_expect(struct daqiri_pkt *pkts, uint32_t max);

/* An error takes what is left of its WQE, which its completion tells, or not. */
void device_fail(uint8_t syndrome, bool tells);

/* The queue has a new ring, whose packets that were not polled are lost. */
void device_restart(void);

#endif
