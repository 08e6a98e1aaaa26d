/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow rules on their way from a system call to the device: what the kernel's mlx5_ib makes of
 * verbs specs and of mlx5dv matchers.
 */
#ifndef EMU_FLOW_H
#define EMU_FLOW_H

#include <rdma/ib_user_verbs.h>

#include "emu_dev.h"
#include "uverbs.h"

/* enum ib_flow_attr_type, which the uapi headers lack */
enum { EMU_FLOW_NORMAL, EMU_FLOW_ALL_DEFAULT, EMU_FLOW_MC_DEFAULT, EMU_FLOW_SNIFFER };

#define EMU_MAX_SPECS	   10u /* IB core: IB_FLOW_SPEC_SUPPORT_LAYERS */
#define EMU_FLOW_LAST_PRIO 15u /* mlx5_ib: MLX5_IB_FLOW_LAST_PRIO */

/* A rule as it is asked for. Mask and value lie as fte_match_param does. */
struct emu_flow_ask {
	uint8_t mask[EMU_MATCH_SIZE];
	uint8_t value[EMU_MATCH_SIZE];
	unsigned level; /* EMU_LEVEL_* */
	uint16_t flags; /* EMU_RULE_DROP, _MISS, _HAS_TAG, _NEXT, _DECAP, _SEND */
	uint32_t tag;
	uint32_t counter;	   /* of the wire's; 0: none */
	uint16_t reformat, modify; /* likewise */
	bool egress;		   /* NIC_TX */
	unsigned port;		   /* of the device, whose samples it may name */
	uint32_t previous;	   /* type of the verbs spec before this one */
};

#define EMU_FLOW_HELD 16u /* a matcher, a QP, a counter, and an object for each spec */

/* What stands behind a flow handle. */
struct emu_flow {
	struct emu_dev *dev;
	struct emu_tir *tir; /* destination; NULL for the others */
	struct emu_object *held[EMU_FLOW_HELD];
	unsigned n_held;
	unsigned n_slots;
	unsigned slots[2]; /* ALL_DEFAULT is two rules: multicast and unicast */
};

/* The flow stands on obj, which is busy from emu_flow_publish() until the flow is destroyed. */
void emu_flow_hold(struct emu_flow *flow, struct emu_object *obj);
/* Makes flow's next rule; 0 or -errno. */
int emu_flow_add(struct emu_flow *flow, const struct emu_flow_ask *ask);
/* Gives the handle out for a flow with all its rules. NULL: no memory, and the rules are gone. */
struct emu_object *emu_flow_publish(struct emu_ctx *ctx, const struct emu_flow *flow);
/* Undoes emu_flow_add(). */
void emu_flow_remove(const struct emu_flow *flow);

/* Mask and value into the words of def; 0 or the kernel's errno. */
/* flow_broken.c: daqiri-emu --break; true: the rule is not to be made. */
bool emu_flow_spoil(struct emu_rule_def *def);
int emu_flow_pack(const struct emu_flow_ask *ask, struct emu_rule_def *def);

/* uverbs_flow_create.c: the write command of verbs */
int emu_flow_create(struct emu_call *call);

/* mlx5dv: uverbs_flow_dv.c */
int emu_flow_matcher_create(struct emu_call *call);
int emu_flow_matcher_destroy(struct emu_call *call);
int emu_flow_dv_create(struct emu_call *call);

/* uverbs_flow_action.c: the action of a handle into the rule; mlx5_ib: parse_flow_flow_action() */
int emu_flow_action_apply(const struct emu_object *action, struct emu_flow_ask *ask);

/*
 * uverbs_counters.c: counters of verbs into a rule. desc and n: what shall be counted where, from
 * the provider's part of CREATE_FLOW, in the program's memory; 0: as bound before.
 */
int emu_counters_bind(struct emu_object *counters, uint64_t desc, uint32_t n, uint32_t *number);
/* A flow with these counters goes: with the last one their description does, too. */
void emu_counters_unbind(struct emu_object *counters);

#endif
