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

/* A rule as it is asked for. Mask and value lie as fte_match_param does. */
struct emu_flow_ask {
	uint8_t mask[EMU_MATCH_SIZE];
	uint8_t value[EMU_MATCH_SIZE];
	unsigned level; /* EMU_LEVEL_*, or the priority */
	uint16_t flags; /* EMU_RULE_DROP, _MISS, _HAS_TAG */
	uint32_t tag;
	struct emu_tir *tir;	 /* destination; NULL for the others */
	struct emu_object *dest; /* the queue pair or DevX object that it belongs to */
	struct emu_object *matcher;
};

/* What stands behind a flow handle. */
struct emu_flow {
	struct emu_dev *dev;
	struct emu_tir *tir;
	struct emu_object *dest;
	struct emu_object *matcher;
	unsigned n_slots;
	unsigned slots[2]; /* ALL_DEFAULT is two rules: multicast and unicast */
};

/* Makes flow's next rule; 0 or -errno. */
int emu_flow_add(struct emu_flow *flow, const struct emu_flow_ask *ask);
/* Gives the handle out for a flow with all its rules; takes the users. NULL: no memory. */
struct emu_object *emu_flow_publish(struct emu_ctx *ctx, const struct emu_flow *flow);
/* Undoes emu_flow_add(). */
void emu_flow_remove(const struct emu_flow *flow);

/* mlx5_core: fields that this device cannot match: -EOPNOTSUPP; value bits outside mask: -EINVAL.
 */
int emu_flow_pack(const struct emu_flow_ask *ask, struct emu_rule_def *def);

/* One verbs spec into mask and value; 0 or the kernel's errno. */
int emu_flow_spec(const struct ib_uverbs_flow_spec_hdr *spec, struct emu_flow_ask *ask);
/* Whole attr with its specs behind it: what mlx5_ib checks across specs. */
bool emu_flow_specs_agree(const struct ib_uverbs_flow_attr *attr);
bool emu_flow_specs_multicast(const struct ib_uverbs_flow_attr *attr);

/* mlx5dv: uverbs_flow_dv.c */
int emu_flow_matcher_create(struct emu_call *call);
int emu_flow_matcher_destroy(struct emu_call *call);
int emu_flow_dv_create(struct emu_call *call);

#endif
