/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where flow rules send packets to: a hash QP over an indirection table of receive queues. A hash
 * QP has no ring of its own and is live as soon as it exists.
 */
#ifndef DQ_RSS_H
#define DQ_RSS_H

#include <infiniband/verbs.h>

#include "config_model.h"
#include "device.h"

struct dq_rss_table {
	struct ibv_rwq_ind_table *table;
	unsigned n_wqs;
};

/* What a table is made of. where: of the flow or queue, for messages. */
struct dq_rss_want {
	struct dq_device *dev;
	struct ibv_wq *const *wqs;
	unsigned n_wqs;
	const char *where;
	bool loopback; /* packets that the device itself sent are taken, too */
	const uint8_t *key; /* DQ_RSS_KEY_BYTES; NULL: the library's */
};

int dq_rss_table_create(struct dq_rss_table *out, const struct dq_rss_want *want);
void dq_rss_table_destroy(struct dq_rss_table *table, struct dq_device *dev);

/*
 * A QP that spreads packets over the table by these fields (enum ibv_rx_hash_fields: of one L3 and
 * one L4 protocol only). fields 0 needs a table of one queue.
 */
int dq_rss_qp_create(struct ibv_qp **out, const struct dq_rss_table *table, uint64_t fields,
		     const struct dq_rss_want *want);

#endif
