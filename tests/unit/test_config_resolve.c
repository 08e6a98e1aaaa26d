/* SPDX-License-Identifier: Apache-2.0 */
/* What the builder of a context is given. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <daqiri.h>

#include "config_model.h"
#include "config_stride.h"
#include "resolve_text.h"

#define PORT "[port p]\naddress = eth0\n"

static struct dq_conf *resolve_everything(void)
{
	struct daqiri_config *cfg = NULL;
	struct dq_conf *conf = NULL;

	cr_assert_eq(daqiri_config_load(&cfg, TEST_DATA "/config/everything.ini"), 0);
	cr_assert_eq(dq_conf_resolve(&conf, cfg, NULL), 0, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
	return conf;
}

Test(resolve, defaults_are_filled_in)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 64\nbuf_size = 1500\n" PORT
				       "[txq p 3]\nregions = m\n");

	cr_expect_eq(conf->log_level, DAQIRI_LOG_WARN);
	cr_expect_eq(conf->simd, DQ_SIMD_AUTO);
	cr_expect_eq(conf->regions[0].kind, DQ_REGION_HOST);
	cr_expect_eq(conf->regions[0].buf_size, 1500);
	cr_expect_eq(conf->regions[0].align, 64);
	cr_expect_eq(conf->regions[0].page_size, 0);
	cr_expect_eq(conf->regions[0].numa, DQ_AUTO);
	cr_expect_eq(conf->regions[0].relaxed_ordering, DQ_AUTO);
	cr_expect_eq(conf->ports[0].mtu, 0);
	cr_expect_eq(conf->ports[0].unmatched, DQ_UNMATCHED_KERNEL);
	cr_expect_eq(conf->txqs[0].id, 3);
	cr_expect_eq(conf->txqs[0].cpu_core, -1);
	cr_expect_eq(conf->txqs[0].num_slots, 64);
	cr_expect_str_eq(conf->txqs[0].where, "t.ini:7: [txq p 3]");
	dq_conf_free(conf);
	dq_conf_free(NULL);
}

Test(resolve, everything_arrives)
{
	struct dq_conf *conf = resolve_everything();
	const struct dq_conf_region *big = &conf->regions[0];
	const struct dq_conf_port *left = &conf->ports[0];

	cr_expect_eq(conf->log_level, DAQIRI_LOG_DEBUG);
	cr_expect_eq(conf->simd, DQ_SIMD_PORTABLE);
	cr_expect_eq(conf->rxqs[0].simd, DQ_SIMD_PORTABLE);
	cr_expect_eq(conf->txqs[0].simd, DQ_SIMD_PORTABLE);
	cr_expect_eq(conf->rxqs[0].metadata,
		     DAQIRI_META_VLAN | DAQIRI_META_TIMESTAMP | DAQIRI_META_HASH);
	cr_expect_eq(conf->rxqs[0].clock, DQ_CLOCK_FREE);
	cr_expect_eq(conf->rxqs[4].clock, DQ_CLOCK_AUTO);
	cr_expect_eq(conf->rxqs[4].metadata, 0);
	cr_expect_eq(big->kind, DQ_REGION_HUGE);
	cr_expect_eq(big->num_bufs, 16384);
	cr_expect_eq(big->page_size, 1 << 30);
	cr_expect_eq(big->align, 4096);
	cr_expect_eq(big->numa, 1);
	cr_expect_eq(big->relaxed_ordering, 1);
	cr_assert_eq(big->n_ports, 2);
	cr_expect_eq(big->ports[1], 1);
	cr_expect_eq(left->mtu, 9000);
	cr_expect(left->promiscuous && left->allmulticast);
	cr_expect_eq(left->unmatched, DQ_UNMATCHED_QUEUE);
	cr_assert_eq(left->n_queues, 3);
	cr_expect_eq(conf->rxqs[left->queues[0]].id, 2);
	cr_expect_eq(conf->rxqs[left->queues[2]].id, 0);
	cr_expect_eq(conf->ports[1].unmatched, DQ_UNMATCHED_DROP);
	cr_expect_eq(conf->rxqs[3].cpu_core, 11);
	cr_expect_eq(conf->n_rxqs, 5);
	cr_expect_eq(conf->n_txqs, 4);
	dq_conf_free(conf);
}

Test(resolve, a_match_is_in_the_form_that_rules_take)
{
	static const uint8_t mac[6] = {2, 0xda, 1, 0, 0, 1}, mask[4] = {255, 128, 0, 0};
	static const uint8_t dst[4] = {192, 168, 1, 77}, full[4] = {255, 255, 255, 255};
	struct dq_conf *conf = resolve_everything();
	const struct dq_conf_flow *flow = &conf->flows[0];
	const struct dq_headers *m = &flow->match.outer;

	cr_expect_eq(m->fields, 127);
	cr_expect_eq(memcmp(m->src_mac, mac, 6), 0);
	cr_expect_eq(m->dst_mac[5], 15);
	cr_expect_eq(m->ethertype, 0x0800);
	cr_expect_eq(memcmp(m->ipv4_src_mask, mask, 4), 0);
	cr_expect_eq(m->ipv4_src[0], 10);
	cr_expect_eq(memcmp(m->ipv4_dst, dst, 4), 0);
	cr_expect_eq(memcmp(m->ipv4_dst_mask, full, 4), 0);
	cr_expect_eq(m->udp_src.first, 4000);
	cr_expect_eq(m->udp_dst.last, 5000);
	cr_expect_eq(flow->priority, 3);
	cr_assert_eq(flow->n_queues, 3);
	cr_expect_eq(conf->rxqs[flow->queues[0]].id, 3);
	cr_expect_eq(flow->rss.fields, DQ_RSS_IPV4_DST | DQ_RSS_UDP_SRC);
	cr_expect_eq(conf->flows[3].match.outer.fields, DQ_MATCH_IPV4_DST);
	cr_expect_eq(conf->flows[3].match.outer.ipv4_dst_mask[0], 0);
	dq_conf_free(conf);
}

Test(resolve, tags_that_are_auto_are_unique_within_the_port)
{
	struct dq_conf *conf = resolve_everything();

	cr_expect_eq(conf->flows[0].tag, 2);
	cr_expect_eq(conf->flows[1].tag, 1);
	cr_expect_eq(conf->flows[2].tag, 3);
	cr_expect_eq(conf->flows[3].tag, 1, "another port counts for itself");
	cr_expect_eq(conf->flows[1].priority, DQ_AUTO);
	dq_conf_free(conf);
}

Test(resolve, rss_hashes_all_fields_unless_told)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 128\nbuf_size = 2K\n" PORT
				       "[rxq p 0-1]\nregions = m\n"
				       "[flow p a]\nudp_dst = 1\nqueue = 0-1\n"
				       "[flow p b]\nudp_dst = 2\nqueue = 1\n");

	cr_expect_eq(conf->flows[0].rss.fields, DQ_RSS_ALL);
	cr_expect_not(conf->flows[0].rss.has_key);
	cr_expect_eq(conf->flows[1].rss.fields, 0);
	cr_expect_eq(conf->flows[1].n_queues, 1);
	cr_expect_eq(conf->flows[1].queues[0], 1);
	dq_conf_free(conf);
}

Test(resolve, an_rss_key_is_symmetric_or_given)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 128\nbuf_size = 2K\n" PORT
				       "[rxq p 0-1]\nregions = m\n"
				       "[flow p a]\nudp_dst = 1\nqueue = 0-1\nrss_key = symmetric\n"
				       "[flow p b]\nudp_dst = 2\nqueue = 0-1\nrss_key = "
				       "000102030405060708090a0b0c0d0e0f10111213"
				       "1415161718191A1B1C1D1E1F2021222324252627\n");

	cr_assert(conf->flows[0].rss.has_key && conf->flows[1].rss.has_key);
	for (unsigned i = 0; i < DQ_RSS_KEY_BYTES; i++) {
		cr_expect_eq(conf->flows[0].rss.key[i], i % 2 ? 0x5a : 0x6d);
		cr_expect_eq(conf->flows[1].rss.key[i], i);
	}
	dq_conf_free(conf);
}

Test(resolve, a_match_beyond_ipv4_and_udp)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 128\nbuf_size = 2K\n" PORT
				       "[rxq p 0]\nregions = m\n"
				       "[flow p a]\nvlan_id = 0xabc\nvlan_pcp = 7\nqueue = 0\n"
				       "ipv6_src = fd00::1\nipv6_dst = ff02::/15\n"
				       "tcp_src = 0\ntcp_dst = 443\nip_proto = 6\n");
	const struct dq_headers *m = &conf->flows[0].match.outer;

	cr_expect_eq(m->fields, DQ_MATCH_VLAN_ID | DQ_MATCH_VLAN_PCP | DQ_MATCH_IPV6 |
					DQ_MATCH_TCP | DQ_MATCH_IP_PROTO);
	cr_expect_eq(m->vlan_id, 0xabc);
	cr_expect_eq(m->vlan_pcp, 7);
	cr_expect_eq(m->ip_proto, 6);
	cr_expect(m->ipv6_src[0] == 0xfd && m->ipv6_src[15] == 1 && m->ipv6_src_mask[15] == 255);
	cr_expect(m->ipv6_dst[1] == 2 && m->ipv6_dst_mask[1] == 254 && !m->ipv6_dst_mask[2]);
	cr_expect(m->tcp_src.first == 0 && m->tcp_dst.first == 443 && m->tcp_dst.last == 443);
	dq_conf_free(conf);
}

Test(resolve, ports_may_have_flows_of_the_same_match_and_tag)
{
	struct dq_conf *conf = resolve(
		PORT "[port q]\naddress = eth1\n[rxq p 0]\nkind = host\nnum_bufs = 64\n"
		     "buf_size = 64\n[rxq q 0]\nkind = host\nnum_bufs = 64\nbuf_size = 64\n"
		     "[flow p f]\nudp_dst = 1\ntag = 5\nqueue = 0\n"
		     "[flow q f]\nudp_dst = 1\ntag = 5\nqueue = 0\n"
		     "[stream exactly]\nrx = q 0\nsize = 64\n");

	cr_expect_eq(conf->flows[0].port, 0);
	cr_expect_eq(conf->flows[1].port, 1);
	cr_expect_eq(conf->flows[1].tag, 5);
	cr_expect_eq(conf->flows[1].queues[0], 1);
	dq_conf_free(conf);
}

/* The depth that one queue with depth = auto gets of num_bufs buffers. */
static uint32_t auto_depth(unsigned num_bufs)
{
	struct dq_conf *conf;
	char text[200];
	uint32_t depth;

	snprintf(text, sizeof(text), "%s[rxq p 0]\nkind = host\nnum_bufs = %u\nbuf_size = 2K\n",
		 PORT, num_bufs);
	conf = resolve(text);
	depth = conf->rxqs[0].depth;
	dq_conf_free(conf);
	return depth;
}

