/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of steering: frames from port a to port b, and which of two queues there gets them. A
 * header, since each program has one of it.
 */
#ifndef TEST_STEER_KIT_H
#define TEST_STEER_KIT_H

#include "kit.h"

#include <errno.h>

#define ST_LAST 0x88b6 /* ethertype of the frame that is sent behind each one */

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;
static struct kit_rx one, two, last;
static struct ibv_wc st_wc; /* of the frame that queue one got last; its bytes in slot 0 of b */

static inline void st_setup(void)
{
	struct kit_rule r;

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
	one = kit_rx(&k, &k.b, 16);
	two = kit_rx(&k, &k.b, 16);
	last = kit_rx(&k, &k.b, 16);
	kit_wq_recv(one.wq, &k.b, 0, KIT_SLOT);
	kit_wq_recv(two.wq, &k.b, 16, KIT_SLOT);
	kit_rule(&r, 0);
	kit_rule_eth(&r, NULL, NULL, ST_LAST);
	cr_assert_not_null(kit_flow(&k, last.qp, &r), "%s", strerror(errno));
}

static inline void st_teardown(void)
{
	kit_close(&k);
}

/* Frames keep their order: when this one is there, what was sent before has been dealt with. */
static inline void st_send_last(void)
{
	struct frame f;

	fr_ether(&f, "02:00:00:00:00:99", k.a.mac, ST_LAST);
	fr_payload(&f, 46);
	kit_wq_recv(last.wq, &k.b, 40, 2048);
	kit_send(tx, &k.a, &f, 1, IBV_SEND_SIGNALED);
	kit_expect(last.cq, IBV_WC_SUCCESS);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

/* A bit for each queue that received f: 1 the first, 2 the second, 3 both. */
static inline unsigned st_where(const struct frame *f)
{
	struct ibv_wc wc[2];
	unsigned got = 0;

	memset(kit_slot(&k.b, 0), 0xee, KIT_SLOT);
	kit_send(tx, &k.a, f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
	st_send_last();
	if (ibv_poll_cq(one.cq, 1, &st_wc) == 1) {
		got |= 1;
		kit_wq_recv(one.wq, &k.b, 0, KIT_SLOT);
	}
	if (ibv_poll_cq(two.cq, 2, wc) == 1) {
		got |= 2;
		kit_wq_recv(two.wq, &k.b, 16, KIT_SLOT);
	}
	return got;
}

/* ---- frames that are none too usual ---------------------------------------------------------- */

static inline void st_inner(struct frame *f, unsigned proto)
{
	fr_ether(f, "02:11:22:33:44:55", "02:66:77:88:99:aa", 0x0800);
	fr_ipv4(f, proto, "10.1.1.1", "10.2.2.2");
	if (proto == 6)
		fr_tcp(f, 3333, 4444, FR_TCP_ACK);
	else
		fr_udp(f, 3333, 4444);
	fr_payload(f, 30);
	fr_finish(f);
}

/* Outer headers, a tunnel header of n bytes, and what is in it from byte skip on. */
static inline void st_outer(struct frame *f, unsigned proto, unsigned port)
{
	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, proto, "192.0.2.1", "198.51.100.2");
	if (port)
		fr_udp(f, 50000, port);
}

static inline void st_bytes(struct frame *f, const void *bytes, unsigned n)
{
	memcpy(f->b + f->len, bytes, n);
	f->len += n;
}

static inline void st_vxlan(struct frame *f, const struct frame *inner)
{
	static const uint8_t header[8] = {0x08, 0, 0, 0, 0x12, 0x34, 0x56, 0};

	st_outer(f, 17, 4789);
	st_bytes(f, header, 8);
	st_bytes(f, inner->b, inner->len);
	fr_finish(f);
}

/* With a key; ethertype 0x6558 carries the whole inner frame, 0x0800 its IP packet only. */
static inline void st_gre(struct frame *f, const struct frame *inner, unsigned type)
{
	uint8_t header[8] = {0x20, 0, (uint8_t)(type >> 8), (uint8_t)type, 0xaa, 0xbb, 0xcc, 0x01};
	unsigned skip = type == 0x6558 ? 0 : 14;

	st_outer(f, 47, 0);
	st_bytes(f, header, 8);
	st_bytes(f, inner->b + skip, inner->len - skip);
	f->l4 = 0;
	fr_finish(f);
}

#endif
