/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daqiri_headers.h: the bytes of data/headers/frames.txt, which interop/headers.test has tshark
 * judge, and at random those of frames.h, which was built from the RFCs and shares no code.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include <daqiri_headers.h>

#include "../frames.h"
#include "noise.h"

static const struct daqiri_headers base = {.dst_mac = {2, 0xda, 1, 0, 0, 2},
					   .src_mac = {2, 0xda, 1, 0, 0, 1},
					   .ethertype = 0x88b5,
					   .udp_src = 4096,
					   .udp_dst = 5000};

/* data/headers/frames.txt, number by number. */
static struct daqiri_headers headers_of(unsigned number)
{
	struct daqiri_headers h = base;

	h.ip_version = (uint8_t[]){4, 6, 0}[number % 3];
	if (number >= 3) {
		h.vlan_tpid = DAQIRI_ETHERTYPE_VLAN;
		h.vlan_tci = 5u << 13 | 100;
	}
	if (h.ip_version == 4) {
		memcpy(h.ip.src, (uint8_t[]){198, 18, 0, 1}, 4);
		memcpy(h.ip.dst, (uint8_t[]){198, 18, 0, 2}, 4);
		h.ip.id = 0xabcd;
		h.ip.tos = 0xb8;
	} else {
		inet_pton(AF_INET6, "2001:db8::1", h.ip.src);
		inet_pton(AF_INET6, "2001:db8::2", h.ip.dst);
		h.ip.id = 0xfedcb;
		h.ip.tos = 0xb8;
		h.ip.ttl = 255;
	}
	return h;
}

enum { GOLDEN = 6, GOLDEN_PAYLOAD = 21 };

/* One line of numbers, as text2pcap reads them: "000000 02 da …". */
static unsigned read_line(FILE *file, uint8_t *bytes)
{
	char line[1024];
	unsigned n = 0, byte;
	int used, at = 0;

	do
		cr_assert_not_null(fgets(line, sizeof(line), file));
	while (line[0] == '#');
	cr_assert_eq(sscanf(line, "000000%n", &at), 0);
	for (; sscanf(line + at, " %2x%n", &byte, &used) == 1; at += used)
		bytes[n++] = (uint8_t)byte;
	return n;
}

static uint32_t make_golden(unsigned number, uint8_t *frame)
{
	const struct daqiri_headers h = headers_of(number);
	struct daqiri_template t;

	cr_assert_eq(daqiri_template_make(&t, &h), 0);
	for (unsigned i = 0; i < GOLDEN_PAYLOAD; i++)
		frame[t.len + i] = (uint8_t)(i * 11 + 1);
	daqiri_template_put(&t, frame, t.len + GOLDEN_PAYLOAD);
	if (h.ip_version)
		daqiri_udp_finish(frame + t.l3, (uint32_t)(t.len - t.l3 + GOLDEN_PAYLOAD));
	return t.len + GOLDEN_PAYLOAD;
}

Test(headers, the_bytes_are_those_that_tshark_has_judged)
{
	FILE *file = fopen(TEST_DATA "/headers/frames.txt", "r");
	uint8_t want[256], got[256];

	cr_assert_not_null(file);
	for (unsigned i = 0; i < GOLDEN; i++) {
		unsigned n = read_line(file, want);

		cr_assert_eq(make_golden(i, got), n, "frame %u", i);
		cr_expect_arr_eq(got, want, n, "frame %u", i);
	}
	fclose(file);
}

/* ---- at random ------------------------------------------------------------------------------- */

static struct daqiri_headers random_headers(uint64_t *noise)
{
	struct daqiri_headers h = {.ip_version = noise32(noise) & 1 ? 4 : 6,
				   .udp_src = (uint16_t)noise32(noise),
				   .udp_dst = (uint16_t)noise32(noise)};

	for (unsigned i = 0; i < 6; i++) {
		h.dst_mac[i] = (uint8_t)noise32(noise);
		h.src_mac[i] = (uint8_t)noise32(noise);
	}
	for (unsigned i = 0; i < 16; i++) {
		h.ip.src[i] = (uint8_t)noise32(noise);
		h.ip.dst[i] = (uint8_t)noise32(noise);
	}
	h.ip.ttl = (uint8_t)(noise32(noise) % 255 + 1);
	h.ip.tos = (uint8_t)noise32(noise);
	h.ip.id = noise32(noise) & (h.ip_version == 4 ? 0xffff : 0xfffff);
	h.ip.may_fragment = noise32(noise) & 1;
	if (noise32(noise) & 1) {
		h.vlan_tpid = noise32(noise) & 1 ? 0x8100 : 0x88a8;
		h.vlan_tci = (uint16_t)noise32(noise);
	}
	return h;
}

