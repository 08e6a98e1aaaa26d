/* SPDX-License-Identifier: Apache-2.0 */
/* From a flow to rules, without a device. */
#include <criterion/criterion.h>
#include <string.h>

#include <daqiri.h>
#include <infiniband/verbs.h>

#include "noise.h"
#include "flow_plan.h"
#include "flow_range.h"

enum { IPV4 = 0x0800, ALL_FIELDS = 0xff };

static unsigned queues[] = {0, 1, 2, 3};

static struct dq_conf_flow flow(const char *where, uint32_t fields)
{
	return (struct dq_conf_flow){.where = where,
				     .name = where,
				     .match.outer.fields = fields,
				     .tag = 1,
				     .rss.fields = DQ_RSS_ALL,
				     .priority = DQ_AUTO,
				     .n_queues = 1,
				     .queues = queues};
}

static int make(struct dq_flow_plan *plan, const struct dq_conf_flow *one)
{
	return dq_flow_plan_make(plan, one, ALL_FIELDS);
}

/* The bytes of fte_match_set_lyr_2_4, written out. */
Test(flow_plan, a_match_is_encoded_where_the_device_looks)
{
	struct dq_match m = {.outer = {.fields = 0x7f,
				       .src_mac = {2, 1, 2, 3, 4, 5},
				       .dst_mac = {4, 6, 7, 8, 9, 10},
				       .ethertype = IPV4,
				       .ipv4_src = {10, 1, 2, 0},
				       .ipv4_src_mask = {255, 255, 255, 0},
				       .ipv4_dst = {10, 1, 2, 3},
				       .ipv4_dst_mask = {255, 255, 255, 255},
				       .udp_src = {0x1234, 0x1234},
				       .udp_dst = {0x5678, 0x5678}}};
	static const uint8_t value[64] = {
		2,  1, 2, 3, 4, 5, 0x08, 0, 4, 6, 7, 8, 9,    10,   0,	  0, /* MACs */
		17, 0, 0, 0, 0, 0, 0,	 0, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78,
		0,  0, 0, 0, 0, 0, 0,	 0, 0, 0, 0, 0, 10,   1,    2,	  0, /* source */
		0,  0, 0, 0, 0, 0, 0,	 0, 0, 0, 0, 0, 10,   1,    2,	  3};
	static const uint8_t mask[64] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0,   0,
		255, 0,	  0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   255, 255, 255, 255,
		0,   0,	  0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   255, 255, 255, 0,
		0,   0,	  0,   0,   0,	 0,   0,   0,	0,   0,	  0,   0,   255, 255, 255, 255};
	struct dq_match_buf buf;

	dq_match_encode(&buf, &m);
	cr_assert_arr_eq(buf.value, value, 64);
	cr_assert_arr_eq(buf.mask, mask, 64);
}

/* Else the kernel puts the rule behind the one for everything. */
Test(flow_plan, a_multicast_mac_loses_its_group_bit_in_value_and_mask)
{
	struct dq_match m = {
		.outer = {.fields = DQ_MATCH_DST_MAC, .dst_mac = {0x01, 0, 0x5e, 1, 2, 3}}};
	struct dq_match_buf buf;

	dq_match_encode(&buf, &m);
	cr_assert_eq(buf.value[8], 0x00);
	cr_assert_eq(buf.mask[8], 0xfe);
	cr_assert_eq(buf.mask[9], 0xff);
	m.outer.dst_mac[0] = 0x02;
	dq_match_encode(&buf, &m);
	cr_assert_eq(buf.mask[8], 0xff);
}

static const struct dq_rule *rule_of(const struct dq_flow_plan *plan, uint64_t fields)
{
	for (unsigned i = 0; i < plan->n_rules; i++)
		if (plan->rules[i].hash_fields == fields)
			return &plan->rules[i];
	return NULL;
}