Test(resolve, auto_depth_is_the_largest_power_of_two_up_to_8192)
{
	cr_expect_eq(auto_depth(64), 64);
	cr_expect_eq(auto_depth(127), 64);
	cr_expect_eq(auto_depth(128), 128);
	cr_expect_eq(auto_depth(3000), 2048);
	cr_expect_eq(auto_depth(8191), 4096);
	cr_expect_eq(auto_depth(8192), 8192);
	cr_expect_eq(auto_depth(1000000), 8192);
	cr_expect_eq(auto_depth(4294967295u), 8192);
}

Test(resolve, slots_are_dealt_in_file_order)
{
	struct dq_conf *conf = resolve(PORT "[txq p 9]\nregions = m\ndepth = 128\n"
					    "[rxq p 0-1]\nregions = m\n"
					    "[region m]\nkind = host\n"
					    "num_bufs = 1000\nbuf_size = 2K\n"
					    "[txq p 0]\nregions = m\n");

	cr_expect_eq(conf->txqs[0].first_slot, 0);
	cr_expect_eq(conf->txqs[0].num_slots, 128);
	cr_expect_eq(conf->rxqs[0].first_slot, 128);
	cr_expect_eq(conf->rxqs[0].depth, 256, "(1000 - 128) / 3 = 290");
	cr_expect_eq(conf->rxqs[0].spares, 52, "(1000 - 128 - 3 * 256) / 2");
	cr_expect_eq(conf->rxqs[1].first_slot, 128 + 256 + 52);
	cr_expect_eq(conf->rxqs[1].spares, 52);
	cr_expect_eq(conf->txqs[1].first_slot, 436 + 256 + 52);
	cr_expect_eq(conf->txqs[1].depth, 256);
	dq_conf_free(conf);
}

