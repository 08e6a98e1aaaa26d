/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What few rules match and no other part needs: the inner headers of a tunnel and the less usual
 * words of fte_match_param. Looked at only where a rule asks for it. Pure functions on bytes.
 */
#ifndef EMU_PACKET_DEEP_H
#define EMU_PACKET_DEEP_H

#include "packet.h"

/*
 * Words of fte_match_param: 0..31 as emu_pkt_parse() has them, inner headers from 32,
 * misc_parameters_2 from 48, _3 from 64, _4 from 80, _5 from 96. Samples of a parse graph, which
 * misc_parameters_4 names by number, are words of their own from 112.
 */
#define EMU_DEEP_WORDS	 120u
#define EMU_DEEP_SAMPLES 8u
enum {
	EMU_W_GRE = 16, /* which of its fields are there; and source_sqn */
	EMU_W_SECOND_VLAN = 18,
	EMU_W_SECOND_KIND = 19, /* and gre_protocol */
	EMU_W_GRE_KEY = 20,
	EMU_W_GENEVE = 22,
	EMU_W_INNER_LABEL = 24,
	EMU_W_GENEVE_OPT = 25,
	EMU_W_INNER_SPI = 27,
	EMU_W_SPI = 28,
	EMU_W_INNER = 32,
	EMU_W_MPLS = 48,
	EMU_W_INNER_MPLS = 49,
	EMU_W_MPLS_GRE = 50,
	EMU_W_MPLS_UDP = 51,
	EMU_W_REG_C7 = 52, /* down to c_0 in word 59 */
	EMU_W_REG_C0 = 59,
	EMU_W_REG_A = 60,
	EMU_W_INNER_SEQ = 64,
	EMU_W_SEQ = 65,
	EMU_W_INNER_ACK = 66,
	EMU_W_ACK = 67,
	EMU_W_GPE_VNI = 68,
	EMU_W_GPE_PROTO = 69,
	EMU_W_ICMP_DATA = 70,
	EMU_W_ICMP6_DATA = 71,
	EMU_W_ICMP_TYPE = 72,
	EMU_W_GTP_TEID = 74,
	EMU_W_GTP_TYPE = 75,
	EMU_W_GTP_DW2 = 76,
	EMU_W_GTP_EXT = 77,
	EMU_W_GTP_DW0 = 78,
	EMU_W_MISC4 = 80,
	EMU_W_TUNNEL = 100, /* tunnel_header_0..3 */
	EMU_W_SAMPLE = 112
};

enum emu_tunnel_kind {
	EMU_TUNNEL_NONE,
	EMU_TUNNEL_VXLAN,
	EMU_TUNNEL_VXLAN_GPE,
	EMU_TUNNEL_GENEVE,
	EMU_TUNNEL_GTP,
	EMU_TUNNEL_GRE,
	EMU_TUNNEL_IP,
	EMU_TUNNEL_MPLS_UDP
};

enum emu_inner { EMU_INNER_NONE, EMU_INNER_L2, EMU_INNER_L3 };

struct emu_tunnel {
	enum emu_tunnel_kind kind;
	enum emu_inner inner; /* what begins at off */
	uint32_t header;      /* where the tunnel's own header begins */
	uint32_t off;	      /* and what lies in it */
};

/* kind NONE: pkt has no tunnel that the parser knows, or it is cut off. */
struct emu_tunnel emu_tunnel_find(const struct emu_pkt *pkt, const uint8_t *data, uint32_t len);

/* All words of a frame that was parsed into pkt, but samples and registers, which are zeroed. */
void emu_pkt_parse_deep(uint32_t words[EMU_DEEP_WORDS], const struct emu_pkt *pkt,
			const uint8_t *data, uint32_t len);

#endif
