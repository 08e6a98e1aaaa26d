/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every spec of ibv_create_flow() through unmodified libibverbs: the frame that it is for and one
 * that differs in a byte, and the forms that the IB core and mlx5_ib (fs.c) refuse.
 */
#include "steer_kit.h"

TestSuite(spec, .init = st_setup, .fini = st_teardown, .timeout = 60);

static void rule(struct kit_rule *r)
{
	kit_rule(r, 2);
}

/* The rule takes f, and not f with one bit of the byte at turned. */
static void expect(struct kit_rule *r, struct frame *f, unsigned byte, const char *what)
{
	struct ibv_flow *flow = ibv_create_flow(one.qp, &r->attr);

	cr_assert_not_null(flow, "%s: %s", what, strerror(errno));
	cr_expect_eq(st_where(f), 1, "%s: its frame was not taken", what);
	f->b[byte] ^= 0x10;
	cr_expect_eq(st_where(f), 0, "%s: another frame was taken", what);
	f->b[byte] ^= 0x10;
	cr_assert_eq(ibv_destroy_flow(flow), 0);
}

static void refused(struct kit_rule *r, int err, const char *what)
{
	struct ibv_flow *flow;

	errno = 0;
	flow = ibv_create_flow(one.qp, &r->attr);
	cr_expect_null(flow, "%s was accepted", what);
	cr_expect_eq(errno, err, "%s: %s, not %s", what, strerror(errno), strerror(err));
	if (flow)
		ibv_destroy_flow(flow);
}

Test(spec, a_vlan_tag_is_matched_by_its_number)
{
	struct ibv_flow_spec_eth eth = {.type = IBV_FLOW_SPEC_ETH,
					.size = sizeof(eth),
					.val.vlan_tag = htobe16(0x005),
					.mask.vlan_tag = htobe16(0xfff)};
	struct kit_rule r;
	struct frame f;

	rule(&r);
	kit_rule_add(&r, &eth, sizeof(eth));
	fr_ether(&f, k.b.mac, k.a.mac, 0x88b5);
	fr_vlan(&f, 0x8100, 0x6005);
	fr_payload(&f, 50);
	expect(&r, &f, 15, "VLAN");
	f.b[14] ^= 0x20; /* the priority is not matched */
	cr_assert_not_null(kit_flow(&k, one.qp, &r));
	cr_expect_eq(st_where(&f), 1);
	fr_ether(&f, k.b.mac, k.a.mac, 0x88b5);
	fr_payload(&f, 50);
	cr_expect_eq(st_where(&f), 0, "without a tag");
}

Test(spec, ipv6_fields_are_matched)
{
	struct ibv_flow_spec_ipv6 ip = {.type = IBV_FLOW_SPEC_IPV6, .size = sizeof(ip)};
	struct kit_rule r;
	struct frame f;

	inet_pton(AF_INET6, "2001:db8::1", ip.val.src_ip);
	memset(ip.mask.src_ip, 0xff, 16);
	ip.val.flow_label = htobe32(0x54321);
	ip.mask.flow_label = htobe32(0xfffff);
	ip.val.next_hdr = 17;
	ip.mask.next_hdr = 0xff;
	ip.val.traffic_class = 0x28;
	ip.mask.traffic_class = 0xff;
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	fr_ether(&f, k.b.mac, k.a.mac, 0x86dd);
	fr_ipv6(&f, 17, "2001:db8::1", "2001:db8::2");
	memcpy(f.b + 14, "\x62\x85\x43\x21", 4);
	fr_udp(&f, 1, 2);
	fr_payload(&f, 20);
	fr_finish(&f);
	expect(&r, &f, 29, "source");
	expect(&r, &f, 17, "flow label");
	expect(&r, &f, 20, "next header");
	expect(&r, &f, 15, "traffic class or label");
	ip.mask.hop_limit = 1;
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	refused(&r, EOPNOTSUPP, "hop limit");
	ip.mask.hop_limit = 0;
	ip.mask.flow_label = htobe32(0x100000);
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	refused(&r, EINVAL, "a flow label of 21 bits");
}

