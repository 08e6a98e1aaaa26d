/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to frames that are sent: checksums filled in, and the source address. What must
 * arrive is built a second time from the RFCs, and compared byte by byte.
 */
#include <errno.h>
#include <stdlib.h>

#include "dq_kit.h"
#include "frames.h"

#define REGIONS                                                                                    \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[region rest]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
#define LINK(keys)                                                                                 \
	REGIONS                                                                                    \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\ndepth = 128\n" keys "[rxq b 0]\nregions = rx\ndepth = 1024\n"    \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

enum { L3 = 1, L4 = 2, JUNK = 0xdead, N = 60, HEAD = 70 };

/* The kinds of frames: number i is of kind i % KINDS. */
enum { UDP4, TCP4, UDP6, TCP6, TAGGED, ECPRI, KINDS };

static void make(struct frame *f, unsigned number)
{
	unsigned kind = number % KINDS;
	bool v6 = kind == UDP6 || kind == TCP6, tcp = kind == TCP4 || kind == TCP6;

	fr_ether(f, MAC_B, MAC_A, kind == ECPRI ? 0xaefe : v6 ? 0x86dd : 0x0800);
	if (kind == TAGGED)
		fr_vlan(f, 0x8100, 0x2005);
	if (v6)
		fr_ipv6(f, tcp ? 6 : 17, "2001:db8::1", "2001:db8::2");
	else if (kind != ECPRI)
		fr_ipv4(f, tcp ? 6 : 17, "10.1.2.3", "10.4.5.6");
	if (tcp)
		fr_tcp(f, 4000 + number, 80, FR_TCP_ACK);
	else if (kind != ECPRI)
		fr_udp(f, 4000 + number, 5000);
	/* What might be taken for an IP header is left as it is, too. */
	if (kind == ECPRI)
		fr_ipv4(f, 17, "10.1.2.3", "10.4.5.6");
	fr_payload(f, 40 + number * 23 % 1300);
	if (kind == ECPRI)
		f->l3 = 0;
	fr_lengths(f);
}

/* Fields that hold no checksum hold junk. by: which of them are right, L3 and L4. */
static void sum_up(struct frame *f, unsigned by)
{
	if (f->l3 && f->b[f->l3] >> 4 == 4)
		fr_put16(f->b + f->l3 + 10, by & L3 ? fr_l3_csum(f) : JUNK);
	if (f->l4)
		fr_put16(fr_l4_field(f), by & L4 ? fr_l4_csum(f) : JUNK);
}

static struct frame frame;

/* A tag that is to be in every frame; 0: none. */
static unsigned want_tpid, want_tci;

static void put_tag(struct frame *f)
{
	memmove(f->b + 16, f->b + 12, f->len - 12);
	fr_put16(f->b + 12, want_tpid);
	fr_put16(f->b + 14, want_tci);
	f->len += 4;
}

/* Frames lack their source address: the queue is to write it. */
static bool lack_source;

static void make_junk(struct frame *f, unsigned number)
{
	make(f, number);
	sum_up(f, 0);
	if (lack_source)
		memset(f->b + 6, 0x55, 6);
}

static void expect(struct daqiri_rxq *rx, unsigned n, unsigned by)
{
	struct daqiri_pkt pkts[N];

	cr_assert_eq(kit_receive(rx, pkts, (int)n), (int)n);
	for (unsigned i = 0; i < n; i++) {
		make(&frame, i);
		sum_up(&frame, by);
		if (want_tpid)
			put_tag(&frame);
		cr_assert_eq(pkts[i].len, frame.len, "frame %u", i);
		cr_assert_arr_eq((void *)(uintptr_t)pkts[i].addr, frame.b, frame.len, "frame %u",
				 i);
	}
	daqiri_rx_release(rx, (int)n);
}

/* Posts of burst frames. */
static void pass_by(struct link *l, unsigned by, unsigned burst)
{
	struct daqiri_pkt pkts[N];

	for (unsigned at = 0; at < N; at += burst) {
		int64_t end = kit_deadline();

		while (daqiri_tx_reserve(l->tx, pkts, (int)burst) < (int)burst)
			cr_assert(!kit_is_late(end));
		for (unsigned i = 0; i < burst; i++) {
			make_junk(&frame, at + i);
			memcpy((void *)(uintptr_t)pkts[i].addr, frame.b, frame.len);
			pkts[i].len = frame.len;
		}
		kit_post_all(l->tx, pkts, (int)burst);
	}
	expect(l->rx, N, by);
}

