/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device's header parser. Byte offsets are those of the PRM's fte_match_set_lyr_2_4
 * (bytes 0..63) and fte_match_set_misc (from byte 64).
 */
#include <criterion/criterion.h>

#include "../frames.h"
#include "../../src/emu/packet.h"

#define DST "02:da:01:00:00:02"
#define SRC "06:11:22:33:44:55"

enum {
	SMAC = 0,
	ETHERTYPE = 6,
	DMAC = 8,
	FIRST_VLAN = 14,
	PROTO = 16,
	DSCP_ECN = 17,
	TAGS_FRAG_VERSION = 18,
	TCP_FLAGS = 19,
	TCP_SPORT = 20,
	TCP_DPORT = 22,
	TTL = 27,
	UDP_SPORT = 28,
	UDP_DPORT = 30,
	SRC_IP = 32,
	DST_IP = 48,
	SECOND_VLAN = 64 + 8,
	SECOND_KIND = 64 + 12,
	VNI = 64 + 20,
	FLOW_LABEL = 64 + 28,
};

enum { CVLAN = 0x80, SVLAN = 0x40, FRAG = 0x20 };

/* What the parser made of f: in the PRM's byte order. */
static const uint8_t *parse(const struct frame *f)
{
	static struct emu_pkt pkt;

	emu_pkt_parse(&pkt, f->b, f->len);
	return (const uint8_t *)pkt.match;
}

static void expect_bytes(const uint8_t *got, const uint8_t *want, size_t n, const char *what)
{
	cr_expect_arr_eq(got, want, n, "%s", what);
}

Test(packet, the_ethernet_header_is_matched_byte_for_byte)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x88b5);
	fr_payload(&f, 46);
	m = parse(&f);
	expect_bytes(m + SMAC, f.b + 6, 6, "source");
	expect_bytes(m + DMAC, f.b, 6, "destination");
	cr_expect_eq(fr_get16(m + ETHERTYPE), 0x88b5);
	cr_expect_eq(fr_get16(m + FIRST_VLAN), 0);
	cr_expect_eq(m[TAGS_FRAG_VERSION], 0);
}

Test(packet, one_customer_tag_is_the_first_vlan)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_vlan(&f, 0x8100, 0x6123);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	fr_udp(&f, 1000, 2000);
	fr_finish(&f);
	m = parse(&f);
	cr_expect_eq(fr_get16(m + FIRST_VLAN), 0x6123);
	cr_expect_eq(m[TAGS_FRAG_VERSION] & (CVLAN | SVLAN), CVLAN);
	cr_expect_eq(fr_get16(m + ETHERTYPE), 0x0800);
	cr_expect_eq(fr_get16(m + UDP_DPORT), 2000);
}

Test(packet, a_service_tag_and_a_customer_tag_are_first_and_second)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_vlan(&f, 0x88a8, 100);
	fr_vlan(&f, 0x8100, 200);
	fr_payload(&f, 46);
	m = parse(&f);
	cr_expect_eq(fr_get16(m + FIRST_VLAN), 100);
	cr_expect_eq(m[TAGS_FRAG_VERSION] & (CVLAN | SVLAN), SVLAN);
	cr_expect_eq(fr_get16(m + SECOND_VLAN), 200);
	cr_expect_eq(m[SECOND_KIND], 0x80);
}

Test(packet, ipv4_and_udp_fields_are_found)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 17, "192.0.2.1", "198.51.100.7");
	f.b[f.l3 + 1] = 0xb9; /* DSCP 46, ECN 1 */
	fr_udp(&f, 0x1234, 0x5678);
	fr_payload(&f, 30);
	fr_finish(&f);
	m = parse(&f);
	cr_expect_eq(m[PROTO], 17);
	cr_expect_eq(m[DSCP_ECN], 0xb9);
	cr_expect_eq(m[TAGS_FRAG_VERSION], 4 << 1);
	cr_expect_eq(m[TTL], 64);
	cr_expect_eq(fr_get16(m + UDP_SPORT), 0x1234);
	cr_expect_eq(fr_get16(m + UDP_DPORT), 0x5678);
	cr_expect_eq(fr_get16(m + TCP_SPORT), 0);
	expect_bytes(m + SRC_IP + 12, f.b + f.l3 + 12, 4, "source");
	expect_bytes(m + DST_IP + 12, f.b + f.l3 + 16, 4, "destination");
}

Test(packet, ipv4_options_move_the_ports)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 6, "10.0.0.1", "10.0.0.2");
	f.b[f.l3] = 0x47;
	memset(f.b + f.len, 1, 8); /* no-operation options */
	f.len += 8;
	fr_tcp(&f, 80, 443, FR_TCP_SYN);
	fr_finish(&f);
	m = parse(&f);
	cr_expect_eq(fr_get16(m + TCP_SPORT), 80);
	cr_expect_eq(fr_get16(m + TCP_DPORT), 443);
	cr_expect_eq(m[TCP_FLAGS], FR_TCP_SYN);
}

Test(packet, a_fragment_has_its_flag_and_no_ports)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	fr_put16(f.b + f.l3 + 6, 0x0010);
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 30);
	fr_finish(&f);
	m = parse(&f);
	cr_expect(m[TAGS_FRAG_VERSION] & FRAG);
	cr_expect_eq(m[PROTO], 17);
	cr_expect_eq(fr_get16(m + UDP_DPORT), 0);
}

