/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large send: one WQE, many frames. PRM "LSO": the header in the Ethernet segment is in front of
 * every mss bytes of the data; what depends on a frame's place is written into it. With the
 * modifier "multi-packet" there is no header, and every mss bytes are a frame of their own.
 */
#include <string.h>

#include "tx.h"

#define SEGMENTS 16u /* of one call: then it is another queue's turn */

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

struct segment {
	uint32_t at, len; /* of the data */
	uint32_t number;
	uint32_t frame; /* length with header */
	bool last;
};

static uint32_t get_be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void put_be(uint8_t *p, unsigned n, uint32_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static void write_ip(uint8_t *data, struct emu_tx_header *h, const struct segment *s)
{
	uint8_t *ip = data + h->l3;

	h->end = s->frame;
	if (h->version == 4) {
		put_be(ip + 2, 2, s->frame - h->l3);
		put_be(ip + 4, 2, get_be(ip + 4, 2) + s->number);
	} else if (h->version == 6) {
		put_be(ip + 4, 2, s->frame - h->l3 - 40u);
	}
}

static void write_l4(uint8_t *data, const struct emu_tx_header *h, const struct segment *s)
{
	uint8_t *l4 = data + h->l4;

	if (!h->l4)
		return;
	if (h->proto == EMU_PROTO_UDP) {
		put_be(l4 + 4, 2, s->frame - h->l4);
		return;
	}
	put_be(l4 + 4, 4, get_be(l4 + 4, 4) + (emu_broken(TSO_SEQUENCE) ? 0 : s->at));
	if (!s->last)
		l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->number)
		l4[13] = (uint8_t)(l4[13] & ~TCP_CWR);
}

/* The header is in front; what h says of it holds for each segment. */
static void send_segment(const struct emu_tx *tx, struct emu_tx_headers *h, const struct segment *s)
{
	write_ip(emu_tx_staging, &h->outer, s);
	write_l4(emu_tx_staging, &h->outer, s);
	write_ip(emu_tx_staging, &h->inner, s);
	write_l4(emu_tx_staging, &h->inner, s);
	emu_tx_csum_at(tx, emu_tx_staging, h);
	emu_tx_ready(tx, emu_tx_staging, s->frame < EMU_MIN_FRAME ? EMU_MIN_FRAME : s->frame);
}

static enum emu_syndrome one_segment(const struct emu_tx *tx, const struct emu_gather *header,
				     struct emu_gather *from, const struct segment *s)
{
	struct emu_gather head = *header;
	uint32_t hdr = s->frame - s->len;
	const struct emu_tx_header *last;
	struct emu_tx_headers h;

	if (!hdr)
		return emu_tx_gathered(tx, from, s->len);
	emu_gather(&head, emu_tx_staging, hdr);
	if (s->frame > EMU_MAX_FRAME) {
		emu_tx_ready(tx, emu_tx_staging, s->frame);
		return EMU_SYN_NONE;
	}
	emu_tx_find(tx, emu_tx_staging, hdr, true, &h);
	last = h.inner.l4 ? &h.inner : &h.outer;
	if (!last->l4 || last->behind != hdr)
		return EMU_SYN_LOCAL_QP_OP; /* no TCP or UDP header ends where the data begins */
	emu_gather(from, emu_tx_staging + hdr, s->len);
	if (s->frame < EMU_MIN_FRAME)
		memset(emu_tx_staging + s->frame, 0, EMU_MIN_FRAME - s->frame);
	send_segment(tx, &h, s);
	return EMU_SYN_NONE;
}

static uint64_t total_of(const struct emu_gather *all)
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < all->n; i++)
		total += all->pieces[i].len;
	return total;
}

static void skip(struct emu_gather *from, uint64_t bytes)
{
	while (from->n && bytes >= from->pieces->len) {
		bytes -= from->pieces->len;
		from->pieces++;
		from->n--;
	}
	from->skip = (uint32_t)bytes;
}

enum emu_syndrome emu_tx_lso(const struct emu_tx *tx, const struct emu_gather *all, uint32_t hdr,
			     unsigned *frames)
{
	uint64_t data = total_of(all) - hdr;
	struct emu_gather from = *all;
	enum emu_syndrome syndrome;
	struct emu_sq *sq = tx->sq;
	struct segment s;
	unsigned n;

	if (data == 0 || data > EMU_MAX_LSO)
		return EMU_SYN_LOCAL_LENGTH;
	skip(&from, hdr + (uint64_t)sq->lso_at);
	for (n = 0; n < SEGMENTS && sq->lso_at < data; n++) {
		s.at = sq->lso_at;
		s.len = (uint32_t)data - s.at < tx->mss ? (uint32_t)data - s.at : tx->mss;
		s.number = s.at / tx->mss;
		s.frame = hdr + s.len;
		s.last = s.at + s.len == data;
		*frames += 1;
		syndrome = one_segment(tx, all, &from, &s);
		if (syndrome != EMU_SYN_NONE)
			return syndrome;
		sq->lso_at += s.len;
		if (sq->rate_kbps)
			break; /* each has its time */
	}
	if (sq->lso_at == data)
		sq->lso_at = 0; /* done */
	return EMU_SYN_NONE;
}
