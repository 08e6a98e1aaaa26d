/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of flow rules, and their entries. */
#include "steer_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fte_free(struct emu_fte *fte)
{
	free(fte->dests);
	free(fte);
}

void emu_group_free(struct emu_group *group)
{
	free(group->buckets);
	free(group);
}

uint64_t emu_group_hash(const uint32_t *value, unsigned n)
{
	uint64_t hash = 1;
	unsigned i;

	for (i = 0; i < n; i++)
		hash = mix(hash, value[i]);
	return hash;
}

bool emu_group_same_mask(const struct emu_group *group, const struct emu_rule_def *def)
{
	return group->n_words == def->n_words &&
	       memcmp(group->index, def->index, def->n_words) == 0 &&
	       same_words(group->mask, def->mask, def->n_words);
}

struct emu_group *emu_group_new(const struct emu_rule_def *def, uint32_t order)
{
	struct emu_group *group = calloc(1, sizeof(*group));

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

static void group_link(struct emu_group *group, struct emu_fte *fte)
{
	struct emu_fte **head = &group->buckets[bucket_of(group, fte->hash)];

	fte->next = *head;
	*head = fte;
}

/* Keeps buckets about one deep; without memory they just become deeper. */
static void group_grow(struct emu_group *group)
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

struct emu_fte *emu_group_get(struct emu_group *group, const struct emu_rule_def *def)
{
	uint64_t hash = emu_group_hash(def->value, def->n_words);
	struct emu_fte *fte = emu_group_find(group, def->value, hash);

	if (fte)
		return fte;
	fte = calloc(1, sizeof(*fte) + def->n_words * sizeof(fte->value[0]));
	if (!fte)
		return NULL;
	fte->hash = hash;
	fte->tag = def->tag;
	fte->flags = def->flags;
	fte->level = def->level;
	fte->reformat = def->reformat;
	fte->modify = def->modify;
	memcpy(fte->value, def->value, def->n_words * sizeof(fte->value[0]));
	group_grow(group);
	group_link(group, fte);
	group->n_ftes++;
	return fte;
}

void emu_group_drop_fte(struct emu_group *group, struct emu_fte *fte)
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
void emu_fte_mark_again(struct emu_fte *fte)
{
	struct emu_dest *d = fte->dests;
	unsigned i, j;

	fte->n_counted = 0;
	for (i = 0; i < fte->n_dests; i++) {
		fte->n_counted = (uint16_t)(fte->n_counted + !!d[i].counter);
		d[i].again = false;
		for (j = 0; j < i; j++)
			if (d[j].owner == d[i].owner && d[j].tir == d[i].tir)
				d[i].again = true;
	}
}

int emu_fte_add_dest(struct emu_fte *fte, const struct emu_rule_def *def, unsigned slot)
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
	dest->counter = def->counter;
	dest->owner = def->owner;
	dest->flags = def->flags;
	emu_fte_mark_again(fte);
	return 0;
}
