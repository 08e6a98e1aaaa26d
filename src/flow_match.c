/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "byteorder.h"
#include "flow_layout.h"
#include "flow_match.h"

enum { AT_MISC4 = 5 * DQ_SECTION_BYTES }; /* fte_match_param.misc_parameters_4 */

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, PROTO_TCP = 6, PROTO_UDP = 17 };

/* The second half of the first word of an IPv4 header. */
enum { AT_IPV4_LEN = DQ_AT_WORDS + DQ_WORD_IPV4 * 4 + 2 };

/* The multicast addresses of IPv4 by their first three bits, as ipv4_is_multicast() sees a mask. */
enum { GROUP_3 = 0xe0, GROUP_4 = 0xf0 };

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

void dq_match_put_bits(struct dq_match_buf *e, unsigned at, uint16_t value, uint16_t mask)
{
	e->value[at] = (uint8_t)((e->value[at] & ~(mask >> 8)) | value >> 8);
	e->value[at + 1] = (uint8_t)((e->value[at + 1] & ~mask) | value);
	e->mask[at] |= (uint8_t)(mask >> 8);
	e->mask[at + 1] |= (uint8_t)mask;
}

/*
 * The kernel puts a rule whose destination MAC has the group bit in value and mask behind all
 * others, where a rule for everything would take its packets. Without that bit in the mask it stays
 * where we want it; it then takes, too, the unicast address that differs in this bit alone. In a
 * tunnel it does not look.
 */
static void put_dst_mac(struct dq_match_buf *e, unsigned at, const uint8_t mac[6])
{
	put(e, at, mac, full, 6);
	if (!(mac[0] & 1) || at >= DQ_SECTION_INNER * DQ_SECTION_BYTES)
		return;
	e->mask[at] &= 0xfe;
	e->value[at] &= 0xfe;
}

/*
 * In a tunnel IP is told by its version, since GRE that carries packets without an Ethernet header
 * has no inner ethertype.
 */
static void put_type(struct dq_match_buf *e, unsigned at, uint16_t type)
{
	bool ip = type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
	unsigned version = type == ETHERTYPE_IPV4 ? 4 : 6;

	if (ip && at == DQ_SECTION_INNER * DQ_SECTION_BYTES)
		dq_match_put_bits(e, at + DQ_AT_FLAGS, (uint16_t)(version << DQ_IP_VERSION_SHIFT),
				  DQ_IP_VERSION);
	else
		put_u16(e, at + DQ_AT_ETHERTYPE, type);
}

static void put_l2(struct dq_match_buf *e, unsigned at, const struct dq_headers *h)
{
	if (h->fields & DQ_MATCH_SRC_MAC)
		put(e, at + DQ_AT_SMAC, h->src_mac, full, 6);
	if (h->fields & DQ_MATCH_DST_MAC)
		put_dst_mac(e, at + DQ_AT_DMAC, h->dst_mac);
	if (h->fields & DQ_MATCH_ETHERTYPE)
		put_type(e, at, h->ethertype);
	if (h->fields & (DQ_MATCH_VLAN_ID | DQ_MATCH_VLAN_PCP))
		dq_match_put_bits(e, at + DQ_AT_FLAGS, DQ_CVLAN_TAG, DQ_CVLAN_TAG);
	if (h->fields & DQ_MATCH_VLAN_ID)
		dq_match_put_bits(e, at + DQ_AT_FIRST_VLAN, h->vlan_id, 0x0fff);
	if (h->fields & DQ_MATCH_VLAN_PCP)
		dq_match_put_bits(e, at + DQ_AT_FIRST_VLAN, (uint16_t)(h->vlan_pcp << 13), 0xe000);
}

