/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device's checksums, judged by RFC 1071's own example and by the byte-wise sums of
 * frames.h. CQE bits: PRM, hds_ip_ext and l4_hdr_type_etc.
 */
#include <criterion/criterion.h>

#include "../frames.h"
#include "../../src/emu/packet.h"

#define DST "02:da:01:00:00:02"
#define SRC "06:11:22:33:44:55"

enum { L2_OK = 1, L3_OK = 2, L4_OK = 4 };
enum {
	IP_EXT = 0x02,
	IPV6 = 0x04,
	IPV4 = 0x08,
	TCP = 0x10,
	UDP = 0x20,
	EMPTY_ACK = 0x30,
	TCP_ACK = 0x40,
	FRAG = 0x80
};

static struct emu_pkt_status status(const struct frame *f)
{
	struct emu_pkt pkt;

	emu_pkt_parse(&pkt, f->b, f->len);
	return emu_pkt_verify(&pkt, f->b);
}

static void build4(struct frame *f, unsigned proto, unsigned payload)
{
	fr_ether(f, DST, SRC, 0x0800);
	fr_ipv4(f, proto, "192.0.2.1", "198.51.100.7");
	if (proto == 6)
		fr_tcp(f, 1000, 2000, FR_TCP_ACK);
	else
		fr_udp(f, 1000, 2000);
	fr_payload(f, payload);
	fr_finish(f);
}

static void build6(struct frame *f, unsigned proto, unsigned payload)
{
	fr_ether(f, DST, SRC, 0x86dd);
	fr_ipv6(f, proto, "2001:db8::1", "2001:db8:5::77");
	if (proto == 6)
		fr_tcp(f, 1000, 2000, FR_TCP_SYN);
	else
		fr_udp(f, 1000, 2000);
	fr_payload(f, payload);
	fr_finish(f);
}

static void expect_status(const struct frame *f, unsigned ok, unsigned type, const char *what)
{
	struct emu_pkt_status st = status(f);

	cr_expect_eq(st.ok, ok, "%s: ok %#x, want %#x", what, st.ok, ok);
	cr_expect_eq(st.type, type, "%s: type %#x, want %#x", what, st.type, type);
}

/* RFC 1071, section 3: 00 01 f2 03 f4 f5 f6 f7 sum up to ddf2. */
Test(checksum, the_example_of_rfc_1071_holds)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t sum = emu_csum(data, sizeof(data), 0);

	cr_expect_eq(fr_get16((const uint8_t *)&sum), 0xddf2);
}

Test(checksum, every_length_and_alignment_sums_like_pairs_of_bytes)
{
	uint8_t data[80];
	unsigned off, n;
	uint16_t sum;

	for (n = 0; n < sizeof(data); n++)
		data[n] = (uint8_t)(0xff - n * 5);
	for (off = 0; off < 8; off++) {
		for (n = 1; off + n <= sizeof(data); n++) {
			sum = emu_csum(data + off, n, 0);
			cr_assert_eq(fr_get16((uint8_t *)&sum), fr_sum(data + off, n, 0),
				     "%u bytes from %u", n, off);
		}
	}
}

Test(checksum, right_frames_are_reported_right)
{
	struct frame f;

	build4(&f, 17, 18);
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV4 | UDP, "IPv4 UDP");
	build4(&f, 6, 19);
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV4 | TCP_ACK, "IPv4 TCP");
	build4(&f, 6, 0);
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV4 | EMPTY_ACK, "IPv4 TCP empty");
	build6(&f, 17, 33);
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV6 | UDP, "IPv6 UDP");
	build6(&f, 6, 1);
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV6 | TCP, "IPv6 TCP");
}

Test(checksum, any_changed_bit_of_the_ipv4_header_is_seen)
{
	struct frame f;
	unsigned byte, bit;

	build4(&f, 17, 18);
	for (byte = f.l3 + 8; byte < f.l3 + 20; byte++) {
		for (bit = 0; bit < 8; bit++) {
			f.b[byte] = (uint8_t)(f.b[byte] ^ 1u << bit);
			cr_expect_eq(status(&f).ok & L3_OK, 0, "byte %u bit %u", byte, bit);
			f.b[byte] = (uint8_t)(f.b[byte] ^ 1u << bit);
		}
	}
	cr_expect_eq(status(&f).ok & L3_OK, L3_OK);
}

