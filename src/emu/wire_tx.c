/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a frame: out of a port, over the cable or back, into the rules of the port it reaches.
 */
#include <string.h>

#include "pcap.h"
#include "script.h"
#include "wire.h"

#define STALL_NS 250000000u /* after this the sender waits no longer for another process */

struct emu_counters emu_counted[EMU_MAX_PORTS];

_Static_assert(sizeof(struct emu_counters) % sizeof(uint64_t) == 0, "counters are 64 bits each");

void emu_counters_flush(void)
{
	uint64_t *from, *to;
	unsigned i, j;

	for (i = 0; i < emu_settings.n_ports; i++) {
		if (!emu_devs[i].wire)
			continue;
		from = (uint64_t *)&emu_counted[i];
		to = (uint64_t *)&emu_devs[i].wire->count;
		for (j = 0; j < sizeof(struct emu_counters) / sizeof(uint64_t); j++) {
			if (!from[j])
				continue;
			__atomic_fetch_add(&to[j], from[j], __ATOMIC_RELAXED);
			from[j] = 0;
		}
	}
}

/* Ports 2k and 2k + 1 are cabled; an odd last one is cabled to itself. */
unsigned emu_wire_peer(unsigned port)
{
	unsigned peer = port ^ 1;

	return peer < emu_settings.n_ports ? peer : port;
}

/* As a port that lets its MTU through with Ethernet header, one tag and FCS; and one more tag. */
uint32_t emu_wire_limit(unsigned port, const uint8_t *data)
{
	uint32_t mtu = __atomic_load_n(&emu_devs[port].wire->mtu, __ATOMIC_RELAXED);
	bool tagged =
		(data[12] == 0x81 && data[13] == 0x00) || (data[12] == 0x88 && data[13] == 0xa8);
	uint32_t limit = mtu + 18 + (tagged ? 4 : 0);

	if (emu_broken(MTU))
		return EMU_MAX_FRAME;
	return limit < EMU_MAX_FRAME ? limit : EMU_MAX_FRAME;
}

static bool link_up(unsigned port)
{
	return __atomic_load_n(&emu_devs[port].wire->link_up, __ATOMIC_RELAXED);
}

static void count_tx(unsigned port, const uint8_t *data, uint32_t len)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct emu_counters *count = &emu_counted[port];

	count->tx_packets += !emu_broken(COUNT_TX);
	count->tx_bytes += len;
	if (!emu_pkt_multicast(data))
		return;
	if (memcmp(data, broadcast, 6) == 0) {
		count->tx_broadcast++;
		count->tx_broadcast_bytes += len;
	} else {
		count->tx_multicast++;
		count->tx_multicast_bytes += len;
	}
}

static void count_rx(unsigned port, const uint8_t *data, uint32_t len)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct emu_counters *count = &emu_counted[port];

	count->rx_packets += emu_broken(COUNT_RX) ? 2 : 1;
	count->rx_bytes += len;
	if (!emu_pkt_multicast(data))
		return;
	if (memcmp(data, broadcast, 6) == 0) {
		count->rx_broadcast++;
		count->rx_broadcast_bytes += len;
	} else {
		count->rx_multicast++;
		count->rx_multicast_bytes += len;
	}
}

static void count_loop(unsigned port, const uint8_t *data, uint32_t len)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct emu_counters *count = &emu_counted[port];

	if (!emu_pkt_multicast(data)) {
		count->loop_unicast++;
		count->loop_unicast_bytes += len;
	} else if (memcmp(data, broadcast, 6) == 0) {
		count->loop_broadcast++;
		count->loop_broadcast_bytes += len;
	} else {
		count->loop_multicast++;
		count->loop_multicast_bytes += len;
	}
}

/* True: the frame went back into its own port and does not go to the cable. */
static bool loop_back(unsigned port, struct emu_frame *f)
{
	const struct emu_steer *steer = emu_wire.ports[port].steer;

	if (emu_pkt_multicast(f->data)) {
		if (f->block_mc || !emu_steer_loops(steer, EMU_RULE_LB_MC))
			return false;
		count_loop(port, f->data, f->len);
		f->looped = EMU_RULE_LB_MC;
		emu_wire_deliver(port, f, false);
		f->looped = 0;
		return false;
	}
	if (!emu_steer_loops(steer, EMU_RULE_LB_UC) || memcmp(f->data, emu_devs[port].mac, 6) != 0)
		return false;
	count_loop(port, f->data, f->len);
	f->looped = EMU_RULE_LB_UC;
	emu_wire_deliver(port, f, false);
	return true;
}