Test(resolve, spares_are_dealt_equally_the_first_queues_get_the_rest)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 200\nbuf_size = 2K\n" PORT
				       "[rxq p 0-2]\nregions = m\ndepth = 64\n");

	cr_expect_eq(conf->rxqs[0].spares, 3);
	cr_expect_eq(conf->rxqs[1].first_slot, 67);
	cr_expect_eq(conf->rxqs[1].spares, 3);
	cr_expect_eq(conf->rxqs[2].first_slot, 134);
	cr_expect_eq(conf->rxqs[2].spares, 2);
	dq_conf_free(conf);
}

Test(resolve, depths_may_use_a_region_up)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 96\nbuf_size = 2K\n" PORT
				       "[rxq p 0]\nregions = m\ndepth = 64\n");

	cr_expect_eq(conf->rxqs[0].depth, 64);
	dq_conf_free(conf);
	conf = resolve("[region m]\nkind = host\n"
				       "num_bufs = 65536\nbuf_size = 2K\n" PORT
		       "[rxq p 0-1]\nregions = m\ndepth = 32768\n");
	cr_expect_eq(conf->rxqs[1].first_slot, 32768);
	cr_expect_eq(conf->rxqs[1].spares, 0);
	dq_conf_free(conf);
}

Test(resolve, a_queue_forwards_to_a_port_by_its_name)
{
	struct dq_conf *conf = resolve(PORT "[port q]\naddress = 2\n"
					    "[rxq p 0-1]\nkind = host\nnum_bufs = 64\n"
					    "buf_size = 2K\nkey = forward q\n"
					    "[rxq q 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\n");

	cr_expect_eq(conf->rxqs[0].forward, 1);
	cr_expect_eq(conf->rxqs[1].forward, 1);
	cr_expect_eq(conf->rxqs[2].forward, -1);
	dq_conf_free(conf);
}

