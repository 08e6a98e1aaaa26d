/* SPDX-License-Identifier: Apache-2.0 */
/* Packet reformat: tunnels on and off. Engine's thread. */
#include "rewrite.h"

#include <string.h>

#include "packet_deep.h"

#define ETHERTYPE_IPV4	0x0800
#define ETHERTYPE_IPV6	0x86dd
#define ETHERTYPE_CVLAN 0x8100
#define PROTO_UDP	17

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void drop_front(struct emu_edit *edit, uint32_t n)
{
	edit->data += n;
	edit->room += n;
	edit->len -= n;
}

static bool push_front(struct emu_edit *edit, const uint8_t *header, uint32_t size)
{
	if (size > edit->room)
		return false;
	edit->data -= size;
	edit->room -= size;
	edit->len += size;
	memcpy(edit->data, header, size);
	return true;
}

static struct emu_tunnel find(const struct emu_edit *edit, struct emu_pkt *pkt)
{
	emu_pkt_parse(pkt, edit->data, edit->len);
	return emu_tunnel_find(pkt, edit->data, edit->len);
}

bool emu_edit_decap(struct emu_edit *edit)
{
	struct emu_pkt pkt;
	struct emu_tunnel t = find(edit, &pkt);

	if (t.inner != EMU_INNER_L2 || t.off + 14 > edit->len)
		return false;
	edit->len = pkt.l4_off + pkt.l4_len; /* padding behind the outer packet goes, too */
	drop_front(edit, t.off);
	return true;
}

bool emu_edit_l3_decap(struct emu_edit *edit, const uint8_t *header, uint32_t size)
{
	struct emu_pkt pkt;
	struct emu_tunnel t = find(edit, &pkt);

	if (t.inner != EMU_INNER_L3 || t.off + 20 > edit->len)
		return false;
	edit->len = pkt.l4_off + pkt.l4_len;
	drop_front(edit, t.off);
	return push_front(edit, header, size);
}

/* The bytes of the Ethernet header and its tags; 0: cut off. */
static uint32_t l2_size(const uint8_t *data, uint32_t len)
{
	uint32_t size = 14;

	while (size + 4 <= len && size < 22 && get16(data + size - 2) == ETHERTYPE_CVLAN)
		size += 4;
	return size <= len ? size : 0;
}

static void fix_udp(const struct emu_edit *edit, uint32_t at, uint32_t size)
{
	if (at + 8 <= size)
		put16(edit->data + at + 4, edit->len - at);
}

/* The lengths of the new outer headers, size bytes, and the checksum of an IPv4 one. */
static void fix_lengths(const struct emu_edit *edit, uint32_t size)
{
	uint32_t at = l2_size(edit->data, size), ihl;
	uint8_t *ip = edit->data + at;
	uint16_t type, sum;

	if (!at)
		return;
	type = get16(ip - 2);
	if (type == ETHERTYPE_IPV6 && at + 40 <= size) {
		put16(ip + 4, edit->len - at - 40);
		if (ip[6] == PROTO_UDP)
			fix_udp(edit, at + 40, size);
	}
	ihl = (ip[0] & 0xfu) * 4;
	if (type != ETHERTYPE_IPV4 || ihl < 20 || at + ihl > size)
		return;
	put16(ip + 2, edit->len - at);
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~emu_csum(ip, ihl, 0);
	memcpy(ip + 10, &sum, 2);
	if (ip[9] == PROTO_UDP)
		fix_udp(edit, at + ihl, size);
}

bool emu_edit_encap(struct emu_edit *edit, const uint8_t *header, uint32_t size, bool l3)
{
	if (l3)
		drop_front(edit, l2_size(edit->data, edit->len));
	if (!push_front(edit, header, size))
		return false;
	fix_lengths(edit, size);
	return true;
}
