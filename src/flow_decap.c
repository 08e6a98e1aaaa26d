/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"
#include "error.h"
#include "flow_decap.h"

/* An Ethernet header, for what had none. */
struct header {
	uint8_t dst[6], src[6];
	__be16 type;
};

_Static_assert(sizeof(struct header) == 14, "an Ethernet header");

/* VXLAN and NVGRE carry frames, which are just bared. */
static struct ibv_flow_action *take_off_l2(struct ibv_context *ctx)
{
	return mlx5dv_create_flow_action_packet_reformat(
		ctx, 0, NULL, MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TUNNEL_TO_L2,
		MLX5DV_FLOW_TABLE_TYPE_NIC_RX);
}

static struct ibv_flow_action *take_off_l3(struct ibv_context *ctx, const struct dq_conf_tunnel *t)
{
	struct header header = {.type = dq_to_be16(t->protocol)};

	memcpy(header.dst, t->mac_dst, sizeof(header.dst));
	memcpy(header.src, t->mac_src, sizeof(header.src));
	return mlx5dv_create_flow_action_packet_reformat(
		ctx, sizeof(header), &header,
		MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L3_TUNNEL_TO_L2,
		MLX5DV_FLOW_TABLE_TYPE_NIC_RX);
}

int dq_flow_decap_create(struct ibv_flow_action **out, struct dq_device *dev,
			 const struct dq_conf_tunnel *tunnel, const char *where)
{
	struct ibv_flow_action *action;
	int err;

	errno = 0;
	action = tunnel->type == DQ_TUNNEL_GRE ? take_off_l3(dev->ctx, tunnel)
					       : take_off_l2(dev->ctx);
	if (!action) {
		err = errno ? errno : EIO;
		return dq_error(err, "%s: decap=%s: %s takes no such tunnels off: %s", where,
				tunnel->name, dev->info.rdma, strerror(err));
	}
	*out = action;
	return 0;
}

void dq_flow_decap_destroy(struct ibv_flow_action *action, struct dq_device *dev)
{
	if (action)
		dq_device_destroyed(dev, "a flow action", ibv_destroy_flow_action(action));
}
