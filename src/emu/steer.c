/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled rules of a port. Changed by the control path while the engine stands still, or by
 * the engine when another process changed a rule; looked up by the engine.
 */
#include "steer_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OWNERS 32u

struct ref {
	struct emu_group *group;
	struct emu_fte *fte;
};

struct emu_steer {
	unsigned n_groups, max_groups;
	struct emu_group **groups; /* by order */
	unsigned max_rules;
	struct ref *refs; /* by slot of the rule */
	unsigned owner_rules[OWNERS];
	uint32_t owners;				   /* a bit where owner_rules is not 0 */
	unsigned loops_uc, loops_mc, egress, sniffs, deep; /* rules that are so */
};

struct emu_steer *emu_steer_new(unsigned max_rules)
{
	struct emu_steer *steer = calloc(1, sizeof(*steer));

	if (!steer)
		return NULL;
	steer->refs = calloc(max_rules, sizeof(*steer->refs));
	if (!steer->refs) {
		free(steer);
		return NULL;
	}
	steer->max_rules = max_rules;
	return steer;
}

void emu_steer_free(struct emu_steer *steer)
{
	unsigned slot;

	if (!steer)
		return;
	for (slot = 0; slot < steer->max_rules; slot++)
		emu_steer_del(steer, slot);
	free(steer->groups);
	free(steer->refs);
	free(steer);
}

const struct emu_fte *emu_steer_lookup(const struct emu_steer *steer, const uint32_t *match,
				       unsigned first, unsigned last)
{
	const struct emu_fte *fte;
	const struct emu_group *group;
	unsigned i, level;

	for (i = 0; i < steer->n_groups; i++) {
		group = steer->groups[i];
		level = group->order >> 16;
		if (level < first)
			continue;
		if (level > last)
			break;
		fte = emu_group_lookup(group, match);
		if (fte)
			return fte;
	}
	return NULL;
}

/*
 * Rules of one match value share tag and actions, or are refused (mlx5_core:
 * check_conflicting_ftes). Where to, other than nowhere, is each rule's own.
 */
static int check_conflict(const struct emu_fte *fte, const struct emu_rule_def *def)
{
	const uint16_t action = EMU_RULE_DROP | EMU_RULE_DECAP;

	if ((fte->flags & action) != (def->flags & action) || fte->reformat != def->reformat ||
	    fte->modify != def->modify)
		return -EEXIST;
	if ((def->flags & EMU_RULE_HAS_TAG) && fte->tag != def->tag)
		return -EEXIST;
	return 0;
}

static unsigned group_capacity(unsigned number)
{
	return number < EMU_GROUPS_WIDE ? EMU_GROUP_RULES : 1;
}

int emu_steer_place(const struct emu_steer *steer, struct emu_rule_def *def)
{
	uint64_t hash = emu_group_hash(def->value, def->n_words);
	unsigned unused = 0, i, number;
	const struct emu_fte *fte;
	const struct emu_group *group;
	bool room = false;

	for (i = 0; i < steer->n_groups; i++) {
		group = steer->groups[i];
		if (group->order >> 16 != def->level)
			continue;
		number = group->order & 0xffff;
		if (number == unused)
			unused++;
		if (!emu_group_same_mask(group, def))
			continue;
		fte = emu_group_find(group, def->value, hash);
		if (fte) {
			def->group = (uint16_t)number;
			return check_conflict(fte, def);
		}
		if (!room && group->n_ftes < group_capacity(number)) {
			def->group = (uint16_t)number;
			room = true;
		}
	}
	if (room)
		return 0;
	if (unused >= EMU_GROUPS_LEVEL)
		return -ENOSPC;
	def->group = (uint16_t)unused;
	return 0;
}

