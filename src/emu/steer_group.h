/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One group of a flow table: rules of one mask, found by their values. For steer.c only.
 */
#ifndef EMU_STEER_GROUP_H
#define EMU_STEER_GROUP_H

#include "steer.h"

struct emu_group {
	uint32_t order; /* level << 16 | group: sort key */
	uint32_t n_words;
	uint8_t index[EMU_RULE_WORDS];
	uint32_t mask[EMU_RULE_WORDS];
	uint32_t n_ftes;
	uint32_t n_buckets; /* power of two */
	struct emu_fte **buckets;
};

/* Multiplicative mixing: the upper half of the result is what buckets are chosen by. */
static inline uint64_t mix(uint64_t hash, uint32_t word)
{
	return (hash ^ word) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

static inline uint32_t bucket_of(const struct emu_group *group, uint64_t hash)
{
	return (uint32_t)(hash >> 40) & (group->n_buckets - 1);
}

static inline bool same_words(const uint32_t *a, const uint32_t *b, unsigned n)
{
	uint32_t diff = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

static inline struct emu_fte *emu_group_find(const struct emu_group *group, const uint32_t *value,
					     uint64_t hash)
{
	struct emu_fte *fte = group->buckets[bucket_of(group, hash)];

	while (fte && (fte->hash != hash || !same_words(fte->value, value, group->n_words)))
		fte = fte->next;
	return fte;
}

static inline const struct emu_fte *emu_group_lookup(const struct emu_group *group,
						     const uint32_t *match)
{
	uint32_t value[EMU_RULE_WORDS];
	uint64_t hash = 1;
	unsigned i;

	for (i = 0; i < group->n_words; i++) {
		value[i] = match[group->index[i]] & group->mask[i];
		hash = mix(hash, value[i]);
	}
	return emu_group_find(group, value, hash);
}

uint64_t emu_group_hash(const uint32_t *value, unsigned n);
bool emu_group_same_mask(const struct emu_group *group, const struct emu_rule_def *def);
struct emu_group *emu_group_new(const struct emu_rule_def *def, uint32_t order);
void emu_group_free(struct emu_group *group);
/* The entry of the rule's value; made where it is not there yet. NULL: no memory. */
struct emu_fte *emu_group_get(struct emu_group *group, const struct emu_rule_def *def);
void emu_group_drop_fte(struct emu_group *group, struct emu_fte *fte);
int emu_fte_add_dest(struct emu_fte *fte, const struct emu_rule_def *def, unsigned slot);
/* After its destinations have changed. */
void emu_fte_mark_again(struct emu_fte *fte);

#endif