static void put_l3(struct dq_match_buf *e, unsigned at, const struct dq_headers *h)
{
	if (h->fields & DQ_MATCH_IPV4)
		put_type(e, at, ETHERTYPE_IPV4);
	if (h->fields & DQ_MATCH_IPV6)
		put_type(e, at, ETHERTYPE_IPV6);
	if (h->fields & DQ_MATCH_IPV4_SRC)
		put(e, at + DQ_AT_SRC_IPV4, h->ipv4_src, h->ipv4_src_mask, 4);
	if (h->fields & DQ_MATCH_IPV4_DST)
		put(e, at + DQ_AT_DST_IPV4, h->ipv4_dst, h->ipv4_dst_mask, 4);
	if (h->fields & DQ_MATCH_IPV6_SRC)
		put(e, at + DQ_AT_SRC_IPV6, h->ipv6_src, h->ipv6_src_mask, 16);
	if (h->fields & DQ_MATCH_IPV6_DST)
		put(e, at + DQ_AT_DST_IPV6, h->ipv6_dst, h->ipv6_dst_mask, 16);
	if (h->fields & DQ_MATCH_IP_PROTO)
		put_u8(e, at + DQ_AT_IP_PROTOCOL, h->ip_proto);
}

/* Where ports stand, and whether they are given. */
static const struct port_field {
	enum dq_match_field bit;
	unsigned at;
	size_t range; /* in struct dq_headers */
} ports[] = {
	{DQ_MATCH_UDP_SRC, DQ_AT_UDP_SPORT, offsetof(struct dq_headers, udp_src)},
	{DQ_MATCH_UDP_DST, DQ_AT_UDP_DPORT, offsetof(struct dq_headers, udp_dst)},
	{DQ_MATCH_TCP_SRC, DQ_AT_TCP_SPORT, offsetof(struct dq_headers, tcp_src)},
	{DQ_MATCH_TCP_DST, DQ_AT_TCP_DPORT, offsetof(struct dq_headers, tcp_dst)},
};

enum { N_PORTS = sizeof(ports) / sizeof(ports[0]) };

static const struct dq_range *range_of(const struct dq_headers *h, unsigned i)
{
	return (const void *)((const uint8_t *)h + ports[i].range);
}

static bool is_one(const struct dq_range *range)
{
	return range->first == range->last;
}

static void put_l4(struct dq_match_buf *e, unsigned at, const struct dq_headers *h)
{
	if (h->fields & DQ_MATCH_UDP)
		put_u8(e, at + DQ_AT_IP_PROTOCOL, PROTO_UDP);
	if (h->fields & DQ_MATCH_TCP)
		put_u8(e, at + DQ_AT_IP_PROTOCOL, PROTO_TCP);
	for (unsigned i = 0; i < N_PORTS; i++)
		if (h->fields & ports[i].bit && is_one(range_of(h, i)))
			put_u16(e, at + ports[i].at, range_of(h, i)->first);
}

/* Adds the headers' ranges to the list. */
static unsigned list_ranges(struct dq_match_range *out, const struct dq_headers *h, unsigned at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_PORTS; i++)
		if (h->fields & ports[i].bit && !is_one(range_of(h, i)))
			out[n++] = (struct dq_match_range){at + ports[i].at, *range_of(h, i)};
	return n;
}

unsigned dq_match_ranges(const struct dq_match *match, struct dq_match_range out[DQ_MATCH_RANGES])
{
	unsigned n = list_ranges(out, &match->outer, 0);

	n += list_ranges(out + n, &match->inner, DQ_SECTION_INNER * DQ_SECTION_BYTES);
	if (match->fields & DQ_MATCH_IPV4_LEN && !is_one(&match->ipv4_len))
		out[n++] = (struct dq_match_range){AT_IPV4_LEN, match->ipv4_len};
	return n;
}

