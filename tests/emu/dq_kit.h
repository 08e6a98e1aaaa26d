/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of libdaqiri's public API on the emulated device share: contexts from text, frames
 * that can be told apart, and both ends of a cable. Only public headers are used.
 */
#ifndef TEST_DQ_KIT_H
#define TEST_DQ_KIT_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <daqiri.h>

/* The two ends of the first cable, by their MAC: names are not assumed. */
#define MAC_A "02:da:01:00:00:01"
#define MAC_B "02:da:01:00:00:02"

/* Two regions and two ports, "a" and "b"; queues and flows are the test's. */
#define PORTS                                                                                      \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[port a]\naddress = " MAC_A "\n"                                                          \
	"[port b]\naddress = " MAC_B "\n"

/* One sender on a, one receiver on b that gets everything. */
#define ONE_WAY(depth)                                                                             \
	PORTS "[txq a 0]\nregions = tx\ndepth = " depth "\n"                                       \
	      "[rxq b 0]\nregions = rx\ndepth = " depth "\n"                                       \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

/* A context from text; a failure is the test's, with the detail. */
struct daqiri *kit_open_text(const char *text);

/* Opens what must fail: returns the error; the context stays as it was. */
int kit_try_text(const char *text);

/*
 * A descriptor that holds, until it is closed, the machine's pool of huge pages against other tests that look at it
 * or change it, those in other systems of this machine too; -1 where the kernel has none.
 */
int kit_hold_huge_pages(void);

#define assert_detail(part)                                                                        \
	cr_assert(strstr(daqiri_error_detail(), part), "\"%s\" is not in: %s", part,               \
		  daqiri_error_detail())

/* The value of a counter; the test fails where there is none of this name. */
uint64_t kit_port_stat(struct daqiri_port *port, const char *name);

/* Waits until a counter has grown to value, which it does a little later than what it counts. */
void kit_wait_stat(struct daqiri_port *port, const char *name, uint64_t value);

/* When to give up waiting for what begins now, and whether that is past; yields if it is not. */
int64_t kit_deadline(void);
bool kit_is_late(int64_t deadline);

/* An Ethernet frame of len bytes from a to dst: ethertype 0x88b5, a number, a pattern. */
void kit_fill(void *at, uint32_t len, const char *dst, uint32_t number);

/* Whether a frame is the one that kit_fill() made; its number is then in *number. */
bool kit_check(const void *at, uint32_t len, uint32_t *number);

/* Posts all n packets, waiting for room. */
void kit_post_all(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n);

/* Sends n frames from the queue's slots; lengths go round min..max, numbers count from first. */
struct kit_burst {
	uint32_t first, n, min, max;
	const char *dst;
};
void kit_send(struct daqiri_txq *q, const struct kit_burst *burst);

/* Polls until n packets have come or nothing came for a while; returns how many did. */
int kit_receive(struct daqiri_rxq *q, struct daqiri_pkt *pkts, int n);

/* Polls for a while; returns what came, which should be nothing. */
int kit_receive_none(struct daqiri_rxq *q);

/* An open context with ports a and b, and the queues 0 that most tests use. */
struct link {
	struct daqiri *dq;
	struct daqiri_port *a, *b;
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx;
};
struct link kit_open_link(const char *text);

/* Receives the burst's frames in order, with the flow id of ONE_WAY(), and gives them back. */
void kit_expect(struct daqiri_rxq *rx, const struct kit_burst *burst);

/* Waits until a send queue has met an error, and tells which. */
struct daqiri_queue_error kit_wait_error(struct daqiri_txq *q);

/* Pulls the cable of the port, at both ends, or plugs it in. */
void kit_cable(const struct daqiri_port *port, bool up);

/* Polls a receive queue until it returns other than 0. */
int kit_poll_any(struct daqiri_rxq *q);

/* Waits until the queue has sent all of n packets. */
void kit_wait_sent(struct daqiri_txq *q, uint64_t n);

#endif