Test(flow_plan, spreading_takes_one_rule_for_each_class)
{
	struct dq_conf_flow one = flow("a", DQ_MATCH_DST_MAC);
	struct dq_flow_plan plan;

	one.n_queues = 4;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.n_rules, 7u);
	cr_assert_eq(rule_of(&plan, 0xc3)->level, 0u, "IPv4 and UDP");
	cr_assert_eq(rule_of(&plan, 0x33)->level, 0u, "IPv4 and TCP");
	cr_assert_eq(rule_of(&plan, 0xcc)->level, 0u, "IPv6 and UDP");
	cr_assert_eq(rule_of(&plan, 0x3c)->level, 0u, "IPv6 and TCP");
	cr_assert_eq(rule_of(&plan, 0x03)->level, 1u, "IPv4");
	cr_assert_eq(rule_of(&plan, 0x0c)->level, 1u, "IPv6");
	cr_assert_eq(rule_of(&plan, 0x00)->level, 2u, "no IP");
	dq_flow_plan_free(&plan);
}

Test(flow_plan, a_flow_that_names_ip_and_udp_is_spread_by_one_rule)
{
	struct dq_conf_flow one = flow("a", DQ_MATCH_UDP_DST | DQ_MATCH_IPV4_DST);
	struct dq_flow_plan plan;

	one.n_queues = 2;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.n_rules, 1u);
	cr_assert_eq(plan.rules[0].hash_fields, 0xc3u);
	dq_flow_plan_free(&plan);
	one = flow("a", DQ_MATCH_UDP_DST);
	one.n_queues = 2;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.n_rules, 2u, "IPv4 and IPv6");
	dq_flow_plan_free(&plan);
}

#define assert_refused(one, part)                                                                  \
	do {                                                                                       \
		struct dq_flow_plan refused;                                                       \
		cr_assert_lt(make(&refused, one), 0);                                              \
		cr_assert(strstr(daqiri_error_detail(), part), "%s", daqiri_error_detail());       \
	} while (0)

Test(flow_plan, a_priority_without_room_for_the_classes_is_refused)
{
	struct dq_conf_flow one = flow("[flow b x]", DQ_MATCH_DST_MAC);
	struct dq_flow_plan plan;

	one.n_queues = 4;
	one.priority = 12;
	assert_refused(&one, "allowed 0..11");
	one.priority = 11;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.levels, 3u);
	dq_flow_plan_free(&plan);
}

/* Else the kernel takes it for a multicast rule and puts it behind the one for everything. */
Test(flow_plan, a_prefix_that_looks_like_multicast_to_the_kernel_becomes_two_rules)
{
	struct dq_conf_flow four = flow("a", DQ_MATCH_IPV4_DST), six = flow("b", DQ_MATCH_IPV6_DST);
	struct dq_flow_plan plan;

	four.match.outer.ipv4_dst[0] = four.match.outer.ipv4_dst_mask[0] = 0xe0;
	cr_assert_eq(make(&plan, &four), 0);
	cr_assert_eq(plan.n_rules, 2u);
	cr_assert_eq(plan.rules[0].match.mask[60], 0xf0);
	cr_assert_eq(plan.rules[0].match.value[60], 0xe0);
	cr_assert_eq(plan.rules[1].match.value[60], 0xf0);
	dq_flow_plan_free(&plan);
	six.match.outer.ipv6_dst[12] = 0xe0;
	memset(six.match.outer.ipv6_dst_mask, 0xff, 12);
	six.match.outer.ipv6_dst_mask[12] = 0xe0;
	cr_assert_eq(make(&plan, &six), 0);
	cr_assert_eq(plan.n_rules, 2u);
	dq_flow_plan_free(&plan);
	six.match.outer.ipv6_dst_mask[12] = 0xf0;
	cr_assert_eq(make(&plan, &six), 0);
	cr_assert_eq(plan.n_rules, 1u, "a longer mask does not look so");
	dq_flow_plan_free(&plan);
	six.match.outer.ipv6_dst_mask[12] = 0xe0;
	six.match.outer.ipv6_dst[12] = 0xc0;
	cr_assert_eq(make(&plan, &six), 0);
	cr_assert_eq(plan.n_rules, 1u, "another value neither");
	dq_flow_plan_free(&plan);
}

