/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian fields, in types that sparse tells from numbers; glibc's htobe32() does not. */
#ifndef EMU_BE_H
#define EMU_BE_H

#include <endian.h>
#include <linux/types.h>
#include <stdint.h>

#ifdef __CHECKER__
#define EMU_FORCE __attribute__((force))
#else
#define EMU_FORCE
#endif

static inline __be16 emu_to_be16(uint16_t v)
{
	return (EMU_FORCE __be16)htobe16(v);
}

static inline __be32 emu_to_be32(uint32_t v)
{
	return (EMU_FORCE __be32)htobe32(v);
}

static inline __be64 emu_to_be64(uint64_t v)
{
	return (EMU_FORCE __be64)htobe64(v);
}

static inline uint16_t emu_from_be16(__be16 v)
{
	return be16toh((EMU_FORCE uint16_t)v);
}

static inline uint32_t emu_from_be32(__be32 v)
{
	return be32toh((EMU_FORCE uint32_t)v);
}

static inline uint64_t emu_from_be64(__be64 v)
{
	return be64toh((EMU_FORCE uint64_t)v);
}

/* A counter of a doorbell record. Pairs with the program's barrier between its ring and it. */
static inline uint32_t emu_read_dbrec(const __be32 *rec)
{
	return be32toh(__atomic_load_n((const EMU_FORCE uint32_t *)rec, __ATOMIC_ACQUIRE));
}

/* Before the program has the record: any value that it will overwrite. */
static inline void emu_poison_dbrec(__be32 *rec, uint32_t raw)
{
	__atomic_store_n((EMU_FORCE uint32_t *)rec, raw, __ATOMIC_RELAXED);
}

#endif
