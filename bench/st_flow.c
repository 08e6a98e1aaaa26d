/* SPDX-License-Identifier: Apache-2.0 */
/* Flow rules of --selftest, by ibv_create_flow(). */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "st.h"

ST_UNDO(ibv_destroy_flow, struct ibv_flow)

void st_rule(struct st_rule *r, unsigned priority)
{
	memset(r, 0, sizeof(*r));
	r->attr.type = IBV_FLOW_ATTR_NORMAL;
	r->attr.size = sizeof(r->attr);
	r->attr.priority = (uint16_t)priority;
}

void st_rule_add(struct st_rule *r, const void *spec, size_t size)
{
	memcpy((uint8_t *)r + r->attr.size, spec, size);
	r->attr.size = (uint16_t)(r->attr.size + size);
	r->attr.num_of_specs++;
}

void st_rule_eth(struct st_rule *r, const uint8_t *dst, unsigned type)
{
	struct ibv_flow_spec_eth spec = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(spec)};

	if (dst) {
		memcpy(spec.val.dst_mac, dst, 6);
		memset(spec.mask.dst_mac, 0xff, 6);
	}
	if (type) {
		spec.val.ether_type = htobe16((uint16_t)type);
		spec.mask.ether_type = 0xffff;
	}
	st_rule_add(r, &spec, sizeof(spec));
}

void st_rule_tag(struct st_rule *r, uint32_t tag)
{
	struct ibv_flow_spec_action_tag spec = {
		.type = IBV_FLOW_SPEC_ACTION_TAG, .size = sizeof(spec), .tag_id = tag};

	st_rule_add(r, &spec, sizeof(spec));
}

void st_rule_drop(struct st_rule *r)
{
	struct ibv_flow_spec_action_drop spec = {.type = IBV_FLOW_SPEC_ACTION_DROP,
						 .size = sizeof(spec)};

	st_rule_add(r, &spec, sizeof(spec));
}

static struct ibv_flow *make(const struct st *st, struct ibv_qp *qp, struct st_rule *r)
{
	r->attr.port = (uint8_t)st->b->info.port_num;
	errno = 0;
	return ibv_create_flow(qp, &r->attr);
}

struct ibv_flow *st_flow(struct st *st, struct ibv_qp *qp, struct st_rule *r)
{
	struct ibv_flow *flow;

	if (!st_good(st))
		return NULL;
	flow = make(st, qp, r);
	st_need(st, flow, "flow rule: %s", strerror(errno));
	if (flow)
		st_defer(st, undo_ibv_destroy_flow, flow);
	return flow;
}

int st_flow_errno(struct st *st, struct ibv_qp *qp, struct st_rule *r)
{
	struct ibv_flow *flow;

	if (!st_good(st))
		return 0;
	flow = make(st, qp, r);
	if (!flow)
		return errno ? errno : EIO;
	ibv_destroy_flow(flow);
	return 0;
}