Test(flow_plan, only_the_fields_asked_for_are_hashed)
{
	struct dq_conf_flow one = flow("a", DQ_MATCH_DST_MAC);
	struct dq_flow_plan plan;

	one.n_queues = 4;
	one.rss.fields = DQ_RSS_IPV4_SRC | DQ_RSS_IPV6_SRC | DQ_RSS_TCP_DST;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.n_rules, 5u, "of UDP nothing is asked for");
	cr_assert_eq(rule_of(&plan, 0x21)->level, 0u, "IPv4 and TCP");
	cr_assert_eq(rule_of(&plan, 0x24)->level, 0u, "IPv6 and TCP");
	cr_assert_eq(rule_of(&plan, 0x01)->level, 1u, "IPv4");
	cr_assert_eq(rule_of(&plan, 0x04)->level, 1u, "IPv6");
	cr_assert_eq(rule_of(&plan, 0x00)->level, 2u, "no IP");
	dq_flow_plan_free(&plan);
}

/* An IPv6 packet for the port has none of the fields: it is not to be lost. */
Test(flow_plan, packets_without_the_fields_go_to_the_first_queue)
{
	struct dq_conf_flow one = flow("a", DQ_MATCH_UDP_DST);
	struct dq_flow_plan plan;

	one.n_queues = 2;
	one.rss.fields = DQ_RSS_IPV4_SRC;
	cr_assert_eq(make(&plan, &one), 0);
	cr_assert_eq(plan.n_rules, 2u);
	cr_assert_eq(plan.rules[0].hash_fields, 0x01u);
	cr_assert_eq(plan.rules[1].hash_fields, 0u);
	cr_assert_eq(plan.rules[1].level, 1u);
	dq_flow_plan_free(&plan);
	one.match.outer.fields = DQ_MATCH_IPV6_DST;
	assert_refused(&one, "nothing that the device can hash");
}

/* The bytes of fte_match_set_lyr_2_4 of the fields that the first test lacks. */
Test(flow_plan, vlan_ipv6_and_tcp_are_encoded_where_the_device_looks)
{
	struct dq_match m = {.outer = {.fields = DQ_MATCH_VLAN_ID | DQ_MATCH_VLAN_PCP |
						 DQ_MATCH_IPV6 | DQ_MATCH_TCP,
				       .vlan_id = 0x123,
				       .vlan_pcp = 5,
				       .ipv6_src = {0xfd, 1},
				       .ipv6_src_mask = {255, 255},
				       .ipv6_dst = {0xfd, 2},
				       .ipv6_dst_mask = {255, 254},
				       .tcp_src = {0x1234, 0x1234},
				       .tcp_dst = {0x5678, 0x5678}}};
	static const uint8_t value[64] = {
		[6] = 0x86, 0xdd, [14] = 0xa1, 0x23,	    [16] = 6, [18] = 0x80, [20] = 0x12,
		0x34,	    0x56, 0x78,	       [32] = 0xfd, 1,	      [48] = 0xfd, 2};
	static const uint8_t mask[64] = {
		[6] = 255, 255, [14] = 0xef, 0xff,	 [16] = 255, [18] = 0x80, [20] = 255,
		255,	   255, 255,	     [32] = 255, 255,	     [48] = 255,  254};
	struct dq_match_buf buf;

	dq_match_encode(&buf, &m);
	cr_assert_arr_eq(buf.value, value, 64);
	cr_assert_arr_eq(buf.mask, mask, 64);
	cr_assert_eq(dq_match_criteria(&buf), 1);
	cr_assert_eq(dq_match_size(&buf), 64u);
}

