/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of packets besides address and length: frames built by RFC against the device's
 * word. */
#include <endian.h>
#include <errno.h>

#include "dq_kit.h"
#include "frames.h"

#define ALL "metadata = hash, checksum, vlan, type\n"
#define LINK(keys)                                                                                 \
	PORTS "[txq a 0]\nregions = tx\ndepth = 64\n"                                              \
	      "[rxq b 0]\nregions = rx\ndepth = 64\n" keys "[flow b all]\ndst_mac = " MAC_B        \
	      "\nqueue = 0\ntag = 77\n"

enum {
	CSUM_ALL =
		DAQIRI_CSUM_L3_KNOWN | DAQIRI_CSUM_L3_OK | DAQIRI_CSUM_L4_KNOWN | DAQIRI_CSUM_L4_OK
};

static void send_frame(struct link *l, const struct frame *f)
{
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l->tx, &pkt, 1), 1);
	memcpy((void *)(uintptr_t)pkt.addr, f->b, f->len);
	pkt.len = f->len;
	kit_post_all(l->tx, &pkt, 1);
}

static int receive(struct link *l, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta, int n)
{
	int64_t end = kit_deadline();
	int got = 0, ret;

	while (got < n && !kit_is_late(end)) {
		ret = daqiri_rx_poll_meta(l->rx, pkts + got, meta + got, n - got);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		got += ret;
	}
	return got;
}

static struct daqiri_rx_meta told(struct link *l, const struct frame *f)
{
	struct daqiri_rx_meta meta;
	struct daqiri_pkt pkt;

	memset(&meta, 0xa5, sizeof(meta));
	send_frame(l, f);
	cr_assert_eq(receive(l, &pkt, &meta, 1), 1);
	cr_assert_eq(pkt.len, f->len);
	cr_assert_arr_eq((void *)(uintptr_t)pkt.addr, f->b, f->len);
	cr_assert_eq(meta.flow, 77u);
	cr_assert_eq(meta.reserved, 0u);
	daqiri_rx_release(l->rx, 1);
	return meta;
}

/* RFC 2460 and 791 headers, then TCP or UDP. */
static struct frame *ip_frame(unsigned version, unsigned proto)
{
	static struct frame f;

