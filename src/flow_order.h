/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a port's steering table and their priorities: which of two rules that one packet
 * matches comes first. Pure functions, without a device.
 *
 * The narrower flow comes first, of equally narrow ones that which was there first. Two rules with
 * different masks that one packet may match never share a priority: the NIC has no order for them.
 */
#ifndef DQ_FLOW_ORDER_H
#define DQ_FLOW_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "config_model.h"
#include "flow_match.h"
#include "flow_plan.h"
#include "hash.h"

enum { DQ_PRIORITIES = DQ_PRIORITY_LAST + 1 };

struct dq_mask_group;

/* A rule. The first part is the caller's, and stays as it is while the rule is placed. */
struct dq_placed {
	struct dq_match_buf match;
	const struct dq_conf_flow *flow;
	unsigned bits; /* that the flow looks at: dq_match_bits() */
	uint64_t seq;  /* smaller: was there first */
	int level;     /* order among the rules of a flow */
	bool given;    /* priority is the configuration's word */
	bool by_verbs; /* the kernel may look at more bits than the match does: a mask of its own */

	int priority; /* given, or where it shall be; DQ_AUTO: not placed yet */
	int was;      /* where the device has it; DQ_AUTO: not yet */

	struct dq_mask_group *group; /* NULL: not in the order */
	struct dq_link by_match;
	unsigned index; /* in its group */
};

struct dq_order {
	const char *where;	       /* of the port, for messages */
	struct dq_mask_group **groups; /* one for each mask, and one of those by verbs */
	struct dq_hash by_match;
	unsigned n_groups, n_rules;
	int last;   /* the largest priority for rules that are not given */
	bool moved; /* by dq_order_add(): rules that were there have other priorities */
};

void dq_order_init(struct dq_order *order, const char *where);
void dq_order_free(struct dq_order *order);

/*
 * Takes n rules in: all of them, with their priorities, or none. Rules that were there may have
 * another priority then (moved): those of which priority is not what it was. -EINVAL: a flow with
 * the same match, or priorities that cannot be kept apart; the detail names both.
 */
int dq_order_add(struct dq_order *order, struct dq_placed *const *rules, unsigned n);

/* The device has the rule at its priority now; other than dq_order_undo() would have it. */
void dq_order_settle(struct dq_placed *rule);

/* Takes back what dq_order_add() did, before anything was settled. */
void dq_order_undo(struct dq_order *order, struct dq_placed *const *rules, unsigned n);

/* Nothing, if it is not in there. */
void dq_order_remove(struct dq_order *order, struct dq_placed *rule);

/* Calls fn for each rule. */
void dq_order_each(const struct dq_order *order, void (*fn)(void *arg, struct dq_placed *rule),
		   void *arg);

#endif
