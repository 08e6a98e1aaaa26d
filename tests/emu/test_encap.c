/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that put tunnels on: what arrives is the frame in the tunnel, byte for byte. */
#include <errno.h>

#include "match_kit.h"
#include "tunnel_frames.h"

static struct frame f, want;

static const struct inner udp = {4, 17, 3333, 4444, "10.1.1.1", "10.2.2.2"};
static const struct inner tcp6 = {6, 6, 80, 81, "fd00::1", "fd00::2"};

#define ADDRESSES                                                                                  \
	"mac_src = 02:00:00:00:00:77\nmac_dst = " MAC_B "\nipv4_src = 192.0.2.1\n"                 \
	"ipv4_dst = 198.51.100.2\n"
#define VXLAN "[tunnel v]\ntype = vxlan\nvni = 0x123456\nudp_src = 50000\n" ADDRESSES
#define NVGRE                                                                                      \
	"[tunnel n]\ntype = nvgre\ntni = 0xabcdef\nflow_id = 7\nttl = 5\ntos = 0x28\n" ADDRESSES
#define GRE4 "[tunnel g]\ntype = gre\n" ADDRESSES
#define GRE6 "[tunnel h]\ntype = gre\nprotocol = 0x86dd\n" ADDRESSES

/* What the outer IPv4 header has by the tunnel's word; its checksum follows. */
static void outer(unsigned tos, unsigned ttl)
{
	uint8_t *ip = want.b + 14;
	uint32_t sum;

	ip[1] = (uint8_t)tos;
	ip[8] = (uint8_t)ttl;
	fr_put16(ip + 4, 0);
	fr_put16(ip + 6, 0x4000);
	fr_put16(ip + 10, 0);
	sum = fr_sum(ip, 20, 0);
	fr_put16(ip + 10, ~((sum >> 16) + (sum & 0xffff)) & 0xffff);
}

static const struct frame *vxlan(unsigned vni)
{
	tf_vxlan(&want, MAC_B, vni, &f);
	outer(0, 64);
	fr_put16(want.b + 14 + 20 + 6, 0); /* UDP without a checksum */
	return &want;
}

static const struct frame *nvgre(uint32_t key)
{
	tf_gre(&want, MAC_B, 0x2000, 0x6558);
	tf_key(&want, key);
	tf_gre_end(&want, &f, 0);
	outer(0x28, 5);
	return &want;
}

static const struct frame *gre(unsigned type)
{
	tf_gre(&want, MAC_B, 0, type);
	tf_gre_end(&want, &f, 14);
	outer(0, 64);
	return &want;
}

#define assert_as(l, wanted) cr_assert_eq(match_where_as(l, &f, wanted), 0)
#define assert_same(l)	     cr_assert_eq(match_where_as(l, &f, &f), 0)

Test(encap, vxlan_of_all_frames)
{
	struct link l = match_open(VXLAN "[flow a out]\nencap = v\n");

	tf_inner(&f, &udp);
	assert_as(&l, vxlan(0x123456));
	tf_inner(&f, &tcp6);
	assert_as(&l, vxlan(0x123456));
	match_close(&l);
}

Test(encap, nvgre_of_frames_that_match)
{
	struct link l =
		match_open(NVGRE "[flow a out]\nencap = n\nudp_dst = 4440-4447\nqueue = 0\n");

	tf_inner(&f, &udp);
	assert_as(&l, nvgre(0xabcdef07));
	tf_inner(&f, &tcp6);
	assert_same(&l);
	match_close(&l);
}

/* Packets lose their Ethernet header, and what is no such packet goes out as it is. */
Test(encap, gre_of_packets)
{
	struct link l = match_open(GRE4 GRE6 "[flow a four]\nencap = g\n[flow a six]\nencap = h\n");

	tf_inner(&f, &udp);
	assert_as(&l, gre(0x0800));
	tf_inner(&f, &tcp6);
	assert_as(&l, gre(0x86dd));
	fr_ether(&f, MAC_B, MAC_A, 0x88b5);
	fr_payload(&f, 60);
	assert_same(&l);
	match_close(&l);
}

/* The narrower flow comes first here, too; flows of receivers are others. */
Test(encap, flows_have_an_order)
{
	struct link l = match_open(VXLAN NVGRE "[flow a all]\nencap = v\n"
					       "[flow a some]\nencap = n\nudp_dst = 4444\n"
					       "[flow b in]\nudp_dst = 4789\nqueue = 1\n");

	tf_inner(&f, &udp);
	assert_as(&l, nvgre(0xabcdef07));
	tf_inner(&f, &tcp6);
	cr_assert_eq(match_where_as(&l, &f, vxlan(0x123456)), 1);
	match_close(&l);
}

