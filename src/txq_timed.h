/* SPDX-License-Identifier: Apache-2.0 */
/* Send queues whose packets leave at a time: only those with timed = on have any of this. */
#ifndef DQ_TXQ_TIMED_H
#define DQ_TXQ_TIMED_H

#include "device_clock.h"
#include "txq.h"

struct dq_tx_timer {
	bool real;	       /* the device's clock is the real time, else its counter, of */
	struct dq_clock clock; /* which the kernel tells the meaning */
	uint64_t mask;	       /* of the clock's bits that are compared */
	uint64_t lead_ns;      /* how far ahead a time may be */
	uint64_t nic_ns;       /* The device's clock showed this when the monotonic one */
	uint64_t mono_ns;      /* showed that. */
	uint64_t slack_ns;     /* that may be later than it was by so much, and never earlier */
	uint64_t believe_ns;   /* A counter has gone round in four times that. */
	uint64_t sure_ns;      /* monotonic time when that was last known well */
	uint64_t looked_ns;    /* monotonic time of the last look, */
	uint32_t ci;	       /* and completions read until then */
	uint32_t nop;	       /* completions read when the NOP's is */
	bool asked;	       /* it is not yet: the queue holds one packet less */
};

int dq_txq_check_timed(const struct dq_conf_txq *conf, const struct dq_device *dev);
/* Sets q->timer and the flags of the completion queue that is to be made. */
int dq_txq_timed_create(struct daqiri_txq *q);
void dq_txq_timed_destroy(struct daqiri_txq *q);
/* The device makes no send queue with that clock, or none at all. -EOPNOTSUPP */
int dq_txq_refuse_clock(const struct daqiri_txq *q);
/* Finds out what time it is, once the device takes WQEs. */
int dq_txq_timed_start(struct daqiri_txq *q);
/* Packets for which there is room again, which a NOP had: 0 or 1. */
uint32_t dq_txq_timed_answered(struct daqiri_txq *q);
/* "real" or "free"; NULL: no times. Static. */
const char *dq_txq_clock_name(const struct daqiri_txq *q);

#endif
