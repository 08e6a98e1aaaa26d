/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: which rule gets a frame, and what the rule does with it. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "st.h"

#define TAG 0xfffffeu

ST_UNDO(mlx5dv_destroy_flow_matcher, struct mlx5dv_flow_matcher)
ST_UNDO(ibv_destroy_flow, struct ibv_flow)

/* A receiver for marks, and a second queue. */
struct two {
	struct st_sq sq;
	struct st_rx rx, other;
};

static void open_two(struct st *st, struct two *t)
{
	struct st_rule r;

	st_sq_open(st, st->a, &t->sq, 64);
	st_rx_open(st, st->b, &t->rx, NULL);
	st_rx_open(st, st->b, &t->other, NULL);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE_MARK);
	st_flow(st, t->rx.qp, &r);
	t->rx.only_from = t->other.only_from = st->a->info.mac;
}

static void rule_for(struct st *st, struct ibv_qp *qp, unsigned type, unsigned priority)
{
	struct st_rule r;

	st_rule(&r, priority);
	st_rule_eth(&r, st->b->info.mac, type);
	st_flow(st, qp, &r);
}

static void send(struct st *st, struct two *t, const struct st_frame *f)
{
	if (!st_good(st))
		return;
	st_send(&t->sq, 0, f);
	st_sq_wait(st, &t->sq);
}

/* ---- tags ---- */

static void tag_is(struct st *st, uint32_t give, uint32_t want)
{
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct st_rule r;
	struct two t;

	open_two(st, &t);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	if (give)
		st_rule_tag(&r, give);
	st_flow(st, t.rx.qp, &r);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_rx_expect(st, &t.rx, &f, &cqe);
	st_need(st, cqe.tag == want, "flow tag 0x%x, not 0x%x", cqe.tag, want);
}

static void tag(struct st *st)
{
	tag_is(st, 1, 1);
}

static void tag_max(struct st *st)
{
	tag_is(st, TAG, TAG);
}

static void no_tag(struct st *st)
{
	tag_is(st, 0, 0);
}

/* ---- order ---- */

static void priority(struct st *st)
{
	struct st_frame f;
	struct two t;

	open_two(st, &t);
	rule_for(st, t.rx.qp, ST_TYPE, 5);
	rule_for(st, t.other.qp, ST_TYPE, 1);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_rx_expect(st, &t.other, &f, NULL);
	st_expect_mark(st, &t.sq, &t.rx);
}

/* The more special rule does not win: the lower priority does. */
static void priority_not_length(struct st *st)
{
	struct st_frame f;
	struct two t;

	open_two(st, &t);
	rule_for(st, t.rx.qp, ST_TYPE, 9);
	rule_for(st, t.other.qp, 0, 8);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_rx_expect(st, &t.other, &f, NULL);
	st_expect_mark(st, &t.sq, &t.rx);
}

static void priority_limit(struct st *st)
{
	struct st_rule r;
	struct two t;
	int err;

	open_two(st, &t);
	st_rule(&r, 15);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	err = st_flow_errno(st, t.rx.qp, &r);
	st_need(st, !err, "priority 15: %s", strerror(err));
	r.attr.priority = 16;
	err = st_flow_errno(st, t.rx.qp, &r);
	st_need(st, err == ENOMEM, "priority 16: %s, not %s", strerror(err), strerror(ENOMEM));
}

static void catch_all(struct st *st, struct ibv_qp *qp)
{
	struct st_rule r;

	st_rule(&r, 15);
	st_flow(st, qp, &r);
}

static void catch_all_is_last(struct st *st)
{
	struct st_frame f;
	struct two t;

	open_two(st, &t);
	catch_all(st, t.rx.qp);
	rule_for(st, t.other.qp, ST_TYPE, 14);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_rx_expect(st, &t.other, &f, NULL);
	st_ether(&f, st->b->info.mac, st->a->info.mac, 0x88b7);
	st_fill(&f, 64, 2);
	send(st, &t, &f);
	st_rx_expect(st, &t.rx, &f, NULL);
}

