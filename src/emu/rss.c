/* SPDX-License-Identifier: Apache-2.0 */
/* Toeplitz hash by table. Runs on the engine's thread, once per frame. */
#include "rss.h"

#include <rdma/mlx5-abi.h>
#include <string.h>

#include "emu_hw.h"

/* PRM, fte_match_set_lyr_2_4: where the parser put what is hashed */
enum { W_TCP = 5, W_UDP = 7, W_SRC = 8, W_DST = 12 };

#define FIELDS_IPV4 (MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4)
#define FIELDS_IPV6 (MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6)
#define FIELDS_TCP  (MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP)
#define FIELDS_UDP  (MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP)

/* The 32 bits of the key that begin at bit; the key is followed by zeros. */
static uint32_t key_window(const uint8_t *key, unsigned bit)
{
	uint64_t v = 0;
	unsigned i;

	for (i = 0; i < 5; i++)
		v = v << 8 | (bit / 8 + i < EMU_RSS_KEY_BYTES ? key[bit / 8 + i] : 0);
	return (uint32_t)(v >> (8 - bit % 8));
}

void emu_rss_table_init(struct emu_rss_table *table, const uint8_t key[EMU_RSS_KEY_BYTES])
{
	unsigned place, value, bit;
	uint32_t hash;

	for (place = 0; place < EMU_RSS_NIBBLES; place++) {
		for (value = 0; value < 16; value++) {
			hash = 0;
			for (bit = 0; bit < 4; bit++)
				if (value & (8u >> bit))
					hash ^= key_window(key, place * 4 + bit);
			table->part[place][value] = hash;
		}
	}
}

uint32_t emu_toeplitz(const struct emu_rss_table *table, const uint8_t *bytes, unsigned len)
{
	uint32_t hash = 0;
	unsigned i;

	for (i = 0; i < len && i < EMU_RSS_NIBBLES / 2; i++)
		hash ^= table->part[2 * (size_t)i][bytes[i] >> 4] ^
			table->part[2 * (size_t)i + 1][bytes[i] & 15];
	return hash;
}

struct input {
	uint8_t bytes[36];
	unsigned len;
	uint8_t type;
};

static inline void add(struct input *in, const void *src, unsigned size, uint8_t type)
{
	memcpy(in->bytes + in->len, src, size);
	in->len += size;
	in->type |= type;
}

/* False: the frame is not of the class that the fields ask for. */
static bool add_addresses(struct input *in, uint64_t fields, const struct emu_pkt *pkt)
{
	const uint32_t *m = pkt->match;

	if (fields & FIELDS_IPV4) {
		if (pkt->l3 != EMU_L3_IPV4)
			return false;
		if (fields & MLX5_RX_HASH_SRC_IPV4)
			add(in, &m[W_SRC + 3], 4, EMU_CQE_HASH_SRC_IPV4);
		if (fields & MLX5_RX_HASH_DST_IPV4)
			add(in, &m[W_DST + 3], 4, EMU_CQE_HASH_DST_IPV4);
	} else if (fields & FIELDS_IPV6) {
		if (pkt->l3 != EMU_L3_IPV6)
			return false;
		if (fields & MLX5_RX_HASH_SRC_IPV6)
			add(in, &m[W_SRC], 16, EMU_CQE_HASH_SRC_IPV6);
		if (fields & MLX5_RX_HASH_DST_IPV6)
			add(in, &m[W_DST], 16, EMU_CQE_HASH_DST_IPV6);
	}
	return true;
}

static bool add_ports(struct input *in, uint64_t fields, const struct emu_pkt *pkt)
{
	const uint8_t *tcp = (const uint8_t *)&pkt->match[W_TCP];
	const uint8_t *udp = (const uint8_t *)&pkt->match[W_UDP];

	if (fields & FIELDS_TCP) {
		if (pkt->l4 != EMU_L4_TCP)
			return false;
		if (fields & MLX5_RX_HASH_SRC_PORT_TCP)
			add(in, tcp, 2, EMU_CQE_HASH_SRC_TCP);
		if (fields & MLX5_RX_HASH_DST_PORT_TCP)
			add(in, tcp + 2, 2, EMU_CQE_HASH_DST_TCP);
	} else if (fields & FIELDS_UDP) {
		if (pkt->l4 != EMU_L4_UDP)
			return false;
		if (fields & MLX5_RX_HASH_SRC_PORT_UDP)
			add(in, udp, 2, EMU_CQE_HASH_SRC_UDP);
		if (fields & MLX5_RX_HASH_DST_PORT_UDP)
			add(in, udp + 2, 2, EMU_CQE_HASH_DST_UDP);
	}
	return true;
}

struct emu_rss_result emu_rss(const struct emu_rss_table *table, uint64_t fields,
			      const struct emu_pkt *pkt)
{
	struct emu_rss_result none = {0, 0};
	struct emu_rss_result result;
	struct input in = {.len = 0};

	if (!add_addresses(&in, fields, pkt) || !add_ports(&in, fields, pkt))
		return none;
	result.hash = emu_toeplitz(table, in.bytes, in.len);
	result.type = in.type;
	return result;
}
