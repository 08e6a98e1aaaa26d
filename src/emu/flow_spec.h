/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs flow specs as the IB core reads them, and what is checked across them. */
#ifndef EMU_FLOW_SPEC_H
#define EMU_FLOW_SPEC_H

#include "flow.h"

/* ib_verbs.h, enum ib_flow_spec_type: not in the uapi headers */
enum {
	EMU_SPEC_ETH = 0x20,
	EMU_SPEC_IPV4 = 0x30,
	EMU_SPEC_IPV6 = 0x31,
	EMU_SPEC_ESP = 0x34,
	EMU_SPEC_TCP = 0x40,
	EMU_SPEC_UDP = 0x41,
	EMU_SPEC_VXLAN = 0x50,
	EMU_SPEC_GRE = 0x51,
	EMU_SPEC_MPLS = 0x60,
	EMU_SPEC_ACTION_TAG = 0x1000,
	EMU_SPEC_ACTION_DROP = 0x1001,
	EMU_SPEC_ACTION_HANDLE = 0x1002,
	EMU_SPEC_ACTION_COUNT = 0x1003
};
#define EMU_SPEC_INNER 0x100u

/* A spec in memory of our own: the program's need not be aligned, nor as long as we know it. */
union emu_spec {
	struct ib_uverbs_flow_spec_hdr hdr;
	struct ib_uverbs_flow_spec_eth eth;
	struct ib_uverbs_flow_spec_ipv4 ipv4;
	struct ib_uverbs_flow_spec_ipv6 ipv6;
	struct ib_uverbs_flow_spec_esp esp;
	struct ib_uverbs_flow_spec_tcp_udp port;
	struct ib_uverbs_flow_spec_tunnel tunnel;
	struct ib_uverbs_flow_spec_gre gre;
	struct ib_uverbs_flow_spec_mpls mpls;
	struct ib_uverbs_flow_spec_action_tag tag;
	struct ib_uverbs_flow_spec_action_drop drop;
	struct ib_uverbs_flow_spec_action_handle handle;
	struct ib_uverbs_flow_spec_action_count count;
};

/* All specs of an attribute, in order. */
struct emu_specs {
	unsigned n;
	union emu_spec spec[EMU_MAX_SPECS];
};

/* Reads and checks them as the IB core does; 0 or its errno. */
int emu_specs_read(const struct ib_uverbs_flow_attr *attr, struct emu_specs *specs);
/* mlx5_ib: is_valid_attr() and flow_is_multicast_only() */
bool emu_specs_agree(const struct emu_specs *specs);
bool emu_specs_multicast(const struct emu_specs *specs);

/* One spec into mask, value and flags; 0 or the errno of mlx5_ib. */
int emu_flow_spec(const union emu_spec *spec, struct emu_flow_ask *ask);

#endif
