/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of send WQEs: what they ask for, and where their frames' bytes lie. */
#include <string.h>

#include "fault.h"
#include "gpu.h"
#include "tx.h"

#define MAX_PIECES 64u

#define ETH_AT	   sizeof(struct emu_wqe_ctrl)
#define INLINE_HDR offsetof(struct emu_wqe_eth, inline_hdr)
#define MIN_INLINE 18u /* MLX5_USER_INLINE_MODE_L2: Ethernet header and a tag */
#define TPID_CVLAN 0x8100
#define TPID_SVLAN 0x88a8

static uint32_t align16(uint32_t n)
{
	return (n + 15) & ~15u;
}

/* Reads a pointer or inline segment at *off and steps over it. */
static enum emu_syndrome read_segment(const struct emu_sq *sq, const struct emu_wqe *wqe,
				      uint32_t *off, struct emu_piece *piece)
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
		piece->len = emu_broken(INLINE) && count > 18 ? 18 : count;
		*off += align16(4 + count);
		return EMU_SYN_NONE;
	}
	*off += EMU_DS;
	/* PRM: no bytes means 2 GB here, and no key covers what a frame cannot be */
	piece->ptr = count ? emu_mem(sq->dev, &seg, sq->pdn, 0) : NULL;
	piece->len = count;
	if (emu_gpu_holds(piece->ptr))
		piece->ptr = emu_gpu_fetch(piece->ptr, count);
	return piece->ptr ? EMU_SYN_NONE : EMU_SYN_LOCAL_PROT;
}

/* False: the segment asks for what does not go together. */
static bool read_eth(const struct emu_wqe *wqe, struct emu_wqe_eth *eth, struct emu_tx *tx)
{
	uint16_t hdr;

	if (wqe->size < ETH_AT + sizeof(*eth))
		return false;
	memcpy(eth, wqe->bytes + ETH_AT, sizeof(*eth));
	tx->csum = eth->cs_flags & (EMU_ETH_L3_CSUM | EMU_ETH_L4_CSUM | EMU_ETH_L3_INNER_CSUM |
				    EMU_ETH_L4_INNER_CSUM);
	tx->swp_flags = eth->swp_flags;
	memcpy(tx->swp, &eth->swp_offs, sizeof(tx->swp));
	tx->mss = emu_from_be16(eth->mss);
	hdr = emu_from_be16(eth->inline_hdr_sz);
	tx->tpid = 0;
	if (hdr & EMU_ETH_INSERT_VLAN) {
		tx->tpid = hdr & EMU_ETH_INSERT_SVLAN ? TPID_SVLAN : TPID_CVLAN;
		tx->tci = (uint16_t)(eth->inline_hdr[0] << 8 | eth->inline_hdr[1]);
		hdr = (uint16_t)(hdr & ~(EMU_ETH_INSERT_VLAN | EMU_ETH_INSERT_SVLAN));
	}
	tx->edit = tx->csum || tx->tpid;
	if ((tx->edit || tx->mss) && emu_fault(EMU_FAULT_NO_OFFLOADS))
		return false;
	/* bits that no driver sets, and a tag where there is a header */
	return !(hdr & ~EMU_ETH_INLINE_BYTES) && !(tx->tpid && hdr) && !(tx->mss & ~EMU_ETH_MSS) &&
	       !(tx->swp_flags & ~EMU_SWP_FLAGS);
}

/* Bytes of the header in the Ethernet segment; *off: behind it. */
static uint32_t inline_header(const struct emu_wqe_eth *eth, uint32_t *off)
{
	uint32_t hdr = emu_from_be16(eth->inline_hdr_sz);

	if (hdr & EMU_ETH_INSERT_VLAN)
		hdr = 0;
	*off = ETH_AT + (hdr > 2 ? align16(INLINE_HDR + hdr) : sizeof(*eth));
	return hdr;
}