	fr_ether(&f, MAC_B, MAC_A, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		fr_ipv4(&f, proto, "10.1.2.3", "10.4.5.6");
	else
		fr_ipv6(&f, proto, "2001:db8::1", "2001:db8::2");
	if (proto == 17)
		fr_udp(&f, 4000, 5000);
	else if (proto == 6)
		fr_tcp(&f, 4000, 5000, FR_TCP_ACK);
	fr_payload(&f, 80);
	fr_finish(&f);
	return &f;
}

static void expect(struct link *l, const struct frame *f, unsigned checksum, unsigned type)
{
	struct daqiri_rx_meta meta = told(l, f);

	cr_expect_eq(meta.checksum, checksum, "checksum %#x, not %#x", meta.checksum, checksum);
	cr_expect_eq(meta.type, type, "type %#x, not %#x", meta.type, type);
	cr_expect_eq(meta.vlan_tci, 0);
	cr_expect_eq(meta.time_ns, 0u);
}

Test(meta, protocols_are_told_and_right_checksums)
{
	struct link l = kit_open_link(LINK(ALL));

	expect(&l, ip_frame(4, 17), CSUM_ALL, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP);
	expect(&l, ip_frame(4, 6), CSUM_ALL, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_TCP);
	expect(&l, ip_frame(6, 17), CSUM_ALL, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_UDP);
	expect(&l, ip_frame(6, 6), CSUM_ALL, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_TCP);
	expect(&l, ip_frame(4, 1), DAQIRI_CSUM_L3_KNOWN | DAQIRI_CSUM_L3_OK, DAQIRI_TYPE_IPV4);
	daqiri_close(l.dq);
}

Test(meta, a_frame_without_ip_has_nothing_known)
{
	struct link l = kit_open_link(LINK(ALL));
	struct frame f;

	fr_ether(&f, MAC_B, MAC_A, 0x88b5);
	fr_payload(&f, 60);
	expect(&l, &f, 0, 0);
	daqiri_close(l.dq);
}

Test(meta, wrong_checksums_are_known_and_not_right)
{
	struct link l = kit_open_link(LINK(ALL));
	struct frame *f = ip_frame(4, 17);

	f->b[f->len - 1] ^= 1;
	expect(&l, f, CSUM_ALL & ~DAQIRI_CSUM_L4_OK, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP);
	f = ip_frame(6, 6);
	f->b[f->len - 1] ^= 1;
	expect(&l, f, CSUM_ALL & ~DAQIRI_CSUM_L4_OK, DAQIRI_TYPE_IPV6 | DAQIRI_TYPE_TCP);
	f = ip_frame(4, 17);
	f->b[f->l3 + 10] ^= 1;
	expect(&l, f, CSUM_ALL & ~DAQIRI_CSUM_L3_OK, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP);
	daqiri_close(l.dq);
}

Test(meta, a_fragment_is_one)
{
	struct link l = kit_open_link(LINK(ALL));
	struct frame *f = ip_frame(4, 17);

	fr_put16(f->b + f->l3 + 6, 0x2000); /* more fragments */
	fr_put16(f->b + f->l3 + 10, fr_l3_csum(f));
	expect(&l, f, DAQIRI_CSUM_L3_KNOWN | DAQIRI_CSUM_L3_OK,
	       DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_FRAGMENT);
	daqiri_close(l.dq);
}

/* The tag stays in the frame, and so it is not told. */
Test(meta, behind_a_tag_there_is_ip_as_well)
{
	struct link l = kit_open_link(LINK(ALL));
	struct frame f;

	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_vlan(&f, 0x8100, 0x6064);
	fr_ipv4(&f, 17, "10.1.2.3", "10.4.5.6");
	fr_udp(&f, 4000, 5000);
	fr_payload(&f, 40);
	fr_finish(&f);
	expect(&l, &f, CSUM_ALL, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP);
	daqiri_close(l.dq);
}

/* Toeplitz by the book ("RSS hashing verification"), with the key of its examples. */
static uint32_t toeplitz(const uint8_t *bytes, unsigned len)
{
	static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
					0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
					0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
					0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
	uint32_t hash = 0;

	for (unsigned i = 0; i < len * 8; i++) {
		if (!(bytes[i / 8] << i % 8 & 0x80))
			continue;
		for (unsigned k = 0; k < 32; k++)
			hash ^= (uint32_t)(key[(i + k) / 8] << (i + k) % 8 >> 7 & 1) << (31 - k);
	}
	return hash;
}

Test(meta, a_hash_is_that_of_addresses_and_ports)
{
	static const uint8_t example[] = {66,  9,  149,	      187,	  161,	     142,
					  100, 80, 2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255};
	struct link l = kit_open_link(LINK(ALL));
	struct frame *f;

	cr_assert_eq(toeplitz(example, 12), 0x51ccc178u, "the book's own example");
	for (uint8_t i = 0; i < 20; i++) {
		f = ip_frame(4, 17);
		f->b[f->l3 + 15] = i;
		fr_finish(f);
		cr_expect_eq(told(&l, f).hash, toeplitz(f->b + f->l3 + 12, 12), "%u", i);
	}
	cr_expect_eq(told(&l, ip_frame(6, 17)).hash, 0u);
	daqiri_close(l.dq);
}

/* As many as fill a vector, and the ring's end: each has its own. */
static void bursts(const char *simd_and_keys)
{
	struct link l = kit_open_link(simd_and_keys);
	struct daqiri_rx_meta meta[40];
	struct daqiri_pkt pkts[40];

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 40; i++) {
			struct frame *f = ip_frame(i % 3 ? 4 : 6, i % 2 ? 17 : 6);

			f->b[f->len - 1] ^= i % 5 == 0;
			send_frame(&l, f);
		}
		cr_assert_eq(receive(&l, pkts, meta, 40), 40);
		for (unsigned i = 0; i < 40; i++) {
			cr_assert_eq(meta[i].type,
				     (i % 3 ? DAQIRI_TYPE_IPV4 : DAQIRI_TYPE_IPV6) |
					     (i % 2 ? DAQIRI_TYPE_UDP : DAQIRI_TYPE_TCP));
			cr_assert_eq(meta[i].checksum, CSUM_ALL & ~(i % 5 ? 0 : DAQIRI_CSUM_L4_OK));
			cr_assert_eq(meta[i].hash != 0, i % 3 && i % 2);
		}
		daqiri_rx_release(l.rx, 40);
	}
	daqiri_close(l.dq);
}

