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

static int check_tag(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	const char *why = NULL;

	if (conf->vlan_tci < 0)
		return 0;
	if (!dev->caps.vlan_insert)
		why = "does not tell that it puts tags into frames (wqe_vlan_insert, which takes "
		      "DevX)";
	else if (dev->caps.min_inline)
		why = "wants the header in the send queue, where the tag would stand";
	if (why)
		return dq_error(EOPNOTSUPP, "%s vlan_push=%d: %s %s: write the tag into the frames",
				conf->where, conf->vlan_tci & 0xfff, dev->info.rdma, why);
	if (conf->tx_inline)
		return dq_error(
			EINVAL,
			"%s vlan_push=%d: tags are put in by work requests of one packet, "
			"and tx_inline=%u copies frames into those of many: one or the other",
			conf->where, conf->vlan_tci & 0xfff, conf->tx_inline);
	return 0;
}

int dq_txq_check_offloads(const struct dq_conf_txq *conf, const struct dq_device *dev)
{
	if (conf->checksum && !dev->caps.tx_checksum)
		return dq_error(EOPNOTSUPP,
				"%s checksum=%s: %s fills in no checksums: use checksum = off, and "
				"write them into the frames",
				conf->where, dq_checksum_name(conf->checksum), dev->info.rdma);
	return check_tag(conf, dev);
}

void dq_txq_set_offloads(struct daqiri_txq *q)
{
	if (q->conf->checksum & DQ_CHECKSUM_L3)
		q->eth.cs_flags |= MLX5_ETH_WQE_L3_CSUM;
	if (q->conf->checksum & DQ_CHECKSUM_L4)
		q->eth.cs_flags |= MLX5_ETH_WQE_L4_CSUM;
	if (q->conf->vlan_tci < 0)
		return;
	q->eth.insert = DQ_INSERT_VLAN | (q->conf->vlan_tpid == 0x88a8 ? DQ_INSERT_SVLAN : 0);
	q->eth.tci = (uint16_t)q->conf->vlan_tci;
}
