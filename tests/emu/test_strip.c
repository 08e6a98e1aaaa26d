/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues that take VLAN tags out, and flows that ask for it. */
#include <errno.h>

#include "match_kit.h"

static struct frame f, bare;

static void build_one(struct frame *at, int tci, unsigned n)
{
	fr_ether(at, MAC_B, MAC_A, 0x0800);
	if (tci >= 0)
		fr_vlan(at, 0x8100, (unsigned)tci);
	fr_ipv4(at, 17, "10.0.0.1", "10.0.0.2");
	fr_udp(at, 1000, 2000);
	fr_payload(at, n);
}

/* f with the tag and bare without it: the pattern goes by the place in the frame, and is made one.
 */
static void build(unsigned tci, unsigned n)
{
	build_one(&f, (int)tci, n);
	build_one(&bare, -1, n);
	memcpy(f.b + f.len - n, bare.b + bare.len - n, n);
	fr_finish(&f);
	fr_finish(&bare);
}

static void strip(const char *keys)
{
	struct link l = match_open_rxq(keys, "[flow b x]\nvlan_id = 5\nqueue = 1\nvlan_pop = on\n");

	for (unsigned n = 30; n < 1400; n = n * 3 + 1) {
		build(0x6005, n);
		cr_assert_eq(match_where_as(&l, &f, &bare), 1);
		build(0x6006, n);
		cr_assert_eq(match_where_as(&l, &f, &bare), 0, "queue 0 strips, too");
		cr_assert_eq(match_where(&l, &bare), 0, "and leaves alone what has none");
	}
	match_close(&l);
}

Test(strip, the_tag_is_out_of_the_frame)
{
	strip("vlan_strip = on\n");
	strip("vlan_strip = on\nrx_mode = striding\n");
	strip("vlan_strip = on\nmetadata = vlan\n");
	strip("vlan_strip = on\nmetadata = vlan\ncqe_compression = off\n");
}

Test(strip, without_it_tags_stay)
{
	struct link l = match_open_rxq("vlan_strip = off\nmetadata = vlan\n", "");

	build(0x6005, 50);
	cr_assert_eq(match_where(&l, &f), 0);
	match_close(&l);
}

/* What was in the tag is told beside the frame. */
Test(strip, metadata_tells_the_tag)
{
	struct link l = match_open_rxq("vlan_strip = on\nmetadata = vlan\n", "");
	struct daqiri_rx_meta meta;
	struct daqiri_pkt pkt;

	for (unsigned i = 0; i < 32; i++) {
		int64_t deadline = kit_deadline();
		unsigned tci = i & 1 ? 0xa000 + i : 0;
		const struct frame *sent = tci ? &f : &bare;

		build(tci, 40);
		daqiri_tx_completed(l.tx);
		cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
		memcpy((void *)(uintptr_t)pkt.addr, sent->b, sent->len);
		pkt.len = sent->len;
		cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
		while (!daqiri_rx_poll_meta(l.rx, &pkt, &meta, 1) && !kit_is_late(deadline))
			;
		cr_assert_eq(meta.vlan_tci, tci);
		cr_assert_eq(pkt.len, bare.len);
		daqiri_rx_release(l.rx, 1);
	}
	daqiri_close(l.dq);
}

Test(strip, a_queue_that_does_not_strip_is_named)
{
	match_refused("vlan_id = 5\nvlan_pop = on\n", "vlan_strip = on in [rxq b 1]");
}
