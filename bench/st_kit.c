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