static void put_words(struct dq_match_buf *e, const struct dq_match *match)
{
	for (unsigned i = 0; i < DQ_WORDS; i++) {
		__be32 value = dq_to_be32(match->words[i]), mask = dq_to_be32(match->word_masks[i]);

		put(e, DQ_AT_WORDS + i * 4, &value, &mask, sizeof(value));
	}
	if (match->fields & DQ_MATCH_IPV4_LEN && is_one(&match->ipv4_len))
		put_u16(e, AT_IPV4_LEN, match->ipv4_len.first);
}

static void put_headers(struct dq_match_buf *e, enum dq_match_section section,
			const struct dq_headers *h)
{
	unsigned at = section * DQ_SECTION_BYTES;

	put_l2(e, at, h);
	put_l3(e, at, h);
	put_l4(e, at, h);
}

void dq_match_encode(struct dq_match_buf *e, const struct dq_match *match)
{
	*e = (struct dq_match_buf){0};
	put_headers(e, DQ_SECTION_OUTER, &match->outer);
	put_headers(e, DQ_SECTION_INNER, &match->inner);
	dq_match_put_tunnel(e, match);
	put_words(e, match);
}

void dq_match_put_sender(struct dq_match_buf *e, uint32_t qpn)
{
	__be32 value = dq_to_be32(qpn << 8);

	put(e, DQ_AT_SENDER, &value, full, 3);
}

bool dq_match_is_sent(const struct dq_match_buf *match)
{
	return match->mask[DQ_AT_SENDER] != 0;
}

bool dq_match_narrow(struct dq_match_buf *match, const struct dq_match_kind *kind)
{
	unsigned at = kind->section * DQ_SECTION_BYTES;
	struct dq_match_buf base = *match;

	if (kind->ethertype)
		put_type(match, at, kind->ethertype);
	if (kind->proto)
		put_u8(match, at + DQ_AT_IP_PROTOCOL, kind->proto);
	return dq_match_overlap(match, &base);
}

bool dq_match_split_multicast(struct dq_match_buf *match, struct dq_match_buf *second)
{
	if ((match->mask[DQ_AT_DST_IPV4] & GROUP_4) != GROUP_3 ||
	    (match->value[DQ_AT_DST_IPV4] & GROUP_4) != GROUP_3)
		return false;
	match->mask[DQ_AT_DST_IPV4] |= GROUP_4;
	*second = *match;
	second->value[DQ_AT_DST_IPV4] |= GROUP_4;
	return true;
}

bool dq_match_has_protocol(const struct dq_match_buf *match, enum dq_match_section section)
{
	return match->mask[section * DQ_SECTION_BYTES + DQ_AT_IP_PROTOCOL] != 0;
}

