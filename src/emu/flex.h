/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programmable parser (FLEX_PARSE_GRAPH): headers that programs tell the card of, and the words
 * of them that rules match. Pure functions on bytes.
 */
#ifndef EMU_FLEX_H
#define EMU_FLEX_H

#include "packet_deep.h"

/* PRM: parse_graph_arc.arc_parse_graph_node, those that a header may follow here */
enum {
	EMU_NODE_NULL = 0x00,
	EMU_NODE_MAC = 0x02,
	EMU_NODE_IP = 0x03,
	EMU_NODE_UDP = 0x05,
	EMU_NODE_IPV4 = 0x0b,
	EMU_NODE_IPV6 = 0x0c
};
#define EMU_NODES_IN                                                                               \
	(1u << EMU_NODE_MAC | 1u << EMU_NODE_IP | 1u << EMU_NODE_UDP | 1u << EMU_NODE_IPV4 |       \
	 1u << EMU_NODE_IPV6)
#define EMU_FLEX_ARCS	8u
#define EMU_FLEX_HEADER 255u /* bytes of the longest header that can be told */

struct emu_arc {
	uint16_t node;	/* NULL: none */
	uint16_t value; /* ethertype, IP protocol or UDP destination port */
};

/* A word of a header, wherever that begins. Lies in shared memory. */
struct emu_sample {
	uint32_t id;	/* as rules name it; 0: not there. Written last */
	uint8_t owner;	/* slot + 1 of the process that made it; 0: free */
	uint8_t header; /* bytes of the header, which must be in the frame as a whole */
	uint8_t offset; /* of the word in it */
	struct emu_arc arcs[EMU_FLEX_ARCS];
};

/* Fills in EMU_W_SAMPLE and on, what is not in the frame with 0. */
void emu_flex_words(uint32_t words[EMU_DEEP_WORDS],
		    const struct emu_sample samples[EMU_DEEP_SAMPLES], const struct emu_pkt *pkt,
		    const uint8_t *data, uint32_t len);

#endif
