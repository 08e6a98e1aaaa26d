/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of every length and shape: each arrives byte by byte as it was sent, or is counted where a
 * real card would count it, and the queues go on.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "dq_kit.h"
#include "frames.h"

enum { MIN_FRAME = 60, SLOT = 2048, BURST = 32 };

/* Whatever arrives at b is queue 0's. The second sender is for what stops the first. */
#define ALL_TO_B(mtu, slot)                                                                        \
	"[region rx]\nkind = host\nnum_bufs = 256\nbuf_size = " slot "\n"                          \
	"[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 10000\n"                             \
	"[port a]\naddress = " MAC_A "\nmtu = " mtu "\n"                                           \
	"[port b]\naddress = " MAC_B "\nmtu = " mtu "\nunmatched = queue 0\n"                      \
	"[txq a 0-1]\nregions = tx\ndepth = 256\n"                                                 \
	"[rxq b 0]\nregions = rx\ndepth = 256\n"

/* Posts one frame as it is. */
static void post_bytes(struct daqiri_txq *tx, const void *bytes, uint32_t len)
{
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(tx, &pkt, 1), 1);
	cr_assert_leq(len, pkt.len);
	memcpy((void *)(uintptr_t)pkt.addr, bytes, len);
	pkt.len = len;
	kit_post_all(tx, &pkt, 1);
}

/* Takes the next frame, which must be these bytes, and zeros up to the shortest frame. */
static void expect_bytes(struct daqiri_rxq *rx, const uint8_t *bytes, uint32_t len)
{
	uint32_t padded = len < MIN_FRAME ? MIN_FRAME : len;
	struct daqiri_pkt pkt;
	const uint8_t *got;

	cr_assert_eq(kit_receive(rx, &pkt, 1), 1, "a frame of %u bytes is missing", len);
	got = (const uint8_t *)(uintptr_t)pkt.addr;
	cr_assert_eq(pkt.len, padded, "%u bytes came of %u", pkt.len, len);
	cr_assert_eq(daqiri_key_flow(pkt.key), 0u);
	cr_assert_arr_eq(got, bytes, len);
	for (uint32_t i = len; i < padded; i++)
		cr_assert_eq(got[i], 0, "padding");
	daqiri_rx_release(rx, 1);
}

static void send_bytes(const struct link *l, const uint8_t *bytes, uint32_t len)
{
	post_bytes(l->tx, bytes, len);
	expect_bytes(l->rx, bytes, len);
}

static void send_frame(const struct link *l, const struct frame *f)
{
	send_bytes(l, f->b, f->len);
}

/* A frame of an ethertype that no header follows. */
static void make_plain(struct frame *f, uint32_t len)
{
	fr_ether(f, MAC_B, MAC_A, 0x88b5);
	fr_payload(f, len - f->len);
}

/* The queues do what they did before anything odd came. */
static void still_works(const struct link *l)
{
	struct frame f;

	for (uint32_t len = 100; len < 100 + 2 * BURST; len++) {
		make_plain(&f, len);
		send_frame(l, &f);
	}
}

/* ---- lengths --------------------------------------------------------------------------------- */

Test(frames, every_length_from_a_bare_header_to_the_mtu_arrives)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	uint64_t errors = kit_port_stat(l.b, "rx_errors");
	struct frame f;

	for (uint32_t len = 14; len <= 1514; len += len < 130 || len > 1500 ? 1 : 17) {
		make_plain(&f, len);
		send_frame(&l, &f);
	}
	cr_assert_eq(kit_port_stat(l.b, "rx_errors"), errors);
	daqiri_close(l.dq);
}

static uint32_t too_short[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

ParameterizedTestParameters(frames, a_frame_without_a_whole_header_stops_its_sender_alone)
{
	return cr_make_param_array(uint32_t, too_short, sizeof(too_short) / sizeof(too_short[0]));
}

/*
 * PRM: a pointer segment of 0 bytes means 2 GiB, which no key covers (local protection); a frame
 * without a whole Ethernet header is a length error. Either is an error completion, which stops the
 * send queue (and counts in req_cqe_error), and never reaches the cable.
 */
ParameterizedTest(uint32_t *len, frames, a_frame_without_a_whole_header_stops_its_sender_alone)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	struct daqiri_queue_error err = {.size = sizeof(err)};
	uint64_t before = kit_port_stat(l.a, "hw_req_cqe_error");
	struct frame f;

	make_plain(&f, 60);
	post_bytes(l.tx, f.b, *len);
	kit_wait_stat(l.a, "hw_req_cqe_error", before + 1);
	cr_assert_eq(daqiri_tx_completed(l.tx), 0u);
	cr_assert_eq(daqiri_txq_error(l.tx, &err), 1);
	/* In a WQE with the header inline, one or two bytes leave an empty pointer behind them. */
	cr_assert(err.syndrome == (*len ? 0x01 : 0x04) || (*len <= 2 && err.syndrome == 0x04),
		  "%#x", err.syndrome);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	l.tx = daqiri_txq_get(l.a, 1);
	still_works(&l);
	daqiri_close(l.dq);
}

