/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"
#include "error.h"
#include "flow_reformat.h"

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

/* ---- putting on ------------------------------------------------------------------------------ */

/* RFC 791, 768, 7348, 2784, 7637 */
enum {
	ETHERNET = 14,
	IPV4 = 20,
	UDP = 8,
	TUNNEL = 8, /* VXLAN, or GRE with a key */
	IPV4_PROTO_UDP = 17,
	IPV4_PROTO_GRE = 47,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging */
	GRE_KEY_PRESENT = 0x2000,
	VXLAN_HAS_VNI = 0x08,
	DONT_FRAGMENT = 0x4000,
};

_Static_assert(ETHERNET + IPV4 + UDP + TUNNEL <= DQ_ENCAP_BYTES, "the longest header");

/* Ethernet and IPv4, of which the NIC fills in the length and the checksum. */
static uint8_t *put_outer(uint8_t *at, const struct dq_conf_tunnel *t)
{
	memcpy(at, t->mac_dst, 6);
	memcpy(at + 6, t->mac_src, 6);
	at = dq_put_be16(at + 12, ETHERTYPE_IPV4);
	at[0] = 0x45; /* version 4, five words */
	at[1] = t->tos;
	dq_put_be16(at + 6, DONT_FRAGMENT);
	at[8] = t->ttl;
	at[9] = t->type == DQ_TUNNEL_VXLAN ? IPV4_PROTO_UDP : IPV4_PROTO_GRE;
	memcpy(at + 12, t->ipv4_src, 4);
	memcpy(at + 16, t->ipv4_dst, 4);
	return at + IPV4;
}

/* UDP's checksum stays 0, which says that there is none: RFC 7348. */
static uint8_t *put_vxlan(uint8_t *at, const struct dq_conf_tunnel *t)
{
	at = dq_put_be16(at, t->udp_src);
	at = dq_put_be16(at, t->udp_dst) + 4;
	at[0] = VXLAN_HAS_VNI;
	return dq_put_be32(at + 4, t->vni << 8);
}

static uint8_t *put_gre(uint8_t *at, const struct dq_conf_tunnel *t)
{
	if (t->type == DQ_TUNNEL_GRE)
		return dq_put_be16(dq_put_be16(at, 0), t->protocol);
	at = dq_put_be16(dq_put_be16(at, GRE_KEY_PRESENT), ETHERTYPE_TEB);
	return dq_put_be32(at, t->tni << 8 | t->flow_id);
}

size_t dq_encap_header(uint8_t out[DQ_ENCAP_BYTES], const struct dq_conf_tunnel *tunnel)
{
	uint8_t *at;

	memset(out, 0, DQ_ENCAP_BYTES);
	at = put_outer(out, tunnel);
	at = tunnel->type == DQ_TUNNEL_VXLAN ? put_vxlan(at, tunnel) : put_gre(at, tunnel);
	return (size_t)(at - out);
}

int dq_flow_encap_create(struct ibv_flow_action **out, struct dq_device *dev,
			 const struct dq_conf_tunnel *tunnel, const char *where)
{
	bool l3 = tunnel->type == DQ_TUNNEL_GRE;
	uint8_t header[DQ_ENCAP_BYTES];
	struct ibv_flow_action *action;
	int err;

	errno = 0;
	action = mlx5dv_create_flow_action_packet_reformat(
		dev->ctx, dq_encap_header(header, tunnel), header,
		l3 ? MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L3_TUNNEL
		   : MLX5DV_FLOW_ACTION_PACKET_REFORMAT_TYPE_L2_TO_L2_TUNNEL,
		MLX5DV_FLOW_TABLE_TYPE_NIC_TX);
	if (!action) {
		err = errno ? errno : EIO;
		return dq_error(err, "%s: encap=%s: %s puts no such tunnels on: %s", where,
				tunnel->name, dev->info.rdma, strerror(err));
	}
	*out = action;
	return 0;
}

void dq_flow_reformat_destroy(struct ibv_flow_action *action, struct dq_device *dev)
{
	if (action)
		dq_device_destroyed(dev, "a flow action", ibv_destroy_flow_action(action));
}
