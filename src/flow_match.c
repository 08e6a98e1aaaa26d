/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "byteorder.h"
#include "flow_match.h"

/* Byte offsets in fte_match_set_lyr_2_4 (PRM: "Flow Table Match Set, layers 2-4"). */
enum {
	AT_SMAC = 0,
	AT_ETHERTYPE = 6,
	AT_DMAC = 8,
	AT_IP_PROTOCOL = 16,
	AT_UDP_SPORT = 28,
	AT_UDP_DPORT = 30,
	AT_SRC_IPV4 = 44,
	AT_DST_IPV4 = 60,
};

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, PROTO_UDP = 17 };

static void put(struct dq_match_buf *e, unsigned at, const void *bytes, const void *mask, size_t n)
{
	memcpy(e->value + at, bytes, n);
	memcpy(e->mask + at, mask, n);
}

static const uint8_t full[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void put_u16(struct dq_match_buf *e, unsigned at, uint16_t value)
{
	__be16 be = dq_to_be16(value);

	put(e, at, &be, full, sizeof(be));
}

static void put_u8(struct dq_match_buf *e, unsigned at, uint8_t value)
{
	put(e, at, &value, full, sizeof(value));
}

/*
 * The kernel puts a rule whose destination MAC has the group bit in value and mask behind all
 * others, where a rule for everything would take its packets. Without that bit in the mask it stays
 * where we want it; it then takes, too, the unicast address that differs in this bit alone.
 */
static void put_dst_mac(struct dq_match_buf *e, const uint8_t mac[6])
{
	put(e, AT_DMAC, mac, full, 6);
	if (!(mac[0] & 1))
		return;
	e->mask[AT_DMAC] &= 0xfe;
	e->value[AT_DMAC] &= 0xfe;
}

void dq_match_encode(struct dq_match_buf *e, const struct dq_match *match)
{
	*e = (struct dq_match_buf){0};
	if (match->fields & DQ_MATCH_SRC_MAC)
		put(e, AT_SMAC, match->src_mac, full, 6);
	if (match->fields & DQ_MATCH_DST_MAC)
		put_dst_mac(e, match->dst_mac);
	if (match->fields & DQ_MATCH_ETHERTYPE)
		put_u16(e, AT_ETHERTYPE, match->ethertype);
	if (match->fields & (DQ_MATCH_IPV4_SRC | DQ_MATCH_IPV4_DST))
		put_u16(e, AT_ETHERTYPE, ETHERTYPE_IPV4);
	if (match->fields & DQ_MATCH_IPV4_SRC)
		put(e, AT_SRC_IPV4, match->ipv4_src, match->ipv4_src_mask, 4);
	if (match->fields & DQ_MATCH_IPV4_DST)
		put(e, AT_DST_IPV4, match->ipv4_dst, match->ipv4_dst_mask, 4);
	if (match->fields & (DQ_MATCH_UDP_SRC | DQ_MATCH_UDP_DST))
		put_u8(e, AT_IP_PROTOCOL, PROTO_UDP);
	if (match->fields & DQ_MATCH_UDP_SRC)
		put_u16(e, AT_UDP_SPORT, match->udp_src);
	if (match->fields & DQ_MATCH_UDP_DST)
		put_u16(e, AT_UDP_DPORT, match->udp_dst);
}

bool dq_match_narrow(struct dq_match_buf *match, uint16_t ethertype, uint8_t proto)
{
	struct dq_match_buf base = *match;

	if (ethertype)
		put_u16(match, AT_ETHERTYPE, ethertype);
	if (proto)
		put_u8(match, AT_IP_PROTOCOL, proto);
	return dq_match_overlap(match, &base);
}

bool dq_match_has_protocol(const struct dq_match_buf *match)
{
	return match->mask[AT_IP_PROTOCOL] != 0;
}

bool dq_match_same_mask(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	return !memcmp(a->mask, b->mask, DQ_MATCH_BYTES);
}

bool dq_match_same(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	return dq_match_same_mask(a, b) && !memcmp(a->value, b->value, DQ_MATCH_BYTES);
}

/* Whether it names an ethertype that is no IP: then no rule with an IP protocol matches its
 * packets. */
static bool is_not_ip(const struct dq_match_buf *match)
{
	unsigned type = (unsigned)match->value[AT_ETHERTYPE] << 8 | match->value[AT_ETHERTYPE + 1];

	return match->mask[AT_ETHERTYPE] && type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6;
}

bool dq_match_overlap(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	for (unsigned i = 0; i < DQ_MATCH_BYTES; i++)
		if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
			return false;
	return !(dq_match_has_protocol(a) && is_not_ip(b)) &&
	       !(dq_match_has_protocol(b) && is_not_ip(a));
}

unsigned dq_match_bits(const struct dq_match *match)
{
	struct dq_match_buf buf;
	unsigned n = 0;

	dq_match_encode(&buf, match);
	for (unsigned i = 0; i < DQ_MATCH_BYTES; i++)
		n += (unsigned)__builtin_popcount(buf.mask[i]);
	return n;
}

bool dq_match_is_any(const struct dq_match_buf *match)
{
	static const uint8_t zeros[DQ_MATCH_BYTES];

	return !memcmp(match->mask, zeros, DQ_MATCH_BYTES);
}