/*
 * The kernel sets the port to its interface's MTU and 22 bytes (header, one tag, FCS), so that a
 * card sends and takes up to 4 bytes more than MTU + 14. What is longer it drops without an error:
 * the send completes.
 */
static void round_the_mtu(const char *text, uint32_t mtu)
{
	struct link l = kit_open_link(text);
	uint64_t dropped = kit_port_stat(l.a, "hw_emu_tx_over_mtu");
	struct frame f;

	for (uint32_t len = mtu + 14 - 1; len <= mtu + 18; len++) {
		make_plain(&f, len);
		send_frame(&l, &f);
	}
	for (uint32_t len = mtu + 19; len < mtu + 22; len++) {
		make_plain(&f, len);
		post_bytes(l.tx, f.b, f.len);
	}
	kit_wait_sent(l.tx, 9);
	kit_wait_stat(l.a, "hw_emu_tx_over_mtu", dropped + 3);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	cr_assert_eq(kit_port_stat(l.a, "tx_errors"), 0u);
	still_works(&l);
	daqiri_close(l.dq);
}

Test(frames, a_little_more_than_the_mtu_passes_and_the_rest_is_dropped_by_the_port)
{
	round_the_mtu(ALL_TO_B("1500", "2048"), 1500);
}

Test(frames, jumbo_frames_have_the_same_limits)
{
	round_the_mtu(ALL_TO_B("9000", "9100"), 9000);
}

Test(frames, a_jumbo_frame_does_not_pass_a_port_of_1500)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	uint64_t dropped = kit_port_stat(l.a, "hw_emu_tx_over_mtu");
	struct frame f;

	make_plain(&f, 9001);
	post_bytes(l.tx, f.b, f.len);
	kit_wait_stat(l.a, "hw_emu_tx_over_mtu", dropped + 1);
	kit_wait_sent(l.tx, 1);
	still_works(&l);
	daqiri_close(l.dq);
}

/* The far port's MTU is its own affair: what it cannot take counts as its length error. */
Test(frames, what_only_the_receiver_finds_too_long_is_its_length_error)
{
	struct link l = kit_open_link(
		"[region rx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
		"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 10000\n"
		"[port a]\naddress = " MAC_A "\nmtu = 9000\n"
		"[port b]\naddress = " MAC_B "\nmtu = 1500\nunmatched = queue 0\n"
		"[txq a 0]\nregions = tx\ndepth = 256\n[rxq b 0]\nregions = rx\ndepth = 256\n");
	uint64_t dropped = kit_port_stat(l.b, "net_rx_length_errors");
	struct frame f;

	make_plain(&f, 1518);
	send_frame(&l, &f);
	for (uint32_t len = 1519; len <= 9001; len += 7482 / 2) {
		make_plain(&f, len);
		post_bytes(l.tx, f.b, f.len);
	}
	kit_wait_stat(l.b, "net_rx_length_errors", dropped + 3);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	still_works(&l);
	daqiri_close(l.dq);
}

/* Syndrome 0x01: the frame is lost, its slot goes round, the queue does not stop. */
Test(frames, a_frame_longer_than_its_slot_is_counted_and_skipped)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "1518"));
	struct frame f;

	fr_ether(&f, MAC_B, MAC_A, 0x88b5);
	fr_vlan(&f, 0x8100, 5);
	fr_payload(&f, 1522 - f.len);
	for (int round = 0; round < 5; round++) { /* more than the ring holds */
		for (int i = 0; i < 60; i++)
			post_bytes(l.tx, f.b, f.len);
		cr_assert_eq(kit_receive_none(l.rx), 0);
	}
	kit_wait_stat(l.b, "rx_length_errors", 300);
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), 0u);
	still_works(&l);
	daqiri_close(l.dq);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

Test(frames, tags_and_tags_in_tags_arrive)
{
	static const unsigned tpids[] = {0x8100, 0x88a8, 0x9100};
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	struct frame f;

	for (unsigned outer = 0; outer < 3; outer++) {
		for (unsigned inner = 0; inner < 3; inner++) {
			fr_ether(&f, MAC_B, MAC_A, 0x0800);
			fr_vlan(&f, tpids[outer], 0x6fff);
			fr_vlan(&f, tpids[inner], 0x0001);
			fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
			fr_udp(&f, 4000, 4001);
			fr_payload(&f, 40);
			fr_finish(&f);
			send_frame(&l, &f);
			/* MTU 1500 behind both tags, where the port knows the outer one */
			fr_payload(&f, 1514 + (outer < 2 ? 8u : 4u) - f.len);
			send_frame(&l, &f);
		}
	}
	/* A tag and nothing behind it, to the last byte. */
	for (unsigned tags = 1; tags < 14; tags++) {
		fr_ether(&f, MAC_B, MAC_A, 0x8100);
		for (unsigned i = 0; i < tags; i++)
			fr_vlan(&f, tpids[i % 2], i);
		for (unsigned cut = 0; cut < 4; cut++)
			send_bytes(&l, f.b, f.len - cut);
	}
	still_works(&l);
	daqiri_close(l.dq);
}