Test(spec, ipv4_extended_fields)
{
	struct ibv_flow_spec_ipv4_ext ip = {.type = IBV_FLOW_SPEC_IPV4_EXT, .size = sizeof(ip)};
	struct kit_rule r;
	struct frame f;

	ip.val.proto = 17;
	ip.mask.proto = 0xff;
	ip.val.tos = 0xb8;
	ip.mask.tos = 0xfc;
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	st_outer(&f, 17, 7);
	f.b[15] = 0xb8;
	fr_payload(&f, 30);
	fr_finish(&f);
	expect(&r, &f, 23, "protocol");
	expect(&r, &f, 15, "type of service");
	ip.mask.ttl = 0xff;
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	refused(&r, EOPNOTSUPP, "time to live");
	ip.mask.ttl = 0;
	ip.mask.flags = 1;
	rule(&r);
	kit_rule_add(&r, &ip, sizeof(ip));
	refused(&r, EOPNOTSUPP, "flags");
}

/* ---- tunnels ------------------------------------------------------------------------------- */

static void add_vxlan(struct kit_rule *r, uint32_t vni, uint32_t mask)
{
	struct ibv_flow_spec_tunnel t = {.type = IBV_FLOW_SPEC_VXLAN_TUNNEL,
					 .size = sizeof(t),
					 .val.tunnel_id = htobe32(vni),
					 .mask.tunnel_id = htobe32(mask)};

	kit_rule_add(r, &t, sizeof(t));
}

Test(spec, vxlan_by_its_network)
{
	struct kit_rule r;
	struct frame f, inner;

	st_inner(&inner, 17);
	st_vxlan(&f, &inner);
	rule(&r);
	kit_rule_udp(&r, 0, 4789);
	add_vxlan(&r, 0x123456, 0xffffff);
	expect(&r, &f, 48, "VNI");
	rule(&r);
	add_vxlan(&r, 0x1234567, 0xffffff);
	refused(&r, EINVAL, "a VNI of 25 bits");
	rule(&r);
	add_vxlan(&r, 1, 0xffffff);
	((struct ibv_flow_spec_tunnel *)r.specs)->type |= IBV_FLOW_SPEC_INNER;
	refused(&r, EINVAL, "a tunnel in a tunnel");
}

Test(spec, inner_headers_of_a_tunnel)
{
	struct ibv_flow_spec_eth eth = {.type = IBV_FLOW_SPEC_ETH | IBV_FLOW_SPEC_INNER,
					.size = sizeof(eth)};
	struct ibv_flow_spec_ipv4 ip = {.type = IBV_FLOW_SPEC_IPV4 | IBV_FLOW_SPEC_INNER,
					.size = sizeof(ip)};
	struct ibv_flow_spec_tcp_udp tcp = {.type = IBV_FLOW_SPEC_TCP | IBV_FLOW_SPEC_INNER,
					    .size = sizeof(tcp)};
	struct frame f, inner;
	struct kit_rule r;

	fr_mac(eth.val.dst_mac, "02:11:22:33:44:55");
	memset(eth.mask.dst_mac, 0xff, 6);
	inet_pton(AF_INET, "10.2.2.2", &ip.val.dst_ip);
	ip.mask.dst_ip = 0xffffffff;
	tcp.val.dst_port = htobe16(4444);
	tcp.mask.dst_port = 0xffff;
	rule(&r);
	add_vxlan(&r, 0x123456, 0xffffff);
	kit_rule_add(&r, &eth, sizeof(eth));
	kit_rule_add(&r, &ip, sizeof(ip));
	kit_rule_add(&r, &tcp, sizeof(tcp));
	st_inner(&inner, 6);
	st_vxlan(&f, &inner);
	expect(&r, &f, 50, "inner MAC");
	expect(&r, &f, 50 + 14 + 16, "inner address");
	expect(&r, &f, 50 + 14 + 20 + 3, "inner port");
	eth.val.ether_type = htobe16(0x86dd);
	eth.mask.ether_type = 0xffff;
	rule(&r);
	kit_rule_add(&r, &eth, sizeof(eth));
	kit_rule_add(&r, &ip, sizeof(ip));
	refused(&r, EINVAL, "inner IPv4 with the ethertype of IPv6");
}

static struct ibv_flow_spec_gre gre_spec(void)
{
	return (struct ibv_flow_spec_gre){
		.type = IBV_FLOW_SPEC_GRE,
		.size = sizeof(struct ibv_flow_spec_gre),
		.val = {.protocol = htobe16(0x6558), .key = htobe32(0xaabbcc01)},
		.mask = {.protocol = 0xffff, .key = htobe32(0xffffff00)}};
}