bool dq_match_equal(const struct dq_match *a, const struct dq_match *b)
{
	struct dq_match_range ranges[2][DQ_MATCH_RANGES];
	unsigned n = dq_match_ranges(a, ranges[0]);
	struct dq_match_buf x, y;

	if (dq_match_ranges(b, ranges[1]) != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (ranges[0][i].at != ranges[1][i].at ||
		    ranges[0][i].range.first != ranges[1][i].range.first ||
		    ranges[0][i].range.last != ranges[1][i].range.last)
			return false;
	dq_match_encode(&x, a);
	dq_match_encode(&y, b);
	return dq_match_same(&x, &y);
}

bool dq_match_same_mask(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	return !memcmp(a->mask, b->mask, DQ_MATCH_BYTES);
}

bool dq_match_same(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	return dq_match_same_mask(a, b) && !memcmp(a->value, b->value, DQ_MATCH_BYTES);
}

/* Whether it names an ethertype that is no IP: then no rule for IP packets matches its packets. */
static bool is_not_ip(const struct dq_match_buf *match, enum dq_match_section section)
{
	unsigned at = section * DQ_SECTION_BYTES + DQ_AT_ETHERTYPE;
	unsigned type = (unsigned)match->value[at] << 8 | match->value[at + 1];

	return match->mask[at] && type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6;
}

/* Whether it names what only IP packets have. */
static bool is_ip(const struct dq_match_buf *match, enum dq_match_section section)
{
	unsigned at = section * DQ_SECTION_BYTES + DQ_AT_FLAGS;

	return dq_match_has_protocol(match, section) || match->mask[at] & DQ_IP_VERSION >> 8;
}

static bool excludes(const struct dq_match_buf *a, const struct dq_match_buf *b,
		     enum dq_match_section section)
{
	return (is_ip(a, section) && is_not_ip(b, section)) ||
	       (is_ip(b, section) && is_not_ip(a, section));
}

static uint64_t word(const uint8_t *bytes, unsigned at)
{
	uint64_t w;

	memcpy(&w, bytes + at, sizeof(w));
	return w;
}

bool dq_match_overlap(const struct dq_match_buf *a, const struct dq_match_buf *b)
{
	if (dq_match_is_sent(a) != dq_match_is_sent(b))
		return false;
	for (unsigned i = 0; i < DQ_MATCH_BYTES; i += sizeof(uint64_t))
		if ((word(a->value, i) ^ word(b->value, i)) & word(a->mask, i) & word(b->mask, i))
			return false;
	return !excludes(a, b, DQ_SECTION_OUTER) && !excludes(a, b, DQ_SECTION_INNER);
}

unsigned dq_match_bits(const struct dq_match *match)
{
	struct dq_match_range ranges[DQ_MATCH_RANGES];
	unsigned n_ranges = dq_match_ranges(match, ranges), n = 0;
	struct dq_match_buf buf;

	dq_match_encode(&buf, match);
	for (unsigned i = 0; i < DQ_MATCH_BYTES; i++)
		n += (unsigned)__builtin_popcount(buf.mask[i]);
	for (unsigned i = 0; i < n_ranges;
	     i++) /* of a range: as many as a prefix of its size has */
		n += (unsigned)__builtin_clz((unsigned)ranges[i].range.last -
					     ranges[i].range.first) -
		     16;
	return n;
}

unsigned dq_match_words(const struct dq_match_buf *match)
{
	unsigned words = 0;

	for (unsigned i = DQ_AT_WORDS; i < DQ_MATCH_BYTES; i++)
		if (match->mask[i])
			words |= 1U << (i - DQ_AT_WORDS) / 4;
	return words;
}

uint8_t dq_match_criteria(const struct dq_match_buf *match)
{
	uint8_t criteria = dq_match_words(match) ? DQ_MISC4_CRITERIA : 0;

	for (unsigned i = 0; i < DQ_AT_WORDS; i++)
		if (match->mask[i])
			criteria |= (uint8_t)(1U << i / DQ_SECTION_BYTES);
	return criteria;
}

size_t dq_match_size(const struct dq_match_buf *match)
{
	unsigned criteria = dq_match_criteria(match), n = 1;

	while (criteria >> n)
		n++;
	return (size_t)n * DQ_SECTION_BYTES;
}

/* misc_parameters_4: pairs of a word and its name, and a name that is not in the mask is none. */
static void lay_word(uint8_t *pair, const uint8_t *word, uint32_t id)
{
	__be32 be = dq_to_be32(id);

	memcpy(pair, word, 4);
	memcpy(pair + 4, &be, sizeof(be));
}

void dq_match_lay(uint8_t out[DQ_PARAM_BYTES], const struct dq_match_buf *match, bool mask,
		  const uint32_t ids[DQ_WORDS])
{
	const uint8_t *from = mask ? match->mask : match->value;
	unsigned words = dq_match_words(match);

	memset(out, 0, DQ_PARAM_BYTES);
	memcpy(out, from, DQ_AT_WORDS);
	for (unsigned i = 0; i < DQ_WORDS; i++)
		if (words >> i & 1)
			lay_word(out + AT_MISC4 + (size_t)8 * i, from + DQ_AT_WORDS + (size_t)4 * i,
				 mask ? UINT32_MAX : ids[i]);
}
