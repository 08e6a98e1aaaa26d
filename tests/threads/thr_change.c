/* SPDX-License-Identifier: Apache-2.0 */
/* Queues come and go while others of the context, direct ones and a worker's, carry packets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "thr.h"

enum { CHANGERS = 2, ROUNDS = 20, FRAMES = 20000 };

static const char running[] =
	"[region rx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"
	"[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
	"[txq a 0]\nregions = tx\ndepth = 128\n"
	"[rxq b 0]\nregions = rx\ndepth = 256\n"
	"[txq a 1]\nregions = tx\ndepth = 128\nmode = worker\ncpu_core = 0\n"
	"[rxq b 1]\nregions = rx\ndepth = 256\nmode = worker\ncpu_core = 0\ntimeout_us = 100\n"
	"[flow b zero]\ndst_mac = 02:00:00:00:00:10\nqueue = 0\n"
	"[flow b one]\ndst_mac = 02:00:00:00:00:11\nqueue = 1\n";

static struct daqiri *dq;
static struct daqiri_port *a, *b;
static atomic_bool ended;

/* What each changer has: queues 10 + its number, one of them of the worker that is there. */
static void *change(void *arg)
{
	int number = 10 + *(int *)arg;
	char text[512], name[16];

	snprintf(name, sizeof(name), "more%d", number);
	snprintf(text, sizeof(text),
		 "[region %s]\nkind = host\nnum_bufs = 128\nbuf_size = 2048\n"
		 "[rxq b %d]\nregions = %s\nmode = worker\ncpu_core = 0\n[txq a %d]\n"
		 "[txq a %d]\nkind = host\nnum_bufs = 64\nbuf_size = 64\nmode = worker\ncpu_core = "
		 "0\n",
		 name, number, name, number, number + CHANGERS);
	for (int i = 0; i < ROUNDS; i++) {
		struct daqiri_config *cfg = thr_config(text);

		CHECK(!daqiri_add(dq, cfg), "%s", daqiri_error_detail());
		CHECK(daqiri_add(dq, cfg) < 0, "twice");
		daqiri_config_destroy(cfg);
		CHECK(daqiri_rx_poll(daqiri_rxq_get(b, (unsigned)number), NULL, 0) == 0, "%s",
		      daqiri_error_detail());
		CHECK(!daqiri_rxq_destroy(dq, daqiri_rxq_get(b, (unsigned)number)), "%s",
		      daqiri_error_detail());
		for (int k = 0; k < 2; k++)
			CHECK(!daqiri_txq_destroy(
				      dq, daqiri_txq_get(a, (unsigned)(number + k * CHANGERS))),
			      "%s", daqiri_error_detail());
		CHECK(!daqiri_region_destroy(dq, daqiri_region_find(dq, name)), "%s",
		      daqiri_error_detail());
	}
	return NULL;
}

static void *look(void *arg)
{
	struct daqiri_event ev = {.size = sizeof(ev)};
	struct daqiri_stat stats[256];

	(void)arg;
	while (!atomic_load(&ended)) {
		CHECK(daqiri_port_stats(b, stats, 256) > 0, "%s", daqiri_error_detail());
		CHECK(daqiri_rxq_get(b, 0) && daqiri_txq_get(a, 1), "they are there");
		CHECK(daqiri_region_find(dq, "tx"), "it is there");
		CHECK(daqiri_event_get(dq, &ev) >= 0, "%s", daqiri_error_detail());
	}
	return NULL;
}

int main(void)
{
	struct thr_stream streams[2];
	struct thr changers[CHANGERS], looker;
	int numbers[CHANGERS];

	dq = thr_open(running);
	a = daqiri_port_find(dq, "a");
	b = daqiri_port_find(dq, "b");
	for (unsigned i = 0; i < 2; i++) {
		streams[i] = (struct thr_stream){.tx = daqiri_txq_get(a, i),
						 .rx = daqiri_rxq_get(b, i),
						 .dst = {2, 0, 0, 0, 0, (uint8_t)(0x10 + i)},
						 .frames = FRAMES};
		thr_stream_start(&streams[i]);
	}
	thr_start(&looker, look, NULL);
	for (int i = 0; i < CHANGERS; i++) {
		numbers[i] = i;
		thr_start(&changers[i], change, &numbers[i]);
	}
	thr_join(changers, CHANGERS);
	thr_ok("queues come and go");
	atomic_store(&ended, true);
	thr_join(&looker, 1);
	thr_ok("others look around meanwhile");
	for (unsigned i = 0; i < 2; i++)
		thr_stream_join(&streams[i]);
	thr_ok("and the queues that stay carry all packets");
	daqiri_close(dq);
	return thr_done();
}
