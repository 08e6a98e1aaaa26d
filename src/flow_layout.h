/* SPDX-License-Identifier: Apache-2.0 */
/* Where fields of headers stand in a match: byte offsets in fte_match_param (PRM). */
#ifndef DQ_FLOW_LAYOUT_H
#define DQ_FLOW_LAYOUT_H

#include "flow_match.h"

/* In fte_match_set_lyr_2_4: the outer headers, and the inner ones. */
enum {
	DQ_AT_SMAC = 0,
	DQ_AT_ETHERTYPE = 6,
	DQ_AT_DMAC = 8,
	DQ_AT_FIRST_VLAN = 14, /* first_prio, first_cfi, first_vid */
	DQ_AT_IP_PROTOCOL = 16,
	DQ_AT_FLAGS = 18, /* cvlan_tag, svlan_tag, frag, ip_version, tcp_flags */
	DQ_AT_TCP_SPORT = 20,
	DQ_AT_TCP_DPORT = 22,
	DQ_AT_UDP_SPORT = 28,
	DQ_AT_UDP_DPORT = 30,
	DQ_AT_SRC_IPV6 = 32,
	DQ_AT_SRC_IPV4 = 44,
	DQ_AT_DST_IPV6 = 48,
	DQ_AT_DST_IPV4 = 60,
};

/* Of DQ_AT_FLAGS. */
enum { DQ_CVLAN_TAG = 0x8000, DQ_IP_VERSION = 0x1e00, DQ_IP_VERSION_SHIFT = 9 };

/* In fte_match_set_misc, from the first byte of the match on. */
enum {
	DQ_AT_GRE_FLAGS = DQ_SECTION_MISC * DQ_SECTION_BYTES, /* c, reserved, k and s present */
	DQ_AT_SENDER = DQ_AT_GRE_FLAGS + 1,		      /* source_sqn, 24 bits */
	DQ_AT_GRE_PROTOCOL = DQ_AT_GRE_FLAGS + 14,
	DQ_AT_GRE_KEY = DQ_AT_GRE_FLAGS + 16,
	DQ_AT_VXLAN_VNI = DQ_AT_GRE_FLAGS + 20, /* 24 bits */
};

enum { DQ_GRE_ALL = 0xb000, DQ_GRE_HAS_KEY = 0x2000 }; /* of DQ_AT_GRE_FLAGS */

#endif
