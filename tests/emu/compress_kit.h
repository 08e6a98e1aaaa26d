/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of compressed completions share: receiver, reader of sessions, sender. */
#ifndef TEST_COMPRESS_KIT_H
#define TEST_COMPRESS_KIT_H

#include "kit_cqe.h"

#define MAX_BURST 64u
#define DEPTH	  128u /* of queues: more than two bursts */
#define UDP	  17u
#define TCP	  6u

extern struct kit k;
extern struct frame burst[MAX_BURST];

void compress_setup(void);
void compress_teardown(void);

struct ask {
	unsigned format, cqe_size, entries;
	uint64_t wc_flags;
	uint32_t wq_flags;
	struct ibv_comp_channel *channel;
};

struct rxq {
	struct ibv_cq *cq;
	struct ibv_wq *wq;
	struct ibv_qp *qp;
	struct kit_cqes cqes;
	struct mlx5dv_rwq dv;
	uint16_t next;	 /* WQE of the next completion */
	uint32_t posted; /* buffers */
};

/* One completion, wherever it was written. */
struct comp {
	struct mlx5_cqe64 cqe; /* its own, or the session's title */
	uint32_t byte_cnt;
	uint8_t word[4];  /* first half of the small one */
	unsigned session; /* how many there are in its session; 1: it is alone */
};

/* NULL and errno where it is refused. */
struct ibv_cq *new_cq(const struct ask *ask);
/* On q->cq where that is set; no buffers, no rule. */
void new_rxq(struct rxq *q, const struct ask *ask, uint64_t fields);
/* A queue that takes everything, all buffers posted. */
struct rxq simple(const struct ask *ask, uint64_t fields);
/* The buffer, and the segment, of WQE i. */
uint8_t *buffer(unsigned i);
struct mlx5_wqe_data_seg *segment(const struct rxq *q, unsigned i);
void post(struct rxq *q, unsigned n);

/* The next session, or the next completion that is alone; 0: none within ms. */
unsigned take(struct kit_cqes *c, struct comp *comp, unsigned ms);
/* As many sessions as must hold n completions; their lengths in text: "4 4". */
void take_all(struct kit_cqes *c, struct comp *comp, unsigned n, char *text);

/* All in one doorbell: the device finds them together. */
void send_burst(const struct frame *f, unsigned n);
/* burst[i], of flow: ports, and so the hash, differ by flow. */
struct frame *flow_frame(unsigned i, unsigned proto, unsigned flow, unsigned payload);
uint32_t toeplitz(const uint8_t *data, unsigned len);
/* n completions are those of the burst, in order, in the buffers that their WQEs name. */
void check_frames(struct rxq *q, const struct comp *comp, unsigned n);

#endif
