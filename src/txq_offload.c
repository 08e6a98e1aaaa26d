/* SPDX-License-Identifier: Apache-2.0 */
/* What a send queue has the NIC do to every frame: the same for all, so that it costs nothing. */
#include <errno.h>

#include "error.h"
#include "mlx5_wqe.h"
#include "txq.h"

const char *dq_checksum_name(unsigned checksum)
{
	static const char *const names[] = {"off", "l3", "l4", "l3l4"};

	return names[checksum & (DQ_CHECKSUM_L3 | DQ_CHECKSUM_L4)];
}

int dq_txq_check_offloads(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	if (conf->checksum && !dev->caps.tx_checksum)
		return dq_error(EOPNOTSUPP,
				"%s checksum=%s: %s fills in no checksums: use checksum = off, and "
				"write them into the frames",
				conf->where, dq_checksum_name(conf->checksum), dev->info.rdma);
	return 0;
}

void dq_txq_set_offloads(struct daqiri_txq *q)
{
	if (q->conf->checksum & DQ_CHECKSUM_L3)
		q->eth.cs_flags |= MLX5_ETH_WQE_L3_CSUM;
	if (q->conf->checksum & DQ_CHECKSUM_L4)
		q->eth.cs_flags |= MLX5_ETH_WQE_L4_CSUM;
}