/* What gets a multicast frame where other has a rule for its group: with the group bit in mask and
 * value, or without it.
 */
struct group_case {
	bool bit, catch_all; /* catch_all: rx has a rule for everything, of the last priority */
	bool to_rx;
};

static void group_goes(struct st *st, struct group_case c)
{
	static const uint8_t group[6] = {0x01, 0x00, 0x5e, 0x41, 0x42, 0x43};
	struct ibv_flow_spec_eth spec = {.type = IBV_FLOW_SPEC_ETH, .size = sizeof(spec)};
	struct st_frame f;
	struct st_rule r;
	struct two t;

	open_two(st, &t);
	memcpy(spec.val.dst_mac, group, 6);
	memset(spec.mask.dst_mac, 0xff, 6);
	if (!c.bit) {
		spec.val.dst_mac[0] &= 0xfe;
		spec.mask.dst_mac[0] &= 0xfe;
	}
	st_rule(&r, 0);
	st_rule_add(&r, &spec, sizeof(spec));
	st_flow(st, t.other.qp, &r);
	if (c.catch_all)
		catch_all(st, t.rx.qp);
	st_ether(&f, group, st->a->info.mac, ST_TYPE);
	st_fill(&f, 64, 1);
	send(st, &t, &f);
	st_rx_expect(st, c.to_rx ? &t.rx : &t.other, &f, NULL);
}

/* mlx5_ib: a rule for multicast only lies behind all priorities, where a catch-all steals from it.
 */
static void multicast(struct st *st)
{
	group_goes(st, (struct group_case){.bit = true, .catch_all = true, .to_rx = true});
}

static void multicast_alone(struct st *st)
{
	group_goes(st, (struct group_case){.bit = true});
}

/* Without the group bit in mask and value the rule keeps its priority. */
static void multicast_masked(struct st *st)
{
	group_goes(st, (struct group_case){.catch_all = true});
}

/* ---- what a rule does ---- */

static void drop(struct st *st)
{
	struct st_frame f;
	struct st_rule r;
	struct two t;

	open_two(st, &t);
	rule_for(st, t.rx.qp, 0, 3);
	st_rule(&r, 1);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_rule_drop(&r);
	st_flow(st, t.rx.qp, &r);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_expect_mark(st, &t.sq, &t.rx);
}

/* To the kernel, not to us. */
static void unmatched(struct st *st)
{
	struct st_frame f;
	struct two t;

	open_two(st, &t);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_expect_mark(st, &t.sq, &t.rx);
}

static void removed(struct st *st)
{
	struct ibv_flow *flow;
	struct st_frame f;
	struct st_rule r;
	struct two t;

	open_two(st, &t);
	if (!st_good(st))
		return;
	st_rule(&r, 1);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	r.attr.port = (uint8_t)st->b->info.port_num;
	flow = ibv_create_flow(t.rx.qp, &r.attr);
	st_need(st, flow, "flow rule: %s", strerror(errno));
	if (flow)
		ibv_destroy_flow(flow);
	st_plain(st, &f, 64, 1);
	send(st, &t, &f);
	st_expect_mark(st, &t.sq, &t.rx);
}

static void refused_twice(struct st *st)
{
	struct st_rule r;
	struct two t;
	int err;

	open_two(st, &t);
	for (uint32_t n = 1; n <= 2; n++) {
		st_rule(&r, 2);
		st_rule_eth(&r, st->b->info.mac, ST_TYPE);
		st_rule_tag(&r, n);
		if (n == 1) {
			st_flow(st, t.rx.qp, &r);
			continue;
		}
		err = st_flow_errno(st, t.rx.qp, &r);
		st_need(st, err == EEXIST, "the same match with another tag: %s, not %s",
			strerror(err), strerror(EEXIST));
	}
}

/* ---- mlx5dv_create_flow ---- */

enum { DV_DMAC = 8, DV_UDP_DPORT = 30, DV_PROTO = 16, DV_VERSION = 18 };

