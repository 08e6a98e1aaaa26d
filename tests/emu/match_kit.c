/* SPDX-License-Identifier: Apache-2.0 */
#include "match_kit.h"

#include <errno.h>

#define MATCH_BASE                                                                                 \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\nunmatched = queue 0\n"      \
	"[txq a 0]\nregions = tx\ndepth = 256\n[rxq b 0-3]\nregions = rx\ndepth = 256\n"

struct link match_open(const char *sections)
{
	return match_open_rxq("", sections);
}

struct link match_open_rxq(const char *keys, const char *sections)
{
	char text[8192];
	int n = snprintf(text, sizeof(text), "%s%s%s", MATCH_BASE, keys, sections);

	cr_assert(n > 0 && (size_t)n < sizeof(text));
	return kit_open_link(text);
}

void match_send(const struct link *l, const struct frame *f)
{
	struct daqiri_pkt pkt;

	daqiri_tx_completed(l->tx);
	cr_assert_eq(daqiri_tx_reserve(l->tx, &pkt, 1), 1);
	memcpy((void *)(uintptr_t)pkt.addr, f->b, f->len);
	pkt.len = f->len;
	cr_assert_eq(daqiri_tx_post(l->tx, &pkt, 1), 1);
}

/* The wire pads what is shorter than 60 bytes. */
static void check_frame(const struct daqiri_pkt *pkt, const struct frame *want)
{
	cr_assert_eq(pkt->len, want->len < 60 ? 60 : want->len);
	cr_assert_arr_eq((const uint8_t *)(uintptr_t)pkt->addr, want->b, want->len);
}

int match_where_as(const struct link *l, const struct frame *f, const struct frame *want)
{
	int64_t deadline = kit_deadline();
	struct daqiri_pkt pkt;
	int where = -1;

	match_send(l, f);
	while (where < 0 && !kit_is_late(deadline)) {
		for (unsigned i = 0; i < MATCH_QUEUES; i++) {
			struct daqiri_rxq *q = daqiri_rxq_get(l->b, i);

			if (daqiri_rx_poll(q, &pkt, 1) != 1)
				continue;
			cr_assert_lt(where, 0, "the frame came twice");
			where = (int)i;
			check_frame(&pkt, want);
			cr_assert_eq(daqiri_key_flow(pkt.key) != 0, where != 0);
			daqiri_rx_release(q, 1);
		}
	}
	return where;
}

int match_where(const struct link *l, const struct frame *f)
{
	return match_where_as(l, f, f);
}

void match_close(struct link *l)
{
	for (unsigned i = 0; i < MATCH_QUEUES; i++)
		cr_assert_eq(kit_receive_none(daqiri_rxq_get(l->b, i)), 0, "a frame came twice");
	daqiri_close(l->dq);
}

void match_refused(const char *keys, const char *part)
{
	char text[8192];

	snprintf(text, sizeof(text), "%s[flow b x]\nqueue = 1\n%s", MATCH_BASE, keys);
	cr_assert_lt(kit_try_text(text), 0);
	assert_detail("[flow b x]");
	assert_detail(part);
}