Test(spec, gre_by_protocol_and_key)
{
	struct ibv_flow_spec_gre gre = gre_spec();
	struct frame f, inner;
	struct kit_rule r;

	gre.val.key &= gre.mask.key;
	rule(&r);
	kit_rule_add(&r, &gre, sizeof(gre));
	st_inner(&inner, 17);
	st_gre(&f, &inner, 0x6558);
	expect(&r, &f, 36, "protocol");
	expect(&r, &f, 40, "key");
	gre.mask.c_ks_res0_ver = htobe16(0x2000);
	rule(&r);
	kit_rule_add(&r, &gre, sizeof(gre));
	refused(&r, EOPNOTSUPP, "flags of GRE");
	gre.mask.c_ks_res0_ver = 0;
	rule(&r);
	kit_rule_udp(&r, 0, 4789);
	kit_rule_add(&r, &gre, sizeof(gre));
	refused(&r, EINVAL, "GRE over UDP");
}

static void mpls_frame(struct frame *f, unsigned proto, unsigned port, const char *label)
{
	st_outer(f, proto, port);
	if (proto == 47)
		st_bytes(f, "\0\0\x88\x47", 4);
	st_bytes(f, label, 4);
	fr_payload(f, 40);
	fr_finish(f);
}

Test(spec, mpls_alone_in_udp_and_in_gre)
{
	struct ibv_flow_spec_mpls mpls = {.type = IBV_FLOW_SPEC_MPLS,
					  .size = sizeof(mpls),
					  .val.label = htobe32(0x12345140),
					  .mask.label = htobe32(0xfffff000)};
	struct ibv_flow_spec_gre gre = {.type = IBV_FLOW_SPEC_GRE, .size = sizeof(gre)};
	const char *label = "\x12\x34\x51\x40";
	struct kit_rule r;
	struct frame f;

	mpls.val.label &= mpls.mask.label;
	rule(&r);
	kit_rule_eth(&r, NULL, NULL, 0x8847);
	kit_rule_add(&r, &mpls, sizeof(mpls));
	fr_ether(&f, k.b.mac, k.a.mac, 0x8847);
	st_bytes(&f, label, 4);
	fr_payload(&f, 50);
	expect(&r, &f, 15, "MPLS");
	rule(&r);
	kit_rule_udp(&r, 0, 6635);
	kit_rule_add(&r, &mpls, sizeof(mpls));
	mpls_frame(&f, 17, 6635, label);
	expect(&r, &f, 43, "MPLS in UDP");
	rule(&r);
	kit_rule_add(&r, &gre, sizeof(gre));
	kit_rule_add(&r, &mpls, sizeof(mpls));
	mpls_frame(&f, 47, 0, label);
	expect(&r, &f, 39, "MPLS in GRE");
}

Test(spec, esp_is_not_for_this_card)
{
	struct ibv_flow_spec_esp esp = {.type = IBV_FLOW_SPEC_ESP,
					.size = sizeof(esp),
					.val.spi = 7,
					.mask.spi = 0xffffffff};
	struct kit_rule r;

	rule(&r);
	kit_rule_add(&r, &esp, sizeof(esp));
	refused(&r, EOPNOTSUPP, "ESP");
}

/* ---- types and flags ----------------------------------------------------------------------- */

static void udp_to_b(struct frame *f, const char *dst)
{
	fr_ether(f, dst, k.a.mac, 0x0800);
	fr_ipv4(f, 17, "192.0.2.1", "198.51.100.2");
	fr_udp(f, 1000, 2000);
	fr_payload(f, 18);
	fr_finish(f);
}

Test(spec, dont_trap_copies_and_lets_go_on)
{
	struct kit_rule r;
	struct frame f;

	udp_to_b(&f, k.b.mac);
	kit_rule(&r, 3);
	kit_rule_udp(&r, 1000, 2000);
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_DONT_TRAP;
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	cr_expect_eq(st_where(&f), 1);
	kit_rule(&r, 3);
	kit_rule_udp(&r, 1000, 2000);
	cr_assert_not_null(kit_flow(&k, two.qp, &r), "the same match: %s", strerror(errno));
	cr_expect_eq(st_where(&f), 3);
	kit_rule(&r, 0);
	r.attr.type = IBV_FLOW_ATTR_ALL_DEFAULT;
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_DONT_TRAP;
	refused(&r, EINVAL, "DONT_TRAP of leftovers");
	kit_rule(&r, 0);
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_DONT_TRAP | IBV_FLOW_ATTR_FLAGS_EGRESS;
	refused(&r, EOPNOTSUPP, "DONT_TRAP of what is sent");
	kit_rule(&r, 0);
	r.attr.flags = 8;
	refused(&r, EINVAL, "flag 8");
}