/* Another queue of the port, and another program's, send as they are. */
Test(encap, others_are_left_alone)
{
	struct link l = match_open("[txq a 1]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" VXLAN
				   "[flow a out]\nencap = v\nqueue = 1\n");
	struct link other, one = l;

	tf_inner(&f, &udp);
	assert_same(&l);
	one.tx = daqiri_txq_get(l.a, 1);
	assert_as(&one, vxlan(0x123456));
	other.dq = kit_open_text("[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				 "[port a]\naddress = " MAC_A "\n[txq a 0]\nregions = tx\n");
	other.b = l.b;
	other.tx = daqiri_txq_get(daqiri_port_find(other.dq, "a"), 0);
	assert_same(&other);
	daqiri_close(other.dq);
	match_close(&l);
}

Test(encap, is_taken_off_again)
{
	struct link l =
		match_open(VXLAN "[flow a out]\nencap = v\n[flow b in]\ndecap = v\nqueue = 2\n");

	tf_inner(&f, &udp);
	cr_assert_eq(match_where_as(&l, &f, &f), 2);
	match_close(&l);
}

static int is_encap_of_queue_0(void *arg, const struct daqiri_flow_info *info)
{
	(void)arg;
	return info->encap && info->count && !info->drop && !strcmp(info->name, "out") &&
	       info->n_queues >= 1 && info->queues[0] == 0;
}

Test(encap, at_run_time_and_counted)
{
	struct link l = match_open(VXLAN NVGRE);
	struct daqiri_stat stats[2];

	tf_inner(&f, &udp);
	assert_same(&l);
	cr_assert_eq(daqiri_flow_add(l.a, "out", "encap = v\ncount = on\n"), 0, "%s",
		     daqiri_error_detail());
	for (unsigned i = 0; i < 3; i++)
		assert_as(&l, vxlan(0x123456));
	cr_assert_eq(daqiri_flow_stats(l.a, "out", stats, 2), 2);
	cr_assert_eq(stats[0].value, 3u);
	cr_assert_eq(daqiri_flow_each(l.a, is_encap_of_queue_0, NULL), 1);
	cr_assert_lt(daqiri_flow_add(l.a, "again", "encap = n\n"), 0);
	assert_detail("matches the same packets as");
	cr_assert_eq(daqiri_flow_remove(l.a, "out"), 0);
	assert_same(&l);
	match_close(&l);
}

Test(encap, a_queue_in_use_is_busy)
{
	struct link l = match_open(VXLAN "[flow a out]\nencap = v\n");

	cr_assert_eq(daqiri_txq_destroy(l.dq, l.tx), -EBUSY);
	assert_detail("[flow a out]");
	assert_detail("takes its frames");
	cr_assert_eq(daqiri_flow_remove(l.a, "out"), 0);
	cr_assert_eq(daqiri_txq_destroy(l.dq, l.tx), 0);
	match_close(&l);
}

static void refused(const char *sections, const char *part)
{
	char text[4096];

	snprintf(text, sizeof(text), PORTS "[txq a 0]\nregions = tx\n[rxq a 0]\nregions = rx\n%s",
		 sections);
	cr_assert_lt(kit_try_text(text), 0);
	assert_detail("[flow a x]");
	assert_detail(part);
}

Test(encap, what_cannot_be_is_refused)
{
	refused("[flow a x]\nencap = v\n", "there is no [tunnel v]");
	refused("[tunnel v]\ntype = vxlan\nvni = 1\n[flow a x]\nencap = v\n",
		"give mac_src, mac_dst");
	refused(VXLAN "[flow a x]\nencap = v\nqueue = 1\n", "there is no [txq a 1]");
	refused(VXLAN "[flow a x]\nencap = v\ntag = 1\n", "tag=1: is of flows that receive");
	refused(VXLAN "[flow a x]\nencap = v\ndrop = on\n", "drop=on: is of flows that receive");
	refused(VXLAN "[flow a y]\nencap = v\n[flow a x]\nencap = v\n", "matches the same frames");
	refused(GRE4 "[flow a x]\nencap = g\nethertype = 0x86dd\n", "packets of 0x0800 alone");
	refused(GRE4 "protocol = 0x6558\n[flow a x]\nencap = g\n", "protocol of [tunnel g]");
	refused(VXLAN "udp_dst = 8472\n[flow a x]\ndecap = v\nqueue = 0\n", "UDP port 4789 alone");
	cr_assert_lt(
		kit_try_text(PORTS "[tunnel v]\ntype = vxlan\nvni = 1\nipv4_src = 10.0.0.0/8\n"),
		0);
	assert_detail("is a prefix");
	cr_assert_lt(kit_try_text(PORTS "[tunnel g]\ntype = gre\nudp_dst = 1\n"), 0);
	assert_detail("type = vxlan only");
}