Test(packet, dont_fragment_is_no_fragment)
{
	struct frame f;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	fr_put16(f.b + f.l3 + 6, 0x4000);
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 30);
	fr_finish(&f);
	cr_expect_eq(fr_get16(parse(&f) + UDP_DPORT), 2000);
	cr_expect_eq(parse(&f)[TAGS_FRAG_VERSION] & FRAG, 0);
}

Test(packet, ipv6_fields_are_found)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x86dd);
	fr_ipv6(&f, 17, "2001:db8::1", "2001:db8::2");
	f.b[f.l3] = 0x6a; /* traffic class 0xa5, flow label 0xbcdef */
	f.b[f.l3 + 1] = 0x5b;
	fr_put16(f.b + f.l3 + 2, 0xcdef);
	fr_udp(&f, 7, 9);
	fr_payload(&f, 8);
	fr_finish(&f);
	m = parse(&f);
	cr_expect_eq(m[DSCP_ECN], 0xa5);
	cr_expect_eq(m[TAGS_FRAG_VERSION], 6 << 1);
	cr_expect_eq(fr_get16(m + FLOW_LABEL), 0xb);
	cr_expect_eq(fr_get16(m + FLOW_LABEL + 2), 0xcdef);
	cr_expect_eq(fr_get16(m + UDP_SPORT), 7);
	expect_bytes(m + SRC_IP, f.b + f.l3 + 8, 16, "source");
	expect_bytes(m + DST_IP, f.b + f.l3 + 24, 16, "destination");
}

Test(packet, ipv6_extension_headers_are_walked_over)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x86dd);
	fr_ipv6(&f, 0, "2001:db8::1", "2001:db8::2"); /* hop-by-hop options, 16 bytes */
	f.b[f.len] = 17;
	f.b[f.len + 1] = 1;
	f.len += 16;
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 8);
	fr_lengths(&f);
	m = parse(&f);
	cr_expect_eq(m[PROTO], 17);
	cr_expect_eq(fr_get16(m + UDP_DPORT), 2000);
}

Test(packet, vxlan_has_its_network_identifier)
{
	struct frame f;
	const uint8_t *m;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	fr_udp(&f, 50000, 4789);
	memcpy(f.b + f.len, "\x08\0\0\0\x12\x34\x56\0", 8);
	f.len += 8;
	fr_payload(&f, 60);
	fr_finish(&f);
	m = parse(&f);
	cr_expect_eq(fr_get16(m + VNI), 0x1234);
	cr_expect_eq(m[VNI + 2], 0x56);
}

Test(packet, the_udp_header_of_another_protocol_is_not_read)
{
	struct frame f;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 47, "10.0.0.1", "10.0.0.2");
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 30);
	f.l4 = 0;
	fr_finish(&f);
	cr_expect_eq(fr_get16(parse(&f) + UDP_DPORT), 0);
	cr_expect_eq(fr_get16(parse(&f) + TCP_DPORT), 0);
	cr_expect_eq(parse(&f)[PROTO], 47);
}

/* Parsing the first n bytes, from memory that ends there: ASan and valgrind see a read beyond. */
static void parse_cut(const struct frame *f, unsigned n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct emu_pkt pkt;

	memcpy(copy, f->b, n);
	emu_pkt_parse(&pkt, copy, n);
	emu_pkt_verify(&pkt, copy);
	cr_expect(pkt.l4 == EMU_L4_NONE || n >= f->l4 + 8u, "cut at %u: L4 beyond the end", n);
	cr_expect_not(pkt.l3_good, "cut at %u", n);
	free(copy);
}

Test(packet, a_header_that_the_cut_took_is_not_found)
{
	struct frame f;
	unsigned n;

	fr_ether(&f, DST, SRC, 0x86dd);
	fr_vlan(&f, 0x8100, 5);
	fr_ipv6(&f, 17, "2001:db8::1", "2001:db8::2");
	fr_udp(&f, 1000, 4789);
	fr_payload(&f, 20);
	fr_finish(&f);
	for (n = 0; n < f.len; n++)
		parse_cut(&f, n);
}

Test(packet, lengths_that_lie_are_not_followed)
{
	struct frame f;
	struct emu_pkt pkt;

	fr_ether(&f, DST, SRC, 0x0800);
	fr_ipv4(&f, 17, "10.0.0.1", "10.0.0.2");
	fr_udp(&f, 1000, 2000);
	fr_payload(&f, 20);
	fr_finish(&f);
	fr_put16(f.b + f.l3 + 2, f.len - f.l3 + 1);
	emu_pkt_parse(&pkt, f.b, f.len);
	cr_expect_not(pkt.l3_good);
	cr_expect_eq(emu_pkt_verify(&pkt, f.b).ok & 6, 0);
	cr_expect_eq(pkt.l4, EMU_L4_UDP, "ports are matched all the same");
	f.b[f.l3] = 0x44; /* a header of 16 bytes */
	emu_pkt_parse(&pkt, f.b, f.len);
	cr_expect_not(pkt.l3_good);
	cr_expect_eq(pkt.l4, EMU_L4_NONE);
}