/* Headers that promise more than the frame holds. Padding makes the shortest 60 bytes. */
static void send_cut(const struct link *l, struct frame *f)
{
	for (uint32_t len = 14; len <= f->len; len++)
		send_bytes(l, f->b, len);
}

Test(frames, truncated_headers_arrive_as_they_are)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	struct frame f;

	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	f.b[f.l3] = 0x4f; /* 60 bytes of header */
	fr_payload(&f, 40);
	fr_udp(&f, 4000, 4789);
	fr_payload(&f, 40);
	fr_put16(f.b + f.l3 + 2, 0xffff);
	send_cut(&l, &f);
	fr_ether(&f, MAC_B, MAC_A, 0x86dd);
	fr_ipv6(&f, 0, "fd00::1", "fd00::2");
	fr_put16(f.b + f.l3 + 4, 0xffff);
	for (unsigned i = 0; i < 8; i++) { /* each extension header says that more follow */
		f.b[f.len] = (uint8_t)(i % 2 ? 60 : 0);
		f.b[f.len + 1] = (uint8_t)i;
		f.len += 8;
	}
	send_cut(&l, &f);
	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, 6, "10.0.0.1", "10.0.0.2");
	fr_tcp(&f, 1, 2, FR_TCP_SYN);
	f.b[f.l4 + 12] = 0xf0; /* 60 bytes of TCP header */
	fr_payload(&f, 30);
	fr_lengths(&f);
	send_cut(&l, &f);
	still_works(&l);
	daqiri_close(l.dq);
}

/* xorshift64: the same bytes in every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t make_random(uint8_t *bytes, uint64_t *state)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x8847};
	uint32_t len = 14 + (uint32_t)(next_random(state) % 1501);

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(next_random(state) >> 24);
	if (next_random(state) & 1)
		fr_put16(bytes + 12, types[next_random(state) % 6]);
	if (len > 14 && (next_random(state) & 1))
		bytes[14] = (uint8_t)(bytes[12] == 0x86 ? 0x60 : 0x40 | (bytes[14] & 0xf));
	return len;
}

Test(frames, random_bytes_arrive_as_they_are)
{
	struct link l = kit_open_link(ALL_TO_B("1500", "2048"));
	static uint8_t bytes[BURST][SLOT];
	uint64_t state = 0x1234567;
	uint32_t lens[BURST];

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < BURST; i++) {
			lens[i] = make_random(bytes[i], &state);
			post_bytes(l.tx, bytes[i], lens[i]);
		}
		for (int i = 0; i < BURST; i++)
			expect_bytes(l.rx, bytes[i], lens[i]);
	}
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), 200u * BURST);
	cr_assert_eq(kit_port_stat(l.b, "rx_errors"), 0u);
	still_works(&l);
	daqiri_close(l.dq);
}

/* ---- nobody wants them ----------------------------------------------------------------------- */

#define ONE_ADDRESS(unmatched)                                                                     \
	PORTS unmatched "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"                       \
			"[flow b one]\ndst_mac = " MAC_B "\nqueue = 0\n"

static void send_strange(const struct link *l, uint32_t n)
{
	struct frame f;

	for (uint32_t i = 0; i < n; i++) {
		fr_ether(&f, i & 1 ? "ff:ff:ff:ff:ff:ff" : "02:00:00:00:00:77", MAC_A, 0x88b5);
		fr_payload(&f, 50 + i);
		post_bytes(l->tx, f.b, f.len);
	}
	kit_wait_sent(l->tx, n);
}

Test(frames, what_no_rule_takes_is_counted_by_the_kernels_interface)
{
	struct link l = kit_open_link(ONE_ADDRESS(""));
	uint64_t before = kit_port_stat(l.b, "net_rx_packets");

	send_strange(&l, 20);
	kit_wait_stat(l.b, "net_rx_packets", before + 20);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	daqiri_close(l.dq);
}

Test(frames, what_a_rule_drops_is_no_ones)
{
	struct link l = kit_open_link(ONE_ADDRESS("unmatched = drop\n"));
	uint64_t kernel = kit_port_stat(l.b, "net_rx_packets");
	uint64_t dropped = kit_port_stat(l.b, "hw_emu_rx_steer_drop");

	send_strange(&l, 20);
	kit_wait_stat(l.b, "hw_emu_rx_steer_drop", dropped + 20);
	cr_assert_eq(kit_port_stat(l.b, "net_rx_packets"), kernel);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	daqiri_close(l.dq);
}
