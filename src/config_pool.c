/* SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config_pool.h"

struct piece {
	struct piece *next;
	alignas(max_align_t) unsigned char bytes[];
};

struct dq_pool {
	struct piece *pieces;
};

struct dq_pool *dq_pool_create(void)
{
	return calloc(1, sizeof(struct dq_pool));
}

void dq_pool_destroy(struct dq_pool *pool)
{
	if (!pool)
		return;
	while (pool->pieces) {
		struct piece *next = pool->pieces->next;

		free(pool->pieces);
		pool->pieces = next;
	}
	free(pool);
}

void *dq_pool_alloc(struct dq_pool *pool, size_t n, size_t size)
{
	struct piece *piece;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	piece = calloc(1, sizeof(*piece) + bytes);
	if (!piece)
		return NULL;
	piece->next = pool->pieces;
	pool->pieces = piece;
	return piece->bytes;
}

char *dq_pool_strdup(struct dq_pool *pool, const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = dq_pool_alloc(pool, size, 1);

	return copy ? memcpy(copy, s, size) : NULL;
}