static void pass(const char *text, unsigned by)
{
	struct link l = kit_open_link(text);

	pass_by(&l, by, 1);
	pass_by(&l, by, 4);
	pass_by(&l, by, N);
	daqiri_close(l.dq);
}

static const char *word_of(const char *text)
{
	struct link l = kit_open_link(text);
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	daqiri_close(l.dq);
	return info.checksum;
}

/* The device is one of daqiri-emu --fault no-empw or inline-l2: cli/environment.test. */
static bool device_is(const char *why)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_txq_info info = {.size = sizeof(info)};
	bool so;

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	so = strstr(info.why, why) != NULL;
	daqiri_close(l.dq);
	return so;
}

Test(offload, checksums_are_filled_in_where_asked_for)
{
	pass(LINK(""), 0);
	pass(LINK("checksum = off\n"), 0);
	pass(LINK("checksum = l3\n"), L3);
	pass(LINK("checksum = l4\n"), L4);
	pass(LINK("checksum = l3l4\n"), L3 | L4);
}

Test(offload, a_queue_tells_its_checksums)
{
	cr_assert_str_eq(word_of(LINK("")), "off");
	cr_assert_str_eq(word_of(LINK("checksum = l3\n")), "l3");
	cr_assert_str_eq(word_of(LINK("checksum = l4\n")), "l4");
	cr_assert_str_eq(word_of(LINK("checksum = l3l4\n")), "l3l4");
}

Test(offload, whatever_the_instructions)
{
	pass("[daqiri]\nsimd = portable\n" LINK("checksum = l3l4\n"), L3 | L4);
#ifdef __x86_64__
	pass("[daqiri]\nsimd = sse42\n" LINK("checksum = l3l4\n"), L3 | L4);
#endif
}

Test(offload, frames_that_are_copied_to_the_ring_get_them)
{
	if (!device_is("packets in a WQE"))
		cr_skip_test("tx_inline is for devices with eMPW");
	pass(LINK("checksum = l3l4\ntx_inline = 256\n"), L3 | L4);
	pass(LINK("checksum = l4\ntx_inline = 900\ntx_latency = on\n"), L4);
}

Test(offload, a_post_of_one_that_goes_with_its_doorbell_gets_them)
{
	pass(LINK("checksum = l3l4\ntx_latency = on\n"), L3 | L4);
	pass(LINK("checksum = l3\ntx_latency = on\n"), L3);
}

Test(offload, a_worker_has_them_filled_in)
{
	pass(LINK("checksum = l3l4\nmode = worker\ncpu_core = 0\n"), L3 | L4);
}

Test(offload, a_queue_that_was_reset_still_asks_for_them)
{
	struct link l = kit_open_link(LINK("checksum = l3l4\n"));

	pass_by(&l, L3 | L4, N);
	cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	pass_by(&l, L3 | L4, N);
	daqiri_close(l.dq);
}

/* Frames in two pieces, the second of which begins somewhere in the headers. */
static void pass_split(const char *text, unsigned by)
{
	struct daqiri_pkt heads[N], payloads[N];
	struct link l = kit_open_link(text);

	cr_assert_eq(daqiri_tx_reserve_split(l.tx, heads, payloads, N), N);
	for (unsigned i = 0; i < N; i++) {
		unsigned head = 14 + i % (HEAD - 14);

		make_junk(&frame, i);
		memcpy((void *)(uintptr_t)heads[i].addr, frame.b, head);
		memcpy((void *)(uintptr_t)payloads[i].addr, frame.b + head, frame.len - head);
		heads[i].len = head;
		payloads[i].len = frame.len - head;
	}
	cr_assert_eq(daqiri_tx_post_split(l.tx, heads, payloads, 1), 1);
	cr_assert_eq(daqiri_tx_post_split(l.tx, heads + 1, payloads + 1, N - 1), N - 1);
	expect(l.rx, N, by);
	daqiri_close(l.dq);
}

#define SPLIT(keys)                                                                                \
	REGIONS "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                   \
		"[txq a 0]\nregions = tx,rest\ndepth = 128\n" keys                                 \
		"[rxq b 0]\nregions = rx\ndepth = 1024\n"                                          \
		"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

Test(offload, frames_in_two_pieces_get_them)
{
	if (device_is("wants the first"))
		cr_skip_test("no frames in two pieces where headers are wanted inline");
	pass_split(SPLIT("checksum = l3l4\n"), L3 | L4);
	pass_split(SPLIT("checksum = l4\ntx_latency = on\n"), L4);
	pass_split("[daqiri]\nsimd = portable\n" SPLIT("checksum = l3\n"), L3);
}