static int reserve_group(struct emu_steer *steer)
{
	unsigned max = steer->max_groups ? steer->max_groups * 2 : 8;
	struct emu_group **groups;

	if (steer->n_groups < steer->max_groups)
		return 0;
	groups = realloc(steer->groups, max * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	steer->groups = groups;
	steer->max_groups = max;
	return 0;
}

/* The group that the rule names; made where it is not there yet. */
static struct emu_group *group_get(struct emu_steer *steer, const struct emu_rule_def *def)
{
	uint32_t order = (uint32_t)def->level << 16 | def->group;
	struct emu_group *group;
	unsigned i = 0;

	while (i < steer->n_groups && steer->groups[i]->order < order)
		i++;
	if (i < steer->n_groups && steer->groups[i]->order == order)
		return steer->groups[i];
	if (reserve_group(steer))
		return NULL;
	group = emu_group_new(def, order);
	if (!group)
		return NULL;
	memmove(&steer->groups[i + 1], &steer->groups[i],
		(steer->n_groups - i) * sizeof(*steer->groups));
	steer->groups[i] = group;
	steer->n_groups++;
	return group;
}

static void group_drop_if_empty(struct emu_steer *steer, struct emu_group *group)
{
	unsigned i = 0;

	if (group->n_ftes)
		return;
	while (steer->groups[i] != group)
		i++;
	memmove(&steer->groups[i], &steer->groups[i + 1],
		(steer->n_groups - i - 1) * sizeof(*steer->groups));
	steer->n_groups--;
	emu_group_free(group);
}

static void account(struct emu_steer *steer, const struct emu_fte *fte, const struct emu_dest *dest,
		    unsigned by)
{
	unsigned owner = dest->owner % OWNERS;

	if (dest->flags & EMU_RULE_DEEP)
		steer->deep += by;
	if (fte->level == EMU_LEVEL_SNIFF_RX || fte->level == EMU_LEVEL_SNIFF_TX)
		steer->sniffs += by;
	if (fte->level >= EMU_LEVEL_EGRESS) {
		steer->egress += by; /* nothing is sent to its owner */
		return;
	}

	steer->owner_rules[owner] += by;
	steer->owners &= ~(1u << owner);
	if (steer->owner_rules[owner])
		steer->owners |= 1u << owner;
	if (dest->flags & EMU_RULE_LB_UC)
		steer->loops_uc += by;
	if (dest->flags & EMU_RULE_LB_MC)
		steer->loops_mc += by;
}

int emu_steer_add(struct emu_steer *steer, const struct emu_rule_def *def, unsigned slot)
{
	struct emu_group *group;
	struct emu_fte *fte;

	if (slot >= steer->max_rules || steer->refs[slot].fte)
		return -EINVAL;
	group = group_get(steer, def);
	if (!group)
		return -ENOMEM;
	fte = emu_group_get(group, def);
	if (!fte)
		goto err_group;
	if (emu_fte_add_dest(fte, def, slot))
		goto err_fte;
	account(steer, fte, &fte->dests[fte->n_dests - 1], 1);
	steer->refs[slot].group = group;
	steer->refs[slot].fte = fte;
	return 0;

err_fte:
	emu_group_drop_fte(group, fte);
err_group:
	group_drop_if_empty(steer, group);
	return -ENOMEM;
}

void emu_steer_del(struct emu_steer *steer, unsigned slot)
{
	struct ref ref = {NULL, NULL};
	unsigned i = 0;

	if (slot < steer->max_rules)
		ref = steer->refs[slot];
	if (!ref.fte)
		return;
	while (ref.fte->dests[i].slot != slot)
		i++;
	account(steer, ref.fte, &ref.fte->dests[i], -1u);
	ref.fte->n_dests--;
	memmove(&ref.fte->dests[i], &ref.fte->dests[i + 1],
		(ref.fte->n_dests - i) * sizeof(ref.fte->dests[0]));
	emu_fte_mark_again(ref.fte);
	steer->refs[slot] = (struct ref){NULL, NULL};
	emu_group_drop_fte(ref.group, ref.fte);
	group_drop_if_empty(steer, ref.group);
}

uint32_t emu_steer_owners(const struct emu_steer *steer)
{
	return steer->owners;
}

bool emu_steer_loops(const struct emu_steer *steer, uint16_t lb_flag)
{
	return lb_flag == EMU_RULE_LB_UC ? steer->loops_uc : steer->loops_mc;
}

bool emu_steer_egress(const struct emu_steer *steer)
{
	return steer->egress;
}

bool emu_steer_sniffs(const struct emu_steer *steer)
{
	return steer->sniffs;
}

bool emu_steer_deep(const struct emu_steer *steer)
{
	return steer->deep;
}
