/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive-side scaling through unmodified libibverbs: each frame must land in the queue that the
 * Toeplitz hash chooses, computed here from its definition.
 */
#include "kit.h"

#include <errno.h>

#define QUEUES 4

static struct kit k;
static struct ibv_cq *tx_cq, *cq[QUEUES];
static struct ibv_qp *tx;
static struct ibv_wq *wq[QUEUES];

static void setup(void)
{
	unsigned i;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
	for (i = 0; i < QUEUES; i++) {
		cq[i] = kit_cq(&k, &k.b, 16);
		wq[i] = kit_wq(&k, &k.b, cq[i], 16);
		kit_wq_recv(wq[i], &k.b, i, 2048);
	}
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(rss, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t toeplitz(const uint8_t *data, unsigned len)
{
	uint32_t result = 0;
	unsigned bit, i;

	for (bit = 0; bit < len * 8; bit++) {
		uint32_t window = 0;

		for (i = bit; i < bit + 32; i++)
			window = window << 1 | ((uint32_t)kit_rss_key[i / 8] >> (7 - i % 8) & 1);
		if (data[bit / 8] >> (7 - bit % 8) & 1)
			result ^= window;
	}
	return result;
}

/* The queue that took f. */
static unsigned queue_of(struct frame *f)
{
	struct ibv_wc wc;
	unsigned i, n;

	kit_send(tx, &k.a, f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	for (n = 0; n < 100000; n++) {
		for (i = 0; i < QUEUES; i++) {
			if (ibv_poll_cq(cq[i], 1, &wc) != 1)
				continue;
			kit_wq_recv(wq[i], &k.b, i, 2048);
			return i;
		}
	}
	cr_assert(false, "no queue took the frame");
	return QUEUES;
}

static struct ibv_qp *spread(unsigned log_n, uint64_t fields)
{
	struct ibv_wq *table[16];
	struct ibv_qp *qp;
	struct kit_rule r;
	unsigned i;

	for (i = 0; i < 1u << log_n; i++)
		table[i] = wq[i % QUEUES];
	qp = kit_hash_qp(&k, &k.b, kit_table(&k, &k.b, table, log_n), fields);
	cr_assert_not_null(qp, "%s", strerror(errno));
	kit_rule(&r, 0);
	kit_rule_eth(&r, k.b.mac, NULL, 0);
	cr_assert_not_null(kit_flow(&k, qp, &r), "%s", strerror(errno));
	return qp;
}

static void flow_frame(struct frame *f, unsigned proto, unsigned i)
{
	char src[16];

	snprintf(src, sizeof(src), "10.%u.%u.7", i * 31 % 251, i % 7);
	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, proto, src, "10.9.8.7");
	if (proto == 17)
		fr_udp(f, 1000 + i * 17, 2000 + i);
	else
		fr_tcp(f, 1000 + i * 17, 2000 + i, FR_TCP_ACK);
	fr_payload(f, 20);
	fr_finish(f);
}

/* 64 flows: each in its queue, and no queue idle. proto 0: UDP and TCP in turn. */
static void expect_spread(unsigned log_n, unsigned proto, unsigned hashed)
{
	unsigned hits[QUEUES] = {0}, i, q, want;
	struct frame f;

	for (i = 0; i < 64; i++) {
		flow_frame(&f, proto ? proto : i & 1 ? 6 : 17, i);
		want = toeplitz(f.b + f.l3 + 12, hashed) & ((1u << log_n) - 1);
		q = queue_of(&f);
		cr_assert_eq(q, want % QUEUES, "flow %u: queue %u, not %u", i, q, want % QUEUES);
		hits[q]++;
	}
	for (i = 0; i < QUEUES; i++)
		cr_expect_gt(hits[i], 0, "queue %u is idle", i);
}

enum {
	ADDRESSES = IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4,
	UDP_PORTS = IBV_RX_HASH_SRC_PORT_UDP | IBV_RX_HASH_DST_PORT_UDP,
	TCP_PORTS = IBV_RX_HASH_SRC_PORT_TCP | IBV_RX_HASH_DST_PORT_TCP,
};

Test(rss, udp_flows_go_where_addresses_and_ports_hash_to)
{
	spread(2, ADDRESSES | UDP_PORTS);
	expect_spread(2, 17, 12);
}

Test(rss, tcp_flows_go_where_addresses_and_ports_hash_to)
{
	spread(2, ADDRESSES | TCP_PORTS);
	expect_spread(2, 6, 12);
}

Test(rss, addresses_alone_spread_any_protocol)
{
	spread(2, ADDRESSES);
	expect_spread(2, 0, 8);
}

Test(rss, a_table_may_name_each_queue_many_times)
{
	spread(4, ADDRESSES | UDP_PORTS);
	expect_spread(4, 17, 12);
}

Test(rss, ipv6_addresses_are_hashed_whole)
{
	char src[40];
	struct frame f;
	unsigned i;

	spread(2, IBV_RX_HASH_SRC_IPV6 | IBV_RX_HASH_DST_IPV6);
	for (i = 0; i < 32; i++) {
		snprintf(src, sizeof(src), "2001:db8:%x::%x", i * 7, i * 1001);
		fr_ether(&f, k.b.mac, k.a.mac, 0x86dd);
		fr_ipv6(&f, 17, src, "2001:db8:ffff::1");
		fr_udp(&f, 1, 2);
		fr_payload(&f, 20);
		fr_finish(&f);
		cr_assert_eq(queue_of(&f), toeplitz(f.b + f.l3 + 8, 32) % QUEUES, "%s", src);
	}
}

/* ---- what a hash QP cannot do: mlx5_ib, create_rss_raw_qp_tir -------------------------------- */

static void expect_refused(uint64_t fields, const char *what)
{
	struct ibv_rwq_ind_table *table = kit_table(&k, &k.b, wq, 2);

	errno = 0;
	cr_expect_null(kit_hash_qp(&k, &k.b, table, fields), "%s was accepted", what);
	cr_expect_eq(errno, EINVAL, "%s: %s", what, strerror(errno));
}

Test(rss, one_hash_takes_one_class_only)
{
	expect_refused(ADDRESSES | IBV_RX_HASH_SRC_IPV6, "IPv4 with IPv6");
	expect_refused(ADDRESSES | UDP_PORTS | TCP_PORTS, "UDP with TCP ports");
}

Test(rss, a_hash_key_has_40_bytes)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_RX_HASH | IBV_QP_INIT_ATTR_IND_TABLE,
		.pd = k.b.pd,
		.rwq_ind_tbl = kit_table(&k, &k.b, wq, 2),
		.rx_hash_conf = {.rx_hash_function = IBV_RX_HASH_FUNC_TOEPLITZ,
				 .rx_hash_key_len = 39,
				 .rx_hash_key = kit_rss_key,
				 .rx_hash_fields_mask = ADDRESSES},
	};

	cr_expect_null(ibv_create_qp_ex(k.b.ctx, &attr));
	cr_expect_eq(errno, EINVAL);
	attr.rx_hash_conf.rx_hash_key_len = 40;
	attr.rx_hash_conf.rx_hash_function = 0;
	cr_expect_null(ibv_create_qp_ex(k.b.ctx, &attr), "no hash function");
}

Test(rss, a_hash_qp_cannot_be_modified)
{
	struct ibv_qp *qp = spread(2, ADDRESSES);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1};

	cr_expect_neq(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PORT), 0);
}
