/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver that sleeps until a packet comes: it is woken for each, and costs nothing meanwhile.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "thr.h"

enum { ROUNDS = 10000, WAIT_MS = 20000, IDLE_MS = 300, IDLE_CPU_MS = 30 };

static const char text[] = "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			   "[region tx]\nkind = host\nnum_bufs = 128\nbuf_size = 2048\n"
			   "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
			   "[txq a 0-1]\nregions = tx\n[rxq b 0]\nregions = rx\n"
			   "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\n";

static struct daqiri_txq *tx, *tx_of_sender;
static struct daqiri_rxq *rx;

static void send_one(void)
{
	struct daqiri_pkt pkt;
	int n;

	while (!(n = daqiri_tx_reserve(tx, &pkt, 1)))
		sched_yield();
	CHECK(n == 1, "%s", daqiri_error_detail());
	memset((void *)(uintptr_t)pkt.addr, 0, 60);
	memcpy((void *)(uintptr_t)pkt.addr,
	       "\x02\xda\x01\x00\x00\x02\x02\xda\x01\x00\x00\x01\x88\xb5", 14);
	pkt.len = 60;
	CHECK(daqiri_tx_post(tx, &pkt, 1) == 1, "%s", daqiri_error_detail());
}

static bool readable(int ms)
{
	struct pollfd p = {.fd = daqiri_rxq_fd(rx), .events = POLLIN};

	CHECK(p.fd >= 0, "%s", daqiri_error_detail());
	return poll(&p, 1, ms) == 1;
}

static int arm(void)
{
	int ret = daqiri_rxq_arm(rx);

	CHECK(ret >= 0, "%s", daqiri_error_detail());
	return ret;
}

static int take(void)
{
	struct daqiri_pkt pkts[8];
	int n = daqiri_rx_poll(rx, pkts, 8);

	CHECK(n >= 0, "%s", daqiri_error_detail());
	daqiri_rx_release(rx, n);
	return n;
}

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void an_unarmed_queue_is_silent(void)
{
	send_one();
	CHECK(!readable(50), "the descriptor tells of a packet without having been asked");
	CHECK(arm() == 1, "a packet that lies there is not told of");
	CHECK(take() == 1, "no packet");
	thr_ok("a queue that is not armed is silent, and arming tells of what has come");
}

static void one_packet_wakes(void)
{
	double before;

	CHECK(arm() == 0, "nothing has come");
	before = cpu_ms();
	CHECK(!readable(IDLE_MS), "woken by nothing");
	CHECK(cpu_ms() - before < IDLE_CPU_MS, "%.3f ms of CPU in %d ms of sleep",
	      cpu_ms() - before, IDLE_MS);
	send_one();
	CHECK(readable(WAIT_MS), "not woken");
	CHECK(take() == 1, "woken, and no packet");
	CHECK(readable(0), "the descriptor is quiet before the event was taken");
	CHECK(arm() == 0, "nothing more has come");
	CHECK(!readable(50), "one event wakes twice");
	send_one();
	CHECK(readable(WAIT_MS), "not woken again");
	CHECK(take() == 1, "woken, and no packet");
	thr_ok("one packet wakes, once; asleep the receiver uses no CPU");
}

/* A packet that was polled although the queue was armed leaves a wakeup, which is only late. */
static void polling_on_loses_nothing(void)
{
	for (int i = 0; i < 20; i++) {
		while (arm())
			take();
		send_one();
		while (!take())
			sched_yield();
	}
	while (arm())
		CHECK(!take(), "a packet that was not sent");
	readable(50);
	while (arm())
		CHECK(!take(), "a packet that was not sent");
	send_one();
	CHECK(readable(WAIT_MS), "not woken");
	while (!take())
		CHECK(arm() == 1 || readable(WAIT_MS), "woken, and no packet");
	thr_ok("a receiver that is armed and polls all the same is woken later on");
}

static atomic_uint asked;

static void *send_when_asked(void *arg)
{
	unsigned sent = 0, wait = 1;

	(void)arg;
	while (sent < ROUNDS) {
		if (atomic_load(&asked) == sent) {
			sched_yield();
			continue;
		}
		/* At every point of the receiver's way to sleep. */
		wait = wait * 1103515245u + 12345u;
		for (volatile unsigned i = 0; i < (wait >> 16) % 3000; i++)
			;
		send_one();
		sent++;
		daqiri_tx_completed(tx);
	}
	return NULL;
}

static void no_wakeup_is_lost(void)
{
	struct thr sender;
	unsigned slept = 0;

	tx = tx_of_sender; /* a queue is one thread's */
	thr_start(&sender, send_when_asked, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		atomic_store(&asked, i + 1);
		while (!take()) {
			if (arm())
				continue;
			CHECK(readable(WAIT_MS), "the wakeup of packet %u is lost", i);
			slept++;
		}
	}
	thr_join(&sender, 1);
	CHECK(slept, "the receiver never slept");
	printf("# %u of %u packets woke the receiver\n", slept, ROUNDS);
	thr_ok("in 10000 rounds no wakeup is lost");
}

int main(void)
{
	struct daqiri *dq = thr_open(text);

	tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	tx_of_sender = daqiri_txq_get(daqiri_port_find(dq, "a"), 1);
	rx = daqiri_rxq_get(daqiri_port_find(dq, "b"), 0);
	an_unarmed_queue_is_silent();
	one_packet_wakes();
	polling_on_loses_nothing();
	no_wakeup_is_lost();
	daqiri_close(dq);
	return thr_done();
}
