/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels by what their own headers say. */
#include "flow_layout.h"

/*
 * The NIC knows VXLAN by its port; GRE says in its first bits which of its fields are there, and
 * NVGRE is GRE with a key that carries Ethernet (RFC 7637): the key's first 24 bits are the
 * tenant's id.
 */
enum {
	PROTO_UDP = 17,
	PROTO_GRE = 47,
	PORT_VXLAN = 4789,
	ETHERTYPE_TEB = 0x6558, /* transparent Ethernet bridging */
};

static void put_24_bits(struct dq_match_buf *buf, unsigned at, uint32_t value)
{
	dq_match_put_bits(buf, at, (uint16_t)(value >> 8), 0xffff);
	dq_match_put_bits(buf, at + 2, (uint16_t)(value << 8), 0xff00);
}

static void put_protocol(struct dq_match_buf *buf, unsigned proto)
{
	dq_match_put_bits(buf, DQ_AT_IP_PROTOCOL, (uint16_t)(proto << 8), 0xff00);
}

void dq_match_put_tunnel(struct dq_match_buf *buf, const struct dq_match *match)
{
	if (match->fields & DQ_MATCH_VNI) {
		put_protocol(buf, PROTO_UDP);
		dq_match_put_bits(buf, DQ_AT_UDP_DPORT, PORT_VXLAN, 0xffff);
		put_24_bits(buf, DQ_AT_VXLAN_VNI, match->vni);
	}
	if (match->fields & (DQ_MATCH_TNI | DQ_MATCH_GRE_KEY | DQ_MATCH_GRE_PROTOCOL))
		put_protocol(buf, PROTO_GRE);
	if (match->fields & DQ_MATCH_GRE_PROTOCOL)
		dq_match_put_bits(buf, DQ_AT_GRE_PROTOCOL, match->gre_protocol, 0xffff);
	if (match->fields & DQ_MATCH_TNI) {
		dq_match_put_bits(buf, DQ_AT_GRE_FLAGS, DQ_GRE_HAS_KEY, DQ_GRE_ALL);
		dq_match_put_bits(buf, DQ_AT_GRE_PROTOCOL, ETHERTYPE_TEB, 0xffff);
		put_24_bits(buf, DQ_AT_GRE_KEY, match->tni);
	}
	if (match->fields & DQ_MATCH_GRE_KEY) {
		dq_match_put_bits(buf, DQ_AT_GRE_FLAGS, DQ_GRE_HAS_KEY, DQ_GRE_HAS_KEY);
		dq_match_put_bits(buf, DQ_AT_GRE_KEY, (uint16_t)(match->gre_key >> 16), 0xffff);
		dq_match_put_bits(buf, DQ_AT_GRE_KEY + 2, (uint16_t)match->gre_key, 0xffff);
	}
}