static enum emu_syndrome send_all(const struct emu_tx *tx, const struct emu_wqe *wqe,
				  const struct emu_gather *all, uint32_t hdr, unsigned *frames)
{
	bool lso = wqe->opcode == EMU_OP_LSO;
	bool mpw = lso && wqe->opmod == EMU_OPMOD_LSO_MPW;

	if (!all->n || lso != (tx->mss != 0) || (lso && wqe->opmod > EMU_OPMOD_LSO_MPW))
		return EMU_SYN_LOCAL_QP_OP;
	if (lso && (mpw ? hdr != 0 || tx->tpid : hdr < 14))
		return EMU_SYN_LOCAL_QP_OP;
	/* mlx5e_calc_min_inline(): a frame that is shorter is inline whole */
	if (tx->sq->min_inline && hdr < MIN_INLINE && (!hdr || all->n > 1))
		return EMU_SYN_LOCAL_QP_OP;
	if (lso)
		return emu_tx_lso(tx, all, hdr, frames);
	*frames += 1;
	return emu_tx_pieces(tx, all->pieces, all->n);
}

/* SEND and LSO */
enum emu_syndrome emu_wqe_send(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames)
{
	struct emu_piece pieces[MAX_PIECES];
	struct emu_gather all = {pieces, 0, 0};
	struct emu_tx tx = {.sq = sq};
	enum emu_syndrome syndrome;
	struct emu_wqe_eth eth;
	uint32_t hdr, off;

	if (!read_eth(wqe, &eth, &tx))
		return EMU_SYN_LOCAL_QP_OP;
	hdr = inline_header(&eth, &off);
	if (off > wqe->size)
		return EMU_SYN_LOCAL_QP_OP;
	if (hdr) {
		pieces[0].ptr = wqe->bytes + ETH_AT + INLINE_HDR;
		pieces[all.n++].len = hdr;
	}
	emu_gpu_begin();
	while (off < wqe->size) {
		syndrome = read_segment(sq, wqe, &off, &pieces[all.n++]);
		if (syndrome != EMU_SYN_NONE)
			return syndrome;
	}
	if (!emu_gpu_fetched())
		return EMU_SYN_LOCAL_PROT;
	return send_all(&tx, wqe, &all, hdr, frames);
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

/* A frame each, once those that come from a GPU are there. */
static enum emu_syndrome send_each(const struct emu_tx *tx, const struct emu_piece *pieces,
				   unsigned n)
{
	enum emu_syndrome syndrome = emu_gpu_fetched() ? EMU_SYN_NONE : EMU_SYN_LOCAL_PROT;

	for (unsigned i = 0; i < n && syndrome == EMU_SYN_NONE; i++)
		syndrome = emu_tx_pieces(tx, &pieces[i], 1);
	return syndrome;
}

enum emu_syndrome emu_wqe_empw(struct emu_sq *sq, const struct emu_wqe *wqe, unsigned *frames)
{
	struct emu_tx tx = {.sq = sq};
	uint32_t off = ETH_AT + sizeof(struct emu_wqe_eth);
	/* What lies in a GPU's memory is waited for once for many frames. */
	const unsigned batch = emu_gpu_n ? MAX_PIECES : 1;
	struct emu_piece pieces[MAX_PIECES];
	enum emu_syndrome syndrome, sent;
	struct emu_wqe_eth eth;
	unsigned n = 0;

	/* one Ethernet segment for all: no header of a frame, no tag, no large send */
	if (!read_eth(wqe, &eth, &tx) || eth.inline_hdr_sz != 0 || tx.mss || wqe->size <= off ||
	    wqe->size > EMU_MAX_EMPW_DS * EMU_DS || sq->min_inline)
		return EMU_SYN_LOCAL_QP_OP;
	while (off < wqe->size) {
		if (emu_broken(EMPW_HALF) && off > wqe->size / 2 + EMU_DS)
			break;
		prefetch_frame(sq, wqe, off + 6 * EMU_DS);
		*frames += 1;
		if (!n)
			emu_gpu_begin();
		syndrome = read_segment(sq, wqe, &off, &pieces[n]);
		n += syndrome == EMU_SYN_NONE;
		if (syndrome == EMU_SYN_NONE && n < batch && emu_gpu_room() >= EMU_MAX_FRAME)
			continue;
		sent = send_each(&tx, pieces, n);
		if (sent != EMU_SYN_NONE || syndrome != EMU_SYN_NONE)
			return sent != EMU_SYN_NONE ? sent : syndrome;
		n = 0;
	}
	return send_each(&tx, pieces, n);
}
