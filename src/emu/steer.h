/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering: which rule of a port gets a frame. A steer is one process's compiled form of all rules
 * of one port, its own and those of other processes of the wire; the rules themselves lie in shared
 * memory (wire_rule.c). Pure data structure: no thread of its own, no shared memory, no lock.
 */
#ifndef EMU_STEER_H
#define EMU_STEER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Levels, in the order in which a frame meets them. Normal rules have two for each priority, the
 * first for rules that let the frame go on (mlx5_ib: ib_prio_to_core_prio).
 */
#define EMU_LEVEL(priority, next) ((priority)*2u + ((next) ? 0u : 1u))
#define EMU_LEVEL_MCAST		  32u /* multicast-only rules, whatever their priority */
#define EMU_LEVEL_LEFTOVER	  33u /* ALL_DEFAULT and MC_DEFAULT: behind the kernel's tables */
#define EMU_LEVEL_SNIFF_RX	  34u /* beside all others: copies of what comes, */
#define EMU_LEVEL_SNIFF_TX	  35u /* and of what goes */
#define EMU_LEVEL_EGRESS	  36u /* NIC_TX: its levels 0..EMU_LEVEL_MCAST begin here */
#define EMU_LEVELS		  (EMU_LEVEL_EGRESS + EMU_LEVEL_MCAST + 1u)

/* mlx5_ib: MLX5_FS_MAX_ENTRIES in MLX5_FS_MAX_TYPES groups, and one more for narrow groups */
#define EMU_GROUPS_WIDE	 6u
#define EMU_GROUP_RULES	 9362u
#define EMU_GROUPS_LEVEL (EMU_GROUPS_WIDE + 65536u - EMU_GROUPS_WIDE * EMU_GROUP_RULES)

#define EMU_RULE_WORDS 32u /* words of a mask that may differ from zero */

enum emu_rule_flags {
	EMU_RULE_DROP = 1,
	EMU_RULE_MISS = 2, /* on to the kernel */
	EMU_RULE_HAS_TAG = 4,
	EMU_RULE_LB_UC = 8, /* the TIR takes this port's own unicast, or multicast, frames */
	EMU_RULE_LB_MC = 16,
	EMU_RULE_NEXT = 32,  /* the frame goes on to later levels, too */
	EMU_RULE_DECAP = 64, /* takes an L2 tunnel's headers off */
	EMU_RULE_SEND = 128, /* NIC_TX: on to the cable */
	EMU_RULE_DEEP = 256  /* its mask needs emu_pkt_parse_deep() */
};

/* A rule, as it lies in shared memory. */
struct emu_rule_def {
	uint16_t level;
	uint16_t group; /* within the level; given by emu_steer_place() */
	uint16_t owner; /* slot of the process that made it */
	uint16_t flags;
	uint32_t tag;
	uint32_t counter;	   /* of the wire's, from 1; 0: none */
	uint16_t reformat, modify; /* actions of the wire's, from 1; 0: none */
	uint32_t n_words;
	uint8_t index[EMU_RULE_WORDS]; /* ascending word numbers of fte_match_param */
	uint32_t mask[EMU_RULE_WORDS]; /* never zero; big endian as in the frame */
	uint32_t value[EMU_RULE_WORDS];
	uint64_t tir; /* struct emu_tir * and struct emu_ctx *, good in the owner only */
	uint64_t ctx;
};

struct emu_dest {
	uint64_t tir, ctx;
	uint32_t slot; /* of the rule */
	uint32_t counter;
	uint16_t owner, flags;
	bool again; /* an earlier entry is the same TIR: one frame, one delivery */
};

/* One match value: all rules with that match in that level. */
struct emu_fte {
	struct emu_fte *next; /* in the hash bucket */
	uint64_t hash;
	uint32_t tag;
	uint16_t flags;
	uint16_t level;
	uint16_t reformat, modify;
	uint16_t n_dests;
	uint16_t n_counted; /* destinations with a counter */
	struct emu_dest *dests;
	uint32_t value[]; /* as many words as the group's mask has */
};

struct emu_steer;

struct emu_steer *emu_steer_new(unsigned max_rules);
void emu_steer_free(struct emu_steer *steer);

/*
 * Finds the group for a new rule, as mlx5_core's automatic groups would: 0, -EEXIST (same match,
 * other tag or action), -ENOSPC (no group left).
 */
int emu_steer_place(const struct emu_steer *steer, struct emu_rule_def *def);
int emu_steer_add(struct emu_steer *steer, const struct emu_rule_def *def, unsigned slot);
void emu_steer_del(struct emu_steer *steer, unsigned slot);

/* The winner among levels first..last; NULL: none matches. */
const struct emu_fte *emu_steer_lookup(const struct emu_steer *steer, const uint32_t *match,
				       unsigned first, unsigned last);

/* Processes that own rules here, a bit each; and whether any rule takes looped-back frames. */
uint32_t emu_steer_owners(const struct emu_steer *steer);
bool emu_steer_loops(const struct emu_steer *steer, uint16_t lb_flag);
/* Whether there are rules of NIC_TX, or sniffers: what few have costs the others one look. */
bool emu_steer_egress(const struct emu_steer *steer);
bool emu_steer_sniffs(const struct emu_steer *steer);
/* Whether any mask needs emu_pkt_parse_deep(). */
bool emu_steer_deep(const struct emu_steer *steer);

#endif
