/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table whose links lie in what it holds. It grows, and without memory to grow it only gets
 * slower, so that nothing is ever refused. Several entries may have one hash: who looks compares.
 */
#ifndef DQ_HASH_H
#define DQ_HASH_H

#include <stddef.h>
#include <stdint.h>

struct dq_link {
	struct dq_link *next;
	uint64_t hash;
};

enum { DQ_HASH_FEW = 32 };

struct dq_hash {
	struct dq_link *few[DQ_HASH_FEW];
	struct dq_link **buckets; /* NULL: few */
	size_t mask;		  /* number of buckets - 1 */
	size_t n;
};

/* The structure that a link is a member of. */
#define DQ_HASH_ENTRY(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

uint64_t dq_hash_bytes(const void *bytes, size_t n);

void dq_hash_add(struct dq_hash *table, struct dq_link *link, uint64_t hash);
void dq_hash_remove(struct dq_hash *table, struct dq_link *link);

/* The entries of this hash, one after the other; NULL: no more. */
struct dq_link *dq_hash_first(const struct dq_hash *table, uint64_t hash);
struct dq_link *dq_hash_next(const struct dq_link *link);

/* Frees the table, not the entries. */
void dq_hash_free(struct dq_hash *table);

#endif
