/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest by daqiri.h alone: what they share. */
#ifndef ST_LIB_H
#define ST_LIB_H

#include "st.h"

#define ST_FLOW_ID 77u /* of the frames that come */

struct st_lib {
	struct daqiri *dq;
	struct daqiri_port *a, *b;
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx;
};

/* What a configuration has besides its two ports. */
struct st_lib_opts {
	const char *kind; /* of the regions */
	unsigned depth, queues, txqs;
	const char *flow; /* keys of the flow; NULL: to the port's address */
	const char *port; /* keys of the receiving port */
};

/* Opened, or the check fails or is skipped; closed when it is over. */
void st_lib_open(struct st *st, struct st_lib *l, struct st_lib_opts o);
/* Until then what was sent must have come. */
uint64_t st_lib_deadline(void);
/* The length of frame n. */
unsigned st_lib_len(unsigned n);
/* Reserves, builds and posts n frames that count from first. */
void st_lib_send(struct st *st, struct daqiri_txq *q, unsigned first, unsigned n);
/* One packet within ms; false: none came. */
bool st_lib_poll(struct st *st, struct daqiri_rxq *q, struct daqiri_pkt *pkt, unsigned ms);
void st_lib_judge(struct st *st, const struct daqiri_pkt *pkt, const struct st_frame *f);
/* The n frames from first, and releases them. */
void st_lib_expect(struct st *st, struct daqiri_rxq *q, unsigned first, unsigned n);
void st_lib_wait_sent(struct st *st, struct daqiri_txq *q, uint64_t n);

#endif
