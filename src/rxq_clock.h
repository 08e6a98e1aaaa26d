/* SPDX-License-Identifier: Apache-2.0 */
/* Of which clock a receive queue's time stamps are: chosen when it is made. */
#ifndef DQ_RXQ_CLOCK_H
#define DQ_RXQ_CLOCK_H

#include "rxq.h"

/*
 * Calls make_rings with the completion queue's flags for the clock that is wanted, and, where any
 * will do, for the other one if the device refuses the first. make_rings leaves nothing behind where
 * it fails.
 */
int dq_rx_clock_choose(struct daqiri_rxq *q, int (*make_rings)(struct daqiri_rxq *q));
void dq_rx_clock_free(struct daqiri_rxq *q);

/* "real" or "free", and the reason; NULL: the queue has no time stamps. */
const char *dq_rx_clock_name(const struct daqiri_rxq *q);
const char *dq_rx_clock_why(const struct daqiri_rxq *q);

#endif
