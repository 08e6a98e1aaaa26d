/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: header parsing into the words that flow rules match, and checksums. Pure functions on
 * bytes; they read only inside [data, data + len), whatever the bytes say.
 */
#ifndef EMU_PACKET_H
#define EMU_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Words of fte_match_param that packets are matched by: the outer headers, 0..15, and the
 * misc_parameters, 16..31. Big endian, as the PRM lays them out in memory.
 */
#define EMU_PKT_WORDS 32u

enum emu_l3 { EMU_L3_NONE, EMU_L3_IPV4, EMU_L3_IPV6 };
enum emu_l4 { EMU_L4_NONE, EMU_L4_TCP, EMU_L4_UDP };

struct emu_pkt {
	uint32_t match[EMU_PKT_WORDS];
	uint16_t l3_off; /* behind the Ethernet header and its tags */
	uint16_t l4_off;
	uint32_t l4_len; /* bytes from l4_off to the end of the IP packet */
	uint8_t l3, l4;	 /* enum emu_l3, emu_l4; l4 is NONE for fragments */
	uint8_t ip_proto;
	bool frag;
	bool ip_ext;  /* IPv4 options or IPv6 extension headers */
	bool l3_good; /* version and lengths fit the frame (the checksum is not looked at) */
	bool tcp_ack, tcp_empty;
	bool vlan; /* outermost tag is a customer tag (0x8100) */
	uint16_t vlan_tci;
};

void emu_pkt_parse(struct emu_pkt *pkt, const uint8_t *data, uint32_t len);
/* The same for bytes that begin with an IP header. */
void emu_pkt_parse_ip(struct emu_pkt *pkt, const uint8_t *data, uint32_t len);

/* The two L3/L4 bytes of a CQE (hds_ip_ext, l4_hdr_type_etc): checksums verified from the bytes. */
struct emu_pkt_status {
	uint8_t ok, type;
};
struct emu_pkt_status emu_pkt_verify(const struct emu_pkt *pkt, const uint8_t *data);

/* The CQE's checksum: one's complement sum of the IP packet, as it lies in memory; else 0. */
uint16_t emu_pkt_sum(const struct emu_pkt *pkt, const uint8_t *data);

/* Fills in the IPv4 header checksum and/or the TCP or UDP checksum, where the frame has them. */
void emu_pkt_insert_csum(uint8_t *data, uint32_t len, bool l3, bool l4);

/* One's complement sum, not yet inverted, as it lies in memory. */
uint16_t emu_csum(const uint8_t *data, size_t len, uint64_t sum);

static inline bool emu_pkt_multicast(const uint8_t *data)
{
	return data[0] & 1;
}

#endif
