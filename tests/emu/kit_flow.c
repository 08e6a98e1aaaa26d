/* SPDX-License-Identifier: Apache-2.0 */
/* The kit's flow rules, by both interfaces. */
#include "kit.h"

#include <errno.h>

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)
KIT_UNDO(mlx5dv_destroy_flow_matcher, struct mlx5dv_flow_matcher)

void kit_rule(struct kit_rule *r, unsigned priority)
{
	memset(r, 0, sizeof(*r));
	r->attr.type = IBV_FLOW_ATTR_NORMAL;
	r->attr.size = sizeof(r->attr);
	r->attr.priority = (uint16_t)priority;
	r->attr.port = 1;
}

void kit_rule_add(struct kit_rule *r, const void *spec, size_t size)
{
	cr_assert_leq(r->attr.size + size, sizeof(*r));
	memcpy((uint8_t *)r + r->attr.size, spec, size);
	r->attr.size = (uint16_t)(r->attr.size + size);
	r->attr.num_of_specs++;
}

void kit_rule_eth(struct kit_rule *r, const char *dst, const char *src, unsigned type)
{
	struct ibv_flow_spec_eth spec = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(spec)};

	if (dst) {
		fr_mac(spec.val.dst_mac, dst);
		memset(spec.mask.dst_mac, 0xff, 6);
	}
	if (src) {
		fr_mac(spec.val.src_mac, src);
		memset(spec.mask.src_mac, 0xff, 6);
	}
	if (type) {
		spec.val.ether_type = htobe16((uint16_t)type);
		spec.mask.ether_type = 0xffff;
	}
	kit_rule_add(r, &spec, sizeof(spec));
}

void kit_rule_ipv4(struct kit_rule *r, const char *src, const char *dst)
{
	struct ibv_flow_spec_ipv4 spec = {.type = IBV_FLOW_SPEC_IPV4, .size = sizeof(spec)};

	if (src) {
		inet_pton(AF_INET, src, &spec.val.src_ip);
		spec.mask.src_ip = 0xffffffff;
	}
	if (dst) {
		inet_pton(AF_INET, dst, &spec.val.dst_ip);
		spec.mask.dst_ip = 0xffffffff;
	}
	kit_rule_add(r, &spec, sizeof(spec));
}

void kit_rule_udp(struct kit_rule *r, unsigned sport, unsigned dport)
{
	struct ibv_flow_spec_tcp_udp spec = {.type = IBV_FLOW_SPEC_UDP, .size = sizeof(spec)};

	if (sport) {
		spec.val.src_port = htobe16((uint16_t)sport);
		spec.mask.src_port = 0xffff;
	}
	if (dport) {
		spec.val.dst_port = htobe16((uint16_t)dport);
		spec.mask.dst_port = 0xffff;
	}
	kit_rule_add(r, &spec, sizeof(spec));
}

void kit_rule_tag(struct kit_rule *r, uint32_t tag)
{
	struct ibv_flow_spec_action_tag spec = {
		.type = IBV_FLOW_SPEC_ACTION_TAG, .size = sizeof(spec), .tag_id = tag};

	kit_rule_add(r, &spec, sizeof(spec));
}

void kit_rule_drop(struct kit_rule *r)
{
	struct ibv_flow_spec_action_drop spec = {.type = IBV_FLOW_SPEC_ACTION_DROP,
						 .size = sizeof(spec)};

	kit_rule_add(r, &spec, sizeof(spec));
}

struct ibv_flow *kit_flow(struct kit *k, struct ibv_qp *qp, struct kit_rule *r)
{
	struct ibv_flow *flow = ibv_create_flow(qp, &r->attr);

	if (flow)
		kit_defer(k, undo_ibv_destroy_flow, flow);
	return flow;
}

void kit_catch_all(struct kit *k, struct ibv_qp *qp)
{
	struct kit_rule r;

	kit_rule(&r, 15);
	cr_assert_not_null(kit_flow(k, qp, &r), "catch-all: %s", strerror(errno));
}

struct mlx5dv_flow_matcher *kit_matcher(struct kit *k, struct kit_port *p,
					const struct kit_match *mask, unsigned priority)
{
	struct kit_match copy = *mask;
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = (uint16_t)priority,
		.match_criteria_enable = 1, /* PRM: outer headers */
		.match_mask = (struct mlx5dv_flow_match_parameters *)&copy,
	};
	struct mlx5dv_flow_matcher *matcher;

	copy.size = sizeof(copy.b);
	matcher = mlx5dv_create_flow_matcher(p->ctx, &attr);
	cr_assert_not_null(matcher, "matcher: %s", strerror(errno));
	kit_defer(k, undo_mlx5dv_destroy_flow_matcher, matcher);
	return matcher;
}

struct ibv_flow *kit_dv_flow(struct kit *k, struct mlx5dv_flow_matcher *matcher,
			     const struct kit_match *value, struct ibv_qp *qp, uint32_t tag)
{
	struct mlx5dv_flow_action_attr actions[2] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = qp},
		{.type = MLX5DV_FLOW_ACTION_TAG, .tag_value = tag},
	};
	struct kit_match copy = *value;
	struct ibv_flow *flow;

	copy.size = sizeof(copy.b);
	flow = mlx5dv_create_flow(matcher, (struct mlx5dv_flow_match_parameters *)&copy,
				  tag ? 2 : 1, actions);
	if (flow)
		kit_defer(k, undo_ibv_destroy_flow, flow);
	return flow;
}
