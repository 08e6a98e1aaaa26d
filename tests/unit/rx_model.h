/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receive queue on rings in plain memory, driven at random against a model: what the device got,
 * what the program has, and whose each buffer is. The device's side is written from the PRM and not
 * from the code under test. A new kind of ring is a new struct rx_kind (test_rx_model.c).
 */
#ifndef RX_MODEL_H
#define RX_MODEL_H

#include <stdint.h>

#include "rxq.h"

enum { RX_DEPTH = 64, RX_SPARES = 24, RX_BUFS = RX_DEPTH + RX_SPARES, RX_STRIDE = 192 };

struct rx_device {
	struct daqiri_rxq q;
	struct dq_conf_rxq conf;
	_Alignas(64) struct mlx5_cqe64 cqes[RX_DEPTH];
	_Alignas(64) struct mlx5_wqe_data_seg wqes[RX_DEPTH];
	uint64_t eaten[RX_DEPTH / 64];
	__be32 cq_dbrec[2], rq_dbrec[2];
	uint8_t mem[RX_BUFS * RX_STRIDE];
	uint32_t cq_pi;	 /* the device's own: its next completion */
	uint32_t wqe_pi; /* and its next WQE, counted from the last reset */
	bool stopped;

	/* Compressed completions: those of packets that are not told of yet, all with one tag. */
	struct {
		uint32_t hash;
		__be32 byte_cnt;
	} minis[RX_DEPTH];
	uint32_t n_minis;
	uint32_t tag;
};

struct rx_kind {
	const char *name;
	/* Sets the functions of a queue whose rings and positions are there. */
	void (*choose)(struct daqiri_rxq *q);
	/* The device's part. receive: where it wrote the frame to; the WQE was there. */
	uint8_t *(*receive)(struct rx_device *d, const uint8_t *frame, uint32_t len, uint32_t tag);
	void (*fail)(struct rx_device *d, uint8_t syndrome);
	/* Tells of all that came: NULL if that is done at once. */
	void (*settle)(struct rx_device *d);
	/* Packets in a row that have one tag; 0: each has its own. */
	unsigned same_tag;
	/* The program keeps packets: addresses come from a table then. */
	bool keeps;
	/* WQEs that it may still use. */
	uint32_t (*room)(const struct rx_device *d);
};

/* A cyclic ring with completions of 64 bytes. choose() is the caller's. */
uint8_t *rx_cyclic_receive(struct rx_device *d, const uint8_t *frame, uint32_t len, uint32_t tag);
void rx_cyclic_fail(struct rx_device *d, uint8_t syndrome);
uint32_t rx_cyclic_room(const struct rx_device *d);

/* The same with compressed completions. */
uint8_t *rx_compressed_receive(struct rx_device *d, const uint8_t *frame, uint32_t len,
			       uint32_t tag);
void rx_compressed_fail(struct rx_device *d, uint8_t syndrome);
void rx_compressed_settle(struct rx_device *d);

/* Runs until so many packets were received. The seed tells failures from one another. */
struct rx_run {
	const struct rx_kind *kind;
	uint32_t start; /* of all ring positions */
	uint64_t packets;
	uint64_t seed;
};
void rx_model_run(const struct rx_run *run);

/* The device alone, with a queue that begins at run->start. dq_rx_bufs_free() its queue. */
void rx_device_init(struct rx_device *d, const struct rx_run *run);

#endif
