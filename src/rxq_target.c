/* SPDX-License-Identifier: Apache-2.0 */
#include "rxq.h"

/*
 * It needs no hash to choose a queue, but makes one where it is to be told: of the fields that RSS
 * takes by default.
 */
int dq_rxq_create_target(struct daqiri_rxq *q)
{
	const uint64_t fields = IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 |
				IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP;
	struct dq_rss_want want = {.dev = q->port->dev,
				   .wqs = &q->wq,
				   .n_wqs = 1,
				   .where = q->conf->where,
				   .loopback = q->port->conf->loopback};
	int ret = dq_rss_table_create(&q->table, &want);

	return ret ? ret
		   : dq_rss_qp_create(&q->qp, &q->table,
				      q->conf->metadata & DAQIRI_META_HASH ? fields : 0, &want);
}