Test(checksum, any_changed_bit_of_the_udp_datagram_is_seen)
{
	struct frame f;
	unsigned byte, bit;

	build6(&f, 17, 21);
	for (byte = f.l4 + 6; byte < f.len; byte++) {
		for (bit = 0; bit < 8; bit++) {
			f.b[byte] = (uint8_t)(f.b[byte] ^ 1u << bit);
			cr_expect_eq(status(&f).ok & L4_OK, 0, "byte %u bit %u", byte, bit);
			f.b[byte] = (uint8_t)(f.b[byte] ^ 1u << bit);
		}
	}
	cr_expect_eq(status(&f).ok & L4_OK, L4_OK);
}

Test(checksum, a_udp_checksum_of_zero_is_right_in_ipv4_and_wrong_in_ipv6)
{
	struct frame f;

	build4(&f, 17, 18);
	fr_put16(f.b + f.l4 + 6, 0);
	cr_expect_eq(status(&f).ok, L2_OK | L3_OK | L4_OK);
	build6(&f, 17, 18);
	fr_put16(f.b + f.l4 + 6, 0);
	cr_expect_eq(status(&f).ok, L2_OK | L3_OK);
}

Test(checksum, padding_behind_the_packet_is_not_summed)
{
	struct frame f;

	build4(&f, 17, 3);
	memset(f.b + f.len, 0xee, 60 - f.len);
	f.len = 60;
	expect_status(&f, L2_OK | L3_OK | L4_OK, IPV4 | UDP, "padded");
}

Test(checksum, a_frame_that_is_no_ip_has_no_ip_status)
{
	struct frame f;

	fr_ether(&f, DST, SRC, 0x88b5);
	fr_payload(&f, 46);
	expect_status(&f, L2_OK, 0, "not IP");
}

Test(checksum, a_fragment_has_no_transport_status)
{
	struct frame f;

	build4(&f, 17, 18);
	fr_put16(f.b + f.l3 + 6, 0x2000);
	fr_put16(f.b + f.l3 + 10, fr_l3_csum(&f));
	expect_status(&f, L2_OK | L3_OK, IPV4 | FRAG, "fragment");
}

static void expect_inserted(struct frame *f, bool l3, bool l4, const char *what)
{
	struct frame want = *f;
	struct frame got = *f;

	if (l3)
		memset(got.b + got.l3 + 10, 0xaa, 2);
	if (l4)
		memset(fr_l4_field(&got), 0xbb, 2);
	emu_pkt_insert_csum(got.b, got.len, l3, l4);
	cr_expect_arr_eq(got.b, want.b, want.len, "%s", what);
}

Test(checksum, insertion_makes_the_frame_that_was_right_before)
{
	struct frame f;

	build4(&f, 17, 18);
	expect_inserted(&f, true, false, "IPv4 header");
	expect_inserted(&f, false, true, "UDP");
	expect_inserted(&f, true, true, "both");
	build4(&f, 6, 1001);
	expect_inserted(&f, true, true, "TCP");
	build6(&f, 17, 7);
	expect_inserted(&f, false, true, "UDP over IPv6");
	build6(&f, 6, 0);
	expect_inserted(&f, false, true, "TCP over IPv6");
}

Test(checksum, only_what_was_asked_for_is_inserted)
{
	struct frame f, got;

	build4(&f, 17, 18);
	fr_put16(f.b + f.l3 + 10, 0xaaaa);
	fr_put16(f.b + f.l4 + 6, 0xbbbb);
	got = f;
	emu_pkt_insert_csum(got.b, got.len, false, false);
	cr_expect_arr_eq(got.b, f.b, f.len);
	emu_pkt_insert_csum(got.b, got.len, true, false);
	cr_expect_eq(fr_get16(got.b + f.l4 + 6), 0xbbbb);
	cr_expect_eq(fr_get16(got.b + f.l3 + 10), fr_l3_csum(&f));
}

Test(checksum, a_computed_udp_checksum_of_zero_is_sent_as_ones)
{
	struct frame f;

	build4(&f, 17, 2);
	fr_put16(f.b + f.len - 2, 0);
	fr_put16(f.b + f.l4 + 6, 0);
	/* the payload that makes the sum come out as zero is the checksum without it */
	fr_put16(f.b + f.len - 2, fr_l4_csum(&f));
	emu_pkt_insert_csum(f.b, f.len, false, true);
	cr_expect_eq(fr_get16(f.b + f.l4 + 6), 0xffff);
	cr_expect_eq(status(&f).ok & L4_OK, L4_OK);
}