Test(resolve, every_queue_of_a_range_has_a_private_region)
{
	struct dq_conf *conf = resolve(PORT "[rxq p 0-1]\nkind = huge\nnum_bufs = 64,128\n"
					    "buf_size = 2K\n");

	cr_assert_eq(conf->n_regions, 2);
	cr_expect_str_eq(conf->regions[1].name, "");
	cr_expect_str_eq(conf->regions[1].where, "t.ini:3: [rxq p 1]");
	cr_expect_eq(conf->regions[1].num_bufs, 128);
	cr_expect_eq(conf->rxqs[1].region, 1);
	cr_expect_eq(conf->rxqs[1].first_slot, 0);
	dq_conf_free(conf);
}

Test(resolve, a_send_queue_without_a_region_has_no_slots)
{
	struct dq_conf *conf = resolve(PORT "[txq p 0]\n[txq p 1]\ndepth = 64\n");

	cr_expect_eq(conf->txqs[0].region, -1);
	cr_expect_eq(conf->txqs[0].num_slots, 0);
	cr_expect_eq(conf->txqs[0].depth, 1024);
	cr_expect_eq(conf->txqs[1].depth, 64);
	dq_conf_free(conf);
}

Test(resolve, attached_ports_may_lack_an_address)
{
	static const char text[] = "[port a]\n[port b]\n";
	static const char *const one[] = {"a", NULL}, *const both[] = {"b", "a", NULL};
	struct daqiri_config *cfg = NULL;
	struct dq_conf *conf = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "t.ini"), 0);
	cr_expect_eq(dq_conf_resolve(&conf, cfg, one), -EINVAL);
	cr_expect_eq(strncmp(daqiri_error_detail(), "t.ini:2: [port b] address: missing", 34), 0);
	cr_assert_eq(dq_conf_resolve(&conf, cfg, both), 0);
	cr_expect_null(conf->ports[0].address);
	dq_conf_free(conf);
	daqiri_config_destroy(cfg);
}