/* The same frame by frames.h. */
static void by_the_rfcs(struct frame *f, const struct daqiri_headers *h, unsigned payload)
{
	uint8_t *ip;

	memset(f, 0, sizeof(*f));
	fr_ether(f, "0:0:0:0:0:0", "0:0:0:0:0:0", h->ip_version == 4 ? 0x0800 : 0x86dd);
	memcpy(f->b, h->dst_mac, 6);
	memcpy(f->b + 6, h->src_mac, 6);
	if (h->vlan_tpid)
		fr_vlan(f, h->vlan_tpid, h->vlan_tci);
	if (h->ip_version == 4)
		fr_ipv4(f, 17, "0.0.0.0", "0.0.0.0");
	else
		fr_ipv6(f, 17, "::", "::");
	ip = f->b + f->l3;
	if (h->ip_version == 4) {
		ip[1] = h->ip.tos;
		fr_put16(ip + 4, h->ip.id);
		ip[6] = h->ip.may_fragment ? 0 : 0x40;
		ip[8] = h->ip.ttl;
		memcpy(ip + 12, h->ip.src, 4);
		memcpy(ip + 16, h->ip.dst, 4);
	} else {
		fr_put16(ip, 0x6000u | (unsigned)h->ip.tos << 4 | h->ip.id >> 16);
		fr_put16(ip + 2, h->ip.id & 0xffff);
		ip[7] = h->ip.ttl;
		memcpy(ip + 8, h->ip.src, 16);
		memcpy(ip + 24, h->ip.dst, 16);
	}
	fr_udp(f, h->udp_src, h->udp_dst);
	fr_payload(f, payload);
	fr_finish(f);
}

Test(headers, frames_of_any_kind_and_length_are_those_of_the_rfcs)
{
	static uint8_t bytes[8][2048];
	static struct frame want;
	uint64_t noise = 0x9e3779b97f4a7c15;

	for (unsigned round = 0; round < 20000; round++) {
		const struct daqiri_headers h = random_headers(&noise);
		struct daqiri_pkt pkts[8];
		struct daqiri_template t;

		cr_assert_eq(daqiri_template_make(&t, &h), 0);
		for (unsigned i = 0; i < 8; i++) {
			pkts[i].addr = (uintptr_t)bytes[i];
			pkts[i].len = t.len + noise32(&noise) % 1400;
		}
		cr_assert_eq(daqiri_template_fill(&t, pkts, 8), 8);
		for (unsigned i = 0; i < 8; i++) {
			by_the_rfcs(&want, &h, pkts[i].len - t.len);
			memcpy(bytes[i] + t.len, want.b + t.len, pkts[i].len - t.len);
			daqiri_udp_finish(bytes[i] + t.l3, pkts[i].len - t.l3);
			cr_assert_eq(want.len, pkts[i].len);
			cr_assert_arr_eq(bytes[i], want.b, want.len, "round %u", round);
		}
	}
}

/* ---- limits ---------------------------------------------------------------------------------- */

Test(headers, a_frame_that_is_too_short_or_too_long_ends_the_fill)
{
	static uint8_t bytes[3][128];
	const struct daqiri_headers h = headers_of(0);
	struct daqiri_pkt pkts[3];
	struct daqiri_template t;

	cr_assert_eq(daqiri_template_make(&t, &h), 0);
	for (unsigned i = 0; i < 3; i++)
		pkts[i] = (struct daqiri_pkt){.addr = (uintptr_t)bytes[i], .len = 100};
	cr_assert_eq(daqiri_template_fill(&t, pkts, 3), 3);
	memset(bytes, 0, sizeof(bytes));
	pkts[1].len = t.len - 1u;
	cr_assert_eq(daqiri_template_fill(&t, pkts, 3), 1);
	pkts[1].len = t.l3 + 65536u;
	cr_assert_eq(daqiri_template_fill(&t, pkts, 3), 1);
	for (unsigned i = 0; i < sizeof(bytes[1]); i++)
		cr_assert(!bytes[1][i] && !bytes[2][i]);
}

Test(headers, only_ip_of_two_versions_is_known)
{
	struct daqiri_headers h = base;
	struct daqiri_template t;

	h.ip_version = 5;
	cr_assert_eq(daqiri_template_make(&t, &h), -22);
	h.ip_version = 0;
	cr_assert_eq(daqiri_template_make(&t, &h), 0);
	cr_assert_eq(t.len, 14);
}

Test(headers, nothing_behind_the_headers_is_written)
{
	uint8_t frame[128];
	const struct daqiri_headers h = headers_of(4);
	struct daqiri_template t;

	memset(frame, 0xee, sizeof(frame));
	cr_assert_eq(daqiri_template_make(&t, &h), 0);
	cr_assert_eq(t.len, DAQIRI_HEADERS_MAX);
	daqiri_template_put(&t, frame, 128);
	for (unsigned i = t.len; i < sizeof(frame); i++)
		cr_assert_eq(frame[i], 0xee);
}

/* RFC 768: a sum that comes out as zero is sent as all ones. */
Test(headers, a_checksum_of_zero_is_sent_as_ones)
{
	uint8_t frame[64] = {0}, *l3 = frame + 14;
	struct daqiri_ip ip = {.proto = DAQIRI_PROTO_UDP};
	uint32_t sum;

	daqiri_udp_put(daqiri_ipv4_put(l3, &ip, 10), 1, 2, 2);
	daqiri_udp_finish(l3, 30);
	sum = daqiri_be16_get(l3 + 26);
	daqiri_be16_put(l3 + 28, sum);
	daqiri_udp_finish(l3, 30);
	cr_assert_eq(daqiri_be16_get(l3 + 26), 0xffffu);
}
