/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled rules of a port. Changed by the control path while the engine stands still, or by
 * the engine when another process changed a rule; looked up by the engine.
 */
#include "steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OWNERS 32u

struct group {
	uint32_t order; /* level << 16 | group: sort key */
	uint32_t n_words;
	uint8_t index[EMU_RULE_WORDS];
	uint32_t mask[EMU_RULE_WORDS];
	uint32_t n_ftes;
	uint32_t n_buckets; /* power of two */
	struct emu_fte **buckets;
};

struct ref {
	struct group *group;
	struct emu_fte *fte;
};

struct emu_steer {
	unsigned n_groups, max_groups;
	struct group **groups; /* by order */
	unsigned max_rules;
	struct ref *refs; /* by slot of the rule */
	unsigned owner_rules[OWNERS];
	uint32_t owners; /* a bit where owner_rules is not 0 */
	unsigned loops_uc, loops_mc;
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

static void fte_free(struct emu_fte *fte)
{
	free(fte->dests);
	free(fte);
}

static void group_free(struct group *group)
{
	free(group->buckets);
	free(group);
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

/* Multiplicative mixing: the upper half of the result is what buckets are chosen by. */
static inline uint64_t mix(uint64_t hash, uint32_t word)
{
	return (hash ^ word) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

static inline uint32_t bucket_of(const struct group *group, uint64_t hash)
{
	return (uint32_t)(hash >> 40) & (group->n_buckets - 1);
}

static uint64_t hash_value(const uint32_t *value, unsigned n)
{
	uint64_t hash = 1;
	unsigned i;

	for (i = 0; i < n; i++)
		hash = mix(hash, value[i]);
	return hash;
}

static inline bool same_words(const uint32_t *a, const uint32_t *b, unsigned n)
{
	uint32_t diff = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

static struct emu_fte *group_find(const struct group *group, const uint32_t *value, uint64_t hash)
{
	struct emu_fte *fte = group->buckets[bucket_of(group, hash)];

	while (fte && (fte->hash != hash || !same_words(fte->value, value, group->n_words)))
		fte = fte->next;
	return fte;
}

static inline const struct emu_fte *group_lookup(const struct group *group, const uint32_t *match)
{
	uint32_t value[EMU_RULE_WORDS];
	uint64_t hash = 1;
	unsigned i;

	for (i = 0; i < group->n_words; i++) {
		value[i] = match[group->index[i]] & group->mask[i];
		hash = mix(hash, value[i]);
	}
	return group_find(group, value, hash);
}

const struct emu_fte *emu_steer_lookup(const struct emu_steer *steer, const uint32_t *match,
				       unsigned first, unsigned last)
{
	const struct emu_fte *fte;
	const struct group *group;
	unsigned i, level;

	for (i = 0; i < steer->n_groups; i++) {
		group = steer->groups[i];
		level = group->order >> 16;
		if (level < first)
			continue;
		if (level > last)
			break;
		fte = group_lookup(group, match);
		if (fte)
			return fte;
	}
	return NULL;
}

static bool same_mask(const struct group *group, const struct emu_rule_def *def)
{
	return group->n_words == def->n_words &&
	       memcmp(group->index, def->index, def->n_words) == 0 &&
	       same_words(group->mask, def->mask, def->n_words);
}

/* Rules of one match value share tag and action, or are refused (mlx5_core: conflicting FTEs). */
static int check_conflict(const struct emu_fte *fte, const struct emu_rule_def *def)
{
	const uint16_t action = EMU_RULE_DROP | EMU_RULE_MISS;

	if ((fte->flags & action) != (def->flags & action))
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
	uint64_t hash = hash_value(def->value, def->n_words);
	unsigned unused = 0, i, number;
	const struct emu_fte *fte;
	const struct group *group;
	bool room = false;

	for (i = 0; i < steer->n_groups; i++) {
		group = steer->groups[i];
		if (group->order >> 16 != def->level)
			continue;
		number = group->order & 0xffff;
		if (number == unused)
			unused++;
		if (!same_mask(group, def))
			continue;
		fte = group_find(group, def->value, hash);
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

static struct group *group_new(const struct emu_rule_def *def, uint32_t order)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->n_buckets = 4;
	group->buckets = calloc(group->n_buckets, sizeof(struct emu_fte *));
	if (!group->buckets) {
		free(group);
		return NULL;
	}
	group->order = order;
	group->n_words = def->n_words;
	memcpy(group->index, def->index, sizeof(group->index));
	memcpy(group->mask, def->mask, sizeof(group->mask));
	return group;
}

static int reserve_group(struct emu_steer *steer)
{
	unsigned max = steer->max_groups ? steer->max_groups * 2 : 8;
	struct group **groups;

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
static struct group *group_get(struct emu_steer *steer, const struct emu_rule_def *def)
{
	uint32_t order = (uint32_t)def->level << 16 | def->group;
	struct group *group;
	unsigned i = 0;

	while (i < steer->n_groups && steer->groups[i]->order < order)
		i++;
	if (i < steer->n_groups && steer->groups[i]->order == order)
		return steer->groups[i];
	if (reserve_group(steer))
		return NULL;
	group = group_new(def, order);
	if (!group)
		return NULL;
	memmove(&steer->groups[i + 1], &steer->groups[i],
		(steer->n_groups - i) * sizeof(*steer->groups));
	steer->groups[i] = group;
	steer->n_groups++;
	return group;
}

static void group_drop_if_empty(struct emu_steer *steer, struct group *group)
{
	unsigned i = 0;

	if (group->n_ftes)
		return;
	while (steer->groups[i] != group)
		i++;
	memmove(&steer->groups[i], &steer->groups[i + 1],
		(steer->n_groups - i - 1) * sizeof(*steer->groups));
	steer->n_groups--;
	group_free(group);
}

static void group_link(struct group *group, struct emu_fte *fte)
{
	struct emu_fte **head = &group->buckets[bucket_of(group, fte->hash)];

	fte->next = *head;
	*head = fte;
}

/* Keeps buckets about one deep; without memory they just become deeper. */
static void group_grow(struct group *group)
{
	uint32_t n_old = group->n_buckets, i;
	struct emu_fte **old = group->buckets;
	struct emu_fte *fte, *next;
	struct emu_fte **buckets;

	if (group->n_ftes < n_old)
		return;
	buckets = calloc((size_t)n_old * 4, sizeof(struct emu_fte *));
	if (!buckets)
		return;
	group->buckets = buckets;
	group->n_buckets = n_old * 4;
	for (i = 0; i < n_old; i++) {
		for (fte = old[i]; fte; fte = next) {
			next = fte->next;
			group_link(group, fte);
		}
	}
	free(old);
}

static struct emu_fte *fte_get(struct group *group, const struct emu_rule_def *def)
{
	uint64_t hash = hash_value(def->value, def->n_words);
	struct emu_fte *fte = group_find(group, def->value, hash);

	if (fte)
		return fte;
	fte = calloc(1, sizeof(*fte) + def->n_words * sizeof(fte->value[0]));
	if (!fte)
		return NULL;
	fte->hash = hash;
	fte->tag = def->tag;
	fte->flags = def->flags;
	memcpy(fte->value, def->value, def->n_words * sizeof(fte->value[0]));
	group_grow(group);
	group_link(group, fte);
	group->n_ftes++;
	return fte;
}

static void fte_drop_if_empty(struct group *group, struct emu_fte *fte)
{
	struct emu_fte **link = &group->buckets[bucket_of(group, fte->hash)];

	if (fte->n_dests)
		return;
	while (*link != fte)
		link = &(*link)->next;
	*link = fte->next;
	group->n_ftes--;
	fte_free(fte);
}

/* The same TIR in two rules of one match is one destination, as in mlx5_core. */
static void mark_again(struct emu_fte *fte)
{
	struct emu_dest *d = fte->dests;
	unsigned i, j;

	for (i = 0; i < fte->n_dests; i++) {
		d[i].again = false;
		for (j = 0; j < i; j++)
			if (d[j].owner == d[i].owner && d[j].tir == d[i].tir)
				d[i].again = true;
	}
}

static int fte_add_dest(struct emu_fte *fte, const struct emu_rule_def *def, unsigned slot)
{
	struct emu_dest *dests = realloc(fte->dests, (fte->n_dests + 1u) * sizeof(*dests));
	struct emu_dest *dest;

	if (!dests)
		return -ENOMEM;
	fte->dests = dests;
	dest = &dests[fte->n_dests++];
	dest->tir = def->tir;
	dest->ctx = def->ctx;
	dest->slot = slot;
	dest->owner = def->owner;
	dest->flags = def->flags;
	mark_again(fte);
	return 0;
}

static void account(struct emu_steer *steer, const struct emu_dest *dest, unsigned by)
{
	unsigned owner = dest->owner % OWNERS;

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
	struct group *group;
	struct emu_fte *fte;

	if (slot >= steer->max_rules || steer->refs[slot].fte)
		return -EINVAL;
	group = group_get(steer, def);
	if (!group)
		return -ENOMEM;
	fte = fte_get(group, def);
	if (!fte)
		goto err_group;
	if (fte_add_dest(fte, def, slot))
		goto err_fte;
	account(steer, &fte->dests[fte->n_dests - 1], 1);
	steer->refs[slot].group = group;
	steer->refs[slot].fte = fte;
	return 0;

err_fte:
	fte_drop_if_empty(group, fte);
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
	account(steer, &ref.fte->dests[i], -1u);
	ref.fte->n_dests--;
	memmove(&ref.fte->dests[i], &ref.fte->dests[i + 1],
		(ref.fte->n_dests - i) * sizeof(ref.fte->dests[0]));
	mark_again(ref.fte);
	steer->refs[slot] = (struct ref){NULL, NULL};
	fte_drop_if_empty(ref.group, ref.fte);
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