Test(spec, leftovers_get_what_the_kernel_does_not_take)
{
	struct kit_rule r;
	struct frame f;

	kit_rule(&r, 0);
	r.attr.type = IBV_FLOW_ATTR_MC_DEFAULT;
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	udp_to_b(&f, "01:00:5e:01:02:03");
	cr_expect_eq(st_where(&f), 1);
	udp_to_b(&f, "02:00:00:00:00:77");
	cr_expect_eq(st_where(&f), 0);
	kit_rule(&r, 0);
	r.attr.type = IBV_FLOW_ATTR_ALL_DEFAULT;
	cr_assert_not_null(kit_flow(&k, two.qp, &r), "%s", strerror(errno));
	cr_expect_eq(st_where(&f), 2);
	udp_to_b(&f, k.b.mac);
	cr_expect_eq(st_where(&f), 0, "the kernel's own frames");
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_EGRESS;
	refused(&r, EINVAL, "leftovers of what is sent");
}

Test(spec, a_sniffer_sees_what_comes_and_what_goes)
{
	struct ibv_cq *cq = kit_cq(&k, &k.b, 16);
	struct ibv_qp *back = kit_raw(&k, &k.b, cq);
	struct kit_rule r;
	struct frame f;

	kit_catch_all(&k, two.qp);
	kit_rule(&r, 0);
	r.attr.type = IBV_FLOW_ATTR_SNIFFER;
	cr_assert_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
	udp_to_b(&f, k.b.mac);
	kit_wq_fill(one.wq, &k.b, 1, 8);
	cr_expect_eq(st_where(&f) & 2, 2, "a sniffer takes nothing away");
	kit_expect(one.cq, IBV_WC_SUCCESS); /* the frame behind it */
	fr_ether(&f, k.a.mac, k.b.mac, 0x88b5);
	fr_payload(&f, 60);
	kit_send(back, &k.b, &f, 20, IBV_SEND_SIGNALED);
	kit_expect(cq, IBV_WC_SUCCESS);
	kit_expect_frame(one.cq, &k.b, &f);
}

Test(spec, what_is_sent_can_be_dropped)
{
	struct ibv_flow *flow;
	struct kit_rule r;
	struct frame f;

	kit_catch_all(&k, two.qp);
	kit_rule(&r, 0);
	kit_rule_udp(&r, 1000, 2000);
	kit_rule_drop(&r);
	r.attr.flags = IBV_FLOW_ATTR_FLAGS_EGRESS;
	flow = ibv_create_flow(tx, &r.attr);
	cr_assert_not_null(flow, "%s", strerror(errno));
	udp_to_b(&f, k.b.mac);
	cr_expect_eq(st_where(&f), 0);
	f.b[35] ^= 1;
	cr_expect_eq(st_where(&f), 2);
	f.b[35] ^= 1;
	cr_assert_eq(ibv_destroy_flow(flow), 0);
	cr_expect_eq(st_where(&f), 2);
}

/* is_valid_ethertype(): a mask of some bits is for frames without an IP spec. */
Test(spec, an_ethertype_beside_ip_is_matched_whole)
{
	struct ibv_flow_spec_eth eth = {.type = IBV_FLOW_SPEC_ETH,
					.size = sizeof(eth),
					.val.ether_type = htobe16(0x0800),
					.mask.ether_type = htobe16(0xff00)};
	struct kit_rule r;

	kit_rule(&r, 4);
	kit_rule_add(&r, &eth, sizeof(eth));
	cr_expect_not_null(kit_flow(&k, one.qp, &r), "alone: %s", strerror(errno));
	kit_rule_ipv4(&r, NULL, "10.0.0.1");
	errno = 0;
	cr_expect_null(kit_flow(&k, one.qp, &r));
	cr_expect_eq(errno, EINVAL);
	eth.mask.ether_type = 0xffff;
	kit_rule(&r, 4);
	kit_rule_add(&r, &eth, sizeof(eth));
	kit_rule_ipv4(&r, NULL, "10.0.0.1");
	cr_expect_not_null(kit_flow(&k, one.qp, &r), "%s", strerror(errno));
}