Test(meta, each_packet_of_a_burst_has_its_own)
{
	bursts(LINK(ALL));
	bursts("[daqiri]\nsimd = portable\n" LINK(ALL));
	bursts(PORTS "[txq a 0]\nregions = tx\ndepth = 64\n"
	       "[rxq b 0]\nregions = rx\ndepth = 128\nrx_mode = striding\n" ALL
	       "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n");
}

Test(meta, what_was_not_asked_for_is_0)
{
	struct link l = kit_open_link(LINK("metadata = type\n"));
	struct daqiri_rx_meta meta = told(&l, ip_frame(4, 17));

	cr_expect_eq(meta.type, DAQIRI_TYPE_IPV4 | DAQIRI_TYPE_UDP);
	cr_expect_eq(meta.checksum, 0);
	cr_expect_eq(meta.hash, 0u);
	daqiri_close(l.dq);
}

Test(meta, a_queue_with_metadata_can_be_polled_without)
{
	struct link l = kit_open_link(LINK(ALL));
	struct kit_burst burst = {.n = 30, .min = 60, .max = 200, .dst = MAC_B};

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

Test(meta, wrong_use_is_refused)
{
	struct link l = kit_open_link(LINK(""));
	struct daqiri_rx_meta meta;
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_rx_poll_meta(l.rx, &pkt, &meta, 1), -EINVAL);
	assert_detail("[rxq b 0] metadata=none");
	daqiri_close(l.dq);
	l = kit_open_link(LINK(ALL));
	cr_assert_eq(daqiri_rx_poll_meta(NULL, &pkt, &meta, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_meta(l.rx, NULL, &meta, 1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_meta(l.rx, &pkt, NULL, 1), -EINVAL);
	assert_detail("daqiri_rx_poll_meta for 1 packets: NULL array");
	cr_assert_eq(daqiri_rx_poll_meta(l.rx, &pkt, &meta, -1), -EINVAL);
	cr_assert_eq(daqiri_rx_poll_meta(l.rx, NULL, NULL, 0), 0);
	daqiri_close(l.dq);
}

static void reads_back(const char *config, uint32_t metadata, uint32_t vlan_strip)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct link l = kit_open_link(config);

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_assert_eq(info.metadata, metadata);
	cr_assert_eq(info.vlan_strip, vlan_strip);
	daqiri_close(l.dq);
}

Test(meta, what_was_asked_for_reads_back)
{
	reads_back(LINK(""), 0, 0);
	reads_back(LINK("metadata = timestamp\n"), DAQIRI_META_TIMESTAMP, 0);
	reads_back(LINK("metadata = vlan, hash\nvlan_strip = on\n"),
		   DAQIRI_META_VLAN | DAQIRI_META_HASH, 1);
	reads_back(LINK(ALL "vlan_strip = off\n"),
		   DAQIRI_META_HASH | DAQIRI_META_CHECKSUM | DAQIRI_META_VLAN | DAQIRI_META_TYPE, 0);
}
