/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Big-endian fields of the device, in types that sparse tells from numbers: glibc's htobe32() and
 * its like take and give plain integers. Nothing here costs an instruction more than those.
 */
#ifndef DQ_BYTEORDER_H
#define DQ_BYTEORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>

#ifdef __CHECKER__
#define DQ_FORCE __attribute__((force))
#else
#define DQ_FORCE
#endif

static inline __be16 dq_to_be16(uint16_t v)
{
	return (DQ_FORCE __be16)htobe16(v);
}

static inline __be32 dq_to_be32(uint32_t v)
{
	return (DQ_FORCE __be32)htobe32(v);
}

static inline __be64 dq_to_be64(uint64_t v)
{
	return (DQ_FORCE __be64)htobe64(v);
}

static inline uint16_t dq_from_be16(__be16 v)
{
	return be16toh((DQ_FORCE uint16_t)v);
}

static inline uint32_t dq_from_be32(__be32 v)
{
	return be32toh((DQ_FORCE uint32_t)v);
}

static inline uint64_t dq_from_be64(__be64 v)
{
	return be64toh((DQ_FORCE uint64_t)v);
}

/* A field that need not be aligned; returns where the next one begins. */
static inline uint8_t *dq_put_be16(uint8_t *at, uint16_t v)
{
	__be16 be = dq_to_be16(v);

	memcpy(at, &be, sizeof(be));
	return at + sizeof(be);
}

static inline uint8_t *dq_put_be32(uint8_t *at, uint32_t v)
{
	__be32 be = dq_to_be32(v);

	memcpy(at, &be, sizeof(be));
	return at + sizeof(be);
}

/* A key of the public API is an opaque number: the bytes as the device has them. */
static inline uint32_t dq_key_of_be32(__be32 v)
{
	return (DQ_FORCE uint32_t)v;
}

static inline __be32 dq_be32_of_key(uint32_t key)
{
	return (DQ_FORCE __be32)key;
}

/*
 * A counter in a doorbell record, which the device reads: one store, never torn. It orders nothing:
 * the barrier before it is the caller's.
 */
static inline void dq_doorbell_record(__be32 *rec, uint32_t v)
{
	__atomic_store_n((DQ_FORCE uint32_t *)rec, htobe32(v), __ATOMIC_RELAXED);
}

#endif
