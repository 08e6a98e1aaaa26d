/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of send WQEs: gathering frames from pointers and inline data, and sending them. */
#include <string.h>

#include "emu_dev.h"

#define MAX_PIECES 64u

struct piece {
	const uint8_t *ptr;
	uint32_t len;
};

/* Where a frame is put together that does not lie in one piece, or must be changed. */
static uint8_t staging[EMU_MAX_FRAME];

/* What all frames of a WQE share. */
struct sender {
	struct emu_sq *sq;
	bool l3_csum, l4_csum;
};

static uint32_t align16(uint32_t n)
{
	return (n + 15) & ~15u;
}

/* Reads a pointer or inline segment at *off and steps over it. */
static enum emu_syndrome read_segment(const struct emu_sq *sq, const struct emu_wqe *wqe,
				      uint32_t *off, struct piece *piece)
{
	struct emu_wqe_data seg;
	uint32_t count;

	if (*off + EMU_DS > wqe->size)
		return EMU_SYN_LOCAL_QP_OP;
	memcpy(&seg, wqe->bytes + *off, sizeof(seg));
	count = emu_from_be32(seg.byte_count);
	if (count & EMU_INLINE_SEG) {
		count &= ~EMU_INLINE_SEG;
		if (count == 0 || count > wqe->size - *off - 4)
			return EMU_SYN_LOCAL_QP_OP;
		piece->ptr = wqe->bytes + *off + 4;
		piece->len = count;
		*off += align16(4 + count);
		return EMU_SYN_NONE;
	}
	*off += EMU_DS;
	/* PRM: no bytes means 2 GB here, and no key covers what a frame cannot be */
	piece->ptr = count ? emu_mem(sq->dev, &seg, sq->pdn, 0) : NULL;
	piece->len = count;
	return piece->ptr ? EMU_SYN_NONE : EMU_SYN_LOCAL_PROT;
}

static uint32_t total_of(const struct piece *pieces, unsigned n)
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		total += pieces[i].len;
	return total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
}

/* Copies up to size bytes. */
static void gather(uint8_t *dst, uint32_t size, const struct piece *pieces, unsigned n)
{
	uint32_t take;
	unsigned i;

	for (i = 0; i < n && size; i++) {
		take = pieces[i].len < size ? pieces[i].len : size;
		memcpy(dst, pieces[i].ptr, take);
		dst += take;
		size -= take;
	}
}

/* The time that a frame takes of the queue's own rate: with preamble, FCS and gap. */
static void account_rate(struct emu_sq *sq, uint32_t len)
{
	uint64_t now = emu_time_ns();

	if (sq->next_ns < now)
		sq->next_ns = now;
	sq->next_ns += (uint64_t)(len + 24) * 8 * 1000000 / sq->rate_kbps;
}

static enum emu_syndrome send_pieces(const struct sender *s, const struct piece *pieces, unsigned n)
{
	uint32_t len = n == 1 ? pieces[0].len : total_of(pieces, n);
	const uint8_t *data = pieces[0].ptr;
	uint8_t head[16] = {0};

	if (len < 14)
		return EMU_SYN_LOCAL_LENGTH; /* not even an Ethernet header */
	if (s->sq->rate_kbps)
		account_rate(s->sq, len);
	if (n > 1)
		gather(head, sizeof(head), pieces, n);
	if (len > emu_wire_limit(s->sq->dev->index, n > 1 ? head : data)) {
		emu_counted[s->sq->dev->index].tx_over_mtu++;
		return EMU_SYN_NONE; /* the port drops it; the queue has done its part */
	}
	if (n > 1 || len < EMU_MIN_FRAME || s->l3_csum || s->l4_csum) {
		gather(staging, len, pieces, n);
		if (len < EMU_MIN_FRAME) {
			memset(staging + len, 0, EMU_MIN_FRAME - len);
			len = EMU_MIN_FRAME;
		}
		if (s->l3_csum || s->l4_csum)
			emu_pkt_insert_csum(staging, len, s->l3_csum, s->l4_csum);
		data = staging;
	}
	emu_wire_send(s->sq, data, len);
	return EMU_SYN_NONE;
}

/* False: the segment asks for what this device does not offer. */
static bool read_eth(const struct emu_wqe *wqe, struct emu_wqe_eth *eth)
{
	if (wqe->size < sizeof(struct emu_wqe_ctrl) + sizeof(*eth))
		return false;
	memcpy(eth, wqe->bytes + sizeof(struct emu_wqe_ctrl), sizeof(*eth));
	return eth->mss == 0 && !(emu_from_be16(eth->inline_hdr_sz) & EMU_ETH_INSERT_VLAN) &&
	       eth->swp_flags == 0;
}

enum emu_syndrome emu_wqe_send(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames)
{
	struct piece pieces[MAX_PIECES];
	enum emu_syndrome syndrome;
	struct emu_wqe_eth eth;
	struct sender s = {sq, false, false};
	uint32_t inl, off;
	unsigned n = 0;

	*frames += 1;
	if (!read_eth(wqe, &eth))
		return EMU_SYN_LOCAL_QP_OP;
	s.l3_csum = eth.cs_flags & EMU_ETH_L3_CSUM;
	s.l4_csum = eth.cs_flags & EMU_ETH_L4_CSUM;
	inl = emu_from_be16(eth.inline_hdr_sz) & EMU_ETH_INLINE_BYTES;
	off = 16 + (inl > 2 ? align16(14 + inl) : 16);
	if (off > wqe->size)
		return EMU_SYN_LOCAL_QP_OP;
	if (inl) {
		pieces[n].ptr = wqe->bytes + 16 + offsetof(struct emu_wqe_eth, inline_hdr);
		pieces[n++].len = inl;
	}
	while (off < wqe->size) {
		syndrome = read_segment(sq, wqe, &off, &pieces[n++]);
		if (syndrome != EMU_SYN_NONE)
			return syndrome;
	}
	return n ? send_pieces(&s, pieces, n) : EMU_SYN_LOCAL_QP_OP;
}

/* The frame of a pointer segment that will be sent soon. */
static void prefetch_frame(const struct emu_sq *sq, const struct emu_wqe *wqe, uint32_t off)
{
	struct emu_wqe_data seg;
	const uint8_t *ptr;

	if (off + EMU_DS > wqe->size)
		return;
	memcpy(&seg, wqe->bytes + off, sizeof(seg));
	if (emu_from_be32(seg.byte_count) & EMU_INLINE_SEG)
		return;
	ptr = emu_mem(sq->dev, &seg, sq->pdn, 0);
	if (ptr)
		__builtin_prefetch(ptr);
}

enum emu_syndrome emu_wqe_empw(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames)
{
	struct sender s = {sq, false, false};
	enum emu_syndrome syndrome;
	struct emu_wqe_eth eth;
	struct piece piece;
	uint32_t off = 32;

	if (!read_eth(wqe, &eth) || eth.inline_hdr_sz != 0 || wqe->size <= off)
		return EMU_SYN_LOCAL_QP_OP;
	s.l3_csum = eth.cs_flags & EMU_ETH_L3_CSUM;
	s.l4_csum = eth.cs_flags & EMU_ETH_L4_CSUM;
	while (off < wqe->size) {
		prefetch_frame(sq, wqe, off + 6 * EMU_DS);
		*frames += 1;
		syndrome = read_segment(sq, wqe, &off, &piece);
		if (syndrome == EMU_SYN_NONE)
			syndrome = send_pieces(&s, &piece, 1);
		if (syndrome != EMU_SYN_NONE)
			return syndrome;
	}
	return EMU_SYN_NONE;
}
