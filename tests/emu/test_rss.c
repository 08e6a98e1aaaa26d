/* SPDX-License-Identifier: Apache-2.0 */
/* Flows over several queues: what is hashed, with which key, and which queue follows from it. */
#include "match_kit.h"

#define BASE                                                                                       \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\ndepth = 256\n"                                                   \
	"[rxq b 0-3]\nregions = rx\ndepth = 256\nmetadata = hash\n"                                \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0-3\n"

static const uint8_t example_key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
					0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
					0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
					0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static struct frame f;

/* Toeplitz by the book ("RSS hashing verification"). */
static uint32_t toeplitz(const uint8_t key[40], const uint8_t *bytes, unsigned len)
{
	uint32_t hash = 0;

	for (unsigned i = 0; i < len * 8; i++) {
		if (!(bytes[i / 8] << i % 8 & 0x80))
			continue;
		for (unsigned k = 0; k < 32; k++)
			hash ^= (uint32_t)(key[(i + k) / 8] << (i + k) % 8 >> 7 & 1) << (31 - k);
	}
	return hash;
}

/* i tells packets apart; back: the other direction. */
static void build(unsigned version, unsigned proto, unsigned i, bool back)
{
	unsigned sport = back ? 80 : 1000 + i, dport = back ? 1000 + i : 80;
	char client[32], server[32];

	snprintf(client, sizeof(client), version == 4 ? "10.0.0.%u" : "fd00::%x", i + 1);
	snprintf(server, sizeof(server), version == 4 ? "10.7.0.%u" : "fd07::%x", i / 2 + 1);
	fr_ether(&f, MAC_B, MAC_A, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		fr_ipv4(&f, proto, back ? server : client, back ? client : server);
	else
		fr_ipv6(&f, proto, back ? server : client, back ? client : server);
	if (proto == 17)
		fr_udp(&f, sport, dport);
	else if (proto == 6)
		fr_tcp(&f, sport, dport, FR_TCP_ACK);
	fr_payload(&f, 30);
	fr_finish(&f);
}

/* What is hashed where all fields are: they lie one behind the other. */
static uint32_t full_hash(const uint8_t key[40])
{
	bool v4 = f.b[f.l3] >> 4 == 4;

	return toeplitz(key, f.b + f.l3 + (v4 ? 12 : 8), (v4 ? 8U : 32U) + (f.l4 ? 4U : 0U));
}

/* The queue that f came to; its hash as metadata tells it. */
static unsigned where(const struct link *l, uint32_t *hash)
{
	int64_t deadline = kit_deadline();
	struct daqiri_rx_meta meta;
	struct daqiri_pkt pkt;

	daqiri_tx_completed(l->tx);
	cr_assert_eq(daqiri_tx_reserve(l->tx, &pkt, 1), 1);
	memcpy((void *)(uintptr_t)pkt.addr, f.b, f.len);
	pkt.len = f.len;
	cr_assert_eq(daqiri_tx_post(l->tx, &pkt, 1), 1);
	for (unsigned i = 0; !kit_is_late(deadline); i = (i + 1) % MATCH_QUEUES) {
		struct daqiri_rxq *q = daqiri_rxq_get(l->b, i);

		if (daqiri_rx_poll_meta(q, &pkt, &meta, 1) != 1)
			continue;
		daqiri_rx_release(q, 1);
		*hash = meta.hash;
		return i;
	}
	cr_assert(false, "the frame came nowhere");
	return MATCH_QUEUES;
}

static void expect_hash(const struct link *l, uint32_t want)
{
	uint32_t hash = ~want;

	cr_expect_eq(where(l, &hash), want & 3);
	cr_expect_eq(hash, want, "%08x, not %08x", hash, want);
}

static void all_classes(const struct link *l, const uint8_t key[40])
{
	static const unsigned protos[] = {17, 6, 47};

	for (unsigned k = 0; k < 3; k++) {
		for (unsigned i = 0; i < 20; i++) {
			build(4, protos[k], i, i & 1);
			expect_hash(l, full_hash(key));
			build(6, protos[k], i, i & 1);
			expect_hash(l, full_hash(key));
		}
	}
}

Test(rss, each_class_of_packets_is_hashed_by_all_that_it_has)
{
	struct link l = kit_open_link(BASE);

	all_classes(&l, example_key);
	match_close(&l);
}

Test(rss, a_key_may_be_given)
{
	struct link l = kit_open_link(BASE "rss_key = 000102030405060708090a0b0c0d0e0f10111213"
					   "1415161718191A1B1C1D1E1F2021222324252627\n");
	uint8_t key[40];

	for (uint8_t i = 0; i < 40; i++)
		key[i] = i;
	all_classes(&l, key);
	match_close(&l);
}

Test(rss, a_symmetric_key_gives_both_directions_one_queue)
{
	struct link l = kit_open_link(BASE "rss_key = symmetric\n");
	unsigned versions[] = {4, 6}, seen = 0;
	uint32_t there, back;

	for (unsigned i = 0; i < 40; i++) {
		build(versions[i & 1], i & 2 ? 6 : 17, i, false);
		seen |= 1U << where(&l, &there);
		build(versions[i & 1], i & 2 ? 6 : 17, i, true);
		where(&l, &back);
		cr_expect_eq(there, back);
	}
	cr_expect_eq(seen, 15u, "and all queues get some");
	match_close(&l);
}

Test(rss, only_fields_that_are_asked_for_are_hashed)
{
	struct link l = kit_open_link(BASE "rss_fields = ipv4_dst,ipv6_src,tcp_dst\n");

	for (unsigned i = 0; i < 20; i++) {
		uint8_t bytes[18];

		build(4, 17, i, true);
		expect_hash(&l, toeplitz(example_key, f.b + f.l3 + 16, 4));
		build(6, 17, i, false);
		expect_hash(&l, toeplitz(example_key, f.b + f.l3 + 8, 16));
		build(6, 6, i, true);
		memcpy(bytes, f.b + f.l3 + 8, 16);
		memcpy(bytes + 16, f.b + f.l4 + 2, 2);
		expect_hash(&l, toeplitz(example_key, bytes, 18));
	}
	match_close(&l);
}

/* A NIC has nothing to hash them by: they are to come, and always to the same place. */
Test(rss, packets_without_the_fields_come_to_the_first_queue)
{
	struct link l = kit_open_link(BASE "rss_fields = ipv6_src,udp_src\n");
	uint32_t hash;

	for (unsigned i = 0; i < 8; i++) {
		build(4, i & 1 ? 6 : 47, i, false);
		cr_expect_eq(where(&l, &hash), 0u);
	}
	fr_ether(&f, MAC_B, MAC_A, 0x88b5);
	fr_payload(&f, 60);
	cr_expect_eq(where(&l, &hash), 0u);
	match_close(&l);
}

Test(rss, a_flow_of_its_own_key_leaves_others_alone)
{
	struct link l =
		kit_open_link(BASE "[flow b tcp]\ndst_mac = " MAC_B "\ntcp_dst = 80\nqueue = 3,2\n"
				   "rss_key = symmetric\nrss_fields = tcp_src\n");
	uint8_t key[40];
	uint32_t hash;

	for (unsigned i = 0; i < 40; i++)
		key[i] = i & 1 ? 0x5a : 0x6d;
	for (unsigned i = 0; i < 20; i++) {
		build(4, 6, i, false);
		cr_expect_eq(where(&l, &hash), 3 - (toeplitz(key, f.b + f.l4, 2) & 1));
		cr_expect_eq(hash, toeplitz(key, f.b + f.l4, 2));
		build(4, 17, i, false);
		expect_hash(&l, full_hash(example_key));
	}
	match_close(&l);
}

static char imbalance[256];

static void catch_imbalance(void *arg, enum daqiri_log_level level, const char *text)
{
	(void)arg;
	if (strstr(text, "share a table"))
		snprintf(imbalance, sizeof(imbalance), "%d %s", (int)level, text);
}

/* A table is a power of two. */
Test(rss, that_queues_get_unequal_shares_is_said)
{
	struct link l;

	daqiri_log_set(catch_imbalance, NULL);
	l = kit_open_link("[daqiri]\nlog_level = info\n" BASE "[flow b three]\ndst_mac = " MAC_B
			  "\nudp_dst = 5000\nqueue = 0-2\n");
	daqiri_log_set(NULL, NULL);
	cr_expect(strstr(imbalance,
			 "[flow b three]: 3 queues share a table of 64 entries: the first "
			 "1 get 22 of them, the others 21"),
		  "%s", imbalance);
	match_close(&l);
}
