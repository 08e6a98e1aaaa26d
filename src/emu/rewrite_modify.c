/* SPDX-License-Identifier: Apache-2.0 */
/* Modify-header actions: fields of the outer headers and registers. Engine's thread. */
#include "rewrite.h"

#include <string.h>

#include "emu_be.h"
#include "packet.h"

/* mlx5_ifc.h: set_add_copy_action_in.action_type */
enum { TYPE_SET = 1, TYPE_ADD, TYPE_COPY };

/* Which header a field is in: there or not, it depends on the frame. */
enum place { IN_L2, IN_TYPE, IN_TAG, IN_IPV4, IN_IPV6, IN_IP_TOS, IN_TCP, IN_UDP, IN_REG };

/* mlx5_ifc.h: MLX5_ACTION_IN_FIELD_OUT_*. Bytes size at byte, of which bits from shift count. */
struct field {
	uint16_t id;
	uint8_t place, byte, size, shift, bits;
};

static const struct field fields[] = {
	{0x01, IN_L2, 6, 4, 0, 32},    /* SMAC_47_16 */
	{0x02, IN_L2, 10, 2, 0, 16},   /* SMAC_15_0 */
	{0x03, IN_TYPE, 0, 2, 0, 16},  /* ETHERTYPE */
	{0x04, IN_L2, 0, 4, 0, 32},    /* DMAC_47_16 */
	{0x05, IN_L2, 4, 2, 0, 16},    /* DMAC_15_0 */
	{0x06, IN_IP_TOS, 0, 2, 2, 6}, /* IP_DSCP */
	{0x07, IN_TCP, 12, 2, 0, 9},   /* TCP_FLAGS */
	{0x08, IN_TCP, 0, 2, 0, 16},   /* TCP_SPORT */
	{0x09, IN_TCP, 2, 2, 0, 16},   /* TCP_DPORT */
	{0x0a, IN_IPV4, 8, 1, 0, 8},   /* IP_TTL */
	{0x0b, IN_UDP, 0, 2, 0, 16},   /* UDP_SPORT */
	{0x0c, IN_UDP, 2, 2, 0, 16},   /* UDP_DPORT */
	{0x0d, IN_IPV6, 8, 4, 0, 32},  /* SIPV6_127_96 */
	{0x0e, IN_IPV6, 12, 4, 0, 32}, /* SIPV6_95_64 */
	{0x0f, IN_IPV6, 16, 4, 0, 32}, /* SIPV6_63_32 */
	{0x10, IN_IPV6, 20, 4, 0, 32}, /* SIPV6_31_0 */
	{0x11, IN_IPV6, 24, 4, 0, 32}, /* DIPV6_127_96 */
	{0x12, IN_IPV6, 28, 4, 0, 32}, /* DIPV6_95_64 */
	{0x13, IN_IPV6, 32, 4, 0, 32}, /* DIPV6_63_32 */
	{0x14, IN_IPV6, 36, 4, 0, 32}, /* DIPV6_31_0 */
	{0x15, IN_IPV4, 12, 4, 0, 32}, /* SIPV4 */
	{0x16, IN_IPV4, 16, 4, 0, 32}, /* DIPV4 */
	{0x17, IN_TAG, 0, 2, 0, 12},   /* FIRST_VID */
	{0x47, IN_IPV6, 7, 1, 0, 8},   /* IPV6_HOPLIMIT */
	{0x49, IN_REG, EMU_REG_A, 0, 0, 32},
	{0x50, IN_REG, EMU_REG_B, 0, 0, 32},
	{0x51, IN_REG, EMU_REG_C0, 0, 0, 32},
	{0x52, IN_REG, EMU_REG_C0 + 1, 0, 0, 32},
	{0x53, IN_REG, EMU_REG_C0 + 2, 0, 0, 32},
	{0x54, IN_REG, EMU_REG_C0 + 3, 0, 0, 32},
	{0x55, IN_REG, EMU_REG_C0 + 4, 0, 0, 32},
	{0x56, IN_REG, EMU_REG_C0 + 5, 0, 0, 32},
	{0x57, IN_REG, EMU_REG_C0 + 6, 0, 0, 32},
	{0x58, IN_REG, EMU_REG_C0 + 7, 0, 0, 32},
	{0x59, IN_TCP, 4, 4, 0, 32},   /* TCP_SEQ_NUM */
	{0x5b, IN_TCP, 8, 4, 0, 32},   /* TCP_ACK_NUM */
	{0x73, IN_IP_TOS, 0, 2, 0, 2}, /* IP_ECN */
};