/* misc_parameters lie behind the outer headers, the inner ones behind those. */
Test(flow_plan, tunnels_are_encoded_where_the_device_looks)
{
	struct dq_match m = {.fields = DQ_MATCH_VNI, .vni = 0x123456};
	struct dq_match_buf buf;

	dq_match_encode(&buf, &m);
	cr_assert(buf.value[16] == 17 && buf.value[30] == 0x12 && buf.value[31] == 0xb5);
	cr_assert_arr_eq(buf.value + 84, "\x12\x34\x56\0", 4);
	cr_assert_arr_eq(buf.mask + 84, "\xff\xff\xff\0", 4);
	cr_assert_eq(dq_match_criteria(&buf), 3);
	cr_assert_eq(dq_match_size(&buf), 128u);
	m = (struct dq_match){.fields = DQ_MATCH_TNI, .tni = 0x123456};
	dq_match_encode(&buf, &m);
	cr_assert_arr_eq(buf.value + 64, "\x20\0\0\0", 4);
	cr_assert_arr_eq(buf.mask + 64, "\xb0\0\0\0", 4);
	cr_assert_arr_eq(buf.value + 76, "\0\0\x65\x58\x12\x34\x56\0", 8);
	cr_assert_arr_eq(buf.mask + 76, "\0\0\xff\xff\xff\xff\xff\0", 8);
	m = (struct dq_match){.fields = DQ_MATCH_GRE_KEY, .gre_key = 0x12345678};
	m.inner.fields = DQ_MATCH_UDP_DST | DQ_MATCH_DST_MAC;
	m.inner.udp_dst = (struct dq_range){5, 5};
	memcpy(m.inner.dst_mac, "\1\2\3\4\5\6", 6);
	dq_match_encode(&buf, &m);
	cr_assert_arr_eq(buf.mask + 64, "\x20\0\0\0", 4);
	cr_assert_arr_eq(buf.value + 80, "\x12\x34\x56\x78", 4);
	cr_assert(buf.value[128 + 16] == 17 && buf.value[128 + 31] == 5);
	cr_assert_eq(dq_match_criteria(&buf), 7);
	cr_assert_eq(dq_match_size(&buf), 192u);
}

/* Prefixes of a range by its definition: of a binary tree, the largest nodes that lie inside. */
static unsigned count_nodes(uint32_t first, uint32_t size, const struct dq_range *range)
{
	if (first > range->last || first + size - 1 < range->first)
		return 0;
	if (first >= range->first && first + size - 1 <= range->last)
		return 1;
	return count_nodes(first, size / 2, range) + count_nodes(first + size / 2, size / 2, range);
}

static void check_split(uint16_t first, uint16_t last)
{
	struct dq_range range = {first, last};
	struct dq_range_part parts[DQ_RANGE_PARTS];
	unsigned n = dq_range_split(parts, &range);
	uint32_t next = first;

	cr_assert(n <= DQ_RANGE_PARTS && n == count_nodes(0, 65536, &range), "%u-%u: %u", first,
		  last, n);
	for (unsigned i = 0; i < n; i++) {
		cr_assert_eq(parts[i].value, next, "one begins where another ends");
		cr_assert_eq(parts[i].value & ~parts[i].mask, 0);
		next += (uint16_t)~parts[i].mask + 1U;
	}
	cr_assert_eq(next, last + 1U);
}

Test(flow_plan, a_range_is_the_fewest_prefixes_that_are_exactly_its_ports)
{
	uint64_t noise = 1;

	for (unsigned first = 0; first < 300; first++)
		for (unsigned last = first; last < 300; last++)
			check_split((uint16_t)first, (uint16_t)last);
	for (unsigned i = 0; i < 20000; i++) {
		uint16_t a = (uint16_t)noise32(&noise), b = (uint16_t)noise32(&noise);

		check_split(a < b ? a : b, a < b ? b : a);
	}
	check_split(0, 65535);
	check_split(1, 65534);
	check_split(65535, 65535);
}
