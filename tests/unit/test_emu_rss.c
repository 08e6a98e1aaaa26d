/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device's RSS hash, judged by the test vectors that Microsoft publishes ("Verifying
 * the RSS Hash Calculation", Windows driver documentation).
 */
#include <criterion/criterion.h>

#include <rdma/mlx5-abi.h>

#include "../frames.h"
#include "../../src/emu/rss.h"

static const uint8_t published_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct vector {
	const char *dst;
	unsigned dport;
	const char *src;
	unsigned sport;
	uint32_t addresses, with_ports;
};

static const struct vector v4[] = {
	{"161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178},
	{"65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea},
	{"12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a},
	{"209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f},
	{"202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2},
};

static const struct vector v6[] = {
	{"3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5, 0x40207d3d},
	{"ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c, 0xdde51bbf},
	{"fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
	 0x4b61e985, 0x02d1feef},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	ADDR4 = MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4,
	ADDR6 = MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6,
	TCP = MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP,
	UDP = MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP,
};

static void build(struct frame *f, const struct vector *v, unsigned proto)
{
	int six = strchr(v->src, ':') != NULL;

	fr_ether(f, "02:00:00:00:00:02", "02:00:00:00:00:01", six ? 0x86dd : 0x0800);
	if (six)
		fr_ipv6(f, proto, v->src, v->dst);
	else
		fr_ipv4(f, proto, v->src, v->dst);
	if (proto == 6)
		fr_tcp(f, v->sport, v->dport, FR_TCP_ACK);
	else
		fr_udp(f, v->sport, v->dport);
	fr_payload(f, 20);
	fr_finish(f);
}

static struct emu_rss_result hash_frame(const struct frame *f, uint64_t fields)
{
	struct emu_rss_table table;
	struct emu_pkt pkt;

	emu_rss_table_init(&table, published_key);
	emu_pkt_parse(&pkt, f->b, f->len);
	return emu_rss(&table, fields, &pkt);
}

static uint32_t hash(const struct vector *v, unsigned proto, uint64_t fields)
{
	struct frame f;

	build(&f, v, proto);
	return hash_frame(&f, fields).hash;
}

static void expect_vectors(const struct vector *v, size_t n, uint64_t addr)
{
	for (; n; n--, v++) {
		cr_expect_eq(hash(v, 6, addr), v->addresses, "%s, addresses", v->src);
		cr_expect_eq(hash(v, 6, addr | TCP), v->with_ports, "%s, TCP", v->src);
		cr_expect_eq(hash(v, 17, addr | UDP), v->with_ports, "%s, UDP", v->src);
	}
}

Test(rss, ipv4_frames_hash_to_the_published_values)
{
	expect_vectors(v4, COUNT(v4), ADDR4);
}

Test(rss, ipv6_frames_hash_to_the_published_values)
{
	expect_vectors(v6, COUNT(v6), ADDR6);
}

/* The definition, bit by bit. */
static uint32_t toeplitz(const uint8_t *data, unsigned len)
{
	uint32_t result = 0;
	unsigned bit, i;

	for (bit = 0; bit < len * 8; bit++) {
		uint32_t window = 0;

		for (i = bit; i < bit + 32; i++)
			window = window << 1 |
				 (i < 320 ? (uint32_t)published_key[i / 8] >> (7 - i % 8) & 1 : 0);
		if (data[bit / 8] >> (7 - bit % 8) & 1)
			result ^= window;
	}
	return result;
}

Test(rss, the_table_agrees_with_the_definition_for_every_length)
{
	struct emu_rss_table table;
	uint8_t data[36];
	unsigned i;

	emu_rss_table_init(&table, published_key);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i <= sizeof(data); i++)
		cr_expect_eq(emu_toeplitz(&table, data, i), toeplitz(data, i), "%u bytes", i);
}

Test(rss, each_field_alone_hashes_just_that_field)
{
	struct frame f;

	build(&f, &v4[0], 17);
	cr_expect_eq(hash_frame(&f, MLX5_RX_HASH_SRC_IPV4).hash, toeplitz(f.b + 26, 4));
	cr_expect_eq(hash_frame(&f, MLX5_RX_HASH_DST_IPV4).hash, toeplitz(f.b + 30, 4));
	cr_expect_eq(hash_frame(&f, MLX5_RX_HASH_SRC_PORT_UDP).hash, toeplitz(f.b + 34, 2));
	cr_expect_eq(hash_frame(&f, MLX5_RX_HASH_DST_PORT_UDP).hash, toeplitz(f.b + 36, 2));
}

Test(rss, a_frame_of_another_class_has_no_hash)
{
	struct frame f;

	build(&f, &v4[0], 17);
	cr_expect_eq(hash_frame(&f, ADDR6).type, 0);
	cr_expect_eq(hash_frame(&f, ADDR4 | TCP).type, 0);
	cr_expect_eq(hash_frame(&f, ADDR4 | TCP).hash, 0);
	cr_expect_neq(hash_frame(&f, ADDR4 | UDP).type, 0);
}

Test(rss, a_fragment_has_no_ports_to_hash)
{
	struct frame f;

	build(&f, &v4[0], 17);
	fr_put16(f.b + 14 + 6, 0x2000); /* more fragments */
	fr_put16(f.b + 14 + 10, fr_l3_csum(&f));
	cr_expect_eq(hash_frame(&f, ADDR4 | UDP).type, 0);
	cr_expect_eq(hash_frame(&f, ADDR4).hash, v4[0].addresses);
}

/* mlx5 PRM, CQE rx_hash_type: bits 1:0 source, 3:2 destination address, 5:4, 7:6 their ports. */
Test(rss, the_hash_type_names_the_fields)
{
	struct frame f;

	build(&f, &v4[0], 17);
	cr_expect_eq(hash_frame(&f, ADDR4).type, 0x05);
	cr_expect_eq(hash_frame(&f, ADDR4 | UDP).type, 0xa5);
	build(&f, &v6[0], 6);
	cr_expect_eq(hash_frame(&f, ADDR6).type, 0x0a);
	cr_expect_eq(hash_frame(&f, ADDR6 | TCP).type, 0x5a);
}