static const struct field *find_field(uint32_t id)
{
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].id == id)
			return &fields[i];
	return NULL;
}

/* An action, taken apart. */
struct action {
	unsigned type, offset, length;
	uint32_t data;
	const struct field *field; /* SET, ADD: what is changed; COPY: where it comes from */
	const struct field *to;
	unsigned to_offset;
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void decode(const uint8_t *bytes, struct action *a)
{
	uint32_t head = get32(bytes), tail = get32(bytes + 4);

	a->type = head >> 28;
	a->field = find_field(head >> 16 & 0xfff);
	a->offset = head >> 8 & 0x1f;
	a->length = head & 0x1f ? head & 0x1f : 32;
	a->data = tail;
	a->to = find_field(tail >> 16 & 0xfff);
	a->to_offset = tail >> 8 & 0x1f;
}

bool emu_modify_valid(const uint8_t bytes[8])
{
	struct action a;

	decode(bytes, &a);
	if (!a.field)
		return false;
	switch (a.type) {
	case TYPE_SET:
		return a.offset + a.length <= a.field->bits;
	case TYPE_ADD: /* add_action_in has no offset and no length */
		return !(get32(bytes) & 0xffff);
	case TYPE_COPY:
		return a.to && a.offset + a.length <= a.field->bits &&
		       a.to_offset + a.length <= a.to->bits;
	default:
		return false;
	}
}

/* ---- fields of a frame ---------------------------------------------------------------------- */

/* Where the bytes of a field lie; NULL: this frame has no such header. */
static uint8_t *locate(const struct emu_edit *edit, const struct emu_pkt *pkt,
		       const struct field *f)
{
	uint8_t *ip = edit->data + pkt->l3_off, *l4 = edit->data + pkt->l4_off;

	switch (f->place) {
	case IN_L2:
		return edit->len >= 14 ? edit->data + f->byte : NULL;
	case IN_TYPE:
		return edit->len >= 14 ? ip - 2 : NULL;
	case IN_TAG:
		return pkt->l3_off > 14 ? edit->data + 14 : NULL;
	case IN_IPV4:
		return pkt->l3 == EMU_L3_IPV4 ? ip + f->byte : NULL;
	case IN_IPV6:
		return pkt->l3 == EMU_L3_IPV6 ? ip + f->byte : NULL;
	case IN_IP_TOS:
		return pkt->l3 != EMU_L3_NONE ? ip : NULL;
	case IN_TCP:
		return pkt->l4 == EMU_L4_TCP ? l4 + f->byte : NULL;
	case IN_UDP:
		return pkt->l4 == EMU_L4_UDP ? l4 + f->byte : NULL;
	default:
		return NULL;
	}
}

static uint32_t load(const uint8_t *p, unsigned size)
{
	uint32_t v = 0;

	while (size--)
		v = v << 8 | *p++;
	return v;
}

static void store(uint8_t *p, unsigned size, uint32_t v)
{
	while (size--) {
		p[size] = (uint8_t)v;
		v >>= 8;
	}
}

/* The byte of TOS or traffic class: IPv6 has it across its first two. */
static unsigned shift_of(const struct field *f, const struct emu_pkt *pkt)
{
	return f->shift + (f->place == IN_IP_TOS && pkt->l3 == EMU_L3_IPV6 ? 4u : 0);
}

static uint32_t ones(unsigned bits)
{
	return bits >= 32 ? 0xffffffff : (1u << bits) - 1;
}

static bool read_field(const struct emu_edit *edit, const struct emu_pkt *pkt,
		       const struct field *f, uint32_t *value)
{
	const uint8_t *at;

	if (f->place == IN_REG) {
		*value = edit->regs[f->byte];
		return true;
	}
	at = locate(edit, pkt, f);
	if (at)
		*value = load(at, f->size) >> shift_of(f, pkt) & ones(f->bits);
	return at;
}

static void write_field(struct emu_edit *edit, const struct emu_pkt *pkt, const struct field *f,
			uint32_t value)
{
	unsigned shift = shift_of(f, pkt);
	uint32_t mask = ones(f->bits) << shift;
	uint8_t *at;

	if (f->place == IN_REG) {
		edit->regs[f->byte] = value;
		return;
	}
	at = locate(edit, pkt, f);
	if (at)
		store(at, f->size, (load(at, f->size) & ~mask) | (value << shift & mask));
}

/* ---- execution ------------------------------------------------------------------------------ */

static void execute(struct emu_edit *edit, const struct emu_pkt *pkt, const struct action *a)
{
	const struct field *to = a->type == TYPE_COPY ? a->to : a->field;
	unsigned at = a->type == TYPE_COPY ? a->to_offset : a->offset;
	uint32_t from, old, mask = ones(a->length) << at;

	if (!read_field(edit, pkt, a->field, &from) || !read_field(edit, pkt, to, &old))
		return;
	if (a->type == TYPE_ADD)
		write_field(edit, pkt, to, (old + a->data) & ones(to->bits));
	else if (a->type == TYPE_COPY)
		write_field(edit, pkt, to, (old & ~mask) | (from >> a->offset << at & mask));
	else
		write_field(edit, pkt, to, (old & ~mask) | (a->data << at & mask));
}

/* Sums of what checksums cover and actions can change, as they lie in memory. */
struct sums {
	uint16_t ip, l4;
};

static struct sums sums_of(const struct emu_edit *edit, const struct emu_pkt *pkt)
{
	const uint8_t *ip = edit->data + pkt->l3_off, *l4 = edit->data + pkt->l4_off;
	struct sums s = {0, 0};

