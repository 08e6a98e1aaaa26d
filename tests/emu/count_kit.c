/* SPDX-License-Identifier: Apache-2.0 */
#include "count_kit.h"

struct frame f, in;

static struct count count_of(const struct link *l, const char *flow)
{
	struct daqiri_stat stats[2];

	cr_assert_eq(daqiri_flow_stats(l->b, flow, stats, 2), 2, "%s", daqiri_error_detail());
	return (struct count){stats[0].value, stats[1].value};
}

/* Counters follow the frames, which a sender hears of before they are steered. */
void expect_count(const struct link *l, const char *flow, struct count want)
{
	int64_t deadline = kit_deadline();
	struct count c;

	do
		c = count_of(l, flow);
	while (c.packets < want.packets && !kit_is_late(deadline));
	cr_assert_eq(c.packets, want.packets, "%s: %lu packets", flow, (unsigned long)c.packets);
	cr_assert_eq(c.bytes, want.bytes, "%s: %lu bytes", flow, (unsigned long)c.bytes);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void finish(unsigned proto, unsigned sport, unsigned dport)
{
	if (proto == 17)
		fr_udp(&f, sport, dport);
	if (proto == 6)
		fr_tcp(&f, sport, dport, FR_TCP_ACK);
	fr_payload(&f, 57);
	fr_finish(&f);
}

void v4(unsigned proto, const char *src, unsigned dport)
{
	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, proto, src, "10.2.0.2");
	finish(proto, 4000, dport);
}

void v6(unsigned proto, const char *src, unsigned dport)
{
	fr_ether(&f, MAC_B, MAC_A, 0x86dd);
	fr_ipv6(&f, proto, src, "fd00::2");
	finish(proto, 4000, dport);
}

void ether(const char *src, unsigned type)
{
	fr_ether(&f, MAC_B, src, type);
	fr_payload(&f, 61);
	fr_finish(&f);
}

void tagged(unsigned tci)
{
	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_vlan(&f, 0x8100, tci);
	fr_ipv4(&f, 17, "10.0.0.1", "10.2.0.2");
	finish(17, 4000, 5000);
}

void to_group(const char *dst)
{
	fr_ether(&f, dst, MAC_A, 0x88b5);
	fr_payload(&f, 80);
	fr_finish(&f);
}

void vxlan(unsigned vni, const struct inner *inner)
{
	tf_inner(&in, inner);
	tf_vxlan(&f, MAC_B, vni, &in);
}

const struct inner udp4 = {4, 17, 3333, 4444, "10.1.1.1", "10.2.2.2"};
const struct inner tcp6 = {6, 6, 80, 81, "fd00::1", "fd00::2"};

void gre(unsigned type)
{
	tf_inner(&in, type == 0x0800 ? &udp4 : &tcp6);
	tf_gre(&f, MAC_B, 0, type);
	tf_gre_end(&f, &in, 14);
}

struct link open_flow(const char *sections, const char *keys, const char *action)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s[flow b x]\n%s\ncount = on\n%s\n", sections, keys, action);
	return match_open(text);
}

void add(struct count *c)
{
	c->packets++;
	c->bytes += f.len < 60 ? 60 : f.len;
}

void must_add(const struct link *l, const char *name, const char *keys)
{
	cr_assert_eq(daqiri_flow_add(l->b, name, keys), 0, "%s: %s", keys, daqiri_error_detail());
}

void must_remove(const struct link *l, const char *name)
{
	cr_assert_eq(daqiri_flow_remove(l->b, name), 0, "%s", daqiri_error_detail());
}
