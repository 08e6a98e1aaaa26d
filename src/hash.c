/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "hash.h"

/* FNV-1a. */
uint64_t dq_hash_bytes(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * 0x100000001b3u;
	return hash;
}

static size_t size_of(const struct dq_hash *table)
{
	return table->buckets ? table->mask + 1 : DQ_HASH_FEW;
}

static struct dq_link **bucket(struct dq_hash *table, uint64_t hash)
{
	return table->buckets ? &table->buckets[hash & table->mask]
			      : &table->few[hash % DQ_HASH_FEW];
}

static void put(struct dq_hash *table, struct dq_link *link)
{
	struct dq_link **head = bucket(table, link->hash);

	link->next = *head;
	*head = link;
}

static void grow(struct dq_hash *table)
{
	size_t n_old = size_of(table);
	struct dq_link **old = table->buckets, **from = old ? old : table->few, *next;
	struct dq_link **buckets = calloc(n_old * 2, sizeof(struct dq_link *));

	if (!buckets)
		return;
	table->buckets = buckets;
	table->mask = n_old * 2 - 1;
	for (size_t i = 0; i < n_old; i++) {
		for (struct dq_link *link = from[i]; link; link = next) {
			next = link->next;
			put(table, link);
		}
	}
	free(old);
}

void dq_hash_add(struct dq_hash *table, struct dq_link *link, uint64_t hash)
{
	if (table->n >= size_of(table))
		grow(table);
	link->hash = hash;
	put(table, link);
	table->n++;
}

void dq_hash_remove(struct dq_hash *table, struct dq_link *link)
{
	struct dq_link **p = bucket(table, link->hash);

	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	table->n--;
}

static struct dq_link *of_hash(struct dq_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct dq_link *dq_hash_first(const struct dq_hash *table, uint64_t hash)
{
	return of_hash(table->buckets ? table->buckets[hash & table->mask]
				      : table->few[hash % DQ_HASH_FEW],
		       hash);
}

struct dq_link *dq_hash_next(const struct dq_link *link)
{
	return of_hash(link->next, link->hash);
}

void dq_hash_free(struct dq_hash *table)
{
	free(table->buckets);
	*table = (struct dq_hash){0};
}