	if (!pkt->l3_good)
		return s;
	if (pkt->l3 == EMU_L3_IPV4) {
		s.ip = emu_csum(ip, (size_t)(ip[0] & 0xf) * 4, 0);
		s.l4 = emu_csum(ip + 12, 8, 0);
	} else {
		s.l4 = emu_csum(ip + 8, 32, 0);
	}
	if (pkt->l4 != EMU_L4_NONE)
		s.l4 = emu_csum(l4, pkt->l4 == EMU_L4_TCP ? 16 : 4, s.l4);
	return s;
}

/* RFC 1624: what was wrong stays wrong. */
static void adjust(uint8_t *field, uint16_t before, uint16_t after)
{
	uint16_t csum;
	uint32_t sum;

	if (before == after)
		return;
	memcpy(&csum, field, 2);
	sum = (uint32_t)(uint16_t)~csum + (uint16_t)~before + after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	csum = (uint16_t)~sum;
	memcpy(field, &csum, 2);
}

static void adjust_udp(uint8_t *field, uint16_t before, uint16_t after)
{
	if (!field[0] && !field[1]) /* the sender made none */
		return;
	adjust(field, before, after);
	if (!field[0] && !field[1])
		memset(field, 0xff, 2);
}

void emu_edit_modify(struct emu_edit *edit, const uint8_t *actions, unsigned n)
{
	struct sums before, after;
	struct action a;
	struct emu_pkt pkt;

	emu_pkt_parse(&pkt, edit->data, edit->len);
	before = sums_of(edit, &pkt);
	for (unsigned i = 0; i < n; i++) {
		if (!emu_modify_valid(actions + (size_t)i * 8)) /* another process wrote it */
			continue;
		decode(actions + (size_t)i * 8, &a);
		execute(edit, &pkt, &a);
	}
	if (!pkt.l3_good)
		return;
	after = sums_of(edit, &pkt);
	if (pkt.l3 == EMU_L3_IPV4)
		adjust(edit->data + pkt.l3_off + 10, before.ip, after.ip);
	if (pkt.l4 == EMU_L4_TCP)
		adjust(edit->data + pkt.l4_off + 16, before.l4, after.l4);
	else if (pkt.l4 == EMU_L4_UDP)
		adjust_udp(edit->data + pkt.l4_off + 6, before.l4, after.l4);
}
