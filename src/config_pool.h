/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once. */
#ifndef DQ_CONFIG_POOL_H
#define DQ_CONFIG_POOL_H

#include <stddef.h>

struct dq_pool;

struct dq_pool *dq_pool_create(void);
void dq_pool_destroy(struct dq_pool *pool);

/* Zeroed; never NULL for n = 0. NULL: no memory. */
void *dq_pool_alloc(struct dq_pool *pool, size_t n, size_t size);
char *dq_pool_strdup(struct dq_pool *pool, const char *s);

#endif
