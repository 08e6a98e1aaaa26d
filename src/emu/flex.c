/* SPDX-License-Identifier: Apache-2.0 */
/* Where headers that programs have told of begin, and their words. Engine's thread. */
#include "flex.h"

#include <endian.h>
#include <string.h>

#define W_ETHERTYPE 1u /* the low half of this word of fte_match_param */
#define W_UDP_DPORT 7u

static uint16_t low_half(const struct emu_pkt *pkt, unsigned word)
{
	return (uint16_t)be32toh(pkt->match[word]);
}

static bool follows_ip(const struct emu_pkt *pkt, const struct emu_arc *arc)
{
	if (arc->node == EMU_NODE_IPV4 && pkt->l3 != EMU_L3_IPV4)
		return false;
	if (arc->node == EMU_NODE_IPV6 && pkt->l3 != EMU_L3_IPV6)
		return false;
	return pkt->l3_good && !pkt->frag && pkt->ip_proto == arc->value;
}

/* Where the header begins; 0: the arc does not lead to it. */
static uint32_t begins(const struct emu_pkt *pkt, const struct emu_arc *arc)
{
	switch (arc->node) {
	case EMU_NODE_MAC:
		return low_half(pkt, W_ETHERTYPE) == arc->value ? pkt->l3_off : 0;
	case EMU_NODE_IP:
	case EMU_NODE_IPV4:
	case EMU_NODE_IPV6:
		return follows_ip(pkt, arc) ? pkt->l4_off : 0;
	case EMU_NODE_UDP:
		if (pkt->l4 != EMU_L4_UDP || low_half(pkt, W_UDP_DPORT) != arc->value)
			return 0;
		return pkt->l4_off + 8u;
	default:
		return 0;
	}
}

static uint32_t word_of(const struct emu_sample *s, const struct emu_pkt *pkt, const uint8_t *data,
			uint32_t len)
{
	uint32_t at = 0, word;
	unsigned i;

	for (i = 0; i < EMU_FLEX_ARCS && !at; i++)
		at = begins(pkt, &s->arcs[i]);
	if (!at || at + s->header > len || at + s->offset + sizeof(word) > len)
		return 0;
	memcpy(&word, data + at + s->offset, sizeof(word));
	return word;
}

void emu_flex_words(uint32_t words[EMU_DEEP_WORDS],
		    const struct emu_sample samples[EMU_DEEP_SAMPLES], const struct emu_pkt *pkt,
		    const uint8_t *data, uint32_t len)
{
	unsigned i;

	for (i = 0; i < EMU_DEEP_SAMPLES; i++) {
		/* pairs with take_sample() in wire_pool.c */
		if (__atomic_load_n(&samples[i].id, __ATOMIC_ACQUIRE))
			words[EMU_W_SAMPLE + i] = word_of(&samples[i], pkt, data, len);
	}
}
