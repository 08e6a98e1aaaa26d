/* SPDX-License-Identifier: Apache-2.0 */
/* What most checks of --selftest begin with. */
#include <inttypes.h>
#include <stdio.h>

#include "st.h"

/* RFC 2544: addresses of benchmarks */
#define ADDR_A 0xc6120001u
#define ADDR_B 0xc6130001u

void st_plain(const struct st *st, struct st_frame *f, unsigned len, unsigned n)
{
	st_ether(f, st->b->info.mac, st->a->info.mac, ST_TYPE);
	st_fill(f, len, n);
}

void st_mark(const struct st *st, struct st_frame *f)
{
	st_ether(f, st->b->info.mac, st->a->info.mac, ST_TYPE_MARK);
	st_fill(f, 60, 0);
}

void st_udp(const struct st *st, struct st_frame *f, unsigned sport, unsigned dport, unsigned n)
{
	st_ether(f, st->b->info.mac, st->a->info.mac, 0x0800);
	st_ipv4(f, ST_UDP, ADDR_A, ADDR_B);
	st_l4(f, ST_UDP, sport, dport);
	st_fill(f, 90, n);
	st_finish(f);
}

void st_l4_frame(const struct st *st, struct st_frame *f, unsigned kind)
{
	static const uint8_t a[16] = {0x20, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t b[16] = {0x20, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
	unsigned proto = kind & ST_KIND_TCP ? ST_TCP : ST_UDP;

	st_ether(f, st->b->info.mac, st->a->info.mac, kind & ST_KIND_V6 ? 0x86dd : 0x0800);
	if (kind & ST_KIND_V6)
		st_ipv6(f, proto, a, b);
	else
		st_ipv4(f, proto, ADDR_A, ADDR_B);
	st_l4(f, proto, 1000 + kind, 2000);
	st_fill(f, 131, kind);
	st_finish(f);
}

const char *st_kind_name(unsigned kind)
{
	static const char *const names[ST_KINDS] = {"UDP over IPv4", "TCP over IPv4",
						    "UDP over IPv6", "TCP over IPv6"};

	return names[kind];
}

void st_clear_sums(struct st_frame *f, unsigned kind)
{
	if (!(kind & ST_KIND_V6))
		st_put16(f->b + f->l3 + 10, 0);
	st_put16(f->b + f->l4 + (kind & ST_KIND_TCP ? 16 : 6), 0);
}

bool st_no_csum(struct st *st, const struct st_port *p)
{
	if (p->attr.raw_packet_caps & IBV_RAW_PACKET_CAP_IP_CSUM)
		return false;
	st_skip(st, "the device does not report checksum offload");
	return true;
}

void st_expect_mark(struct st *st, struct st_sq *sq, struct st_rx *rx)
{
	struct st_frame f;

	st_mark(st, &f);
	if (!st_good(st))
		return;
	st_send(sq, ST_TX_SLOTS - 1, &f);
	st_rx_expect(st, rx, &f, NULL);
}

void st_link_open(struct st *st, struct st_link *l)
{
	struct st_rule r;

	st_sq_open(st, st->a, &l->sq, 64);
	st_rx_open(st, st->b, &l->rx, NULL);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, l->rx.qp, &r);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE_MARK);
	st_flow(st, l->rx.qp, &r);
}

void st_link_open_all(struct st *st, struct st_link *l)
{
	struct st_rule r;

	st_link_open(st, l);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0);
	st_flow(st, l->rx.qp, &r);
}

bool st_counter(const struct st_port *p, const char *name, uint64_t *value)
{
	char path[256];
	bool good;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/%u/%s", p->info.rdma,
		 p->info.port_num, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	good = fscanf(f, "%" SCNu64, value) == 1;
	fclose(f);
	return good;
}