static uint64_t memory_of(const char *text)
{
	struct daqiri_config *cfg = NULL;
	uint64_t bytes;

	cr_assert_eq(daqiri_config_parse(&cfg, text, strlen(text), "t.ini"), 0);
	bytes = daqiri_config_memory(cfg);
	daqiri_config_destroy(cfg);
	return bytes;
}

Test(resolve, memory_counts_buffers_rounded_up_to_align)
{
	cr_expect_eq(memory_of("[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 65\n"), 12800);
	cr_expect_eq(memory_of("[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 65\n"
			       "align = 1\n"), 6500);
	cr_expect_eq(memory_of("[region m]\nkind = host\nnum_bufs = 1\nbuf_size = 64\n" PORT
			       "[rxq p 0-1]\nkind = host\nnum_bufs = 64\nbuf_size = 128\n"),
		     64 + 2 * 64 * 128);
	cr_expect_eq(memory_of(PORT), 0);
}

/* ---- warnings ---- */

static char logged[4096];

static void keep(void *arg, enum daqiri_log_level level, const char *text)
{
	size_t len = strlen(logged);

	cr_expect_eq(arg, logged);
	cr_expect_eq(level, DAQIRI_LOG_WARN);
	snprintf(logged + len, sizeof(logged) - len, "%s\n", text);
}

static void expect_warnings(const char *text, const char *want)
{
	struct dq_conf *conf = resolve(text);

	logged[0] = '\0';
	daqiri_log_set(keep, logged);
	dq_conf_warn(conf);
	dq_conf_warn_unfed(conf);
	daqiri_log_set(NULL, NULL);
	dq_conf_free(conf);
	cr_expect_str_eq(logged, want, "%s", logged);
}

#define MEMORY "[region m]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n"

Test(resolve, a_core_of_several_queues_is_a_warning)
{
	expect_warnings(MEMORY PORT "[rxq p 0-1]\nregions = m\ncpu_core = 3\n[txq p 0]\n"
				    "regions = m\ncpu_core = 3\n"
				    "[flow p f]\nudp_dst = 1\nqueue = 0-1\n",
			"t.ini:7: [rxq p 1] cpu_core=3: t.ini:7: [rxq p 0] names this core too\n"
			"t.ini:10: [txq p 0] cpu_core=3: t.ini:7: [rxq p 0] names this core too\n");
}

Test(resolve, workers_have_what_they_hand_over_by)
{
	struct dq_conf *conf =
		resolve(MEMORY PORT "[rxq p 0]\nregions = m\ndepth = 256\nmode = worker\n"
				    "cpu_core = 3\nbatch = 256\ntimeout_us = 7\n[txq p 0]\n"
				    "mode = worker\ncpu_core = 3\n[txq p 1]\nbatch = 9\n");

	cr_expect(conf->rxqs[0].worker);
	cr_expect_eq(conf->rxqs[0].batch, 256);
	cr_expect_eq(conf->rxqs[0].timeout_us, 7);
	cr_expect(conf->txqs[0].worker);
	cr_expect_eq(conf->txqs[0].batch, 64);
	cr_expect_not(conf->txqs[1].worker);
	dq_conf_free(conf);
}

Test(resolve, one_worker_for_several_queues_is_meant)
{
	expect_warnings(MEMORY PORT "[rxq p 0-1]\nregions = m\ncpu_core = 3\nmode = worker\n"
				    "[flow p f]\nudp_dst = 1\nqueue = 0,1\n",
			"");
}

Test(resolve, a_queue_that_nothing_feeds_is_a_warning)
{
	expect_warnings(MEMORY "[port p]\naddress = x\nunmatched = queue 2\n"
			       "[rxq p 0-2]\nregions = m\n[flow p f]\nudp_dst = 1\nqueue = 1\n",
			"t.ini:8: [rxq p 0]: no flow leads to this queue: it will receive "
			"nothing\n");
}

Test(resolve, a_region_that_nothing_uses_is_a_warning)
{
	expect_warnings(MEMORY, "t.ini:1: [region m]: no queue uses it and no port is named for "
				"it\n");
	expect_warnings(MEMORY "ports = p\n" PORT, "");
	expect_warnings(MEMORY "[daqiri]\nlog_level = error\n", "");
}

