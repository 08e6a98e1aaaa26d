/* SPDX-License-Identifier: Apache-2.0 */
/* One frame: put together from its pieces, tagged and summed where asked for, and sent. */
#include <string.h>

#include "tx.h"

#define ETHER_HEADER 14u
#define ETHER_MACS   12u
#define TAG	     4u

uint8_t emu_tx_staging[EMU_STAGING];

uint32_t emu_gather(struct emu_gather *from, uint8_t *dst, uint32_t size)
{
	uint32_t done = 0, take, left;

	while (done < size && from->n) {
		left = from->pieces->len - from->skip;
		take = left < size - done ? left : size - done;
		memcpy(dst + done, from->pieces->ptr + from->skip, take);
		if (emu_broken(GATHER) && done)
			dst[done] ^= 0xff;
		done += take;
		from->skip += take;
		if (take == left) {
			from->pieces++;
			from->n--;
			from->skip = 0;
		}
	}
	return done;
}

/*
 * The time that a frame takes of the queue's own rate: with preamble, FCS and gap. What was not
 * used of it may be made up for within the queue's burst.
 */
static void account_rate(struct emu_sq *sq, uint32_t len)
{
	uint64_t now = emu_time_ns();

	if (sq->next_ns + sq->burst_ns < now)
		sq->next_ns = now - sq->burst_ns;
	sq->next_ns += (uint64_t)(len + EMU_WIRE_OVERHEAD) * 8 * 1000000 / sq->rate_kbps;
}

void emu_tx_ready(const struct emu_tx *tx, const uint8_t *data, uint32_t len)
{
	unsigned port = tx->sq->dev->index;

	if (tx->sq->rate_kbps)
		account_rate(tx->sq, len);
	if (len > emu_wire_limit(port, data)) {
		emu_counted[port].tx_over_mtu++;
		return; /* the port drops it; the queue has done its part */
	}
	emu_wire_send(tx->sq, data, len);
}

static uint32_t insert_tag(const struct emu_tx *tx, uint8_t *data, uint32_t len)
{
	uint16_t tci = emu_broken(VLAN_INSERT) ? tx->tci ^ 1 : tx->tci;
	const uint8_t tag[TAG] = {(uint8_t)(tx->tpid >> 8), (uint8_t)tx->tpid, (uint8_t)(tci >> 8),
				  (uint8_t)tci};

	memmove(data + ETHER_MACS + TAG, data + ETHER_MACS, len - ETHER_MACS);
	memcpy(data + ETHER_MACS, tag, TAG);
	return len + TAG;
}

enum emu_syndrome emu_tx_gathered(const struct emu_tx *tx, struct emu_gather *from, uint32_t len)
{
	uint8_t *data = emu_tx_staging;
	uint32_t n = len < EMU_MAX_FRAME ? len : EMU_MAX_FRAME;

	if (len < ETHER_HEADER)
		return EMU_SYN_LOCAL_LENGTH;
	emu_gather(from, data, n);
	if (len > n) { /* longer than any port lets through, whatever the rest is */
		emu_tx_ready(tx, data, len);
		return EMU_SYN_NONE;
	}
	if (tx->tpid)
		len = insert_tag(tx, data, len);
	if (len < EMU_MIN_FRAME && !emu_broken(PADDING)) {
		memset(data + len, 0, EMU_MIN_FRAME - len);
		len = EMU_MIN_FRAME;
	}
	if (tx->csum && !emu_broken(CSUM_INSERT))
		emu_tx_csum(tx, data, len);
	emu_tx_ready(tx, data, len);
	return EMU_SYN_NONE;
}

static uint32_t total_of(const struct emu_piece *pieces, unsigned n)
{
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		total += pieces[i].len;
	return total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
}

enum emu_syndrome emu_tx_pieces(const struct emu_tx *tx, const struct emu_piece *pieces, unsigned n)
{
	uint32_t len = n == 1 ? pieces[0].len : total_of(pieces, n);
	struct emu_gather from = {pieces, n, 0};

	if (n > 1 || tx->edit || len < EMU_MIN_FRAME)
		return emu_tx_gathered(tx, &from, len);
	emu_tx_ready(tx, pieces[0].ptr, len);
	return EMU_SYN_NONE;
}