struct match {
	size_t size;
	uint8_t b[64]; /* PRM, fte_match_set_lyr_2_4 */
};

static struct ibv_flow *dv_rule(struct st *st, struct st_rx *rx, struct match *mask,
				struct match *value)
{
	struct mlx5dv_flow_matcher_attr attr = {
		.type = IBV_FLOW_ATTR_NORMAL,
		.priority = 2,
		.match_criteria_enable = 1, /* PRM: outer headers */
		.match_mask = (struct mlx5dv_flow_match_parameters *)(void *)mask,
	};
	struct mlx5dv_flow_action_attr actions[2] = {
		{.type = MLX5DV_FLOW_ACTION_DEST_IBV_QP, .qp = rx->qp},
		{.type = MLX5DV_FLOW_ACTION_TAG, .tag_value = TAG},
	};
	struct mlx5dv_flow_matcher *matcher;
	struct ibv_flow *flow;

	if (!st_good(st))
		return NULL;
	matcher = mlx5dv_create_flow_matcher(st->b->ctx, &attr);
	st_need(st, matcher, "flow matcher: %s", strerror(errno));
	if (!matcher)
		return NULL;
	st_defer(st, undo_mlx5dv_destroy_flow_matcher, matcher);
	flow = mlx5dv_create_flow(matcher, (struct mlx5dv_flow_match_parameters *)(void *)value, 2,
				  actions);
	st_need(st, flow, "mlx5dv_create_flow: %s", strerror(errno));
	if (flow)
		st_defer(st, undo_ibv_destroy_flow, flow);
	return flow;
}

static void dv(struct st *st)
{
	struct match mask = {.size = 64}, value = {.size = 64};
	struct st_cqe cqe = {0};
	struct st_frame f;
	struct two t;

	open_two(st, &t);
	memset(mask.b + DV_DMAC, 0xff, 6);
	memcpy(value.b + DV_DMAC, st->b->info.mac, 6);
	mask.b[DV_PROTO] = 0xff;
	value.b[DV_PROTO] = ST_UDP;
	mask.b[DV_VERSION] = 0x1e; /* ip_version, 4 bits */
	value.b[DV_VERSION] = 4 << 1;
	memset(mask.b + DV_UDP_DPORT, 0xff, 2);
	st_put16(value.b + DV_UDP_DPORT, 4791);
	dv_rule(st, &t.rx, &mask, &value);
	st_udp(st, &f, 1, 4792, 1);
	send(st, &t, &f);
	st_udp(st, &f, 1, 4791, 2);
	send(st, &t, &f);
	st_rx_expect(st, &t.rx, &f, &cqe);
	st_need(st, cqe.tag == TAG, "flow tag 0x%x, not 0x%x", cqe.tag, TAG);
	st_expect_mark(st, &t.sq, &t.rx);
}

static const struct st_check checks[] = {
	{"steer.tag", "a rule's tag comes with its frames", tag},
	{"steer.tag_max", "tag 0xfffffe", tag_max},
	{"steer.no_tag", "no tag where the rule has none", no_tag},
	{"steer.priority", "the lower priority wins", priority},
	{"steer.priority_mask", "also over a rule that says more", priority_not_length},
	{"steer.priority_limit", "priorities above 15 are refused", priority_limit},
	{"steer.catch_all", "a rule without specs gets the rest", catch_all_is_last},
	{"steer.multicast", "a multicast rule lies behind a catch-all", multicast},
	{"steer.multicast_alone", "a multicast rule gets its frames", multicast_alone},
	{"steer.multicast_masked", "without the group bit it keeps its priority", multicast_masked},
	{"steer.drop", "a drop rule drops", drop},
	{"steer.unmatched", "what no rule matches does not come to us", unmatched},
	{"steer.removed", "nothing comes by a rule that was destroyed", removed},
	{"steer.exists", "the same match with another tag is refused", refused_twice},
	{"steer.dv", "a rule by mlx5dv_create_flow()", dv},
};

const struct st_group st_group_steer = {checks, sizeof(checks) / sizeof(checks[0])};
