/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues, between rq.c and rq_striding.c. */
#ifndef EMU_RQ_H
#define EMU_RQ_H

#include "emu_dev.h"

/* What is left to copy: a frame is one piece, or two around a stripped tag. */
struct emu_source {
	const uint8_t *ptr[2];
	uint32_t len[2];
};

/* What lies in a tunnel: its headers, from where they begin. */
struct emu_nested {
	const uint8_t *data;
	struct emu_pkt pkt;
};

/* One frame for one queue. */
struct emu_rx {
	struct emu_frame *frame;
	struct emu_source src;
	uint32_t len; /* of what is copied */
	uint32_t tag;
	struct emu_rss_result rss;
	bool strip;
	const struct emu_nested *inner; /* NULL: no tunnel, or the TIR does not look into them */
};

/* Is there a WQE for a frame? */
bool emu_rq_has_wqe(struct emu_rq *rq);
/* Copies the frame into the current WQE, skip bytes into its scatter list. */
enum emu_syndrome emu_rq_scatter(struct emu_rq *rq, struct emu_rx *rx, uint32_t skip);
/* A CQE for the frame; what depends on the queue's kind is the caller's: byte count, counters. */
void emu_rq_cqe(struct emu_rq *rq, struct emu_rx *rx, struct emu_cqe *cqe);
/* False: the completion queue is dead, and the receive queue with it. True also where that will be
 * known later: rq_late.c. */
bool emu_rq_complete(struct emu_rq *rq, struct emu_cqe *cqe);
/* The current WQE is done. */
void emu_rq_advance(struct emu_rq *rq);
/* The frame could not be taken: an error CQE, which the current WQE is gone with. */
void emu_rq_fail(struct emu_rq *rq, enum emu_syndrome syndrome);

/* The queue's CQ is dead: the queue cannot go on. */
void emu_rq_cq_lost(struct emu_rq *rq);

/* rq_late.c: whether completions must wait, and one that does. */
bool emu_rq_is_late(void);
void emu_rq_put_off(struct emu_rq *rq, const struct emu_cqe *cqe);

/* rq_broken.c */
void emu_rq_spoil(const struct emu_rq *rq, struct emu_cqe *cqe);
void emu_rq_completion_first(struct emu_rq *rq, struct emu_rx *rx);

/* The hash fields that are looked at: --break rss-fields knows addresses only. */
static inline uint64_t emu_broken_fields(void)
{
	return emu_broken(RSS_FIELDS) ? 0xf : UINT64_MAX;
}

/* As CQEs name the current WQE. */
static inline uint16_t emu_rq_index(const struct emu_rq *rq)
{
	return rq->linked ? rq->head : rq->ci;
}

/* rq_striding.c; the queue is ready and has a WQE. */
void emu_rq_receive_striding(struct emu_rq *rq, struct emu_rx *rx);

#endif