/* ---- src_mac --------------------------------------------------------------------------------- */

Test(offload, a_queue_tells_whether_it_writes_the_source)
{
	struct link l = kit_open_link(LINK("src_mac = port\n"));
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	cr_assert_eq(info.src_mac, 1u);
	daqiri_close(l.dq);
}

Test(offload, frames_get_the_source_of_their_port)
{
	lack_source = true;
	pass(LINK("src_mac = port\n"), 0);
	pass(LINK("src_mac = port\nchecksum = l3l4\ntx_latency = on\n"), L3 | L4);
	pass(LINK("src_mac = port\nmode = worker\ncpu_core = 0\n"), 0);
	if (device_is("packets in a WQE"))
		pass(LINK("src_mac = port\ntx_inline = 256\n"), 0);
	if (!device_is("wants the first"))
		pass_split(SPLIT("src_mac = port\ntx_latency = on\n"), 0);
}

Test(offload, what_is_too_short_for_a_source_is_not_written_to)
{
	struct daqiri_pkt heads[1], payloads[1], got;
	uint8_t *head, *payload;
	struct link l;

	if (device_is("wants the first"))
		cr_skip_test("no frames in two pieces where headers are wanted inline");
	l = kit_open_link(SPLIT("src_mac = port\n"));
	make(&frame, 0);
	cr_assert_eq(daqiri_tx_reserve_split(l.tx, heads, payloads, 1), 1);
	head = (uint8_t *)(uintptr_t)heads[0].addr;
	payload = (uint8_t *)(uintptr_t)payloads[0].addr;
	memset(head, 0x77, 14);
	memcpy(head, frame.b, 11);
	memcpy(payload, frame.b + 11, frame.len - 11);
	heads[0].len = 11;
	payloads[0].len = frame.len - 11;
	cr_assert_eq(daqiri_tx_post_split(l.tx, heads, payloads, 1), 1);
	cr_assert_eq(kit_receive(l.rx, &got, 1), 1);
	cr_assert_arr_eq((void *)(uintptr_t)got.addr, frame.b, frame.len);
	cr_assert_eq(head[11], 0x77);
	daqiri_close(l.dq);
}

/* ---- vlan_push ------------------------------------------------------------------------------- */

static void tagged(const char *text, unsigned tpid, unsigned tci)
{
	struct link l = kit_open_link(text);
	struct daqiri_txq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_txq_info(l.tx, &info), 0);
	cr_assert_eq(info.vlan_push, 1u);
	cr_assert_eq(info.vlan_push_tci, tci);
	cr_assert_eq(info.vlan_push_tpid, tpid);
	cr_assert_str_eq(info.tx_mode, "send");
	daqiri_close(l.dq);
	want_tpid = tpid;
	want_tci = tci;
}

Test(offload, a_tag_is_put_into_every_frame)
{
	if (device_is("wants the first"))
		cr_skip_test("no tags where headers are wanted inline");
	if (getenv("TEST_NO_DEVX"))
		cr_skip_test("whether there are tags takes DevX");
	tagged(LINK("vlan_push = 100\n"), 0x8100, 100);
	pass(LINK("vlan_push = 100\n"), 0);
	tagged(LINK("vlan_push = 0\nvlan_push_pcp = 7\nvlan_push_dei = 1\nchecksum = l3l4\n"),
	       0x8100, 0xf000);
	pass(LINK("vlan_push = 0\nvlan_push_pcp = 7\nvlan_push_dei = 1\nchecksum = l3l4\n"),
	     L3 | L4);
	tagged(LINK("vlan_push = 4094\nvlan_push_tpid = 0x88a8\n"), 0x88a8, 4094);
	pass(LINK("vlan_push = 4094\nvlan_push_tpid = 0x88a8\ntx_latency = on\n"), 0);
	tagged(SPLIT("vlan_push = 5\n"), 0x8100, 5);
	pass_split(SPLIT("vlan_push = 5\ntx_latency = on\n"), 0);
}

Test(offload, frames_that_are_copied_get_no_tag)
{
	if (!device_is("packets in a WQE") || getenv("TEST_NO_DEVX"))
		cr_skip_test("tx_inline is for devices with eMPW");
	cr_assert_eq(kit_try_text(LINK("vlan_push = 5\ntx_inline = 64\n")), -EINVAL);
	assert_detail("[txq a 0] vlan_push=5: tags are put in by work requests of one packet");
}