/* --break loss, duplicate, corrupt; true: the frame is lost. */
static bool spoil(unsigned port, struct emu_frame *f)
{
	static uint8_t copy[EMU_MAX_FRAME];
	static unsigned count;

	if (++count % 1000)
		return false;
	if (emu_broken(DUPLICATE))
		emu_wire_deliver(port, f, false);
	if (emu_broken(CORRUPT) && f->len > 100) {
		memcpy(copy, f->data, f->len);
		copy[100] ^= 0x10;
		f->data = copy;
	}
	return emu_broken(LOSS);
}

void emu_wire_cross(unsigned port, const uint8_t *data, uint32_t len)
{
	unsigned peer = emu_wire_peer(port);
	struct emu_frame frame;

	if (!link_up(peer))
		return;
	if (emu_settings.vf && !emu_flow_kernel_takes(peer, data))
		return; /* the e-switch has no such address for this function */
	if (len > emu_wire_limit(peer, data)) {
		emu_counted[peer].rx_over_mtu++;
		return;
	}
	count_rx(peer, data, len);
	if (emu_pcap_on)
		emu_pcap_frame(data, len);
	frame.data = data;
	frame.len = len;
	frame.ctx = NULL; /* nobody's own: it comes from the cable */
	frame.block_mc = false;
	frame.looped = 0;
	if (emu_settings.broken && spoil(peer, &frame))
		return;
	emu_wire_deliver(peer, &frame, false);
}

void emu_wire_send(struct emu_sq *sq, const uint8_t *data, uint32_t len)
{
	unsigned port = sq->dev->index;
	struct emu_frame frame;

	if (emu_wire.fd < 0)
		return;
	frame.data = data;
	frame.len = len;
	frame.ctx = sq->ctx;
	frame.block_mc = sq->block_loopback_mc;
	frame.looped = 0;
	if (emu_steer_egress(emu_wire.ports[port].steer)) {
		if (!emu_flow_egress(sq, &frame))
			return;
		data = frame.data;
		len = frame.len;
		if (len > emu_wire_limit(port, data)) { /* with what was put in front of it */
			emu_counted[port].tx_over_mtu++;
			return;
		}
	}
	if (!sq->block_loopback_uc && loop_back(port, &frame))
		return;
	if (!link_up(port)) {
		emu_counted[port].tx_unplugged++;
		emu_counted[port].tx_unplugged_bytes += len;
		return;
	}
	count_tx(port, data, len);
	if (emu_steer_sniffs(emu_wire.ports[port].steer))
		emu_flow_sniff_tx(port, &frame, false);
	if (emu_script_has(EMU_ON_FRAME))
		emu_script_frame(port, data, len);
	else
		emu_wire_cross(port, data, len);
}

/*
 * Before a WQE: every other process that has rules on the far port has room for all that a WQE can
 * hold. One that does not empty its ring for a while has stopped, and its frames are dropped.
 */
bool emu_wire_room(struct emu_sq *sq)
{
	unsigned port = emu_wire_peer(sq->dev->index), i;
	uint32_t owners, need;
	uint64_t now;

	if (emu_wire.fd < 0)
		return true;
	owners = emu_steer_owners(emu_wire.ports[port].steer) & ~(1u << emu_wire.slot);
	if (!owners)
		return true;
	need = (emu_devs[port].wire->mtu + 64) * EMU_MAX_DS * 2;
	for (i = 0; owners; i++, owners >>= 1) {
		if (!(owners & 1) || emu_ring_room(i, need))
			continue;
		emu_ring_flush();
		now = emu_time_ns();
		if (!sq->stalled_ns)
			sq->stalled_ns = now;
		return now - sq->stalled_ns > STALL_NS;
	}
	sq->stalled_ns = 0;
	return true;
}