/* ---- striding receive queues ----------------------------------------------------------------- */

Test(resolve, strides_leave_at_most_an_eighth_of_a_full_frame_empty)
{
	static const struct {
		uint64_t buf_size;
		uint32_t align;
		unsigned log;
	} cases[] = {
		{14, 64, 6},	  {64, 64, 6},	   {65, 64, 6},	    {112, 64, 7},
		{1518, 64, 9},	  {1536, 64, 9},   {1792, 64, 11},  {1791, 64, 8},
		{2048, 64, 11},	  {4096, 64, 12},  {8192, 64, 13},  {9000, 64, 11},
		{9018, 64, 11},	  {9216, 64, 11},  {65535, 64, 13}, {1 << 30, 64, 13},
		{9000, 4096, 12}, {100, 8192, 13},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dq_conf_region region = {.buf_size = cases[i].buf_size,
						.align = cases[i].align};

		cr_expect_eq(dq_stride_log(&region), cases[i].log, "buf_size %llu: 2^%u",
			     (unsigned long long)cases[i].buf_size, dq_stride_log(&region));
	}
}

#define STRIDING "rx_mode = striding\n"

Test(resolve, a_striding_queue_has_all_that_its_memory_gives)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\nnum_bufs = 1000\n"
				       "buf_size = 9000\n" PORT "[rxq p 0]\nregions = m\n" STRIDING
				       "[rxq p 1]\nregions = m\ndepth = 1024\n" STRIDING
				       "[txq p 0]\nregions = m\ndepth = 64\n");

	cr_expect_eq(conf->rxqs[0].rx_mode, DQ_RX_STRIDING);
	/* 1024 strides of 2048 bytes are 233 slots of 9024; the rest is the first queue's. */
	cr_expect_eq(conf->rxqs[1].num_slots, 233);
	cr_expect_eq(conf->rxqs[1].depth, 1024);
	cr_expect_eq(conf->rxqs[0].depth, (1000 - 233 - 64) * 9024 / 2048);
	cr_expect_eq(conf->rxqs[0].first_slot, 0);
	cr_expect_eq(conf->rxqs[1].first_slot, conf->rxqs[0].num_slots);
	cr_expect_leq(conf->rxqs[0].num_slots, 1000 - 233 - 64);
	cr_expect_geq(conf->rxqs[0].num_slots * 9024, conf->rxqs[0].depth * 2048ull);
	cr_expect_eq(conf->txqs[0].first_slot, conf->rxqs[1].first_slot + 233);
	dq_conf_free(conf);
}

Test(resolve, a_mode_that_is_not_said_is_auto)
{
	struct dq_conf *conf = resolve("[region m]\nkind = host\nnum_bufs = 1000\n"
				       "buf_size = 2048\n" PORT "[rxq p 0]\nregions = m\n"
				       "[rxq p 1]\nregions = m\nrx_mode = cyclic\n"
				       "[rxq p 2]\nregions = m\nrx_mode = auto\n"
				       "[rxq p 3]\nregions = m\n" STRIDING);

	cr_expect_eq(conf->rxqs[0].rx_mode, DQ_RX_AUTO);
	cr_expect_eq(conf->rxqs[1].rx_mode, DQ_RX_CYCLIC);
	cr_expect_eq(conf->rxqs[2].rx_mode, DQ_RX_AUTO);
	cr_expect_eq(conf->rxqs[0].depth, 128);
	cr_expect_eq(conf->rxqs[0].num_slots, 128);
	cr_expect_eq(conf->rxqs[3].depth, 250);
	dq_conf_free(conf);
}

Test(resolve, completions_of_strides_have_a_limit)
{
	struct dq_conf *conf = resolve(PORT "[rxq p 0]\nkind = host\nnum_bufs = 4000000000\n"
					    "buf_size = 2048\n" STRIDING);

	cr_expect_eq(conf->rxqs[0].depth, 1 << 20);
	cr_expect_eq(conf->rxqs[0].num_slots, 1 << 20);
	dq_conf_free(conf);
}
