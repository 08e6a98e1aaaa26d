/* SPDX-License-Identifier: Apache-2.0 */
/* Receive-side scaling: the Toeplitz hash over what a hash QP's fields name. Pure functions. */
#ifndef EMU_RSS_H
#define EMU_RSS_H

#include <stdint.h>

#include "packet.h"

#define EMU_RSS_KEY_BYTES 40
#define EMU_RSS_NIBBLES	  72 /* IPv6 addresses and ports: 36 bytes */

/* The hash of each nibble at each place: 72 loads make a hash, and no key bit is touched. */
struct emu_rss_table {
	uint32_t part[EMU_RSS_NIBBLES][16];
};

void emu_rss_table_init(struct emu_rss_table *table, const uint8_t key[EMU_RSS_KEY_BYTES]);

/* len <= 36 bytes, in network order; the Microsoft definition. */
uint32_t emu_toeplitz(const struct emu_rss_table *table, const uint8_t *bytes, unsigned len);

struct emu_rss_result {
	uint32_t hash;
	uint8_t type; /* CQE rx_hash_type; 0: the packet is not of the class, hash is 0 */
};

/* fields: MLX5_RX_HASH_* as the hash QP was created with. */
struct emu_rss_result emu_rss(const struct emu_rss_table *table, uint64_t fields,
			      const struct emu_pkt *pkt);

#endif
