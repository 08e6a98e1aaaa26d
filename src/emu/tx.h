/* SPDX-License-Identifier: Apache-2.0 */
/* The sending side, between the files that execute WQEs: sq_wqe.c, tx_*.c. */
#ifndef EMU_TX_H
#define EMU_TX_H

#include "caps.h"
#include "emu_dev.h"

#define EMU_MAX_LSO (1u << EMU_LOG_MAX_LSO) /* payload bytes of one WQE */

/* ---- a WQE's bytes --------------------------------------------------------------------------- */

/* A run of bytes of a frame: behind a pointer, or in the WQE itself. */
struct emu_piece {
	const uint8_t *ptr;
	uint32_t len;
};

/* Pieces one behind the other, read from the front. */
struct emu_gather {
	const struct emu_piece *pieces;
	unsigned n;
	uint32_t skip; /* bytes of the first that are read already */
};

/* Copies up to size bytes and steps over them; how many there were. */
uint32_t emu_gather(struct emu_gather *from, uint8_t *dst, uint32_t size);

/* What the Ethernet segment asks for: the same for all frames of a WQE. */
struct emu_tx {
	struct emu_sq *sq;
	bool edit;		   /* a frame's bytes are not sent as they are */
	uint8_t csum;		   /* EMU_ETH_*_CSUM */
	uint8_t swp_flags;	   /* EMU_SWP_* */
	uint8_t swp[EMU_SWP_OFFS]; /* in units of 2 bytes; 0: none */
	uint16_t mss;
	uint16_t tpid, tci; /* tag to insert; tpid 0: none */
};

/* ---- tx_headers.c: where the headers of a frame are -------------------------------------------
 */

struct emu_tx_header {
	uint16_t l3, l4; /* offsets; 0: none found */
	uint16_t behind; /* where what the L4 header carries begins */
	uint8_t version; /* 4 or 6 */
	uint8_t proto;	 /* of l4: EMU_PROTO_TCP, EMU_PROTO_UDP */
	uint32_t end;	 /* of the IP packet */
};

#define EMU_PROTO_TCP 6u
#define EMU_PROTO_UDP 17u

struct emu_tx_headers {
	struct emu_tx_header outer, inner;
};

/* lso: data is the header alone, its length fields mean nothing yet. */
void emu_tx_find(const struct emu_tx *tx, const uint8_t *data, uint32_t len, bool lso,
		 struct emu_tx_headers *h);
/* Fills in the checksums that tx asks for. */
void emu_tx_csum(const struct emu_tx *tx, uint8_t *data, uint32_t len);
void emu_tx_csum_at(const struct emu_tx *tx, uint8_t *data, const struct emu_tx_headers *h);

/* ---- tx_frame.c ------------------------------------------------------------------------------ */

/* Sends what lies in pieces as one frame. */
enum emu_syndrome emu_tx_pieces(const struct emu_tx *tx, const struct emu_piece *pieces,
				unsigned n);
/* Sends len bytes from the gather list as one frame. */
enum emu_syndrome emu_tx_gathered(const struct emu_tx *tx, struct emu_gather *from, uint32_t len);
/* Sends a frame that is ready; it is too long, or goes on its way. */
void emu_tx_ready(const struct emu_tx *tx, const uint8_t *data, uint32_t len);
/* Where a frame is put together that does not lie in one piece, or must be changed. */
#define EMU_STAGING (EMU_MAX_FRAME + 64u)
extern uint8_t emu_tx_staging[EMU_STAGING];

/* ---- tx_lso.c -------------------------------------------------------------------------------- */

/*
 * Sends the next segments of an LSO WQE: its first hdr bytes and mss bytes more in each. What is
 * left is for the next call: sq->lso_at says where.
 */
enum emu_syndrome emu_tx_lso(const struct emu_tx *tx, const struct emu_gather *all, uint32_t hdr,
			     unsigned *frames);

#endif
